"""``__torch_function__`` for authors of libraries: ``torch.overrides``.

An object whose class has ``__torch_function__(cls, func, types, args, kwargs)`` is handed every
public function that it is an argument of. Functions of one's own take part by asking
``has_torch_function`` and calling ``handle_torch_function``.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jtorch as torch

from ._engine.declare import FUNCTIONS, METHODS, NN_FUNCTIONS, PYTHON_OPERATORS
from ._engine.recording import overrides as _overrides
from ._engine.recording.dispatch_modes import BOTTOM
from ._engine.recording.overrides import state
from ._runtime import absent as _absent
from ._runtime.function_overrides import DisableTorchFunctionSubclass
from ._tensor import subclasses as _subclasses
from ._tensor.subclasses import BaseTorchFunctionMode as BaseTorchFunctionMode
from ._tensor.subclasses import TorchFunctionMode as TorchFunctionMode

__all__ = [
    "enable_reentrant_dispatch",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "redispatch_function",
    "resolve_name",
    "wrap_torch_function",
]


def has_torch_function(relevant_args: Iterable[Any], /) -> bool:
    """Tell whether one of the arguments, or a mode, takes part in dispatch."""
    return bool(_overrides.active_modes()) or bool(_overrides.overriding(relevant_args))


def has_torch_function_unary(obj: Any, /) -> bool:
    """Tell whether one argument, or a mode, takes part in dispatch."""
    return has_torch_function((obj,))


def has_torch_function_variadic(*args: Any) -> bool:
    """Tell whether one of the arguments, or a mode, takes part in dispatch."""
    return has_torch_function(args)


def handle_torch_function(
    public_api: Callable, relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Let the classes of arguments do a call.

    Args:
        public_api: the function that was called.
        relevant_args: the arguments whose classes are asked.
        *args, **kwargs: the arguments of the call.
    Raises:
        TypeError: all of them returned ``NotImplemented``.
    """
    found = _overrides.overloaded(tuple(relevant_args))
    return _overrides.dispatch(public_api, found, args, kwargs, in_python=True)


def wrap_torch_function(dispatcher: Callable) -> Callable:
    """Return a decorator that lets a function be overridden.

    Args:
        dispatcher: takes the function's arguments and returns those whose classes are asked.
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(call, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return call

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Tell whether an object is a tensor or of a class that overrides functions."""
    return type(inp) is torch.Tensor or hasattr(inp, "__torch_function__")


def _get_overloaded_args(
    relevant_args: Iterable[Any], get_type_fn: Callable[[Any], type] | None = None
) -> list[Any]:
    """Return the arguments whose classes are asked, in the order in which they are asked."""
    return _overrides.overriding(tuple(relevant_args))


@contextlib.contextmanager
def enable_reentrant_dispatch() -> Iterator[None]:
    """A block inside an implementation in which the classes of arguments are asked again."""
    before = state.subclasses, state.functions
    state.subclasses = state.functions = True
    try:
        yield
    finally:
        state.subclasses, state.functions = before


def redispatch_function(
    func: Callable, types: Iterable[type], args: tuple, kwargs: dict[str, Any] | None
) -> Any:
    """Call a function as though the class that is running were not there."""
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


_SPACES = (
    ("torch", "torch"),
    ("torch.functional", "torch"),
    ("torch.nn.functional", "torch.nn.functional"),
    ("torch.nn.init", "torch.nn.init"),
    ("torch.Tensor", "torch.Tensor"),
    ("torch.linalg", "torch.linalg"),
    ("torch.fft", "torch.fft"),
    ("torch.special", "torch.special"),
)
#: Functions that PyTorch names by the module that they are written in.
OF_FUNCTIONAL = frozenset(
    (
        *("atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_tensors", "cdist"),
        *("cartesian_prod", "chain_matmul", "einsum", "lu", "meshgrid", "norm", "split", "stft"),
        *("tensordot", "unique", "unique_consecutive", "unravel_index"),
    )
)


def _attributes() -> dict[str, Any]:
    """Return the attributes of a tensor that are no methods, by name."""
    found = torch.Tensor.__dict__.items()
    return {n: each for n, each in found if isinstance(each, property) and n[:2] != "__"}


@functools.cache
def _spaces() -> dict[Any, tuple[list[Any], str]]:
    """Return the overridable functions of each namespace, and its name."""
    ignored = _overrides.NOT_OVERRIDABLE
    functional = [FUNCTIONS[name] for name in sorted(OF_FUNCTIONAL) if name in FUNCTIONS]
    others = [each for name, each in FUNCTIONS.items() if name not in ignored | OF_FUNCTIONAL]
    space: dict[Any, tuple[list[Any], str]] = {
        torch: (others, "torch"),
        "torch.functional": (functional, "torch.functional"),
        torch.nn.functional: (
            [each for name, each in NN_FUNCTIONS.items() if name not in ignored],
            "torch.nn.functional",
        ),
        torch.nn.init: (
            [getattr(torch.nn.init, name) for name in _OF_INIT],
            "torch.nn.init",
        ),
        torch.Tensor: (
            [
                each
                for name, each in torch.Tensor.__dict__.items()
                if callable(each) and name in METHODS | PYTHON_OPERATORS
            ],
            "torch.Tensor",
        ),
    }
    for name in ("linalg", "fft", "special"):
        module = getattr(torch, name)
        functions = [getattr(module, each) for each in module.__all__]
        functions = [each for each in functions if inspect.isfunction(each)]
        space[module] = (functions, f"torch.{name}")
    return space


