"""Collectives with gradients: each one's gradient is another collective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jtorch as torch
import jtorch.distributed as dist
from jtorch.distributed import ReduceOp

from ...autograd.function import Function
from .._deprecation import deprecated

_SUM = ReduceOp.SUM


def _old(name: str, replacement: str) -> Any:
    return deprecated(
        f"torch.distributed.nn.functional.{name} is deprecated, use "
        f"torch.distributed._functional_collectives.{replacement} instead."
    )


@_old("broadcast", "broadcast")
def broadcast(tensor: torch.Tensor, src: int, group: Any = None) -> torch.Tensor:
    """Return the tensor of one process.

    Args:
        tensor: this process's; all have one shape.
        src: the rank of that process, which gets the sum of all gradients.
        group: the group; the default one unless given.
    """
    return _Broadcast.apply(src, group, tensor)


def gather(tensor: torch.Tensor, dst: int = 0, group: Any = None) -> tuple[torch.Tensor, ...]:
    """Return the tensors of all processes in one of them, zeros in the others.

    Args:
        tensor: this process's; all have one shape.
        dst: the rank of the process that gets them.
        group: the group; the default one unless given.
    """
    return _Gather.apply(dst, group, tensor)


def scatter(tensors: Sequence[torch.Tensor], src: int = 0, group: Any = None) -> torch.Tensor:
    """Return this process's tensor of a list that one process has.

    Args:
        tensors: the list; of the other processes it tells shapes.
        src: the rank of the process whose list is taken.
        group: the group; the default one unless given.
    """
    return _Scatter.apply(src, group, *tensors)


def reduce(tensor: torch.Tensor, dst: int, op: Any = _SUM, group: Any = None) -> torch.Tensor:
    """Return the tensors of all processes, reduced, in one of them.

    Args:
        tensor: this process's; all have one shape.
        dst: the rank of the process that gets the result.
        op: how they are reduced.
        group: the group; the default one unless given.
    """
    return _Reduce.apply(dst, op, group, tensor)


@_old("reduce_scatter", "reduce_scatter_single")
def reduce_scatter(
    output: torch.Tensor, input_list: Sequence[torch.Tensor], op: Any = _SUM, group: Any = None
) -> torch.Tensor:
    """Return this process's place of all processes' lists, reduced.

    Args:
        output: takes the result, too.
        input_list: a tensor for each process.
        op: how they are reduced.
        group: the group; the default one unless given.
    """
    return _Reduce_Scatter.apply(op, group, output, *input_list)


@_old("all_gather", "all_gather_single")
def all_gather(tensor: torch.Tensor, group: Any = None) -> tuple[torch.Tensor, ...]:
    """Return the tensors of all processes.

    Args:
        tensor: this process's; all have one shape.
        group: the group; the default one unless given.
    """
    return _AllGather.apply(group, tensor)


def _all_gather_base(output_tensor: Any, input_tensor: Any, group: Any = None) -> Any:
    raise RuntimeError("Backend not supported!")


def all_to_all(
    output_tensor_list: Sequence[torch.Tensor],
    input_tensor_list: Sequence[torch.Tensor],
    group: Any = None,
) -> tuple[torch.Tensor, ...]:
    """Return the tensors that all processes send to this one.

    Args:
        output_tensor_list: take the results, too.
        input_tensor_list: a tensor for each process.
        group: the group; the default one unless given.
    """
    return _AlltoAll.apply(group, list(output_tensor_list), *input_tensor_list)


@_old("all_to_all_single", "all_to_all_single")
def all_to_all_single(
    output: torch.Tensor,
    input: torch.Tensor,
    output_split_sizes: list[int] | None = None,
    input_split_sizes: list[int] | None = None,
    group: Any = None,
) -> torch.Tensor:
    """Return the rows that all processes send to this one.

    Args:
        output: takes the result, too.
        input: the rows, cut for the processes.
        output_split_sizes, input_split_sizes: how many come from and go to each; equally many by
            default.
        group: the group; the default one unless given.
    """
    return _AlltoAllSingle.apply(group, output, output_split_sizes, input_split_sizes, input)


@_old("all_reduce", "all_reduce")
def all_reduce(tensor: torch.Tensor, op: Any = _SUM, group: Any = None) -> torch.Tensor:
    """Return the tensors of all processes, reduced.

    Args:
        tensor: this process's; all have one shape.
        op: how they are reduced; the gradients are reduced in the same way.
        group: the group; the default one unless given.
    """
    return _AllReduce.apply(op, group, tensor)


def _copy(tensor: Any) -> Any:
    return tensor.detach().clone(memory_format=torch.contiguous_format)


class _Broadcast(Function):
    """The tensor of one process."""

    @staticmethod
    def forward(ctx: Any, src: int, group: Any, tensor: Any) -> Any:  # type: ignore[override]
        ctx.src, ctx.group = src, group
        result = _copy(tensor)
        dist.broadcast(result, src, group=group)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        total = _Reduce.apply(ctx.src, _SUM, ctx.group, gradient)
        return None, None, total if dist.get_rank() == ctx.src else torch.zeros_like(total)


class _Gather(Function):
    """All tensors in one process."""

    @staticmethod
    def forward(ctx: Any, dst: int, group: Any, tensor: Any) -> Any:  # type: ignore[override]
        ctx.dst, ctx.group = dst, group
        found = [torch.zeros_like(tensor) for _ in range(dist.get_world_size(group))]
        mine = dist.get_rank() == dst
        dist.gather(tensor.detach().contiguous(), found if mine else None, dst=dst, group=group)
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # type: ignore[override]
        return None, None, _Scatter.apply(ctx.dst, ctx.group, *gradients)


class _Scatter(Function):
    """A tensor of one process's list."""

    @staticmethod
    def forward(ctx: Any, src: int, group: Any, *tensors: Any) -> Any:  # type: ignore[override]
        ctx.src, ctx.group = src, group
        result = torch.zeros_like(tensors[0])
        given = [each.detach().contiguous() for each in tensors]
        mine = dist.get_rank() == src
        dist.scatter(result, given if mine else None, src=src, group=group)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        return None, None, *_Gather.apply(ctx.src, ctx.group, gradient)


