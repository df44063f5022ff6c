"""``grad_fn``: the recorded graph as PyTorch shows it."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..._core.cpp_names import node_name
from ..execution import failures
from ..graph.values import LEAF, NO_GRAD, RESULT, Value, ready
from ..memory.views import check_view
from ..recording.hooks import RemovableHandle, add_hook
from ..recording.planning import keep_history
from ..recording.storage import current_value, extra_of
from . import saved_attributes
from .graph import FunctionSegment, NodeHooks, end_of
from .hook_calls import tensor_operands

_NO_ELEMENTS = "a gradient edge has no elements"


class Node:
    """A node of the backward graph. Its class has the name that PyTorch gives it."""

    __slots__ = ("_segment", "_slot", "_metadata", "__weakref__", "__dict__")

    _segment: Any
    _slot: int

    def name(self) -> str:
        """Return the name of the operator's backward."""
        return node_name(type(self).__name__)

    def value_at(self, output: int) -> Value:
        """Return the value of one of the results that this is the node of."""
        segment, slot = self._segment, self._slot + output
        if isinstance(segment, FunctionSegment):
            meta = segment.metas[output]
        else:
            if segment.trace is not None:
                return segment.trace.values[slot]
            meta = end_of(segment).meta_of(slot)
        value = ready(failures.Lost(RuntimeError(_NO_ELEMENTS)), meta.with_grad(RESULT))
        value.segment, value.slot = segment, slot
        return value

    @property
    def metadata(self) -> dict:
        """A dict for whatever a user wants to note."""
        return self.__dict__.setdefault("_user_metadata", {})

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes that the gradient flows on to, each with the number of its output."""
        segment = self._segment
        if isinstance(segment, FunctionSegment):
            return tuple([_node_of_edge(edge) for edge in segment.edges])
        instruction = end_of(segment).by_slot()[self._slot]
        tensors = tensor_operands(instruction)
        return tuple(
            [
                _node_of_reference(segment, reference)
                if position in instruction.gradient_operands
                else (None, 0)
                for position, reference in enumerate(instruction.operands)
                if isinstance(reference, int) or position in tensors
            ]
        )

    def register_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(gradients of the inputs, gradients of the outputs)`` in each backward.

        The hook may return gradients of the inputs to use instead.
        """
        return add_hook(self._hooks().after, hook)

    def register_prehook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(gradients of the outputs)`` before each backward; it may replace them."""
        return add_hook(self._hooks().before, hook)

    def _hooks(self) -> NodeHooks:
        segment = self._segment
        if segment.node_hooks is None:
            segment.node_hooks = {}
        if segment.hooks is None:
            segment.hooks = {}  # says "not the usual path"
        return segment.node_hooks.setdefault(self._slot, NodeHooks())

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_saved_", "_raw_saved_")):
            return saved_attributes.read(self, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *saved_attributes.names_of(self)]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"


class AccumulateGrad(Node):
    """Where the gradient of a leaf arrives.

    Attributes:
        variable: the leaf.
    """

    __slots__ = ("variable",)

    def __init__(self, variable: Any):
        self.variable = variable

    @property
    def next_functions(self) -> tuple:
        return ()

    def register_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook((), (gradient,))`` after the gradient was accumulated."""
        extra = extra_of(self.variable)
        if extra.post_hooks is None:
            extra.post_hooks = OrderedDict()
        return add_hook(extra.post_hooks, lambda leaf: hook((), (leaf.grad,)))

    def register_prehook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook((gradient,))`` before it is accumulated; it may replace it."""
        extra = extra_of(self.variable)
        if extra.hooks is None:
            extra.hooks = OrderedDict()

        def before(gradient: Any) -> Any:
            changed = hook((gradient,))
            return changed[0] if isinstance(changed, tuple) else changed

        return add_hook(extra.hooks, before)


_CLASSES: dict[str, type[Node]] = {}


def node_class(name: str) -> type[Node]:
    """Return the class of nodes of this name."""
    cls = _CLASSES.get(name)
    if cls is None:
        cls = _CLASSES[name] = type(name, (Node,), {"__slots__": ()})
    return cls


def accumulator(tensor: Any) -> AccumulateGrad:
    """Return the node of a leaf, the same one as long as it is held."""
    extra = extra_of(tensor)
    node = None if extra.node is None else extra.node()
    if node is None:
        node = AccumulateGrad(tensor)
        extra.node = weakref.ref(node)
    return node


def grad_fn(tensor: Any) -> Node | None:
    """Return the node that a tensor is a result of, ``None`` for a leaf."""
    value = current_value(tensor)
    check_view(tensor)
    if value.meta.grad != RESULT:
        return None
    alias = tensor._alias
    if alias is not None and alias.rebased and alias.steps:
        return _rebased_view_node(alias, value)
    return node_at(value.segment, value.slot)[0]


class _RebasedView(Node):
    """The node of a view after a write to its base: PyTorch makes the view again by strides."""

    __slots__ = ("_base_value",)

    _base_value: Value

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        return (_node_of_value(self._base_value),)


_AS_STRIDED: Any = type("AsStridedBackward0", (_RebasedView,), {"__slots__": ()})


def _rebased_view_node(alias: Any, value: Value) -> Node:
    segment = value.segment
    if segment.nodes is None:
        segment.nodes = weakref.WeakValueDictionary()
    node = segment.nodes.get(("view", value.slot))
    if node is None:
        node = object.__new__(_AS_STRIDED)
        node._segment, node._slot = segment, value.slot
        node._base_value = alias.storage.value
        segment.nodes["view", value.slot] = node
    return node


def node_at(segment: Any, slot: int) -> tuple[Node | None, int]:
    """Return the node of a segment's result, and which of its outputs it is."""
    if isinstance(segment, FunctionSegment):
        return segment.node_object, slot
    end = end_of(segment)
    instruction = end.by_slot()[slot]
    if instruction.vjp is keep_history:
        # A write that autograd did not see: the tensor kept the history it had.
        return _node_of_reference(segment, instruction.operands[0])
    if segment.nodes is None:
        segment.nodes = weakref.WeakValueDictionary()
    node = segment.nodes.get(instruction.slot)
    if node is None:
        node = object.__new__(node_class(instruction.node_name))
        node._segment = segment
        node._slot = instruction.slot
        segment.nodes[instruction.slot] = node
    return node, slot - instruction.slot


def _node_of_reference(segment: Any, reference: int) -> tuple[Node | None, int]:
    if reference < 0:
        if segment.trace is None:
            return _node_of_edge(segment.edges.get(reference))
        return _node_of_value(segment.trace.inputs[-reference - 1])
    if segment.trace is not None:
        return _node_of_value(segment.trace.values[reference])
    meta = end_of(segment).meta_of(reference)
    if meta.grad == LEAF:
        return _node_of_edge(segment.edges.get(reference))
    return (None, 0) if meta.grad == NO_GRAD else node_at(segment, reference)


def _node_of_value(value: Value) -> tuple[Node | None, int]:
    if value.meta.grad == NO_GRAD:
        return None, 0
    if value.meta.grad == LEAF:
        return _node_of_edge(value.owner)
    return node_at(value.segment, value.slot)


def _node_of_edge(edge: Any) -> tuple[Node | None, int]:
    if edge is None:
        return None, 0
    if isinstance(edge, tuple):
        return node_at(*edge)
    if isinstance(edge, Value):
        return node_at(edge.segment, edge.slot)
    leaf = edge()
    return (None, 0) if leaf is None else (accumulator(leaf), 0)
