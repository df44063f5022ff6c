"""Subclasses of ``Tensor`` that override what is called on them (``__torch_function__``).

``TensorMeta`` puts ``Overriding`` before ``Tensor`` in their method resolution order. It has every
method and attribute of ``Tensor`` in a form that asks ``__torch_function__`` first; ``Tensor``
itself stays as it is.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from typing import Any

from .._engine.backward.usual import anomaly
from .._engine.declare import METHODS, PYTHON_OPERATORS
from .._engine.memory import from_jax
from .._engine.recording import overrides
from .._engine.recording.dispatch_modes import BOTTOM, disabled_operators
from .._engine.recording.overrides import NotPlain, disabled_implementation, state


class TensorMeta(type):
    """The class of ``Tensor`` and its subclasses: finds out which override calls."""

    __module__ = "torch._C"

    def __init__(cls, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        from_jax.register(cls)

    def mro(cls) -> Any:
        """Return the order in which attributes are looked up."""
        order = list(super().mro())
        tensor = _Attributes.tensor
        if tensor is None or cls is tensor:
            return order
        sees_operators = _first("__torch_dispatch__", order) is not disabled_operators
        if sees_operators:
            from .._runtime import as_operators  # noqa: F401  what calls are made of

            overrides.DISPATCHING.add(cls)
        overriding = _first("__torch_function__", order) is not disabled_implementation
        if Overriding not in order and (sees_operators or overriding):
            order.insert(order.index(tensor), Overriding)
        return order


def _first(name: str, order: list[type]) -> Any:
    """Return an attribute of the first class of an order that has it."""
    return next(each.__dict__[name] for each in order if each.__dict__.get(name) is not None)


class Overriding:
    """What stands before ``Tensor`` in the order of a class that overrides calls."""

    __slots__ = ()
    __module__ = "torch._C"


TensorMeta.__qualname__ = TensorMeta.__name__ = "_TensorMeta"


def torch_function(
    cls: type,
    func: Callable,
    types: tuple[type, ...],
    args: tuple = (),
    kwargs: dict[str, Any] | None = None,
) -> Any:
    """Call a function on tensors of this class and give its results the class.

    Args:
        func: the public function, method, or ``__get__`` of an attribute.
        types: the classes among the arguments that override calls.
        args, kwargs: the arguments.
    Returns:
        The result; ``NotImplemented`` where an argument is of an unrelated class.
    """
    if not all(issubclass(cls, each) for each in types):
        return NotImplemented
    with overrides.without_subclasses():
        result = func(*args, **(kwargs or {}))
        if func in unwrapped():
            return result
        return convert(result, cls)


torch_function.__name__ = "__torch_function__"
torch_function.__qualname__ = "Tensor.__torch_function__"


def unwrapped() -> set[Any]:
    """Return the functions whose results keep the class that they have."""
    global _unwrapped
    if not _unwrapped:
        tensor = _Attributes.tensor
        _unwrapped = {getattr(tensor, name).__get__ for name in ("_base", "grad", "_grad")}
    return _unwrapped


_unwrapped: set[Any] = set()


def convert(result: Any, cls: type) -> Any:
    """Return a result with its tensors as tensors of a class."""
    tensor = _Attributes.tensor
    if cls is tensor:
        return result
    if isinstance(result, tensor):
        return result if isinstance(result, cls) else result.as_subclass(cls)
    if isinstance(result, (tuple, list)):
        return type(result)([convert(each, cls) for each in result])
    return result


class _Attributes:
    """Where the class is found that is made later."""

    tensor: Any = None


def set_tensor_class(tensor: type) -> None:
    """Tell which class is ``Tensor``."""
    _Attributes.tensor = tensor


class _Operand:
    """Stands in the place of the value that recorders read."""

    def __get__(self, tensor: Any, owner: Any = None) -> Any:
        if tensor is None:
            return self
        cls = type(tensor)
        if (
            (state.subclasses and overrides.overrides_functions(cls))
            or (state.modes and state.functions)
            or overrides.sees_operators(cls)
        ):
            raise NotPlain
        return tensor._value


class _Attribute:
    """An attribute whose ``__get__`` is dispatched."""

    def __init__(self, plain: Any):
        self.plain = plain

    def __get__(self, tensor: Any, owner: Any = None) -> Any:
        if tensor is None:
            return self.plain
        return _call(self.plain.__get__, self.plain.__get__, (tensor,), {})

    def __set__(self, tensor: Any, value: Any) -> None:
        _call(self.plain.__set__, self.plain.__set__, (tensor, value), {})

    def __delete__(self, tensor: Any) -> None:
        _call(self.plain.__delete__, self.plain.__delete__, (tensor,), {})


def _call(function: Any, plain: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Dispatch a call, or run ``plain`` where dispatch is off."""
    found = overrides.overloaded((*args, *kwargs.values()) if kwargs else args)
    if found or overrides.active_modes():
        return overrides.dispatch(function, found, args, kwargs)
    return plain(*args, **kwargs)


