"""From one placement to another: what each process does, and which collectives run."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jtorch as torch

from .. import _functional_collectives as collectives
from .placement_types import Partial, Placement, Replicate, Shard, _NormPartial, _StridedShard

#: The model by which ways are compared: what a collective takes in microseconds, and how many bytes
#: it moves in each of them.
LATENCY = 6.6
BYTES_EACH_MICROSECOND = 87.7e3


def shard_size_and_offset(
    shape: Sequence[int], mesh: Any, placements: Sequence[Placement], until: int | None = None
) -> tuple[list[int], list[int]]:
    """Return the shape of this process's part and where it begins.

    Args:
        shape: of the whole tensor.
        mesh, placements: how it is cut.
        until: count only this number of dimensions of the mesh.
    """
    size, offset = list(shape), [0] * len(shape)
    coordinate = mesh.get_coordinate()
    if coordinate is None:
        return [0], [0]
    for index, placement in enumerate(placements[:until]):
        if not isinstance(placement, Shard):
            continue
        dim = placement.dim
        if isinstance(placement, _StridedShard):
            size[dim] = len(
                _strided_rows(size[dim], placement, mesh.size(index), coordinate[index])
            )
            continue
        length, begin = Shard.local_shard_size_and_offset(
            size[dim], mesh.size(index), coordinate[index]
        )
        size[dim] = length
        offset[dim] += begin
    return size, offset


def _strided_rows(length: int, placement: _StridedShard, count: int, rank: int) -> list[int]:
    """Return which rows of a dimension a process has where blocks are sharded one by one."""
    block = -(-length // placement.split_factor)
    found: list[int] = []
    for begin in range(0, length, block):
        size, offset = Shard.local_shard_size_and_offset(min(block, length - begin), count, rank)
        found.extend(range(begin + offset, begin + offset + size))
    return found


# One dimension of the mesh


def cut(tensor: Any, placement: Shard, mesh: Any, index: int) -> Any:
    """Return this process's piece of what all processes along a dimension have."""
    rank = mesh.get_coordinate()[index]
    length = tensor.size(placement.dim)
    if isinstance(placement, _StridedShard):
        rows = _strided_rows(length, placement, mesh.size(index), rank)
        return tensor.index_select(placement.dim, torch.tensor(rows, dtype=torch.int64))
    size, begin = Shard.local_shard_size_and_offset(length, mesh.size(index), rank)
    return tensor.narrow(placement.dim, begin, size)


def _padded(tensor: Any, dim: int, length: int) -> Any:
    """Return a tensor with zeros at the end of a dimension."""
    missing = length - tensor.size(dim)
    if missing == 0:
        return tensor
    shape = list(tensor.shape)
    shape[dim] = missing
    return torch.cat([tensor, tensor.new_zeros(shape)], dim)


def _gather(local: Any, placement: Shard, mesh: Any, index: int, length: int) -> Any:
    """Return all pieces of a dimension of ``length`` along a dimension of the mesh."""
    count, dim = mesh.size(index), placement.dim
    if isinstance(placement, _StridedShard):
        rows = [_strided_rows(length, placement, count, rank) for rank in range(count)]
        sizes = [len(each) for each in rows]
    else:
        sizes = [Shard.local_shard_size_and_offset(length, count, r)[0] for r in range(count)]
    longest = max(sizes)
    whole = collectives.all_gather_tensor(_padded(local, dim, longest), dim, (mesh, index))
    if sizes != [longest] * count:
        padded = whole.split(longest, dim)
        pieces = [piece.narrow(dim, 0, size) for piece, size in zip(padded, sizes, strict=True)]
        whole = torch.cat(pieces, dim)
    if isinstance(placement, _StridedShard):
        order = list(itertools.chain.from_iterable(rows))
        back = sorted(range(len(order)), key=order.__getitem__)
        whole = whole.index_select(dim, torch.tensor(back, dtype=torch.int64))
    return whole


def reduce_terms(local: Any, placement: Partial, mesh: Any, index: int) -> Any:
    """Return what the terms along a dimension of the mesh are together."""
    group = (mesh, index)
    if isinstance(placement, _NormPartial) and placement.reduce_op == "sum":
        order = placement.norm_type
        if order == 0:
            return collectives.all_reduce(local, "sum", group)
        return collectives.all_reduce(local.abs() ** order, "sum", group) ** (1.0 / order)
    if local.dtype is torch.bool:
        counted = collectives.all_reduce(local.to(torch.int32), placement.reduce_op, group)
        return counted.to(torch.bool)
    return collectives.all_reduce(local, placement.reduce_op, group)


def share_of_term(local: Any, whole: Any, placement: Partial, mesh: Any, index: int) -> Any:
    """Return the derivative of what terms are together by this process's term.

    Args:
        local: the term.
        whole: the terms together.
        placement: how they are reduced.
        mesh, index: along which dimension of which mesh.
    """
    if isinstance(placement, _NormPartial) and placement.reduce_op == "sum":
        power = placement.norm_type - 1
        share = local.sgn() * (local.abs() / whole) ** power
        return torch.where(whole == 0, torch.zeros_like(share), share)
    if placement.reduce_op == "avg":
        return torch.full_like(local, 1 / mesh.size(index))
    if placement.reduce_op in ("max", "min"):
        equal = (local == whole).to(local.dtype)
        return equal / collectives.all_reduce(equal, "sum", (mesh, index))
    terms = collectives.all_gather_tensor(local.unsqueeze(0), 0, (mesh, index))
    rank = mesh.get_coordinate()[index]
    return torch.cat([terms[:rank], terms[rank + 1 :]]).prod(0)


