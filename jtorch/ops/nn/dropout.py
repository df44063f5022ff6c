"""Dropout and its variants: what a coin for each element, or each channel, decides.

The masks are PyTorch's bit for bit. They are drawn on the host when a call is recorded, and enter
the program as one byte an element, so that nothing waits for it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from ... import _random
from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._core.strides import elementwise_strides
from ..._engine.declare import NN_FUNCTIONS, InPlace, op, publish
from ..._engine.execution import transfer
from ..._engine.graph.op import Spec
from ..._engine.graph.values import Meta, make_meta, ready
from ..._engine.recording.kinds.base import Custom, cast
from ..._engine.recording.kinds.pointwise import FLOATING
from ..._engine.recording.record import wrap
from ..._engine.recording.storage import current_value
from ..._engine.recording.trace import local
from .._shared.widening import widen
from ..creation.creation import filled_tensor
from ..creation.random import Named, _drawn, _elements, _engine_for
from ..pointwise.arithmetic import add, mul
from ..shape.copying import format_strides
from . import _messages_dropout

#: What the negative half of ``selu`` tends to, with the sign turned.
_SATURATION = 1.7580993408473766


def _coins(probability: float, kernel: str, dtype: DType) -> Callable:
    """Return how to draw truth values that are true with a probability.

    Args:
        probability: that.
        kernel: PyTorch's CUDA kernel for it.
        dtype: of the numbers that it draws.
    """
    kernel = f"wide_{kernel}" if dtype is dtypes.float64 else kernel
    return Named(
        ("bernoulli", probability),
        lambda engine, shape, dtype: _random.bernoulli(engine, probability, shape, np.bool_),
        (kernel, probability),
    )


def _mask(
    shape: tuple[int, ...], strides: Any, like: Meta, keep: float, kernel: str = "bernoulli"
) -> Any:
    """Draw a tensor that tells which elements stay.

    The draws follow the memory of the tensor of numbers that PyTorch would have drawn.
    """
    if like.dtype.is_complex:
        raise messages.not_implemented("bernoulli_scalar_cpu_", like.dtype._legacy_name)
    meta = make_meta(shape, dtypes.bool_, like.device, strides)
    coins = _coins(keep, kernel, like.dtype)
    return wrap(ready(_drawn(meta, None, coins, once=True), meta))


def _element_mask(input: Any, keep: float, kernel: str) -> Any:
    meta = current_value(input).meta
    return _mask(meta.shape, format_strides(meta, None), meta, keep, kernel)


def _channel_mask(input: Any, keep: float) -> Any:
    meta = current_value(input).meta
    if meta.ndim < 2:
        raise _messages_dropout.feature_rank()
    return _mask((*meta.shape[:2], *(1,) * (meta.ndim - 2)), None, meta, keep)


def _wide(dtype: DType) -> Any:
    return dtypes.working_dtype(dtype)._numpy


@functools.lru_cache(maxsize=1024)
def _reciprocal(keep: float, dtype: DType) -> float:
    """Return ``1 / keep`` as PyTorch's kernel divides, in the dtype that it computes in."""
    real = np.float64 if dtype is dtypes.float64 else np.float32
    return float(real(1.0) / real(keep))


def _masked(array: Any, mask: Any, scale: Any, wide: Any) -> Any:
    """Return the product with a mask that was scaled and rounded."""
    noise = (mask.astype(jnp.uint8).astype(wide) * jnp.asarray(scale, wide)).astype(array.dtype)
    return (array.astype(wide) * noise.astype(wide)).astype(array.dtype)


def _dropout_spec(operation, bound, mode) -> Spec:
    operand, mask, scale = bound["input"], bound["mask"], bound["scale"]
    meta = operand.meta
    if not meta.dtype.is_floating_point:
        raise messages.cannot_cast_result(mode.default_dtype._legacy_name, meta.dtype._legacy_name)
    wide = _wide(meta.dtype)
    strides = elementwise_strides(
        meta.shape, [(meta.shape, meta.strides), (mask.meta.shape, mask.meta.strides)]
    )

    def vjp(cotangents, results, operands):
        mask, scale = operands[1:]
        return [_masked(cotangents[0], mask, scale, wide)]

    return Spec(
        [operand, mask, scale],
        (make_meta(meta.shape, meta.dtype, meta.device, strides),),
        {"wide": wide},
        saves=(1,),
        vjp=vjp,
    )


