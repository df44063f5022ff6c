"""The transforms of functions (``torch.func``) around what runs, and how tensors print in them."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Callable
from typing import Any

from ..recording.record import wrap
from ..recording.storage import current_value


class Levels(threading.local):
    """The transforms that a thread is in, outermost first.

    Each is the trace of one that captures, or ``None`` for one that differentiates.
    """

    def __init__(self) -> None:
        self.stack: list[Any] = []


levels = Levels()


def shown(tensor: Any, plain: Callable[[Any], str], depth: int, tracked: bool = False) -> str:
    """Return what PyTorch prints for a tensor inside transforms: what it wraps, level by level.

    Args:
        tensor: the tensor.
        plain: prints one that no transform wraps.
        depth: the number of transforms around.
        tracked: whether it is differentiated by a transform within these.
    """
    if not depth:
        return plain(tensor.detach() if tracked else tensor)
    level = levels.stack[depth - 1]
    if level is None:
        tracked = tracked or tensor.requires_grad
        text = shown(tensor, plain, depth - 1, tracked)
        return _wrapped("GradTrackingTensor", depth, "", text) if tracked else text
    value = current_value(tensor)
    found, axis = level.evaluate(value)
    with level.outside():
        text = shown(wrap(found), plain, depth - 1, tracked)
    if axis is not None:
        return _wrapped("BatchedTensor", depth, f"bdim={axis}, ", text)
    if level.transform != "vmap" and level.follows(value):
        return _wrapped("GradTrackingTensor", depth, "", text)
    return text


def _wrapped(name: str, level: int, more: str, text: str) -> str:
    return f"{name}(lvl={level}, {more}value=\n{textwrap.indent(text, '    ')}\n)"
