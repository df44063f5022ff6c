"""Cyclic learning rates, with a momentum that cycles in opposition."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from . import _scheduler_messages as _messages
from ._scheduler_base import LRScheduler, check_optimizer, format_param, set_value
from .optimizer import Optimizer


def _set_momentum(group: dict[str, Any], use_beta1: bool, momentum: float) -> None:
    if use_beta1:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


class _WithMomentum(LRScheduler):
    """Scheduler that may set the momentum, or the first beta, too."""

    use_beta1: bool

    def _begin_momentum(self, optimizer: Any, base: Any, most: Any, last_epoch: int) -> None:
        for largest, least, group in zip(most, base, optimizer.param_groups, strict=True):
            if last_epoch == -1:
                _set_momentum(group, self.use_beta1, largest)
                group["max_momentum"] = largest
                group["base_momentum"] = least

    def _find_momentum(self, optimizer: Any) -> None:
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise _messages.no_momentum()
        self.use_beta1 = "betas" in optimizer.defaults


class CyclicLR(_WithMomentum):
    """Cyclic learning rate: triangle waves between two bounds.

    ``base_lr + (max_lr - base_lr) h s``, where ``h`` rises linearly from 0 to 1 within
    ``step_size_up`` steps and falls back within ``step_size_down``, and ``s`` is 1
    (``"triangular"``), ``1 / 2^i`` in cycle ``i >= 0`` (``"triangular2"``) or ``gamma^t`` at step
    ``t`` (``"exp_range"``). Smith, Cyclical learning rates for training neural networks (2017).

    Args:
        optimizer: whose learning rates are set.
        base_lr, max_lr: the bounds, or one for each parameter group.
        step_size_up, step_size_down: steps of the rising and of the falling part of a cycle.
        mode: ``"triangular"``, ``"triangular2"`` or ``"exp_range"``.
        gamma: factor of each step in ``"exp_range"``.
        scale_fn: function that gives ``s``, in place of a mode.
        scale_mode: whether it is given the cycle (``"cycle"``) or the step (``"iterations"``).
        cycle_momentum: whether the momentum cycles in opposition to the learning rate.
        base_momentum, max_momentum: its bounds.
        last_epoch: step to resume at; -1 starts.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: Literal["cycle", "iterations"] = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = format_param("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                set_value(group, "lr", lr)
        self.max_lrs = format_param("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        down = float(step_size_down) if step_size_down is not None else up
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if mode not in ["triangular", "triangular2", "exp_range"] and scale_fn is None:
            raise _messages.cyclic_mode()
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_ref: Callable[[float], float]
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        self._init_scale_fn()
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._find_momentum(optimizer)
            self.base_momentums = format_param("base_momentum", optimizer, base_momentum)
            self.max_momentums = format_param("max_momentum", optimizer, max_momentum)
            self._begin_momentum(optimizer, self.base_momentums, self.max_momentums, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _init_scale_fn(self) -> None:
        if self._scale_fn_custom is not None:
            return
        if self.mode == "triangular":
            self._scale_fn_ref = self._triangular_scale_fn
            self.scale_mode = "cycle"
        elif self.mode == "triangular2":
            self._scale_fn_ref = self._triangular2_scale_fn
            self.scale_mode = "cycle"
        elif self.mode == "exp_range":
            self._scale_fn_ref = partial(self._exp_range_scale_fn, self.gamma)
            self.scale_mode = "iterations"

    def scale_fn(self, x: float) -> float:
        """Return how high a cycle, or a step, is."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return self._scale_fn_ref(x)

    @staticmethod
    def _triangular_scale_fn(x: float) -> float:
        return 1.0

    @staticmethod
    def _triangular2_scale_fn(x: float) -> float:
        return 1 / (2.0 ** (x - 1))

    @staticmethod
    def _exp_range_scale_fn(gamma: float, x: float) -> float:
        return gamma**x

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next step; set the momentum where it cycles."""
        self._check_asking()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        if x <= self.step_ratio:
            height = x / self.step_ratio
        else:
            height = (x - 1) / (self.step_ratio - 1)
        place = cycle if self.scale_mode == "cycle" else self.last_epoch
        rates = [
            base_lr + (max_lr - base_lr) * height * self.scale_fn(place)
            for base_lr, max_lr in zip(self.base_lrs, self.max_lrs, strict=True)
        ]
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            momentums = [
                most - (most - least) * height * self.scale_fn(place) for least, most in bounds
            ]
            for group, momentum in zip(self.optimizer.param_groups, momentums, strict=True):
                _set_momentum(group, self.use_beta1, momentum)
        return rates

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimiser and functions."""
        state = super().state_dict()
        state.pop("_scale_fn_ref", None)
        function = state.pop("_scale_fn_custom")
        state["_scale_fn_custom"] = None
        if function is not None and not isinstance(function, types.FunctionType):
            state["_scale_fn_custom"] = function.__dict__.copy()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict()`` returned."""
        function = state_dict.pop("_scale_fn_custom")
        super().load_state_dict(state_dict)
        if function is not None:
            self._scale_fn_custom.__dict__.update(function)
        self._init_scale_fn()


def _phase(end_step: float, rates: tuple[str, str], momentums: tuple[str, str]) -> dict[str, Any]:
    return {
        "end_step": end_step,
        "start_lr": rates[0],
        "end_lr": rates[1],
        "start_momentum": momentums[0],
        "end_momentum": momentums[1],
    }


class OneCycleLR(_WithMomentum):
    """One-cycle learning rate: up to a maximum, then down to far below the beginning.

    From ``max_lr / div_factor`` to ``max_lr`` and on to
    ``max_lr / (div_factor * final_div_factor)``, between them a half cosine or a line. Smith and
    Topin, Super-convergence: Very fast training of neural networks using large learning rates
    (2018).

    Args:
        optimizer: whose learning rates are set.
        max_lr: the maximum, or one for each parameter group.
        total_steps: steps of the cycle; by default ``epochs * steps_per_epoch``.
        epochs, steps_per_epoch: see there.
        pct_start: fraction of the cycle in which the learning rates rise.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: whether the momentum cycles in opposition to the learning rate.
        base_momentum, max_momentum: its bounds.
        div_factor: ratio of the maximum to the initial learning rate.
        final_div_factor: ratio of the initial to the final learning rate.
        three_phase: fall to the initial learning rate as fast as it rose, and then to the final.
        last_epoch: step to resume at; -1 starts.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        first, last = float(pct_start * self.total_steps) - 1, self.total_steps - 1
        rise = _phase(first, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum"))
        falling = ("base_momentum", "max_momentum")
        if three_phase:
            second = float(2 * pct_start * self.total_steps) - 2
            self._schedule_phases = [
                rise,
                _phase(second, ("max_lr", "initial_lr"), falling),
                _phase(last, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum")),
            ]
        else:
            self._schedule_phases = [rise, _phase(last, ("max_lr", "min_lr"), falling)]
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise _messages.expected("float between 0 and 1 pct_start", pct_start)
        if anneal_strategy not in ["cos", "linear"]:
            raise _messages.anneal_strategy("be one of 'cos' or 'linear'", anneal_strategy)
        self._anneal_func_type = anneal_strategy
        max_lrs = format_param("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, most in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = most / div_factor
                group["max_lr"] = most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._find_momentum(optimizer)
            most_momentums = format_param("max_momentum", optimizer, max_momentum)
            base_momentums = format_param("base_momentum", optimizer, base_momentum)
            self._begin_momentum(optimizer, base_momentums, most_momentums, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _anneal_func(self, start: Any, end: Any, part: float) -> Any:
        if self._anneal_func_type == "cos":
            return self._annealing_cos(start, end, part)
        if self._anneal_func_type == "linear":
            return self._annealing_linear(start, end, part)
        raise ValueError(f"Unknown _anneal_func_type: {self._anneal_func_type}")

    @staticmethod
    def _annealing_cos(start: Any, end: Any, pct: float) -> Any:
        height = math.cos(math.pi * pct) + 1
        return end + (start - end) / 2.0 * height

    @staticmethod
    def _annealing_linear(start: Any, end: Any, pct: float) -> Any:
        return (end - start) * pct + start

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next step; set the momentum where it cycles."""
        self._check_asking()
        step = self.last_epoch
        if step > self.total_steps:
            raise _messages.too_many_steps(step, self.total_steps)
        start = 0.0
        phase = self._schedule_phases[-1]
        for each in self._schedule_phases:
            if step <= each["end_step"] or each is phase:
                phase = each
                break
            start = each["end_step"]
        part = (step - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._anneal_func(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                ends = group[phase["start_momentum"]], group[phase["end_momentum"]]
                _set_momentum(group, self.use_beta1, self._anneal_func(*ends, part))
        return rates


def _total_steps(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    if total_steps is not None:
        if total_steps <= 0 or not isinstance(total_steps, int):
            raise _messages.expected("positive integer total_steps", total_steps)
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise _messages.steps_unknown()
    if not isinstance(epochs, int) or epochs <= 0:
        raise _messages.expected("positive integer epochs", epochs)
    if not isinstance(steps_per_epoch, int) or steps_per_epoch <= 0:
        raise _messages.expected("positive integer steps_per_epoch", steps_per_epoch)
    return epochs * steps_per_epoch
