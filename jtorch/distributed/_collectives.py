"""Collectives that move: each process gets tensors of others.

All collectives run where they are called: what their tensors depend on is computed, the group's
program runs, and the tensors have new elements when the call returns, or once the work of
``async_op=True`` was waited for. Nothing of this is seen by autograd (``distributed.nn.functional``
is), and no version counter counts it, as in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ._checks import (
    check_dtypes,
    check_root,
    check_root_list,
    check_tensor,
    check_tensors,
    member_rank,
)
from ._deprecation import LATER, deprecated
from ._elements import elements, put, stacked
from ._groups import resolve, warn_not_in_group
from ._process_group import ProcessGroup
from ._work import Work

# Gathering


def all_gather(
    tensor_list: list[Any], tensor: Any, group: Any = None, async_op: bool = False
) -> Work | None:
    """Give each process the tensors of all.

    Args:
        tensor_list: as many tensors as there are processes, which get them.
        tensor: that of this process.
    """
    check_tensors(tensor_list, "tensor_list")
    check_tensor(tensor, "tensor")
    check_dtypes(tensor_list, tensor)
    members = resolve(group)
    if members is None:
        warn_not_in_group("all_gather")
        return None
    if len(tensor_list) != members.size():
        raise RuntimeError(
            "ProcessGroupGloo::allgather: invalid output tensor list at index 0 "
            f"(expected length {members.size()}, got {len(tensor_list)})"
        )
    for index, each in enumerate(tensor_list):
        _check_size("allgather", index, tensor, each)

    def take(got: np.ndarray) -> list[Any]:
        return [[put(each, got[index]) for index, each in enumerate(tensor_list)]]

    return members.collective("all_gather", "all_gather", elements(tensor), (), take, async_op)


def _check_size(name: str, index: int, expected: Any, got: Any) -> None:
    if got.shape != expected.shape:
        want, have = (f"({', '.join(map(str, each.shape))})" for each in (expected, got))
        raise RuntimeError(
            f"ProcessGroupGloo::{name}: invalid tensor size at index {index} "
            f"(expected {want}, got {have})"
        )


def all_gather_single(
    output_tensor: Any, input_tensor: Any, group: Any = None, async_op: bool = False
) -> Work | None:
    """Give each process the tensors of all, in one tensor.

    Args:
        output_tensor: gets them, joined along the first dimension or stacked.
        input_tensor: that of this process.
    """
    check_tensor(input_tensor, "input_tensor")
    check_tensor(output_tensor, "output_tensor")
    check_dtypes(output_tensor, input_tensor)
    members = resolve(group)
    if members is None:
        warn_not_in_group("all_gather_into_tensor")
        return None
    if output_tensor.numel() != input_tensor.numel() * members.size():
        raise RuntimeError("output tensor size must be equal to world_size times input tensor size")
    return members.collective(
        "all_gather_into_tensor",
        "all_gather",
        elements(input_tensor),
        (),
        lambda got: [put(output_tensor, got)],
        async_op,
    )


@deprecated(
    "`torch.distributed.all_gather_into_tensor` is deprecated. "
    "Please use `torch.distributed.all_gather_single` instead.",
)
def all_gather_into_tensor(
    output_tensor: Any, input_tensor: Any, group: Any = None, async_op: bool = False
) -> Work | None:
    """Give each process the tensors of all, in one tensor: ``all_gather_single``."""
    return all_gather_single(output_tensor, input_tensor, group, async_op)


@deprecated(LATER.format("all_gather_coalesced"))
def all_gather_coalesced(
    output_tensor_lists: list[list[Any]],
    input_tensor_list: list[Any],
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Give each process the lists of tensors of all.

    Args:
        output_tensor_lists: for each process, tensors that get those of its list.
        input_tensor_list: the tensors of this process.
    """
    check_tensors(input_tensor_list, "input_tensor_list")
    works = [
        all_gather([row[index] for row in output_tensor_lists], each, group, async_op)
        for index, each in enumerate(input_tensor_list)
    ]
    return works[-1] if works and async_op else None


