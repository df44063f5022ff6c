"""``torch.cuda``: questions about GPUs, which are those that JAX sees.

JAX runs things in the order in which they were recorded, and frees by itself: streams are there and
have nothing to do, and caches cannot be emptied.
"""

from __future__ import annotations

import contextlib
from typing import Any

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
from . import nvtx as nvtx
from ._index import index_of, required
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
from .memory import empty_cache as empty_cache
from .memory import get_allocator_backend as get_allocator_backend
from .memory import get_per_process_memory_fraction as get_per_process_memory_fraction
from .memory import host_memory_stats as host_memory_stats
from .memory import host_memory_stats_as_nested_dict as host_memory_stats_as_nested_dict
from .memory import max_memory_allocated as max_memory_allocated
from .memory import max_memory_cached as max_memory_cached
from .memory import max_memory_reserved as max_memory_reserved
from .memory import mem_get_info as mem_get_info
from .memory import memory_allocated as memory_allocated
from .memory import memory_cached as memory_cached
from .memory import memory_reserved as memory_reserved
from .memory import memory_snapshot as memory_snapshot
from .memory import memory_stats as memory_stats
from .memory import memory_stats_as_nested_dict as memory_stats_as_nested_dict
from .memory import memory_summary as memory_summary
from .memory import reset_accumulated_host_memory_stats as reset_accumulated_host_memory_stats
from .memory import reset_accumulated_memory_stats as reset_accumulated_memory_stats
from .memory import reset_max_memory_allocated as reset_max_memory_allocated
from .memory import reset_max_memory_cached as reset_max_memory_cached
from .memory import reset_peak_host_memory_stats as reset_peak_host_memory_stats
from .memory import reset_peak_memory_stats as reset_peak_memory_stats
from .memory import set_per_process_memory_fraction as set_per_process_memory_fraction
from .streams import Event as Event
from .streams import ExternalStream as ExternalStream
from .streams import Stream as Stream
from .streams import current_stream as current_stream
from .streams import default_stream as default_stream
from .streams import get_stream_from_external as get_stream_from_external
from .streams import set_stream as set_stream

globals().update(_CUDA_TYPES)


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
    required()


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
    required()
    return _current_index()


def set_device(device: Any) -> None:
    """Set the index that ``cuda`` without one means."""
    _set_current_index(index_of(device))


class device(contextlib.ContextDecorator):
    """Set the current device within a ``with`` block; ``None`` and -1 change nothing."""

    def __init__(self, device: Any):
        self._wanted = device

    def __enter__(self) -> None:
        self._before = _current_index()
        if self._wanted is not None and self._wanted != -1:
            if not _devices.gpus():
                raise RuntimeError("PyTorch was compiled without CUDA support")
            _set_current_index(index_of(self._wanted))

    def __exit__(self, *exception: object) -> None:
        _set_current_index(self._before)


class device_of(device):
    """Set the current device to that of a tensor; one of the CPU changes nothing."""

    def __init__(self, obj: Any):
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def get_device_name(device: Any = None) -> str:
    """Return the name of a GPU."""
    return _devices.gpus()[index_of(device)].device_kind


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Return the compute capability of a GPU, (0, 0) where JAX does not tell."""
    found = getattr(_devices.gpus()[index_of(device)], "compute_capability", "0.0")
    major, _, minor = str(found).partition(".")
    return int(major), int(minor or 0)


class _CudaDeviceProperties:
    """What is known of a GPU."""

    is_integrated = is_multi_gpu_board = 0
    warp_size = 32

    def __init__(self, index: int):
        place = _devices.gpus()[index]
        self.name = self.gcnArchName = get_device_name(index)
        self.major, self.minor = get_device_capability(index)
        self.total_memory = mem_get_info(index)[1]
        self.multi_processor_count = getattr(place, "core_count", 0)
        self.max_threads_per_multi_processor = _devices.threads_of_a_core(place)

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory // 2**20}MB, "
            f"multi_processor_count={self.multi_processor_count})"
        )


def get_device_properties(device: Any = None) -> _CudaDeviceProperties:
    """Return the name, the capability and the memory of a GPU."""
    return _CudaDeviceProperties(index_of(device))


def synchronize(device: Any = None) -> None:
    """Run what is pending and wait until the GPU is done."""
    required()
    _trace.current("torch.cuda.synchronize")
    _interchange.synchronize(_devices.gpus()[index_of(device)])


def ipc_collect() -> None:
    """Do nothing: memory is not shared between processes."""
    required()


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Return whether bfloat16 can be used: XLA can on every GPU."""
    return is_available()


