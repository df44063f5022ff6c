"""Scale losses so that small gradients do not vanish: ``torch.amp.GradScaler``."""

from __future__ import annotations

import inspect
import warnings
from collections import defaultdict
from collections.abc import Iterable
from enum import Enum
from typing import Any

import jtorch as torch

from .._core import dtypes
from .._engine.execution import devices as _devices
from .._tensor.tensor import Tensor

__all__ = ["GradScaler", "OptState"]


class _MultiDeviceReplicator:
    """A tensor, and its copies on other devices."""

    def __init__(self, master_tensor: Tensor) -> None:
        self.master = master_tensor
        self._per_device_tensors: dict[Any, Any] = {}

    def get(self, device: Any) -> Any:
        replica = self._per_device_tensors.get(device)
        if replica is None:
            replica = self.master.to(device=device, non_blocking=True, copy=True)
            self._per_device_tensors[device] = replica
        return replica


class OptState(Enum):
    """What has been done to an optimiser's gradients since the last ``update``."""

    READY = 0
    UNSCALED = 1
    STEPPED = 2


def _refresh_per_optimizer_state() -> dict[str, Any]:
    return {"stage": OptState.READY, "found_inf_per_device": {}}


def _unscale(grads: list[Any], found_inf: Any, inv_scale: Any) -> None:
    """Multiply gradients in place, and note whether any element is infinite or NaN."""
    for grad in grads:
        finite = torch.isfinite(grad).all()
        found_inf.copy_(torch.maximum(found_inf, (~finite).to(found_inf.dtype)))
    torch._foreach_mul_(grads, inv_scale)


