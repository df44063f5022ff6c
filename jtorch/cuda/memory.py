"""The memory of GPUs: ``torch.cuda.memory``, from what JAX counts.

JAX allocates, caches and frees by itself. Its counters begin with the process and cannot be set
back; a peak since ``reset_peak_memory_stats`` is exact once it has passed the one before, and until
then the largest number of bytes that was in use when one was asked for.
"""

from __future__ import annotations

import collections
import os
import warnings
from typing import Any

from .._core.messages_memory import memory_size
from .._engine.execution import devices as _devices
from .._engine.execution import interchange as _interchange
from .._engine.recording import trace as _trace
from .._runtime import absent as _absent
from ._index import index_of, required

#: By device: JAX's peak when the peak was last set back, and the most bytes seen since.
_peaks: dict[int, list[int]] = {}


def _counters(index: int) -> dict[str, int]:
    """Return JAX's counters of a GPU; of a device without any, the arrays that live on it."""
    place = _devices.gpus()[index]
    found = place.memory_stats()
    if found:
        return found
    return {"bytes_in_use": _interchange.bytes_alive(place)}


def _peak(index: int, counters: dict[str, int]) -> int:
    """Return the most bytes in use since the peak was last set back."""
    used = counters.get("bytes_in_use", 0)
    before, seen = _peaks.setdefault(index, [0, 0])
    _peaks[index][1] = seen = max(seen, used)
    counted = counters.get("peak_bytes_in_use", 0)
    return max(counted, seen) if counted > before else seen


def _settled(device: Any) -> tuple[int, dict[str, int]] | None:
    """Run what is pending; return index and counters of a GPU, ``None`` where there is none."""
    if not _devices.gpus():
        return None
    index = index_of(device)
    _trace.current("torch.cuda.memory_stats")
    return index, _counters(index)


def memory_stats(device: Any = None) -> dict[str, Any]:
    """Return what is known of a GPU's memory, by PyTorch's names; nothing without a GPU.

    Of ``allocated_bytes``, ``active_bytes``, ``requested_bytes`` and ``reserved_bytes`` there are
    ``current`` and ``peak`` under ``all``; ``jax.`` stands before JAX's own counters.
    """
    settled = _settled(device)
    found: dict[str, Any] = {}
    if settled is None:
        return collections.OrderedDict()
    index, counters = settled
    used, peak = counters.get("bytes_in_use", 0), _peak(index, counters)
    reserved = counters.get("pool_bytes", 0) or counters.get("bytes_reserved", 0) or used
    for name in ("allocated_bytes", "active_bytes", "requested_bytes"):
        found |= {f"{name}.all.current": used, f"{name}.all.peak": peak}
    most = counters.get("peak_pool_bytes", 0) or counters.get("peak_bytes_reserved", 0)
    found["reserved_bytes.all.current"] = reserved
    found["reserved_bytes.all.peak"] = max(most, reserved)
    found["allocation.all.allocated"] = counters.get("num_allocs", 0)
    found |= {f"jax.{name}": value for name, value in counters.items()}
    return collections.OrderedDict(sorted(found.items()))


def memory_stats_as_nested_dict(device: Any = None) -> dict[str, Any]:
    """Return what ``memory_stats`` does, dots leading into dictionaries."""
    nested: dict[str, Any] = {}
    for name, value in memory_stats(device).items():
        *path, last = name.split(".")
        level = nested
        for part in path:
            level = level.setdefault(part, {})
        level[last] = value
    return nested


def memory_allocated(device: Any = None) -> int:
    """Return the bytes in use on a GPU, 0 without one."""
    return memory_stats(device).get("allocated_bytes.all.current", 0)


def max_memory_allocated(device: Any = None) -> int:
    """Return the most bytes that were in use since the peak was set back."""
    return memory_stats(device).get("allocated_bytes.all.peak", 0)


def memory_reserved(device: Any = None) -> int:
    """Return the bytes that JAX holds of a GPU's memory, in use or not."""
    return memory_stats(device).get("reserved_bytes.all.current", 0)


def max_memory_reserved(device: Any = None) -> int:
    """Return the most bytes that JAX held."""
    return memory_stats(device).get("reserved_bytes.all.peak", 0)


def _older(name: str, function: Any) -> Any:
    def call(device: Any = None) -> Any:
        warnings.warn(
            f"`torch.cuda.{name}` has been renamed to `torch.cuda.{function.__name__}`",
            FutureWarning,
            stacklevel=2,
        )
        return function(device)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Call ``{function.__name__}``, which this was once called; deprecated."
    return call


memory_cached = _older("memory_cached", memory_reserved)
max_memory_cached = _older("max_memory_cached", max_memory_reserved)


