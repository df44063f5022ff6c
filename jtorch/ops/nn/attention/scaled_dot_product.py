"""Attention: ``scaled_dot_product_attention`` and its two ways on the CPU.

One way is a single operator, as PyTorch's flash kernel is; the other one, which also knows dropout
and gradients of the mask, is put together from recorded operators as PyTorch's is, so that random
numbers and the names of nodes come out as there.

Source: Vaswani et al., "Attention is all you need" (2017).
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from ...._core import attention_backends as backends
from ...._core import dtypes, messages
from ...._core.attention_backends import SDPBackend
from ...._core.dtypes import dtype as DType
from ...._engine.declare import NN_FUNCTIONS, op, publish
from ...._engine.graph.op import Operand, Spec
from ...._engine.graph.values import make_meta
from ...._engine.recording.kinds.base import Custom, broadcast_shapes, cast, normalise_dim
from ...._engine.recording.trace import local
from ..._shared.dot_precision import of_products
from ..._shared.half_products import stays_half
from ...creation.creation import ones, zeros_like
from ...linalg.common import sum_to
from ...linalg.matmul import matmul
from ...shape.copying import format_strides
from ..dropout import dropout
from . import _messages


def _einsum(formula: str, left: Any, right: Any) -> Any:
    return jnp.einsum(formula, left, right, precision=of_products())


def _safe_weights(scores: Any) -> Any:
    """Return a softmax over the last dimension that is 0 where every score is minus infinity."""
    if not scores.shape[-1]:
        return scores
    top = jnp.max(scores, -1, keepdims=True)
    shifted = jnp.exp(scores - jax.lax.stop_gradient(jnp.where(top == -jnp.inf, 0, top)))
    total = jnp.sum(shifted, -1, keepdims=True)
    return shifted / jnp.where(top == -jnp.inf, 1, total)


def _scores(
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    *,
    scale: float,
    causal: bool,
    groups: int,
    compute_dtype: DType,
) -> tuple[Any, list[Any]]:
    """Return the scores, and query, key and value as they are computed with.

    Args:
        mask: ``None``, or what to add to the scores; where it is bool, ``False`` hides.
        scale, causal: see ``_flash``.
        groups: how many heads of the query share one of the key.
        compute_dtype: what to compute in.
    """
    query, key, value = [cast(array, compute_dtype) for array in (query, key, value)]
    if groups > 1:
        key, value = [jnp.repeat(array, groups, 1) for array in (key, value)]
    scores = _einsum("bhte,bhse->bhts", query, key) * _factor(scale, query)
    if mask is not None:
        if mask.dtype.kind == "b":
            scores = jnp.where(mask, scores, -jnp.inf)
        else:
            scores = scores + cast(mask, compute_dtype)
    if causal:
        steps, columns = scores.shape[-2:]
        seen = jnp.arange(columns) <= jnp.arange(steps)[:, None]
        scores = jnp.where(seen, scores, -jnp.inf)
    return scores, [query, key, value]


def _factor(scale: float | None, query: Any) -> Any:
    """Return the factor of the scores."""
    if scale is not None:
        return scale
    size = query.shape[-1]
    if isinstance(size, int):
        return 1 / math.sqrt(size)
    return (1 / jnp.sqrt(jnp.asarray(size, jnp.float64))).astype(query.dtype)


def _flash_spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    operands: list[Operand] = [bound["query"], bound["key"], bound["value"]]
    query, key, value = [operand.meta for operand in operands]
    wanted = [mode.grad and operand.meta.grad != 0 for operand in operands]
    mask = bound.get("attn_mask")
    if mask is not None:
        operands.append(mask)
    scale = None if bound.get("scale") is None else float(bound["scale"])
    dtype = query.dtype
    compute_dtype = dtypes.working_dtype(dtype)
    heads, key_heads = query.shape[1], key.shape[1]
    groups = heads // key_heads
    params = {
        "scale": scale,
        "causal": bound.get("is_causal", False),
        "groups": groups,
        "compute_dtype": compute_dtype,
    }

    def vjp(cotangents: list, results: list, operands: list) -> list:
        given = (*operands, None)[:4]
        scores, (query, key, value) = _scores(*given, **params)
        weights = _safe_weights(scores)
        upstream = cast(cotangents[0], compute_dtype)
        d_value = _einsum("bhts,bhte->bhse", weights, upstream)
        d_weights = _einsum("bhte,bhse->bhts", upstream, value)
        product = d_weights * weights
        d_scores = (product - weights * jnp.sum(product, -1, keepdims=True)) * _factor(scale, query)
        gradients = [
            _einsum("bhts,bhse->bhte", d_scores, key),
            _einsum("bhts,bhte->bhse", d_scores, query),
            d_value,
        ]
        if groups > 1:
            gradients[1:] = [
                gradient.reshape(len(gradient), key_heads, groups, *gradient.shape[2:]).sum(2)
                for gradient in gradients[1:]
            ]
        return [
            cast(gradient, dtype)
            for gradient, needed in zip(gradients, wanted, strict=True)
            if needed
        ]

    batch, steps = query.shape[0], query.shape[2]
    result = make_meta(
        (batch, heads, steps, value.shape[-1]), dtype, query.device, format_strides(query, None)
    )
    logarithms = make_meta(
        (batch, heads, steps), compute_dtype, query.device, (steps * heads, 1, heads)
    )
    return Spec(
        operands,
        (result, logarithms),
        {**params, "dtype": dtype},
        saves=tuple(range(len(operands))),
        vjp=vjp,
    )


@op(
    "_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor value, "
    "double dropout_p=0.0, bool is_causal=False, *, Tensor? attn_mask=None, double? scale=None)",
    kind=Custom(_flash_spec),
    method=False,
    node_name="ScaledDotProductFlashAttentionForCpuBackward0",
)
def _flash(
    query: Any,
    key: Any,
    value: Any,
    mask: Any = None,
    *,
    scale: float,
    causal: bool,
    groups: int,
    compute_dtype: DType,
    dtype: DType,
) -> tuple[Any, Any]:
    """Scaled dot-product attention as one operator: ``softmax(query @ key.mT * scale) @ value``.

    Args:
        query: of shape (batch, heads, time, features).
        key, value: of shape (batch, heads, positions, features).
        dropout_p: 0.
        is_causal: whether a step sees only the positions up to its own.
        attn_mask: what to add to the scores; where it is bool, ``False`` hides.
        scale: factor of the scores; one over the square root of the features unless given.
    Returns:
        Tensor like the query, and the logarithms of the sums of exponentials.
    """
    scores, (_, _, value) = _scores(
        query, key, value, mask, scale=scale, causal=causal, groups=groups,
        compute_dtype=compute_dtype,
    )  # fmt: skip
    result = _einsum("bhts,bhse->bhte", _safe_weights(scores), value)
    return cast(result, dtype), jax.scipy.special.logsumexp(scores, -1)


def _wide_scores_spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    operands: list[Operand] = [bound["query"], bound["key"]]
    query, key = [operand.meta for operand in operands]
    wanted = [mode.grad and operand.meta.grad != 0 for operand in operands]
    shapes, dtype = (query.shape, key.shape), query.dtype._numpy

    def vjp(cotangents: list, results: list, operands: list) -> list:
        query, key = operands
        upstream = cotangents[0].astype(dtype)
        gradients = []
        if wanted[0]:
            gradients.append(_einsum("...ts,...se->...te", upstream, key))
        if wanted[1]:
            gradients.append(_einsum("...ts,...te->...se", upstream, query))
        own = [shape for shape, needed in zip(shapes, wanted, strict=True) if needed]
        return [sum_to(each, shape) for each, shape in zip(gradients, own, strict=True)]

    batch = broadcast_shapes([query.shape[:-2], key.shape[:-2]])
    shape = (*batch, query.shape[-2], key.shape[-2])
    return Spec(operands, (make_meta(shape, dtypes.float32, query.device),), saves=(0, 1), vjp=vjp)


@op(
    "_wide_scores(Tensor query, Tensor key)",
    kind=Custom(_wide_scores_spec),
    method=False,
    function=False,
    node_name="UnsafeViewBackward0",
)
def _wide_scores(query: Any, key: Any) -> Any:
    """Return ``query @ key.mT`` of tensors of 16 bits, in float32."""
    return jnp.einsum(
        "...te,...se->...ts",
        query,
        key,
        precision=of_products(),
        preferred_element_type=jnp.float32,
    )


def _safe_softmax_spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    compute = bound.get("dtype") or meta.dtype
    axis = normalise_dim(bound["dim"], meta.ndim)
    if not compute.is_floating_point:
        last = "_lastdim" if axis == max(meta.ndim - 1, 0) else ""
        raise messages.not_implemented(f"softmax{last}_kernel_impl", compute._legacy_name)
    wide, dtype = dtypes.working_dtype(compute), meta.dtype

    def vjp(cotangents, results, operands):
        (cotangent,), (result,) = cotangents, results
        if not result.ndim:
            return [jnp.zeros((), dtype._numpy)]
        cotangent, result = cast(cotangent, wide), cast(result, wide)
        product = cotangent * result
        return [cast(product - result * jnp.sum(product, axis, keepdims=True), dtype)]

    made = make_meta(meta.shape, compute, meta.device)
    return Spec(
        [operand],
        (made,),
        {"axis": axis, "compute": compute, "wide": wide},
        saves=(),
        vjp=vjp,
    )


@op(
    "_safe_softmax(Tensor input, int64_t dim, ScalarType? dtype=None)",
    kind=Custom(_safe_softmax_spec),
    method=False,
    saves=("result",),
)
def _safe_softmax(array: Any, *, axis: Any, compute: Any, wide: Any) -> Any:
    """Softmax along a dimension, 0 where all elements are minus infinity.

    Args:
        input: tensor of a floating point dtype.
        dim: the dimension that is normalised.
        dtype: what to compute in.
    """
    rows = cast(array, wide)
    rows = jnp.moveaxis(rows if array.ndim else rows.reshape(1), axis, -1)
    weights = jnp.moveaxis(_safe_weights(rows), -1, axis)
    return cast(weights if array.ndim else weights.reshape(()), compute)


def _check(query: Any, key: Any, value: Any, mask: Any) -> None:
    """Refuse what PyTorch refuses before it chooses a way."""
    if query.dtype is not key.dtype or query.dtype is not value.dtype:
        raise _messages.dtypes(*[each.dtype._legacy_name for each in (query, key, value)])
    if query.device != key.device or query.device != value.device:
        raise _messages.devices(query.device, key.device, value.device)
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise _messages.ranks(query.dim(), key.dim(), value.dim())
    if mask is not None:
        kind = mask.dtype
        if kind not in (dtypes.bool_, dtypes.float32) and kind is not query.dtype:
            raise _messages.mask_dtype(kind._legacy_name, query.dtype._legacy_name)
        if mask.dim() < 2:
            raise messages.dim_out_of_range(-2, mask.dim())


def _flash_applies(
    query: Any, key: Any, value: Any, mask: Any, dropout_p: float, enable_gqa: bool
) -> bool:
    """Tell whether PyTorch's flash kernel for the CPU takes these operands."""
    if dropout_p > 0 or query.dim() != 4 or key.dim() != 4 or value.dim() != 4:
        return False
    q, k, v = tuple(query.shape), tuple(key.shape), tuple(value.shape)
    if not query.dtype.is_floating_point or query.device.type != "cpu":
        return False
    if q[0] != k[0] or q[0] != v[0] or q[3] != k[3] or q[3] != v[3] or k[2] != v[2]:
        return False
    if 0 in q or 0 in k:
        return False
    if (q[1] != k[1] or q[1] != v[1]) and (not enable_gqa or k[1] != v[1] or q[1] % k[1]):
        return False
    if any(each.stride(-1) != 1 for each in (query, key, value)):
        return False
    if mask is None:
        return True
    if mask.requires_grad and local.trace.mode.grad:
        return False
    wanted = (q[0], q[1], q[2], k[2])
    if mask.dim() not in (2, 4):
        return False
    return all(
        size in (1, full)
        for size, full in zip(tuple(mask.shape), wanted[-mask.dim() :], strict=True)
    )


