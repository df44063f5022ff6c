"""Collectives that return new tensors instead of writing into given ones.

A collective is complete when its function returns, so nothing has to be waited for;
``wait_tensor`` and ``AsyncCollectiveTensor`` are there for programs that name them. The functions
that end in ``_autograd``, and those without the ending where an argument requires grad, are
differentiable: the gradient of each is another collective.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jtorch as torch
import jtorch.distributed as dist

from ..autograd.function import Function
from ._collective_counts import runs
from ._groups import resolve_process_group
from .device_mesh import DeviceMesh, _group_of

REDUCE_OPS = ("sum", "avg", "product", "min", "max", "band", "bor", "bxor")


class AsyncCollectiveTensor(torch.Tensor):
    """The result of a collective that may not have arrived: none is, since all are waited for."""

    def wait(self) -> torch.Tensor:
        """Return the result."""
        return self

    def trigger_wait(self) -> torch.Tensor:
        """Return the result."""
        return self


def _resolve_group(group: Any, tag: str = "") -> Any:
    """Return the group that is named: by itself, its ranks, its name, a mesh or a mesh's dimension.

    Raises:
        ValueError: a mesh has several dimensions and none is named, or nothing of the kind is.
    """
    if isinstance(group, DeviceMesh):
        if group.ndim != 1:
            raise AssertionError(
                "Only 1D mesh is supported, pass in (DeviceMesh, int) together if mesh > 1D"
            )
        return group.get_group()
    if isinstance(group, tuple):
        if len(group) == 2 and isinstance(group[0], DeviceMesh) and isinstance(group[1], int):
            return group[0].get_group(group[1])
        raise ValueError("Invalid tuple for group must be (DeviceMesh, int)")
    if isinstance(group, str):
        return resolve_process_group(group)
    if isinstance(group, list):
        ranks = [rank for each in group for rank in (each if isinstance(each, list) else [each])]
        found = _group_of(ranks)
        return dist.new_group(ranks) if found is None else found
    if group is None:
        raise ValueError(f"Unsupported group type: {type(group)}, {group}")
    return group


def _resolve_group_name(group: Any, tag: str = "") -> str:
    return _resolve_group(group, tag).group_name


def _op_of(name: str) -> Any:
    lowered = name.lower()
    if lowered not in REDUCE_OPS:
        raise ValueError(f"Invalid reduce operation {name}")
    return getattr(dist.ReduceOp, lowered.upper())


def _reduced(tensor: Any, name: str, group: Any, run: Any) -> Any:
    """Reduce, as a sum that is divided where an average is asked for, which gloo has not."""
    if name.lower() == "avg":
        return run(_op_of("sum")) / dist.get_world_size(group)
    return run(_op_of(name))


def _all_reduce(tensor: Any, name: str, group: Any) -> Any:
    def run(op: Any) -> Any:
        result = tensor.detach().clone(memory_format=torch.contiguous_format)
        dist.all_reduce(result, op=op, group=group)
        return result

    runs("all_reduce")
    return _reduced(tensor, name, group, run)


def _all_gather(tensor: Any, dim: int, group: Any) -> Any:
    size = dist.get_world_size(group)
    tensor = tensor.detach().contiguous()
    shape = list(tensor.shape) or [1]
    result = tensor.new_empty([shape[0] * size, *shape[1:]])
    runs("all_gather_into_tensor")
    dist.all_gather_single(result, tensor.reshape(shape), group=group)
    if dim:
        result = torch.cat(result.chunk(size, 0), dim)
    return result


def _reduce_scatter(tensor: Any, name: str, dim: int, group: Any) -> Any:
    size = dist.get_world_size(group)
    if tensor.size(dim) % size != 0:
        raise AssertionError(
            f"input dimension 0 ({tensor.size(0)} must be a multiple of group_size {size})"
        )
    tensor = tensor.detach()
    if dim:
        tensor = torch.cat(tensor.chunk(size, dim), 0)
    tensor = tensor.contiguous()

    def run(op: Any) -> Any:
        result = tensor.new_empty([tensor.size(0) // size, *tensor.shape[1:]])
        dist.reduce_scatter_single(result, tensor, op=op, group=group)
        return result

    runs("reduce_scatter_tensor")
    return _reduced(tensor, name, group, run)


def _all_to_all(tensor: Any, received: Any, sent: Any, group: Any) -> Any:
    rows = tensor.size(0) if received is None else sum(received)
    result = tensor.new_empty([rows, *tensor.shape[1:]])
    runs("all_to_all_single")
    dist.all_to_all_single(result, tensor.detach().contiguous(), received, sent, group=group)
    return result


class _AllReduce(Function):
    """A reduction over a group; the gradient of a sum is the sum of the gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Any, name: str, group: Any) -> Any:  # type: ignore[override]
        """Return the reduced tensor."""
        ctx.name, ctx.group = name, group
        return _all_reduce(tensor, name, group)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return the reduced gradient."""
        if ctx.name.lower() not in ("sum", "avg"):
            raise RuntimeError(
                f"all_reduce backward only supports 'sum' reduction, got '{ctx.name}'"
            )
        return _AllReduce.apply(gradient, ctx.name, ctx.group), None, None


class _AllGather(Function):
    """All pieces along a dimension; the gradient of a piece is summed over the group."""

    @staticmethod
    def forward(ctx: Any, tensor: Any, dim: int, group: Any) -> Any:  # type: ignore[override]
        """Return the pieces one after the other."""
        ctx.dim, ctx.group = dim, group
        return _all_gather(tensor, dim, group)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return the sum of the gradients of this process's piece."""
        return _ReduceScatter.apply(gradient, "sum", ctx.dim, ctx.group), None, None


