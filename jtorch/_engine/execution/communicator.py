"""Processes that exchange arrays: a client of XLA whose devices are the processes of a group.

A group of processes is a client of its own, beside the one that local programs run on. XLA's CPU
client connects its processes by gloo when they run their first collective; all that it needs the
coordination service for is to learn addresses until then. So the service is ended as soon as the
group is connected: no process depends on the one that hosted it, and a process that dies is an
exception in the others, as its sockets close.

What a collective computes is one small program for each sort of collective, shape and dtype. Its
arguments are arrays of this process, which the program takes for the local part of an array that is
called replicated; neither they nor the results are copied.
"""

from __future__ import annotations

import functools
import math
import operator
import socket
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax._src import core
from jax._src.lib import _jax, xla_client
from jax.sharding import Mesh, NamedSharding, PartitionSpec

#: Different sizes of one sort of collective after which sizes are rounded up, so that messages of
#: any length compile some programs and not one each.
_MOST_SIZES = 8
#: Seconds without a sign of a process after which the service that connects a group gives it up.
#: The service does not outlive the connecting, which has a limit of its own.
_HEARTBEAT = 10**6
_AXIS = "rank"
#: Bytes of a process above which, and bytes of all processes below which, each gets the arrays of
#: all and reduces them itself: gloo's reduction goes around a ring twice. Two processes on one core
#: each, 64 bytes to 64 kB: 3.7 ms by gloo's, 2.0 so (of 8 bytes 0.7 and 1.9).
_TINY, _SMALL = 16, 1 << 18

Pairs = tuple[tuple[int, int], ...]


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
        self._mesh = Mesh(np.array(devices), (_AXIS,))
        self._replicated = NamedSharding(self._mesh, PartitionSpec())
        self.run("all_reduce", np.ones(1, np.int32), "sum")
        client.shutdown()
        del client, service

    def run(self, kind: str, array: np.ndarray, *form: Any) -> np.ndarray:
        """Take part in a collective.

        Args:
            kind: one of ``KINDS``.
            array: of any shape; ``reduce_scatter`` and ``all_to_all`` split its first dimension,
                which is as long as the group.
            form: what else the collective depends on: the reduction, or pairs of ranks.
        Returns:
            What this process gets; an array that nothing writes to.

        Raises:
            ValueError: a process is gone.
        """
        rows = array.reshape(rows_of(kind, array.shape, self.size))
        length = rows.shape[-1]
        padding = self._padding((kind, *form, array.dtype), length)
        if padding:
            rows = np.pad(rows, ((0, 0),) * (rows.ndim - 1) + ((0, padding),))
        result = np.asarray(self._call(kind, form)(self._given(rows))._arrays[0])
        if padding:
            result = result[..., :length]
        if kind == "all_gather":
            return result.reshape((self.size, *array.shape))
        return result.reshape(array.shape[1:] if kind == "reduce_scatter" else array.shape)

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


def rows_of(kind: str, shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Return the shape that an array has within the program of a collective."""
    length = math.prod(shape)
    return (size, length // size) if kind in _SPLIT else (length,)


def compiled(kind: str, form: tuple, mesh: Mesh) -> Callable:
    """Return a collective over the devices of a mesh with one axis, as a jitted function."""
    function = functools.partial(KINDS[kind], mesh.size, *form)
    spec = PartitionSpec()
    return jax.jit(
        jax.shard_map(function, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
    )


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


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


# What is computed, of this process's array ``x``. Which processes get what follows from their rank.


def _all_reduce(size: int, reduction: str, x: Any) -> Any:
    direct = _REDUCTIONS.get(reduction)
    nbytes = x.size * x.dtype.itemsize
    if direct is not None and (nbytes <= _TINY or nbytes * size > _SMALL):
        return direct(x, _AXIS)
    return _folded(reduction, jax.lax.all_gather(x, _AXIS))


def _reduce_scatter(size: int, reduction: str, x: Any) -> Any:
    if reduction == "sum":
        return jax.lax.psum_scatter(x, _AXIS, scatter_dimension=0, tiled=False)
    return _folded(reduction, _all_to_all(size, x))


def _folded(reduction: str, rows: Any) -> Any:
    return functools.reduce(_FOLDS[reduction], list(rows))


def _all_gather(size: int, x: Any) -> Any:
    return jax.lax.all_gather(x, _AXIS)


def _all_to_all(size: int, x: Any) -> Any:
    return jax.lax.all_to_all(x, _AXIS, split_axis=0, concat_axis=0, tiled=True)


def _broadcast(size: int, source: int, x: Any) -> Any:
    """Pass on along a binomial tree: who has it gives it to one that has not, in each round."""
    distance = (jax.lax.axis_index(_AXIS) - source) % size
    reach = 1
    while reach < size:
        pairs = [
            ((source + at) % size, (source + at + reach) % size)
            for at in range(min(reach, size - reach))
        ]
        received = jax.lax.ppermute(x, _AXIS, pairs)
        x = jnp.where((distance >= reach) & (distance < 2 * reach), received, x)
        reach *= 2
    return x


def _permute(size: int, pairs: Pairs, x: Any) -> Any:
    return jax.lax.ppermute(x, _AXIS, pairs)


_REDUCTIONS: dict[str, Callable] = {
    "sum": jax.lax.psum,
    "min": jax.lax.pmin,
    "max": jax.lax.pmax,
}
_FOLDS: dict[str, Callable] = {
    "sum": jnp.add,
    "product": jnp.multiply,
    "min": jnp.minimum,
    "max": jnp.maximum,
    "band": jnp.bitwise_and,
    "bor": jnp.bitwise_or,
    "bxor": jnp.bitwise_xor,
}
KINDS: dict[str, Callable] = {
    "all_reduce": _all_reduce,
    "all_gather": _all_gather,
    "reduce_scatter": _reduce_scatter,
    "all_to_all": _all_to_all,
    "broadcast": _broadcast,
    "permute": _permute,
}
_SPLIT = ("reduce_scatter", "all_to_all")
