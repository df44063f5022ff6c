"""Stores over ``KeyValues``, here or in another process: arguments checked, errors worded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from . import _store_errors as errors
from ._store_base import Store


class KeyValueStore(Store):
    """A store whose ``_held`` has the methods of ``KeyValues``."""

    _held: Any

    def set(self, key: str, value: Any, /) -> None:
        self._held.set(self._key("set", key, value), self._bytes("set", value, key, value))

    def get(self, key: str, /) -> bytes:
        key, limit = self._key("get", key), self._duration("get", None)
        value = self._held.get(key, limit)
        if value is None:
            raise self._in_vain([key], limit)
        return value

    def add(self, key: str, amount: int, /) -> int:
        number = self._integer("add", amount, key, amount)
        return self._held.add(self._key("add", key, amount), number)

    def append(self, key: str, value: Any, /) -> None:
        content = self._bytes("append", value, key, value)
        self._held.append(self._key("append", key, value), content)

    def check(self, keys: Sequence[str], /) -> bool:
        return self._held.check(self._keys("check", keys))

    def wait(self, keys: Sequence[str], timeout: timedelta | None = None, /) -> None:
        given = (keys,) if timeout is None else (keys, timeout)
        names = self._keys("wait", *given)
        limit = self._duration("wait", timeout, *given)
        if not self._held.wait(names, limit):
            raise self._in_vain(names, limit)

    def compare_set(self, key: str, expected: Any, desired: Any, /) -> bytes:
        given = key, expected, desired
        old, new = (self._bytes("compare_set", each, *given) for each in (expected, desired))
        return self._held.compare_set(self._key("compare_set", *given), old, new)

    def delete_key(self, key: str, /) -> bool:
        return self._held.delete_key(self._key("delete_key", key))

    def num_keys(self) -> int:
        return self._held.num_keys()

    def list_keys(self) -> list[str]:
        return self._held.list_keys()

    def has_extended_api(self) -> bool:
        return True

    def multi_get(self, keys: Sequence[str], /) -> list[bytes]:
        names, limit = self._keys("multi_get", keys), self._duration("multi_get", None)
        values = self._held.multi_get(names, limit)
        if values is None:
            raise self._in_vain(names, limit)
        return values

    def multi_set(self, keys: Sequence[str], values: Sequence[Any], /) -> None:
        names = self._keys("multi_set", keys, values)
        if isinstance(values, (str, bytes)) or not isinstance(values, Sequence):
            raise self._wrong("multi_set", keys, values)
        contents = [self._bytes("multi_set", each, keys, values) for each in values]
        if len(names) != len(contents):
            raise ValueError(f"multi_set() got {len(names)} keys and {len(contents)} values")
        self._held.multi_set(names, contents)

    def queue_push(self, key: str, value: Any, /) -> None:
        content = self._bytes("queue_push", value, key, value)
        self._held.queue_push(self._key("queue_push", key, value), content)

    def queue_pop(self, key: str, block: bool = True) -> bytes:
        key, limit = self._key("queue_pop", key), self._duration("queue_pop", None)
        value = self._held.queue_pop(key, limit if block else None)
        if value is None:
            raise self._in_vain([key], limit) if block else errors.QueueEmptyError("queue is empty")
        return value

    def queue_len(self, key: str, /) -> int:
        return self._held.queue_len(self._key("queue_len", key))

    def _in_vain(self, keys: Sequence[str], limit: int) -> RuntimeError:
        return errors.DistStoreError(errors.wait_timed_out())