def reset_peak_memory_stats(device: Any = None) -> None:
    """Let the peaks begin at what is in use now.

    Raises:
        AssertionError: there is no GPU.
    """
    required()
    settled = _settled(device)
    assert settled is not None
    index, counters = settled
    _peaks[index] = [counters.get("peak_bytes_in_use", 0), counters.get("bytes_in_use", 0)]


def _of_peaks(name: str) -> Any:
    def reset(device: Any = None) -> None:
        warnings.warn(
            f"torch.cuda.{name} now calls torch.cuda.reset_peak_memory_stats, which resets "
            "/all/ peak memory stats.",
            FutureWarning,
            stacklevel=2,
        )
        reset_peak_memory_stats(device)

    reset.__name__ = reset.__qualname__ = name
    reset.__doc__ = "Call ``reset_peak_memory_stats``; deprecated."
    return reset


reset_max_memory_allocated = _of_peaks("reset_max_memory_allocated")
reset_max_memory_cached = _of_peaks("reset_max_memory_cached")


def reset_accumulated_memory_stats(device: Any = None) -> None:
    """Do nothing: JAX's counters of allocations go on."""
    required()
    index_of(device)


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Return the free bytes and all bytes of a GPU that JAX may use.

    Raises:
        AssertionError: there is no GPU.
    """
    required()
    settled = _settled(device)
    assert settled is not None
    counters = settled[1]
    total = counters.get("bytes_limit", 0)
    return max(0, total - counters.get("bytes_in_use", 0)), total


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """Return a table of what is known of a GPU's memory.

    Args:
        device: the GPU, the current one unless given.
        abbreviated: leave out JAX's own counters.
    """
    required()
    found, index = memory_stats(device), index_of(device)
    rows: list[tuple[str, ...]] = [("", "current", "peak")]
    for name in ("allocated_bytes", "active_bytes", "requested_bytes", "reserved_bytes"):
        sizes = [memory_size(found[f"{name}.all.{which}"]) for which in ("current", "peak")]
        rows.append((name.partition("_")[0].capitalize() + " memory", *sizes))
    if not abbreviated:
        rows += [(name, str(each), "") for name, each in found.items() if name.startswith("jax.")]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    line = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    lines = [line, f"| JAX's memory on device {index}", line]
    for row in rows:
        cells = [f" {row[0]:<{widths[0]}} ", *(f" {row[n]:>{widths[n]}} " for n in (1, 2))]
        lines.append("|" + "|".join(cells) + "|")
    return "\n".join([*lines, line, ""])


def memory_snapshot(mempool_id: Any = None, include_traces: bool = True) -> list[Any]:
    """Return an empty list: JAX does not show its segments of memory."""
    required()
    return []


def host_memory_stats() -> dict[str, Any]:
    """Return an empty dictionary: JAX does not count what it pins of the host's memory."""
    return collections.OrderedDict()


def host_memory_stats_as_nested_dict() -> dict[str, Any]:
    """Return an empty dictionary; see ``host_memory_stats``."""
    return {}


def reset_peak_host_memory_stats() -> None:
    """Do nothing: nothing is counted."""


def reset_accumulated_host_memory_stats() -> None:
    """Do nothing: nothing is counted."""


def empty_cache() -> None:
    """Do nothing: JAX manages the memory."""


def set_per_process_memory_fraction(fraction: float, device: Any = None) -> None:
    """Refuse: JAX takes its share when it starts, by ``XLA_PYTHON_CLIENT_MEM_FRACTION``.

    Raises:
        TypeError: the fraction is no float.
        ValueError: it is not from 0 to 1.
        NotImplementedError: otherwise.
    """
    required()
    if not isinstance(fraction, float):
        raise TypeError("Invalid type for fraction argument, must be `float`")
    if fraction < 0 or fraction > 1:
        raise ValueError(f"Invalid fraction value: {fraction}. Allowed range: 0~1")
    raise NotImplementedError(
        "torch.cuda.set_per_process_memory_fraction: JAX takes its share of the memory when it "
        "starts; set XLA_PYTHON_CLIENT_MEM_FRACTION before"
    )


def get_per_process_memory_fraction(device: Any = None) -> float:
    """Return the part of a GPU's memory that JAX may use: its limit, of all that there is."""
    required()
    index_of(device)
    return float(os.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.75"))


def get_allocator_backend() -> str:
    """Return PyTorch's name of the allocator that JAX was told to use."""
    chosen = os.environ.get("XLA_PYTHON_CLIENT_ALLOCATOR", "default")
    return "cudaMallocAsync" if chosen == "cuda_async" else "native"


__getattr__ = _absent.attributes(__name__)