def _method(name: str, plain: Any, function: Any) -> Callable:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _call(function, plain, (self, *args), kwargs)

    call.__name__ = name
    call.__qualname__ = f"Tensor.{name}"
    call.__doc__ = plain.__doc__
    return call


def _operator(name: str, plain: Any, function: Any) -> Callable:
    """Return a Python operator, which gives up where no operand implements it."""

    def call(self: Any, other: Any) -> Any:
        if overrides.overloaded((self, other)) or overrides.active_modes():
            if not _is_operand(other):
                return NotImplemented
            return overrides.or_not_implemented(_call, function, plain, (self, other), {})
        return plain(self, other)

    call.__name__ = name
    call.__qualname__ = f"Tensor.{name}"
    return call


def _reflected(name: str, plain: Any, function: Any, forward: Any) -> Callable:
    """Return ``__radd__`` and others: of two tensors Python asks the subclass first."""
    own = _operator(name, plain, function)
    other_way = _operator(name, forward, forward)

    def call(self: Any, other: Any) -> Any:
        if isinstance(other, _Attributes.tensor):
            return other_way(other, self)
        return own(self, other)

    call.__name__ = name
    call.__qualname__ = f"Tensor.{name}"
    return call


def _is_operand(value: Any) -> bool:
    from .._engine.recording.planning import is_operand

    return is_operand(value) or overrides.overrides_calls(type(value))


#: The methods that PyTorch's Python operators are, where these have names of their own.
_NAMES = {
    **{f"__{name}__": name for name in ("add", "sub", "mul", "pow", "matmul", "neg", "abs")},
    **{f"__{name}__": name for name in ("lt", "le", "gt", "ge", "ne")},
    **{"__truediv__": "div", "__mod__": "remainder", "__radd__": "add", "__rmul__": "mul"},
    **{f"__i{name}__": f"{name}_" for name in ("add", "sub", "mul", "pow")},
    **{"__itruediv__": "div_", "__imod__": "remainder_"},
}
_FORWARD = {
    **{"__radd__": "add", "__rmul__": "mul", "__rsub__": "sub", "__rtruediv__": "div"},
    **{"__rfloordiv__": "__floordiv__", "__rmod__": "remainder", "__rpow__": "pow"},
    "__rmatmul__": "matmul",
}
_BINARY = frozenset(
    f"__{prefix}{name}__"
    for name in (
        *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"),
        *("lshift", "rshift", "eq", "ne", "lt", "le", "gt", "ge"),
    )
    for prefix in ("", "r", "i")
)
#: What is the object's own business, or Python's.
_OWN = frozenset(
    (
        *("__new__", "__init__", "__class__", "__slots__", "__dict__", "__weakref__", "__doc__"),
        *("__module__", "__hash__", "__torch_function__", "__array_priority__", "_operand"),
        "__torch_dispatch__",
        *("_value", "_alias", "_writes", "_extra", "__qualname__", "as_subclass", "__iter__"),
        *("_make_subclass", "_make_wrapper_subclass", "__getattribute__", "__setattr__"),
        *("__init_subclass__", "__subclasshook__", "__firstlineno__", "__static_attributes__"),
        *("__jax_array__", "__annotations__", "_is_view", "set_"),
    )
)


def complete(tensor: Any) -> None:
    """Give ``Overriding`` every attribute of ``Tensor``."""
    names = tensor.__dict__
    for name, plain in names.items():
        if name in _OWN or plain is None:
            continue
        if not isinstance(plain, property) and getattr(plain, "__name__", name) not in names:
            plain.__name__, plain.__qualname__ = name, f"Tensor.{name}"
        setattr(Overriding, name, overriding_form(name, plain))
        if name in _BINARY or name in ("__getitem__", "__setitem__"):
            called = "eq" if name == "__eq__" else _NAMES.get(name, "")
            overrides.operators[name] = METHODS.get(called, plain)
    Overriding._operand = _Operand()  # type: ignore[attr-defined]


def overriding_form(name: str, plain: Any) -> Any:
    """Return an attribute of ``Tensor`` in the form that is dispatched."""
    function = METHODS.get(_NAMES.get(name, ""), plain)
    if not callable(plain):
        return _Attribute(plain) if hasattr(plain, "__set__") else plain
    forward = _FORWARD.get(name)
    if forward is not None:
        there = METHODS.get(forward) or PYTHON_OPERATORS[forward]
        return _reflected(name, plain, function, there)
    if name in _BINARY:
        return _operator(name, plain, function)
    return _method(name, plain, function)


