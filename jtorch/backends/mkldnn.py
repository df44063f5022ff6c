"""Settings of oneDNN: ``torch.backends.mkldnn``. They are kept; XLA chooses by itself."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from ._flags import Settings, flag, make_settings, precision
from .mkl import verbose as verbose

VERBOSE_OFF, VERBOSE_ON, VERBOSE_ON_CREATION = 0, 1, 2


class _Kind(Settings):
    fp32_precision = precision()


conv, matmul, rnn = _Kind(), _Kind(), _Kind()


def is_available() -> bool:
    """Return ``True``, as PyTorch's own builds for CPUs do; tensors in its layout are refused."""
    return True


def is_acl_available() -> bool:
    """Return ``False``."""
    return False


def set_flags(
    _enabled: bool | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple:
    """Change settings, all but those given as ``None``, and return what they were."""
    module: Any = sys.modules[__name__]
    names = ("enabled", "deterministic", "allow_tf32", "fp32_precision")
    before = tuple([getattr(module, name) for name in names])
    given = (_enabled, _deterministic, _allow_tf32, _fp32_precision)
    for name, new in zip(names, given, strict=True):
        if new is not None:
            setattr(module, name, new)
    return before


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    deterministic: bool = False,
    allow_tf32: bool | None = True,
    fp32_precision: str = "none",
) -> Iterator[None]:
    """Change settings for the length of a ``with`` block."""
    before = set_flags(enabled, deterministic, allow_tf32, fp32_precision)
    try:
        yield
    finally:
        set_flags(*before)


make_settings(
    __name__,
    enabled=flag(True, "set_enabled_mkldnn"),
    deterministic=flag(False, "set_deterministic_mkldnn"),
    allow_tf32=flag(None),
    fp32_precision=precision(),
)
