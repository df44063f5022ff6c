"""Neural networks: ``torch.nn``."""

from __future__ import annotations

from typing import Any

from . import functional as functional
from . import modules as modules
from . import utils as utils
from .modules import *  # noqa: F403


class _NotBuilt(AttributeError, NotImplementedError):
    """A part of ``torch.nn`` that jtorch does not have yet (``hasattr`` says so too)."""


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'torch.nn' has no attribute '{name}'")
    raise _NotBuilt(f"jtorch has no torch.nn.{name} yet")