class _ReduceScatter(Function):
    """A piece of the reduced tensor; the gradient is that of all pieces."""

    @staticmethod
    def forward(ctx: Any, tensor: Any, name: str, dim: int, group: Any) -> Any:  # type: ignore[override]
        """Return this process's piece."""
        ctx.name, ctx.dim, ctx.group = name, dim, group
        return _reduce_scatter(tensor, name, dim, group)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return the gradients of all pieces."""
        if ctx.name.lower() not in ("sum", "avg"):
            raise RuntimeError(
                f"reduce_scatter_tensor backward only supports 'sum' reduction, got '{ctx.name}'"
            )
        result = _AllGather.apply(gradient, ctx.dim, ctx.group)
        if ctx.name.lower() == "avg":
            result = result / dist.get_world_size(ctx.group)
        return result, None, None, None


class _AllToAll(Function):
    """Rows sent to all processes; gradients are sent back."""

    @staticmethod
    def forward(ctx: Any, tensor: Any, received: Any, sent: Any, group: Any) -> Any:  # type: ignore[override]
        """Return the rows that arrive."""
        ctx.received, ctx.sent, ctx.group = received, sent, group
        return _all_to_all(tensor, received, sent, group)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return the gradients of the rows that were sent."""
        return _AllToAll.apply(gradient, ctx.sent, ctx.received, ctx.group), None, None, None


class _Broadcast(Function):
    """The tensor of one process; its gradient is the sum of all processes' gradients."""

    @staticmethod
    def forward(ctx: Any, tensor: Any, src: int, group: Any) -> Any:  # type: ignore[override]
        """Return the tensor of ``src``."""
        ctx.src, ctx.group = src, group
        result = tensor.detach().clone(memory_format=torch.contiguous_format)
        runs("broadcast")
        dist.broadcast(result, src, group=group)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return the sum where the tensor came from, zeros elsewhere."""
        total = _AllReduce.apply(gradient, "sum", ctx.group)
        return (total if dist.get_rank() == ctx.src else torch.zeros_like(total)), None, None


def wait_tensor(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor, which has arrived already."""
    return tensor


def all_reduce(self: torch.Tensor, reduceOp: str, group: Any, tag: str = "") -> torch.Tensor:
    """Return a tensor reduced over the processes of a group.

    Args:
        self: this process's tensor.
        reduceOp: ``"sum"``, ``"avg"``, ``"product"``, ``"min"``, ``"max"`` and the bitwise ones.
        group: a group, its ranks, a mesh of one dimension, or a mesh and a dimension.
        tag: not used.
    """
    return _AllReduce.apply(self, reduceOp, _resolve_group(group, tag))


def all_gather_tensor(
    self: torch.Tensor, gather_dim: int, group: Any, tag: str = ""
) -> torch.Tensor:
    """Return the tensors of all processes of a group, one after the other.

    Args:
        self: this process's tensor; all have one shape.
        gather_dim: the dimension along which they follow each other.
        group, tag: as for ``all_reduce``.
    """
    return _AllGather.apply(self, gather_dim % max(self.dim(), 1), _resolve_group(group, tag))


