"""The store that one process holds and others ask over the network."""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from . import _store_errors as errors
from ._key_value_store import KeyValueStore
from ._store_base import DEFAULT_TIMEOUT, Store, milliseconds
from ._store_client import RemoteKeyValues
from ._store_server import StoreServer

#: The key that counts the clients that came.
_CLIENTS = "init/"
_PAUSE = 0.01
_SIGNATURE = (
    "torch._C._distributed_c10d.TCPStore(host_name: str, "
    "port: typing.SupportsInt | typing.SupportsIndex, "
    "world_size: typing.SupportsInt | typing.SupportsIndex | None = None, is_master: bool = False, "
    "timeout: datetime.timedelta = datetime.timedelta(seconds=300), wait_for_workers: bool = True, "
    "multi_tenant: bool = False, "
    "master_listen_fd: typing.SupportsInt | typing.SupportsIndex | None = None, "
    "use_libuv: bool = True)"
)
#: Servers that several stores of this process share, by their ports.
_shared_servers: weakref.WeakValueDictionary[int, StoreServer] = weakref.WeakValueDictionary()


class TCPStore(KeyValueStore):
    """A store that one process, the master, serves over TCP. Any thread may use it.

    The server ends with the last ``TCPStore`` of the master that knows it; others are then told
    so by ``DistNetworkError``, also where they wait.

    Args:
        host_name: the master's name or address.
        port: the server's port; the master takes a free one for 0.
        world_size: how many stores will be made, the master's own among them; ``None`` where it is
            not known.
        is_master: whether the server is in this process.
        timeout: for connecting, and for the waits of the store.
        wait_for_workers: whether the master waits for ``world_size`` stores to connect.
        multi_tenant: whether masters of one process share the server of a port.
        master_listen_fd: descriptor of a socket that is bound to the port, for the master.
        use_libuv: has no effect; PyTorch has two servers to choose from.
    Raises:
        DistNetworkError: the port is taken, or the master does not answer.
        DistStoreError: not all stores have connected in time.
    """

    def __init__(
        self,
        host_name: str,
        port: int,
        world_size: int | None = None,
        is_master: bool = False,
        timeout: timedelta = DEFAULT_TIMEOUT,
        wait_for_workers: bool = True,
        multi_tenant: bool = False,
        master_listen_fd: int | None = None,
        use_libuv: bool = True,
    ):
        if (
            not isinstance(host_name, str)
            or not isinstance(port, int)
            or not 0 <= port < 1 << 16
            or not isinstance(timeout, timedelta)
        ):
            raise errors.wrong_arguments("__init__", [_SIGNATURE], [host_name, port, timeout])
        self._timeout = timeout
        self._host = host_name
        self._server = None
        if is_master:
            self._server = _server(port, multi_tenant, master_listen_fd)
            port = self._server.port
        self._port = port
        self._held = RemoteKeyValues(host_name, port, milliseconds(timeout))
        if wait_for_workers and world_size is not None and world_size > 0:
            joined = self.add(_CLIENTS, 1)
            if is_master:
                self._wait_for_clients(joined, world_size)

    def _wait_for_clients(self, joined: int, expected: int) -> None:
        begin = time.monotonic()
        while joined < expected:
            waited = time.monotonic() - begin
            if waited > self._timeout.total_seconds():
                raise errors.clients_missing(round(waited), joined, expected)
            time.sleep(_PAUSE)
            joined = self.add(_CLIENTS, 0)

    @property
    def host(self) -> str:
        """The name of the master, as it was given."""
        return self._host

    @property
    def port(self) -> int:
        """The port of the server."""
        return self._port

    @property
    def libuvBackend(self) -> bool:
        """Return ``True``, as PyTorch does for the newer of its servers."""
        return True

    def clone(self) -> Store:
        """Return a store with a connection of its own to the same server."""
        other: Any = TCPStore.__new__(TCPStore)
        other._timeout, other._host, other._port = self._timeout, self._host, self._port
        other._server = self._server
        other._held = RemoteKeyValues(self._host, self._port, milliseconds(self._timeout))
        return other

    def barrier(self, key: str, world_size: int, timeout: timedelta | None = None) -> None:
        given = key, world_size, timeout
        number = self._integer("barrier", world_size, *given)
        limit = self._duration("barrier", timeout, *given)
        name = self._key("barrier", *given)
        if not self._held.barrier(name, number, limit):
            raise errors.remote_barrier_timed_out(name, limit)

    def _in_vain(self, keys: Sequence[str], limit: int) -> RuntimeError:
        return errors.remote_wait_timed_out(keys, limit)

    def __repr__(self) -> str:
        server = "<nullptr>" if self._server is None else f"TCPServer(port={self._server.port})"
        return f"TCPStore(client=TCPClient({self._held.describe()}), server={server})"

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'torch._C._distributed_c10d.TCPStore' object")


def _server(port: int, shared: bool, listening: int | None) -> StoreServer:
    if not shared:
        return StoreServer(port, listening)
    server = _shared_servers.get(port)
    if server is None:
        server = StoreServer(port, listening)
        _shared_servers[server.port] = server
    return server
