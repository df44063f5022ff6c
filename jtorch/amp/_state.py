"""Whether autocast is on in this thread, and to what: ``torch.is_autocast_enabled``, ..."""

from __future__ import annotations

import threading
import warnings
from typing import Any

from .._core import dtypes
from .._core.device import Device
from .._core.dtypes import dtype as DType
from .._core.modes import intern_mode
from .._engine.recording.refusals import without_arguments
from .._engine.recording.trace import local

#: What each device type lowers to unless told otherwise.
_DEFAULTS = {
    "cpu": dtypes.bfloat16,
    "cuda": dtypes.float16,
    "xpu": dtypes.float16,
    "mps": dtypes.float16,
    "hpu": dtypes.bfloat16,
    "mtia": dtypes.float16,
    "xla": dtypes.bfloat16,
    "ipu": dtypes.float16,
    "maia": dtypes.float16,
    "privateuseone": dtypes.float16,
}


class _State(threading.local):
    def __init__(self) -> None:
        self.enabled: set[str] = set()
        self.dtypes = dict(_DEFAULTS)
        self.cache = True
        self.nesting = 0


_state = _State()


def _kind(device_type: Any, function: str) -> str:
    if not isinstance(device_type, str):
        raise TypeError(
            f"{function}(): argument 'device_type' (position 1) must be str, not "
            f"{type(device_type).__name__}"
        )
    kind = Device(device_type).type
    if kind not in _DEFAULTS:
        raise RuntimeError("unsupported scalarType")
    return kind


def _apply() -> None:
    """Record what follows as autocast says."""
    trace = local.trace
    pairs = tuple([(kind, _state.dtypes[kind]) for kind in sorted(_state.enabled)]) or None
    if trace.mode.autocast != pairs:
        trace.set_mode(intern_mode(trace.mode._replace(autocast=pairs)))


def is_autocast_available(device_type: str) -> bool:
    """Return whether there is autocast for a device type.

    Raises:
        RuntimeError: there is no such device type.
    """
    return Device(device_type).type in _DEFAULTS


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Return whether autocast is on, for ``"cuda"`` unless told otherwise."""
    if device_type is None:
        return "cuda" in _state.enabled
    return _kind(device_type, "is_autocast_enabled") in _state.enabled


def set_autocast_enabled(*args: Any, **kwargs: Any) -> None:
    """Switch autocast on or off: ``(device_type, enabled)``, or ``(enabled)`` for CUDA."""
    given = list(args) + [kwargs[name] for name in ("device_type", "enabled") if name in kwargs]
    device_type, enabled = given if len(given) == 2 else ("cuda", *given)
    if not isinstance(enabled, bool):
        raise TypeError(
            f"set_autocast_enabled(): argument 'enabled' (position {len(given)}) must be bool, not "
            f"{type(enabled).__name__}"
        )
    kind = _kind(device_type, "set_autocast_enabled")
    (_state.enabled.add if enabled else _state.enabled.discard)(kind)
    _apply()


def get_autocast_dtype(device_type: str) -> DType:
    """Return what autocast lowers to."""
    return _state.dtypes[_kind(device_type, "get_autocast_dtype")]


def set_autocast_dtype(device_type: str, dtype: DType) -> None:
    """Set what autocast lowers to."""
    kind = _kind(device_type, "set_autocast_dtype")
    if not isinstance(dtype, DType):
        raise TypeError(
            "set_autocast_dtype(): argument 'dtype' (position 2) must be torch.dtype, not "
            f"{type(dtype).__name__}"
        )
    _state.dtypes[kind] = dtype
    _apply()


@without_arguments
def is_autocast_cache_enabled() -> bool:
    """Return whether lowered weights are kept; here XLA sees that they are the same anyway."""
    return _state.cache


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Say whether lowered weights are kept."""
    _state.cache = bool(enabled)


def clear_autocast_cache() -> None:
    """Forget lowered weights, of which none are kept."""


def autocast_increment_nesting() -> int:
    """Count one more autocast block around."""
    _state.nesting += 1
    return _state.nesting


def autocast_decrement_nesting() -> int:
    """Count one autocast block less."""
    _state.nesting -= 1
    return _state.nesting


def _deprecated(name: str, now: str) -> None:
    warnings.warn(
        f"torch.{name} is deprecated. Please use torch.{now} instead.",
        DeprecationWarning,
        stacklevel=3,
    )


