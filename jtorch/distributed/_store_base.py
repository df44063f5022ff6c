"""What every store is: keys with values of bytes, shared by processes, and waits for them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from . import _store_errors as errors

#: How long a store waits where nothing else is said.
DEFAULT_TIMEOUT = timedelta(seconds=300)

_STORE = "torch._C._distributed_c10d.Store"
_INTEGER = "typing.SupportsInt | typing.SupportsIndex"
_STRINGS = "collections.abc.Sequence[str]"
#: The signatures that PyTorch names where arguments have other types.
_SIGNATURES = {
    "set": ["arg0: str, arg1: str) -> None"],
    "get": ["arg0: str) -> bytes"],
    "add": [f"arg0: str, arg1: {_INTEGER}) -> int"],
    "append": ["arg0: str, arg1: str) -> None"],
    "check": [f"arg0: {_STRINGS}) -> bool"],
    "compare_set": ["arg0: str, arg1: str, arg2: str) -> bytes"],
    "delete_key": ["arg0: str) -> bool"],
    "multi_get": [f"arg0: {_STRINGS}) -> list[bytes]"],
    "multi_set": [f"arg0: {_STRINGS}, arg1: {_STRINGS}) -> None"],
    "queue_push": ["arg0: str, arg1: str) -> None"],
    "queue_pop": ["key: str, block: bool = True) -> bytes"],
    "queue_len": ["arg0: str) -> int"],
    "set_timeout": ["arg0: datetime.timedelta) -> None"],
    "wait": [
        f"arg0: {_STRINGS}) -> None",
        f"arg0: {_STRINGS}, arg1: datetime.timedelta) -> None",
    ],
    "barrier": [
        f"key: str, world_size: {_INTEGER}, timeout: datetime.timedelta | None = None) -> None"
    ],
}


def milliseconds(duration: timedelta) -> int:
    """Return a duration as PyTorch counts it."""
    return duration // timedelta(milliseconds=1)


class Store:
    """Keys and values that processes share; the base of every store, also of a program's own.

    A subclass has ``set``, ``get``, ``add``, ``check``, ``wait`` and whatever else is asked of it;
    what is left out raises. ``append``, ``multi_get``, ``multi_set`` and ``barrier`` are made of
    the others.
    """

    _timeout = DEFAULT_TIMEOUT

    @property
    def timeout(self) -> timedelta:
        """How long ``get`` and ``wait`` wait where they are not told."""
        return self._timeout

    def set_timeout(self, timeout: timedelta, /) -> None:
        """Change ``timeout``."""
        if not isinstance(timeout, timedelta):
            raise self._wrong("set_timeout", timeout)
        self._timeout = timeout

    def set(self, key: str, value: Any, /) -> None:
        """Store a value, a string or bytes, under a key."""
        raise errors.not_overridden("set")

    def get(self, key: str, /) -> bytes:
        """Return the value of a key, for which it waits.

        Raises:
            DistStoreError: the key did not appear within ``timeout``.
        """
        raise errors.not_overridden("get")

    def add(self, key: str, amount: int, /) -> int:
        """Add to the number that a key holds as text (0 where there is none), and return it."""
        raise errors.not_overridden("add")

    def check(self, keys: Sequence[str], /) -> bool:
        """Return whether all keys are there."""
        raise errors.not_overridden("check")

    def wait(self, keys: Sequence[str], timeout: timedelta | None = None, /) -> None:
        """Wait until all keys are there.

        Raises:
            DistStoreError: they did not appear in time.
        """
        raise errors.not_overridden("wait")

    def compare_set(self, key: str, expected: Any, desired: Any, /) -> bytes:
        """Store ``desired`` where the key holds ``expected``, or is missing and that is empty.

        Returns:
            What the key holds afterwards; ``expected`` where it is missing.
        """
        raise errors.not_overridden("compareSet")

    def delete_key(self, key: str, /) -> bool:
        """Take a key away; return whether it was there."""
        raise errors.not_overridden("deleteKey")

    def num_keys(self) -> int:
        """Return the number of keys."""
        raise errors.not_overridden("getNumKeys")

    def clone(self) -> Store:
        """Return another handle of the same keys."""
        raise errors.not_overridden("clone")

    def has_extended_api(self) -> bool:
        """Return whether ``append``, ``multi_get`` and ``multi_set`` are of its own."""
        return False

    def append(self, key: str, value: Any, /) -> None:
        """Append to the value of a key."""
        raise errors.not_overridden("append")

    def multi_get(self, keys: Sequence[str], /) -> list[bytes]:
        """Return the values of several keys, for which it waits."""
        return [self.get(key) for key in keys]

    def multi_set(self, keys: Sequence[str], values: Sequence[Any], /) -> None:
        """Store several values."""
        for key, value in zip(keys, values, strict=True):
            self.set(key, value)

    def list_keys(self) -> list[str]:
        """Return the keys."""
        raise errors.not_supported("listKeys")

    def queue_push(self, key: str, value: Any, /) -> None:
        """Put a value at the end of a queue."""
        raise errors.not_supported("queue")

    def queue_pop(self, key: str, block: bool = True) -> bytes:
        """Take the first value of a queue.

        Args:
            key: the name of the queue.
            block: whether to wait for a value.
        Raises:
            QueueEmptyError: there is none, and it shall not wait.
            DistStoreError: there was none within ``timeout``.
        """
        raise errors.not_supported("queue")

    def queue_len(self, key: str, /) -> int:
        """Return the number of values in a queue."""
        raise errors.not_supported("queue")

    def barrier(self, key: str, world_size: int, timeout: timedelta | None = None) -> None:
        """Wait until ``world_size`` processes have called it with the same key.

        Raises:
            DistStoreError: they did not come within the time-out.
        """
        last = f"{key}/last_member"
        if self.add(f"{key}/num_members", 1) == world_size:
            self.set(last, b"1")
        self.wait([last], self.timeout if timeout is None else timeout)

    def _wrong(self, call: str, *invoked: Any) -> TypeError:
        signatures = [f"(self: {_STORE}, {rest}" for rest in _SIGNATURES[call]]
        return errors.wrong_arguments(call, signatures, [self, *invoked])

    def _key(self, call: str, key: Any, *rest: Any) -> str:
        if isinstance(key, (bytes, bytearray)):
            return key.decode()
        if not isinstance(key, str):
            raise self._wrong(call, key, *rest)
        return key

    def _keys(self, call: str, keys: Any, *rest: Any) -> list[str]:
        if isinstance(keys, (str, bytes)) or not isinstance(keys, Sequence):
            raise self._wrong(call, keys, *rest)
        for key in keys:
            if not isinstance(key, (str, bytes)):
                raise self._wrong(call, keys, *rest)
        return [self._key(call, key) for key in keys]

    def _bytes(self, call: str, value: Any, *invoked: Any) -> bytes:
        if isinstance(value, str):
            return value.encode()
        if not isinstance(value, (bytes, bytearray)):
            raise self._wrong(call, *invoked)
        return bytes(value)

    def _integer(self, call: str, value: Any, *invoked: Any) -> int:
        try:
            number = operator.index(value)
        except TypeError:
            raise self._wrong(call, *invoked) from None
        if not -(1 << 63) <= number < 1 << 63:
            raise self._wrong(call, *invoked)
        return number

    def _duration(self, call: str, timeout: Any, *invoked: Any) -> int:
        """Return a time-out in milliseconds; the store's own where none is given."""
        if timeout is None:
            timeout = self._timeout
        if not isinstance(timeout, timedelta):
            raise self._wrong(call, *invoked)
        return milliseconds(timeout)
