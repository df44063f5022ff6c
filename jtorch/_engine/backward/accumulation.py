"""Adding gradients to ``.grad``, by one thread at a time."""

from __future__ import annotations

import threading
from typing import Any

from ..graph import primitives
from ..graph.values import RESULT, SparseBase, Value
from ..recording.record import record, wrap
from ..recording.storage import Extra, current_value, extra_of
from ..recording.trace import flush, local


class Accumulation:
    """A lock around reading, adding to and replacing gradients.

    The gradient that one thread leaves is pending in its trace. Where another thread has to add to
    it, threads run from then on what they have recorded before they give the lock back: else each
    would compute again all that the others recorded.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._contended = False

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: Any) -> None:
        try:
            if self._contended:
                flush(local.trace, "gradients added up by several threads")
        finally:
            self._lock.release()

    def note(self, gradient: Value) -> None:
        """Note what is about to be added to."""
        if gradient.array is None and gradient.segment.trace is not local.trace:
            self._contended = True


accumulation = Accumulation()


def keep_differentiable(extra: Extra, gradient: Value) -> None:
    """Add a gradient that can be differentiated to a tensor's ``.grad``.

    As in PyTorch, the first one is a copy: what is shown as its node is that of the copy.
    """
    given = wrap(gradient)
    if extra.grad is not None:
        extra.grad = extra.grad + given
    elif gradient.meta.grad == RESULT:
        extra.grad = wrap(record(primitives.copy, (given,), {}))
    else:
        extra.grad = given


def accumulate(tensor: Any, gradient: Any, create_graph: bool) -> None:
    """Add a gradient, a value or a sparse tensor, to a tensor's ``.grad``."""
    if local.several:
        with accumulation:
            _add(tensor, gradient, create_graph)
    else:
        _add(tensor, gradient, create_graph)


def _add(tensor: Any, gradient: Any, create_graph: bool) -> None:
    extra = extra_of(tensor)
    if isinstance(gradient, SparseBase) or isinstance(extra.grad, SparseBase):
        _add_sparse(extra, gradient)
    elif create_graph:
        keep_differentiable(extra, gradient)
    elif extra.grad is None:
        extra.grad = wrap(gradient)
    else:
        if local.several:
            accumulation.note(current_value(extra.grad))
        extra.grad.add_(wrap(gradient))


def _add_sparse(extra: Extra, gradient: Any) -> None:
    """Add up where the gradient, or what is there, is sparse; dense and sparse give dense."""
    before = extra.grad
    given: Any = gradient if isinstance(gradient, SparseBase) else wrap(gradient)
    if before is None:
        extra.grad = given
    elif isinstance(before, SparseBase) and not isinstance(given, SparseBase):
        extra.grad = given + before
    else:
        extra.grad = before.add_(given)
