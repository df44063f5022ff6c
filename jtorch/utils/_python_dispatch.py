"""``__torch_dispatch__``: modes and subclasses that see operators as PyTorch's ``aten`` names them.

A mode is handed every operator that is recorded while it is active, each as an overload such as
``aten.add.Tensor``; calling that runs it. What PyTorch makes of others is handed on in parts
(``linear`` as ``t`` and ``addmm``) where ``jtorch/_runtime/as_operators.py`` says so, and whole
elsewhere. In a backward pass the operators of most nodes are seen
(``jtorch/_runtime/node_formulas/``), and in a step of SGD and Adam its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard, runtime_checkable

import jtorch as torch

from .._engine.recording.overrides import state as _state
from .._runtime import absent as _absent
from .._runtime import as_operators as _as_operators  # noqa: F401  says what calls are made of
from .._tensor import subclasses as _subclasses

__all__ = [
    "AliasInfo",
    "BaseTorchDispatchMode",
    "SchemaInfo",
    "TensorWithFlatten",
    "TorchDispatchMode",
    "TraceableWrapperSubclass",
    "any_torch_dispatch_mode_on_stack",
    "autograd_would_have_decomposed",
    "get_alias_info",
    "is_in_any_mode_without_ignore_compile_internals",
    "is_in_torch_dispatch_mode",
    "is_traceable_wrapper_subclass",
    "is_traceable_wrapper_subclass_type",
    "return_and_correct_aliasing",
    "transform_subclass",
]


class TorchDispatchMode:
    """A block in which every operator is handed to the mode.

    Subclasses have ``__torch_dispatch__(self, func, types, args=(), kwargs=None)``; inside it, the
    mode is not active.

    Args:
        _dispatch_key: accepted; there is one stack of modes.
    """

    supports_higher_order_operators = False

    def __init__(self, _dispatch_key: Any = None):
        if _dispatch_key is not None:
            self.__dict__["_dispatch_key"] = _dispatch_key

    def __torch_dispatch__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Any:
        _push_mode(self)
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        _pop_mode()

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Any:
        """Return a mode (an old name for making one)."""
        return cls(*args, **kwargs)

    @classmethod
    def is_infra_mode(cls) -> bool:
        """Tell whether PyTorch's own machinery pushed it: no mode is one here."""
        return False

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        """Tell whether the mode leaves out what a compiler does of itself."""
        return False


class BaseTorchDispatchMode(TorchDispatchMode):
    """The mode that does nothing but call the operator."""

    def __torch_dispatch__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the operator."""
        return func(*args, **(kwargs or {}))


def _push_mode(mode: TorchDispatchMode) -> None:
    """Make a mode the innermost one."""
    _subclasses.push_dispatch_mode(mode)


def _pop_mode(k: Any = None) -> TorchDispatchMode:
    """Take the innermost mode away, and return it."""
    return _subclasses.pop_dispatch_mode()


_push_on_torch_dispatch_stack = _push_mode
_pop_torch_dispatch_stack = _pop_mode


@contextlib.contextmanager
def _pop_mode_temporarily(k: Any = None) -> Iterator[TorchDispatchMode]:
    """A block without the innermost mode, which it yields."""
    mode = _pop_mode(k)
    try:
        yield mode
    finally:
        _push_mode(mode)


@contextlib.contextmanager
def _disable_current_modes() -> Iterator[list[TorchDispatchMode]]:
    """A block without any mode that sees operators; it yields those that were active."""
    modes = [_pop_mode() for _ in _state.dispatch_modes]
    try:
        yield modes[::-1]
    finally:
        for mode in reversed(modes):
            _push_mode(mode)


def _detect_infra_mode(key: Any) -> None:
    """Return ``None``: PyTorch's own machinery pushes no modes here."""


@contextlib.contextmanager
def _disable_infra_mode(key: Any) -> Iterator[None]:
    """A block that changes nothing: there are no modes of PyTorch's own machinery."""
    yield None


def _get_current_dispatch_mode() -> TorchDispatchMode | None:
    """Return the innermost active mode, or ``None``."""
    return _state.dispatch_modes[-1] if _state.dispatch_modes else None


def _get_current_dispatch_mode_stack() -> list[TorchDispatchMode]:
    """Return the active modes, the outermost first."""
    return list(_state.dispatch_modes)


def _len_torch_dispatch_stack() -> int:
    """Return how many modes are active."""
    return len(_state.dispatch_modes)


def _get_dispatch_stack_at(place: int) -> TorchDispatchMode:
    """Return an active mode by its place, 0 for the outermost."""
    return _state.dispatch_modes[place]


def is_in_torch_dispatch_mode(include_infra_modes: bool = True) -> bool:
    """Tell whether a mode sees operators."""
    return bool(_state.dispatch_modes)


