"""The backward graph: nodes, and hooks on what it saves."""

from __future__ import annotations

import abc
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from .._core.modes import intern_mode
from .._engine.backward import overwritten
from .._engine.backward.nodes import AccumulateGrad, accumulator, grad_fn
from .._engine.backward.nodes import Node as EngineNode
from .._engine.graph.values import is_tensor
from .._engine.recording.hooks import RemovableHandle
from .._engine.recording.record import wrap
from .._engine.recording.saved_hooks import pack_noted
from .._engine.recording.saved_hooks import stack as saved_tensor_hooks
from .._engine.recording.trace import local
from .._runtime import absent as _absent
from ..ops.shape.inplace import write_nothing
from .grad_mode import no_grad

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class Node(abc.ABC):
    """A node of the backward graph; the ``grad_fn`` of a result is one."""

    @abc.abstractmethod
    def name(self) -> str:
        """Return the name of the operator's backward."""

    @property
    @abc.abstractmethod
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that the gradient flows on to, each with the number of its output."""

    @abc.abstractmethod
    def metadata(self) -> dict:
        """A dict for whatever a user wants to note."""

    @property
    @abc.abstractmethod
    def _input_metadata(self) -> list[Any]: ...

    @abc.abstractmethod
    def _sequence_nr(self) -> int: ...

    @abc.abstractmethod
    def register_hook(self, fn: Callable) -> RemovableHandle:
        """Call ``fn(gradients of the inputs, gradients of the outputs)`` in each backward."""

    @abc.abstractmethod
    def register_prehook(self, fn: Callable) -> RemovableHandle:
        """Call ``fn(gradients of the outputs)`` before each backward; it may replace them."""

    @abc.abstractmethod
    def _register_hook_dict(self, hooks: dict) -> None: ...


Node.register(EngineNode)


class GradientEdge(NamedTuple):
    """An edge of the graph.

    Attributes:
        node: the node that the gradient flows to.
        output_nr: which of its outputs it is the gradient of.
        ownership_token: keeps alive what the node belongs to, where something has to.
    """

    node: Node
    output_nr: int
    ownership_token: Any = None


def tensor_of(edge: Any) -> Any:
    """Return a tensor whose gradient flows along an edge; anything else as it is."""
    if not isinstance(edge, GradientEdge):
        return edge
    node: Any = edge.node
    return (
        node.variable if isinstance(node, AccumulateGrad) else wrap(node.value_at(edge.output_nr))
    )


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """Return the edge that a tensor's gradient flows along.

    Raises:
        RuntimeError: the tensor does not require grad.
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    node: Any = grad_fn(tensor)
    if node is None:
        node = accumulator(tensor)
    return GradientEdge(node, tensor.output_nr)


def increment_version(tensor: Any) -> None:
    """Count a write to a tensor, or to each of several, though nothing is written.

    Raises:
        RuntimeError: it is neither a tensor nor an iterable of tensors.
    """
    try:
        tensors = [tensor] if is_tensor(tensor) else list(tensor)
    except TypeError:
        tensors = [None]
    if not all(is_tensor(each) for each in tensors):
        raise RuntimeError("increment_version expect a Iterable[Tensor] as input")
    with no_grad():
        for each in tensors:
            if not each.is_inference():
                write_nothing(each)


class _AllowMutationOnSavedContext:
    """What ``allow_mutation_on_saved_tensors`` gives: PyTorch notes its copies there.

    Here values are immutable, so that a gradient has what was saved without a copy.
    """

    def __init__(self) -> None:
        self.cloned: dict[Any, Any] = {}
        self.original: dict[Any, Any] = {}

    def clear(self) -> None:
        """Forget the copies."""
        self.cloned.clear()
        self.original.clear()


class allow_mutation_on_saved_tensors:
    """Let tensors that were saved be overwritten: gradients inside are those of what was saved."""

    def __enter__(self) -> _AllowMutationOnSavedContext:
        if overwritten.mutation.allowed:
            raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
        overwritten.mutation.allowed = True
        self._context = _AllowMutationOnSavedContext()
        return self._context

    def __exit__(self, *exception: Any) -> None:
        overwritten.mutation.allowed = False
        self._context.clear()


class _Passes(threading.local):
    """The backward passes that a thread is in, each with what hooks of several tensors noted."""

    def __init__(self) -> None:
        self.stack: list[dict[object, list | None]] = []