class _Reduce(Function):
    """The reduced tensor in one process."""

    @staticmethod
    def forward(ctx: Any, dst: int, op: Any, group: Any, tensor: Any) -> Any:  # type: ignore[override]
        ctx.dst, ctx.group = dst, group
        result = _copy(tensor)
        dist.reduce(result, dst, op=op, group=group)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        return None, None, None, _Broadcast.apply(ctx.dst, ctx.group, gradient)


class _Reduce_Scatter(Function):
    """A place of the reduced lists."""

    @staticmethod
    def forward(ctx: Any, op: Any, group: Any, output: Any, *tensors: Any) -> Any:  # type: ignore[override]
        ctx.group = group
        result = _copy(output)
        given = [each.detach().contiguous() for each in tensors]
        dist.reduce_scatter(result, given, op=op, group=group)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        return None, None, None, *_AllGather.apply(ctx.group, gradient)


class _AllGather(Function):
    """All tensors in all processes."""

    @staticmethod
    def forward(ctx: Any, group: Any, tensor: Any) -> Any:  # type: ignore[override]
        ctx.group = group
        found = [torch.empty_like(tensor) for _ in range(dist.get_world_size(group))]
        dist.all_gather(found, tensor.detach().contiguous(), group=group)
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # type: ignore[override]
        place = torch.empty_like(gradients[0])
        return None, _Reduce_Scatter.apply(_SUM, ctx.group, place, *gradients)


class _AlltoAll(Function):
    """Tensors that are sent to this process."""

    @staticmethod
    def forward(ctx: Any, group: Any, outputs: list[Any], *tensors: Any) -> Any:  # type: ignore[override]
        ctx.group = group
        ctx.sent = [tuple(each.shape) for each in tensors]
        found = [_copy(each) for each in outputs]
        dist.all_to_all(found, [each.detach().contiguous() for each in tensors], group=group)
        return tuple(found)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:  # type: ignore[override]
        places = [gradients[0].new_empty(shape) for shape in ctx.sent]
        return None, None, *_AlltoAll.apply(ctx.group, places, *gradients)


class _AlltoAllSingle(Function):
    """Rows that are sent to this process."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, group: Any, output: Any, received: Any, sent: Any, tensor: Any
    ) -> Any:
        ctx.group, ctx.received, ctx.sent = group, received, sent
        ctx.shape = tuple(tensor.shape)
        result = _copy(output)
        dist.all_to_all_single(result, tensor.detach().contiguous(), received, sent, group=group)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        place = gradient.new_empty(ctx.shape)
        back = _AlltoAllSingle.apply(ctx.group, place, ctx.sent, ctx.received, gradient)
        return None, None, None, None, back


class _AllReduce(Function):
    """The reduced tensor in all processes."""

    @staticmethod
    def forward(ctx: Any, op: Any, group: Any, tensor: Any) -> Any:  # type: ignore[override]
        ctx.op, ctx.group = op, group
        result = _copy(tensor)
        dist.all_reduce(result, op=op, group=group)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        return None, None, _AllReduce.apply(ctx.op, ctx.group, gradient)


__all__ = [
    "all_gather",
    "all_reduce",
    "all_to_all",
    "all_to_all_single",
    "broadcast",
    "gather",
    "reduce",
    "reduce_scatter",
    "scatter",
]
