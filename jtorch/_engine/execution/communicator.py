"""Processes that exchange arrays: a client of XLA whose devices are the processes of a group.

A group of processes is a client of its own, beside the one that local programs run on. XLA's CPU
client connects its processes by gloo when they run their first collective; all that it needs the
coordination service for is to learn addresses until then. So the service is ended as soon as the
group is connected: no process depends on the one that hosted it, and a process that dies is an
exception in the others, as its sockets close.

What a collective computes (``collectives.py``) is one small program for each sort of collective,
shape and dtype. Its arguments are arrays of this process, which the program takes for the local
part of an array that is called replicated; neither they nor the results are copied.
"""

from __future__ import annotations

import contextlib
import operator
import os
import socket
from collections.abc import Callable
from typing import Any

import numpy as np
from jax._src import core
from jax._src.lib import _jax, xla_client
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from .collectives import AXIS, compiled, rows_of
from .failures import MismatchError

#: Different sizes of one sort of collective after which sizes are rounded up, so that messages of
#: any length compile some programs and not one each.
_MOST_SIZES = 8
#: Seconds without a sign of a process after which the service that connects a group gives it up.
#: The service does not outlive the connecting, which has a limit of its own.
_HEARTBEAT = 10**6
#: Bytes; the kernel takes as many as it allows.
_RECEIVE_BUFFER = 4 << 20


class Communicator:
    """The processes of a group, connected.

    Args:
        rank: of this process, within the group.
        size: of the group.
        publish: makes the address of the service known to the others; called by rank 0 alone.
        look_up: waits for that address and returns it; called by the others.
        host: address of this process that the others reach it at.
        timeout: seconds that connecting may take.
    """

    def __init__(
        self,
        rank: int,
        size: int,
        publish: Callable[[str], None],
        look_up: Callable[[], str],
        host: str,
        timeout: float,
    ):
        self.rank, self.size = rank, size
        self._sizes: dict[tuple, set[int]] = {}
        self._functions: dict[tuple, Callable] = {}
        service = None
        if rank == 0:
            service, address = _serve(host, size)
            publish(address)
        else:
            address = look_up()
        client = _jax.get_distributed_runtime_client(
            address,
            rank,
            init_timeout=max(1, int(timeout)),
            heartbeat_timeout=_HEARTBEAT,
            shutdown_on_destruction=False,
        )
        client.connect()
        backend: Any = xla_client.make_cpu_client(
            asynchronous=False,
            distributed_client=client,
            node_id=rank,
            num_nodes=size,
            collectives=_jax.make_gloo_tcp_collectives(distributed_client=client, hostname=host),
            num_devices=1,
        )
        self._device = backend.local_devices()[0]
        devices = sorted(backend.devices(), key=operator.attrgetter("process_index"))
        self._mesh = Mesh(np.array(devices), (AXIS,))
        self._replicated = NamedSharding(self._mesh, PartitionSpec())
        before = _open_files()
        self.run("all_reduce", np.ones(1, np.int32), "sum")
        self._sockets = _connected_sockets(_open_files() - before)
        _enlarge_receive_buffers(self._sockets)
        client.shutdown()
        del client, service

    def run(self, kind: str, array: np.ndarray, *form: Any) -> np.ndarray:
        """Take part in a collective.

        Args:
            kind: one of ``collectives.KINDS``.
            array: of any shape; ``reduce_scatter`` and ``all_to_all`` split its first dimension,
                which is as long as the group.
            form: what else the collective depends on: the reduction, or pairs of ranks.
        Returns:
            What this process gets; an array that nothing writes to.

        Raises:
            ValueError: a process is gone.
            MismatchError: another process runs another collective.
        """
        rows = array.reshape(rows_of(kind, array.shape, self.size))
        length = rows.shape[-1]
        padding = self._padding((kind, *form, array.dtype), length)
        if padding:
            rows = np.pad(rows, ((0, 0),) * (rows.ndim - 1) + ((0, padding),))
        given, agreed = self._call(kind, form)(self._given(rows))
        if not np.asarray(agreed._arrays[0]):
            raise MismatchError
        result = np.asarray(given._arrays[0])
        if padding:
            result = result[..., :length]
        if kind == "all_gather":
            return result.reshape((self.size, *array.shape))
        return result.reshape(array.shape[1:] if kind == "reduce_scatter" else array.shape)

    def abort(self) -> None:
        """Disconnect: what waits for another process fails, and all that comes after."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _given(self, array: np.ndarray) -> Any:
        # In C++ from the array to that of all processes: a tenth of the time of ``device_put``.
        form = core.ShapedArray(array.shape, array.dtype)
        parts = [np.ascontiguousarray(array)]
        return _jax.batched_device_put(form, self._replicated, parts, [self._device], True)

    def _call(self, kind: str, form: tuple) -> Callable:
        call = self._functions.get((kind, form))
        if call is None:
            call = self._functions[kind, form] = compiled(kind, form, self._mesh)
        return call

    def _padding(self, key: tuple, length: int) -> int:
        sizes = self._sizes.setdefault(key, set())
        if length in sizes:
            return 0
        if len(sizes) < _MOST_SIZES:
            sizes.add(length)
            return 0
        unit = 1 << max(0, length.bit_length() - 4)
        return -length % unit


def _serve(host: str, size: int) -> tuple[Any, str]:
    """Start a coordination service on a free port; return it and its address."""
    anywhere = "[::]" if ":" in host else "0.0.0.0"
    for attempt in range(16):
        port = _free_port(host)
        try:
            service = _jax.get_distributed_runtime_service(
                f"{anywhere}:{port}", size, heartbeat_timeout=_HEARTBEAT, shutdown_timeout=10
            )
        except Exception:  # another process took the port
            if attempt == 15:
                raise
            continue
        return service, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    raise AssertionError


def _open_files() -> set[int]:
    """Return the numbers of this process's open files; none where the system does not list them."""
    try:
        return {int(name) for name in os.listdir("/proc/self/fd")}
    except OSError:
        return set()


def _connected_sockets(files: set[int]) -> list[socket.socket]:
    """Return copies of those of some files that are connected sockets."""
    found = []
    for file in files:
        with contextlib.suppress(OSError):
            copy = socket.socket(fileno=os.dup(file))
            try:
                copy.getpeername()
                found.append(copy)
            except OSError:
                copy.close()
    return found


def _enlarge_receive_buffers(sockets: list[socket.socket]) -> None:
    """Let the sockets that gloo has opened take in a whole message.

    On the loopback device a segment is as long as half of the buffer that Linux begins with. A
    sender then waits for the window, and who receives waits 40 ms before it acknowledges: messages
    of 16 to 50 kB took 44 ms, and take 0.15.
    """
    for each in sockets:
        with contextlib.suppress(OSError):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]
