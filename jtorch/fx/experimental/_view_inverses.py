"""What a write through a view makes of the tensor behind it, as operators of a graph.

Each function takes ``(graph, step, base, value)``: what makes the nodes, the view, the tensor
behind it before the write, and the new value of the view.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _argument(step: Any, place: int, name: str, default: Any) -> Any:
    if len(step.rest) > place:
        return step.rest[place]
    return step.kwargs.get(name, default)


def _reshape(graph: Any, step: Any, base: Any, value: Any) -> Any:
    if step.func._overloadname == "dtype":
        return graph.make("view.dtype", value, step.dtype)
    return graph.make("view", value, list(step.shape))


def _same(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return value


def _transpose(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("transpose.int", value, *step.rest)


def _t(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("t", value)


def _permute(graph: Any, step: Any, base: Any, value: Any) -> Any:
    dims = [dim % len(step.shape) for dim in step.rest[0]]
    return graph.make("permute", value, sorted(range(len(dims)), key=dims.__getitem__))


def _unsqueeze(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("squeeze.dim", value, step.rest[0])


def _squeeze(graph: Any, step: Any, base: Any, value: Any) -> Any:
    ndim = len(step.shape)
    dims = _argument(step, 0, "dim", list(range(ndim)))
    chosen = {dim % ndim for dim in ([dims] if isinstance(dims, int) else dims)} if ndim else set()
    for dim in sorted(chosen):
        if step.shape[dim] == 1:
            value = graph.make("unsqueeze", value, dim)
    return value


def _select(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("select_scatter", base, value, *step.rest)


def _slice(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("slice_scatter", base, value, *step.rest)


def _diagonal(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("diagonal_scatter", base, value, *step.rest)


def _as_strided(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("as_strided_scatter", base, value, *step.rest)


def _unbind(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("select_scatter", base, value, _argument(step, 0, "dim", 0), step.index)


def _split(graph: Any, step: Any, base: Any, value: Any) -> Any:
    dim = _argument(step, 1, "dim", 0)
    sizes, length = step.rest[0], step.shape[dim]
    if isinstance(sizes, int):
        start, end = step.index * sizes, min((step.index + 1) * sizes, length)
    else:
        start = sum(sizes[: step.index])
        end = start + sizes[step.index]
    return graph.make("slice_scatter", base, value, dim, start, end)


def _expand(graph: Any, step: Any, base: Any, value: Any) -> Any:
    """Add to the tensor what all of its repetitions differ from it by."""
    change = graph.make("sub.Tensor", value, base)
    sizes, shape = step.rest[0], step.shape
    leading = len(sizes) - len(shape)
    wide = (1,) * leading + shape
    dims = [
        dim
        for dim, (size, own) in enumerate(zip(sizes, wide, strict=True))
        if dim < leading or (own == 1 and size not in (1, -1))
    ]
    if not dims and graph.remove_views:
        change = graph.make("clone", change)
    elif dims:
        change = graph.make("sum.dim_IntList", change, dims, True)
    if leading:
        change = graph.make("view", change, list(shape))
    return graph.make("add.Tensor", base, change)


def _view_as_real(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("view_as_complex", value)


def _view_as_complex(graph: Any, step: Any, base: Any, value: Any) -> Any:
    return graph.make("view_as_real", value)


INVERSES: dict[str, Callable[[Any, Any, Any, Any], Any]] = {
    "view": _reshape,
    "alias": _same,
    "detach": _same,
    "transpose": _transpose,
    "t": _t,
    "permute": _permute,
    "unsqueeze": _unsqueeze,
    "squeeze": _squeeze,
    "select": _select,
    "slice": _slice,
    "diagonal": _diagonal,
    "as_strided": _as_strided,
    "unbind": _unbind,
    "split": _split,
    "split_with_sizes": _split,
    "expand": _expand,
    "view_as_real": _view_as_real,
    "view_as_complex": _view_as_complex,
}
