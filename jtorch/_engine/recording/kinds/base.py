"""Families of operators that are planned alike."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._core.dtypes import dtype as DType
from ...._core.dtypes import is_inexact
from ...._core.promotion import can_cast, result_type
from ...graph.op import Op, Operand, Plan, Spec, numbered
from ...graph.values import LEAF, NO_GRAD, make_meta


def broadcast_shapes(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the common shape, or raise PyTorch's error."""
    result: tuple[int, ...] = ()
    for shape in shapes:
        if shape == result:
            continue
        ndim = max(len(shape), len(result))
        a = (1,) * (ndim - len(result)) + result
        b = (1,) * (ndim - len(shape)) + shape
        merged = list(a)
        for dim in range(ndim - 1, -1, -1):  # PyTorch names the last dimension that differs
            left, right = a[dim], b[dim]
            if left != right and left != 1 and right != 1:
                raise messages.size_mismatch(left, right, dim)
            merged[dim] = right if left == 1 else left
        result = tuple(merged)
    return result


def promoted_dtype(operands: list[Operand], default_dtype: DType) -> DType:
    """Return the dtype that PyTorch computes in."""
    described = []
    for operand in operands:
        if operand.meta is None:
            number = operand.number
            kind = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64}.get(
                type(number), dtypes.complex128
            )
            described.append((kind, "number"))
        else:
            described.append((operand.meta.dtype, "dim" if operand.meta.ndim else "zero"))
    return result_type(described, default_dtype)


def cast(array: Any, dtype: DType) -> Any:
    """Convert an array as PyTorch does (to bool: not zero; complex to real: drop the rest)."""
    target = dtype._numpy
    if array.dtype == target:
        return array
    if array.dtype.kind == "c" and target.kind != "c":
        if target.kind == "b":
            return array != 0
        array = jnp.real(array)
    if target.kind == "b":
        return array != 0
    if array.dtype.kind == "b" and target.kind not in "iu":
        # XLA turns a product with a converted truth value into a choice, in which 0 * inf and
        # 0 * nan would be 0. It does not see that through an integer.
        array = jax.lax.convert_element_type(array, np.int8)
    if target.kind in "iu" and (array.dtype.kind == "f" or array.dtype.kind == "V"):
        return _float_to_int(array, target)
    return jax.lax.convert_element_type(array, target)


def cast_on_host(array: Any, dtype: DType) -> Any:
    """Convert an array of NumPy as ``cast`` does one of JAX."""
    target = dtype._numpy
    if array.dtype == target:
        return array
    if target.kind == "b":
        return array != 0
    if array.dtype.kind == "c" and target.kind != "c":
        array = array.real
    if target.kind in "iu" and (array.dtype.kind == "f" or array.dtype.kind == "V"):
        return truncated(array, target, np)
    return array.astype(target)


def _float_to_int(array: Any, target: np.dtype) -> Any:
    """Convert as x86 does, whose answer to what does not fit is the least int there is."""
    return truncated(array, target, jnp)


def truncated(array: Any, target: np.dtype, xp: Any) -> Any:
    """Convert floats to ints as PyTorch's kernels do on x86.

    Args:
        array: floating point array.
        target: integer dtype. Narrow ones go by way of int32, so that values wrap around.
        xp: ``numpy`` or ``jax.numpy``.
    """
    wide: Any = np.dtype(np.int64 if target.itemsize == 8 else np.int32)
    top = 2.0 ** (8 * wide.itemsize - 1)
    if array.dtype.itemsize < 4:
        array = array.astype(np.float32)
    unsigned = target.kind == "u" and target.itemsize >= 4
    if unsigned:
        high = array >= top
        array = xp.where(high, array - array.dtype.type(top), array)
    fits = (array >= -top) & (array < top)
    least = np.iinfo(wide).min
    result = xp.where(fits, xp.where(fits, array, 0).astype(wide), wide.type(least))
    if unsigned:
        result = xp.where(high, result ^ wide.type(least), result)
    return result.astype(target)


def as_array(value: Any) -> Any:
    """Return a number of a program (a Python number or a traced scalar) as an array."""
    return value if hasattr(value, "dtype") else jnp.asarray(np.asarray(value))


def normalise_dim(dim: int, ndim: int) -> int:
    """Return a dimension counted from the front, or raise PyTorch's IndexError."""
    bound = max(ndim, 1)
    if not -bound <= dim < bound:
        raise messages.dim_out_of_range(dim, ndim)
    return dim % bound


class Custom:
    """An operator that says itself what a call yields: ``spec(op, bound, mode) -> Spec``.

    What runs is the decorated function, with the spec's ``params``.
    """

    def __init__(self, spec: Callable[[Op, dict[str, Any], Any], Spec | Plan]):
        self._spec = spec

    def plan(self, op: Op, bound: dict[str, Any], mode: Any) -> Plan:
        spec = self._spec(op, bound, mode)
        return spec if isinstance(spec, Plan) else spec.plan(op.function)