def _choice(query, key, value, mask, dropout_p, enable_gqa) -> SDPBackend:
    """Choose a way, as PyTorch does on the CPU."""
    if backends.enabled(SDPBackend.FLASH_ATTENTION) and _flash_applies(
        query, key, value, mask, dropout_p, enable_gqa
    ):
        return SDPBackend.FLASH_ATTENTION
    if backends.enabled(SDPBackend.MATH):
        return SDPBackend.MATH
    return SDPBackend.ERROR


_CALL = (
    "(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, double dropout_p=0.0, "
    "bool is_causal=False, {extra}*, double? scale=None, bool enable_gqa=False)"
)


@op("_fused_sdp_choice" + _CALL.format(extra=""), method=False)
def _fused_sdp_choice(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    """Return the number of the way in which attention would be computed."""
    choice = _choice(query, key, value, attn_mask, dropout_p, enable_gqa)
    if choice is SDPBackend.ERROR:
        raise _messages.no_backend()
    return int(choice)


@op("scaled_dot_product_attention" + _CALL.format(extra=""), method=False, function=False)
def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    """Scaled dot-product attention: ``softmax(query @ key.mT * scale + attn_mask) @ value``.

    Args:
        query: of shape (..., heads, time, features).
        key: of shape (..., heads, positions, features).
        value: of shape (..., heads, positions, value features).
        attn_mask: what to add to the scores; where it is bool, ``False`` hides. It broadcasts to
            (..., heads, time, positions).
        dropout_p: the probability that a weight is dropped.
        is_causal: whether a step sees only the positions up to its own.
        scale: factor of the scores; one over the square root of the features unless given.
        enable_gqa: whether several heads of the query may share one of the key.
    Returns:
        Tensor of shape (..., heads, time, value features).
    Raises:
        RuntimeError: ranks, dtypes or shapes do not fit.
    """
    _check(query, key, value, attn_mask)
    choice = _choice(query, key, value, attn_mask, dropout_p, enable_gqa)
    if choice is SDPBackend.FLASH_ATTENTION:
        if attn_mask is not None and attn_mask.dtype is not dtypes.bool_:
            attn_mask = attn_mask.detach()
        return _flash.call(query, key, value, 0.0, is_causal, attn_mask=attn_mask, scale=scale)[0]
    if choice is SDPBackend.ERROR:
        raise _messages.no_backend()
    return _step_by_step(
        query, key, value, attn_mask, dropout_p, is_causal, None, scale, enable_gqa
    )[0]


# Autocast converts the arguments of a user's call, not those that ``multihead`` has converted.
publish(
    "scaled_dot_product_attention",
    scaled_dot_product_attention,
    registry=NN_FUNCTIONS,
    autocast="lower",
    remembered=True,
)


def _step_by_step(
    query,
    key,
    value,
    attn_mask=None,
    dropout_p=0.0,
    is_causal=False,
    dropout_mask=None,
    scale=None,
    enable_gqa=False,
):
    """Scaled dot-product attention, step by step; arguments as of the function without ``_math``.

    Args:
        dropout_mask: a mask to drop weights by, instead of drawing one.
    Returns:
        The result and the attention weights.
    """
    origin = query.dtype
    halves = stays_half(query._value.meta)
    if origin in dtypes.HALVES and not halves:
        query, key, value = [each.to(dtypes.float32) for each in (query, key, value)]
    if is_causal:
        if attn_mask is not None:
            raise _messages.mask_and_causal()
        shape = (query.shape[-2], key.shape[-2])
        attn_mask = ones(shape, dtype=dtypes.bool_, device=query.device).tril()
    if attn_mask is not None and attn_mask.dtype is dtypes.bool_:
        hidden = attn_mask.logical_not()
        attn_mask = zeros_like(attn_mask, dtype=dtypes.float32 if halves else query.dtype)
        attn_mask = attn_mask.masked_fill_(hidden, -math.inf)
    if enable_gqa:
        heads, key_heads, value_heads = query.shape[-3], key.shape[-3], value.shape[-3]
        if heads % key_heads or heads % value_heads:
            raise _messages.heads_do_not_divide()
        if heads != key_heads:
            key = key.repeat_interleave(heads // key_heads, -3)
        if heads != value_heads:
            value = value.repeat_interleave(heads // value_heads, -3)
    features = query.shape[-1]
    factor = 1 / math.sqrt(features) if scale is None and features else scale or 0.0
    if halves:
        scores = _wide_scores.call(query, key) * factor
    else:
        root = math.sqrt(abs(factor))
        query = query * (-root if factor < 0 else root)
        scores = matmul(query, key.transpose(-2, -1) * root)
    if attn_mask is not None:
        scores = scores + attn_mask if scores.dtype is attn_mask.dtype else scores.add(
            attn_mask.to(scores.dtype)
        )  # fmt: skip
    weights = _safe_softmax.call(scores, -1)
    if dropout_p > 0.0 and dropout_mask is not None:
        dropped = weights.masked_fill(dropout_mask.logical_not(), 0.0)
        result = matmul(dropped.to(value.dtype), value * (1.0 / (1.0 - dropout_p)))
        return result.to(origin), dropped.to(origin)
    if dropout_p:
        weights = dropout(weights, dropout_p, True)
    result = matmul(weights.to(value.dtype), value)
    return result.to(origin), weights.to(origin)


op(
    "_scaled_dot_product_attention_math" + _CALL.format(extra="Tensor? dropout_mask=None, "),
    method=False,
)(_step_by_step)