@without_arguments
def is_autocast_cpu_enabled() -> bool:
    """Return whether autocast is on for the CPU (deprecated)."""
    _deprecated("is_autocast_cpu_enabled()", "is_autocast_enabled('cpu')")
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """Switch autocast on or off for the CPU (deprecated)."""
    _deprecated("set_autocast_cpu_enabled(enabled)", "set_autocast_enabled('cpu', enabled)")
    set_autocast_enabled("cpu", enabled)


@without_arguments
def get_autocast_cpu_dtype() -> DType:
    """Return what autocast lowers to on the CPU (deprecated)."""
    _deprecated("get_autocast_cpu_dtype()", "get_autocast_dtype('cpu')")
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: DType) -> None:
    """Set what autocast lowers to on the CPU (deprecated)."""
    _deprecated("set_autocast_cpu_dtype(dtype)", "set_autocast_dtype('cpu', dtype)")
    set_autocast_dtype("cpu", dtype)


@without_arguments
def get_autocast_gpu_dtype() -> DType:
    """Return what autocast lowers to on GPUs (deprecated)."""
    _deprecated("get_autocast_gpu_dtype()", "get_autocast_dtype('cuda')")
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype: DType) -> None:
    """Set what autocast lowers to on GPUs (deprecated)."""
    _deprecated("set_autocast_gpu_dtype(dtype)", "set_autocast_dtype('cuda', dtype)")
    set_autocast_dtype("cuda", dtype)


def _boolean(enabled: Any) -> bool:
    if not isinstance(enabled, bool):
        raise TypeError(f"enabled must be a bool (got {type(enabled).__name__})")
    return enabled


def _a_dtype(dtype: Any) -> DType:
    if not isinstance(dtype, DType):
        raise TypeError(f"dtype must be a torch.dtype (got {type(dtype).__name__})")
    return dtype


@without_arguments
def is_autocast_ipu_enabled() -> bool:
    """Return whether autocast is on for IPUs (deprecated)."""
    _deprecated("is_autocast_ipu_enabled()", "is_autocast_enabled('ipu')")
    return is_autocast_enabled("ipu")


def set_autocast_ipu_enabled(enabled: bool) -> None:
    """Switch autocast on or off for IPUs (deprecated)."""
    _boolean(enabled)
    _deprecated("set_autocast_ipu_enabled(enabled)", "set_autocast_enabled('ipu', enabled)")
    set_autocast_enabled("ipu", enabled)


@without_arguments
def get_autocast_ipu_dtype() -> DType:
    """Return what autocast lowers to on IPUs (deprecated)."""
    _deprecated("get_autocast_ipu_dtype()", "get_autocast_dtype('ipu')")
    return get_autocast_dtype("ipu")


def set_autocast_ipu_dtype(dtype: DType) -> None:
    """Set what autocast lowers to on IPUs (deprecated)."""
    _a_dtype(dtype)
    _deprecated("set_autocast_ipu_dtype(dtype)", "set_autocast_dtype('ipu', dtype)")
    set_autocast_dtype("ipu", dtype)


@without_arguments
def is_autocast_xla_enabled() -> bool:
    """Return whether autocast is on for PyTorch/XLA's devices (deprecated)."""
    _deprecated("is_autocast_xla_enabled()", "is_autocast_enabled('xla')")
    return is_autocast_enabled("xla")


def set_autocast_xla_enabled(enabled: bool) -> None:
    """Switch autocast on or off for PyTorch/XLA's devices (deprecated)."""
    _boolean(enabled)
    _deprecated("set_autocast_xla_enabled(enabled)", "set_autocast_enabled('xla', enabled)")
    set_autocast_enabled("xla", enabled)


@without_arguments
def get_autocast_xla_dtype() -> DType:
    """Return what autocast lowers to on PyTorch/XLA's devices (deprecated)."""
    _deprecated("get_autocast_xla_dtype()", "get_autocast_dtype('xla')")
    return get_autocast_dtype("xla")


def set_autocast_xla_dtype(dtype: DType) -> None:
    """Set what autocast lowers to on PyTorch/XLA's devices (deprecated)."""
    _a_dtype(dtype)
    _deprecated("set_autocast_xla_dtype(dtype)", "set_autocast_dtype('xla', dtype)")
    set_autocast_dtype("xla", dtype)
