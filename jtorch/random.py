"""``torch.random``: seeds and states of the default generators."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator as _Yields
from collections.abc import Iterable
from typing import Any

from ._core import messages
from ._engine.execution import devices as _devices
from ._runtime import absent as _absent
from ._runtime.generator import Generator, cuda_generator, default_generator, seed_cuda

__all__ = [
    "set_rng_state",
    "get_rng_state",
    "manual_seed",
    "seed",
    "initial_seed",
    "fork_rng",
    "thread_safe_generator",
]


def manual_seed(seed: int) -> Generator:
    """Seed the default generators of all devices, and return the CPU's.

    Args:
        seed: from ``-2**63`` to ``2**64 - 1``; a negative one means ``seed + 2**64``.
    """
    seed = int(seed)
    default_generator.manual_seed(seed)
    seed_cuda(seed)
    return default_generator


def seed() -> int:
    """Seed the default generators with an unpredictable number, and return it."""
    number = default_generator.seed()
    seed_cuda(number)
    return number


def initial_seed() -> int:
    """Return the last seed of the CPU's generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """Return the state of the CPU's generator as a tensor of bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Let the CPU's generator continue from a state."""
    default_generator.set_state(new_state)


def thread_safe_generator() -> Generator | None:
    """Return the generator of the loader's thread that calls, ``None`` where none does.

    The workers of a ``DataLoader`` are processes here, each with a default generator of its own, so
    it is always ``None``; operators take that for the default generator.
    """
    return None


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str = "cuda",
) -> _Yields[None, None, None]:
    """Put the generators back, on leaving, to where they were.

    Args:
        devices: CUDA devices whose generators to put back; all of them by default. The CPU's
            always is.
        enabled: whether to do anything.
    """
    if not enabled:
        yield
        return
    count = len(_devices.gpus())
    if devices is None:
        if count > 1:
            warnings.warn(
                f"{device_type.upper()} reports that you have {count} available devices, and you "
                f"have used {_caller} without explicitly specifying which devices are being used.",
                stacklevel=3,
            )
        devices = range(count)
    else:
        devices = list(devices)
        if devices and not count:
            raise messages.no_cuda()
    places = [_devices.resolve(device) for device in devices]
    before = default_generator.get_state()
    states = [(place, cuda_generator(place.index or 0).get_state()) for place in places]
    try:
        yield
    finally:
        default_generator.set_state(before)
        for place, state in states:
            cuda_generator(place.index or 0).set_state(state)


__getattr__ = _absent.attributes(__name__)
