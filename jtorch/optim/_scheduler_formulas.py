"""Schedulers whose learning rates are a closed formula of the epoch.

In their docstrings ``lr_0`` is a group's initial learning rate and ``t = 0, 1, ...`` the epoch: the
number of calls of ``step()``.
"""

from __future__ import annotations

import math
import types
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from . import _scheduler_messages as _messages
from ._scheduler_base import LRScheduler
from .optimizer import Optimizer


class _WithFunctions(LRScheduler):
    """Scheduler with a function of the epoch for each parameter group."""

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        groups = len(optimizer.param_groups)
        self.lr_lambdas: list[Callable[[int], float]]
        if isinstance(lr_lambda, (list, tuple)):
            if len(lr_lambda) != groups:
                raise _messages.lambda_count(groups, len(lr_lambda))
            self.lr_lambdas = list(lr_lambda)
        else:
            self.lr_lambdas = [lr_lambda] * groups
        self._check_functions()
        super().__init__(optimizer, last_epoch)

    def _check_functions(self) -> None:
        """Raise where one cannot be called."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimiser; of functions what objects that are called hold."""
        state = super().state_dict()
        del state["lr_lambdas"]
        state["lr_lambdas"] = [
            None if isinstance(function, types.FunctionType) else function.__dict__.copy()
            for function in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict()`` returned."""
        functions = state_dict["lr_lambdas"]
        self.__dict__.update({k: v for k, v in state_dict.items() if k != "lr_lambdas"})
        for own, loaded in zip(self.lr_lambdas, functions):
            if loaded is not None:
                own.__dict__.update(loaded)


class LambdaLR(_WithFunctions):
    """Learning rate by a function of the epoch: ``lr_0 * lr_lambda(t)``.

    Args:
        optimizer: whose learning rates are set.
        lr_lambda: function of the epoch, or one for each parameter group.
        last_epoch: epoch to resume at; -1 starts.
    """

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        return [
            base_lr * function(self.last_epoch)
            for function, base_lr in zip(self.lr_lambdas, self.base_lrs, strict=True)
        ]


class MultiplicativeLR(_WithFunctions):
    """Learning rate by a product over epochs: ``lr_0 * lr_lambda(1) * ... * lr_lambda(t)``.

    Args:
        optimizer: whose learning rates are set.
        lr_lambda: function of the epoch, or one for each parameter group.
        last_epoch: epoch to resume at; -1 starts.
    """

    def _check_functions(self) -> None:
        for function in self.lr_lambdas:
            if not callable(function):
                raise _messages.not_a_function(type(function).__name__)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        if self._is_initial:
            return self._rates()
        return [
            group["lr"] * function(self.last_epoch)
            for function, group in zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)
        ]


class StepLR(LRScheduler):
    """Step decay: ``lr_0 * gamma^floor(t / step_size)``.

    Args:
        optimizer: whose learning rates are set.
        step_size: epochs between two decays.
        gamma: factor of a decay.
        last_epoch: epoch to resume at; -1 starts.
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self._rates()
        return self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> list[Any]:
        decays = self.last_epoch // self.step_size
        return [base_lr * self.gamma**decays for base_lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Step decay at milestones: ``lr_0 * gamma^k``, where ``k`` milestones are at most ``t``.

    Args:
        optimizer: whose learning rates are set.
        milestones: epochs at which the learning rate decays.
        gamma: factor of a decay.
        last_epoch: epoch to resume at; -1 starts.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        if self.last_epoch not in self.milestones:
            return self._rates()
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self) -> list[Any]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base_lr * self.gamma**passed for base_lr in self.base_lrs]


class ConstantLR(LRScheduler):
    """Constant warm-up: ``factor * lr_0`` while ``t < total_iters``, then ``lr_0``.

    Args:
        optimizer: whose learning rates are set.
        factor: factor of the warm-up, in [0, 1].
        total_iters: epochs of the warm-up.
        last_epoch: epoch to resume at; -1 starts.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if factor > 1.0 or factor < 0:
            raise _messages.constant_factor()
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        if self.last_epoch != self.total_iters:
            return self._rates()
        return self._scaled(1.0 / self.factor)

    def _get_closed_form_lr(self) -> list[Any]:
        passed = self.last_epoch >= self.total_iters
        return [base_lr * (self.factor + passed * (1 - self.factor)) for base_lr in self.base_lrs]


class LinearLR(LRScheduler):
    """Linear warm-up (or decay): ``lr_0`` times a factor that changes linearly.

    The factor is ``start_factor + (end_factor - start_factor) min(t / total_iters, 1)``.

    Args:
        optimizer: whose learning rates are set.
        start_factor, end_factor: factor at the beginning, in (0, 1], and at the end, in [0, 1].
        total_iters: epochs from the one to the other.
        last_epoch: epoch to resume at; -1 starts.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if start_factor > 1.0 or start_factor <= 0:
            raise _messages.start_factor()
        if end_factor > 1.0 or end_factor < 0:
            raise _messages.end_factor()
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._rates()
        change = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * change
        return self._scaled(1.0 + change / before)

    def _get_closed_form_lr(self) -> list[Any]:
        change = self.end_factor - self.start_factor
        epoch = min(self.total_iters, self.last_epoch)
        return [
            base_lr * (self.start_factor + change * epoch / self.total_iters)
            for base_lr in self.base_lrs
        ]


