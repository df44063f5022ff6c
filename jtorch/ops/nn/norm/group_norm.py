"""Group normalisation: rows are groups of channels (Y. Wu, K. He: Group Normalization, 2018)."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from ...._core import dtypes
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.op import Spec
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


class _GroupNorm:
    """The arithmetic of one ``group_norm``."""

    def __init__(self, bound: dict[str, Any], mode: Any):
        operand = bound["input"]
        self.meta = meta = operand.meta
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
        self.mixed = check_dtypes(meta, parameters, "GroupNormKernelImpl")
        self.operands = [operand, *parameters]
        self.wanted = wanted_gradients(self.operands, mode)
        self.has_weight, self.has_bias = weight is not None, bias is not None
        self.eps = float(bound["eps"])
        batch, channels = meta.shape[:2]
        spatial = math.prod(meta.shape[2:])
        self.grouped = (batch, groups, channels // groups, spatial)
        self.rows = (batch, groups, channels // groups * spatial)
        self.broadcast = (1, groups, channels // groups, 1)
        self.exact = meta.device.type != "cpu"

    def moments(self, input: Any) -> tuple[Any, Any]:
        """Return the centred groups, and one over their standard deviations."""
        centred, scale = _row_moments(widen(input).reshape(self.rows), self.eps, self.exact)
        return centred.reshape(self.grouped), scale[..., None]

    def mean(self, grouped: Any) -> Any:
        return _row_mean(grouped.reshape(self.rows), self.exact)[..., None]

    def channel_sum(self, grouped: Any) -> Any:
        """Return the sum over examples and positions."""
        batch, groups, channels, spatial = self.grouped
        rows = grouped.reshape(batch, groups * channels, spatial)
        if self.exact or not spatial:
            return jnp.sum(rows, (0, 2))
        return jnp.sum(rows @ jnp.ones(spatial, rows.dtype), 0)

    def affine(self, input: Any, parameters: tuple) -> Any:
        """Return the normalised groups, scaled and shifted."""
        centred, scale = self.moments(input)
        result = centred * scale
        given = [widen(parameter).reshape(self.broadcast) for parameter in parameters]
        if self.has_weight:
            result = result * given[0]
        if self.has_bias:
            result = result + given[-1]
        return cast(result.reshape(self.meta.shape), self.meta.dtype)

    def vjp(self, cotangents: list, results: list, operands: list) -> list:
        upstream = widen(cotangents[0]).reshape(self.grouped)
        centred, scale = self.moments(operands[0])
        normal = centred * scale
        gradients = []
        for position, wanted in enumerate(self.wanted):
            if not wanted:
                continue
            if not position:
                inner = upstream
                if self.has_weight:
                    inner = inner * widen(operands[1]).reshape(self.broadcast)
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

    def result(self) -> Meta:
        meta = self.meta
        strides = suggested_strides(meta) if meta.device.type == "cpu" else None
        return make_meta(meta.shape, meta.dtype, meta.device, strides)


def _group_norm_spec(operation, bound, mode) -> Spec:
    layer = _GroupNorm(bound, mode)
    saves = (0, 1) if layer.has_weight else (0,)
    return Spec(layer.operands, (layer.result(),), {"layer": layer}, saves=saves, vjp=layer.vjp)


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
    layer = _GroupNorm({**bound, "num_groups": bound["group"]}, mode)
    meta = layer.meta
    dtype = dtypes.float32 if layer.mixed else meta.dtype
    made = make_meta(layer.grouped[:2], dtype, meta.device)

    def vjp(cotangents, results, operands):
        gradients = layer.vjp(cotangents, results, operands)
        if not layer.wanted[0]:
            return gradients
        centred, scale = layer.moments(operands[0])
        of_mean, of_scale = (
            widen(each).reshape(*layer.grouped[:2], 1, 1) for each in cotangents[1:]
        )
        count = max(layer.rows[-1], 1)
        further = (of_mean - of_scale * scale**3 * centred) / count
        shape, dtype = operands[0].shape, operands[0].dtype
        return [gradients[0] + further.reshape(shape).astype(dtype), *gradients[1:]]

    saves = (0, 1) if layer.has_weight else (0,)
    return Spec(
        layer.operands,
        (layer.result(), made, made),
        {"layer": layer, "dtype": dtype, "made": made},
        saves=saves,
        vjp=vjp,
    )


@op(
    "native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, "
    "SymInt HxW, int64_t group, double eps)",
    kind=Custom(_native_group_norm_spec),
    method=False,
)
def native_group_norm(input: Any, *parameters: Any, layer: Any, dtype: Any, made: Any) -> Any:
    """Group normalisation, with the groups' means and one over their standard deviations."""
    _, scale = layer.moments(input)
    mean = layer.mean(widen(input))
    if not math.prod(layer.grouped[2:]):
        mean = jnp.zeros_like(mean)
    short = [cast(each.reshape(made.shape), dtype) for each in (mean, scale)]
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


publish("group_norm", _nn_group_norm, registry=NN_FUNCTIONS)
