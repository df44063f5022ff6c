"""Collectives that reduce: each process gets the sum, or another reduction, of tensors of all.

They run where they are called, see ``_collectives.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import jtorch as torch

from .._core import messages
from .._core.dtypes import is_inexact
from .._engine.graph.values import is_tensor
from ._backends import ReduceOp
from ._checks import check_dtypes, check_root, check_tensor, check_tensors, member_rank
from ._deprecation import LATER, deprecated
from ._elements import elements, put, stacked
from ._groups import resolve, warn_not_in_group
from ._process_group import ProcessGroup
from ._work import Work

_Red = ReduceOp.RedOpType
#: What a communicator calls the reductions.
_REDUCTIONS = {
    _Red.SUM: "sum",
    _Red.AVG: "sum",
    _Red.PRODUCT: "product",
    _Red.MIN: "min",
    _Red.MAX: "max",
    _Red.BAND: "band",
    _Red.BOR: "bor",
    _Red.BXOR: "bxor",
}
#: Those of truth values, computed on bytes.
_OF_BOOLS = {"sum": "bor", "product": "band", "min": "band", "max": "bor"}
_BITWISE = (_Red.BAND, _Red.BOR, _Red.BXOR)
_SHORT = "Invalid scalar type"


def supports_complex(reduceOp: Any) -> bool:
    """Return whether a reduction is defined for complex numbers."""
    return reduceOp not in (_Red.MAX, _Red.MIN, _Red.PRODUCT, *_BITWISE)


class _Reduction:
    """A reduction of tensors of one dtype: what is sent, and what becomes of what is got.

    Raises:
        ValueError, RuntimeError: there is no such reduction of this dtype.
    """

    def __init__(self, op: Any, dtype: Any, size: int, name: str):
        kind = op.op if isinstance(op, ReduceOp) else op
        if dtype.is_complex and not supports_complex(kind):
            raise ValueError(f"{name} does not support {kind} on complex tensors")
        if dtype is torch.int16:
            raise RuntimeError(_SHORT)
        if kind not in _REDUCTIONS:
            raise RuntimeError(f"Cannot use ReduceOp.{_Red(kind).name} with Gloo")
        if kind in _BITWISE and is_inexact(dtype):
            raise RuntimeError(f"Cannot use ReduceOp.{kind.name} with non-integral dtype")
        if kind == _Red.AVG and not is_inexact(dtype):
            raise messages.cannot_cast_result("Float", dtype._legacy_name)
        self.name = _REDUCTIONS[kind]
        self.divisor = size if kind == _Red.AVG else 1
        self.bools = dtype is torch.bool
        if self.bools:
            self.name = _OF_BOOLS.get(self.name, self.name)

    def sent(self, array: np.ndarray) -> np.ndarray:
        return array.view(np.uint8) if self.bools else array

    def got(self, array: np.ndarray) -> np.ndarray:
        if self.bools:
            return array.view(np.bool_)
        if self.divisor != 1:
            return np.divide(array, array.dtype.type(self.divisor))
        return array


def all_reduce(
    tensor: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Reduce the tensors of all processes, elementwise; each gets the result, in place.

    Args:
        tensor: of the same shape and dtype everywhere.
        op: a ``ReduceOp``; ``AVG`` is the sum divided by the number of processes.
        group: the processes; the world unless given.
        async_op: whether to return a ``Work`` at once.
    """
    check_tensor(tensor, "tensor")
    members = resolve(group)
    if members is None:
        warn_not_in_group("all_reduce")
        return None
    reduction = _Reduction(op, tensor.dtype, members.size(), "all_reduce")
    return members.collective(
        "all_reduce",
        "all_reduce",
        reduction.sent(elements(tensor)),
        (reduction.name,),
        lambda got: [put(tensor, reduction.got(got))],
        async_op,
    )


