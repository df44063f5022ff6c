"""``torch.autograd.Function``: operators with a gradient written in Python."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from .._core import messages
from .._core.dtypes import is_inexact
from .._engine.backward import _messages as transform_messages
from .._engine.backward.graph import FunctionSegment
from .._engine.backward.levels import levels
from .._engine.backward.nodes import Node, accumulator, node_at
from .._engine.graph.values import LEAF, NO_GRAD, RESULT, SparseBase, is_tensor, ready
from .._engine.memory.views import share_argument
from .._engine.recording import overrides
from .._engine.recording.record import wrap
from .._engine.recording.storage import count_write, current_value, mark_stale, version_of
from .._engine.recording.trace import flush, local, materialise
from .._runtime import absent as _absent
from .grad_mode import is_grad_enabled, set_grad_mode


class FunctionCtx:
    """What ``forward`` leaves for ``backward``.

    Attributes:
        needs_input_grad: for each argument whether its gradient is wanted.
    """

    __module__ = "torch.autograd.function"

    def _begin(self, args: tuple) -> None:
        self._to_save: tuple = ()
        self._dirty: tuple = ()
        self._non_differentiable: tuple = ()
        self._materialize_grads = True
        self._saved: list[Any] | None = []
        self.needs_input_grad = tuple(
            [is_tensor(arg) and current_value(arg).meta.grad != NO_GRAD for arg in args]
        )

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or results for ``backward``, as ``saved_tensors``."""
        self._to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for ``jvp``."""
        self._to_save_forward = tensors

    def mark_dirty(self, *args: Any) -> None:
        """Tell which inputs ``forward`` modified in place."""
        self._dirty = args

    def mark_non_differentiable(self, *args: Any) -> None:
        """Tell which results have no gradient."""
        self._non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Tell whether ``backward`` gets zeros, or ``None``, for an unused result."""
        self._materialize_grads = value

    @property
    def saved_tensors(self) -> tuple:
        """The tensors given to ``save_for_backward``.

        Raises:
            RuntimeError: they were freed, or one was modified in place since.
        """
        if self._saved is None:
            raise messages.backward_twice()
        return tuple([saved() for saved in self._saved])

    saved_variables = saved_tensors


class _Saved:
    """One saved tensor."""

    def __init__(self, tensor: Any, unpack_pair: tuple[Callable, Callable] | None):
        self.unpack = None
        if current_value(tensor).meta.inference:
            raise messages.inference_saved()
        if unpack_pair is not None:
            pack, self.unpack = unpack_pair
            tensor = pack(tensor)
        self.tensor = tensor
        self.version = version_of(tensor) if self.unpack is None else 0

    def __call__(self) -> Any:
        if self.unpack is not None:
            return self.unpack(self.tensor)
        now = version_of(self.tensor)
        if now != self.version:
            meta = current_value(self.tensor).meta
            raise messages.modified_inplace(
                f"torch.{meta.dtype._legacy_name}Tensor", meta.shape, "", now, self.version
            )
        return self.tensor


class _SavedResult:
    """A saved result of the function itself: kept without keeping the function alive in a ring."""

    def __init__(self, tensor: Any, segment: FunctionSegment, slot: int):
        value = current_value(tensor)
        self.array = value.array
        self.meta = value.meta
        self.segment = weakref.ref(segment)
        self.slot = slot

    def __call__(self) -> Any:
        segment = self.segment()
        value = ready(self.array, self.meta)
        value.segment, value.slot = segment, self.slot
        if segment is not None and self.slot in segment.stale:
            raise messages.modified_inplace(
                f"torch.{self.meta.dtype._legacy_name}Tensor",
                self.meta.shape,
                f", which is output {self.slot} of {segment.node_name},",
                1,
                0,
            )
        return wrap(value)


