"""Keys and values that another process holds, asked for over sockets."""

from __future__ import annotations

import os
import socket
import threading
import time
import weakref
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from . import _store_errors as errors
from ._frames import pack, unpack
from ._store_server import GREETING, LARGEST_FRAME, as_connection

#: Seconds that an answer may take beyond what the server was told to wait.
_ANSWER = 30.0
#: Seconds between tries to connect: the first, and the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0


class RemoteKeyValues:
    """The methods of ``KeyValues``, carried out by a server.

    Each thread that asks at the same time has a connection of its own, so that one may wait while
    another sets what it waits for. A connection on which something went wrong is not used again.

    Args:
        host, port: where the server listens.
        limit: milliseconds to go on trying to connect, for a server that is yet to start.
    Raises:
        DistNetworkError: there is no server.
    """

    def __init__(self, host: str, port: int, limit: int):
        self.host, self.port = host, port
        self._lock = threading.Lock()
        self._free: list[Connection] = [self._connect_within(limit)]
        _clients.add(self)

    def _connect_within(self, limit: int) -> Connection:
        end, pause = time.monotonic() + limit / 1000, _FIRST_PAUSE
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise errors.cannot_connect(self.host, self.port, limit)
            try:
                return self._connect(left)
            except (OSError, EOFError):
                time.sleep(max(0.0, min(pause, end - time.monotonic())))
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _connect(self, seconds: float) -> Connection:
        connection = as_connection(socket.create_connection((self.host, self.port), seconds))
        try:
            connection.send_bytes(GREETING)
            if not connection.poll(seconds) or connection.recv_bytes(len(GREETING)) != GREETING:
                raise EOFError
        except BaseException:
            connection.close()
            raise
        return connection

    def forget_connections(self) -> None:
        """Close them in a forked process, which shares them with its parent."""
        self._lock = threading.Lock()
        for connection in self._free:
            connection.close()
        self._free = []

    def describe(self) -> str:
        """Return the ends of a connection, as PyTorch prints them."""
        with self._lock:
            descriptor = self._free[-1].fileno() if self._free else None
        if descriptor is None:
            return "<nullptr>"
        link = socket.socket(fileno=os.dup(descriptor))
        try:
            own, other = (_address(name) for name in (link.getsockname(), link.getpeername()))
        except OSError:
            return f"SocketImpl(fd={descriptor})"
        finally:
            link.close()
        return f"SocketImpl(fd={descriptor}, addr={own}, remote={other})"

    def _ask(self, operation: str, *arguments: Any, limit: int = 0) -> Any:
        request = pack([operation, *arguments])
        with self._lock:
            connection = self._free.pop() if self._free else None
        try:
            if connection is None:
                connection = self._connect(_ANSWER)
            connection.send_bytes(request)
            if not connection.poll(limit / 1000 + _ANSWER):
                raise TimeoutError
            succeeded, answer = unpack(connection.recv_bytes(LARGEST_FRAME))
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, EOFError):
                raise errors.DistNetworkError(errors.CONNECTION_CLOSED) from None
            if isinstance(error, OSError):
                words = os.strerror(error.errno) if error.errno else errors.CONNECTION_CLOSED
                raise errors.DistNetworkError(words) from None
            raise
        with self._lock:
            self._free.append(connection)
        if not succeeded:
            raise ValueError(answer)
        return answer

    def _ask_and_wait(self, operation: str, *arguments: Any, limit: int) -> Any:
        # The server takes 0 for no limit; here it is none to wait.
        return self._ask(operation, *arguments, max(limit, 1), limit=limit)

    def set(self, key: str, value: bytes) -> None:
        self._ask("set", key, value)

    def get(self, key: str, limit: int) -> bytes | None:
        return self._ask_and_wait("get", key, limit=limit)

    def multi_get(self, keys: Sequence[str], limit: int) -> list[bytes] | None:
        return self._ask_and_wait("multi_get", keys, limit=limit)

    def multi_set(self, keys: Sequence[str], values: Sequence[bytes]) -> None:
        self._ask("multi_set", keys, values)

    def add(self, key: str, amount: int) -> int:
        return self._ask("add", key, amount)

    def append(self, key: str, value: bytes) -> None:
        self._ask("append", key, value)

    def check(self, keys: Sequence[str]) -> bool:
        return self._ask("check", keys)

    def wait(self, keys: Sequence[str], limit: int) -> bool:
        return self._ask_and_wait("wait", keys, limit=limit)

    def compare_set(self, key: str, expected: bytes, desired: bytes) -> bytes:
        return self._ask("compare_set", key, expected, desired)

    def delete_key(self, key: str) -> bool:
        return self._ask("delete_key", key)

    def num_keys(self) -> int:
        return self._ask("num_keys")

    def list_keys(self) -> list[str]:
        return self._ask("list_keys")

    def queue_push(self, key: str, value: bytes) -> None:
        self._ask("queue_push", key, value)

    def queue_pop(self, key: str, limit: int | None) -> bytes | None:
        if limit is None:
            return self._ask("queue_pop", key, None)
        return self._ask_and_wait("queue_pop", key, limit=limit)

    def queue_len(self, key: str) -> int:
        return self._ask("queue_len", key)

    def barrier(self, key: str, world_size: int, limit: int) -> bool:
        return self._ask_and_wait("barrier", key, world_size, limit=limit)


def _address(name: tuple) -> str:
    host, port = name[:2]
    return f"[{host}]:{port}"


_clients: weakref.WeakSet[RemoteKeyValues] = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client.forget_connections()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
