"""How exactly GPUs multiply float32, and whether they may add up in any order.

What scripts say by ``set_float32_matmul_precision``, ``allow_tf32`` and ``cudnn.deterministic``. A
GPU of NVIDIA's Ampere generation or later multiplies float32 in TF32, of which a factor has ten
bits behind the point, where it may. The CPU computes in full precision whatever is said here.
"""

from __future__ import annotations

from typing import NamedTuple


class Precision(NamedTuple):
    """What was said.

    Attributes:
        products: of matrices: ``highest``, or ``high`` or ``medium`` where TF32 is allowed.
        convolutions: whether TF32 is allowed in them, as it is in PyTorch unless one forbids it.
        deterministic: whether programs leave out what adds up in an order of its own.
    """

    products: str = "highest"
    convolutions: bool = True
    deterministic: bool = False


_current = [Precision()]


def current() -> Precision:
    """Return what programs are compiled under."""
    return _current[0]


def set_current(precision: Precision) -> None:
    """Set what programs are compiled under from now on."""
    _current[0] = precision
