"""What the processes of a group compute together: a program for each sort of collective.

Every process runs the program on an array ``x`` of its own. What each gets follows from its rank.
The programs are made of XLA's collectives, which gloo carries out. gloo's own go around a ring in
many small steps; where an exchange of two takes fewer, it is one (``_all_reduce``).
"""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

AXIS = "rank"
#: Bytes of a process that gloo's ring reduces in more than two processes, whose rounds are many:
#: above ``_LARGE`` because it sends least, up to ``_TINY`` because it is quicker than doubling.
_TINY, _LARGE = 16, 1 << 20
#: Bytes of the first message between two processes: what collective it is, and its elements where
#: they fit in.
_FIRST_MESSAGE, _MARK = 4096, 4
_NOTHING = np.zeros(0, np.uint8)

Pairs = tuple[tuple[int, int], ...]


def rows_of(kind: str, shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Return the shape that an array has within the program of a collective."""
    length = math.prod(shape)
    return (size, length // size) if kind in _SPLIT else (length,)


def compiled(kind: str, form: tuple, mesh: Mesh) -> Callable:
    """Return a collective over the devices of a mesh with one axis, as a jitted function.

    Args:
        kind: one of ``KINDS``.
        form: what else it depends on: the reduction, the source, or pairs of ranks.
        mesh: of the axis ``AXIS``.
    Returns:
        A function of the array of a process. It returns what the process gets, and whether the
        processes that it heard of ran the same collective on arrays of the same shape and dtype;
        if not, what it gets means nothing.
    """

    def function(x: Any) -> tuple[Any, Any]:
        exchange = Exchange(mesh.size, zlib.crc32(repr((kind, form, x.dtype, x.shape)).encode()))
        return KINDS[kind](exchange, *form, x), exchange.agreed

    spec = PartitionSpec()
    return jax.jit(
        jax.shard_map(function, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
    )


class Exchange:
    """Messages between pairs of processes, which say what collective they belong to.

    gloo ends a process that is sent more than it waits for. So the first message always has the
    same length, and no other follows where the two do not run the same collective.

    Args:
        size: of the group.
        mark: stands for the collective, its reduction, shape and dtype.
    """

    def __init__(self, size: int, mark: int):
        self.size = size
        self.mark = np.frombuffer(np.uint32(mark | 1).tobytes(), np.uint8)
        self.agreed: Any = jnp.asarray(True)

    def send(self, x: Any, pairs: Any) -> Any:
        """Return what this process is sent, zeros where it is in no pair ``(source, target)``."""
        eager = _fits_first_message(x)
        content = jax.lax.bitcast_convert_type(x if eager else _NOTHING, np.uint8)
        end = _MARK + content.size
        first = jnp.concatenate([self.mark, content.reshape(-1)])
        received = jax.lax.ppermute(jnp.pad(first, (0, _FIRST_MESSAGE - end)), AXIS, pairs)
        mark = received[:_MARK]
        same = jnp.all(mark == self.mark) | jnp.all(mark == 0)
        self.agreed = self.agreed & same
        if eager:
            content = received[_MARK:end].reshape(content.shape)
            return jax.lax.bitcast_convert_type(content, x.dtype)
        return jax.lax.cond(
            same, lambda: jax.lax.ppermute(x, AXIS, pairs), lambda: jnp.zeros_like(x)
        )

    def swap(self, x: Any, distance: int) -> Any:
        """Return the array of the process whose rank differs in one bit."""
        return self.send(x, [(rank, rank ^ distance) for rank in range(self.size)])


def _fits_first_message(x: Any) -> bool:
    # Bits of complex numbers and of bool cannot be read as bytes.
    return x.dtype.kind not in "cb" and x.size * x.dtype.itemsize <= _FIRST_MESSAGE - _MARK


def _all_reduce(exchange: Exchange, reduction: str, x: Any) -> Any:
    """Reduce by recursive doubling, by gloo's ring, or each for itself what all have sent.

    Two processes, each on a core of its own, take 3.8 ms for 1 kB and 113 ms for 100 MB by the
    ring, by an exchange 0.2 ms and 80 ms; four processes on two cores 4.8 and 263 ms by the ring,
    by doubling 4.0 and 269 ms. For doubling see R. Thakur, R. Rabenseifner and W. Gropp,
    "Optimization of collective communication operations in MPICH", 2005.
    """
    size, direct = exchange.size, _REDUCTIONS.get(reduction)
    nbytes = x.size * x.dtype.itemsize
    if size > 2 and direct is not None and (nbytes <= _TINY or nbytes > _LARGE):
        return direct(x, AXIS)
    if size & (size - 1):
        return _folded(reduction, jax.lax.all_gather(x, AXIS))
    distance = 1
    while distance < size:
        # Both take the same two terms, and each reduction is commutative: all get the same bits.
        x = _FOLDS[reduction](x, exchange.swap(x, distance))
        distance *= 2
    return x


def _reduce_scatter(exchange: Exchange, reduction: str, x: Any) -> Any:
    if exchange.size == 2:
        rank = jax.lax.axis_index(AXIS)
        own, other = (jax.lax.dynamic_index_in_dim(x, at, 0, False) for at in (rank, 1 - rank))
        return _FOLDS[reduction](own, exchange.swap(other, 1))
    if reduction == "sum":
        return jax.lax.psum_scatter(x, AXIS, scatter_dimension=0, tiled=False)
    return _folded(reduction, _all_to_all(exchange, x))


def _folded(reduction: str, rows: Any) -> Any:
    return functools.reduce(_FOLDS[reduction], list(rows))


def _all_gather(exchange: Exchange, x: Any) -> Any:
    if exchange.size == 2:
        received = exchange.swap(x, 1)
        first = jax.lax.axis_index(AXIS) == 0
        return jnp.stack([jnp.where(first, x, received), jnp.where(first, received, x)])
    return jax.lax.all_gather(x, AXIS)


def _all_to_all(exchange: Exchange, x: Any) -> Any:
    return jax.lax.all_to_all(x, AXIS, split_axis=0, concat_axis=0, tiled=True)


def _broadcast(exchange: Exchange, source: int, x: Any) -> Any:
    """Pass on along a binomial tree: who has it gives it to one that has not, in each round."""
    size = exchange.size
    distance = (jax.lax.axis_index(AXIS) - source) % size
    reach = 1
    while reach < size:
        pairs = [
            ((source + at) % size, (source + at + reach) % size)
            for at in range(min(reach, size - reach))
        ]
        received = exchange.send(x, pairs)
        x = jnp.where((distance >= reach) & (distance < 2 * reach), received, x)
        reach *= 2
    return x


def _permute(exchange: Exchange, pairs: Pairs, x: Any) -> Any:
    return jax.lax.ppermute(x, AXIS, pairs)


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
