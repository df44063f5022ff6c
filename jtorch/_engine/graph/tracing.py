"""What a pure function is being traced for.

Some formulations are there for XLA's compiler only, and make more calls of NumPy than the plain
ones; some have to know a size, which has but a name where the interpreter traces for every size.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class _Purpose(threading.local):
    numpy = False
    jax = False


_purpose = _Purpose()


def for_numpy() -> bool:
    """Return whether what is traced will be run by NumPy, so that the plain formulation is best."""
    return _purpose.numpy


def in_any_order() -> bool:
    """Return whether sums need not be added in PyTorch's order, to the bit."""
    return _purpose.numpy or _purpose.jax


@contextlib.contextmanager
def tracing_for_jax() -> Iterator[None]:
    """Trace a function that a program of JAX calls, beside functions of others."""
    before, _purpose.jax = _purpose.jax, True
    try:
        yield
    finally:
        _purpose.jax = before


@contextlib.contextmanager
def tracing_for_numpy() -> Iterator[None]:
    """Trace for the interpreter."""
    before, _purpose.numpy = _purpose.numpy, True
    try:
        yield
    finally:
        _purpose.numpy = before
