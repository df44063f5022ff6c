"""PyTorch's process and thread state that decides what an operator means.

A ``Mode`` is part of what a trace records: two recordings of the same operators under other modes
are two programs. Modes are interned and immutable; a thread holds one at a time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from . import dtypes
from .precision import Precision


class Mode(NamedTuple):
    """State under which operators are recorded.

    Attributes:
        grad: whether results of differentiable operators require grad.
        inference: inside ``inference_mode``.
        saved_tensors_hooks: whether hooks are called with the tensors that operators save, which
            keeps every operator on the slow path.
        default_dtype: dtype of floating point results that have no other.
        precision: how exactly GPUs multiply float32.
    """

    grad: bool = True
    inference: bool = False
    default_dtype: dtypes.dtype = dtypes.float32
    autocast: Any = None
    saved_tensors_hooks: bool = False
    precision: Precision = Precision()


_MODES: dict[Mode, Mode] = {}


def intern_mode(mode: Mode) -> Mode:
    """Return the one object of this content."""
    return _MODES.setdefault(mode, mode)


DEFAULT = intern_mode(Mode())
