"""``torch.Generator``: the state of random numbers, one for each device by default."""

from __future__ import annotations

import secrets
import threading
from typing import Any

import numpy as np

from .._core.device import CPU, Device
from .._core.schema.schema import set_type
from .._engine.execution import devices
from .._engine.graph.values import is_tensor
from .._engine.memory.from_host import fresh_tensor
from .._engine.recording.storage import current_value
from .._engine.recording.trace import local, materialise
from .._random import CPUGenerator
from .._random.philox import DEFAULT_THREADS, PhiloxGenerator


class Generator:
    """A stream of random numbers.

    Args:
        device: whose numbers: ``cpu``'s are the Mersenne Twister's, ``cuda``'s Philox's, as in
            PyTorch. A fresh one has the same seed each time.
    """

    __slots__ = ("_engine", "_device", "_lock", "__weakref__")
    __module__ = "torch._C"

    def __init__(self, device: Any = "cpu"):
        place = Device(device) if not isinstance(device, int) else devices.resolve(device)
        if place.type not in ("cpu", "cuda"):
            raise RuntimeError(f"{place.type.upper()} device type not an accelerator.")
        self._device = devices.check(place)
        self._engine: Any = (
            CPUGenerator()
            if self._device is CPU
            else PhiloxGenerator(threads=devices.threads_of(self._device) or DEFAULT_THREADS)
        )
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {id(self):#x}>"

    @property
    def device(self) -> Device:
        """The device whose numbers it draws."""
        return self._device

    def manual_seed(self, seed: int) -> Generator:
        """Start over with a seed and return the generator.

        Raises:
            RuntimeError: the seed is no int.
            ValueError: it does not fit in 64 bits.
        """
        if isinstance(seed, np.integer):
            seed = int(seed)
        with self._lock:
            self._engine.manual_seed(seed)
        return self

    def seed(self) -> int:
        """Start over with an unpredictable seed, and return it."""
        with self._lock:
            return self._engine.seed()

    def initial_seed(self) -> int:
        """Return the last seed."""
        return self._engine.initial_seed()

    def get_state(self) -> Any:
        """Return the state as a tensor of bytes, as PyTorch lays it out."""
        from .._core.dtypes import uint8

        return fresh_tensor(self._engine.get_state(), uint8, CPU)

    def set_state(self, new_state: Any) -> None:
        """Continue from a state.

        Raises:
            TypeError: it is no tensor of bytes.
            RuntimeError: it is no state.
        """
        self._engine.set_state(state_bytes(new_state))

    graphsafe_get_state = get_state
    graphsafe_set_state = set_state

    def clone_state(self) -> Generator:
        """Return an independent generator that continues from the same state."""
        twin = Generator(self._device)
        twin._engine.set_state(self._engine.get_state())
        return twin

    def get_offset(self) -> int:
        """Return how far a CUDA generator has drawn."""
        if self._device is CPU:
            raise RuntimeError("CPU Generator does not use offset")
        return self._engine.offset

    def set_offset(self, offset: int) -> None:
        """Set how far a CUDA generator has drawn."""
        if self._device is CPU:
            raise RuntimeError("CPU Generator does not use offset")
        self._engine.offset = offset

    def __reduce__(self) -> Any:
        return _rebuilt, (str(self._device), self._engine.get_state())


def _rebuilt(device: str, state: np.ndarray) -> Generator:
    generator = Generator(device)
    generator._engine.set_state(state)
    return generator


def state_bytes(state: Any) -> Any:
    """Return the bytes of a state given as a tensor; what is no tensor as it is."""
    if not is_tensor(state):
        return state
    return np.asarray(materialise(current_value(state), "random state"))


default_generator = Generator()
default_generator.manual_seed(secrets.randbits(53))
_cuda: dict[int, Generator] = {}
_cuda_seed: list[int] = [secrets.randbits(53)]


def cuda_generator(index: int) -> Generator:
    """Return the default generator of a CUDA device."""
    generator = _cuda.get(index)
    if generator is None:
        generator = Generator(Device("cuda", index))
        generator.manual_seed(_cuda_seed[0])
        generator = _cuda.setdefault(index, generator)
    return generator


def seed_cuda(seed: int) -> None:
    """Seed the default generators of all CUDA devices, also those not used yet."""
    CPUGenerator(seed)  # raises for a bad seed
    _cuda_seed[0] = seed
    for generator in _cuda.values():
        generator.manual_seed(seed)


def generator_of(generator: Generator | None, device: Device) -> Generator:
    """Return the generator to draw from for a device.

    Raises:
        RuntimeError: the one given is of another device.
    """
    if local.trace.captures:
        local.trace.refuse_randomness()
    if generator is None:
        return default_generator if device.type != "cuda" else cuda_generator(device.index or 0)
    if device.type in ("cpu", "cuda") and generator._device.type != device.type:
        raise RuntimeError(
            f"Expected a '{device.type}' device type for generator but found "
            f"'{generator._device.type}'"
        )
    return generator


set_type("Generator", Generator)
