"""Products: rows, columns and batches are cut, or the sum is."""

from __future__ import annotations

from ..placement_types import Partial, Placement, Replicate, Shard, _StridedShard
from .call import Call, Strategy


def _product(call: Call, batch: int, first: Placement, second: Placement) -> list[Strategy]:
    """Return the strategies of a matrix product with some dimensions of batches in front."""
    whole, row, column = Replicate(), batch, batch + 1
    found = [
        Strategy((whole,), (whole, whole)),
        Strategy((Shard(row),), (Shard(row), whole)),
        Strategy((Shard(column),), (whole, Shard(column))),
        Strategy((Partial(),), (Shard(column), Shard(row))),
    ]
    found.extend([Strategy((Shard(dim),), (Shard(dim), Shard(dim))) for dim in range(batch)])
    if isinstance(first, _StridedShard) and first.dim == row:
        found.append(Strategy((first,), (first, whole)))
    if isinstance(first, Partial) and first.is_linear():
        found.append(Strategy((first,), (first, whole)))
    if isinstance(second, Partial) and second.is_linear():
        found.append(Strategy((second,), (whole, second)))
    return found


def mm(call: Call) -> list[Strategy]:
    """A product of two matrices."""
    return _product(call, 0, *call.current)


def bmm(call: Call) -> list[Strategy]:
    """Products of pairs of matrices."""
    return _product(call, 1, *call.current)


def _added(call: Call, batch: int) -> list[Strategy]:
    """Return the strategies of a product to which a tensor is added that may be broadcast."""
    shape = call.outs[0].shape
    added = call.specs[0]
    found = []
    for strategy in _product(call, batch, *call.current[1:]):
        (out,) = strategy.outs
        own: Placement = out
        if isinstance(out, Shard):
            dim = out.dim - (len(shape) - added.ndim)
            cut = dim >= 0 and added.shape[dim] == shape[out.dim]
            own = (out if dim == out.dim else Shard(dim)) if cut else Replicate()
        found.append(Strategy((out,), (own, *strategy.ins)))
    return found


def addmm(call: Call) -> list[Strategy]:
    """A product of two matrices and a tensor that is added."""
    return _added(call, 0)


def baddbmm(call: Call) -> list[Strategy]:
    """Products of pairs of matrices and a tensor that is added."""
    return _added(call, 1)


def mv(call: Call) -> list[Strategy]:
    """A product of a matrix and a vector."""
    whole = Replicate()
    return [
        Strategy((whole,), (whole, whole)),
        Strategy((Shard(0),), (Shard(0), whole)),
        Strategy((Partial(),), (Shard(1), Shard(0))),
    ]


def dot(call: Call) -> list[Strategy]:
    """A product of two vectors."""
    return [call.replicated(), Strategy((Partial(),), (Shard(0), Shard(0)))]


def attention(call: Call) -> list[Strategy]:
    """Attention of queries to keys and values: batches and heads are cut."""
    found = [call.replicated()]
    query = call.specs[0]
    masked = call.specs[3:]
    for dim in range(min(2, query.ndim - 2)):
        ins: list[Placement] = [Shard(dim)] * 3
        for mask in masked:
            own = dim - (query.ndim - mask.ndim)
            cut = own >= 0 and mask.shape[own] == query.shape[dim]
            ins.append(Shard(own) if cut else Replicate())
        if all(spec.shape[dim] % call.pieces(dim) == 0 for spec in call.specs[:3]):
            found.append(Strategy((Shard(dim),) * len(call.outs), tuple(ins)))
    if len(call.specs) == 3 and query.ndim == 4 and not call.argument(5, "is_causal", False):
        whole = Replicate()
        found.append(Strategy((Shard(2),) * len(call.outs), (Shard(2), whole, whole)))
    return found


def convolution(call: Call) -> list[Strategy]:
    """A convolution: the batch is cut."""
    rest = (Replicate(),) * (len(call.specs) - 1)
    return [call.replicated(), Strategy((Shard(0),), (Shard(0), *rest))]
