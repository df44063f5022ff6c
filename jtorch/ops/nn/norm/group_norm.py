"""Group normalisation: rows are groups of channels (Y. Wu, K. He: Group Normalization, 2018)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp

from ...._core import dtypes
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.op import Operand, Spec
from ...._engine.graph.tracing import for_numpy
from ...._engine.graph.values import Meta, make_meta
from ...._engine.recording.kinds.base import Custom, cast
from ..._shared.memory_order import suggested_strides
from ..._shared.widening import widen
from . import _messages
from .layer_norm import _row_mean, _row_moments, check_dtypes, wanted_gradients


def check_values_per_channel(size: Any) -> None:
    count = size[0]
    for each in size[2:]:
        count *= each
    if count == 1:
        raise _messages.one_value(size)


class _GroupNorm(NamedTuple):
    """The arithmetic of one ``group_norm``, for input of any size.

    Attributes:
        groups: how many groups the channels are divided into.
        eps: added to the variance.
        exact: whether sums are made in the order of the CPU.
        has_weight, has_bias: which parameters follow the input.
        wanted: whether each operand's gradient is wanted.
    """

    groups: int
    eps: float
    exact: bool
    has_weight: bool
    has_bias: bool
    wanted: tuple[bool, ...]

    def grouped(self, array: Any) -> Any:
        """Return the input, or an array of its shape, as (batch, groups, channels, positions)."""
        batch, channels, *spatial = array.shape
        each = channels // self.groups
        return widen(array).reshape(batch, self.groups, each, math.prod(spatial))

    def parameter(self, array: Any) -> Any:
        """Return a weight or bias so that it broadcasts to groups."""
        return widen(array).reshape(1, self.groups, -1, 1)

    def moments(self, grouped: Any) -> tuple[Any, Any]:
        """Return the centred groups, and one over their standard deviations."""
        centred, scale = _row_moments(_rows(grouped), self.eps, self.exact)
        return centred.reshape(grouped.shape), scale[..., None]

    def mean(self, grouped: Any) -> Any:
        return _row_mean(_rows(grouped), self.exact)[..., None]

    def channel_sum(self, grouped: Any) -> Any:
        """Return the sum over examples and positions."""
        batch, groups, channels, spatial = grouped.shape
        rows = grouped.reshape(batch, groups * channels, spatial)
        if self.exact or for_numpy() or spatial == 0:
            return jnp.sum(rows, (0, 2))
        return jnp.sum(rows @ jnp.ones(spatial, rows.dtype), 0)

    def affine(self, input: Any, parameters: tuple) -> Any:
        """Return the normalised groups, scaled and shifted."""
        centred, scale = self.moments(self.grouped(input))
        result = centred * scale
        given = [self.parameter(each) for each in parameters]
        if self.has_weight:
            result = result * given[0]
        if self.has_bias:
            result = result + given[-1]
        return result.reshape(input.shape).astype(input.dtype)

    def vjp(self, cotangents: list, results: list, operands: list) -> list:
        upstream = self.grouped(cotangents[0])
        centred, scale = self.moments(self.grouped(operands[0]))
        normal = centred * scale
        gradients = []
        for position, wanted in enumerate(self.wanted):
            if not wanted:
                continue
            if not position:
                inner = upstream
                if self.has_weight:
                    inner = inner * self.parameter(operands[1])
                mean = self.mean(inner)
                share = self.mean(inner * normal)
                gradient = (inner - mean - normal * share) * scale
            elif position == 1 and self.has_weight:
                gradient = self.channel_sum(upstream * normal)
            else:
                gradient = self.channel_sum(upstream)
            given = operands[position]
            gradients.append(gradient.reshape(given.shape).astype(given.dtype))
        return gradients

    def native_vjp(self, cotangents: list, results: list, operands: list) -> list:
        """Return the gradients where means and deviations are results too."""
        gradients = self.vjp(cotangents, results, operands)
        if not self.wanted[0]:
            return gradients
        grouped = self.grouped(operands[0])
        centred, scale = self.moments(grouped)
        of_mean, of_scale = (widen(each).reshape(scale.shape) for each in cotangents[1:])
        count = max(math.prod(grouped.shape[2:]), 1)
        further = (of_mean - of_scale * scale**3 * centred) / count
        shape, dtype = operands[0].shape, operands[0].dtype
        return [gradients[0] + further.reshape(shape).astype(dtype), *gradients[1:]]


def _rows(grouped: Any) -> Any:
    """Return groups with all their elements in one dimension."""
    batch, groups, channels, spatial = grouped.shape
    return grouped.reshape(batch, groups, channels * spatial)


def _group_norm_of(bound: dict[str, Any], mode: Any) -> tuple[_GroupNorm, list[Operand], bool]:
    """Check the arguments; return the arithmetic, the operands, and whether dtypes are mixed."""
    operand = bound["input"]
    meta = operand.meta
    weight, bias = bound.get("weight"), bound.get("bias")
    parameters = [each for each in (weight, bias) if each is not None]
    groups = bound["num_groups"]
    if groups <= 0:
        raise _messages.group_count(groups)
    if meta.ndim < 2:
        raise _messages.group_rank(meta.ndim)
    if meta.shape[1] % groups:
        raise _messages.groups_of_channels(meta.shape, groups)
    for name, each in (("weight", weight), ("bias", bias)):
        if each is not None and each.meta.shape != (meta.shape[1],):
            raise _messages.channel_vector(name, each.meta.shape, meta.shape)
    mixed = check_dtypes(meta, parameters, "GroupNormKernelImpl")
    operands = [operand, *parameters]
    layer = _GroupNorm(
        groups=groups,
        eps=float(bound["eps"]),
        exact=meta.device.type != "cpu",
        has_weight=weight is not None,
        has_bias=bias is not None,
        wanted=tuple(wanted_gradients(operands, mode)),
    )
    return layer, operands, mixed


def _result_of(meta: Meta) -> Meta:
    strides = suggested_strides(meta) if meta.device.type == "cpu" else None
    return make_meta(meta.shape, meta.dtype, meta.device, strides)


def _group_norm_spec(operation, bound, mode) -> Spec:
    layer, operands, _ = _group_norm_of(bound, mode)
    saves = (0, 1) if layer.has_weight else (0,)
    metas = (_result_of(operands[0].meta),)
    return Spec(operands, metas, {"layer": layer}, saves=saves, vjp=layer.vjp)


@op(
    "_group_norm(Tensor input, int64_t num_groups, Tensor? weight, Tensor? bias, double eps)",
    kind=Custom(_group_norm_spec),
    method=False,
    function=False,
    node_name="NativeGroupNormBackward0",
)
def _group_norm(input: Any, *parameters: Any, layer: _GroupNorm) -> Any:
    """Normalise groups of channels."""
    return layer.affine(input, parameters)


def _native_group_norm_spec(operation, bound, mode) -> Spec:
    layer, operands, mixed = _group_norm_of({**bound, "num_groups": bound["group"]}, mode)
    meta = operands[0].meta
    dtype = dtypes.float32 if mixed else meta.dtype
    made = make_meta((meta.shape[0], layer.groups), dtype, meta.device)
    return Spec(
        operands,
        (_result_of(meta), made, made),
        {"layer": layer, "dtype": dtype},
        saves=(0, 1) if layer.has_weight else (0,),
        vjp=layer.native_vjp,
    )


@op(
    "native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, "
    "SymInt HxW, int64_t group, double eps)",
    kind=Custom(_native_group_norm_spec),
    method=False,
)
def native_group_norm(input: Any, *parameters: Any, layer: Any, dtype: Any) -> Any:
    """Group normalisation, with the groups' means and one over their standard deviations."""
    grouped = layer.grouped(input)
    _, scale = layer.moments(grouped)
    mean = layer.mean(grouped)
    if 0 in grouped.shape[2:]:
        mean = jnp.zeros_like(mean)
    short = [cast(each[..., 0, 0], dtype) for each in (mean, scale)]
    return (layer.affine(input, parameters), *short)


