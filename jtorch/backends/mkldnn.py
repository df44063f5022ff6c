"""Settings of oneDNN: ``torch.backends.mkldnn``. They are kept; XLA chooses by itself."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ._flags import change, changed, flag, group, make_settings, precision
from .mkl import verbose as verbose

VERBOSE_OFF, VERBOSE_ON, VERBOSE_ON_CREATION = 0, 1, 2


conv, matmul, rnn = [group(fp32_precision=precision()) for _ in range(3)]


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
    return change(
        __name__,
        enabled=_enabled,
        deterministic=_deterministic,
        allow_tf32=_allow_tf32,
        fp32_precision=_fp32_precision,
    )


def flags(
    enabled: bool = False,
    deterministic: bool = False,
    allow_tf32: bool | None = True,
    fp32_precision: str = "none",
) -> AbstractContextManager[None]:
    """Change settings for the length of a ``with`` block."""
    return changed(
        __name__,
        enabled=enabled,
        deterministic=deterministic,
        allow_tf32=allow_tf32,
        fp32_precision=fp32_precision,
    )


make_settings(
    __name__,
    enabled=flag(True, "set_enabled_mkldnn"),
    deterministic=flag(False, "set_deterministic_mkldnn"),
    allow_tf32=flag(None),
    fp32_precision=precision(),
)
