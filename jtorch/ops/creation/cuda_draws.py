"""Random numbers of CUDA devices: PyTorch's kernels over Philox, on the device where it can be."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ... import _random
from ..._engine.execution import devices, transfer
from ..._engine.graph.values import Meta
from ..._random import philox

#: Draws nothing: an empty draw from it looks at the parameters alone.
_CHECKING = _random.CPUGenerator(0)
#: By how much PyTorch moves a generator for them, of which a thread takes four.
_WORDS_OF_COINS = 10


def draw(engine: Any, how: Callable, shape: tuple[int, ...], meta: Meta) -> Any:
    """Draw from the generator of a CUDA device.

    Args:
        engine: a ``PhiloxGenerator``.
        how: how to draw, with the name and the parameters of PyTorch's kernel in ``kernel`` or
            ``distribution``.
        shape: how many to draw.
        meta: of the tensor that they are for.
    Returns:
        An array on that device.
    """
    dtype = meta.dtype._numpy
    how(_CHECKING, (0,), dtype)  # raises for wrong parameters
    name, *parameters = _kernel(how)
    if name == "integers":
        return transfer.put(how(philox.KernelWords(engine), shape, dtype), meta.device)
    if name == "permutation":
        return transfer.put(philox.philox_permutation(engine, shape[0]).astype(dtype), meta.device)
    if name == "coins":
        return _coins(engine, parameters[0], meta)
    wide = dtype == np.float64 or name in _WIDE
    known = _KERNELS.get(name)
    if known is None or not (meta.dtype.is_floating_point or name in _OF_ANY_DTYPE):
        # PyTorch's numbers on CUDA differ here: these follow from the same seed, but are not its.
        return transfer.put(how(host_engine(engine, math.prod(shape)), shape, dtype), meta.device)
    seed, offset = engine.take(math.prod(shape), 2 if wide else 4)
    with jax.default_device(devices.jax_device(meta.device)), transfer.told_of_memory(meta.device):
        program = _program(name, shape, dtype, engine.threads)
        return program(_halves(seed), _halves(offset), *map(np.float64, parameters))


def _coins(engine: Any, probability: np.ndarray, meta: Meta) -> Any:
    """Draw 1 with a probability of each element's own, and 0 else."""
    dtype = meta.dtype._numpy
    if not probability.size:
        return transfer.put(np.zeros(probability.shape, dtype), meta.device)
    seed, offset = engine.advance(_WORDS_OF_COINS)
    kind = np.float64 if dtype == np.float64 else np.float32
    with jax.default_device(devices.jax_device(meta.device)), transfer.told_of_memory(meta.device):
        program = _coins_program(dtype)
        return program(_halves(seed), _halves(offset), probability.astype(kind))


@functools.lru_cache(maxsize=16)
def _coins_program(dtype: Any) -> Callable:
    def jtorch_coins(seed: Any, offset: Any, probability: Any) -> Any:
        return philox.philox_coins(seed, offset, probability, jnp).astype(dtype)

    return jax.jit(jtorch_coins)


def host_engine(engine: Any, count: int) -> Any:
    """Return a generator of the host that follows from where a CUDA generator is, and move that."""
    seed, offset = engine.take(max(1, count), 4)
    return _random.CPUGenerator((seed + 0x9E3779B97F4A7C15 * (offset + 1)) % 2**64)


def _kernel(how: Callable) -> tuple:
    return getattr(how, "kernel", None) or getattr(how, "distribution", None) or ("",)


def _halves(number: int) -> np.ndarray:
    return np.array([number & 0xFFFFFFFF, number >> 32 & 0xFFFFFFFF], np.uint32)


class _Source:
    """What a kernel transforms: one draw for each element.

    Attributes:
        inner: the dtype that it computes in.
    """

    def __init__(self, seed: Any, offset: Any, shape: tuple[int, ...], inner: Any, threads: int):
        self.inner = inner
        self._where = (seed, offset, shape)
        self._threads = threads

    def units(self) -> Any:
        """Uniform numbers of (0, 1]."""
        return philox.philox_units(*self._where, self.inner is np.float64, self._threads, jnp)

    def normal(self, mean: Any, std: Any) -> Any:
        """Normal numbers."""
        drawn = philox.philox_normal(*self._where, self.inner, threads=self._threads, xp=jnp)
        return drawn * self.cast(std) + self.cast(mean)

    def kept(self, keep: Any) -> Any:
        """What dropout keeps."""
        return philox.philox_dropout(*self._where, keep, self._threads, jnp)

    def cast(self, number: Any) -> Any:
        """Return a number in the dtype that the kernel computes in."""
        return jnp.asarray(number, self.inner)


@functools.lru_cache(maxsize=256)
def _program(name: str, shape: tuple[int, ...], dtype: Any, threads: int) -> Callable:
    kernel = _KERNELS[name]
    inner = np.float64 if dtype == np.float64 or name in _WIDE else np.float32

    def run(seed: Any, offset: Any, *parameters: Any) -> Any:
        drawn = kernel(_Source(seed, offset, shape, inner, threads), *parameters).astype(dtype)
        if name != "uniform":
            return drawn
        # cuRAND's interval is closed above: PyTorch turns it around.
        low, high = (each.astype(dtype) for each in parameters)
        return jnp.where(drawn == high, low, drawn)

    run.__name__ = f"jtorch_{name}"
    return jax.jit(run)


def _uniform(source: _Source, low: Any, high: Any) -> Any:
    return source.units() * (source.cast(high) - source.cast(low)) + source.cast(low)


def _bernoulli(source: _Source, probability: Any) -> Any:
    return source.units().astype(np.float64) < probability


def _exponential(source: _Source, rate: Any) -> Any:
    units, half = source.units(), float(np.finfo(source.inner).eps) / 2
    least = source.cast(-half)
    logarithm = jnp.where(units >= 1 + least, least, jnp.log(units))
    return source.cast(-1) / source.cast(rate) * logarithm


def _geometric(source: _Source, probability: Any) -> Any:
    return jnp.ceil(jnp.log(source.units()) / jnp.log(1 - source.cast(probability)))


def _cauchy(source: _Source, median: Any, sigma: Any) -> Any:
    eps = source.cast(np.finfo(source.inner).eps)
    units = jnp.clip(source.units(), eps, 1 - eps)
    return source.cast(median) + source.cast(sigma) * jnp.tan(source.cast(np.pi) * (units - 0.5))


#: Each takes its parameters as float64.
_KERNELS: dict[str, Callable] = {
    "uniform": _uniform,
    "normal": _Source.normal,
    "log_normal": lambda source, mean, std: jnp.exp(source.normal(mean, std)),
    "bernoulli": _bernoulli,
    "wide_bernoulli": _bernoulli,
    "dropout": lambda source, keep: source.kept(keep.astype(np.float32)),
    "wide_dropout": lambda source, keep: source.kept(keep),
    "exponential": _exponential,
    "geometric": _geometric,
    "cauchy": _cauchy,
}
_OF_ANY_DTYPE = ("bernoulli", "wide_bernoulli", "dropout", "wide_dropout", "geometric")
#: Those of a mask that stands for numbers of float64.
_WIDE = ("wide_bernoulli",)