# Modes: while one is active in any thread, ``Tensor`` itself looks as subclasses do.


class TorchFunctionMode:
    """A block in which every function, method and attribute of tensors is handed to the mode.

    Subclasses have ``__torch_function__(self, func, types, args=(), kwargs=None)``; inside it, the
    mode is not active.
    """

    inner: Any

    def __init__(self) -> None:
        pass

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Any:
        _push(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _pop()

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> Any:
        """Return a mode (an old name for making one)."""
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """The mode that does nothing but call the function."""

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call the function."""
        return func(*args, **(kwargs or {}))


for _mode in (TorchFunctionMode, BaseTorchFunctionMode):
    _mode.__module__ = "torch.overrides"

_lock = threading.RLock()
_armed = 0


def _push(mode: Any) -> None:
    _arm()
    state.modes = (*state.modes, mode)


def _pop() -> None:
    state.modes = state.modes[:-1]
    _disarm()


def _arm(seeing_operators: int = 0) -> None:
    """Make every call look for modes, until as many calls of ``_disarm``."""
    global _armed
    with _lock:
        anomaly.watched += seeing_operators
        if not _armed:
            overrides.arm()
            _arm_tensor()
        _armed += 1


def _disarm(seeing_operators: int = 0) -> None:
    global _armed
    with _lock:
        anomaly.watched -= seeing_operators
        _armed -= 1
        if not _armed:
            overrides.disarm()
            _disarm_tensor()


def push_dispatch_mode(mode: Any) -> None:
    """Let a mode see operators. It is asked after the modes that see functions."""
    _arm(seeing_operators=1)
    if not state.dispatch_modes:
        state.modes = (BOTTOM, *state.modes)
    state.dispatch_modes = (*state.dispatch_modes, mode)


def pop_dispatch_mode() -> Any:
    """Take the innermost mode away that sees operators, and return it."""
    *left, mode = state.dispatch_modes
    state.dispatch_modes = tuple(left)
    if not left:
        state.modes = tuple([each for each in state.modes if each is not BOTTOM])
    _disarm(seeing_operators=1)
    return mode


#: Python's operators and questions, which do not go by ``__getattribute__``.
_SPECIAL = (
    *("__getitem__", "__setitem__", "__len__", "__bool__", "__float__", "__int__", "__index__"),
    *("__complex__", "__contains__", "__repr__", "__format__", "__invert__", "__rtruediv__"),
    *("__matmul__", "__rmatmul__", "__rfloordiv__", "__rmod__", "__rpow__", "__pow__"),
)
_saved: dict[str, Any] = {}


def _arm_tensor() -> None:
    tensor = _Attributes.tensor
    tensor._operand = Overriding.__dict__["_operand"]
    tensor.__getattribute__ = _attribute_of_armed
    for name in _SPECIAL:
        if name in tensor.__dict__:
            _saved[name] = tensor.__dict__[name]
            setattr(tensor, name, Overriding.__dict__[name])
    torch = sys.modules["jtorch"]
    for name in overrides.FACTORIES:
        if name in torch.__dict__:
            setattr(torch, name, _factory(torch.__dict__[name]))


@functools.cache
def _factory(function: Any) -> overrides.Redispatching:
    return overrides.Redispatching(function)


def _disarm_tensor() -> None:
    tensor = _Attributes.tensor
    tensor._operand = tensor.__dict__["_value"]
    del tensor.__getattribute__
    for name, plain in _saved.items():
        setattr(tensor, name, plain)
    _saved.clear()
    torch = sys.modules["jtorch"]
    for name in overrides.FACTORIES:
        if name in torch.__dict__:
            setattr(torch, name, torch.__dict__[name].function)


def _attribute_of_armed(self: Any, name: str) -> Any:
    """Look up an attribute of a tensor while a mode is active in some thread."""
    if not state.modes or name[:2] == "__" or name in _OWN:
        return object.__getattribute__(self, name)
    overriding = Overriding.__dict__.get(name)
    cls = type(self)
    if overriding is None or not state.functions or not _is_tensors_own(cls, name):
        return object.__getattribute__(self, name)
    return overriding.__get__(self, cls)


def _is_tensors_own(cls: type, name: str) -> bool:
    """Tell whether no subclass has a method or attribute of this name."""
    return next(base for base in cls.__mro__ if name in base.__dict__) in (
        _Attributes.tensor,
        Overriding,
    )
