"""Operators of one element each: every process computes the elements that it has."""

from __future__ import annotations

from ..placement_types import Partial, Placement, Replicate, Shard, _StridedShard
from .call import Call, Strategy


def _aligned(call: Call, shape: tuple[int, ...], dim: int) -> tuple[Placement, ...]:
    """Return the placements of operands where the broadcast result is cut along a dimension."""
    found: list[Placement] = []
    for spec in call.specs:
        own = dim - (len(shape) - spec.ndim)
        if own < 0 or spec.shape[own] != shape[dim]:
            found.append(Replicate())
        else:
            found.append(Shard(own))
    return tuple(found)


def pointwise(call: Call) -> list[Strategy]:
    """Cut along any dimension; operands that are broadcast along it are replicated."""
    shape = tuple(call.outs[0].shape)
    found = [call.replicated()]
    for dim in range(len(shape)):
        found.append(Strategy((Shard(dim),) * len(call.outs), _aligned(call, shape, dim)))
    for strided in dict.fromkeys(call.current):
        if isinstance(strided, _StridedShard):
            found.extend(_strided(call, strided, shape))
    return found


def _strided(call: Call, strided: _StridedShard, shape: tuple[int, ...]) -> list[Strategy]:
    """Return the strategy in which all operands are cut in one other order."""
    ins = _aligned(call, shape, strided.dim)
    wanted = tuple([strided if isinstance(each, Shard) else each for each in ins])
    if any(isinstance(each, Shard) and each.dim != strided.dim for each in ins):
        return []
    return [Strategy((strided,) * len(call.outs), wanted)]


def _terms(call: Call) -> list[Partial]:
    """Return the sums and averages among the operands' placements."""
    found: list[Partial] = []
    for placement in call.current:
        if isinstance(placement, Partial) and placement.is_linear() and placement not in found:
            found.append(placement)
    return found


def additive(call: Call) -> list[Strategy]:
    """As ``pointwise``; terms are added to terms, where no number is added."""
    found = pointwise(call)
    if len(call.specs) > 1:
        found.extend([call.same(partial) for partial in _terms(call)])
    return found


def homogeneous(call: Call) -> list[Strategy]:
    """As ``pointwise``; of terms it yields terms."""
    return pointwise(call) + [call.same(partial) for partial in _terms(call)]


def product(call: Call) -> list[Strategy]:
    """As ``pointwise``; terms times what is replicated are terms."""
    found = pointwise(call)
    for partial in _terms(call):
        for at in range(len(call.specs)):
            ins: list[Placement] = [Replicate()] * len(call.specs)
            ins[at] = partial
            found.append(Strategy((partial,), tuple(ins)))
    return found


def quotient(call: Call) -> list[Strategy]:
    """As ``pointwise``; terms divided by what is replicated are terms."""
    found = pointwise(call)
    if not call.argument(2, "rounding_mode"):
        for partial in _terms(call):
            if call.current[0] == partial:
                rest = (Replicate(),) * (len(call.specs) - 1)
                found.append(Strategy((partial,), (partial, *rest)))
    return found


def like(call: Call) -> list[Strategy]:
    """A new tensor that lies as the given one; replicated in the place of terms."""
    now = call.current[0]
    out: Placement = Replicate() if now.is_partial() else now
    return [Strategy((out,) * len(call.outs), tuple(call.current))]


def overwritten(call: Call) -> list[Strategy]:
    """Every element is overwritten: the tensor lies as before."""
    return [Strategy((call.current[0],), tuple(call.current))]