_OF_INIT = ("uniform_", "normal_", "constant_", "kaiming_uniform_")


def get_overridable_functions() -> dict[Any, list[Callable]]:
    """Return the functions that can be overridden, by the namespace that they lie in."""
    found: dict[Any, list[Callable]] = {
        space: list(functions)
        for space, (functions, name) in _spaces().items()
        if name not in ("torch.nn.init", "torch.functional")
    }
    found[torch].extend(_spaces()["torch.functional"][0])
    for each in _attributes().values():
        found[each] = [each.__get__]
    return found


@functools.cache
def get_ignored_functions() -> set[Callable]:
    """Return public functions that cannot be overridden: they take no tensor, or make one."""
    found = {FUNCTIONS[name] for name in _overrides.NOT_OVERRIDABLE if name in FUNCTIONS}
    names = ("tanh", "sigmoid", "upsample", "upsample_nearest", "upsample_bilinear")
    found |= {NN_FUNCTIONS[name] for name in names}
    found |= {torch.Tensor.as_subclass, torch.Tensor._make_subclass, torch.save, torch.load}
    return found | {torch.manual_seed, torch.seed, torch.initial_seed, torch.set_grad_enabled}


def get_testing_overrides() -> dict[Callable, Callable]:
    """Return a function of the same signature, that returns -1, for each overridable one."""
    found: dict[Callable, Callable] = {}
    for functions in get_overridable_functions().values():
        for function in functions:
            if function not in found:
                found[function] = _like(function)
    return found


def _like(function: Any) -> Callable:
    def answer(*args: Any, **kwargs: Any) -> int:
        return -1

    try:
        answer.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        pass
    return answer


@functools.cache
def _names() -> dict[Any, str]:
    found: dict[Any, str] = {}
    for space, (functions, name) in _spaces().items():
        for each in functions:
            short = each.__name__
            if name in ("torch.linalg", "torch.fft", "torch.special"):
                short = short.removeprefix(name.removeprefix("torch.") + "_")
            if isinstance(space, str) or getattr(space, short, None) is each:
                found.setdefault(each, f"{name}.{short}")
    for table, name in ((FUNCTIONS, "torch"), (METHODS, "torch.Tensor")):
        for short, each in table.items():
            if callable(each):
                found.setdefault(each, f"{name}.{short}")
    for short, each in sorted(torch.Tensor.__dict__.items(), key=lambda item: item[0][::-1]):
        if isinstance(each, property) and each.__get__ not in found:
            found[each.__get__] = f"torch.Tensor.{short}.__get__"
            found[each.__set__] = f"torch.Tensor.{short}.__set__"
        elif inspect.isfunction(each):
            found.setdefault(each, f"torch.Tensor.{short}")
    return found


def resolve_name(f: Any) -> str | None:
    """Return the public name of a function, such as ``"torch.Tensor.add"``.

    Returns:
        ``None`` where it is not one that can be overridden.
    """
    try:
        name = _names().get(f)
    except TypeError:  # cannot be hashed
        return None
    return str(f) if name is None and hasattr(f, "_overload_name") else name


_overrides.set_names(resolve_name)


def is_tensor_method_or_property(func: Callable) -> bool:
    """Tell whether a function is a method of ``Tensor``, or ``__get__`` of an attribute."""
    return func in _methods() or getattr(func, "__name__", "") == "__get__"


@functools.cache
def _methods() -> set[Any]:
    return {each for each in torch.Tensor.__dict__.values() if inspect.isfunction(each)}


def get_default_nowrap_functions() -> set[Callable]:
    """Return the functions whose results keep their class on tensors of a subclass."""
    return _subclasses.unwrapped()


def _get_current_function_mode() -> Any:
    """Return the innermost active mode, or ``None``."""
    modes = _get_current_function_mode_stack()
    return modes[-1] if modes else None


def _get_current_function_mode_stack() -> list[Any]:
    """Return the active modes, the outermost first."""
    return [mode for mode in state.modes if mode is not BOTTOM]


@contextlib.contextmanager
def _pop_mode_temporarily() -> Iterator[Any]:
    """A block without the innermost mode, which it yields."""
    before = state.modes
    state.modes = before[:-1]
    try:
        yield before[-1]
    finally:
        state.modes = before


def _disable_user_warnings(func: Callable, regex: str = ".*", module: str = "torch") -> Callable:
    """Return a function that ignores deprecations in PyTorch's own modules."""

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, message=regex, module=module)
            return func(*args, **kwargs)

    return wrapper


__getattr__ = _absent.attributes(__name__)