class _FunctionNode(Node, FunctionCtx):
    """The ``ctx`` of one call, and its ``grad_fn``."""

    __module__ = "torch.autograd.function"

    _segment_reference: Any
    _edges: Any

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self).__name__} object at {id(self):#x}>"

    @property
    def _segment(self) -> Any:  # type: ignore[override]
        return self._segment_reference()

    @property
    def next_functions(self) -> tuple:
        edges: list[tuple[Node | None, int]] = []
        for edge in self._edges:
            if edge is None:
                edges.append((None, 0))
            elif isinstance(edge, tuple):
                edges.append(node_at(*edge))
            else:
                leaf = edge()
                edges.append((None, 0) if leaf is None else (accumulator(leaf), 0))
        return tuple(edges)


class _FunctionMeta(type):
    """Makes the class of a function's nodes, named ``<Name>Backward``."""

    def __init__(cls, name: str, bases: tuple, namespace: dict):
        super().__init__(name, bases, namespace)
        cls._backward_cls = type(name + "Backward", (_FunctionNode,), {"_forward_cls": cls})


class Function(metaclass=_FunctionMeta):
    """Base of operators with a gradient of their own.

    A subclass has static methods ``forward(ctx, *args)`` and ``backward(ctx, *gradients)``, or
    ``forward(*args)`` and ``setup_context(ctx, inputs, output)``. It is called by ``apply``.
    """

    __module__ = "torch.autograd.function"

    def __init__(self, *args: Any, **kwargs: Any):
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all "
            "static, so you should invoke them on the class itself. Instantiating an autograd "
            "function will raise an error in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use "
            "new-style autograd function with static forward method. (Example: "
            "https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the results; to be overridden."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> Any:
        """Fill ``ctx`` where ``forward`` does not take it."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Compute the gradients of the arguments; to be overridden."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """Compute the tangents of the results."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with "
            "forward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Call ``forward`` and note the call for differentiation."""
        modes = overrides.state.modes
        if modes and getattr(modes[-1], "sees_functions_of_autograd", False):
            return overrides.dispatch(cls.apply, [], args, kwargs)
        if levels.stack and cls.setup_context is Function.setup_context:
            raise transform_messages.function_in_transform()
        ctx: Any = object.__new__(cls._backward_cls)
        ctx._begin(args)
        differentiable = is_grad_enabled() and any(ctx.needs_input_grad)
        before = is_grad_enabled()
        set_grad_mode(False)
        try:
            if cls.setup_context is not Function.setup_context:
                results = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, results)
            else:
                results = cls.forward(ctx, *args, **kwargs)
        finally:
            set_grad_mode(before)
        several = isinstance(results, tuple)
        outputs = list(results) if several else [results]
        if any(not is_tensor(output) for output in outputs) and not several:
            _refuse_result(cls, outputs[0])
        for tensor in ctx._dirty:
            if differentiable and current_value(tensor).meta.grad == LEAF:
                raise messages.leaf_marked_dirty()
            count_write(tensor)
        if differentiable:
            trace: Any = local.trace
            pure = trace.captures and trace.keyed() is not None
            outputs = (_attach_pure if pure else _attach)(cls, ctx, args, outputs)
        return tuple(outputs) if several else outputs[0]


def _refuse_result(cls: type, result: Any) -> None:
    raise TypeError(
        f"{cls.__name__}.forward: expected Tensor or tuple of Tensor (got "
        f"{type(result).__name__}) for return value 0"
    )


def _attach(cls: Any, ctx: Any, args: tuple, outputs: list[Any]) -> list[Any]:
    """Make the results differentiable: give them a segment of their own."""
    # The function is later than everything recorded so far and earlier than what follows. Tensors
    # are read first: where `.data` was written to, that records that they keep their history.
    for tensor in (*args, *outputs):
        if is_tensor(tensor):
            current_value(tensor)
    flush(local.trace, "autograd.Function")
    edges: list[Any] = []
    arguments: list[Any] = []
    for arg in args:
        edge = meta = None
        if is_tensor(arg):
            value = current_value(arg)
            meta = value.meta
            if value.meta.grad == LEAF:
                edge = value.owner
            elif value.meta.grad == RESULT:
                edge = (value.segment, value.slot)
        edges.append(edge)
        arguments.append(meta)
    node_name = ctx.__class__.__name__
    tensors = [(i, o) for i, o in enumerate(outputs) if is_tensor(o)]
    silent = {id(tensor) for tensor in ctx._non_differentiable}
    dirty = {id(tensor) for tensor in ctx._dirty}
    inputs = {id(arg) for arg in args}
    metas = []
    for _, output in tensors:
        meta = current_value(output).meta.with_grad(NO_GRAD)
        has_grad = id(output) not in silent and (is_inexact(meta.dtype))
        metas.append(meta.with_grad(RESULT) if has_grad else meta)
    run = _runner(cls, ctx, len(args))
    segment = FunctionSegment(tuple(metas), edges, arguments, run, node_name)
    segment.materialise_grads = ctx._materialize_grads
    segment.node_object = ctx
    ctx._segment_reference, ctx._slot = weakref.ref(segment), 0
    ctx._edges = edges
    replaced: dict[int, Any] = {}
    for slot, ((index, output), meta) in enumerate(zip(tensors, metas, strict=True)):
        if meta.grad == NO_GRAD:
            continue
        old = current_value(output)
        value = ready(materialise(old, "autograd.Function"), meta)
        value.segment, value.slot = segment, slot
        if id(output) in inputs and id(output) not in dirty:
            result = wrap(value)
            share_argument(result, output, node_name, slot)
            outputs[index] = result
        else:
            if id(output) in dirty:
                mark_stale(old)
            output._value = value
            if output._alias is not None:
                output._alias.storage.value = (
                    value if not output._alias.steps else (output._alias.storage.value)
                )
                output._alias.seen = output._alias.storage.version
            result = output
        replaced[id(output)] = (result, slot)
    ctx._saved = _save(ctx, segment, replaced)
    return outputs


