"""Settings of the order in which ``einsum`` multiplies: ``torch.backends.opt_einsum``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from ._flags import change, changed, flag, make_settings


def is_available() -> bool:
    """Return ``True``: JAX brings the package."""
    return True


def get_opt_einsum() -> Any:
    """Return the package."""
    import opt_einsum

    return opt_einsum


def set_flags(_enabled: bool | None = None, _strategy: str | None = None) -> tuple:
    """Change settings, all but those given as ``None``, and return what they were."""
    return change(__name__, enabled=_enabled, strategy=_strategy)


def flags(enabled: bool | None = None, strategy: str | None = None) -> AbstractContextManager[None]:
    """Change settings for the length of a ``with`` block."""
    return changed(__name__, enabled=enabled, strategy=strategy)


make_settings(__name__, enabled=flag(True), strategy=flag("auto"))
