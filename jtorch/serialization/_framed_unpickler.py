"""The restricted unpickler for what ``pickle`` writes by itself: protocols 3 to 5, named classes.

Files of ``torch.save`` are of protocol 2 and hold tensors; the metadata of a distributed checkpoint
is an ordinary pickle of a few plain classes. The machine and its limits are the same.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from ._guards import check_keys
from ._unpickler import Unpickler, read_name

_U64 = struct.Struct("<Q")


class FramedUnpickler(Unpickler):
    """Reads one pickle of objects of given classes, plain containers and plain values.

    Args:
        data: bytes that hold the pickle.
        allowed: what the pickle may name, by PyTorch's full name: classes, whose objects it may
            make and fill, and functions, which it may call.
        check_state: takes an object of such a class and the state for it, and raises
            ``pickle.UnpicklingError`` for a state that no such object has.
    """

    def __init__(
        self, data: bytes, allowed: dict[str, Any], check_state: Callable[[Any, Any], None]
    ):
        super().__init__(data)
        self._user_globals = {**self._user_globals, **allowed}
        self._user_values = {id(value) for value in self._user_globals.values()}
        self._checked = {id(value) for value in allowed.values()}
        self._check_state = check_state

    def _build(self) -> None:
        if id(type(self._stack[-2])) in self._checked:
            self._check_state(self._stack[-2], self._stack[-1])
        super()._build()

    def _protocol(self) -> None:
        protocol = self._source.byte()
        if protocol > 5:
            raise UnpicklingError(f"unsupported pickle protocol: {protocol}")

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise UnpicklingError("STACK_GLOBAL requires str")
        self._find(*read_name(module, name))

    def _memoize(self) -> None:
        self._put(len(self._memo))

    def _frame(self) -> None:
        self._source.take(_U64.size)

    def _counted(self, size: int) -> bytes:
        taken = self._source.take(size)
        if len(taken) < size:
            raise EOFError
        return taken

    def _short_text(self) -> None:
        self._stack.append(str(self._counted(self._source.byte()), "utf-8", "surrogatepass"))

    def _long_text(self) -> None:
        size = _U64.unpack(self._source.take(_U64.size))[0]
        self._stack.append(str(self._counted(size), "utf-8", "surrogatepass"))

    def _short_bytes(self) -> None:
        self._stack.append(self._counted(self._source.byte()))

    def _bytes(self) -> None:
        self._stack.append(self._counted(int.from_bytes(self._source.take(4), "little")))

    def _add_items(self) -> None:
        items = self._pop_mark()
        target = self._top()
        if type(target) is not set:
            raise UnpicklingError(f"Can only add to sets, but got {type(target)}")
        check_keys(items)
        target.update(items)

    def _frozen_set(self) -> None:
        items = self._pop_mark()
        check_keys(items)
        self._stack.append(frozenset(items))


_MORE: dict[bytes, Callable[[FramedUnpickler], None]] = {
    b"\x80": FramedUnpickler._protocol,
    b"b": FramedUnpickler._build,
    b"\x93": FramedUnpickler._stack_global,
    b"\x94": FramedUnpickler._memoize,
    b"\x95": FramedUnpickler._frame,
    b"\x8c": FramedUnpickler._short_text,
    b"\x8d": FramedUnpickler._long_text,
    b"C": FramedUnpickler._short_bytes,
    b"B": FramedUnpickler._bytes,
    b"\x90": FramedUnpickler._add_items,
    b"\x91": FramedUnpickler._frozen_set,
}
FramedUnpickler._steps = {
    **Unpickler._steps,
    **{code[0]: step for code, step in _MORE.items()},
}
