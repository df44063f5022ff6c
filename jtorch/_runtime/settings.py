"""Switches of PyTorch's runtime: determinism, precision of products, warnings, anomaly mode.

Programs of the CPU are deterministic and multiply in full precision whatever is set; those of a GPU
are compiled as the script says. What was set is remembered and answered.
"""

from __future__ import annotations

import warnings
from typing import Any

from .._core import config, modes, once
from .._core import precision as precisions
from .._engine.backward.usual import anomaly
from .._engine.declare import publish
from .._engine.recording import trace as trace_module
from .._engine.recording.refusals import without_arguments


class _Settings:
    """What was set.

    Attributes:
        deterministic, warn_only: as of ``use_deterministic_algorithms``.
    """

    def __init__(self) -> None:
        self.deterministic = False
        self.warn_only = False


_settings = _Settings()


def set_precision(**parts: Any) -> None:
    """Set how the programs of GPUs are compiled from now on; see ``_core/precision.py``.

    What was recorded before runs as it was. The setting is part of the mode, so that the same
    operators under another one are another program.
    """
    wanted = precisions.current()._replace(**parts)
    if wanted == precisions.current():
        return
    trace_module.current("another precision of products")
    trace = trace_module.local.trace
    precisions.set_current(wanted)
    trace.set_mode(modes.intern_mode(trace.mode._replace(precision=wanted)))
    modes.DEFAULT = modes.intern_mode(modes.DEFAULT._replace(precision=wanted))  # of new threads


def _check_bool(value: Any, function: str, argument: str) -> None:
    if not isinstance(value, bool):
        raise TypeError(
            f"{function}(): argument '{argument}' (position 1) must be bool, not "
            f"{type(value).__name__}"
        )


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for operators that give the same result each time.

    All of them do here, from run to run of a script. Within one, the interpreter and the compiler
    may differ in the last bits, so that all is compiled from here on.

    Args:
        mode: whether they must.
        warn_only: whether PyTorch would warn instead of raising where there is none.
    """
    _check_bool(mode, "_set_deterministic_algorithms", "mode")
    _settings.deterministic, _settings.warn_only = mode, warn_only
    config.pin_one_tier(mode)
    set_precision(deterministic=mode)


def are_deterministic_algorithms_enabled() -> bool:
    """Return whether deterministic operators were asked for."""
    return _settings.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Return whether a missing deterministic operator would only warn."""
    return _settings.warn_only


_DEBUG_MODES = ("default", "warn", "error")


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Ask for deterministic operators by a mode: 0 or ``"default"``, ``"warn"``, ``"error"``."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
                f"{debug_mode}"
            )
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}"
        )
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """Return 0 where determinism was not asked for, 1 where it warns, 2 where it raises."""
    if not _settings.deterministic:
        return 0
    return 1 if _settings.warn_only else 2


def set_float32_matmul_precision(precision: str) -> None:
    """Say how exactly a GPU multiplies matrices of float32: ``highest``, or by TF32 from there on.

    Products of the CPU are in full precision in any case.
    """
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current "
            "setFloat32MatmulPrecision call has no effect.",
            UserWarning,
            stacklevel=2,
        )
        return
    set_precision(products=precision)


def get_float32_matmul_precision() -> str:
    """Return what ``set_float32_matmul_precision`` was given."""
    return precisions.current().products


def set_warn_always(b: bool, /) -> None:
    """Say whether warnings that PyTorch gives once should be given each time."""
    if not isinstance(b, bool):
        raise RuntimeError(f"setWarnOnlyOnce expects a bool, but got {type(b).__name__}")
    once.set_always(b)


def is_warn_always_enabled() -> bool:
    """Return what ``set_warn_always`` was given."""
    return once.is_always()


def set_flush_denormal(mode: bool) -> bool:
    """Say whether denormal numbers are taken for 0; XLA decides that by itself.

    Returns:
        Whether that is so: only ``True`` can be had.
    """
    if not isinstance(mode, bool):
        raise RuntimeError(f"flush_denormal expects a bool, but got {type(mode).__name__}")
    return True


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """Switch anomaly mode on or off, see ``torch.autograd.set_detect_anomaly``."""
    _check_bool(enabled, "set_anomaly_enabled", "enabled")
    anomaly.enabled, anomaly.check_nan = enabled, check_nan


@without_arguments
def is_anomaly_enabled() -> bool:
    """Return whether anomaly mode is on."""
    return anomaly.enabled


@without_arguments
def is_anomaly_check_nan_enabled() -> bool:
    """Return whether anomaly mode looks for NaN."""
    return anomaly.check_nan


def compiled_with_cxx11_abi() -> bool:
    """Return True, as every build of PyTorch 2.13 does."""
    return True


def is_vulkan_available(*args: Any, **kwargs: Any) -> bool:
    """Return whether there is a Vulkan backend: never."""
    return False


def init_num_threads() -> None:
    """Do nothing: XLA has its threads already."""


for _function in (
    use_deterministic_algorithms,
    are_deterministic_algorithms_enabled,
    is_deterministic_algorithms_warn_only_enabled,
    set_deterministic_debug_mode,
    get_deterministic_debug_mode,
    set_float32_matmul_precision,
    get_float32_matmul_precision,
    set_warn_always,
    is_warn_always_enabled,
    set_flush_denormal,
    set_anomaly_enabled,
    is_anomaly_enabled,
    is_anomaly_check_nan_enabled,
    compiled_with_cxx11_abi,
    is_vulkan_available,
    init_num_threads,
):
    _function.__module__ = "torch"
    publish(_function.__name__, _function)
