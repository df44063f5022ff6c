"""Quantiles: the value below which a share q of the elements lies, interpolated between two."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..._core import dtypes
from ..._core.strides import contiguous_strides
from ..._engine.declare import Autocast, Out, op
from ..._engine.graph.op import Spec
from ..._engine.graph.values import is_tensor, make_meta
from ..._engine.recording.kinds.base import Custom, normalise_dim
from .._shared import out_dtypes
from .._shared.data_checks import elements
from . import _messages_quantile


def _quantile_spec(operation, bound, mode) -> Spec:
    operand, q = bound["input"], bound["q"]
    meta = operand.meta
    ignore_nan = bound["ignore_nan"]
    how, keepdim, dim = bound["interpolation"], bound["keepdim"], bound["dim"]
    axis = None if dim is None else normalise_dim(dim, meta.ndim)
    many = q.meta is not None and q.meta.ndim == 1
    if keepdim:
        rest = tuple(
            [1 if axis is None or d == axis else size for d, size in enumerate(meta.shape)]
        )
    else:
        rest = (
            () if axis is None else tuple([size for d, size in enumerate(meta.shape) if d != axis])
        )
    shape = (*(q.meta.shape if many else ()), *rest)
    # PyTorch computes the shares as the last dimension and moves it to the front.
    inner = contiguous_strides((*rest, *(q.meta.shape if many else ())))
    strides = (inner[-1], *inner[:-1]) if many else inner

    return Spec(
        [operand, q],
        (make_meta(shape, meta.dtype, meta.device, strides),),
        {"ignore_nan": ignore_nan, "how": how, "shape": shape, "axis": axis},
        saves=(0, 1) if q.reference is not None else (0,),
    )


@op(
    "_quantile(Tensor input, Tensor q, int64_t? dim, bool keepdim, std::string interpolation, "
    "bool ignore_nan)",
    "_quantile(Tensor input, Scalar q, int64_t? dim, bool keepdim, std::string interpolation, "
    "bool ignore_nan)",
    kind=Custom(_quantile_spec),
    method=False,
    function=False,
    copies=("input",),
    node_name="SqueezeBackward4",
)
def _quantile(array: Any, share: Any, *, ignore_nan: Any, how: Any, shape: Any, axis: Any) -> Any:
    """Quantiles: values at rank ``q (n - 1)`` of n sorted elements."""
    rows = (
        array.reshape(1, -1)
        if axis is None or not array.ndim
        else (jnp.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]))
    )
    rows = jnp.sort(rows, -1)
    share = jnp.asarray(share).astype(array.dtype).reshape(-1)
    count = jnp.sum(~jnp.isnan(rows), -1, keepdims=True)
    last = jnp.maximum(count - 1, 0) if ignore_nan else jnp.full_like(count, rows.shape[-1] - 1)
    rank = share[None, :] * last.astype(array.dtype)
    if not ignore_nan:
        has_nan = jnp.isnan(rows).any(-1, keepdims=True)
        rank = jnp.where(has_nan, last.astype(array.dtype), rank)
    if how in ("lower", "higher", "nearest"):
        whole = {"lower": jnp.floor, "higher": jnp.ceil, "nearest": jnp.round}[how](rank)
        quantiles = jnp.take_along_axis(rows, whole.astype(jnp.int64), -1)
    else:
        below = rank.astype(jnp.int64)
        above = jnp.ceil(rank).astype(jnp.int64)
        low = jnp.take_along_axis(rows, below, -1)
        high = jnp.take_along_axis(rows, above, -1)
        weight = 0.5 if how == "midpoint" else rank - below
        quantiles = low + (high - low) * jnp.asarray(weight, array.dtype)
    return quantiles.T.reshape(shape)


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _declare_quantile(name: str, ignore_nan: bool) -> None:
    rest = (
        'int64_t? dim=None, bool keepdim=False, *, std::string interpolation="linear", '
        "Tensor out=None)"
    )

    @op(
        f"{name}(Tensor input, Tensor q, {rest}",
        f"{name}(Tensor input, double q, {rest}",
        autocast=Autocast(cpu="float32"),
        out=Out(dtype=out_dtypes.quantile_type),
    )
    def quantile(input, q, dim=None, keepdim=False, interpolation="linear"):
        if not is_tensor(q):
            if not 0 <= q <= 1:
                raise _messages_quantile.quantile_number(q)
        elif q.dim() > 1:
            raise _messages_quantile.quantile_rank()
        if interpolation not in _INTERPOLATIONS:
            raise _messages_quantile.quantile_interpolation(interpolation)
        if not input.numel():
            raise _messages_quantile.quantile_of_nothing()
        if input.dtype not in (dtypes.float32, dtypes.float64):
            raise _messages_quantile.quantile_dtype()
        if is_tensor(q) and q.dtype is not input.dtype:
            raise _messages_quantile.quantile_q_dtype()
        shares = elements(q, "quantile") if is_tensor(q) else None
        if shares is not None and not ((shares >= 0) & (shares <= 1)).all():
            raise _messages_quantile.quantile_shares()
        if interpolation != "linear" and is_tensor(q) and q.requires_grad:
            q = q.detach()  # the shares only choose elements
        return _quantile.call(input, q, dim, keepdim, interpolation, ignore_nan)

    which = "of the numbers that are not NaN" if ignore_nan else "NaN where there is a NaN"
    quantile.__doc__ = f"""Quantiles: values at rank ``q (n - 1)`` of n sorted elements, {which}.

    Args:
        q: share, or vector of shares, between 0 and 1.
        dim: dimension to reduce; all of them, flattened, where it is absent.
        keepdim: whether it stays, with size 1.
        interpolation: what to do between two elements: ``"linear"``, ``"lower"``, ``"higher"``,
            ``"midpoint"`` or ``"nearest"``.
    Returns:
        Tensor; a vector of shares comes first among the dimensions.
    """


_declare_quantile("quantile", False)
_declare_quantile("nanquantile", True)
