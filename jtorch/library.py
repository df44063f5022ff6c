"""Operators of programs: ``torch.library``.

An operator is a Python function with a schema; it is found as ``torch.ops.NAMESPACE.NAME``, takes a
gradient formula, and says on the device ``meta`` what it returns. It runs when it is called.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._custom_operators import operators as _operators
from ._custom_operators.checking import opcheck as opcheck
from ._custom_operators.operators import ALL as _ALL
from ._custom_operators.schemas import infer_schema as infer_schema
from ._custom_operators.schemas import parse as _parse
from ._runtime import absent as _absent

__all__ = [
    "Library",
    "custom_op",
    "define",
    "fallthrough_kernel",
    "get_ctx",
    "impl",
    "impl_abstract",
    "infer_schema",
    "opcheck",
    "register_autocast",
    "register_autograd",
    "register_fake",
    "register_kernel",
    "register_vmap",
]

_RESERVED = ("prim",)


def fallthrough_kernel() -> None:
    """Stand for "go on to the next function".

    Raises:
        NotImplementedError: always; it is named, not called.
    """
    raise NotImplementedError("fallthrough_kernel() should never be called.")


class Library:
    """Operators of one namespace, to be defined or given functions.

    Args:
        ns: the namespace.
        kind: ``"DEF"`` or ``"FRAGMENT"`` to define operators, ``"IMPL"`` to give functions alone.
        dispatch_key: for functions that name none, such as ``"CPU"``.
    """

    def __init__(self, ns: str, kind: str, dispatch_key: str = ""):
        if kind not in ("DEF", "IMPL", "FRAGMENT"):
            raise ValueError(f"Unsupported kind: {kind}")
        if ns in _RESERVED and kind in ("DEF", "FRAGMENT"):
            raise ValueError(
                f"{ns} is a reserved namespace. Please try creating a library with another name."
            )
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key
        self._defined: list[_operators.Operator] = []
        self._given: list[tuple[_operators.Operator, str]] = []

    def __repr__(self) -> str:
        return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})>"

    def define(
        self, schema: str, alias_analysis: str = "", *, tags: Any = (), _: Any = None
    ) -> str:
        """Define an operator.

        Args:
            schema: such as ``"add(Tensor x, int n=3) -> Tensor"``.
            alias_analysis: accepted.
            tags: accepted.
        Returns:
            Its name.
        """
        if self.kind == "IMPL":
            raise RuntimeError("Cannot define an operator in a Library of kind IMPL")
        parsed = _parse(schema)
        self._defined.append(_operators.define(self.ns, parsed))
        overload = f".{parsed.overload_name}" if parsed.overload_name else ""
        return parsed.name + overload

    def impl(
        self,
        op_name: Any,
        fn: Callable,
        dispatch_key: str = "",
        *,
        with_keyset: bool = False,
        allow_override: bool = False,
    ) -> None:
        """Give an operator the function for one key.

        Args:
            op_name: its name in the namespace, with or without it, or the operator.
            fn: the function.
            dispatch_key: ``"CPU"``, ``"CUDA"``, ``"Meta"``, ``"Autograd"``,
                ``"CompositeExplicitAutograd"`` (every device) or ``"CompositeImplicitAutograd"``
                (made of other operators, the default).
            with_keyset: refused.
            allow_override: whether there may be one already.
        """
        if with_keyset:
            raise NotImplementedError("torch.library.Library.impl: jtorch has no sets of keys")
        key = dispatch_key or self.dispatch_key or _operators.COMPOSITE
        if isinstance(op_name, str):
            name, _, overload = op_name.removeprefix(f"{self.ns}::").partition(".")
            operator = _operators.entry(self.ns, name, overload)
        else:
            operator = _operators.find(op_name)
        if fn is fallthrough_kernel:
            return
        mine = (operator, key)
        if key in operator.kernels and mine in self._given and not allow_override:
            raise RuntimeError(
                f"This is not allowed since there's already a kernel registered from python "
                f"overriding {operator._opname}'s behavior for {key} dispatch key and "
                f"{self.ns} namespace."
            )
        operator.kernels[key] = fn
        self._given.append(mine)

    def fallback(self, fn: Callable, dispatch_key: str = "", *, with_keyset: bool = False) -> None:
        """Refuse a function for every operator: there is no dispatcher that would ask it."""
        raise NotImplementedError("torch.library.Library.fallback: jtorch has no dispatcher")

    def _register_fake(self, op_name: str, fn: Callable, _stacklevel: int = 1, **_: Any) -> None:
        short, _dot, overload = op_name.removeprefix(f"{self.ns}::").partition(".")
        _operators.entry(self.ns, short, overload).fake = fn

    def _destroy(self) -> None:
        for operator, key in self._given:
            operator.kernels.pop(key, None)
        for operator in self._defined:
            _operators.forget(operator)
        self._given.clear()
        self._defined.clear()


class _scoped_library(Library):
    """A ``Library`` for the length of a ``with`` block."""

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *exception: object) -> None:
        self._destroy()


_KEYS = {"cpu": "CPU", "cuda": "CUDA", "meta": "Meta", "xpu": "XPU", "mps": "MPS", None: _ALL}


def _keys(device_types: Any) -> list[str]:
    single = device_types is None or isinstance(device_types, str)
    found = [device_types] if single else list(device_types)
    return [_KEYS.get(each) or (_ALL if each == "default" else str(each)) for each in found]


class CustomOpDef:
    """An operator under ``@custom_op``: called, it runs; its other parts are registered with it.

    Args:
        namespace: of the operator.
        name: of the operator.
        schema: what it takes and returns, without a name.
        fn: the function.
        tags: accepted.
    """

    __module__ = "torch._library.custom_ops"

    def __init__(self, namespace: str, name: str, schema: str, fn: Callable, tags: Any = None):
        old = _operators._OPERATORS.get((namespace, name, "default"))
        if old is not None and old._schema is not None:
            _operators.forget(old)  # PyTorch, too, lets a program define it twice
        self._namespace, self._name, self._init_fn = namespace, name, fn
        self._opoverload = _operators.define(namespace, _parse(name + schema))
        self._opoverload.python_name = getattr(fn, "__name__", name)
        self._qualname = f"{namespace}::{name}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._opoverload(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"

    def register_kernel(self, device_types: Any, fn: Callable | None = None, /) -> Callable:
        """Give the function for devices: ``"cpu"``, ``"cuda"``, several, or ``None`` for all."""

        def register(function: Callable) -> Callable:
            for key in _keys(device_types):
                self._opoverload.kernels[key] = function
            return function

        return register if fn is None else register(fn)

    def register_fake(self, fn: Callable, /) -> Callable:
        """Give the function that says, on the device ``meta``, what comes back."""
        self._opoverload.fake = fn
        return fn

    def register_autograd(
        self, backward: Callable, /, *, setup_context: Callable | None = None
    ) -> None:
        """Give the gradient formula.

        Args:
            backward: takes a context and the gradients of the results; returns those of the
                arguments.
            setup_context: takes a context, ``inputs`` and ``output``, and keeps what is needed.
        """
        if self._opoverload.schema.is_mutable:
            raise RuntimeError(
                f"Cannot register autograd formula for non-functional operator {self} with schema "
                f"{self._opoverload.schema}. Please create a functional operator and register an "
                "autograd formula for that."
            )
        self._opoverload.backward, self._opoverload.setup_context = backward, setup_context

    def register_vmap(self, func: Callable | None = None) -> Callable:
        """Accept a rule for ``vmap``, which is not used: a vmapped operator refuses."""
        return (lambda function: function) if func is None else func

    def register_autocast(self, device_type: str, cast_inputs: Any) -> None:
        """Convert floating point arguments to a dtype under ``autocast``."""
        self._opoverload.autocast[device_type] = cast_inputs


def custom_op(
    name: str,
    fn: Callable | None = None,
    /,
    *,
    mutates_args: str | Iterable[str],
    device_types: Any = None,
    schema: str | None = None,
    tags: Sequence[Any] | None = None,
) -> Any:
    """Make a function an operator.

    Args:
        name: ``"namespace::name"``.
        fn: the function; without it, a decorator is returned.
        mutates_args: names of the arguments that it overwrites; ``"unknown"`` for all tensors.
        device_types: where it may run; everywhere by default.
        schema: what it takes and returns; read off the annotations by default.
        tags: accepted.

    Example:
        >>> import jtorch as torch
        >>> @torch.library.custom_op("documented::twice", mutates_args=())
        ... def twice(x: torch.Tensor) -> torch.Tensor:
        ...     return x * 2
        >>> twice(torch.tensor([1.0, 2.0])), torch.ops.documented.twice(torch.tensor(3.0))
        (tensor([2., 4.]), tensor(6.))
    """

    def make(function: Callable) -> CustomOpDef:
        wanted = infer_schema(function, mutates_args=mutates_args) if schema is None else schema
        namespace, short = _parsed_name(name)
        made = CustomOpDef(namespace, short, wanted, function, tags)
        made.register_kernel(device_types, function)
        return made

    return make if fn is None else make(fn)


def _parsed_name(qualname: str) -> tuple[str, str]:
    namespace, mark, name = qualname.partition("::")
    if not mark:
        raise ValueError(
            f'Expected `qualname` to be of the form "namespace::name", but got {qualname}. The '
            "qualname passed to the torch.library APIs must consist of a namespace and a name, "
            "e.g. aten::sin"
        )
    return namespace, name


def define(qualname: Any, schema: Any, *, lib: Any = None, tags: Any = ()) -> Any:
    """Define an operator: ``define("ns::name", "(Tensor x) -> Tensor")``.

    With a ``Library`` in front, a decorator: ``define(lib, "name(Tensor x) -> Tensor")``.
    """
    if isinstance(qualname, Library):
        name = qualname.define(schema)

        def with_function(function: Callable) -> Callable:
            qualname.impl(name, function)
            return function

        return with_function
    namespace, name = _parsed_name(qualname)
    _operators.define(namespace, _parse(name + schema))
    return None


def impl(qualname: Any, types: Any, func: Any = None, *, lib: Any = None) -> Any:
    """Give an operator the function for devices: ``impl("ns::name", "cpu", function)``.

    With a ``Library`` in front, a decorator: ``impl(lib, "name", "CPU")``.
    """
    if isinstance(qualname, Library):
        key = func or ""

        def with_function(function: Callable) -> Callable:
            qualname.impl(types, function, key)
            return function

        return with_function
    return _give(qualname, types, func)


def _give(qualname: str, types: Any, func: Callable | None) -> Any:
    namespace, name = _parsed_name(qualname)
    name, _, overload = name.partition(".")

    def register(function: Callable) -> Callable:
        for key in _keys(None if types == "default" else types):
            _operators.entry(namespace, name, overload).kernels[key] = function
        return function

    return register if func is None else register(func)


def register_kernel(
    op: Any, device_types: Any, func: Callable | None = None, /, *, lib: Any = None
) -> Any:
    """Give an operator the function for devices; without a function, a decorator is returned."""
    if isinstance(op, str):
        return _give(op, device_types, func)
    return _give(_operators.find(op).name(), device_types, func)


def register_fake(
    op: Any, func: Callable | None = None, /, *, lib: Any = None, allow_override: bool = False,
    _stacklevel: int = 1,
) -> Any:  # fmt: skip
    """Give the function that says, on the device ``meta``, what an operator returns."""
    operator = _operators.find(op)

    def register(function: Callable) -> Callable:
        operator.fake = function
        return function

    return register if func is None else register(func)


def impl_abstract(qualname: str, func: Callable | None = None, *, lib: Any = None) -> Any:
    """Do what ``register_fake`` does (its name before PyTorch 2.4)."""
    warnings.warn(
        "torch.library.impl_abstract was renamed to torch.library.register_fake. Please use that "
        "instead; we will remove torch.library.impl_abstract in a future version of PyTorch.",
        FutureWarning,
        stacklevel=2,
    )
    return register_fake(qualname, func, lib=lib)


def register_autograd(
    op: Any, backward: Callable, /, *, setup_context: Callable | None = None, lib: Any = None
) -> None:
    """Give an operator its gradient formula; see ``CustomOpDef.register_autograd``."""
    operator = _operators.find(op)
    if operator.schema.is_mutable:
        raise RuntimeError(
            f"Cannot register autograd formula for non-functional operator {operator} with schema "
            f"{operator.schema}. Please create a functional operator and register an autograd "
            "formula for that."
        )
    operator.backward, operator.setup_context = backward, setup_context


def register_autocast(op: Any, device_type: str, cast_inputs: Any, /, *, lib: Any = None) -> None:
    """Convert floating point arguments of an operator to a dtype under ``autocast``."""
    _operators.find(op).autocast[device_type] = cast_inputs


def register_vmap(op: Any, func: Callable | None = None, /, *, lib: Any = None) -> Any:
    """Accept a rule for ``vmap``, which is not used: a vmapped operator refuses."""
    _operators.find(op)
    return (lambda function: function) if func is None else func


def get_ctx() -> None:
    """Return ``None``: sizes on the device ``meta`` are plain numbers."""


__getattr__ = _absent.attributes(__name__)
