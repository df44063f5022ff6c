"""Stores: keys and values by which the processes of a program find each other.

``TCPStore`` is held by one process and asked by the others, ``FileStore`` lies in a file that all
see, ``HashStore`` is in this process; a ``PrefixStore`` keeps its keys apart within another store.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ._file_store import FileStore
from ._key_value_store import KeyValueStore
from ._key_values import KeyValues
from ._store_base import Store
from ._store_errors import (
    DistBackendError,
    DistError,
    DistNetworkError,
    DistStoreError,
    QueueEmptyError,
    wrong_arguments,
)
from ._tcp_store import TCPStore

__all__ = [
    "DistBackendError",
    "DistError",
    "DistNetworkError",
    "DistStoreError",
    "FileStore",
    "HashStore",
    "PrefixStore",
    "QueueEmptyError",
    "Store",
    "TCPStore",
]


class HashStore(KeyValueStore):
    """A store for the threads of one process."""

    def __init__(self) -> None:
        self._held = KeyValues()

    def clone(self) -> HashStore:
        """Return another handle of the same keys."""
        other = HashStore()
        other._held, other._timeout = self._held, self._timeout
        return other


class PrefixStore(Store):
    """A part of another store: each key is one of that store's, with ``prefix/`` before it.

    Args:
        prefix: what comes before the keys.
        store: the other store.
    """

    def __init__(self, prefix: str, store: Store):
        if not isinstance(prefix, str) or not isinstance(store, Store):
            signature = (
                "torch._C._distributed_c10d.PrefixStore(prefix: str, "
                "store: torch._C._distributed_c10d.Store)"
            )
            raise wrong_arguments("__init__", [signature], [prefix, store])
        self._prefix = prefix
        self._store = store

    @property
    def underlying_store(self) -> Store:
        """The store that this is a part of."""
        return self._store

    @property
    def _underlying_non_prefix_store(self) -> Store:
        store = self._store
        while isinstance(store, PrefixStore):
            store = store._store
        return store

    @property
    def timeout(self) -> timedelta:
        """How long the other store waits."""
        return self._store.timeout

    def set_timeout(self, timeout: timedelta, /) -> None:
        """Change the time-out of the other store."""
        self._store.set_timeout(timeout)

    def _own(self, call: str, key: Any, *rest: Any) -> str:
        return f"{self._prefix}/{self._key(call, key, *rest)}"

    def _own_all(self, call: str, keys: Any, *rest: Any) -> list[str]:
        return [f"{self._prefix}/{key}" for key in self._keys(call, keys, *rest)]

    def set(self, key: str, value: Any, /) -> None:
        content = self._bytes("set", value, key, value)
        self._store.set(self._own("set", key, value), content)

    def get(self, key: str, /) -> bytes:
        return self._store.get(self._own("get", key))

    def add(self, key: str, amount: int, /) -> int:
        number = self._integer("add", amount, key, amount)
        return self._store.add(self._own("add", key, amount), number)

    def append(self, key: str, value: Any, /) -> None:
        content = self._bytes("append", value, key, value)
        self._store.append(self._own("append", key, value), content)

    def check(self, keys: Sequence[str], /) -> bool:
        return self._store.check(self._own_all("check", keys))

    def wait(self, keys: Sequence[str], timeout: timedelta | None = None, /) -> None:
        if timeout is None:
            self._store.wait(self._own_all("wait", keys))
        else:
            self._duration("wait", timeout, keys, timeout)
            self._store.wait(self._own_all("wait", keys, timeout), timeout)

    def compare_set(self, key: str, expected: Any, desired: Any, /) -> bytes:
        given = key, expected, desired
        old, new = (self._bytes("compare_set", each, *given) for each in (expected, desired))
        return self._store.compare_set(self._own("compare_set", *given), old, new)

    def delete_key(self, key: str, /) -> bool:
        return self._store.delete_key(self._own("delete_key", key))

    def num_keys(self) -> int:
        """Return the number of keys of the other store."""
        return self._store.num_keys()

    def list_keys(self) -> list[str]:
        start = f"{self._prefix}/"
        return [key.removeprefix(start) for key in self._store.list_keys() if key.startswith(start)]

    def clone(self) -> PrefixStore:
        return PrefixStore(self._prefix, self._store.clone())

    def has_extended_api(self) -> bool:
        return self._store.has_extended_api()

    def multi_get(self, keys: Sequence[str], /) -> list[bytes]:
        return self._store.multi_get(self._own_all("multi_get", keys))

    def multi_set(self, keys: Sequence[str], values: Sequence[Any], /) -> None:
        self._store.multi_set(self._own_all("multi_set", keys, values), values)

    def queue_push(self, key: str, value: Any, /) -> None:
        content = self._bytes("queue_push", value, key, value)
        self._store.queue_push(self._own("queue_push", key, value), content)

    def queue_pop(self, key: str, block: bool = True) -> bytes:
        return self._store.queue_pop(self._own("queue_pop", key), block)

    def queue_len(self, key: str, /) -> int:
        return self._store.queue_len(self._own("queue_len", key))

    def barrier(self, key: str, world_size: int, timeout: timedelta | None = None) -> None:
        self._store.barrier(self._own("barrier", key), world_size, timeout)
