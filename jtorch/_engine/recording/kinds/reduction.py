"""Families of operators that reduce dimensions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ...._core import dtypes, messages
from ...._core.dtypes import dtype as DType
from ...._core.dtypes import is_inexact
from ...graph.op import HOST_FORMS, Op, Operand, Plan
from ...graph.values import Meta, make_meta
from .base import cast, cast_on_host, normalise_dim


def reduced_axes(meta: Meta, dim: int | tuple[int, ...] | None, none_if_empty: bool = True) -> Any:
    """Return the dimensions that a reduction covers, counted from the front.

    Args:
        meta: of the tensor that is reduced.
        dim: as the user gave it.
        none_if_empty: whether an empty tuple stands for every dimension, as in most of PyTorch.

    Raises:
        IndexError, RuntimeError: a dimension does not exist, or is named twice.
    """
    if meta.ndim > 64:
        raise messages.too_many_dimensions()
    if dim is None or (dim == () and none_if_empty):
        return tuple(range(meta.ndim))
    axes: list[int] = []
    for each in (dim,) if isinstance(dim, int) else dim:
        axis = normalise_dim(each, meta.ndim)
        if axis in axes:
            raise messages.repeated_dim(axis)
        axes.append(axis)
    return tuple(axes) if meta.ndim else ()


def reduced_shape(meta: Meta, axes: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    """Return the shape without the reduced dimensions, or with ones in their places."""
    if keepdim:
        return tuple([1 if d in axes else size for d, size in enumerate(meta.shape)])
    return tuple([size for d, size in enumerate(meta.shape) if d not in axes])


class Reduction:
    """An operator that reduces dimensions of one tensor to one element.

    The pure function takes the array in the dtype computed in, the reduced axes, whether they are
    kept, and the other arguments by keyword: ``function(array, axes, keepdim, **others)``.

    Args:
        result: dtype of the result: ``"same"``, ``"sum"`` (int64 for integers and bool),
            ``"bool"``, ``"int64"``, ``"real"``.
        check: ``(op, meta, dtype, wanted) -> None``, raises what PyTorch raises; ``dtype`` is the
            one computed in, ``wanted`` the one asked for.
        empty_is_all: whether ``dim=()`` stands for every dimension.
        names: class names of ``grad_fn`` without and with the parameter ``dim``.
        gradient: ``(array, result, cotangent, axes) -> gradient``, all with the reduced
            dimensions kept; JAX's own unless given.
    """

    def __init__(
        self,
        *,
        result: str = "same",
        check: Callable[[Op, Meta, DType, DType | None], None] | None = None,
        empty_is_all: bool = True,
        names: tuple[str, str] | None = None,
        gradient: Callable | None = None,
    ):
        self.result = result
        self.check = check
        self.empty_is_all = empty_is_all
        self.names = names
        self.gradient = gradient

    def dtypes(self, meta: Meta, wanted: DType | None) -> tuple[DType, DType]:
        """Return the dtype computed in and that of the result."""
        compute = wanted or meta.dtype
        if self.result == "sum":
            if wanted is None and not is_inexact(compute):
                compute = dtypes.int64
            return compute, compute
        if self.result == "bool":
            return compute, dtypes.uint8 if compute is dtypes.uint8 else dtypes.bool_
        if self.result == "int64":
            return compute, dtypes.int64
        if self.result == "real":
            return compute, compute.to_real()
        return compute, compute

    def plan(self, op: Op, bound: dict[str, Any], mode: Any) -> Plan:
        operand: Operand = bound.pop("input")
        meta = operand.meta
        assert meta is not None
        with_dim = "dim" in bound
        dim = bound.pop("dim", None)
        keepdim = bool(bound.pop("keepdim", False))
        wanted = bound.pop("dtype", None)
        bound.pop("out", None)
        compute, result = self.dtypes(meta, wanted)
        if self.check is not None:
            self.check(op, meta, compute, wanted)
        differentiable = wanted is None or is_inexact(wanted)
        if self.result == "sum" and mode.grad and meta.grad and not differentiable:
            raise messages.no_gradient_of(wanted._legacy_name)
        axes = reduced_axes(meta, dim, self.empty_is_all)
        shape = reduced_shape(meta, axes, keepdim)
        run = functools.partial(
            reduced,
            op.function,
            compute=compute,
            result=result,
            axes=axes,
            keepdim=keepdim,
            **bound,
        )
        vjp = self.gradient and functools.partial(_pulled_back, self.gradient, axes, meta.dtype)
        return Plan(
            run,
            [operand],
            (make_meta(shape, result, meta.device),),
            vjp=vjp,
            node_name=self.names[with_dim] if self.names else None,
        )


def kept_shape(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape with ones in the places of the reduced dimensions."""
    return tuple([1 if dim in axes else size for dim, size in enumerate(shape)])


def reduced(
    function: Callable,
    array: Any,
    *,
    compute: DType,
    result: DType,
    axes: tuple[int, ...],
    keepdim: bool,
    **others: Any,
) -> Any:
    """Call the pure function of a reduction."""
    return cast(function(cast(array, compute), axes, keepdim, **others), result)


def _reduced_on_host(
    function: Callable,
    array: Any,
    *,
    compute: DType,
    result: DType,
    axes: tuple[int, ...],
    keepdim: bool,
    **others: Any,
) -> Any:
    array = function(cast_on_host(array, compute), axes, keepdim, **others)
    return cast_on_host(array, result)


HOST_FORMS[reduced] = _reduced_on_host


def _pulled_back(
    gradient: Callable,
    axes: tuple[int, ...],
    dtype: DType,
    cotangents: Any,
    results: Any,
    operands: Any,
) -> list[Any]:
    (array,) = operands
    kept = kept_shape(array.shape, axes)
    slope = gradient(array, results[0].reshape(kept), cotangents[0].reshape(kept), axes)
    return [cast(slope, dtype)]