@deprecated(LATER.format("all_reduce_coalesced"))
def all_reduce_coalesced(
    tensors: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Reduce each of several tensors, all of one dtype, as ``all_reduce`` does."""
    tensors = [tensors] if is_tensor(tensors) else tensors
    check_tensors(tensors, "tensors")
    check_dtypes(tensors)
    members = resolve(group)
    if members is None:
        warn_not_in_group("all_reduce_coalesced")
        return None
    reduction = _Reduction(op, tensors[0].dtype, members.size(), "all_reduce")
    flat = np.concatenate([elements(each).reshape(-1) for each in tensors])

    def take(got: np.ndarray) -> list[Any]:
        ends = np.cumsum([each.numel() for each in tensors])[:-1]
        return [put(t, p) for t, p in zip(tensors, np.split(reduction.got(got), ends), strict=True)]

    return members.collective(
        "all_reduce_coalesced",
        "all_reduce",
        reduction.sent(flat),
        (reduction.name,),
        take,
        async_op,
    )


def reduce(
    tensor: Any,
    dst: int | None = None,
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
    group_dst: int | None = None,
) -> Work | None:
    """Reduce the tensors of all processes; one of them gets the result.

    Args:
        dst: its rank in the world; ``group_dst`` is that within the group.
    """
    check_tensor(tensor, "tensor")
    members = resolve(group)
    if members is None:
        warn_not_in_group("reduce")
        return None
    root = member_rank(members, dst, group_dst)
    check_root("reduce", root, members)
    reduction = _Reduction(op, tensor.dtype, members.size(), "reduce")

    def take(got: np.ndarray) -> list[Any]:
        return [put(tensor, reduction.got(got)) if members.rank() == root else tensor]

    sent = reduction.sent(elements(tensor))
    return members.collective("reduce", "all_reduce", sent, (reduction.name,), take, async_op)


def reduce_scatter(
    output: Any,
    input_list: list[Any],
    op: Any = ReduceOp.SUM,
    group: Any = None,
    async_op: bool = False,
) -> Work | None:
    """Reduce lists of tensors; each process gets one of the results, that of its rank.

    Args:
        output: gets it.
        input_list: as many tensors as there are processes.
    """
    check_tensor(output, "output")
    check_tensors(input_list, "input_list")
    check_dtypes(output, input_list)
    members = resolve(group)
    if members is None:
        warn_not_in_group("reduce_scatter")
        return None
    if len(input_list) != members.size():
        raise RuntimeError("invalid input tensor list size, must be world size")
    return _reduce_scatter("reduce_scatter", output, stacked(input_list), op, members, async_op)


def reduce_scatter_single(
    output: Any, input: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Reduce tensors; each process gets one part of the result, that of its rank.

    Args:
        output: gets it.
        input: as many parts, along its first dimension or stacked, as there are processes.
    """
    check_tensor(output, "output")
    check_tensor(input, "input")
    members = resolve(group)
    if members is None:
        warn_not_in_group("reduce_scatter_tensor")
        return None
    size = members.size()
    if input.numel() != output.numel() * size:
        raise RuntimeError("input tensor must be the same size as output size times world size")
    rows = elements(input).reshape((size, *output.shape))
    return _reduce_scatter("reduce_scatter_tensor", output, rows, op, members, async_op)


def _reduce_scatter(
    name: str, output: Any, rows: np.ndarray, op: Any, members: ProcessGroup, async_op: bool
) -> Work | None:
    reduction = _Reduction(op, output.dtype, members.size(), "reduce_scatter")
    return members.collective(
        name,
        "reduce_scatter",
        reduction.sent(rows),
        (reduction.name,),
        lambda got: [put(output, reduction.got(got))],
        async_op,
    )


@deprecated(
    "`torch.distributed.reduce_scatter_tensor` is deprecated. "
    "Please use `torch.distributed.reduce_scatter_single` instead.",
)
def reduce_scatter_tensor(
    output: Any, input: Any, op: Any = ReduceOp.SUM, group: Any = None, async_op: bool = False
) -> Work | None:
    """Reduce tensors and scatter the result: ``reduce_scatter_single``."""
    return reduce_scatter_single(output, input, op, group, async_op)