@op(
    "_dropout(Tensor input, Tensor mask, Scalar scale)",
    kind=Custom(_dropout_spec),
    method=False,
    function=False,
    inplace=True,
    node_name="MulBackward0",
)
def _dropout(array: Any, mask: Any, scale: Any, *, wide: Any) -> Any:
    """Multiply by a number where the mask is true, by 0 elsewhere."""
    return _masked(array, mask, scale, wide)


def _offset_spec(operation, bound, mode) -> Spec:
    mask, like = bound["mask"], bound["input"].meta
    low, shift = bound["low"], bound["shift"]
    wide = _wide(like.dtype)
    target = like.dtype._numpy

    meta = make_meta(mask.meta.shape, like.dtype, like.device, mask.meta.strides)
    return Spec([mask, low, shift], (meta,), {"wide": wide, "target": target})


@op(
    "_dropout_offset(Tensor input, Tensor mask, Scalar low, Scalar shift)",
    kind=Custom(_offset_spec),
    method=False,
    function=False,
    differentiable=False,
)
def _dropout_offset(mask: Any, low: Any, shift: Any, *, wide: Any, target: Any) -> Any:
    """Return what alpha dropout adds to each element."""
    # The halves are rounded after each step, as PyTorch's kernels round.
    noise = (mask.astype(jnp.uint8).astype(wide) - 1) * jnp.asarray(low, wide)
    rounded = noise.astype(target).astype(wide)
    return (rounded + jnp.asarray(shift, wide)).astype(target)


def _apply(input: Any, p: float, train: bool, inplace: bool, feature: bool, alpha: bool) -> Any:
    """Run one of the family, after its arguments were bound."""
    if not 0 <= p <= 1:
        raise _messages_dropout.probability(p, RuntimeError)
    if p == 0 or not train or not input.numel():
        return input
    if p == 1:
        meta = current_value(input).meta
        zero = filled_tensor(make_meta((), meta.dtype, meta.device), 0)
        return input.mul_(zero) if inplace else mul.call(input, zero)
    keep = 1.0 - p
    if feature:
        mask = _channel_mask(input, keep)
    else:
        mask = _element_mask(input, keep, "bernoulli" if inplace or alpha else "dropout")
    multiply = (_dropout.inplace_twin if inplace else _dropout).call
    if not alpha:
        return multiply(input, mask, _reciprocal(keep, input.dtype))
    scale = 1.0 / math.sqrt((_SATURATION * _SATURATION * p + 1) * keep)
    low = _SATURATION * scale
    kept = multiply(input, mask, scale)
    offset = _dropout_offset.call(input, mask, low, low * p)
    return kept.add_(offset) if inplace else add.call(kept, offset)


def _declare(name: str, feature: bool, alpha: bool, doc: str) -> list[Callable]:
    """Declare ``torch.dropout`` or one of its variants, and return it and its in-place form."""
    functions = []
    for inplace in (False, True):

        def function(input, p, train, inplace=inplace):
            return _apply(input, p, train, inplace, feature, alpha)

        public = f"{name}_" if inplace else name
        function.__doc__ = doc
        declare = op(f"{public}(Tensor input, double p, bool train)", method=False)
        functions.append(declare(function))
    return functions


dropout, dropout_ = _declare(
    "dropout",
    False,
    False,
    """Dropout: 0 with probability ``p``, else ``input / (1 - p)``, so that the mean stays.

    N. Srivastava et al.: Dropout, JMLR 15 (2014).

    Args:
        input: tensor of a floating point dtype.
        p: the probability.
        train: whether to do so; otherwise the input is returned.
    """,
)
feature_dropout, feature_dropout_ = _declare(
    "feature_dropout",
    True,
    False,
    """Feature (channel) dropout: one draw for all of ``input[i, j]``.

    Args:
        input: tensor of shape (batch, channels, ...).
        p: the probability.
        train: whether to do so; otherwise the input is returned.
    """,
)
alpha_dropout, alpha_dropout_ = _declare(
    "alpha_dropout",
    False,
    True,
    """Alpha dropout: set elements to the limit of SELU, and keep mean 0 and variance 1.

    G. Klambauer et al.: Self-Normalizing Neural Networks, NeurIPS 2017.

    Args:
        input: tensor of a floating point dtype.
        p: the probability.
        train: whether to do so; otherwise the input is returned.
    """,
)
feature_alpha_dropout, feature_alpha_dropout_ = _declare(
    "feature_alpha_dropout",
    True,
    True,
    """Alpha dropout of whole channels: one draw for all of ``input[i, j]``.

    Args:
        input: tensor of shape (batch, channels, ...).
        p: the probability.
        train: whether to do so; otherwise the input is returned.
    """,
)


