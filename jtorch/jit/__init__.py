"""TorchScript's names: ``torch.jit``. Functions and modules run as the Python that they are.

PyTorch deprecates TorchScript; libraries decorate with it what works without. So ``script`` and
``trace`` give back what they get: each step is compiled already, and computes the same. What needs
a script itself (its graph, its file) is refused.
"""

from __future__ import annotations

import builtins
import contextlib
import types
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from .._runtime import absent as _absent
from .._runtime.unsupported import refusals
from ..futures import Future
from ..nn.modules.module import Module

__all__ = [
    "Attribute",
    "CompilationUnit",
    "Error",
    "Final",
    "Future",
    "ScriptFunction",
    "ScriptModule",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "optimize_for_inference",
    "optimized_execution",
    "save",
    "script",
    "script_if_tracing",
    "script_method",
    "strict_fusion",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

_REASON = "jtorch has no TorchScript; save a state_dict"
globals().update(refusals("torch.jit", ["load", "save", "export_opnames"], _REASON))


class Error(Exception):
    """What TorchScript raises."""


class TracerWarning(Warning):
    """A warning of PyTorch's tracer, which jtorch does not give: nothing is fixed by tracing."""


class Attribute(NamedTuple):
    """An attribute of a script with its type."""

    value: Any
    type: Any


class ScriptFunction:
    """Stands for scripted functions, which remain Python's, in annotations."""


class CompilationUnit:
    """A collection of scripts, which jtorch does not have."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"torch.jit.CompilationUnit: {_REASON}")


class ScriptModule(Module):
    """A module whose methods are scripted: an ordinary one."""


class RecursiveScriptModule(ScriptModule):
    """Stands for the results of ``script``, which are ordinary modules, in ``isinstance``."""


class TopLevelTracedModule(ScriptModule):
    """Stands for the results of ``trace``, which are ordinary modules, in ``isinstance``."""


TracedModule = TopLevelTracedModule


def _deprecated(name: str, instead: str = "switch to `torch.compile` or `torch.export`") -> None:
    text = f"`torch.jit.{name}` is deprecated. Please {instead}."
    warnings.warn(text, DeprecationWarning, stacklevel=2)  # not the caller's: hidden as PyTorch's


def script(
    obj: Any,
    optimize: None = None,
    _frames_up: int = 0,
    _rcb: Any = None,
    example_inputs: Any = None,
) -> Any:
    """Return a function, class or module as it is.

    Raises:
        TypeError: ``obj`` is a number, a string or ``None``.
    """
    _deprecated("script")
    if builtins.isinstance(obj, (str, bytes, int, float, complex, type(None))):
        raise TypeError(f"{type(obj)} is a built-in class")
    return obj


def script_method(fn: Callable) -> Callable:
    """Return a method as it is."""
    _deprecated("script_method")
    return fn


def script_if_tracing(fn: Callable) -> Callable:
    """Return a function as it is."""
    return fn


_script_if_tracing = script_if_tracing  # what torchvision calls it by


def trace(
    func: Callable,
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    _force_outplace: bool = False,
    _module_class: Any = None,
    _compilation_unit: Any = None,
    example_kwarg_inputs: Mapping[str, Any] | None = None,
    _store_inputs: bool = True,
) -> Any:
    """Return a function or module as it is, having called it with the examples.

    Unlike what PyTorch returns, it takes each branch by its present arguments.

    Args:
        func: the function or module.
        example_inputs: its arguments, a tensor or a tuple.
        example_kwarg_inputs: or its arguments by name.
        optimize, check_trace, check_inputs, check_tolerance, strict: of no account.
    Raises:
        RuntimeError: there are no examples, or of both kinds.
    """
    _deprecated("trace")
    if example_kwarg_inputs is not None:
        if example_inputs is not None:
            raise RuntimeError(
                "example_kwarg_inputs should be a dict or example_inputs should be a tuple, "
                "but not both"
            )
        func(**example_kwarg_inputs)
    elif example_inputs is None:
        raise RuntimeError("example_kwarg_inputs should be a dict")
    elif builtins.isinstance(example_inputs, Sequence):
        func(*example_inputs)
    else:
        func(example_inputs)
    return func


def trace_module(mod: Any, inputs: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
    """Return a module as it is, having called its methods with the examples.

    Args:
        mod: the module.
        inputs: for each name of a method its arguments, a tensor or a tuple.
        args, kwargs: of no account.
    """
    _deprecated("trace_module")
    for name, given in inputs.items():
        method = mod if name == "forward" else getattr(mod, name)
        method(*given) if builtins.isinstance(given, Sequence) else method(given)
    return mod


def freeze(
    mod: Any, preserved_attrs: list[str] | None = None, optimize_numerics: bool = True
) -> Any:
    """Return a module as it is.

    Raises:
        RuntimeError: the module is training.
    """
    _deprecated("freeze")
    if getattr(mod, "training", False) and not preserved_attrs:
        raise RuntimeError(
            "Freezing is currently only implemented for modules in eval mode. "
            "Please call .eval() on your module before freezing."
        )
    return mod


def optimize_for_inference(mod: Any, other_methods: list[str] | None = None) -> Any:
    """Return a module as it is."""
    _deprecated("optimize_for_inference")
    return mod


def fork(func: Callable, *args: Any, **kwargs: Any) -> Future:
    """Call a function and return a future that has its result."""
    _deprecated("fork", "use `torch.compile` instead")
    future = Future()
    future.set_result(func(*args, **kwargs))
    return future


def wait(future: Future) -> Any:
    """Return the result of a future."""
    _deprecated("wait", "use `torch.compile` instead")
    return future.wait()


def annotate(the_type: Any, the_value: Any) -> Any:
    """Return a value; the type is for scripts."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Tell whether an object is of a type, whose parameters count: ``list[int]``, ``X | None``.

    Args:
        obj: any object.
        target_type: a type, or a tuple of types of which one will do.
    """
    if builtins.isinstance(target_type, tuple):
        return any(isinstance(obj, each) for each in target_type)
    origin, parameters = typing.get_origin(target_type), typing.get_args(target_type)
    if target_type is None:
        return obj is None
    if origin is None:
        return builtins.isinstance(obj, target_type)
    if origin in (typing.Union, types.UnionType):
        return isinstance(obj, parameters)
    if not builtins.isinstance(obj, origin):
        return False
    if origin is tuple:
        return len(obj) == len(parameters) and all(map(isinstance, obj, parameters))
    if origin is dict:
        key, value = parameters
        return all(isinstance(k, key) and isinstance(v, value) for k, v in obj.items())
    return all(isinstance(each, parameters[0]) for each in obj)


def is_scripting() -> bool:
    """Return ``False``: what runs is Python."""
    return False


def is_tracing() -> bool:
    """Return ``False``: what runs is Python."""
    return False


def export(fn: Callable) -> Callable:
    """Return a method as it is."""
    return fn


def unused(fn: Callable) -> Callable:
    """Return a function as it is."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Return a function as it is; also as a decorator with arguments."""
    if callable(drop):
        return drop
    if drop or kwargs:
        warnings.warn(
            "ignore(True) has been deprecated. TorchScript will now drop the function call on "
            f"compilation. Use torch.jit.unused now. {kwargs or '{}'}",
            FutureWarning,
            stacklevel=2,
        )
    return unused


def interface(obj: Any) -> Any:
    """Return a class as it is."""
    return obj


@contextlib.contextmanager
def optimized_execution(should_optimize: bool) -> Iterator[None]:
    """Run what is inside as it is."""
    yield


@contextlib.contextmanager
def strict_fusion() -> Iterator[None]:
    """Run what is inside as it is."""
    yield


def set_fusion_strategy(strategy: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Accept how often scripts are specialised, of no account here; return PyTorch's default."""
    return [("STATIC", 2), ("DYNAMIC", 10)]


def _overload(func: Callable) -> Callable:
    """Return the function: overloads are written for TorchScript, which jtorch has not."""
    return func


_overload_method = _overload


__getattr__ = _absent.attributes(__name__)
