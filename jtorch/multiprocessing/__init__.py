"""Processes that exchange tensors: ``torch.multiprocessing``.

Python's ``multiprocessing`` with every name of it; tensors put into its queues and pipes arrive as
tensors. ``spawn`` starts several processes of one function and reports the first that fails.
"""

from __future__ import annotations

import multiprocessing as _python
from multiprocessing import *  # noqa: F403
from typing import Any

from .._runtime import absent as _absent
from . import _transfer as _transfer
from .spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)

__all__ = [
    *_python.__all__,
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]

_strategy = "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Accept one of PyTorch's strategies; tensors travel in the same way under each."""
    global _strategy
    if new_strategy not in get_all_sharing_strategies():
        raise AssertionError(
            f"invalid sharing strategy {new_strategy!r}, "
            f"expected one of {get_all_sharing_strategies()}"
        )
    _strategy = new_strategy


def get_sharing_strategy() -> str:
    """Return the strategy that was set last."""
    return _strategy


def get_all_sharing_strategies() -> set[str]:
    """Return the names that ``set_sharing_strategy`` takes."""
    return {"file_descriptor", "file_system"}


_name_without_meaning = _absent.attributes(__name__)


def __getattr__(name: str) -> Any:
    return getattr(_python, name) if hasattr(_python, name) else _name_without_meaning(name)