def reduce_scatter_tensor(
    self: torch.Tensor,
    reduceOp: str,
    scatter_dim: int,
    group: Any,
    tag: str = "",
) -> torch.Tensor:
    """Return this process's piece of a tensor reduced over a group.

    Args:
        self: this process's tensor, of a length that the group's size divides.
        reduceOp: as for ``all_reduce``.
        scatter_dim: the dimension along which it is cut.
        group, tag: as for ``all_reduce``.
    """
    return _ReduceScatter.apply(
        self, reduceOp, scatter_dim % max(self.dim(), 1), _resolve_group(group, tag)
    )


def all_to_all_single(
    self: torch.Tensor,
    output_split_sizes: Sequence[int] | None,
    input_split_sizes: Sequence[int] | None,
    group: Any,
    tag: str = "",
) -> torch.Tensor:
    """Return the rows that all processes of a group send to this one.

    Args:
        self: the rows, cut for the processes.
        output_split_sizes: how many rows arrive from each; equally many by default.
        input_split_sizes: how many rows go to each; equally many by default.
        group, tag: as for ``all_reduce``.
    """
    received = None if output_split_sizes is None else list(output_split_sizes)
    sent = None if input_split_sizes is None else list(input_split_sizes)
    return _AllToAll.apply(self, received, sent, _resolve_group(group, tag))


def broadcast(self: torch.Tensor, src: int, group: Any, tag: str = "") -> torch.Tensor:
    """Return the tensor of one process.

    Args:
        self: this process's tensor; all have one shape.
        src: the global rank of that process.
        group, tag: as for ``all_reduce``.
    """
    return _Broadcast.apply(self, src, _resolve_group(group, tag))


def permute_tensor(
    self: torch.Tensor, src_dst: Sequence[int], group: Any, tag: str = ""
) -> torch.Tensor:
    """Return the tensor of another process, each sending its own to one.

    Args:
        self: this process's tensor; all have one shape.
        src_dst: to which rank of the group each sends.
        group, tag: as for ``all_reduce``.
    """
    found = _resolve_group(group, tag)
    rank, size = dist.get_rank(found), dist.get_world_size(found)
    sent, received = [0] * size, [0] * size
    for source, target in enumerate(src_dst):
        if source == rank:
            sent[target] = self.numel()
        if target == rank:
            received[source] = self.numel()
    rows = _AllToAll.apply(self.reshape(-1), received, sent, found)
    return rows.reshape(self.shape) if sum(received) == self.numel() else rows


def all_reduce_coalesced(
    self: Sequence[torch.Tensor],
    reduceOp: str,
    group: Any,
    tag: str = "",
) -> list[torch.Tensor]:
    """Return several tensors, each reduced as ``all_reduce`` does."""
    return [all_reduce(tensor, reduceOp, group, tag) for tensor in self]


def all_gather_into_tensor_coalesced(
    self: Sequence[torch.Tensor], group: Any, tag: str = ""
) -> list[torch.Tensor]:
    """Return several tensors, each gathered along its first dimension."""
    return [all_gather_tensor(tensor, 0, group, tag) for tensor in self]


def reduce_scatter_tensor_coalesced(
    inputs: Sequence[torch.Tensor],
    reduceOp: str,
    scatter_dim: Sequence[int],
    group: Any,
    tag: str = "",
) -> list[torch.Tensor]:
    """Return the pieces of several tensors, each reduced and cut along its own dimension."""
    return [
        reduce_scatter_tensor(tensor, reduceOp, dim, group, tag)
        for tensor, dim in zip(inputs, scatter_dim, strict=True)
    ]


all_gather_single = all_gather_tensor_autograd = all_gather_single_autograd = all_gather_tensor
reduce_scatter_single = reduce_scatter_tensor_autograd = reduce_scatter_tensor
reduce_scatter_single_autograd = reduce_scatter_tensor
all_to_all_single_autograd = all_to_all_single
for _public in (
    *(all_reduce, all_gather_tensor, reduce_scatter_tensor, all_to_all_single, broadcast),
    *(permute_tensor, wait_tensor, AsyncCollectiveTensor),
):
    _public.__module__ = "torch.distributed._functional_collectives"
