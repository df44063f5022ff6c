"""The backward graph: nodes, and hooks on what it saves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._core.modes import intern_mode
from .._engine.hooks import RemovableHandle
from .._engine.nodes import AccumulateGrad, Node, accumulator, grad_fn
from .._engine.saved_hooks import pack_noted
from .._engine.saved_hooks import stack as saved_tensor_hooks
from .._engine.trace import local

__all__ = [
    "AccumulateGrad",
    "GradientEdge",
    "Node",
    "RemovableHandle",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class GradientEdge:
    """An edge of the graph: a node and which of its outputs."""

    def __init__(self, node: Node, output_nr: int):
        self.node = node
        self.output_nr = output_nr


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
    node = grad_fn(tensor)
    return GradientEdge(accumulator(tensor) if node is None else node, tensor.output_nr)


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
        pack_noted()
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
