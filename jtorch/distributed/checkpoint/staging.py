"""Copies of state dicts that are saved while training goes on."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jtorch as torch

from . import _boxes
from .metadata import STATE_DICT_TYPE

__all__ = ["AsyncStager", "BlockingAsyncStager", "DefaultStager", "StagingOptions"]


@runtime_checkable
class AsyncStager(Protocol):
    """Makes the copy that ``async_save`` writes."""

    _synchronize_after_execute: bool = True

    @property
    def should_synchronize_after_execute(self) -> bool:
        """Whether ``synchronize_staging`` is called when writing has begun."""
        return self._synchronize_after_execute

    def stage(self, state_dict: STATE_DICT_TYPE) -> Future | STATE_DICT_TYPE:
        """Return a copy of a state dict that later changes do not reach, or a future of it."""
        raise NotImplementedError(f"{type(self).__name__} must implement stage method")

    def synchronize_staging(self) -> None:
        """Wait until the copy is made."""

    def close(self) -> None:
        """Give up what belongs to the stager."""


def _copy(value: Any, into: Any = None) -> Any:
    """Return a copy of tensors, dicts and lists, on the CPU; tensors into those given."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        if _boxes.is_distributed(value):
            local = value.to_local()
            return type(value).from_local(
                _copy(local, None if into is None else into.to_local()),
                device_mesh=value.device_mesh,
                placements=value.placements,
                run_check=False,
                shape=value.size(),
                stride=value.stride(),
            )
        if isinstance(into, torch.Tensor) and into.size() == value.size():
            return into.copy_(value)
        return value.to("cpu", copy=True)
    if isinstance(value, dict):
        old_items = into if isinstance(into, dict) else {}
        return {key: _copy(item, old_items.get(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        known = (
            into if type(into) is type(value) and len(into) == len(value) else [None] * len(value)
        )
        items = [_copy(item, old) for item, old in zip(value, known)]
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*items)
        return type(value)(items)
    return value


class BlockingAsyncStager(AsyncStager):
    """Copies at once.

    Args:
        cache_staged_state_dict: whether to copy into the tensors of the last time.
        type_check: has no effect.
    """

    _synchronize_after_execute: bool = False

    def __init__(self, cache_staged_state_dict: bool = False, type_check: bool = False):
        self.cache_staged_state_dict = cache_staged_state_dict
        self.type_check = type_check
        self.state_dict_cache: STATE_DICT_TYPE | None = None

    def stage(self, state_dict: STATE_DICT_TYPE) -> STATE_DICT_TYPE:
        """Return a copy of a state dict on the CPU."""
        if not self.cache_staged_state_dict:
            return _copy(state_dict)
        self.state_dict_cache = _copy(state_dict, self.state_dict_cache)
        return self.state_dict_cache

    def synchronize_staging(self) -> None:
        """Do nothing: the copy is made."""

    def close(self) -> None:
        """Do nothing."""


@dataclass
class StagingOptions:
    """How ``DefaultStager`` copies.

    Attributes:
        use_pinned_memory, use_shared_memory, use_non_blocking_copy: have no effect.
        use_async_staging: whether another thread copies.
    """

    use_pinned_memory: bool = True
    use_shared_memory: bool = True
    use_async_staging: bool = True
    use_non_blocking_copy: bool = True


class DefaultStager(AsyncStager):
    """Copies at once, or in another thread.

    Args:
        config: how.
    """

    _synchronize_after_execute: bool = False

    def __init__(self, config: StagingOptions | None = None):
        self._config = config or StagingOptions()
        self._executor = (
            ThreadPoolExecutor(max_workers=1) if self._config.use_async_staging else None
        )
        self._staging: Future | None = None

    def stage(self, state_dict: STATE_DICT_TYPE, **kwargs: Any) -> Future | STATE_DICT_TYPE:
        """Return a copy of a state dict on the CPU, or a future of it."""
        if self._executor is None:
            return _copy(state_dict)
        self._staging = self._executor.submit(_copy, state_dict)
        return self._staging

    def synchronize_staging(self) -> None:
        """Wait until the copy is made."""
        if self._staging is not None:
            self._staging.result()

    def close(self) -> None:
        """End the thread."""
        if self._executor is not None:
            self._executor.shutdown(wait=True)
