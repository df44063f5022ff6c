"""The methods of ``Tensor`` that concern gradients."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from .._core import messages
from .._engine.backward import nodes
from .._engine.backward._messages import backward_in_transform
from .._engine.backward.levels import levels
from .._engine.backward.usual import backward as usual_backward
from .._engine.declare import publish
from .._engine.graph.values import NO_GRAD, RESULT
from .._engine.recording.hooks import RemovableHandle, add_hook
from .._engine.recording.storage import current_value, extra_of
from . import _observers as observers


def backward(
    self: Any,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Any] | Any | None = None,
) -> None:
    """Compute the gradients of this tensor and add them to the ``.grad`` of the leaves.

    Args:
        gradient: gradient with respect to this tensor; needed unless it has one element.
        retain_graph: whether the graph can be differentiated again; ``create_graph`` unless given.
        create_graph: whether the gradients can be differentiated.
        inputs: the leaves to compute gradients of; all of them unless given.

    Raises:
        RuntimeError: nothing requires grad, the graph was freed, or a value was overwritten.
    """
    if levels.stack:
        raise backward_in_transform()
    value = current_value(self)
    retain = create_graph if retain_graph is None else retain_graph
    if (
        gradient is None
        and inputs is None
        and value.meta.grad == RESULT
        and value.meta.numel == 1
        and not value.meta.dtype.is_complex
        and (leaves := usual_backward(value, retain, create_graph)) is not None
    ):
        if observers.accumulated:
            observers.notify(leaves)
        return
    from . import backward as general_backward

    general_backward(
        self, gradient, retain_graph=retain_graph, create_graph=create_graph, inputs=inputs
    )


def register_hook(self: Any, hook: Callable) -> RemovableHandle:
    """Call ``hook(gradient)`` when this tensor's gradient is computed.

    Args:
        hook: takes the gradient; returns ``None``, or a tensor to use instead.
    Returns:
        A handle whose ``remove()`` removes the hook.

    Raises:
        RuntimeError: the tensor does not require grad.
    """
    value = current_value(self)
    if value.meta.grad == NO_GRAD:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if value.meta.grad == RESULT:
        segment = value.segment
        if segment.hooks is None:
            segment.hooks = {}
        return add_hook(segment.hooks.setdefault(value.slot, OrderedDict()), hook)
    extra = extra_of(self)
    if extra.hooks is None:
        extra.hooks = OrderedDict()
    return add_hook(extra.hooks, hook)


def register_post_accumulate_grad_hook(self: Any, hook: Callable) -> RemovableHandle:
    """Call ``hook(tensor)`` after this leaf's gradient was accumulated.

    Raises:
        RuntimeError: the tensor does not require grad, or is no leaf.
    """
    value = current_value(self)
    if value.meta.grad == NO_GRAD:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if value.meta.grad == RESULT:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    extra = extra_of(self)
    if extra.post_hooks is None:
        extra.post_hooks = OrderedDict()
    return add_hook(extra.post_hooks, hook)


def retain_grad(self: Any) -> None:
    """Keep this result's gradient in ``.grad`` when it is computed.

    Raises:
        RuntimeError: the tensor does not require grad.
    """
    value = current_value(self)
    if value.meta.grad == NO_GRAD:
        raise messages.cannot_retain_grad()
    if value.meta.grad != RESULT:
        return
    segment = value.segment
    if segment.retained is None:
        segment.retained = {}
    if segment.hooks is None:
        segment.hooks = {}
    segment.retained[value.slot] = weakref.ref(self)
    extra_of(self).retains_grad = True


def retains_grad(self: Any) -> bool:
    """Whether this result keeps its gradient."""
    return self._extra is not None and self._extra.retains_grad


def grad_fn(self: Any) -> Any:
    """The node that this tensor is a result of, ``None`` for a leaf."""
    return nodes.grad_fn(self)


def output_nr(self: Any) -> int:
    """Which output of its ``grad_fn`` this tensor is."""
    value = current_value(self)
    if value.meta.grad != RESULT:
        return 0
    return nodes.node_at(value.segment, value.slot)[1]


def register_gradient_methods() -> None:
    """Put them among the methods of ``Tensor``."""
    publish("backward", method=backward)
    publish("register_hook", method=register_hook)
    publish(
        "register_post_accumulate_grad_hook",
        method=register_post_accumulate_grad_hook,
    )
    publish("retain_grad", method=retain_grad, refused=("(Tensor input)",))
    publish("retains_grad", method=property(retains_grad))
    publish("grad_fn", method=property(grad_fn))
    publish("output_nr", method=property(output_nr))