def is_tf32_supported() -> bool:
    """Return whether a GPU multiplies float32 in TF32 where it may: from Ampere on."""
    return is_available() and get_device_capability()[0] >= 8


def get_arch_list() -> list[str]:
    """Return the architectures compiled for: XLA compiles for the one that is there."""
    return []


def get_gencode_flags() -> str:
    """Return the flags of NVIDIA's compiler for those architectures: none."""
    return ""


_SYNC_MODES = ("default", "warn", "error")


def set_sync_debug_mode(debug_mode: int | str) -> None:
    """Ask for reports of waiting for a GPU, of which there are none but in the default mode.

    Raises:
        AssertionError: there is no GPU.
        NotImplementedError: it is not the default mode, 0.
    """
    required()
    if isinstance(debug_mode, str):
        if debug_mode not in _SYNC_MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`"
            )
        debug_mode = _SYNC_MODES.index(debug_mode)
    if debug_mode:
        raise NotImplementedError(
            "torch.cuda.set_sync_debug_mode: jtorch waits for a GPU only where a value is looked at"
        )


def get_sync_debug_mode() -> int:
    """Return whether waiting for a GPU is reported: 0, it is not.

    Raises:
        AssertionError: there is no GPU.
    """
    required()
    return 0


def manual_seed(seed: int) -> None:
    """Seed the generator of the current GPU; without one, remember the seed."""
    if _devices.gpus():
        _cuda_generator(_current_index()).manual_seed(int(seed))
    else:
        _seed_cuda(int(seed))


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all GPUs; without one, remember the seed."""
    _seed_cuda(int(seed))


def seed() -> None:
    """Seed the generator of the current GPU with an unpredictable number."""
    if _devices.gpus():
        _cuda_generator(_current_index()).seed()


def seed_all() -> None:
    """Seed the generators of all GPUs with one unpredictable number."""
    if _devices.gpus():
        _seed_cuda(_cuda_generator(0).seed())


def initial_seed() -> int:
    """Return the last seed of the current GPU."""
    required()
    return _cuda_generator(_current_index()).initial_seed()


def get_rng_state(device: Any = "cuda") -> Any:
    """Return the state of a GPU's generator."""
    return _cuda_generator(index_of(device)).get_state()


def get_rng_state_all() -> list[Any]:
    """Return the states of all GPUs' generators."""
    return [get_rng_state(index) for index in range(device_count())]


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Let a GPU's generator continue from a state; nothing happens without one."""
    if _devices.gpus():
        _cuda_generator(index_of(device)).set_state(new_state)


def set_rng_state_all(new_states: list[Any]) -> None:
    """Let all GPUs' generators continue from states."""
    for index, state in enumerate(new_states):
        set_rng_state(state, index)


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Return whether a GPU can reach another one's memory."""
    required()
    return index_of(device) != index_of(peer_device)


class StreamContext:
    """A block within which a stream is chosen.

    Args:
        stream: the stream; ``None`` for a block that changes nothing.
    """

    def __init__(self, stream: Stream | None):
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None and _devices.gpus():
            self._before = current_stream(self.stream.device)
            set_stream(self.stream)

    def __exit__(self, *exception: object) -> None:
        if self.stream is not None and _devices.gpus():
            set_stream(self._before)


def stream(stream: Stream | None) -> StreamContext:
    """Return a block within which a stream is chosen."""
    return StreamContext(stream)


has_half, has_magma = True, False
default_generators: tuple = ()

__getattr__ = _absent.attributes(__name__)
