"""Averages of weights over training: ``torch.optim.swa_utils``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, Literal

import jtorch as torch

from .._tensor.tensor import Tensor
from ..autograd.grad_mode import no_grad
from ..nn.modules.module import Module
from . import _scheduler_messages as _messages
from ._scheduler_base import LRScheduler, format_param
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def _has_lerp(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable:
    """Return the update of exponential moving averages of a list: ``a = decay a + (1 - decay) p``.

    Args:
        decay: decay rate of the average, in [0, 1].
    """
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        if _has_lerp(ema_param_list[0]):
            torch._foreach_lerp_(ema_param_list, current_param_list, 1 - decay)
            return
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            average.copy_(average * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable:
    """Return the update of arithmetic means of a list: ``a = a + (p - a) / (n + 1)``."""

    @no_grad()
    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        if _has_lerp(averaged_param_list[0]):
            weight = 1 / (num_averaged + 1)
            torch._foreach_lerp_(averaged_param_list, current_param_list, weight)
            return
        differences = torch._foreach_sub(current_param_list, averaged_param_list)
        if isinstance(num_averaged, Tensor):
            counts = [num_averaged + 1] * len(averaged_param_list)
            torch._foreach_addcdiv_(averaged_param_list, differences, counts)
        else:
            torch._foreach_add_(averaged_param_list, differences, alpha=1.0 / (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable:
    """Return the update of an exponential moving average: ``a = decay a + (1 - decay) p``.

    Args:
        decay: decay rate of the average, in [0, 1].
    """
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable:
    """Return the update of an arithmetic mean: ``a = a + (p - a) / (n + 1)``."""

    @no_grad()
    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def _by_kind(averages: list[Any], currents: list[Any]) -> list[tuple[Any, list[Any], list[Any]]]:
    """Return the pairs by device and dtype, in the order in which these come first."""
    groups: dict[Any, tuple[Any, list[Any], list[Any]]] = {}
    for average, current in zip(averages, currents, strict=True):
        key = (average.device, average.dtype)
        _, left, right = groups.setdefault(key, (average.device, [], []))
        left.append(average)
        right.append(current)
    return list(groups.values())


class AveragedModel(Module):
    """Copy of a model whose parameters are averages of the model's over training.

    By default it is stochastic weight averaging, the arithmetic mean: Izmailov et al., Averaging
    weights leads to wider optima and better generalization (UAI 2018).

    Args:
        model: the model; it is copied deeply.
        device: where the averages are.
        avg_fn: ``(average, parameter, count) -> average`` of one parameter.
        multi_avg_fn: the same in place for lists.
        use_buffers: whether buffers are averaged too; else they are copied.
    Raises:
        AssertionError: both functions are given.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable | None = None,
        multi_avg_fn: Callable | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", torch.tensor(0, dtype=torch.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the averaged model does."""
        return self.module(*args, **kwargs)

    def _averaged(self, own: Any, other: Any) -> Iterable[tuple[Any, Any]]:
        if not self.use_buffers:
            return zip(own.parameters(), other.parameters())
        return zip(
            itertools.chain(own.parameters(), own.buffers()),
            itertools.chain(other.parameters(), other.buffers()),
        )

    def update_parameters(self, model: Module) -> None:
        """Add the parameters of a model to the averages."""
        averages: list[Any] = []
        currents: list[Any] = []
        first = bool(self.n_averaged == 0)
        for average, parameter in self._averaged(self.module, model):
            current = parameter.detach().to(average.device)
            averages.append(average.detach())
            currents.append(current)
            if first:
                average.detach().copy_(current)
        if not first:
            self._update(averages, currents)
        if not self.use_buffers:
            for own, buffer in zip(self.module.buffers(), model.buffers(), strict=True):
                own.detach().copy_(buffer.detach().to(own.device))
        self.n_averaged += 1

    def _update(self, averages: list[Any], currents: list[Any]) -> None:
        if self.multi_avg_fn is None:
            function = get_swa_avg_fn() if self.avg_fn is None else self.avg_fn
            for average, current in zip(averages, currents, strict=True):
                count = self.n_averaged.to(average.device)
                average.copy_(function(average.detach(), current, count))
            return
        for device, own, others in _by_kind(averages, currents):
            self.multi_avg_fn(own, others, self.n_averaged.to(device))


@no_grad()
def update_bn(loader: Iterable[Any], model: Any, device: Any = None) -> None:
    """Reset the running statistics of batch normalisation and estimate them in one pass.

    Args:
        loader: batches, or tuples that begin with one.
        model: the model.
        device: where the batches are moved before.
    """
    momenta = {}
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.reset_running_stats()
            momenta[module] = module.momentum
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.momentum = None  # running averages of all batches
    for batch in loader:
        if isinstance(batch, (list, tuple)):
            batch = batch[0]
        if device is not None:
            batch = batch.to(device)
        model(batch)
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Annealing of the learning rates to a constant for weight averaging.

    ``(1 - a) lr + a swa_lr``, where ``a`` rises from 0 to 1 within ``anneal_epochs``: for the
    fraction ``t`` of them that has passed, ``a`` is ``t`` (``"linear"``) or
    ``(1 - cos(pi t)) / 2`` (``"cos"``).

    Args:
        optimizer: whose learning rates are set.
        swa_lr: the constant learning rate, or one for each parameter group.
        anneal_epochs: epochs of the annealing.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        last_epoch: epoch to resume at; -1 starts.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = format_param("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ["cos", "linear"]:
            raise _messages.anneal_strategy("be one of 'cos' or 'linear'", anneal_strategy)
        self._set_anneal_func(anneal_strategy)
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    @staticmethod
    def _linear_anneal(t: float) -> float:
        return t

    @staticmethod
    def _cosine_anneal(t: float) -> float:
        return (1 - math.cos(math.pi * t)) / 2

    @staticmethod
    def _get_initial_lr(lr: Any, swa_lr: Any, alpha: float) -> Any:
        return swa_lr if alpha == 1 else (lr - alpha * swa_lr) / (1 - alpha)

    def get_lr(self) -> list[Any]:
        """Return the learning rates of the next epoch."""
        self._check_asking()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        epochs = max(1, self.anneal_epochs)
        before = self.anneal_func(max(0, min(1, (step - 1) / epochs)))
        now = self.anneal_func(max(0, min(1, step / epochs)))
        rates = []
        for group in self.optimizer.param_groups:
            lr = self._get_initial_lr(group["lr"], group["swa_lr"], before)
            rates.append(group["swa_lr"] * now + lr * (1 - now))
        return rates

    def _set_anneal_func(self, anneal_strategy: str) -> None:
        self._anneal_strategy = anneal_strategy
        cosine = anneal_strategy == "cos"
        self.anneal_func = self._cosine_anneal if cosine else self._linear_anneal

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimiser and the function."""
        state = super().state_dict()
        del state["anneal_func"]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict()`` returned."""
        self.__dict__.update(state_dict)
        self._set_anneal_func(self._anneal_strategy)
