"""Messages from one process to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._engine.memory.exchange import elements_of, replace_elements
from ._checks import check_tensor, member_rank
from ._groups import resolve, warn_not_in_group
from ._process_group import ProcessGroup
from ._work import Work, completed


def isend(
    tensor: Any,
    dst: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> Work | None:
    """Send a tensor as it is now, and do not wait for that.

    Args:
        dst: the rank in the world of who gets it; ``group_dst`` is that within the group.
        tag: the receiver asks for messages by it.
    """
    return _send("isend", tensor, dst, group, tag, group_dst)


def send(
    tensor: Any,
    dst: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_dst: int | None = None,
) -> None:
    """Send a tensor.

    It returns when the message has been handed over: the elements are those of now, whatever is
    written to the tensor later.

    Args:
        dst: the rank in the world of who gets it; ``group_dst`` is that within the group.
        tag: the receiver asks for messages by it.
    """
    _send("send", tensor, dst, group, tag, group_dst)


def _send(
    name: str, tensor: Any, dst: int | None, group: Any, tag: int, group_dst: int | None
) -> Work | None:
    check_tensor(tensor, "tensor")
    members = resolve(group)
    if members is None:
        warn_not_in_group(name)
        return None
    target = member_rank(members, dst, group_dst)
    if target == members.rank():
        raise ValueError(
            "Invalid destination rank: destination rank should not be the same as the rank of the "
            "current process."
        )
    _check_peer(members, target)
    message = elements_of(tensor, "a message")
    carrier = members.message_lane(members.rank(), target)
    if carrier.lane.failure is not None:
        raise carrier.lane.failure
    return carrier.lane.submit(
        lambda: carrier.send(message, tag),
        lambda _: [tensor],
        lambda: f"{name}({message.dtype}{list(message.shape)}) to rank {target}",
    )


def irecv(
    tensor: Any,
    src: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_src: int | None = None,
) -> Work | None:
    """Receive a tensor, and do not wait for it.

    Args:
        tensor: gets the elements when the work is waited for.
        src: the rank in the world of who sends it; ``group_src`` is that within the group. Without
            either it is received of whoever sends first.
        tag: that of the message.
    """
    check_tensor(tensor, "tensor")
    members = resolve(group)
    if members is None:
        warn_not_in_group("irecv")
        return None
    if src is None and group_src is None:
        mailbox = members.mailbox()

        def take_of_any(found: tuple[int, np.ndarray]) -> list[Any]:
            work._source = members._ranks[found[0]]
            return _fill(tensor, *found)

        work = mailbox.lane.submit(
            lambda: mailbox.receive(tag), take_of_any, lambda: "irecv from any rank"
        )
        return members._lane.remember(work)
    source = member_rank(members, src, group_src)
    if source == members.rank():
        raise ValueError(
            "Invalid source rank: source rank should not be the same as the rank of the current "
            "process."
        )
    _check_peer(members, source)
    carrier = members.message_lane(source, members.rank())
    work = carrier.lane.submit(
        lambda: carrier.receive(tag),
        lambda message: _fill(tensor, source, message),
        lambda: f"irecv from rank {source}",
    )
    work._source = members._ranks[source]
    return members._lane.remember(work)


def _fill(tensor: Any, source: int, message: np.ndarray) -> list[Any]:
    """Give a tensor the elements of a message."""
    dtype = np.dtype(tensor.dtype._numpy)
    if message.size != tensor.numel() * dtype.itemsize:
        raise RuntimeError(
            f"rank {source} sent {message.size} bytes, and the tensor that receives them has "
            f"{tensor.numel() * dtype.itemsize}"
        )
    replace_elements(tensor, message.view(dtype).reshape(tuple(tensor.shape)))
    return [tensor]


def recv(
    tensor: Any,
    src: int | None = None,
    group: Any = None,
    tag: int = 0,
    group_src: int | None = None,
) -> int:
    """Receive a tensor.

    Args:
        tensor: gets the elements.
        src: the rank in the world of who sends it; ``group_src`` is that within the group. Without
            either it is received of whoever sends first.
        tag: that of the message.
    Returns:
        The rank of the sender, -1 where this process is no member of the group.
    """
    work = irecv(tensor, src, group, tag, group_src)
    if work is None:
        return -1
    work.wait()
    return work.source_rank()


def _check_peer(group: ProcessGroup, rank: int) -> None:
    if not 0 <= rank < group.size():
        raise RuntimeError(f"rank {rank} is none of the group's {group.size()} processes")


class P2POp:
    """A message to be sent or received by ``batch_isend_irecv``.

    Args:
        op: ``isend`` or ``irecv``.
        tensor: what is sent, or gets what is received.
        peer: the rank in the world of the other process; ``group_peer`` is that within the group.
        group, tag: as of ``isend``.
    """

    def __init__(
        self,
        op: Callable,
        tensor: Any,
        peer: int | None = None,
        group: Any = None,
        tag: int = 0,
        group_peer: int | None = None,
    ):
        _check_op(op)
        check_tensor(tensor, "tensor")
        members = resolve(group)
        assert members is not None
        self.op = op
        self.tensor = tensor
        self.group = members
        self.group_peer = member_rank(members, peer, group_peer)
        self.peer = members._ranks[self.group_peer]
        self.tag = tag

    def __repr__(self) -> str:
        name = self.op.__name__
        place = self.group.rank()
        route = f"{place} -> {self.peer}" if name == "isend" else f"{self.peer} -> {place}"
        return f"P2POp({name} pg={self.group.group_name}, {route}, {self.tensor.shape})"


def _check_op(op: Any) -> None:
    if op not in (isend, irecv):
        raise ValueError(
            "Invalid ``op``. Expected ``op`` to be of type ``torch.distributed.isend`` or "
            "``torch.distributed.irecv``."
        )


def batch_isend_irecv(p2p_op_list: list[P2POp]) -> list[Work]:
    """Begin to send and receive several messages.

    Returns:
        The work of each.
    """
    if not isinstance(p2p_op_list, list) or not all(isinstance(p, P2POp) for p in p2p_op_list):
        raise ValueError(
            "Invalid ``p2p_op_list``. Each op is expected to "
            "to be of type ``torch.distributed.P2POp``."
        )
    p2p_op_list[0]
    works = []
    for each in p2p_op_list:
        peer = {"group_dst" if each.op is isend else "group_src": each.group_peer}
        work = each.op(each.tensor, group=each.group, tag=each.tag, **peer)
        works.append(completed() if work is None else work)
    return works
