"""The store that lies in a file, as PyTorch writes it: a log of keys and values."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import IO

from . import _store_errors as errors
from ._key_value_store import KeyValueStore
from ._key_values import number_in
from ._store_base import DEFAULT_TIMEOUT, Store, milliseconds

_LENGTH = struct.Struct("<I")
#: Before a key of a program, and before one that is taken away.
_REGULAR, _DELETED = "/", "-/"
#: How many stores of the file are alive, and how many have ended.
_ALIVE, _ENDED = "refcount/", "cleanup/"
_PAUSE = 0.01


class _FileKeyValues:
    """The methods of ``KeyValues`` over a file that processes lock."""

    def __init__(self, path: str):
        self.path = path
        self.patience = milliseconds(DEFAULT_TIMEOUT)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        end = time.monotonic() + self.patience / 1000
        while True:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
                break
            except FileNotFoundError as error:  # the folder, which may be yet to come
                if time.monotonic() > end:
                    raise errors.DistStoreError(error.strerror) from None
                time.sleep(_PAUSE)
        with open(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _read(self, file: IO[bytes]) -> dict[str, bytes]:
        data, place = file.read(), 0
        found: dict[str, bytes] = {}

        def field() -> bytes:
            nonlocal place
            begin = place + _LENGTH.size
            place = begin + _LENGTH.unpack_from(data, place)[0]
            return data[begin:place]

        while place < len(data):
            key, value = field().decode(), field()
            if key.startswith(_DELETED):
                found.pop(key[len(_DELETED) - len(_REGULAR) :], None)
            else:
                found[key] = value
        return found

    def _write(self, file: IO[bytes], *pairs: tuple[str, bytes]) -> None:
        for key, value in pairs:
            name = key.encode()
            file.write(_LENGTH.pack(len(name)) + name + _LENGTH.pack(len(value)) + value)
        file.flush()

    def _current(self) -> dict[str, bytes]:
        with self._locked() as file:
            return self._read(file)

    def _add_to(self, full_key: str, amount: int) -> int:
        with self._locked() as file:
            total = number_in(self._read(file).get(full_key, b"0")) + amount
            self._write(file, (full_key, b"%d" % total))
            return total

    def begin(self) -> None:
        """Note that another store has the file."""
        self._add_to(_ALIVE, 1)

    def end(self, world_size: int) -> None:
        """Note that a store has gone; the last one of ``world_size`` removes the file."""
        if not os.path.exists(self.path):
            return
        ended, alive = self._add_to(_ENDED, 1), self._add_to(_ALIVE, -1)
        if 0 <= world_size <= ended and alive == 0:
            os.remove(self.path)

    def set(self, key: str, value: bytes) -> None:
        self.multi_set([key], [value])

    def multi_set(self, keys: Sequence[str], values: Sequence[bytes]) -> None:
        with self._locked() as file:
            file.seek(0, os.SEEK_END)
            self._write(file, *zip((_REGULAR + key for key in keys), values))

    def get(self, key: str, limit: int) -> bytes | None:
        values = self.multi_get([key], limit)
        return None if values is None else values[0]

    def multi_get(self, keys: Sequence[str], limit: int) -> list[bytes] | None:
        names = [_REGULAR + key for key in keys]
        end = None if limit == 0 else time.monotonic() + limit / 1000
        while True:
            current = self._current()
            if all(name in current for name in names):
                return [current[name] for name in names]
            if end is not None and time.monotonic() > end:
                return None
            time.sleep(_PAUSE)

    def wait(self, keys: Sequence[str], limit: int) -> bool:
        return self.multi_get(keys, limit) is not None

    def check(self, keys: Sequence[str]) -> bool:
        current = self._current()
        return all(_REGULAR + key in current for key in keys)

    def add(self, key: str, amount: int) -> int:
        return self._add_to(_REGULAR + key, amount)

    def append(self, key: str, value: bytes) -> None:
        with self._locked() as file:
            before = self._read(file).get(_REGULAR + key, b"")
            self._write(file, (_REGULAR + key, before + value))

    def compare_set(self, key: str, expected: bytes, desired: bytes) -> bytes:
        with self._locked() as file:
            current = self._read(file).get(_REGULAR + key)
            if current is None and expected:
                return expected
            if current is None or current == expected:
                self._write(file, (_REGULAR + key, desired))
                return desired
            return current

    def delete_key(self, key: str) -> bool:
        with self._locked() as file:
            file.seek(0, os.SEEK_END)
            self._write(file, (_DELETED + key, b""))
        return True

    def num_keys(self) -> int:
        return len(self._current())

    def list_keys(self) -> list[str]:
        return [key.removeprefix(_REGULAR) for key in self._current() if key.startswith(_REGULAR)]


class FileStore(KeyValueStore):
    """A store in a file that every process can open and lock.

    Processes of PyTorch read and write the same files.

    Args:
        file_name: the file, which is made where it is missing. It must be a new one for each run:
            what an earlier run has left is taken for this one's.
        world_size: how many processes use it; the last one to end removes the file. A negative
            number leaves it there.
    """

    _held: _FileKeyValues

    def __init__(self, file_name: str, world_size: int = -1):
        if not isinstance(file_name, str) or not isinstance(world_size, int):
            signature = (
                "torch._C._distributed_c10d.FileStore(file_name: str, "
                "world_size: typing.SupportsInt | typing.SupportsIndex = -1)"
            )
            raise errors.wrong_arguments("__init__", [signature], [file_name, world_size])
        self._world_size = world_size
        self._held = _FileKeyValues(file_name)
        self._held.begin()
        self._process = os.getpid()

    @property
    def path(self) -> str:
        """The file."""
        return self._held.path

    def set_timeout(self, timeout: timedelta, /) -> None:
        super().set_timeout(timeout)
        self._held.patience = milliseconds(timeout)

    def has_extended_api(self) -> bool:
        """Return ``False``, as PyTorch does; the operations are there."""
        return False

    def clone(self) -> Store:
        """Return another store of the same file."""
        other = FileStore(self.path, self._world_size)
        other._timeout = self._timeout
        return other

    def get(self, key: str, /) -> bytes:
        key, limit = self._key("get", key), self._duration("get", None)
        value = self._held.get(key, limit)
        if value is None:
            raise RuntimeError(f"Timeout waiting for key: {key} after {limit} ms")
        return value

    def multi_get(self, keys: Sequence[str], /) -> list[bytes]:
        return [self.get(key) for key in self._keys("multi_get", keys)]

    def queue_push(self, key: str, value: object, /) -> None:
        raise errors.not_supported("queue")

    def queue_pop(self, key: str, block: bool = True) -> bytes:
        raise errors.not_supported("queue")

    def queue_len(self, key: str, /) -> int:
        raise errors.not_supported("queue")

    def _in_vain(self, keys: Sequence[str], limit: int) -> RuntimeError:
        return RuntimeError(errors.wait_timed_out())

    def __del__(self) -> None:
        if getattr(self, "_process", None) == os.getpid():  # a forked copy ends nothing
            with contextlib.suppress(Exception):
                self._held.end(self._world_size)
