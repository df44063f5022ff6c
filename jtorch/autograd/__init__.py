"""Automatic differentiation: ``torch.autograd``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .._core import messages
from .._engine.backward.accumulation import accumulate
from .._engine.backward.stages import as_tensor as as_tensor
from .._engine.backward.usual import differentiate
from .._engine.graph.values import LEAF, NO_GRAD, SparseBase, Value, is_tensor
from .._engine.recording import overrides
from .._engine.recording.dispatch_modes import BOTTOM, refuse_unseen
from .._engine.recording.overrides import DISPATCHING
from .._engine.recording.storage import current_value
from .._runtime import absent as _absent
from ..ops.creation.creation import zeros_like
from . import _batched, _observers, functional, graph
from . import _deprecated_methods as _deprecated_methods
from . import forward_ad as forward_ad
from ._tensor_methods import register_gradient_methods, retain_grad
from .anomaly_mode import detect_anomaly, set_detect_anomaly
from .function import Function
from .grad_mode import (
    enable_grad,
    enforce_grad_layout_policy,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
    set_grad_mode,
)
from .grad_mode import (
    is_inference_mode_enabled as is_inference_mode_enabled,
)
from .gradcheck import gradcheck, gradgradcheck
from .variable import Variable

if TYPE_CHECKING:
    from .._tensor.tensor import Tensor

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "enforce_grad_layout_policy",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def _as_tuple(value: Any) -> tuple:
    """Return one or several as a tuple, with tensors in the place of edges of the graph."""
    if isinstance(value, (tuple, list)) and not isinstance(value, graph.GradientEdge):
        return tuple([graph.tensor_of(each) for each in value])
    return (graph.tensor_of(value),)


def _cotangents(outputs: Sequence[Any], given: Sequence[Any]) -> list[Value | None]:
    """Check the gradients given for some outputs."""
    checked: list[Value | None] = []
    for index, (output, gradient) in enumerate(zip(outputs, given, strict=True)):
        meta = current_value(output).meta
        if gradient is None:
            if meta.grad != NO_GRAD:
                if meta.numel != 1:
                    raise messages.not_scalar_backward()
                if not meta.dtype.is_floating_point and not meta.dtype.is_complex:
                    raise messages.not_real_backward(meta.dtype)
                if meta.dtype.is_complex:
                    raise messages.not_real_backward(meta.dtype)
            checked.append(None)
            continue
        if not is_tensor(gradient):
            raise TypeError(
                "gradients can be either Tensors or None, but got " + type(gradient).__name__
            )
        value = current_value(gradient)
        if value.meta.shape != meta.shape:
            raise messages.cotangent_shape(index, value.meta.size, meta.size)
        if value.meta.dtype.is_complex != meta.dtype.is_complex:
            raise messages.cotangent_complex(index, value.meta.dtype, meta.dtype)
        if value.meta.dtype is not meta.dtype:
            value = current_value(gradient.to(meta.dtype))
        checked.append(value)
    return checked


def _no_sparse_route(run: Callable, *args: Any) -> list[Any]:
    raise AssertionError("set_sparse_route names it")


_sparse_route: Callable[..., list[Any]] = _no_sparse_route


def set_sparse_route(function: Callable[..., list[Any]]) -> None:
    """Tell how a pass is run some of whose ends are sparse tensors."""
    global _sparse_route
    _sparse_route = function


def _no_wrapper_route(run: Callable, *args: Any) -> list[Any]:
    return run(*args)


_wrapper_route: Callable[..., list[Any]] = _no_wrapper_route


def set_wrapper_route(function: Callable[..., list[Any]]) -> None:
    """Tell how a pass is run some of whose ends hold the tensors that gradients flow along."""
    global _wrapper_route
    _wrapper_route = function


def _run(
    outputs: tuple,
    gradients: tuple,
    inputs: tuple | None,
    retain_graph: bool | None,
    create_graph: bool,
    accumulates: bool,
) -> list[Any]:
    refuse_unseen("a backward pass")
    ends = (*outputs, *gradients, *(inputs or ()))
    if any(isinstance(end, SparseBase) for end in ends):
        return _sparse_route(
            _run, outputs, gradients, inputs, retain_graph, create_graph, accumulates
        )
    if DISPATCHING and any(type(end) in DISPATCHING for end in ends):
        return _wrapper_route(
            _run_plain, outputs, gradients, inputs, retain_graph, create_graph, accumulates
        )
    return _run_plain(outputs, gradients, inputs, retain_graph, create_graph, accumulates)


def _run_plain(
    outputs: tuple,
    gradients: tuple,
    inputs: tuple | None,
    retain_graph: bool | None,
    create_graph: bool,
    accumulates: bool,
) -> list[Any]:
    roots = [current_value(output) for output in outputs]
    cotangents = _cotangents(outputs, gradients)
    for index, root in enumerate(roots):
        if root.meta.grad == NO_GRAD or (root.meta.grad == LEAF and root.owner() is None):
            raise messages.no_grad_fn(index)
    for index, tensor in enumerate(inputs or ()):
        if current_value(tensor).meta.grad == NO_GRAD:
            if accumulates:
                raise messages.cannot_retain_grad()
            raise messages.input_without_grad(index)
        if accumulates:
            retain_grad(tensor)
    before = is_grad_enabled()
    set_grad_mode(create_graph)
    graph.begin_pass()
    succeeded = False
    leaves: list[Any] = []

    def deliver(leaf: Any, gradient: Any, create_graph: bool) -> None:
        accumulate(leaf, gradient, create_graph)
        leaves.append(leaf)

    try:
        gradients_of_inputs = differentiate(
            roots,
            cotangents,
            inputs=inputs,
            retain_graph=create_graph if retain_graph is None else retain_graph,
            create_graph=create_graph,
            accumulate=accumulates,
            deliver=deliver,
        )
        succeeded = True
    finally:
        try:
            graph.end_pass(succeeded)
        finally:
            set_grad_mode(before)
    if accumulates and _observers.accumulated:
        _observers.notify(leaves)
    return gradients_of_inputs


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Compute the gradients of some tensors and add them to the ``.grad`` of the leaves.

    Args:
        tensors: one tensor or several.
        grad_tensors: the gradient with respect to each; ``None`` for one of one element.
        retain_graph: whether the graph can be differentiated again; ``create_graph`` unless given.
        create_graph: whether the gradients can be differentiated.
        inputs: the tensors to compute gradients of; all leaves unless given.

    Raises:
        RuntimeError: nothing requires grad, the graph was freed, or a value was overwritten.
    """
    outputs = _as_tuple(tensors)
    if overrides.state.modes and overrides.state.modes[-1] is not BOTTOM:
        options = {"retain_graph": retain_graph, "create_graph": create_graph, "inputs": inputs}
        options["grad_tensors"] = grad_variables if grad_tensors is None else grad_tensors
        overrides.dispatch(backward, [], (outputs,), options, in_python=True)
        return
    if grad_tensors is None:
        grad_tensors = grad_variables
    gradients = (None,) * len(outputs) if grad_tensors is None else _as_tuple(grad_tensors)
    wanted = None
    if inputs is not None:
        wanted = _as_tuple(inputs)
        if not wanted:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    _run(outputs, gradients, wanted, retain_graph, create_graph, True)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """Return the gradients of the sum of ``outputs`` with respect to ``inputs``.

    Args:
        outputs: one tensor or several.
        inputs: the tensors to differentiate by.
        grad_outputs: the gradient with respect to each output; ``None`` for one of one element.
        retain_graph: whether the graph can be differentiated again; ``create_graph`` unless given.
        create_graph: whether the gradients can be differentiated.
        allow_unused: whether an input that nothing depends on gets ``None``.
        is_grads_batched: whether ``grad_outputs`` have one more dimension in front: there is a
            gradient for each row, and so have the results.
        materialize_grads: whether such an input gets zeros instead.
    Returns:
        A tuple with one gradient for each input.

    Raises:
        RuntimeError: an input is unused or does not require grad, or the graph was freed.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, "
            "but got: allow_unused=False."
        )
    outputs, wanted = _as_tuple(outputs), _as_tuple(inputs)
    if overrides.state.modes and overrides.state.modes[-1] is not BOTTOM:
        options = {
            **{"grad_outputs": grad_outputs, "retain_graph": retain_graph},
            **{"create_graph": create_graph, "only_inputs": only_inputs},
            **{"allow_unused": allow_unused, "is_grads_batched": is_grads_batched},
            "materialize_grads": materialize_grads,
        }
        return overrides.dispatch(grad, [], (outputs, wanted), options, in_python=True)
    if is_grads_batched:

        def gradients_of(row: tuple, again: bool) -> tuple:
            return grad(
                outputs, wanted, row, again, create_graph, True, allow_unused, False,
                materialize_grads,
            )  # fmt: skip

        keep = create_graph if retain_graph is None else retain_graph
        rows = (None,) * len(outputs) if grad_outputs is None else _as_tuple(grad_outputs)
        return _batched.stacked(gradients_of, outputs, rows, keep)
    if not wanted:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    gradients = (None,) * len(outputs) if grad_outputs is None else _as_tuple(grad_outputs)
    gradients_of_inputs = _run(outputs, gradients, wanted, retain_graph, create_graph, False)
    results = []
    for index, (tensor, value) in enumerate(zip(wanted, gradients_of_inputs, strict=True)):
        if value is not None:
            results.append(value if is_tensor(value) else as_tensor(value))
        elif materialize_grads:
            results.append(zeros_like(tensor))
        elif allow_unused:
            results.append(None)
        else:
            raise messages.unused_input(index)
    return tuple(results)


register_gradient_methods()

__getattr__ = _absent.attributes(__name__)
