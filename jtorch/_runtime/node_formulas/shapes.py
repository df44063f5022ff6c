"""Nodes of views, copies, joining, splitting and indexing."""

from __future__ import annotations

from typing import Any

from ..._engine.backward.seen import NotSaved
from .passes import sum_to
from .table import aten, node, only, signed


@node("TBackward0")
def _t(call: Any, gradient: Any) -> tuple:
    return (aten.t.default(gradient),)


@node("TransposeBackward0")
def _transpose(call: Any, gradient: Any) -> tuple:
    return (aten.transpose.int(gradient, signed(call.dim0), signed(call.dim1)),)


@node("PermuteBackward0")
def _permute(call: Any, gradient: Any) -> tuple:
    dims = [signed(dim) % gradient.ndim for dim in call.dims]
    return (aten.permute.default(gradient, [dims.index(at) for at in range(len(dims))]),)


@node("ViewBackward0", "UnsafeViewBackward0")
def _view(call: Any, gradient: Any) -> tuple:
    return (gradient.reshape(call.self_sym_sizes),)


@node("ExpandBackward0")
def _expand(call: Any, gradient: Any) -> tuple:
    return (sum_to(gradient, tuple(call.self_sym_sizes)),)


@node("UnsqueezeBackward0")
def _unsqueeze(call: Any, gradient: Any) -> tuple:
    return (aten.squeeze.dim(gradient, signed(call.dim)),)


@node("SqueezeBackward0")
def _squeeze(call: Any, gradient: Any) -> tuple:
    for at, size in enumerate(call.self_sym_sizes):
        if size == 1:
            gradient = aten.unsqueeze.default(gradient, at)
    return (gradient,)


@node("SqueezeBackward1")
def _squeeze_dim(call: Any, gradient: Any) -> tuple:
    sizes, dim = call.self_sym_sizes, call.dim
    if not isinstance(dim, int):
        raise NotSaved("dim")
    dim = signed(dim)
    if sizes and sizes[dim] == 1:
        gradient = aten.unsqueeze.default(gradient, dim % len(sizes))
    return (gradient,)


@node("CloneBackward0", "ToCopyBackward0")
def _clone(call: Any, gradient: Any) -> tuple:
    return (gradient,)  # the pass gives it the dtype of the operand


@node("CatBackward0")
def _cat(call: Any, gradient: Any) -> tuple:
    dim, start, results = signed(call.dim), 0, []
    for place in range(call.count):
        shape = call.shape(place)
        if shape == (0,) and gradient.ndim != 1:
            raise NotSaved("an empty tensor")
        end = start + shape[dim]
        needed = place in call.needs
        results.append(aten.slice.Tensor(gradient, dim, start, end) if needed else None)
        start = end
    return tuple(results)


@node("StackBackward0")
def _stack(call: Any, gradient: Any) -> tuple:
    dim = signed(call.dim)
    if dim < 0:
        dim += gradient.ndim
    return tuple(
        [
            aten.select.int(gradient, dim, place) if place in call.needs else None
            for place in range(call.count)
        ]
    )


@node("SplitBackward0", "SplitWithSizesBackward0")
def _split(call: Any, *gradients: Any) -> tuple:
    if all(gradient is not None for gradient in gradients):
        return (aten.cat.default(list(gradients), signed(call.dim)),)
    filled = [
        aten.zeros.default(list(call.result_shape(at)), dtype=call.result_dtype(at))
        if gradient is None
        else gradient
        for at, gradient in enumerate(gradients)
    ]
    return (aten.cat.default(filled, signed(call.dim)),)


@node("UnbindBackward0")
def _unbind(call: Any, *gradients: Any) -> tuple:
    filled = []
    for at, gradient in enumerate(gradients):
        if gradient is None:
            zero = aten.zeros.default([], dtype=call.result_dtype(at))
            gradient = aten.expand.default(zero, list(call.result_shape(at)))
        filled.append(gradient)
    return (aten.stack.default(filled, signed(call.dim)),)


@node("SelectBackward0")
def _select(call: Any, gradient: Any) -> tuple:
    only(call, "select", "_select")
    sizes = list(call.self_sym_sizes)
    found = aten.select_backward.default(gradient, sizes, signed(call.dim), signed(call.index))
    return (found,)


@node("SliceBackward0")
def _slice(call: Any, gradient: Any) -> tuple:
    sizes, dim, step = list(call.self_sym_sizes), signed(call.dim), call.step
    start = signed(call.start)
    start = max(start + sizes[dim], 0) if start < 0 else min(start, sizes[dim])
    end = min(start + gradient.shape[dim] * step, sizes[dim])
    return (aten.slice_backward.default(gradient, sizes, dim, start, end, step),)


@node("FlipBackward0")
def _flip(call: Any, gradient: Any) -> tuple:
    return (aten.flip.default(gradient, [signed(dim) for dim in call.dims]),)


@node("TrilBackward0")
def _tril(call: Any, gradient: Any) -> tuple:
    return (aten.tril.default(gradient, signed(call.diagonal)),)


@node("TriuBackward0")
def _triu(call: Any, gradient: Any) -> tuple:
    return (aten.triu.default(gradient, signed(call.diagonal)),)


@node("GatherBackward0")
def _gather(call: Any, gradient: Any) -> tuple:
    if call.sparse_grad:
        raise NotSaved("sparse_grad")
    whole = aten.new_zeros.default(gradient, list(call.shape(0)))
    return (aten.scatter_add.default(whole, signed(call.dim), call.index, gradient),)


@node("ConstantPadNdBackward0")
def _constant_pad(call: Any, gradient: Any) -> tuple:
    return (aten.constant_pad_nd.default(gradient, [-signed(each) for each in call.pad]),)


@node("RollBackward0")
def _roll(call: Any, gradient: Any) -> tuple:
    shifts = [-signed(shift) for shift in call.shifts]
    return (aten.roll.default(gradient, shifts, [signed(dim) for dim in call.dims]),)


@node("IndexBackward0")
def _index(call: Any, gradient: Any) -> tuple:
    only(call, "_index")
    dims = call.given("dims")
    indices: list[Any] = [None] * (max(dims) + 1)
    for place, dim in enumerate(dims, 1):
        indices[dim] = call.operand(place)
    if list(dims) != list(range(dims[0], dims[0] + len(dims))):
        raise NotSaved("dims")
    whole = aten.new_zeros.default(gradient, list(call.self_sym_sizes))
    return (aten.index_put.default(whole, indices, gradient, True),)
