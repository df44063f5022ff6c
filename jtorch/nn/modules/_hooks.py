"""What all modules share: hooks on every module, and what hooks are kept in."""

from __future__ import annotations

import functools
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..._engine.recording.hooks import RemovableHandle, add_hook
from ...serialization._by_name import reduce_by_name

buffer_registration: OrderedDict[int, Callable] = OrderedDict()
module_registration: OrderedDict[int, Callable] = OrderedDict()
parameter_registration: OrderedDict[int, Callable] = OrderedDict()
backward_pre: OrderedDict[int, Callable] = OrderedDict()
backward: OrderedDict[int, Callable] = OrderedDict()
forward_pre: OrderedDict[int, Callable] = OrderedDict()
forward: OrderedDict[int, Callable] = OrderedDict()
forward_always_called: OrderedDict[int, bool] = OrderedDict()
forward_with_kwargs: OrderedDict[int, bool] = OrderedDict()

#: Which sort the hooks in ``backward`` are: full ones, the old ones, or undecided.
is_full_backward: list[bool | None] = [None]


def registered(hooks: dict, module: Any, name: str, value: Any) -> Any:
    """Return what is registered after every hook on registrations has had its say."""
    for hook in hooks.values():
        output = hook(module, name, value)
        if output is not None:
            value = output
    return value


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` when any module registers a buffer.

    What it returns, unless ``None``, is registered instead.
    """
    return add_hook(buffer_registration, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, submodule)`` when any module registers another.

    What it returns, unless ``None``, is registered instead.
    """
    return add_hook(module_registration, hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, parameter)`` when any module registers a parameter.

    What it returns, unless ``None``, is registered instead.
    """
    return add_hook(parameter_registration, hook)


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before the ``forward`` of any module; it may replace ``args``."""
    return add_hook(forward_pre, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, result)`` after the ``forward`` of any module.

    Args:
        hook: may return another result.
        with_kwargs: call ``hook(module, args, kwargs, result)``.
        always_call: call it also where ``forward`` raises.
    """
    handle = RemovableHandle(forward, extra_dict=forward_always_called)
    forward[handle.id] = hook
    if with_kwargs:
        forward_with_kwargs[handle.id] = True
    if always_call:
        forward_always_called[handle.id] = True
    return handle


def _decide_backward(full: bool) -> None:
    if is_full_backward[0] is (not full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module "
            "hook. Please use only one of them."
        )
    is_full_backward[0] = full


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` of the last node of any module (deprecated).

    Raises:
        RuntimeError: full backward hooks are registered for all modules.
    """
    _decide_backward(False)
    return add_hook(backward, hook)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the backward of any module."""
    return add_hook(backward_pre, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` after the backward of any module.

    Raises:
        RuntimeError: old backward hooks are registered for all modules.
    """
    _decide_backward(True)
    return add_hook(backward, hook)


class WrappedHook:
    """A hook, with the module it is called with where it wants one, that can be pickled."""

    def __init__(self, hook: Callable, module: Any = None):
        self.hook = hook
        functools.update_wrapper(self, hook)
        self.with_module = module is not None
        if module is not None:
            self.module = weakref.ref(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    __reduce_ex__ = reduce_by_name

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.hook = state["hook"]
        self.with_module = state["with_module"]
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


WrappedHook.__module__ = "torch.nn.modules.module"
WrappedHook.__name__ = WrappedHook.__qualname__ = "_WrappedHook"
