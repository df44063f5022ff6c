"""The wrapper that ``torch.compile`` puts around a module, and the older form of that function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._runtime import absent as _absent
from .._runtime.compile import OptimizedModule as OptimizedModule
from .._runtime.compile import compile as _compile


def optimize(backend: Any = "inductor", **options: Any) -> Callable:
    """Return a decorator that does what ``torch.compile`` does."""
    return lambda model: _compile(model, backend=backend)


__getattr__ = _absent.attributes(__name__)