_passes = _Passes()


def begin_pass() -> None:
    """Note that a backward pass begins."""
    _passes.stack.append({})


def end_pass(succeeded: bool) -> None:
    """Call the hooks that waited for several gradients, unless the pass failed."""
    noted = _passes.stack.pop()
    if succeeded:
        for hook, gradients in noted.items():
            if gradients is not None:
                hook.function(gradients)  # type: ignore[attr-defined]


class _Several:
    """A hook of several tensors; what it was given so far is kept with the pass."""

    def __init__(self, function: Callable, count: int):
        self.function = function
        self.count = count

    def all(self, index: int) -> Callable[[Any], None]:
        def hook(gradient: Any) -> None:
            given = _current_pass().setdefault(self, [None] * self.count)
            assert given is not None
            given[index] = gradient

        return hook

    def any(self, gradient: Any) -> None:
        noted = _current_pass()
        if self not in noted:
            noted[self] = None
            self.function(gradient)


def _current_pass() -> dict[object, list | None]:
    if not _passes.stack:
        raise AssertionError("expected this hook to be called inside a backward call")
    return _passes.stack[-1]


class _MultiHandle(RemovableHandle):
    """Removes a hook from several tensors."""

    def __init__(self, handles: tuple[RemovableHandle, ...]):
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __getstate__(self) -> tuple:
        return self.handles

    def __setstate__(self, state: tuple) -> None:
        self.handles = state


def register_multi_grad_hook(
    tensors: Sequence[Any], fn: Callable, *, mode: Literal["all", "any"] = "all"
) -> RemovableHandle:
    """Call a function with the gradients of several tensors.

    Args:
        tensors: tensors that require grad.
        fn: with ``"all"``, takes a list of the gradients, ``None`` for a tensor that got none, and
            is called when the pass has computed them, if there are any; with ``"any"``, takes the
            first of the gradients.
        mode: ``"all"`` or ``"any"``.
    Returns:
        A handle whose ``remove()`` removes the hook.

    Raises:
        ValueError: it is another mode.
    """
    modes = ("all", "any")
    if mode not in modes:
        raise ValueError(f"Expects mode to be one of {modes} but got {mode}")
    several = _Several(fn, len(tensors))
    if mode == "any":
        hooked = [tensor for tensor in tensors if tensor.requires_grad]
        return _MultiHandle(tuple([tensor.register_hook(several.any) for tensor in hooked]))
    if not all(tensor.requires_grad for tensor in tensors):
        raise AssertionError("Expected gradient function to be set")
    return _MultiHandle(
        tuple([each.register_hook(several.all(index)) for index, each in enumerate(tensors)])
    )


class saved_tensors_hooks:
    """Call ``pack_hook`` on each tensor that an operator saves, ``unpack_hook`` when it is needed.

    Packing happens when the ``with`` block ends; operators inside it are recorded slowly. A tensor
    that one operator saves twice is unpacked once.

    Args:
        pack_hook: takes a tensor, returns anything.
        unpack_hook: takes that, returns a tensor.
    """

    __module__ = "torch.autograd.graph"

    def __init__(self, pack_hook: Callable, unpack_hook: Callable):
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if _refusals:
            raise RuntimeError(_refusals[-1])
        saved_tensor_hooks.append((self.pack_hook, self.unpack_hook))
        _set_mode(True)

    def __exit__(self, *exception: Any) -> None:
        try:
            pack_noted()
        finally:
            saved_tensor_hooks.pop()
            _set_mode(bool(saved_tensor_hooks))


_refusals: list[str] = []


def _set_mode(active: bool) -> None:
    trace = local.trace
    trace.set_mode(intern_mode(trace.mode._replace(saved_tensors_hooks=active)))


class save_on_cpu(saved_tensors_hooks):
    """Keep what is saved on the CPU."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        super().__init__(
            lambda tensor: (tensor.device, tensor.cpu()), lambda packed: packed[1].to(packed[0])
        )


class disable_saved_tensors_hooks:
    """Refuse hooks on saved tensors inside the ``with`` block."""

    def __init__(self, error_message: str):
        self.error_message = error_message

    def __enter__(self) -> None:
        if saved_tensor_hooks:
            raise RuntimeError(self.error_message)
        _refusals.append(self.error_message)

    def __exit__(self, *exception: Any) -> None:
        _refusals.pop()


__getattr__ = _absent.attributes(__name__)
