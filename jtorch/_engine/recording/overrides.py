"""``__torch_function__``: calls that a class of the user's, or a mode, takes into its own hands.

A plain tensor pays nothing for it. The recorders read ``tensor._operand``, which is the slot
``_value`` under another name; a subclass with ``__torch_function__`` has a property there that
raises ``NotPlain``, so that its tensors leave the usual path where every argument without a value
leaves it (``record.recover``), and there the call is dispatched. While a mode is active, ``Tensor``
itself has that property.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any

from ..graph.values import SparseBase, TensorBase


class NotPlain(AttributeError):
    """A recorder read the value of a tensor whose class may override what is called."""


class Overridden(Exception):
    """A call has to be dispatched.

    Attributes:
        values: the arguments whose classes override, in the order in which they are asked.
    """

    def __init__(self, values: list[Any]):
        super().__init__(values)
        self.values = values


class _State(threading.local):
    """What a thread dispatches.

    Attributes:
        subclasses: whether ``__torch_function__`` of arguments is called.
        functions: whether that of modes is called.
        modes: the active modes, the innermost last.
        operators: whether ``__torch_dispatch__`` of arguments and of modes is called.
        dispatch_modes: the active modes that see operators, the innermost last.
    """

    subclasses = True
    functions = True
    modes: tuple[Any, ...] = ()
    operators = True
    dispatch_modes: tuple[Any, ...] = ()


state = _State()


class _DisabledImplementation:
    """What a class has as ``__torch_function__`` that takes no part in dispatch."""

    __name__ = "_disabled_torch_function_impl"
    __module__ = "torch._C"

    def __call__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call ``func`` without asking any argument's class."""
        with without_subclasses():
            return func(*args, **(kwargs or {}))

    def __reduce__(self) -> str:
        return "_disabled_torch_function_impl"


disabled_implementation = _DisabledImplementation()


class without_subclasses:
    """A block in which ``__torch_function__`` of arguments is not called."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = state.subclasses
        state.subclasses = False

    def __exit__(self, *exception: object) -> None:
        state.subclasses = self._before


class without_modes:
    """A block in which no mode is asked: what is recorded in it is part of a call they saw."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = state.modes
        state.modes = ()

    def __exit__(self, *exception: object) -> None:
        state.modes = self._before


#: Classes of arguments that override nothing. Emptied while a mode is active, which makes every
#: call look for it.
PLAIN: set[type] = set()
_KNOWN_PLAIN: set[type] = {int, float, bool, complex, str, type(None)}
PLAIN |= _KNOWN_PLAIN


def add_plain(*classes: type) -> None:
    """Tell that arguments of these classes override nothing."""
    _KNOWN_PLAIN.update(classes)
    PLAIN.update(classes)


def arm() -> None:
    """Make every call look whether a mode is active."""
    PLAIN.clear()


def disarm() -> None:
    """No mode is active in any thread any more."""
    PLAIN.update(_KNOWN_PLAIN)


def overrides_calls(cls: type) -> bool:
    """Return whether a class takes part in dispatch."""
    return overrides_functions(cls) or (cls in DISPATCHING and state.operators)


def overrides_functions(cls: type) -> bool:
    """Return whether a class has ``__torch_function__``."""
    if cls in _KNOWN_PLAIN or issubclass(cls, SparseBase):
        return False
    implementation = getattr(cls, "__torch_function__", disabled_implementation)
    return implementation is not disabled_implementation


#: Subclasses of ``Tensor`` with ``__torch_dispatch__``.
DISPATCHING: set[type] = set()


def sees_operators(cls: type) -> bool:
    """Return whether operators on a class's tensors are handed to its ``__torch_dispatch__``."""
    return cls in DISPATCHING and state.operators