def gather(
    tensor: Any,
    gather_list: list[Any] | None = None,
    dst: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Give one process the tensors of all.

    Args:
        tensor: that of this process.
        gather_list: there, as many tensors as there are processes; ``None`` elsewhere.
        dst: its rank in the world, 0 unless given; ``group_dst`` is that within the group.
    """
    check_tensor(tensor, "tensor")
    if gather_list:
        check_tensors(gather_list, "gather_list")
        check_dtypes(tensor, gather_list)
    members = resolve(group)
    if members is None:
        warn_not_in_group("gather")
        return None
    root = member_rank(members, dst, group_dst, 0 if group is None else None)
    own = members.rank() == root
    check_root_list("gather_list", gather_list, own, "destination")
    targets = gather_list or []
    if own and len(targets) != members.size():
        raise RuntimeError(
            f"ProcessGroupGloo::gather: Incorrect output list size {len(targets)}. Output list "
            f"size should be {members.size()}, same as size of the process group."
        )

    def take(got: np.ndarray) -> list[Any]:
        return [put(each, got[index]) for index, each in enumerate(targets)]

    return members.collective("gather", "all_gather", elements(tensor), (), take, async_op)


# Giving out


def broadcast(
    tensor: Any,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Give all processes the tensor of one, in place.

    Args:
        tensor: of the same shape and dtype everywhere.
        src: its rank in the world; ``group_src`` is that within the group.
    """
    check_tensor(tensor, "tensor")
    members = resolve(group)
    if members is None:
        warn_not_in_group("broadcast")
        return None
    root = member_rank(members, src, group_src)
    check_root("broadcast", root, members)

    def take(got: np.ndarray) -> list[Any]:
        return [tensor if members.rank() == root else put(tensor, got)]

    return members.collective("broadcast", "broadcast", elements(tensor), (root,), take, async_op)


def scatter(
    tensor: Any,
    scatter_list: list[Any] | None = None,
    src: int | None = None,
    group: Any = None,
    async_op: bool = False,
    group_src: int | None = None,
) -> Work | None:
    """Give each process one of the tensors of one of them.

    Args:
        tensor: gets it.
        scatter_list: there, as many tensors as there are processes; ``None`` elsewhere.
        src: its rank in the world, 0 unless given; ``group_src`` is that within the group.
    """
    check_tensor(tensor, "tensor")
    if scatter_list:
        check_tensors(scatter_list, "scatter_list")
        check_dtypes(tensor, scatter_list)
    members = resolve(group)
    if members is None:
        warn_not_in_group("scatter")
        return None
    root = member_rank(members, src, group_src, 0 if group is None else None)
    own = members.rank() == root
    check_root_list("scatter_list", scatter_list, own, "source")
    size = members.size()
    if own and scatter_list and len(scatter_list) != size:
        raise RuntimeError(
            f"ProcessGroupGloo::scatter: Incorrect input list size {len(scatter_list)}. Input list "
            f"size should be {size}, same as size of the process group."
        )
    if own and scatter_list:
        for each in scatter_list:
            _check_size("scatter", 0, tensor, each)
        rows = stacked(scatter_list)
    else:
        rows = np.zeros((size, *tensor.shape), tensor.dtype._numpy)
    return members.collective(
        "scatter", "all_to_all", rows, (), lambda got: [put(tensor, got[root])], async_op
    )


def all_to_all(
    output_tensor_list: list[Any],
    input_tensor_list: list[Any],
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Give each process one tensor of each.

    Args:
        output_tensor_list: gets the tensors; from each process the one for this rank.
        input_tensor_list: one tensor for each process; their sizes may differ.
    """
    check_tensors(output_tensor_list, "output_tensor_list")
    check_tensors(input_tensor_list, "input_tensor_list")
    check_dtypes(output_tensor_list, input_tensor_list)
    members = resolve(group)
    if members is None:
        warn_not_in_group("all_to_all")
        return None
    for word, given in (("input", input_tensor_list), ("output", output_tensor_list)):
        if len(given) != members.size():
            raise RuntimeError(
                f"ProcessGroupGloo::alltoall: {word} tensor list size {len(given)} does not match "
                f"world size {members.size()}"
            )
    parts = [elements(each).reshape(-1) for each in input_tensor_list]

    def take(got: list[np.ndarray]) -> list[Any]:
        return [put(each, part) for each, part in zip(output_tensor_list, got, strict=True)]

    lengths = [each.numel() for each in output_tensor_list]
    return _exchange("all_to_all", members, parts, lengths, take, async_op)


def all_to_all_single(
    output: Any,
    input: Any,
    output_split_sizes: list[int] | None = None,
    input_split_sizes: list[int] | None = None,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Give each process one part of the tensor of each.

    Args:
        output: gets the parts, joined along the first dimension.
        input: the parts for all processes, joined along the first dimension.
        output_split_sizes, input_split_sizes: their lengths; equal unless given.
    """
    check_tensor(output, "output")
    check_tensor(input, "input")
    check_dtypes(output, input)
    members = resolve(group)
    if members is None:
        warn_not_in_group("all_to_all_single")
        return None
    size = members.size()
    given = elements(input)
    if not output_split_sizes and not input_split_sizes:
        for each in (output, input):
            if each.shape[0] % size:
                raise RuntimeError("Tensor's dim 0 does not divide equally across group size")
        if output.numel() != input.numel():
            raise RuntimeError("Size of input and output are different")
        rows = given.reshape((size, -1))
        return members.collective(
            "all_to_all_single",
            "all_to_all",
            rows,
            (),
            lambda got: [put(output, got)],
            async_op,
        )
    sent = _splits(input, input_split_sizes, size)
    received = _splits(output, output_split_sizes, size)
    unit = math.prod(input.shape[1:])
    ends = np.cumsum(sent)[:-1]
    parts = [part.reshape(-1) for part in np.split(given, ends)]
    return _exchange(
        "all_to_all_single",
        members,
        parts,
        [length * unit for length in received],
        lambda got: [put(output, np.concatenate(got))],
        async_op,
    )


def _splits(tensor: Any, sizes: list[int] | None, count: int) -> list[int]:
    if not sizes:
        if tensor.shape[0] % count:
            raise RuntimeError("Tensor's dim 0 does not divide equally across group size")
        return [tensor.shape[0] // count] * count
    if len(sizes) != count:
        raise RuntimeError("Number of tensor splits not equal to group size")
    if sum(sizes) != tensor.shape[0]:
        raise RuntimeError("Split sizes doesn't match total dim 0 size")
    return [int(size) for size in sizes]


def _exchange(
    name: str,
    group: ProcessGroup,
    parts: list[np.ndarray],
    lengths: list[int],
    take: Callable[[list[np.ndarray]], list[Any]],
    async_op: bool,
) -> Work | None:
    """Exchange parts of different lengths, padded to the longest of all processes."""
    longest = np.array([max([each.size for each in parts] + lengths)], np.int64)
    width = int(group.received(f"{name} (its sizes)", "all_reduce", longest, "max")[0])
    rows = np.stack([np.pad(each, (0, width - each.size)) for each in parts])

    def taken(got: np.ndarray) -> list[Any]:
        return take([row[:length] for row, length in zip(got, lengths, strict=True)])

    return group.collective(name, "all_to_all", rows, (), taken, async_op)
