"""Which way attention is computed: ``torch.nn.attention``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..._core import attention_backends
from ..._core.attention_backends import SDPBackend
from ..._runtime import absent as _absent
from . import bias as bias
from . import flex_attention as flex_attention

__all__ = [
    "WARN_FOR_UNFUSED_KERNELS",
    "SDPBackend",
    "sdpa_kernel",
]

#: Without effect: the CPU has no kernels to warn for.
WARN_FOR_UNFUSED_KERNELS = False


def _cur_sdpa_kernel_backends(with_priority: bool = False) -> list[SDPBackend]:
    return attention_backends.enabled_backends(with_priority)


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[dict]:
    """Allow only some ways to compute ``scaled_dot_product_attention`` inside a ``with``.

    Args:
        backends: an ``SDPBackend`` or a list of them. The CPU knows ``MATH`` and
            ``FLASH_ATTENTION``.
        set_priority: whether they are tried in the order of the list.
    Raises:
        AssertionError: ``backends`` is something else.
    """
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            f"{type(backends).__name__}"
        )
    wanted = [backends] if isinstance(backends, SDPBackend) else list(dict.fromkeys(backends))
    before = _cur_sdpa_kernel_backends(set_priority)
    attention_backends.set_enabled(wanted, set_priority)
    try:
        yield {}
    finally:
        attention_backends.set_enabled(before, set_priority)


@contextlib.contextmanager
def _sdpa_kernel_variadic(*backends: SDPBackend) -> Iterator[None]:
    with sdpa_kernel(list(backends)):
        yield


__getattr__ = _absent.attributes(__name__)