class GradScaler:
    """Multiplies losses by a factor that grows while gradients are finite and falls when not.

    Args:
        device: device type that it works for.
        init_scale: the first factor.
        growth_factor: what it is multiplied by after ``growth_interval`` good steps, more than 1.
        backoff_factor: what it is multiplied by where a gradient is not finite, less than 1.
        growth_interval: see there.
        enabled: whether it does anything.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        self._enabled = enabled
        if device == "cuda" and enabled and not _devices.gpus():
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                stacklevel=2,
            )
            self._enabled = False
        if not self._enabled:
            return
        if growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale = init_scale
        self._scale: Any = None  # made on the device of the first loss
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._init_growth_tracker = 0
        self._growth_tracker: Any = None
        self._per_optimizer_states: dict[int, dict[str, Any]] = defaultdict(
            _refresh_per_optimizer_state
        )

    def _check_scale_growth_tracker(self, funcname: str) -> tuple[Any, Any]:
        hint = (
            "This may indicate your script did not use scaler.scale(loss or outputs) earlier in "
            "the iteration."
        )
        for name in ("_scale", "_growth_tracker"):
            if getattr(self, name) is None:
                raise AssertionError(f"Attempted {funcname} but {name} is None.  {hint}")
        return self._scale, self._growth_tracker

    def _lazy_init_scale_growth_tracker(self, dev: Any) -> None:
        if self._growth_tracker is not None:
            raise AssertionError("_growth_tracker initialized before _scale")
        self._scale = torch.full((), self._init_scale, dtype=dtypes.float32, device=dev)
        self._growth_tracker = torch.full(
            (), self._init_growth_tracker, dtype=dtypes.int32, device=dev
        )

    def scale(self, outputs: Any) -> Any:
        """Multiply a tensor, or those in any iterable, by the factor.

        Raises:
            ValueError: there is something else.
        """
        if not self._enabled:
            return outputs
        copies: list[_MultiDeviceReplicator] = []

        def scaled(value: Any) -> Any:
            if isinstance(value, Tensor):
                if not copies:
                    if self._scale is None:
                        self._lazy_init_scale_growth_tracker(value.device)
                    copies.append(_MultiDeviceReplicator(self._scale))
                return value * copies[0].get(value.device)
            if isinstance(value, Iterable):
                iterable = map(scaled, value)
                make: Any = type(value)
                return make(iterable) if isinstance(value, (list, tuple)) else iterable
            raise ValueError("outputs must be a Tensor or an iterable of Tensors")

        return scaled(outputs)

    def _unscale_grads_(
        self, optimizer: Any, inv_scale: Any, found_inf: Any, allow_fp16: bool
    ) -> dict[Any, Any]:
        scales = _MultiDeviceReplicator(inv_scale)
        replicas = _MultiDeviceReplicator(found_inf)
        grads: dict[tuple[Any, Any], list[Any]] = {}
        with torch.no_grad():
            for group in optimizer.param_groups:
                for param in group["params"]:
                    if not isinstance(param, Tensor):
                        raise AssertionError(
                            f"expected param to be torch.Tensor, got {type(param).__name__}"
                        )
                    grad = param.grad
                    if grad is None:
                        continue
                    if not allow_fp16 and grad.dtype is dtypes.float16:
                        raise ValueError("Attempting to unscale FP16 gradients.")
                    grads.setdefault((grad.device, grad.dtype), []).append(grad)
            for (device, _), device_gradients in grads.items():
                _unscale(device_gradients, replicas.get(device), scales.get(device))
        return replicas._per_device_tensors

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimiser by the factor, before ``step`` does.

        Raises:
            RuntimeError: that was done before.
        """
        if not self._enabled:
            return
        self._check_scale_growth_tracker("unscale_")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.UNSCALED:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        inv_scale = self._scale.double().reciprocal().float()
        found_inf = torch.full((), 0.0, dtype=dtypes.float32, device=self._scale.device)
        state["found_inf_per_device"] = self._unscale_grads_(optimizer, inv_scale, found_inf, False)
        state["stage"] = OptState.UNSCALED

    def _maybe_opt_step(self, optimizer: Any, state: dict, *args: Any, **kwargs: Any) -> Any:
        if sum(found.item() for found in state["found_inf_per_device"].values()):
            return None
        return optimizer.step(*args, **kwargs)

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Step an optimiser, unless a gradient is not finite.

        Args:
            optimizer: the optimiser.
            *args, **kwargs: given to its ``step``.
        Returns:
            What that returns, ``None`` where there was no step.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        self._check_scale_growth_tracker("step")
        state = self._per_optimizer_states[id(optimizer)]
        if state["stage"] is OptState.STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if getattr(optimizer, "_step_supports_amp_scaling", False):
            return self._step_of_scaling(optimizer, state, args, kwargs)
        if state["stage"] is OptState.READY:
            self.unscale_(optimizer)
        if len(state["found_inf_per_device"]) == 0:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        result = self._maybe_opt_step(optimizer, state, *args, **kwargs)
        state["stage"] = OptState.STEPPED
        return result

    def _step_of_scaling(self, optimizer: Any, state: dict, args: tuple, kwargs: dict) -> Any:
        """Step an optimiser that divides its gradients and looks for infinite ones by itself."""
        takes_scaler = "grad_scaler" in inspect.signature(optimizer.step).parameters
        if takes_scaler:
            warnings.warn(
                "GradScaler is going to stop passing itself as a keyword argument to the passed "
                "optimizer. In the near future GradScaler registers `grad_scale: Tensor` and "
                "`found_inf: Tensor` to the passed optimizer and let the optimizer use them "
                "directly.",
                FutureWarning,
                stacklevel=3,
            )
            kwargs["grad_scaler"] = self
        else:
            if state["stage"] is OptState.READY:
                self._check_inf_per_device(optimizer)
            scale = self._get_scale_async()
            founds = [found.to(scale.device) for found in state["found_inf_per_device"].values()]
            before = getattr(optimizer, "grad_scale", None)
            if state["stage"] is OptState.UNSCALED:
                optimizer.grad_scale = before
            else:
                optimizer.grad_scale = scale * (1 if before is None else before)
            optimizer.found_inf = sum(founds)
        result = optimizer.step(*args, **kwargs)
        state["stage"] = OptState.STEPPED
        if not takes_scaler:
            del optimizer.grad_scale
            del optimizer.found_inf
        return result

    def update(self, new_scale: Any = None) -> None:
        """Adapt the factor after all optimisers stepped.

        Args:
            new_scale: the factor to have from now on instead.
        """
        if not self._enabled:
            return
        scale, tracker = self._check_scale_growth_tracker("update")
        if new_scale is not None:
            if isinstance(new_scale, float):
                scale.fill_(new_scale)
            else:
                reason = (
                    "new_scale should be a float or a 1-element torch.cuda.FloatTensor or "
                    "torch.FloatTensor with requires_grad=False."
                )
                right = new_scale.device.type == self._device and new_scale.numel() == 1
                if not right or new_scale.requires_grad is True:
                    raise AssertionError(reason)
                scale.copy_(new_scale)
        else:
            founds = [
                found.to(device=scale.device)
                for state in self._per_optimizer_states.values()
                for found in state["found_inf_per_device"].values()
            ]
            if len(founds) == 0:
                raise AssertionError("No inf checks were recorded prior to update.")
            found = founds[0]
            for other in founds[1:]:
                found = found + other
            self._update_scale(scale, tracker, found)
        self._per_optimizer_states = defaultdict(_refresh_per_optimizer_state)

    def _update_scale(self, scale: Any, tracker: Any, found: Any) -> None:
        """Grow or shrink the factor on its device, where it is not looked at."""
        with torch.no_grad():
            bad = found > 0
            good_steps = tracker + 1
            grows = (good_steps == self._growth_interval) & ~bad
            grown = scale * self._growth_factor
            # A factor that would be infinite stays.
            grown = torch.where(torch.isfinite(grown), grown, scale)
            fresh = torch.where(grows, grown, scale)
            scale.copy_(torch.where(bad, scale * self._backoff_factor, fresh))
            tracker.copy_(torch.where(bad | grows, torch.zeros_like(tracker), good_steps))

    def _get_scale_async(self) -> Any:
        return self._scale

    def get_scale(self) -> float:
        """Return the factor, 1 where this is not enabled."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        """Return what the factor grows by."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set what the factor grows by."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """Return what the factor shrinks by."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set what the factor shrinks by."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """Return after how many good steps the factor grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set after how many good steps the factor grows."""
        self._growth_interval = new_interval

    def _get_growth_tracker(self) -> int:
        if not self._enabled:
            return 0
        tracker = self._growth_tracker
        return self._init_growth_tracker if tracker is None else tracker.item()

    def is_enabled(self) -> bool:
        """Return whether this does anything."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """Return the factor and its options; nothing where this is not enabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._get_growth_tracker(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict()`` returned.

        Raises:
            RuntimeError: it is empty.
        """
        if not self._enabled:
            return
        if len(state_dict) == 0:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale.fill_(state_dict["scale"])
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._init_growth_tracker = state_dict["_growth_tracker"]
        if self._growth_tracker is not None:
            self._growth_tracker.fill_(state_dict["_growth_tracker"])

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self._enabled:
            if len(self._per_optimizer_states) != 0:
                raise AssertionError(
                    "A GradScaler instance may only be pickled at the beginning of an iteration, "
                    "or at the end after scaler.update()."
                )
            state["_init_scale"] = self.get_scale()
            state["_init_growth_tracker"] = self._get_growth_tracker()
            state["_scale"] = None
            state["_growth_tracker"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _check_inf_per_device(self, optimizer: Any) -> dict[Any, Any]:
        scale, _ = self._check_scale_growth_tracker("_check_inf_per_device")
        one = torch.full((), 1.0, dtype=dtypes.float32, device=scale.device)
        found_inf = torch.full((), 0.0, dtype=dtypes.float32, device=scale.device)
        found_inf_per_device = self._unscale_grads_(optimizer, one, found_inf, True)
        self._per_optimizer_states[id(optimizer)]["found_inf_per_device"] = found_inf_per_device
        return found_inf_per_device

    def _found_inf_per_device(self, optimizer: Any) -> dict[Any, Any]:
        return self._per_optimizer_states[id(optimizer)]["found_inf_per_device"]
