"""Which collectives run: who wants to know is told their names, which are PyTorch's."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..ops.compat.namespaces import namespace


class CollectivePacket:
    """A collective as an entry of ``torch.ops``, by which collectives are counted.

    Args:
        space: the namespace.
        name: its name there.
    """

    __module__ = "torch._ops"

    def __init__(self, space: str, name: str):
        self._space, self.__name__ = space, name

    @property
    def default(self) -> CollectivePacket:
        """Its only overload: the operator itself."""
        return self

    def __str__(self) -> str:
        return f"{self._space}.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self}')>"


def _packets(space: str, names: str) -> None:
    for name in names.split():
        setattr(namespace(space), name, CollectivePacket(space, name))


_FUNCTIONAL = """all_reduce all_reduce_ all_reduce_coalesced all_gather_into_tensor
    all_gather_into_tensor_coalesced reduce_scatter_tensor reduce_scatter_tensor_coalesced
    all_to_all_single broadcast wait_tensor"""
_packets("c10d_functional", _FUNCTIONAL)
_packets("_c10d_functional", _FUNCTIONAL)
_packets(
    "c10d",
    """allreduce_ broadcast_ scatter_ allgather_ _allgather_base_ gather_ reduce_
    reduce_scatter_ _reduce_scatter_base_ alltoall_ alltoall_base_""",
)


class _Listeners(threading.local):
    """Who is told of this thread's collectives."""

    found: tuple[Callable[[Any], None], ...] = ()


_listeners = _Listeners()


def listen(listener: Callable[[Any], None]) -> None:
    """Tell a function of each collective that this thread runs."""
    _listeners.found = (*_listeners.found, listener)


def stop_listening(listener: Callable[[Any], None]) -> None:
    """Do not tell it any more."""
    left = list(_listeners.found)
    left.remove(listener)
    _listeners.found = tuple(left)


def runs(name: str, space: str = "c10d_functional") -> None:
    """Say that a collective is run.

    Args:
        name: of the operator.
        space: its namespace.
    """
    if _listeners.found:
        packet = getattr(namespace(space), name)
        for listener in _listeners.found:
            listener(packet)