def _natively_masked(array: Any, mask: Any, scale: Any, wide: Any) -> Any:
    """Return the product with a mask and a rounded scale."""
    # torch 2.13 rounds the scale to the dtype here, unlike dropout.
    factor = jnp.asarray(scale, wide).astype(array.dtype).astype(wide)
    return (array.astype(wide) * mask.astype(jnp.uint8).astype(wide) * factor).astype(array.dtype)


def _native_dropout_spec(operation, bound, mode) -> Spec:
    operand, mask, scale = bound["input"], bound["mask"], bound["scale"]
    meta = operand.meta
    if not is_inexact(meta.dtype):
        raise messages.cannot_cast_result(mode.default_dtype._legacy_name, meta.dtype._legacy_name)
    wide = _wide(meta.dtype)
    strides = format_strides(meta, None)

    def vjp(cotangents, results, operands):
        mask, scale = operands[1:]
        return [_natively_masked(cotangents[0], mask, scale, wide)]

    return Spec(
        [operand, mask, scale],
        (make_meta(meta.shape, meta.dtype, meta.device, strides),),
        {"wide": wide},
        saves=(1,),
        vjp=vjp,
    )


@op(
    "_native_dropout(Tensor input, Tensor mask, Scalar scale)",
    kind=Custom(_native_dropout_spec),
    method=False,
    function=False,
    node_name="NativeDropoutBackward0",
)
def _native_dropout(array: Any, mask: Any, scale: Any, *, wide: Any) -> Any:
    """Multiply by the mask, then by a number."""
    return _natively_masked(array, mask, scale, wide)


@op("native_dropout(Tensor input, double p, bool? train)", method=False)
def native_dropout(input, p, train):
    """Dropout with its bool mask of kept elements; ``train=None`` means True."""
    meta = current_value(input).meta
    strides = format_strides(meta, None)
    if train is None or train:
        keep = 1.0 - p
        shaped = make_meta(meta.shape, dtypes.bool_, meta.device, strides)
        coins = _coins(keep, "dropout", meta.dtype)
        mask = wrap(ready(_drawn(shaped, None, coins, once=True), shaped))
        return _native_dropout.call(input, mask, 0.0 if keep == 0 else 1.0 / keep), mask
    mask = filled_tensor(make_meta(meta.shape, dtypes.bool_, meta.device, strides), True)
    if not is_inexact(meta.dtype):
        return input.clone(), mask
    return _native_dropout.call(input, mask, 1.0), mask


# torch.nn.functional


def _check_probability(p: Any) -> None:
    if p < 0.0 or p > 1.0:
        raise _messages_dropout.probability(p, ValueError)


def _functional(plain: Callable, in_place: Callable, training_by_default: bool) -> Callable:
    """Publish the form of ``torch.nn.functional``."""
    name = plain.__name__

    def call(input, p=0.5, training=training_by_default, inplace=False):
        _check_probability(p)
        return (in_place if inplace else plain)(input, p, training)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"""Apply ``torch.{name}``.

    Args:
        input: tensor.
        p: probability of an element, or a channel, to be dropped.
        training: whether to drop any.
        inplace: whether to write to ``input``.
    """
    publish(name, call, registry=NN_FUNCTIONS)
    return call


dropout_function = _functional(dropout, dropout_, True)
_functional(alpha_dropout, alpha_dropout_, False)
_functional(feature_alpha_dropout, feature_alpha_dropout_, False)


def _drop_channels(input: Any, p: float, training: bool, inplace: bool) -> Any:
    return (feature_dropout_ if inplace else feature_dropout)(input, p, training)


