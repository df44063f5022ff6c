"""Which ways to compute attention a program allows: ``torch.nn.attention.sdpa_kernel``."""

from __future__ import annotations

import enum

from . import settings


class SDPBackend(enum.IntEnum):
    """A way to compute attention. The CPU knows two of them: ``MATH`` and ``FLASH_ATTENTION``."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __repr__(self) -> str:
        return f"<SDPBackend.{self.name}: {self.value}>"

    def __str__(self) -> str:
        return f"SDPBackend.{self.name}"


SDPBackend.__module__, SDPBackend.__qualname__ = "torch.nn.attention", "_SDPBackend"

_USABLE = (
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
    SDPBackend.OVERRIDEABLE,
)


class _State:
    """What is allowed, and in which order it is tried."""

    def __init__(self) -> None:
        self.enabled = set(_USABLE)
        self.order = [
            SDPBackend.FLASH_ATTENTION,
            SDPBackend.EFFICIENT_ATTENTION,
            SDPBackend.MATH,
            SDPBackend.CUDNN_ATTENTION,
            SDPBackend.OVERRIDEABLE,
        ]


_state = _State()


def enabled(backend: SDPBackend) -> bool:
    """Return whether a way to compute attention is allowed."""
    return backend in _state.enabled


def enabled_backends(by_priority: bool = False) -> list[SDPBackend]:
    """Return what is allowed, in the order of trial if asked for."""
    found = [backend for backend in _USABLE if backend in _state.enabled]
    return sorted(found, key=_state.order.index) if by_priority else found


def set_enabled(backends: list[SDPBackend], priority: bool = False) -> None:
    """Allow these ways and no others."""
    settings.changed()
    _state.enabled = set(backends)
    if priority:
        _state.order = [*backends, *[b for b in _state.order if b not in backends]]


def allow(backend: SDPBackend, allowed: bool) -> None:
    """Allow one way, or forbid it."""
    settings.changed()
    (_state.enabled.add if allowed else _state.enabled.discard)(backend)
