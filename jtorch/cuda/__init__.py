"""``torch.cuda``: questions about GPUs, which are those that JAX sees.

JAX runs and frees things by itself: streams, caches and graphs have no counterpart here.
"""

from __future__ import annotations

import contextlib
from typing import Any

from .._core import messages as _messages
from .._core.device import Device
from .._core.device import current_index as _current_index
from .._core.device import set_current_index as _set_current_index
from .._core.errors import OutOfMemoryError as OutOfMemoryError
from .._engine.execution import devices as _devices
from .._engine.execution import interchange as _interchange
from .._engine.recording import trace as _trace
from .._runtime import absent as _absent
from .._runtime.generator import cuda_generator as _cuda_generator
from .._runtime.generator import seed_cuda as _seed_cuda
from .._tensor.legacy_types import CUDA_TYPES as _CUDA_TYPES
from . import amp as amp
from ._nvml import clock_rate as clock_rate
from ._nvml import device_memory_used as device_memory_used
from ._nvml import list_gpu_processes as list_gpu_processes
from ._nvml import memory_usage as memory_usage
from ._nvml import power_draw as power_draw
from ._nvml import temperature as temperature
from ._nvml import utilization as utilization
from .graphs import CUDAGraph as CUDAGraph
from .graphs import graph as graph
from .graphs import graph_pool_handle as graph_pool_handle
from .graphs import is_current_stream_capturing as is_current_stream_capturing
from .graphs import make_graphed_callables as make_graphed_callables

globals().update(_CUDA_TYPES)


def _required() -> None:
    if not _devices.gpus():
        raise _messages.no_cuda()


def _index(device: Any) -> int:
    """Return the index of a device, the current one for ``None``."""
    _required()
    if device is None:
        return _current_index()
    place = Device("cuda", device) if isinstance(device, int) else Device(device)
    if place.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {place}")
    index = _current_index() if place.index is None else place.index
    if index >= len(_devices.gpus()):
        raise AssertionError("Invalid device id")
    return index


def is_available() -> bool:
    """Return whether there is a GPU that JAX can use."""
    return bool(_devices.gpus())


def device_count() -> int:
    """Return the number of GPUs."""
    return len(_devices.gpus())


def is_initialized() -> bool:
    """Return whether the GPUs are in use."""
    return is_available()


def init() -> None:
    """Start the GPUs up.

    Raises:
        AssertionError: there is none.
    """
    _required()


def _is_compiled() -> bool:
    """Return whether there is a GPU that JAX can use."""
    return is_available()


_lazy_init = init


def _lazy_call(callable: Any, **kwargs: Any) -> None:
    """Call what is to be called when GPUs start up: they have, where there is one."""
    if is_available():
        callable()


def _get_device_index(device: Any, optional: bool = False, allow_cpu: bool = False) -> int:
    """Return the index of a device, -1 for the CPU where that is allowed."""
    from .._utils import _get_device_index as index_of

    return index_of(device, optional, allow_cpu)


def current_device() -> int:
    """Return the index that ``cuda`` without one means."""
    _required()
    return _current_index()


def set_device(device: Any) -> None:
    """Set the index that ``cuda`` without one means."""
    _set_current_index(_index(device))


class device(contextlib.ContextDecorator):
    """Set the current device within a ``with`` block; ``None`` and -1 change nothing."""

    def __init__(self, device: Any):
        self._wanted = device

    def __enter__(self) -> None:
        self._before = _current_index()
        if self._wanted is not None and self._wanted != -1:
            if not _devices.gpus():
                raise RuntimeError("PyTorch was compiled without CUDA support")
            _set_current_index(_index(self._wanted))

    def __exit__(self, *exception: object) -> None:
        _set_current_index(self._before)


