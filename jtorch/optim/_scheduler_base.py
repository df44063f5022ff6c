"""What all learning rate schedulers share."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from functools import wraps
from typing import Any
from weakref import ref

from .._tensor.tensor import Tensor
from . import _scheduler_messages as _messages
from .optimizer import Optimizer, _to_scalar


def format_param(name: str, optimizer: Optimizer, param: Any) -> list[Any]:
    """Return an option as a list with a value for each parameter group."""
    groups = len(optimizer.param_groups)
    if isinstance(param, (list, tuple)):
        if len(param) != groups:
            raise _messages.option_length(name, len(param), groups)
        values = list(param)
    else:
        values = [param] * groups
    return [value.clone() if isinstance(value, Tensor) else value for value in values]


def values_of(optimizer: Optimizer, key: str) -> list[Any]:
    """Return an option of every parameter group; tensors are copied."""
    return [
        group[key].clone() if isinstance(group[key], Tensor) else group[key]
        for group in optimizer.param_groups
    ]


def set_value(group: dict[str, Any], key: str, value: Any) -> None:
    """Set an option of a parameter group, in place where it is a tensor."""
    if isinstance(group[key], Tensor):
        group[key].fill_(_to_scalar(value))
    else:
        group[key] = value


def check_optimizer(optimizer: Any) -> None:
    """Raise where something is no optimiser."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


class LRScheduler:
    """Base of the schedulers, which set the learning rate of each parameter group every epoch.

    Args:
        optimizer: whose learning rates are set.
        last_epoch: epoch to resume at; -1 starts.
    Raises:
        TypeError: ``optimizer`` is no optimiser.
        KeyError: to resume, groups need an ``"initial_lr"``.
    """

    _get_lr_called_within_step: bool = False
    _is_initial: bool = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if last_epoch == -1:
            for group in optimizer.param_groups:
                lr = group["lr"]
                group.setdefault("initial_lr", lr.clone() if isinstance(lr, Tensor) else lr)
        else:
            for index, group in enumerate(optimizer.param_groups):
                if "initial_lr" not in group:
                    raise _messages.no_initial_lr(index)
        self.base_lrs: list[Any] = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _note_steps(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the initial learning rates."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimiser."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict()`` returned."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """Return the learning rates that were set last."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch.

        Args:
            epoch: go to this one instead (deprecated).
        """
        if self._step_count == 1:
            if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
                warnings.warn(_messages.STEP_OVERRIDDEN, UserWarning, stacklevel=2)
            elif not getattr(self.optimizer, "_opt_called", False):
                warnings.warn(_messages.WRONG_ORDER, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(_messages.EPOCH_DEPRECATED, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        with self._asking():
            if epoch is None:
                self.last_epoch += 1
                values = self.get_lr()
            else:
                self.last_epoch = epoch
                values = getattr(self, "_get_closed_form_lr", self.get_lr)()
        self._set_rates(values)

    def _set_rates(self, values: list[Any]) -> None:
        for group, lr in zip(self.optimizer.param_groups, values, strict=True):
            set_value(group, "lr", lr)
        self._last_lr: list[Any] = values_of(self.optimizer, "lr")

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Say that ``get_lr`` is called by ``step``."""
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _check_asking(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(_messages.GET_LR, UserWarning, stacklevel=3)

    def _rates(self) -> list[Any]:
        return values_of(self.optimizer, "lr")

    def _scaled(self, factor: Any) -> list[Any]:
        return [group["lr"] * factor for group in self.optimizer.param_groups]


class _LRScheduler(LRScheduler):
    """The base's old name."""


def _note_steps(optimizer: Any) -> None:
    """Have an optimiser note that its step was called, to warn of the wrong order."""
    if hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        return
    reference = ref(optimizer)
    function = optimizer.step.__func__

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        own: Any = reference()
        own._opt_called = True
        return function(own, *args, **kwargs)

    wrapper._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = wrapper
