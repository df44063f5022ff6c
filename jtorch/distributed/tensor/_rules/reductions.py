"""Reductions, and operators along one dimension of which each process must have everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..placement_types import Partial, Placement, Replicate, Shard, _NormPartial
from .call import Call, Strategy, dims_of


def _kept(call: Call, dims: list[int], keepdim: bool) -> dict[int, int]:
    """Return where the dimensions are that are not reduced."""
    ndim = call.specs[0].ndim
    left = [dim for dim in range(ndim) if dim not in dims]
    return {dim: dim if keepdim else at for at, dim in enumerate(left)}


def _cut_elsewhere(call: Call, dims: list[int], keepdim: bool) -> list[Strategy]:
    return [
        Strategy((Shard(out),) * len(call.outs), (Shard(dim),))
        for dim, out in _kept(call, dims, keepdim).items()
    ]


def reduction(
    reduce_op: str, passes: tuple[str, ...] = (), even: bool = False, at: int = 1
) -> Callable[[Call], list[Strategy]]:
    """Return the rule of a reduction: cut along a reduced dimension, it yields terms.

    Args:
        reduce_op: how they are reduced.
        passes: of which terms it yields such terms.
        even: whether the pieces have to be equally long.
        at: where its argument ``dim`` is.
    """

    def rule(call: Call) -> list[Strategy]:
        spec = call.specs[0]
        dims = dims_of(call.argument(at, "dim"), spec.ndim)
        keepdim = bool(call.argument(at + 1, "keepdim", False))
        found = [call.replicated(), *_cut_elsewhere(call, dims, keepdim)]
        for dim in dims if spec.ndim else []:
            if not even or spec.shape[dim] % call.pieces(dim) == 0:
                found.append(Strategy((Partial(reduce_op),), (Shard(dim),)))
        found.extend([call.same(Partial(each)) for each in passes])
        return found

    return rule


def norm(call: Call) -> list[Strategy]:
    """A norm: cut along a reduced dimension, it yields norms of pieces."""
    spec = call.specs[0]
    order = call.argument(1, "ord", 2)
    dims = dims_of(call.argument(2, "dim"), spec.ndim)
    keepdim = bool(call.argument(3, "keepdim", False))
    found = [call.replicated(), *_cut_elsewhere(call, dims, keepdim)]
    if isinstance(order, (int, float)):
        partial = _NormPartial(order)
        if call.current[0] == partial and len(dims) == spec.ndim:
            found.append(call.same(partial))
        found.extend([Strategy((partial,), (Shard(dim),)) for dim in dims if spec.ndim])
    return found


def whole_reduction(at: int = 1, many: bool = False) -> Callable[[Call], list[Strategy]]:
    """Return the rule of a reduction whose parts cannot be put together.

    Args:
        at: where its argument ``dim`` is.
        many: whether no ``dim`` means all dimensions; else the last one.
    """

    def rule(call: Call) -> list[Strategy]:
        spec = call.specs[0]
        given = call.argument(at, "dim", None if many else -1)
        dims = dims_of(given, spec.ndim)
        keepdim = bool(call.argument(at + 1, "keepdim", call.kwargs.get("keepdim", False)))
        return [call.replicated(), *_cut_elsewhere(call, dims, keepdim)]

    return rule


def variance(call: Call) -> list[Strategy]:
    """A variance or deviation: the dimensions that are not reduced are cut."""
    spec = call.specs[0]
    dims = dims_of(call.argument(1, "dim"), spec.ndim)
    return [call.replicated(), *_cut_elsewhere(call, dims, bool(call.kwargs.get("keepdim")))]


def extremum(reduce_op: str) -> Callable[[Call], list[Strategy]]:
    """Return the rule of ``max`` or ``min``, of everything or with indices along a dimension."""
    of_all = reduction(reduce_op, (reduce_op,))
    along = whole_reduction()

    def rule(call: Call) -> list[Strategy]:
        if len(call.specs) == 2:
            from .pointwise import pointwise

            return pointwise(call)
        return of_all(call) if len(call.args) == 1 and not call.kwargs else along(call)

    return rule


def along(at: int = 1, default: int = -1, name: str = "dim") -> Callable[[Call], list[Strategy]]:
    """Return the rule of an operator along one dimension that keeps the shape's order.

    All other dimensions are cut.

    Args:
        at, name: where its argument is.
        default: the dimension where none is given.
    """

    def rule(call: Call) -> list[Strategy]:
        spec = call.specs[0]
        blocked = dims_of(call.argument(at, name, default), spec.ndim)
        found = [call.replicated()]
        for dim in range(spec.ndim):
            if dim not in blocked:
                found.append(call.same(Shard(dim)))
        return found

    return rule


def last_dims(count: int) -> Callable[[Call], list[Strategy]]:
    """Return the rule of an operator on the last dimensions; those before are cut."""

    def rule(call: Call) -> list[Strategy]:
        found = [call.replicated()]
        for dim in range(call.specs[0].ndim - count):
            found.append(call.same(Shard(dim)))
        return found

    return rule


def replicated(call: Call) -> list[Strategy]:
    """Each process has everything."""
    return [call.replicated()]


def cumulative_sum(call: Call) -> list[Strategy]:
    """As other operators along a dimension; of terms it yields terms."""
    found = along()(call)
    now = call.current[0]
    return found + ([call.same(now)] if now == Partial() else [])


def first_dim(*operands: int) -> Callable[[Call], list[Strategy]]:
    """Return the rule of an operator on a batch: the batch is cut.

    Args:
        operands: which DTensors have the batch; the others are replicated.
    """

    def rule(call: Call) -> list[Strategy]:
        ins: list[Placement] = [Replicate()] * len(call.specs)
        for at in operands:
            if at < len(ins):
                ins[at] = Shard(0)
        return [call.replicated(), Strategy((Shard(0),) * len(call.outs), tuple(ins))]

    return rule


def _reduced_loss(value: Any) -> str:
    return {0: "none", 1: "mean", 2: "sum"}.get(value, value)


def loss(call: Call) -> list[Strategy]:
    """A loss of each element, averaged or added up."""
    from .pointwise import pointwise

    reduced = _reduced_loss(call.argument(2, "reduction", 1))
    if reduced == "none":
        return pointwise(call)
    first = call.specs[0]
    found = [call.replicated()]
    for dim, size in enumerate(first.shape):
        if any(spec.ndim != first.ndim or spec.shape[dim] != size for spec in call.specs):
            continue
        if reduced == "sum":
            found.append(Strategy((Partial(),), (Shard(dim),) * len(call.specs)))
        elif size % call.pieces(dim) == 0:
            found.append(Strategy((Partial("avg"),), (Shard(dim),) * len(call.specs)))
    return found


def likelihood(call: Call) -> list[Strategy]:
    """A negative log likelihood of classes: the batch is cut."""
    reduced = _reduced_loss(call.argument(3, "reduction", 1))
    ins: list[Placement] = [Shard(0), Shard(0), *([Replicate()] * (len(call.specs) - 2))]
    found = [call.replicated()]
    if call.specs[0].ndim < 2:
        return found
    if reduced == "none":
        found.append(Strategy((Shard(0), Replicate()), tuple(ins)))
    elif reduced == "sum":
        found.append(Strategy((Partial(), Partial()), tuple(ins)))
    elif len(call.specs) == 2 and call.specs[0].shape[0] % call.pieces(0) == 0:
        found.append(Strategy((Partial("avg"), Partial()), tuple(ins)))
    return found
