"""Copies of views: ``view_copy``, ``diagonal_copy``, ... and the parts of ``unsafe_split``.

Each is what the view operator of that name gives, in memory of its own and contiguous.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from ..._core.memory_format import contiguous_format
from ..._engine.declare import FUNCTIONS, METHODS, Out, composite, op
from ..._engine.graph.op import REGISTRY, Plan
from ..._engine.graph.values import NO_GRAD, make_meta
from ..._engine.memory.views import Step, chain_function, put_elements
from ..._engine.recording.kinds.base import Custom, cast, normalise_dim
from ..._engine.recording.record import record, wrap, write_result
from ..._engine.recording.trace import local
from .._shared import out_dtypes
from ..shape import dtype, reshaping, split  # noqa: F401  (views declared there)
from ..shape.strided import checked_strided
from . import along_dim  # noqa: F401  (views declared there)
from .scatter import check_slice


def _plan(operation, bound, mode) -> Plan:
    operand, steps, name = bound["input"], bound["steps"], bound["name"]
    run, end = chain_function(operand.meta, steps)
    meta = make_meta(end.shape, end.dtype, end.device)
    return Plan(run, [operand], (meta,), saves=(), node_name=name)


@op(
    "_view_copy(Tensor input, PyObject* steps, PyObject* name)",
    kind=Custom(_plan),
    method=False,
    function=False,
)
def _view_copy(input, steps, name):
    """Return a copy of what view steps make of a tensor."""


def _copied(input: Any, view: Any, name: str) -> Any:
    """Return a copy of a view of ``input``, made of ``input`` itself."""
    before = 0 if input._alias is None else len(input._alias.steps)
    steps = [Step(step.op, tuple(map(_hashable, step.args))) for step in view._alias.steps[before:]]
    return wrap(record(_view_copy, (input, tuple(steps), name), {}))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def copy_of_view(input: Any, view: Callable, *arguments: Any) -> Any:
    """Return a copy of the view, or of each of the views, that a function makes of a tensor."""
    made = view(input, *arguments)
    name = f"{local.trace.node.instruction.node_name}_copy"
    if isinstance(made, tuple):
        return tuple([_copied(input, each, name) for each in made])
    return _copied(input, made, name)


def slice_of(input: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """Return the view of a slice of a dimension."""
    dim = normalise_dim(dim, input.ndim)
    first, last, step = slice(start, end, step).indices(input.shape[dim])
    return split.slice_view(input, dim, first, max(0, -((first - last) // step)), step)


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
    composite(*signatures, method=False)(copy)


for _arguments, _view in {
    "alias_copy(Tensor input": REGISTRY["alias"].call,
    "diagonal_copy(Tensor input, int64_t offset=0, int64_t dim1=0, int64_t dim2=1": "diagonal",
    "permute_copy(Tensor input, IntArrayRef dims": "permute",
    "select_copy(Tensor input, int64_t dim, SymInt index": "select",
    "slice_copy(Tensor input, int64_t dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1": (
        slice_of
    ),
    "t_copy(Tensor input": "t",
    "transpose_copy(Tensor input, int64_t dim0, int64_t dim1": "transpose",
    "unfold_copy(Tensor input, int64_t dimension, int64_t size, int64_t step": "unfold",
    "unsqueeze_copy(Tensor input, int64_t dim": "unsqueeze",
    "view_as_complex_copy(Tensor input": FUNCTIONS["view_as_complex"],
    "view_as_real_copy(Tensor input": FUNCTIONS["view_as_real"],
}.items():
    _function: Any = METHODS[_view] if isinstance(_view, str) else _view
    _declare(_function, f"{_arguments}, *, Tensor out=None)")
for _arguments, _name in {
    "split_copy(Tensor input, SymInt split_size, int64_t dim=0": "split",
    "split_with_sizes_copy(Tensor input, SymIntArrayRef split_sizes, int64_t dim=0": (
        "split_with_sizes"
    ),
    "unbind_copy(Tensor input, int64_t dim=0": "unbind",
}.items():
    _declare(METHODS[_name], f"{_arguments}, *, TensorList out=None)")
_declare(
    METHODS["expand"],
    "expand_copy(Tensor input, SymIntArrayRef size, *, bool implicit=False, Tensor out=None)",
)
_declare(
    METHODS["squeeze"],
    "squeeze_copy(Tensor input, *, Tensor out=None)",
    "squeeze_copy(Tensor input, int64_t dim, *, Tensor out=None)",
    "squeeze_copy(Tensor input, IntArrayRef dim, *, Tensor out=None)",
)
_declare(
    METHODS["view"],
    "view_copy(Tensor input, ScalarType dtype, *, Tensor out=None)",
    "view_copy(Tensor input, SymIntArrayRef size, *, Tensor out=None)",
)


@composite(
    "detach_copy(Tensor input, *, Tensor out=None)",
    method=False,
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def detach_copy(input, *, out=None):
    """Return a contiguous copy that does not require grad."""
    result = METHODS["detach"](input).clone(memory_format=contiguous_format)
    return result if out is None else write_result(out, result, "detach_copy")


@composite(
    "as_strided_copy(Tensor input, SymIntArrayRef size, SymIntArrayRef stride, "
    "SymInt? storage_offset=None, *, Tensor out=None)",
    method=False,
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def as_strided_copy(input, size, stride, storage_offset=None, *, out=None):
    """Return a contiguous copy of a view by sizes and strides of the memory of ``input``."""
    view = METHODS["as_strided"](input, size, stride, storage_offset)
    if input._alias is None or len(view._alias.steps) > len(input._alias.steps):
        result = copy_of_view(input, METHODS["as_strided"], size, stride, storage_offset)
    else:  # a view of a view goes back to the storage: there is no step from the one to the other
        result = view.clone(memory_format=contiguous_format)
    return result if out is None else write_result(out, result, "as_strided_copy")


@composite(
    "as_strided_scatter(Tensor input, Tensor src, SymIntArrayRef size, SymIntArrayRef stride, "
    "SymInt? storage_offset=None, *, Tensor out=None)",
    out=Out(dtype=out_dtypes.expected_cpp_name),
)
def as_strided_scatter(input, src, size, stride, storage_offset=None, *, out=None):
    """Return a copy of a tensor with the elements of ``src`` at places that strides name.

    Args:
        src: of shape ``size``.
        size, stride, storage_offset: as for ``as_strided``.
    """
    checked_strided(input, size, stride, storage_offset)
    steps = (Step(REGISTRY["as_strided"], (tuple(size), tuple(stride), storage_offset)),)
    result = wrap(record(_as_strided_scatter, (input, src, steps), {}))
    return result if out is None else write_result(out, result, "as_strided_scatter")


def _scatter_plan(operation, bound, mode) -> Plan:
    base, source, steps = bound["input"], bound["src"], bound["steps"]
    run, end = chain_function(base.meta, steps)
    check_slice(source.meta, end.shape)

    def scatter(array, new):
        return put_elements(run, array, cast(new, base.meta.dtype))

    gradients = [mode.grad and operand.meta.grad for operand in (base, source)]

    def vjp(cotangents, results, operands):
        (cotangent,) = cotangents
        part = run(cotangent)
        found = []
        if gradients[0]:
            # torch 2.13 gives the gradient of what was overwritten, not of what was kept.
            found.append(put_elements(run, jnp.zeros_like(cotangent), part))
        if gradients[1]:
            found.append(part.astype(operands[1].dtype))
        return found

    meta = base.meta.with_grad(NO_GRAD)
    return Plan(scatter, [base, source], (meta,), saves=(), vjp=vjp)


@op(
    "_as_strided_scatter(Tensor input, Tensor src, PyObject* steps)",
    kind=Custom(_scatter_plan),
    method=False,
    function=False,
    node_name="AsStridedScatterBackward0",
)
def _as_strided_scatter(input, src, steps):
    """Write elements where view steps lie."""


@composite(
    "narrow_copy(Tensor input, int64_t dim, SymInt start, SymInt length, *, Tensor out=None)",
    out=Out(dtype=out_dtypes.narrow_copy),
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
    result = _copied(input, split.narrow(input, dim, start, length), "NarrowCopyBackward0")
    return result if out is None else write_result(out, result, "narrow_copy")


# Parts that share memory, and that PyTorch does not keep track of as views


def _untracked(views: tuple) -> tuple:
    for view in views:
        view._alias.base = view._alias.remark = None
    return views


@op(
    "_unsafe_split(Tensor input, SymInt split_size, int64_t dim=0)",
    kind=REGISTRY["_split"].kind,
    arity="views",
    method=False,
    function=False,
    node_name="UnsafeSplitBackward0",
)
def _unsafe_split(input, split_size, dim=0):
    """Cut a dimension into parts of one size."""
    return REGISTRY["_split"].function(input, split_size, dim)


@op(
    "_unsafe_split_with_sizes(Tensor input, SymIntArrayRef split_sizes, int64_t dim=0)",
    kind=REGISTRY["split_with_sizes"].kind,
    arity="views",
    method=False,
    function=False,
    node_name="UnsafeSplitWithSizesBackward0",
)
def _unsafe_split_with_sizes(input, split_sizes, dim=0):
    """Cut a dimension into parts of given sizes."""
    return REGISTRY["split_with_sizes"].function(input, split_sizes, dim)


@composite("unsafe_split(Tensor input, SymInt split_size, int64_t dim=0)")
def unsafe_split(input, split_size, dim=0):
    """Cut a dimension into parts of one size, which count as no views."""
    return _untracked(_unsafe_split.call(input, split_size, dim))


@composite("unsafe_split_with_sizes(Tensor input, SymIntArrayRef split_sizes, int64_t dim=0)")
def unsafe_split_with_sizes(input, split_sizes, dim=0):
    """Cut a dimension into parts of given sizes, which count as no views."""
    return _untracked(_unsafe_split_with_sizes.call(input, split_sizes, dim))


@composite("unsafe_chunk(Tensor input, int64_t chunks, int64_t dim=0)")
def unsafe_chunk(input, chunks, dim=0):
    """Cut a dimension into at most ``chunks`` parts of one size, which count as no views."""
    if not input.ndim:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    size = input.shape[normalise_dim(dim, input.ndim)]
    each = -(-size // chunks)
    if not size:
        return unsafe_split_with_sizes(input, [0] * chunks, dim)
    return unsafe_split(input, each, dim)