def _reduce_and_cut(local: Any, source: Partial, target: Shard, mesh: Any, index: int) -> Any:
    count, dim = mesh.size(index), target.dim
    plain = source.reduce_op in ("sum", "avg") and type(target) is Shard
    if isinstance(source, _NormPartial) or not plain or local.dtype is torch.bool:
        return cut(reduce_terms(local, source, mesh, index), target, mesh, index).clone()
    length = local.size(dim)
    even = -(-length // count) * count
    piece = collectives.reduce_scatter_tensor(
        _padded(local, dim, even), source.reduce_op, dim, (mesh, index)
    )
    if even == length:
        return piece
    size, _ = Shard.local_shard_size_and_offset(length, count, mesh.get_coordinate()[index])
    return piece.narrow(dim, 0, size)


def _as_terms(local: Any, target: Partial, mesh: Any, index: int) -> Any:
    """Return a term of a replicated tensor."""
    return local / mesh.size(index) if target.reduce_op == "sum" else local


# Several dimensions


def _touches(placement: Placement, dims: set[int]) -> bool:
    return isinstance(placement, Shard) and placement.dim in dims


def steps_between(
    source: Sequence[Placement], target: Sequence[Placement]
) -> list[tuple[int, Placement, Placement]]:
    """Return the steps from placements to others: dimension of the mesh, before and after.

    Where several dimensions of the mesh cut one dimension of the tensor, the outer ones cut first;
    an inner cut is undone before an outer one changes.
    """
    current = list(source)
    steps = []
    last = len(current)
    for index in reversed(range(last)):
        here = current[index]
        dims = {here.dim} if isinstance(here, Shard) else set()
        must_gather = bool(dims) and any(
            source[outer] != target[outer]
            and (_touches(source[outer], dims) or _touches(target[outer], dims))
            for outer in range(index)
        )
        if here == target[index] and not must_gather:
            continue
        after: Placement = target[index]
        if isinstance(after, Shard):
            dims = dims | {after.dim}
            nested = any(
                _touches(current[inner], dims) or _touches(target[inner], dims)
                for inner in range(index + 1, last)
            ) or any(
                source[outer] != target[outer]
                and (_touches(source[outer], dims) or _touches(target[outer], dims))
                for outer in range(index)
            )
            if must_gather or nested or isinstance(here, Replicate):
                after = Replicate()
        elif isinstance(after, Partial) and not isinstance(here, Replicate):
            after = Replicate()
        if here != after:
            steps.append((index, here, after))
            current[index] = after
    for index in range(last):
        if current[index] != target[index]:
            steps.append((index, current[index], target[index]))
            current[index] = target[index]
    return steps


def redistribute_local(
    local: Any,
    shape: Sequence[int],
    mesh: Any,
    source: Sequence[Placement],
    target: Sequence[Placement],
) -> Any:
    """Return this process's part under other placements; not differentiable.

    Args:
        local: the part under ``source``.
        shape: of the whole tensor.
        mesh: the device mesh.
        source, target: placements before and after.
    """
    current = list(source)
    if mesh.get_coordinate() is None:
        return local
    for index, before, after in steps_between(source, target):
        if isinstance(before, Shard):
            length = shard_size_and_offset(shape, mesh, current, index)[0][before.dim]
            whole = _gather(local, before, mesh, index, length)
            local = cut(whole, after, mesh, index).clone() if isinstance(after, Shard) else whole
        elif isinstance(before, Partial):
            if isinstance(after, Shard):
                local = _reduce_and_cut(local, before, after, mesh, index)
            else:
                local = reduce_terms(local, before, mesh, index)
        elif isinstance(after, Shard):
            local = cut(local, after, mesh, index).clone()
        else:
            local = _as_terms(local, after, mesh, index)  # type: ignore[arg-type]
        current[index] = after
    return local


def step_cost(before: Placement, after: Placement, count: int, size: float) -> float:
    """Return how many microseconds a step is estimated to take.

    Args:
        before, after: placements along one dimension of the mesh.
        count: how many processes it has.
        size: bytes of the tensor that they have together.
    """
    if before == after:
        return 0.0
    moved = size * (count - 1) / count / BYTES_EACH_MICROSECOND
    if isinstance(before, Replicate):
        if isinstance(after, Shard):
            return 0.0
        return 0.0 if after.is_linear() else float("inf")  # type: ignore[attr-defined]
    if isinstance(after, Partial):
        return float("inf")
    if isinstance(before, Shard):
        return LATENCY + moved + (1.0 if isinstance(after, Shard) else 0.0)
    return LATENCY + (moved if isinstance(after, Shard) else 2 * moved)
