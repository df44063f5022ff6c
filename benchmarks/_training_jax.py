"""The training steps of ``_training_workloads.py``, written by hand for JAX."""

from __future__ import annotations

from collections.abc import Callable

JAX_WORKLOADS: dict[str, Callable[[], Callable[[int], None]]] = {}
