"""Training on different numbers of batches: those that have ended shadow what the others do."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, NamedTuple

import jtorch as torch

from ... import distributed as dist

__all__ = ["Join", "JoinHook", "Joinable"]

_SKEW_TO_WARN_OF = 1000


class JoinHook:
    """What a process does for one object after its own inputs have ended."""

    def main_hook(self) -> None:
        """Take part in the collectives of one iteration of the others."""

    def post_hook(self, is_last_joiner: bool) -> None:
        """Finish, when the inputs of all processes have ended.

        Args:
            is_last_joiner: whether this process was among the last.
        """


class _JoinConfig(NamedTuple):
    """What ``Join`` tells an object: it is off outside a block."""

    enable: bool
    throw_on_early_termination: bool
    is_first_joinable: bool

    @staticmethod
    def construct_disabled_join_config() -> _JoinConfig:
        """Return the one that says it is off."""
        return _JoinConfig(False, False, False)


class Joinable(ABC):
    """An object with collectives in each iteration, such as a model or an optimiser."""

    @abstractmethod
    def __init__(self) -> None:
        super().__init__()
        self._join_config = _JoinConfig.construct_disabled_join_config()

    @abstractmethod
    def join_hook(self, **kwargs: Any) -> JoinHook:
        """Return what is done for this object after the inputs have ended.

        Args:
            kwargs: what ``Join`` was given for all its objects.
        """
        ...

    @property
    @abstractmethod
    def join_device(self) -> torch.device:
        """Where the tensors of ``Join``'s own collectives lie."""
        ...

    @property
    @abstractmethod
    def join_process_group(self) -> Any:
        """The group of ``Join``'s own collectives."""
        ...


Joinable.register(torch.nn.parallel.DistributedDataParallel)


class Join:
    """A block of training in which processes may have different numbers of inputs.

    Each iteration begins with an all_reduce that counts who is still training; a process whose
    inputs have ended counts as zero and calls the hooks, until the count is zero.

    Args:
        joinables: objects of one process group, whose hooks are called in this order.
        enable: whether it does anything.
        throw_on_early_termination: whether all processes raise when the inputs of one have ended.
        kwargs: for ``join_hook``.
    Raises:
        ValueError: for no object, or objects of several groups.
    """

    def __init__(
        self,
        joinables: list[Joinable],
        enable: bool = True,
        throw_on_early_termination: bool = False,
        **kwargs: Any,
    ):
        if not joinables:
            raise ValueError("The join context manager requires at least one joinable")
        self._joinables = joinables
        self._join_hooks = [each.join_hook(**kwargs) for each in joinables]
        self._enable = enable
        self._throw_on_early_termination = throw_on_early_termination
        for number, each in enumerate(joinables):
            each._join_config = _JoinConfig(enable, throw_on_early_termination, number == 0)
        self._process_group = joinables[0].join_process_group
        self._device = joinables[0].join_device
        if any(each.join_process_group != self._process_group for each in joinables):
            raise ValueError("Using join context manager with multiple process groups")
        self._rank = dist.get_rank(self._process_group)

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._enable or type:
            return
        iterations = 0
        while self._training() > 0:
            if self._throw_on_early_termination:
                dist.all_reduce(torch.ones(1, device=self._device), group=self._process_group)
                raise RuntimeError(f"Rank {self._rank} exhausted all inputs.")
            for hook in self._join_hooks:
                hook.main_hook()
            iterations += 1
            if iterations == _SKEW_TO_WARN_OF + 1:
                warnings.warn(
                    "Detected uneven input skew of greater than "
                    f"{_SKEW_TO_WARN_OF}. This means that rank "
                    f"{self._rank} has at least {_SKEW_TO_WARN_OF} "
                    f"fewer inputs than other currently-active ranks. "
                    "This level of skew could lead to performance "
                    "degradation during training.",
                    stacklevel=2,
                )
        for hook in self._join_hooks:
            hook.post_hook(iterations == 0)

    def _training(self) -> float:
        """Return how many processes begin another iteration."""
        count = torch.zeros(1, device=self._device)
        dist.all_reduce(count, group=self._process_group)
        return count.item()

    @staticmethod
    def notify_join_context(joinable: Joinable) -> Any:
        """Count this process as one that begins an iteration; for an object to call then.

        Args:
            joinable: the object; only the first one of a block does anything.
        Returns:
            The work of the all_reduce, or ``None``.
        Raises:
            RuntimeError: the inputs of a process have ended, and that shall be an error.
        """
        if not hasattr(joinable, "_join_config"):
            raise AssertionError(
                f"Check that the {type(joinable)} constructor calls the ``Joinable`` constructor"
            )
        config = joinable._join_config
        if not config.is_first_joinable or not config.enable:
            return None
        group, device = joinable.join_process_group, joinable.join_device
        work = dist.all_reduce(torch.ones(1, device=device), group=group, async_op=True)
        if config.throw_on_early_termination:
            ended = torch.zeros(1, device=device)
            dist.all_reduce(ended, group=group)
            if ended.item():
                raise RuntimeError(
                    "Detected at least one rank that exhausted inputs. Throwing across all ranks."
                )
        return work