def _no_operators(function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    raise AssertionError("no class with __torch_dispatch__ was made")


#: Hands a call to ``__torch_dispatch__``; see ``dispatch_modes``.
as_operator: Callable[[Any, tuple, dict[str, Any]], Any] = _no_operators


def set_as_operator(function: Callable[[Any, tuple, dict[str, Any]], Any]) -> None:
    """Tell what hands a call to ``__torch_dispatch__``."""
    global as_operator
    as_operator = function


def overriding(values: Iterable[Any]) -> list[Any]:
    """Return the arguments whose classes override: subclasses first, then from left to right.

    Args:
        values: arguments; lists and tuples are looked into.
    """
    if not state.subclasses:
        return seeing_operators(values) if DISPATCHING else []
    found: list[Any] = []
    _collect(values, found, [], overrides_calls)
    return found


def overloaded(values: Iterable[Any]) -> list[Any]:
    """Return who is asked to do a call: the classes that override, else a sparse tensor.

    Args:
        values: arguments; lists and tuples are looked into.
    """
    found = overriding(values)
    if not found:
        sparse = first_sparse(values)
        if sparse is not None:
            found.append(sparse)
    return found


def first_sparse(values: Iterable[Any]) -> Any:
    """Return the first sparse tensor among arguments, ``None`` where there is none.

    Args:
        values: arguments; lists and tuples are looked into.
    """
    for value in values:
        if isinstance(value, SparseBase):
            return value
        if value.__class__ is list or value.__class__ is tuple:
            inner = first_sparse(value)
            if inner is not None:
                return inner
    return None


def seeing_operators(values: Iterable[Any]) -> list[Any]:
    """Return the arguments whose classes have ``__torch_dispatch__``, in the same order."""
    found: list[Any] = []
    _collect(values, found, [], sees_operators)
    return found


def _collect(
    values: Iterable[Any],
    found: list[Any],
    classes: list[type],
    takes_part: Callable[[type], bool],
) -> None:
    for value in values:
        cls = value.__class__
        if cls is list or cls is tuple:
            _collect(value, found, classes, takes_part)
            continue
        cls = type(value)
        if cls in classes or not takes_part(cls):
            continue
        place = len(classes)
        for index, other in enumerate(classes):
            if issubclass(cls, other):
                place = index
                break
        classes.insert(place, cls)
        found.insert(place, value)


def active_modes() -> tuple[Any, ...]:
    """Return the modes that are asked, the innermost last."""
    return state.modes if state.functions else ()


def check(args: tuple, kwargs: dict[str, Any]) -> None:
    """Raise ``Overridden`` where a class of an argument, or a mode, takes the call."""
    found = overloaded((*args, *kwargs.values()) if kwargs else args)
    if found or (state.modes and state.functions):
        raise Overridden(found)


class Redispatching:
    """A function that asks modes and classes when it is called; equal to the function."""

    def __init__(self, function: Any):
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        found = overloaded((*args, *kwargs.values()) if kwargs else args)
        if found or active_modes():
            return dispatch(self, found, args, kwargs)
        return self.function(*args, **kwargs)

    def __eq__(self, other: object) -> bool:
        return other is self or other == self.function

    def __hash__(self) -> int:
        return hash(self.function)


def _name(function: Any) -> str:
    return f"{function.__module__}.{function.__name__}"


#: How a message names a public function; ``torch.overrides`` knows better.
name_of: Callable[[Any], str | None] = _name


def set_names(function: Callable[[Any], str | None]) -> None:
    """Tell how messages name a public function."""
    global name_of
    name_of = function


def dispatch(
    function: Any,
    values: list[Any],
    args: tuple,
    kwargs: dict[str, Any],
    in_python: bool = False,
) -> Any:
    """Let modes and the classes of arguments do a call.

    Args:
        function: what was called.
        values: the arguments whose classes override.
        args, kwargs: as they were given.
        in_python: whether the function is Python's in PyTorch, which words its refusal its way.
    Raises:
        TypeError: all of them returned ``NotImplemented``.
    """
    normalised = _NORMALISED.get(function)
    if normalised is not None:
        args, kwargs = normalised(args, kwargs)
    types = tuple([type(each) for each in values if overrides_functions(type(each))])
    modes = active_modes()
    if modes:
        mode = modes[-1]
        before = state.modes
        if len(before) > 1 and function not in _overridable:
            function = Redispatching(function)
        state.modes = before[:-1]
        try:
            result = mode.__torch_function__(function, types, args, kwargs)
        finally:
            state.modes = before
        if result is not NotImplemented:
            return result
    asked = [each for each in values if state.subclasses and overrides_functions(type(each))]
    for value in asked:
        result = value.__torch_function__(function, types, args, kwargs)
        if result is not NotImplemented:
            return result
    if not asked and values:
        if isinstance(values[0], SparseBase):
            return values[0].__torch_function__(function, types, args, kwargs)
        return as_operator(function, args, kwargs)
    raise refused(function, values, modes[-1:], in_python or normalised is not None)


def refused(function: Any, values: list[Any], modes: Iterable[Any], in_python: bool) -> TypeError:
    """Return what PyTorch says where every implementation returned ``NotImplemented``."""
    name = name_of(function) or _name(function)
    modes = list(modes)
    if in_python:
        types = [type(value) for value in values]
        message = (
            f"no implementation found for '{name}' on types that implement __torch_function__: "
            f"{types}"
        )
        if modes:
            message += f" nor was it found on the currently active mode {modes[0]}"
        return TypeError(message)
    error = TypeError(_unimplemented(name, values, modes))
    error.unimplemented = True  # type: ignore[attr-defined]  # a Python operator gives up
    return error


def _unimplemented(name: str, values: list[Any], modes: list[Any]) -> str:
    lines = [f"  - mode object {mode}\n" for mode in modes]
    lines += [f"  - tensor subclass {type(value)}\n" for value in values]
    return (
        f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned "
        f"NotImplemented:\n\n{''.join(lines)}\n"
        "For more information, try re-running with TORCH_LOGS=not_implemented"
    )


#: What is dispatched for a Python operator of a tensor and something that is none, by its name.
operators: dict[str, Any] = {}


def offer(name: str, tensor: Any, other: Any) -> Any:
    """Return what a Python operator gives whose other operand is no tensor and no number.

    Args:
        name: of the operator's method, such as ``__add__``.
        tensor, other: the operands.
    """
    if not isinstance(tensor, TensorBase) or not overrides_calls(type(other)):
        return NotImplemented
    found = overloaded((tensor, other))
    return or_not_implemented(dispatch, operators[name], found, (tensor, other), {})


def or_not_implemented(call: Callable, *args: Any) -> Any:
    """Return ``NotImplemented`` where all implementations did, so that Python goes on asking."""
    try:
        return call(*args)
    except TypeError as error:
        if getattr(error, "unimplemented", False):
            return NotImplemented
        raise


#: Functions that are Python's in PyTorch, which hand every argument on: required ones by position
#: and the others by name, with their defaults.
_NORMALISED: dict[Any, Callable[[tuple, dict], tuple[tuple, dict]]] = {}


def hand_on_defaults(function: Any, normalise: Callable[[tuple, dict], tuple[tuple, dict]]) -> None:
    """Tell how the arguments of a function are written out before it is dispatched."""
    _NORMALISED[function] = normalise


#: Functions that look for overriding classes, by themselves and by what they look for.
_overridable: dict[Any, Callable] = {}


#: Functions that bind their arguments, by what binds them and looks for no overriding classes.
_inside: dict[Any, Callable] = {}


def set_inside(function: Any, bound: Callable) -> None:
    """Tell what a function is that has other parameters than the one that it wraps."""
    _inside[function] = bound


def inside(function: Any) -> Callable | None:
    """Return the function that looks for no overriding classes, of one made of others.

    Returns:
        ``None`` for an operator.
    """
    if function not in _overridable or not hasattr(function, "__wrapped__"):
        return None
    while function not in _inside and hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return _inside.get(function, function)


#: The public function of ``(operator, whether as a method)``.
_faces: dict[tuple[Any, bool], Any] = {}


def set_face(operator: Any, method: bool, function: Any) -> None:
    """Tell the public function behind a recorder, which is what a dispatched call is handed."""
    _faces[operator, method] = function
    _overridable[function] = function


def dispatch_operator(
    operator: Any, method: bool, found: Overridden, args: tuple, kwargs: dict[str, Any]
) -> Any:
    """Dispatch a call of an operator, whose recorder handles ``found``."""
    face = _faces.get((operator, method))
    if face is None:  # a method that only Python's operator is
        face = operators[f"__{operator.name}__"]
    return dispatch_found(face, found, args, kwargs)


def dispatch_found(function: Any, found: Overridden, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Dispatch a call where ``found`` is being handled; no traceback shows that it was raised."""
    try:
        return dispatch(function, found.values, args, kwargs)
    except BaseException as error:
        link: BaseException | None = error
        while link is not None and link is not found:
            if link.__context__ is found:
                link.__context__ = None
            link = link.__context__
        raise


_publics: dict[Any, Any] = {}


def set_public(made: Any, function: Any) -> None:
    """Tell the public form of a function, which converts or checks before it."""
    _overridable[function] = function
    if made is not function:
        _publics[made] = function


def public(made: Any) -> Any:
    """Return the public form of a function."""
    return _publics.get(made, made)


#: Functions that make tensors of what is no tensor: modes see them, classes do not.
FACTORIES = frozenset(
    (
        *("zeros", "ones", "empty", "full", "scalar_tensor", "empty_strided", "empty_permuted"),
        *("rand", "randn", "randint", "randperm", "arange", "range", "linspace", "logspace"),
        *("eye", "tril_indices", "triu_indices", "hann_window", "hamming_window", "from_file"),
        *("bartlett_window", "blackman_window", "kaiser_window", "from_numpy", "frombuffer"),
        *("tensor", "as_tensor", "asarray", "from_dlpack"),
    )
)

#: Functions that cannot be overridden: questions and settings.
NOT_OVERRIDABLE = FACTORIES | {
    *("broadcast_shapes", "get_default_dtype", "set_default_dtype", "set_default_tensor_type"),
    *("get_default_device", "set_default_device", "get_device_module", "is_tensor", "is_storage"),
    *("can_cast", "promote_types", "get_num_threads", "set_num_threads", "typename"),
    *("get_num_interop_threads", "set_num_interop_threads", "sym_constrain_range"),
    *("sym_constrain_range_for_size", "sym_fresh_size", "use_deterministic_algorithms"),
    *("are_deterministic_algorithms_enabled", "is_deterministic_algorithms_warn_only_enabled"),
    *("set_deterministic_debug_mode", "get_deterministic_debug_mode", "set_warn_always"),
    *("set_float32_matmul_precision", "get_float32_matmul_precision", "is_warn_always_enabled"),
    *("set_flush_denormal", "set_anomaly_enabled", "is_anomaly_enabled", "init_num_threads"),
    *("is_anomaly_check_nan_enabled", "compiled_with_cxx11_abi", "is_vulkan_available"),
    *("tanh", "sigmoid", "upsample", "upsample_nearest", "upsample_bilinear", "_canonical_mask"),
    *("sparse_coo_tensor", "sparse_csr_tensor", "sparse_csc_tensor", "sparse_bsr_tensor"),
    *("sparse_bsc_tensor", "sparse_compressed_tensor", "empty_quantized"),
    "_none_or_dtype",
}


def overridable(function: Callable) -> Callable:
    """Return a function made of others that looks for overriding classes before it runs.

    Of one function it is always the same one.
    """
    known = _overridable.get(function)
    if known is not None:
        return known
    is_plain = PLAIN.issuperset

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if is_plain(map(type, args)) and (not kwargs or is_plain(map(type, kwargs.values()))):
            return function(*args, **kwargs)
        found = overloaded((*args, *kwargs.values()) if kwargs else args)
        if found or (state.modes and state.functions):
            return dispatch(public(call), found, args, kwargs)
        return function(*args, **kwargs)

    _overridable[function] = _overridable[call] = call
    return call