class device_of(device):
    """Set the current device to that of a tensor; one of the CPU changes nothing."""

    def __init__(self, obj: Any):
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def get_device_name(device: Any = None) -> str:
    """Return the name of a GPU."""
    return _devices.gpus()[_index(device)].device_kind


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Return the compute capability of a GPU, (0, 0) where JAX does not tell."""
    found = getattr(_devices.gpus()[_index(device)], "compute_capability", "0.0")
    major, _, minor = str(found).partition(".")
    return int(major), int(minor or 0)


class _Properties:
    """What is known of a GPU."""

    def __init__(self, index: int):
        self.name = get_device_name(index)
        self.major, self.minor = get_device_capability(index)
        self.total_memory = _statistic(index, "bytes_limit")
        self.multi_processor_count = getattr(_devices.gpus()[index], "core_count", 0)

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory // 2**20}MB, "
            f"multi_processor_count={self.multi_processor_count})"
        )


def get_device_properties(device: Any = None) -> _Properties:
    """Return the name, the capability and the memory of a GPU."""
    return _Properties(_index(device))


def synchronize(device: Any = None) -> None:
    """Run what is pending and wait until the GPU is done."""
    _required()
    _trace.current("torch.cuda.synchronize")
    _interchange.synchronize(_devices.gpus()[_index(device)])


def empty_cache() -> None:
    """Do nothing: JAX manages the memory."""


def ipc_collect() -> None:
    """Do nothing: memory is not shared between processes."""
    _required()


def _statistic(device: Any, name: str) -> int:
    if not _devices.gpus():
        return 0
    found = _devices.gpus()[_index(device)].memory_stats() or {}
    return int(found.get(name, 0))


def memory_allocated(device: Any = None) -> int:
    """Return the bytes in use on a GPU, 0 without one."""
    return _statistic(device, "bytes_in_use")


def max_memory_allocated(device: Any = None) -> int:
    """Return the most bytes that were in use."""
    return _statistic(device, "peak_bytes_in_use")


def memory_reserved(device: Any = None) -> int:
    """Return the bytes that JAX has reserved."""
    return _statistic(device, "bytes_reserved") or memory_allocated(device)


def max_memory_reserved(device: Any = None) -> int:
    """Return the most bytes that JAX had reserved."""
    return _statistic(device, "peak_bytes_reserved") or max_memory_allocated(device)


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Return the free and the total bytes of a GPU."""
    _required()
    total = _statistic(device, "bytes_limit")
    return total - memory_allocated(device), total


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Return whether bfloat16 can be used: XLA can on every GPU."""
    return is_available()


def get_arch_list() -> list[str]:
    """Return the architectures compiled for: XLA compiles for the one that is there."""
    return []


def get_gencode_flags() -> str:
    """Return the flags of NVIDIA's compiler for those architectures: none."""
    return ""


def get_sync_debug_mode() -> int:
    """Return whether waiting for a GPU is reported: 0, it is not.

    Raises:
        AssertionError: there is no GPU.
    """
    _required()
    return 0


def manual_seed(seed: int) -> None:
    """Seed the generator of the current GPU; without one, remember the seed."""
    manual_seed_all(seed)


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all GPUs; without one, remember the seed."""
    _seed_cuda(int(seed))


def seed() -> None:
    """Seed the generator of the current GPU with an unpredictable number."""
    if _devices.gpus():
        _cuda_generator(_current_index()).seed()


seed_all = seed


def initial_seed() -> int:
    """Return the last seed of the current GPU."""
    _required()
    return _cuda_generator(_current_index()).initial_seed()


def get_rng_state(device: Any = "cuda") -> Any:
    """Return the state of a GPU's generator."""
    return _cuda_generator(_index(device)).get_state()


def get_rng_state_all() -> list[Any]:
    """Return the states of all GPUs' generators."""
    return [get_rng_state(index) for index in range(device_count())]


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Let a GPU's generator continue from a state; nothing happens without one."""
    if _devices.gpus():
        _cuda_generator(_index(device)).set_state(new_state)


def set_rng_state_all(new_states: list[Any]) -> None:
    """Let all GPUs' generators continue from states."""
    for index, state in enumerate(new_states):
        set_rng_state(state, index)


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Return whether a GPU can reach another one's memory."""
    _required()
    return _index(device) != _index(peer_device)


class _Unsupported:
    """A stream or an event: JAX orders its work itself."""

    def __init__(self, *args: Any, **kwargs: Any):
        name = type(self).__name__
        if not _devices.gpus():
            raise RuntimeError(
                "torch.cuda.Stream requires CUDA support"
                if name == "Stream"
                else f"Tried to instantiate dummy base class {name}"
            )
        raise NotImplementedError(f"torch.cuda.{name}: JAX orders the work of a GPU itself")


class Stream(_Unsupported):
    """A queue of work, which has no counterpart here."""


class Event(_Unsupported):
    """A point in a queue of work, which has no counterpart here."""


def current_stream(device: Any = None) -> Any:
    """Raise: there are no streams here."""
    _required()
    return Stream()


default_stream = current_stream


class StreamContext:
    """A block that changes nothing: there are no streams to choose from.

    Args:
        stream: the stream, which may be ``None``.
    """

    def __init__(self, stream: Any):
        self.stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


def stream(stream: Any) -> StreamContext:
    """Return a block that changes nothing."""
    return StreamContext(stream)


def set_stream(stream: Any) -> None:
    """Do nothing: there are no streams to choose from."""


default_generators: tuple = ()

__getattr__ = _absent.attributes(__name__)