def is_in_any_mode_without_ignore_compile_internals() -> bool:
    """Tell whether a mode sees operators that does not leave out what a compiler does."""
    return any(not mode.ignore_compile_internals() for mode in _state.dispatch_modes)


def any_torch_dispatch_mode_on_stack(*, include_infra_modes: bool = True) -> bool:
    """Tell whether a mode sees operators."""
    return bool(_state.dispatch_modes)


# Subclasses that hold other tensors


@runtime_checkable
class TraceableWrapperSubclass(Protocol):
    """A subclass of ``Tensor`` that says which tensors it holds and can be made of them."""

    def __tensor_flatten__(self) -> tuple[Sequence[str], Any]:
        """Return the names of the attributes that are tensors, and what else it is made of."""
        ...

    @staticmethod
    def __tensor_unflatten__(
        inner_tensors: dict[str, Any], flatten_spec: Any, outer_size: Any, outer_stride: Any
    ) -> Any:
        """Return one of these tensors."""
        ...


TensorWithFlatten = TraceableWrapperSubclass


def is_traceable_wrapper_subclass_type(t: type) -> bool:
    """Tell whether a class is a subclass of ``Tensor`` that says which tensors it holds."""
    return (
        issubclass(t, torch.Tensor)
        and t is not torch.Tensor
        and hasattr(t, "__tensor_flatten__")
        and hasattr(t, "__tensor_unflatten__")
    )


def is_traceable_wrapper_subclass(t: object) -> TypeGuard[Any]:
    """Tell whether an object is a tensor of a class that says which tensors it holds."""
    return isinstance(t, torch.Tensor) and is_traceable_wrapper_subclass_type(type(t))


def transform_subclass(
    t: Any,
    callback: Callable[[str, Any], Any],
    outer_size: Any = None,
    outer_stride: Any = None,
) -> Any:
    """Return a tensor of the same class with each tensor that it holds replaced.

    Args:
        t: a tensor of a class with ``__tensor_flatten__``.
        callback: from the name of an attribute and its tensor to the new one.
        outer_size, outer_stride: of the result, as ``t`` has them by default.
    """
    size = t.size() if outer_size is None else outer_size
    stride = t.stride() if outer_stride is None else outer_stride
    names, context = t.__tensor_flatten__()
    inner = {name: callback(name, getattr(t, name)) for name in names}
    made = type(t).__tensor_unflatten__(inner, context, size, stride)
    if made.shape != size or made.stride() != stride:
        raise AssertionError(
            f"the result has shape {tuple(made.shape)} and strides {made.stride()}, expected "
            f"{tuple(size)} and {tuple(stride)}"
        )
    return made


# Which results lie in the memory of an argument


@dataclass
class AliasInfo:
    """Which memory an argument or a result lies in, and whether it is written.

    Args:
        alias_set: the names of that memory.
        is_write: whether the operator writes to it.
        name: of the argument.
    """

    alias_set: set[str]
    is_write: bool
    name: str | None


@dataclass
class SchemaInfo:
    """Which memory the arguments and results of an operator lie in.

    Args:
        args, outs: one for each argument and result.
        is_inplace_view_op: whether it changes what an argument is a view of.
    """

    args: list[AliasInfo]
    outs: list[AliasInfo]
    is_inplace_view_op: bool = False


def _alias_info(argument: Any) -> AliasInfo:
    info = argument.alias_info
    names = set() if info is None else set(info.before_set)
    return AliasInfo(names, info is not None and info.is_write, argument.name or None)


def get_alias_info(func: Any) -> SchemaInfo:
    """Return which memory the arguments and results of an overload lie in."""
    schema = func._schema
    return SchemaInfo(
        [_alias_info(argument) for argument in schema.arguments],
        [_alias_info(result) for result in schema.results],
    )


def return_and_correct_aliasing(func: Any, args: tuple, kwargs: dict[str, Any], out: Any) -> Any:
    """Return what an operator on a subclass has to return: the arguments that it wrote to.

    A view that a subclass returns holds inner tensors that are views, whose memory is shared.

    Args:
        func: the overload.
        args, kwargs: its arguments.
        out: what it gave for them.
    """
    info = get_alias_info(func)
    if not any(result.is_write for result in info.outs):
        return out
    by_name = {each.name: value for each, value in zip(info.args, args)} | kwargs
    by_name = {"self" if name == "input" else name: value for name, value in by_name.items()}
    written = [
        next(by_name[each.name] for each in info.args if each.alias_set == result.alias_set)
        for result in info.outs
        if result.is_write
    ]
    return written[0] if len(info.outs) == 1 else type(out)(written)


def autograd_would_have_decomposed(func: Any, flat_args: Sequence[Any]) -> bool:
    """Tell whether autograd takes an operator apart before a mode sees it."""
    requires = any(isinstance(each, torch.Tensor) and each.requires_grad for each in flat_args)
    return func._can_decompose() and requires


__getattr__ = _absent.attributes(__name__)
