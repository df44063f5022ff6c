"""The keys and values behind a store, in the process that holds them."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

_LEADING_NUMBER = re.compile(rb"\s*([+-]?\d+)")


def number_in(value: bytes) -> int:
    """Return the number at the beginning of a value.

    Raises:
        ValueError: there is none.
    """
    found = _LEADING_NUMBER.match(value)
    if found is None:
        raise ValueError("stoll")  # the name of the function of C that PyTorch reads it with
    return int(found[1])


class KeyValues:
    """Keys, values and queues of one process; any thread may use them.

    Waits take milliseconds, of which 0 means no limit, and give up when ``close`` is called.
    """

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._queues: dict[str, deque[bytes]] = {}
        self._changed = threading.Condition()
        self._closed = False

    def close(self) -> None:
        """Let every wait give up."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def set(self, key: str, value: bytes) -> None:
        """Store a value."""
        with self._changed:
            self._store(key, value)

    def get(self, key: str, limit: int) -> bytes | None:
        """Return the value of a key, or ``None`` where it did not appear in time."""
        with self._changed:
            if not self._wait_for(lambda: self._has(key), limit):
                return None
            return self._values.get(key, b"")

    def multi_get(self, keys: Sequence[str], limit: int) -> list[bytes] | None:
        """Return the values of several keys, or ``None`` where they did not appear in time."""
        with self._changed:
            if not self._wait_for(lambda: all(map(self._has, keys)), limit):
                return None
            return [self._values.get(key, b"") for key in keys]

    def multi_set(self, keys: Sequence[str], values: Sequence[bytes]) -> None:
        """Store several values at once."""
        with self._changed:
            self._values.update(zip(keys, values, strict=True))
            self._changed.notify_all()

    def add(self, key: str, amount: int) -> int:
        """Add to a number; see ``Store.add``."""
        with self._changed:
            total = number_in(self._values.get(key, b"0")) + amount
            self._store(key, b"%d" % total)
            return total

    def append(self, key: str, value: bytes) -> None:
        """Append to a value."""
        with self._changed:
            self._store(key, self._values.get(key, b"") + value)

    def check(self, keys: Sequence[str]) -> bool:
        """Return whether all keys, or queues of these names, are there."""
        with self._changed:
            return all(map(self._has, keys))

    def wait(self, keys: Sequence[str], limit: int) -> bool:
        """Wait for keys; return whether they appeared."""
        with self._changed:
            return self._wait_for(lambda: all(map(self._has, keys)), limit)

    def compare_set(self, key: str, expected: bytes, desired: bytes) -> bytes:
        """Store a value on a condition; see ``Store.compare_set``."""
        with self._changed:
            current = self._values.get(key)
            if current is None and expected:
                return expected
            if current is None or current == expected:
                self._store(key, desired)
                return desired
            return current

    def delete_key(self, key: str) -> bool:
        """Take a key away; return whether it was there."""
        with self._changed:
            return self._values.pop(key, None) is not None

    def num_keys(self) -> int:
        """Return the number of keys."""
        with self._changed:
            return len(self._values)

    def list_keys(self) -> list[str]:
        """Return the keys."""
        with self._changed:
            return list(self._values)

    def queue_push(self, key: str, value: bytes) -> None:
        """Put a value at the end of a queue."""
        with self._changed:
            self._queues.setdefault(key, deque()).append(value)
            self._changed.notify_all()

    def queue_pop(self, key: str, limit: int | None) -> bytes | None:
        """Take the first value of a queue; ``None`` where there is none in time.

        Args:
            key: the name of the queue.
            limit: milliseconds to wait, or ``None`` not to wait.
        """
        with self._changed:
            if limit is not None:
                self._wait_for(lambda: key in self._queues, limit)
            queue = self._queues.get(key)
            if queue is None:
                return None
            value = queue.popleft()
            if not queue:
                del self._queues[key]
            return value

    def queue_len(self, key: str) -> int:
        """Return the length of a queue."""
        with self._changed:
            return len(self._queues.get(key, ()))

    def barrier(self, key: str, world_size: int, limit: int) -> bool:
        """Wait until the key was reached ``world_size`` times; return whether it was."""
        with self._changed:
            reached = number_in(self._values.get(key, b"0")) + 1
            self._store(key, b"%d" % reached)
            return self._wait_for(
                lambda: number_in(self._values.get(key, b"0")) >= world_size, limit
            )

    def _has(self, key: str) -> bool:
        return key in self._values or key in self._queues

    def _store(self, key: str, value: bytes) -> None:
        self._values[key] = value
        self._changed.notify_all()

    def _wait_for(self, condition: Callable[[], bool], limit: int) -> bool:
        end = None if limit == 0 else time.monotonic() + limit / 1000
        while not condition():
            left = None if end is None else end - time.monotonic()
            if self._closed or (left is not None and left <= 0):
                return False
            self._changed.wait(left)
        return True
