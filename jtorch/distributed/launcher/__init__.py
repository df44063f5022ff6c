"""Starting a program in several processes, from Python: ``torch.distributed.launcher``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from .api import LaunchConfig, elastic_launch, launch_agent

__all__ = ["LaunchConfig", "elastic_launch", "launch_agent"]

__getattr__ = _absent.attributes(__name__)
