"""The forms of earlier releases for one device type each: ``torch.cuda.amp``, ``torch.cpu.amp``."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from .._core import dtypes
from .._core.dtypes import dtype as DType
from . import autocast_mode
from .grad_scaler import GradScaler as _GradScaler


def _warn(old: str, new: str) -> None:
    warnings.warn(
        f"`torch.{old}` is deprecated. Please use `torch.amp.{new}` instead.",
        FutureWarning,
        stacklevel=3,
    )


def _placed(cls: type, module: str) -> type:
    cls.__module__, cls.__qualname__ = module, cls.__name__
    return cls


def make_autocast(device_type: str, default: DType) -> type:
    """Return the old ``autocast`` class of a device type, with its default dtype."""

    class autocast(autocast_mode.autocast):
        """The old form of ``torch.amp.autocast`` (deprecated)."""

        def __init__(
            self, enabled: bool = True, dtype: DType = default, cache_enabled: bool = True
        ):
            _warn(f"{device_type}.amp.autocast(args...)", f"autocast('{device_type}', args...)")
            super().__init__(device_type, enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)

    return _placed(autocast, f"torch.{device_type}.amp.autocast_mode")


def make_grad_scaler(device_type: str) -> type:
    """Return the old ``GradScaler`` class of a device type."""

    class GradScaler(_GradScaler):
        """The old form of ``torch.amp.GradScaler`` (deprecated)."""

        def __init__(
            self,
            init_scale: float = 2.0**16,
            growth_factor: float = 2.0,
            backoff_factor: float = 0.5,
            growth_interval: int = 2000,
            enabled: bool = True,
        ) -> None:
            _warn(f"{device_type}.amp.GradScaler(args...)", f"GradScaler('{device_type}', args...)")
            super().__init__(
                device_type,
                init_scale=init_scale,
                growth_factor=growth_factor,
                backoff_factor=backoff_factor,
                growth_interval=growth_interval,
                enabled=enabled,
            )

    return _placed(GradScaler, f"torch.{device_type}.amp.grad_scaler")


CpuAutocast = make_autocast("cpu", dtypes.bfloat16)
CudaAutocast = make_autocast("cuda", dtypes.float16)
CpuGradScaler = make_grad_scaler("cpu")
CudaGradScaler = make_grad_scaler("cuda")


def custom_fwd(fwd: Callable | None = None, *, cast_inputs: Any = None) -> Callable:
    """Decorate a ``forward`` (deprecated form for CUDA)."""
    _warn("cuda.amp.custom_fwd(args...)", "custom_fwd(args..., device_type='cuda')")
    wanted = functools.partial(autocast_mode.custom_fwd, device_type="cuda")
    return wanted(fwd=fwd, cast_inputs=cast_inputs)


def custom_bwd(bwd: Callable) -> Callable:
    """Decorate a ``backward`` (deprecated form for CUDA)."""
    _warn("cuda.amp.custom_bwd(args...)", "custom_bwd(args..., device_type='cuda')")
    return functools.partial(autocast_mode.custom_bwd, device_type="cuda")(bwd)