class ExponentialLR(LRScheduler):
    """Exponential decay: ``lr_0 * gamma^t``.

    Args:
        optimizer: whose learning rates are set.
        gamma: factor of each epoch.
        last_epoch: epoch to resume at; -1 starts.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        return self._rates() if self._is_initial else self._scaled(self.gamma)

    def _get_closed_form_lr(self) -> list[Any]:
        return [base_lr * self.gamma**self.last_epoch for base_lr in self.base_lrs]


class PolynomialLR(LRScheduler):
    """Polynomial decay to 0: ``lr_0 * (1 - min(t / total_iters, 1))^power``.

    Args:
        optimizer: whose learning rates are set.
        total_iters: epochs until the learning rate is 0.
        power: degree of the polynomial.
        last_epoch: epoch to resume at; -1 starts.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._rates()
        left = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        return self._scaled((left / before) ** self.power)

    def _get_closed_form_lr(self) -> list[Any]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base_lr * left**self.power for base_lr in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Cosine annealing: ``eta_min + (lr_0 - eta_min) (1 + cos(pi t / T_max)) / 2``.

    Loshchilov and Hutter, SGDR: Stochastic gradient descent with warm restarts (ICLR 2017),
    equation 5, without the restarts.

    Args:
        optimizer: whose learning rates are set.
        T_max: epochs of half a period, from ``lr_0`` to ``eta_min``.
        eta_min: minimum of the learning rate.
        last_epoch: epoch to resume at; -1 starts.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        groups = self.optimizer.param_groups
        least, period, epoch = self.eta_min, self.T_max, self.last_epoch
        if self._is_initial:
            return self._rates()
        if self._step_count == 1 and epoch > 0:
            height = 1 + math.cos(epoch * math.pi / period)
            return [least + (base_lr - least) * height / 2 for base_lr in self.base_lrs]
        if (epoch - 1 - period) % (2 * period) == 0:
            height = 1 - math.cos(math.pi / period)
            return [
                group["lr"] + (base_lr - least) * height / 2
                for base_lr, group in zip(self.base_lrs, groups, strict=True)
            ]
        now = 1 + math.cos(math.pi * epoch / period)
        before = 1 + math.cos(math.pi * (epoch - 1) / period)
        return [now / before * (group["lr"] - least) + least for group in groups]

    def _get_closed_form_lr(self) -> list[Any]:
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (base_lr - self.eta_min) * height / 2 for base_lr in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing with warm restarts.

    ``eta_min + (lr_0 - eta_min) (1 + cos(pi T_cur / T_i)) / 2``, where ``T_cur`` counts the epochs
    since the last restart, and cycle ``i`` lasts ``T_i = T_0 * T_mult^i`` epochs. Loshchilov and
    Hutter, SGDR: Stochastic gradient descent with warm restarts (ICLR 2017), equation 5.

    Args:
        optimizer: whose learning rates are set.
        T_0: epochs of the first cycle.
        T_mult: factor by which each cycle is longer than the one before.
        eta_min: minimum of the learning rate.
        last_epoch: epoch to resume at; -1 starts.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise _messages.expected("positive integer T_0", T_0)
        if T_mult < 1 or not isinstance(T_mult, int):
            raise _messages.expected("integer T_mult >= 1", T_mult)
        if not isinstance(eta_min, (float, int)):
            raise _messages.expected("float or int eta_min", f"{eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: Any = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (base_lr - self.eta_min) * height / 2 for base_lr in self.base_lrs]

    def step(self, epoch: Any = None) -> None:
        """Go to the next epoch, or to any other, which need not be a whole number."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur = self.T_cur + 1
            if self.T_cur >= self.T_i:
                self.T_cur = self.T_cur % self.T_i
                self.T_i = self.T_i * self.T_mult
        else:
            if epoch < 0:
                raise _messages.expected("non-negative epoch", epoch)
            if epoch < self.T_0:
                self.T_i = self.T_0
                self.T_cur = epoch
            elif self.T_mult == 1:
                self.T_cur = epoch % self.T_0
            else:
                growth = self.T_mult
                turn = int(math.log(epoch / self.T_0 * (growth - 1) + 1, growth))
                self.T_cur = epoch - self.T_0 * (growth**turn - 1) / (growth - 1)
                self.T_i = self.T_0 * growth**turn
        self.last_epoch = math.floor(epoch)
        with self._asking():
            values = self.get_lr()
        self._set_rates(values)