class Overwriting:
    """The in-place form of an operator of another kind: the result goes into the first operand."""

    def __init__(self, inner: Any, inner_op: Op):
        self.inner = inner
        self.inner_op = inner_op

    def plan(self, op: Op, bound: dict[str, Any], mode: Any) -> Plan:
        target: Operand = bound["input"] if "input" in bound else bound["self"]
        meta = target.meta
        assert meta is not None
        if mode.grad and meta.grad == LEAF:
            raise messages.leaf_inplace()
        if 0 in meta.strides and meta.numel and not getattr(self.inner, "may_overlap", False):
            repeated = zip(meta.shape, meta.strides, strict=True)
            if any(size > 1 and stride == 0 for size, stride in repeated):
                raise messages.overlapping_write()
        given = dict(bound)
        try:
            plan = self.inner.plan(self.inner_op, bound, mode)
        except NotImplementedError:  # of the kernel, which PyTorch asks after the cast
            self._refuse_cast(given, meta.dtype, mode)
            raise
        (result,) = plan.metas
        if result.shape != meta.shape:
            raise messages.inplace_shape(meta.shape, result.shape)
        if not can_cast(result.dtype, meta.dtype):
            raise messages.cannot_cast_result(result.dtype._legacy_name, meta.dtype._legacy_name)
        inner = plan.function
        dtype = meta.dtype
        place = plan.operands.index(target)
        if place:
            raise AssertionError("an in-place operator's tensor must be the first operand")
        plan.function = lambda *arrays: cast(inner(*arrays), dtype)
        plan.metas = (meta if not mode.grad else meta.with_grad(NO_GRAD),)
        plan.overwrites = True
        plan.view = False
        return plan

    def _refuse_cast(self, bound: dict[str, Any], target: DType, mode: Any) -> None:
        if not hasattr(self.inner, "result_dtype"):
            return
        operands = [bound[name] for name in self.inner.operands if name in bound]
        operands = [operand for operand in operands if isinstance(operand, Operand)]
        result = self.inner.result_dtype(self.inner.compute_dtype(operands, bound, mode))
        if not can_cast(result, target):
            raise messages.cannot_cast_result(result._legacy_name, target._legacy_name)


class View:
    """A view operator: the result shares the memory of ``input``.

    Args:
        rule: ``(meta, **arguments) -> (shape, strides)`` of the result, or ``None`` where it
            cannot be a view; raises PyTorch's errors. An argument that changes from call to call
            is an ``Operand``.
        put: ``(base, new, **arguments) -> base`` with new elements where the view lies; without it
            they are found by viewing the positions.
        offset: ``(meta, offset, **arguments) -> storage offset`` of the result, where it differs
            from that of ``input``.
        parts: ``(meta, **arguments) -> steps``, one for each of several results; ``rule`` then
            returns a list.
        dtype: ``(meta, **arguments) -> dtype`` where it is not that of ``input``.
        names: ``(**arguments) -> name of grad_fn`` where it depends on the overload.
    """

    def __init__(
        self,
        rule: Callable,
        put: Callable | None = None,
        offset: Callable | None = None,
        parts: Callable | None = None,
        dtype: Callable | None = None,
        names: Callable | None = None,
    ):
        self.names = names
        self.rule = rule
        self.put = put
        self.offset = offset
        self.parts = parts
        self.dtype = dtype

    def plan(self, op: Op, bound: dict[str, Any], mode: Any) -> Plan:
        operand = bound.pop("input")
        meta = operand.meta
        laid_out = self.rule(meta, **bound)
        dtype = meta.dtype if self.dtype is None else self.dtype(meta, **bound)
        # torch 2.13: a view made in no_grad mode of what requires grad is a leaf that does too.
        floating = is_inexact(dtype)
        grad = LEAF if meta.grad and floating and not mode.grad and op.differentiable else NO_GRAD
        changing = [v for v in bound.values() if isinstance(v, Operand) and v.reference is not None]
        static = {
            name: v.number if isinstance(v, Operand) else v
            for name, v in bound.items()
            if v not in changing
        }
        names = [v.name for v in changing]
        put: Any = self.put

        def run_put(base: Any, new: Any, *numbers: Any) -> Any:
            arguments = {**static, **dict(zip(names, numbers, strict=True))}
            return put(base, cast(new, dtype), **arguments)

        run = functools.partial(numbered, op.function, names) if names else op.function
        return Plan(
            functools.partial(run, **static) if static else run,
            [operand, *changing],
            tuple(
                [
                    make_meta(tuple(shape), dtype, meta.device, tuple(strides), grad)
                    for shape, strides in (laid_out if self.parts else [laid_out])
                ]
            ),
            saves=(),
            node_name=None if self.names is None else self.names(**static),
            view=True,
            put=run_put if put is not None else None,
        )