def _as_batch(input: Any, p: float, training: bool, inplace: bool) -> Any:
    """Drop channels of one example."""
    batch = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    result = _drop_channels(batch, p, training, inplace)
    return result.squeeze_(0) if inplace else result.squeeze(0)


def dropout1d(input, p=0.5, training=True, inplace=False):
    """Channel dropout of sequences.

    Args:
        input: tensor of shape (batch, channels, length) or (channels, length).
        p: probability of a channel to be dropped.
        training: whether to drop any.
        inplace: whether to write to ``input``.
    """
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (2, 3):
        raise _messages_dropout.one_spatial_rank(ndim)
    drop = _drop_channels if ndim == 3 else _as_batch
    return drop(input, p, training, inplace)


publish("dropout1d", dropout1d, registry=NN_FUNCTIONS)


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Channel dropout of images.

    Args:
        input: tensor of shape (batch, channels, height, width).
        p: probability of a channel to be dropped.
        training: whether to drop any.
        inplace: whether to write to ``input``.
    """
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (3, 4):
        _messages_dropout.warn_spatial_rank("dropout2d", 2, ndim)
    if ndim == 3:
        _messages_dropout.warn_no_batch()
    return _drop_channels(input, p, training, inplace)


publish("dropout2d", dropout2d, registry=NN_FUNCTIONS)


def dropout3d(input, p=0.5, training=True, inplace=False):
    """Channel dropout of volumes.

    Args:
        input: tensor of shape (batch, channels, depth, height, width) or without the batch.
        p: probability of a channel to be dropped.
        training: whether to drop any.
        inplace: whether to write to ``input``.
    """
    _check_probability(p)
    ndim = input.dim()
    if ndim not in (4, 5):
        _messages_dropout.warn_spatial_rank("dropout3d", 3, ndim)
    drop = _drop_channels if ndim == 5 else _as_batch
    return drop(input, p, training, inplace)


publish("dropout3d", dropout3d, registry=NN_FUNCTIONS)


# Random slopes


def _check_rrelu(meta: Meta) -> None:
    if meta.dtype not in FLOATING or meta.dtype is dtypes.float16:
        raise messages.not_implemented("rrelu_with_noise_out_cpu", meta.dtype._legacy_name)


def _times_slopes(array: Any, slopes: Any, wide: Any, dtype: DType) -> Any:
    return cast(array.astype(wide) * slopes.astype(wide), dtype)


def _drawn_slopes_spec(operation, bound, mode) -> Spec:
    operand, slopes = bound["input"], bound["slopes"]
    meta = operand.meta
    wide = _wide(meta.dtype)
    dtype = meta.dtype

    def vjp(cotangents, results, operands):
        slopes = operands[1].astype(dtype._numpy)
        return [_times_slopes(cotangents[0], slopes, wide, dtype)]

    return Spec(
        [operand, slopes],
        (make_meta(meta.shape, dtype, meta.device),),
        {"wide": wide, "dtype": dtype},
        saves=(0, 1),
        vjp=vjp,
    )


@op(
    "_rrelu_drawn(Tensor input, Tensor slopes)",
    kind=Custom(_drawn_slopes_spec),
    method=False,
    function=False,
    inplace=InPlace(node_name="RreluWithNoiseBackward1"),
    node_name="RreluWithNoiseBackward0",
)
def _rrelu_drawn(array: Any, slopes: Any, *, wide: Any, dtype: Any) -> Any:
    """Multiply each element by a slope of its own."""
    return _times_slopes(array, slopes, wide, dtype)


def _fixed_slope_spec(operation, bound, mode) -> Spec:
    operand, slope = bound["input"], bound["slope"]
    meta = operand.meta
    if meta.dtype not in FLOATING:
        raise messages.not_implemented("leaky_relu_cpu", meta.dtype._legacy_name)
    return Spec([operand, slope], (make_meta(meta.shape, meta.dtype, meta.device),))


def _sloped(array: Any, sign: Any, slope: Any) -> Any:
    wide = widen(array)
    return jnp.where(sign > 0, wide, wide * jnp.asarray(slope, wide.dtype)).astype(array.dtype)


@op(
    "_rrelu_fixed(Tensor input, Scalar slope)",
    kind=Custom(_fixed_slope_spec),
    method=False,
    function=False,
    inplace=InPlace(
        saves=("result",),
        vjp=lambda cotangents, results, operands: [_sloped(cotangents[0], results[0], operands[1])],
        node_name="RreluWithNoiseBackward1",
    ),
    saves=("input",),
    vjp=lambda cotangents, results, operands: [_sloped(cotangents[0], operands[0], operands[1])],
    node_name="RreluWithNoiseBackward0",
)
def _rrelu_fixed(array: Any, slope: Any) -> Any:
    """Multiply negative elements by a number."""
    return _sloped(array, array, slope)


def _rrelu(input: Any, lower: float, upper: float, training: bool, generator: Any, inplace: bool):
    meta = current_value(input).meta
    if lower > upper:
        raise _messages_dropout.rrelu_bounds()
    if not training:
        call = _rrelu_fixed.inplace_twin.call if inplace else _rrelu_fixed.call
        return call(input, (float(lower) + float(upper)) / 2)
    _check_rrelu(meta)
    if local.trace.captures and local.trace.is_mapped(current_value(input)):
        raise _messages_dropout.rrelu_of_slices()
    # Only elements that are not positive have a slope drawn, one after the other.
    elements = _elements(input)
    wide = widen(elements)
    drops = wide <= 0
    source = _engine_for(generator, input)
    slopes = np.ones(meta.shape, wide.dtype)
    # PyTorch rounds the bounds to the dtype it computes in, and draws between them in float64.
    low, high = [float(wide.dtype.type(bound)) for bound in (lower, upper)]
    slopes[drops] = source.doubles(int(drops.sum())) * (high - low) + low
    # The forward pass uses the slopes as drawn, the gradient those in the input's dtype.
    compute_dtype = dtypes.working_dtype(meta.dtype)
    slopes_meta = make_meta(meta.shape, compute_dtype, meta.device)
    noise = wrap(ready(transfer.put(slopes, meta.device), slopes_meta))
    call = _rrelu_drawn.inplace_twin.call if inplace else _rrelu_drawn.call
    return call(input, noise)


_RRELU = (
    "(Tensor input, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, "
    "Generator? generator=None)"
)


@op("rrelu" + _RRELU, method=False)
def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, generator=None):
    """Randomised leaky ReLU: ``input`` where positive, else ``a * input`` with a random ``a``.

    B. Xu et al.: Empirical Evaluation of Rectified Activations, 2015.

    Args:
        input: tensor of a floating point dtype.
        lower, upper: bounds of the slopes; without training all are their mean.
        training: whether to draw them.
        generator: what to draw from, the default one unless given.
    """
    return _rrelu(input, lower, upper, training, generator, False)


@op("rrelu_" + _RRELU, method=False)
def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False, generator=None):
    """Randomised leaky ReLU in place."""
    return _rrelu(input, lower, upper, training, generator, True)


publish("rrelu_", rrelu_, registry=NN_FUNCTIONS)


def _nn_rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """Randomised leaky ReLU, as ``torch.rrelu``.

    Args:
        input: tensor of a floating point dtype.
        lower, upper: bounds of the slopes.
        training: whether to draw them.
        inplace: whether to write to ``input``.
    """
    return (rrelu_ if inplace else rrelu)(input, lower, upper, training)


_nn_rrelu.__name__ = _nn_rrelu.__qualname__ = "rrelu"
publish("rrelu", _nn_rrelu, registry=NN_FUNCTIONS)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """Gumbel-softmax sample: ``softmax((logits + g) / tau)``, ``g`` standard Gumbel noise.

    E. Jang, S. Gu, B. Poole: Categorical Reparameterization with Gumbel-Softmax, ICLR 2017.

    Args:
        logits: logarithms of probabilities up to a constant.
        tau: temperature.
        hard: whether to return ones and zeros, with the gradients of the soft numbers.
        eps: without meaning.
        dim: dimension along which the numbers add up to 1.
    """
    if eps != 1e-10:
        _messages_dropout.warn_gumbel_epsilon()
    shape = tuple(logits.shape)
    noise = -logits.new_empty(shape).exponential_().log()
    soft = ((logits + noise) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    return logits.new_zeros(shape).scatter_(dim, index, 1.0) - soft.detach() + soft


publish("gumbel_softmax", gumbel_softmax, registry=NN_FUNCTIONS)
