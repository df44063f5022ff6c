"""Settings of the order in which ``einsum`` multiplies: ``torch.backends.opt_einsum``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from ._flags import flag, make_settings


def is_available() -> bool:
    """Return ``True``: JAX brings the package."""
    return True


def get_opt_einsum() -> Any:
    """Return the package."""
    import opt_einsum

    return opt_einsum


def set_flags(_enabled: bool | None = None, _strategy: str | None = None) -> tuple[bool, str]:
    """Change settings, all but those given as ``None``, and return what they were."""
    module: Any = sys.modules[__name__]
    before = module.enabled, module.strategy
    if _enabled is not None:
        module.enabled = _enabled
    if _strategy is not None:
        module.strategy = _strategy
    return before


@contextlib.contextmanager
def flags(enabled: bool | None = None, strategy: str | None = None) -> Iterator[None]:
    """Change settings for the length of a ``with`` block."""
    before = set_flags(enabled, strategy)
    try:
        yield
    finally:
        set_flags(*before)


make_settings(__name__, enabled=flag(True), strategy=flag("auto"))