@op(
    "group_norm(Tensor input, int64_t num_groups, Tensor? weight=None, Tensor? bias=None, "
    "double eps=1e-05, bool cudnn_enabled=True)",
    method=False,
    autocast=Autocast(cuda="float32"),
)
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5, cudnn_enabled=True):
    """Group normalisation: ``(x - mean) / sqrt(variance + eps) * weight + bias``.

    Mean and variance are those of a group of channels of one example.

    Y. Wu, K. He: Group Normalization, ECCV 2018.

    Args:
        input: tensor of a floating point dtype, of shape (batch, channels, ...).
        num_groups: how many groups the channels are divided into.
        weight, bias: tensors of one element for each channel to scale and to shift by.
        eps: added to the variance.
        cudnn_enabled: without meaning.
    Returns:
        Tensor of the input's shape, dtype and memory format.
    """
    return _group_norm.call(input, num_groups, weight, bias, eps)


def _nn_group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Apply ``torch.group_norm``, after a check that there is something to normalise.

    Args:
        input: tensor of shape (batch, channels, ...).
        num_groups: how many groups the channels are divided into.
        weight, bias: tensors of one element for each channel to scale and to shift by.
        eps: added to the variance.
    """
    if input.dim() < 2:
        raise _messages.group_rank(input.dim())
    batch, channels, *rest = input.shape
    check_values_per_channel([batch * channels // num_groups, num_groups, *rest])
    return group_norm(input, num_groups, weight, bias, eps, True)


publish("group_norm", _nn_group_norm, registry=NN_FUNCTIONS, remembered=True)
