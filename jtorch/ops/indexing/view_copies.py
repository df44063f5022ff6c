"""Copies of views: ``view_copy``, ``diagonal_copy``, ... and the parts of ``unsafe_split``.

Each is what the view operator of that name gives, in memory of its own and contiguous.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax.numpy as jnp

from ..._core.dtypes import dtype as DType
from ..._core.memory_format import contiguous_format
from ..._engine.declare import Out, op, under_name
from ..._engine.graph.op import Spec
from ..._engine.graph.values import NO_GRAD, make_meta
from ..._engine.memory.chains import Step, chain_function
from ..._engine.memory.overlap import put_at_positions
from ..._engine.memory.views import make_view, make_views
from ..._engine.recording.kinds.base import Custom, cast, normalise_dim
from ..._engine.recording.record import record, wrap, write_result
from ..._engine.recording.trace import local
from .._shared import out_dtypes
from ..shape.dtype import view_as_complex, view_as_real
from ..shape.reshaping import view
from ..shape.split import (
    _split,
    narrow,
    slice_view,
    split,
    split_with_sizes,
    unbind,
)
from ..shape.strided import _as_strided, as_strided, checked_strided, diagonal, unfold
from ..shape.views import alias, detach, expand, permute, squeeze, t, transpose, unsqueeze
from .scatter import check_slice


class _Steps:
    """View steps as one constant of a call: a tuple would be read as a list of arguments."""

    __slots__ = ("steps",)

    def __init__(self, steps: Iterable[Step]):
        self.steps = tuple([Step(step.op, tuple(map(_hashable, step.args))) for step in steps])

    def __eq__(self, other: object) -> bool:
        return other.__class__ is _Steps and self.steps == other.steps  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self.steps)


def _view_copy_spec(operation, bound, mode) -> Spec:
    operand, steps, name = bound["input"], bound["steps"].steps, bound["name"]
    read, end = chain_function(operand.meta, steps)
    meta = make_meta(end.shape, end.dtype, end.device)
    return Spec([operand], (meta,), {"read": read}, saves=(), node_name=name)


@op(
    "_view_copy(Tensor input, PyObject* steps, PyObject* name)",
    kind=Custom(_view_copy_spec),
    method=False,
    function=False,
)
def _view_copy(array: Any, *, read: Callable) -> Any:
    """Return a copy of what view steps make of a tensor."""
    return read(array)


def _copied(input: Any, view: Any, name: str) -> Any:
    """Return a copy of a view of ``input``, made of ``input`` itself."""
    before = 0 if input._alias is None else len(input._alias.steps)
    return wrap(record(_view_copy, (input, _Steps(view._alias.steps[before:]), name), {}))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def copy_of_view(input: Any, view: Callable, *arguments: Any) -> Any:
    """Return a copy of the view, or of each of the views, that a function makes of a tensor."""
    viewed = view(input, *arguments)
    name = f"{local.trace.node.instruction.node_name}_copy"
    if isinstance(viewed, tuple):
        return tuple([_copied(input, part, name) for part in viewed])
    return _copied(input, viewed, name)


def slice_of(input: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """Return the view of a slice of a dimension."""
    dim = normalise_dim(dim, input.ndim)
    first, last, step = slice(start, end, step).indices(input.shape[dim])
    return slice_view(input, dim, first, max(0, -((first - last) // step)), step)


def _selected(input: Any, *args: Any, **kwargs: Any) -> Any:
    return input.select(*args, **kwargs)


def _declare(view: Callable, *signatures: str) -> None:
    """Declare ``torch.<name>_copy`` with these signatures, over the function that makes views."""
    name = signatures[0].partition("(")[0]

    def copy(input, *args, out=None, **kwargs):
        result = copy_of_view(input, lambda tensor: view(tensor, *args, **kwargs))
        if out is None:
            return result
        if not isinstance(result, tuple):
            return write_result(out, result, name)
        for target, part in zip(out, result, strict=True):
            write_result(target, part, name)
        return None

    copy.__doc__ = f"Return a contiguous copy of what ``{name.removesuffix('_copy')}`` views."
    op(
        *signatures,
        method=False,
        out=Out(dtype=out_dtypes.expected_cpp_name),
        wrap=lambda call: under_name(call, name),
        arguments="count",
    )(copy)


_declare(alias.call, "alias_copy(Tensor input, *, Tensor out=None)")
_declare(
    make_view(diagonal, True),
    "diagonal_copy(Tensor input, int64_t offset=0, int64_t dim1=0, int64_t dim2=1, *, "
    "Tensor out=None)",
)
_declare(
    make_view(permute, True), "permute_copy(Tensor input, IntArrayRef dims, *, Tensor out=None)"
)
_declare(_selected, "select_copy(Tensor input, int64_t dim, SymInt index, *, Tensor out=None)")
_declare(
    slice_of,
    "slice_copy(Tensor input, int64_t dim=0, SymInt? start=None, SymInt? end=None, "
    "SymInt step=1, *, Tensor out=None)",
)
_declare(make_view(t, True), "t_copy(Tensor input, *, Tensor out=None)")
_declare(
    make_view(transpose, True),
    "transpose_copy(Tensor input, int64_t dim0, int64_t dim1, *, Tensor out=None)",
)
_declare(
    make_view(unfold, True),
    "unfold_copy(Tensor input, int64_t dimension, int64_t size, int64_t step, *, Tensor out=None)",
)
_declare(
    make_view(unsqueeze, True), "unsqueeze_copy(Tensor input, int64_t dim, *, Tensor out=None)"
)
_declare(view_as_complex.call, "view_as_complex_copy(Tensor input, *, Tensor out=None)")
_declare(view_as_real, "view_as_real_copy(Tensor input, *, Tensor out=None)")
_declare(
    split, "split_copy(Tensor input, SymInt split_size, int64_t dim=0, *, TensorList out=None)"
)
_declare(
    make_views(split_with_sizes, True),
    "split_with_sizes_copy(Tensor input, SymIntArrayRef split_sizes, int64_t dim=0, *, "
    "TensorList out=None)",
)
_declare(
    make_views(unbind, True), "unbind_copy(Tensor input, int64_t dim=0, *, TensorList out=None)"
)
_declare(
    make_view(expand, True),
    "expand_copy(Tensor input, SymIntArrayRef size, *, bool implicit=False, Tensor out=None)",
)
_declare(
    make_view(squeeze, True),
    "squeeze_copy(Tensor input, *, Tensor out=None)",
    "squeeze_copy(Tensor input, int64_t dim, *, Tensor out=None)",
    "squeeze_copy(Tensor input, IntArrayRef dim, *, Tensor out=None)",
)
_declare(
    view,
    "view_copy(Tensor input, ScalarType dtype, *, Tensor out=None)",
    "view_copy(Tensor input, SymIntArrayRef size, *, Tensor out=None)",
)


@op(
    "detach_copy(Tensor input, *, Tensor out=None)",
    method=False,
    out=Out(dtype=out_dtypes.expected_cpp_name),
    arguments="count",
)
def detach_copy(input, *, out=None):
    """Return a contiguous copy that does not require grad."""
    result = detach.call(input).clone(memory_format=contiguous_format)
    return result if out is None else write_result(out, result, "detach_copy")


@op(
    "as_strided_copy(Tensor input, SymIntArrayRef size, SymIntArrayRef stride, "
    "SymInt? storage_offset=None, *, Tensor out=None)",
    method=False,
    out=Out(dtype=out_dtypes.expected_cpp_name),
    arguments="count",
)
def as_strided_copy(input, size, stride, storage_offset=None, *, out=None):
    """Return a contiguous copy of a view by sizes and strides of the memory of ``input``."""
    viewed = as_strided(input, size, stride, storage_offset)
    if input._alias is None or len(viewed._alias.steps) > len(input._alias.steps):
        result = copy_of_view(input, as_strided, size, stride, storage_offset)
    else:  # a view of a view goes back to the storage: there is no step from the one to the other
        result = viewed.clone(memory_format=contiguous_format)
    return result if out is None else write_result(out, result, "as_strided_copy")


@op(
    "as_strided_scatter(Tensor input, Tensor src, SymIntArrayRef size, SymIntArrayRef stride, "
    "SymInt? storage_offset=None, *, Tensor out=None)",
    out=Out(dtype=out_dtypes.expected_cpp_name),
    arguments="count",
)
def as_strided_scatter(input, src, size, stride, storage_offset=None, *, out=None):
    """Return a copy of a tensor with the elements of ``src`` at places that strides name.

    Args:
        src: of shape ``size``.
        size, stride, storage_offset: as for ``as_strided``.
    """
    checked_strided(input, size, stride, storage_offset)
    steps = _Steps([Step(_as_strided, (tuple(size), tuple(stride), storage_offset))])
    result = wrap(record(_as_strided_scatter, (input, src, steps), {}))
    return result if out is None else write_result(out, result, "as_strided_scatter")


def _scatter_spec(operation, bound, mode) -> Spec:
    base, source, steps = bound["input"], bound["src"], bound["steps"].steps
    read, end = chain_function(base.meta, steps)
    check_slice(source.meta, end.shape)
    gradients = [mode.grad and operand.meta.grad for operand in (base, source)]

    def vjp(cotangents, results, operands):
        (cotangent,) = cotangents
        part = read(cotangent)
        results = []
        if gradients[0]:
            # torch 2.13 gives the gradient of what was overwritten, not of what was kept.
            results.append(put_at_positions(read, jnp.zeros_like(cotangent), part))
        if gradients[1]:
            results.append(part.astype(operands[1].dtype))
        return results

    meta = base.meta.with_grad(NO_GRAD)
    params = {"read": read, "dtype": base.meta.dtype}
    return Spec([base, source], (meta,), params, saves=(), vjp=vjp)


@op(
    "_as_strided_scatter(Tensor input, Tensor src, PyObject* steps)",
    kind=Custom(_scatter_spec),
    method=False,
    function=False,
    node_name="AsStridedScatterBackward0",
)
def _as_strided_scatter(array: Any, new: Any, *, read: Callable, dtype: DType) -> Any:
    """Write elements where view steps lie."""
    return put_at_positions(read, array, cast(new, dtype))


@op(
    "narrow_copy(Tensor input, int64_t dim, SymInt start, SymInt length, *, Tensor out=None)",
    out=Out(dtype=out_dtypes.narrow_copy),
    arguments="count",
)
def narrow_copy(input, dim, start, length, *, out=None):
    """Return a copy of ``length`` indices of a dimension, from ``start`` on."""
    if input.ndim and dim >= input.ndim:
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.  "
            "(Could this error message be improved?  If so, please report an enhancement request "
            "to PyTorch.)"
        )
    if length < 0 and input.ndim and -input.ndim <= dim:
        size = input.shape[dim]
        first = start + size if start < 0 else start
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({size}).")
    result = _copied(input, narrow(input, dim, start, length), "NarrowCopyBackward0")
    return result if out is None else write_result(out, result, "narrow_copy")


# Parts that share memory, and that PyTorch does not keep track of as views


def _untracked(views: tuple) -> tuple:
    for part in views:
        part._alias.base = part._alias.remark = None
    return views


@op(
    "_unsafe_split(Tensor input, SymInt split_size, int64_t dim=0)",
    kind=_split.kind,
    arity="views",
    method=False,
    function=False,
    node_name="UnsafeSplitBackward0",
)
def _unsafe_split(input, split_size, dim=0):
    """Cut a dimension into parts of one size."""
    return _split.function(input, split_size, dim)


@op(
    "_unsafe_split_with_sizes(Tensor input, SymIntArrayRef split_sizes, int64_t dim=0)",
    kind=split_with_sizes.kind,
    arity="views",
    method=False,
    function=False,
    node_name="UnsafeSplitWithSizesBackward0",
)
def _unsafe_split_with_sizes(input, split_sizes, dim=0):
    """Cut a dimension into parts of given sizes."""
    return split_with_sizes.function(input, split_sizes, dim)


@op("unsafe_split(Tensor input, SymInt split_size, int64_t dim=0)", arguments="count")
def unsafe_split(input, split_size, dim=0):
    """Cut a dimension into parts of one size, which count as no views."""
    return _untracked(_unsafe_split.call(input, split_size, dim))


@op(
    "unsafe_split_with_sizes(Tensor input, SymIntArrayRef split_sizes, int64_t dim=0)",
    arguments="count",
)
def unsafe_split_with_sizes(input, split_sizes, dim=0):
    """Cut a dimension into parts of given sizes, which count as no views."""
    return _untracked(_unsafe_split_with_sizes.call(input, split_sizes, dim))


@op("unsafe_chunk(Tensor input, int64_t chunks, int64_t dim=0)", arguments="count")
def unsafe_chunk(input, chunks, dim=0):
    """Cut a dimension into at most ``chunks`` parts of one size, which count as no views."""
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[normalise_dim(dim, input.ndim)]
    part = -(-size // chunks)
    if not size:
        return unsafe_split_with_sizes(input, [0] * chunks, dim)
    return unsafe_split(input, part, dim)