def _attach_pure(cls: Any, ctx: Any, args: tuple, outputs: list[Any]) -> list[Any]:
    """Make the results differentiable inside of a pure function of JAX (``jtorch.interop``)."""
    from .._engine.backward.pure_functions import attach  # which most programs do not need

    if ctx._dirty:
        raise NotImplementedError(
            f"{cls.__name__}: a function of jtorch.interop has no part for an autograd.Function "
            "that writes to its arguments (mark_dirty)"
        )
    silent = {id(tensor) for tensor in ctx._non_differentiable}
    places = [
        at
        for at, output in enumerate(outputs)
        if is_tensor(output)
        and id(output) not in silent
        and is_inexact(current_value(output).meta.dtype)
    ]
    own = {id(outputs[at]): number for number, at in enumerate(places)}
    every = [at for at, output in enumerate(outputs) if is_tensor(output)]
    run = _runner(cls, ctx, len(args))
    implementation = cls.vjp if cls.backward is Function.backward else cls.backward
    once = getattr(implementation, "differentiable_once", False)

    def backward(gradients: list[Any], results: list[Any]) -> list[Any]:
        def saved(tensor: Any) -> Callable:
            number = own.get(id(tensor))
            return lambda: tensor if number is None else results[number]

        ctx._saved = [saved(tensor) for tensor in ctx._to_save]
        given = dict(zip(places, gradients, strict=True))
        return run([given.get(at, _no_gradient(outputs[at])) for at in every], not once)

    found = attach(args, [outputs[at] for at in places], backward, once)
    for at, result in zip(places, found, strict=True):
        outputs[at] = result
    return outputs


def _no_gradient(output: Any) -> Any:
    """Return what ``backward`` is given for a result that has no gradient."""
    from ..ops.creation.creation import zeros_like

    return zeros_like(output)


def _save(ctx: Any, segment: FunctionSegment, replaced: dict[int, Any]) -> list[Any]:
    from .graph import saved_tensor_hooks

    pair = saved_tensor_hooks[-1] if saved_tensor_hooks else None
    saved: list[Any] = []
    for tensor in ctx._to_save:
        if tensor is None:
            saved.append(lambda: None)
        elif id(tensor) in replaced and pair is None:
            result, slot = replaced[id(tensor)]
            saved.append(_SavedResult(result, segment, slot))
        else:
            saved.append(_Saved(tensor, pair))
    return saved


def _runner(cls: Any, ctx: Any, count: int) -> Callable:
    """Return what the backward pass calls: gradients of the results to those of the arguments."""

    def run(gradients: list[Any], create_graph: bool) -> list[Any]:
        implementation = cls.backward
        if implementation is Function.backward:
            implementation = cls.vjp
        before = is_grad_enabled()
        set_grad_mode(create_graph)
        try:
            results = implementation(ctx, *gradients)
        finally:
            set_grad_mode(before)
        results = list(results) if isinstance(results, tuple) else [results]
        if len(results) > count and all(extra is None for extra in results[count:]):
            results = results[:count]
        if len(results) != count:
            raise messages.wrong_gradient_count(ctx.__class__.__name__, count, len(results))
        return [
            _checked(cls, ctx, index, result, needed)
            for index, (result, needed) in enumerate(
                zip(results, ctx.needs_input_grad, strict=True)
            )
        ]

    return run


def _checked(cls: Any, ctx: Any, index: int, result: Any, needed: bool) -> Any:
    if result is None:
        return None
    if not needed:
        return None
    if not is_tensor(result) and not isinstance(result, SparseBase):
        raise RuntimeError(f"expected Variable or None (got {type(result).__name__})")
    return result


def once_differentiable(function: Callable) -> Callable:
    """Mark a ``backward`` whose result cannot be differentiated again."""

    @functools.wraps(function)
    def wrapper(ctx: Any, *gradients: Any) -> Any:
        before = is_grad_enabled()
        set_grad_mode(False)
        try:
            results = function(ctx, *gradients)
        finally:
            set_grad_mode(before)
        needs = any(is_tensor(gradient) and gradient.requires_grad for gradient in gradients)
        if not (before and needs):
            return results
        several = isinstance(results, tuple)
        outputs = results if several else (results,)
        refused = tuple([_refuse_twice(output) for output in outputs])
        return refused if several else refused[0]

    wrapper.differentiable_once = True  # type: ignore[attr-defined]
    return wrapper


class _Refuse(Function):
    """Passes a gradient on; its own gradient is an error."""

    @staticmethod
    def forward(ctx: Any, marker: Any, tensor: Any) -> Any:
        return tensor.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def _refuse_twice(tensor: Any) -> Any:
    if tensor is None:
        return None
    marker = tensor.detach().requires_grad_()
    return _Refuse.apply(marker, tensor)


__all__ = ["Function", "FunctionCtx", "once_differentiable"]

__getattr__ = _absent.attributes(__name__)
