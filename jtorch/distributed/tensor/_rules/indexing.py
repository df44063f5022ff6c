"""Looking elements up: in tables, by indices, along a dimension."""

from __future__ import annotations

from typing import Any

from .._redistribute import shard_size_and_offset
from ..placement_types import Placement, Replicate, Shard, _MaskPartial
from .call import Call, Strategy


def embedding(call: Call) -> list[Strategy]:
    """Rows of a table: cut by columns, by indices, or by rows, which leaves rows that are zeros."""
    table, indices = call.specs
    whole = Replicate()
    found = [
        call.replicated(),
        Strategy((Shard(indices.ndim),), (Shard(1), whole)),
        Strategy((_MaskPartial("sum", table.shape, 0),), (Shard(0), whole)),
    ]
    found.extend([Strategy((Shard(dim),), (whole, Shard(dim))) for dim in range(indices.ndim)])
    return found


def rows_of_part(call: Call, targets: Any, table: Any, indices: Any, *rest: Any) -> Any:
    """Look rows up in a part of a table; those of other parts are zeros."""
    placements = targets[0]
    spec = call.specs[0]
    if not any(placement == Shard(0) for placement in placements):
        return call.operator(table, indices, *rest)
    size, offset = shard_size_and_offset(spec.shape, spec.mesh, placements)
    elsewhere = (indices < offset[0]) | (indices >= offset[0] + size[0])
    if size[0] == 0:
        return table.new_zeros(*indices.shape, table.shape[1])
    own = (indices - offset[0]).masked_fill(elsewhere, 0)
    padding = rest[0] if rest else -1
    if padding >= 0:
        padding = padding - offset[0] if offset[0] <= padding < offset[0] + size[0] else -1
    rows = call.operator(table, own, padding, *rest[1:])
    return rows.masked_fill(elsewhere.unsqueeze(-1), 0.0)


def index_select(call: Call) -> list[Strategy]:
    """Places of a dimension: the others may be cut."""
    ndim = call.specs[0].ndim
    at = call.argument(1, "dim") % max(ndim, 1)
    whole = Replicate()
    found = [call.replicated()]
    found.extend([Strategy((Shard(dim),), (Shard(dim), whole)) for dim in range(ndim) if dim != at])
    return found


def index(call: Call) -> list[Strategy]:
    """Elements at indices: cut along dimensions without an index, where indices come first."""
    indices = list(call.argument(1, "indices"))
    found = [call.replicated()]
    while indices and indices[-1] is None:
        indices.pop()
    if any(each is None for each in indices):
        return found
    count = len(indices)
    shift = len(call.outs[0].shape) - call.specs[0].ndim
    rest = (Replicate(),) * (len(call.specs) - 1)
    for dim in range(count, call.specs[0].ndim):
        found.append(Strategy((Shard(dim + shift),), (Shard(dim), *rest)))
    return found


def gather(call: Call) -> list[Strategy]:
    """Elements at indices along a dimension: the others may be cut where both are as long."""
    table, indices = call.specs
    at = call.argument(1, "dim") % max(table.ndim, 1)
    found = [call.replicated()]
    for dim in range(table.ndim):
        if dim != at and table.shape[dim] == indices.shape[dim]:
            found.append(call.same(Shard(dim)))
    return found


def normalised_last(call: Call) -> list[Strategy]:
    """A norm of the last dimensions with weights: the dimensions before are cut."""
    shape = call.argument(1, "normalized_shape")
    rest: tuple[Placement, ...] = (Replicate(),) * (len(call.specs) - 1)
    found = [call.replicated()]
    for dim in range(call.specs[0].ndim - len(shape)):
        found.append(Strategy((Shard(dim),) * len(call.outs), (Shard(dim), *rest)))
    return found


def batch_of_part(call: Call, args: tuple, kwargs: dict, shapes: Any, targets: Any) -> tuple:
    """Tell a norm of groups how long the part's batch is."""
    changed = list(args)
    changed[3] = shapes[0][0]
    return tuple(changed), kwargs
