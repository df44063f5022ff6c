"""One operator that a program defined: which function runs, and how gradients flow through it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import jtorch as torch

from .._tensor.tensor import Tensor
from ..ops.compat import namespaces
from ..ops.compat.overloads import OpOverload, OpOverloadPacket
from ..utils import _pytree
from .schemas import OperatorSchema

#: The key of a function that serves every device.
ALL = "CompositeExplicitAutograd"
#: One that is made of other operators, and differentiated through them.
COMPOSITE = "CompositeImplicitAutograd"
_KEYS = {"cpu": "CPU", "cuda": "CUDA", "meta": "Meta"}


class _Below(threading.local):
    """The operators whose own gradient function is running: they are called without it."""

    def __init__(self) -> None:
        self.names: set[str] = set()


_below = _Below()


class Operator(OpOverload):
    """An operator of a program: ``torch.ops.NAMESPACE.NAME.OVERLOAD``.

    Args:
        namespace: of the operator.
        name: of the operator.
        overload: ``"default"`` where the schema names none.
    """

    _schema: OperatorSchema | None = None  # type: ignore[assignment]

    def __init__(self, namespace: str, name: str, overload: str = "default"):
        super().__init__(name, overload, self._run)
        self.namespace = namespace
        self.__module__ = f"torch._ops.{namespace}"
        self._name = self._qualified_name = f"{namespace}::{name}"
        self.kernels: dict[str, Callable] = {}
        self.fake: Callable | None = None
        self.backward: Callable | None = None
        self.setup_context: Callable | None = None
        self.autocast: dict[str, Any] = {}
        self.python_name: str | None = None  # of a function under @custom_op

    @property
    def overloadpacket(self) -> OperatorPacket:
        """The operator with all its overloads."""
        return getattr(namespaces.namespace(self.namespace), self._opname)

    def name(self) -> str:
        """Return the name with its namespace."""
        return self._qualified_name

    @property
    def schema(self) -> OperatorSchema:
        """What it takes and returns.

        Raises:
            AttributeError: it was never defined.
        """
        if self._schema is None:
            space = f"'_OpNamespace' '{self.namespace}' object"
            raise AttributeError(f"{space} has no attribute '{self._opname}'")
        return self._schema

    def _run(self, /, *args: Any, **kwargs: Any) -> Any:
        values = self.schema.bind(self._qualified_name, args, kwargs)
        tensors = _tensors_in(list(values.values()))
        if self.autocast:
            values = self._as_autocast(values, tensors)
        device = "meta" if any(t.is_meta for t in tensors) else _device_of(tensors)
        gradients = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
        own = self._gradient_kernel(device)
        if own is not None:
            with self._below_gradients():
                return self._call(own, values)
        kernel = self._kernel(device)
        if kernel is self.kernels.get(COMPOSITE):
            return self._call(kernel, values)
        if gradients and not self.schema.is_mutable:
            return self._differentiable(kernel, values)
        with torch.no_grad():
            return self._checked(kernel, values)

    def _gradient_kernel(self, device: str) -> Callable | None:
        if self._qualified_name in _below.names:
            return None
        for key in (f"Autograd{_KEYS.get(device, device.upper())}", "Autograd"):
            if key in self.kernels:
                return self.kernels[key]
        return None

    @contextlib.contextmanager
    def _below_gradients(self) -> Iterator[None]:
        _below.names.add(self._qualified_name)
        try:
            yield
        finally:
            _below.names.discard(self._qualified_name)

    def _kernel(self, device: str) -> Callable:
        key = _KEYS.get(device, device.upper())
        if device == "meta":
            order: tuple = (self.fake, *(self.kernels.get(k) for k in ("Meta", COMPOSITE)))
            if self.python_name is None:
                order = (*order, self.kernels.get(ALL))
        else:
            order = tuple([self.kernels.get(k) for k in (key, ALL, COMPOSITE)])
        for kernel in order:
            if kernel is not None:
                return kernel
        if device == "meta" and self.python_name is not None:
            raise RuntimeError(
                f"There was no fake impl registered for <CustomOpDef({self._qualified_name})>. "
                "This is necessary for torch.compile/export/fx tracing to work. Please use "
                f"`{self.python_name}.register_fake` to add an fake impl."
            )
        raise NotImplementedError(
            f"Could not run '{self._qualified_name}' with arguments from the '{key}' backend. "
            f"It is only available for these backends: {sorted(self.kernels)}."
        )

    def _call(self, kernel: Callable, values: dict[str, Any]) -> Any:
        args = [values[a.name] for a in self.schema.arguments if not a.by_name]
        named = {a.name: values[a.name] for a in self.schema.arguments if a.by_name}
        return kernel(*args, **named)

    def _checked(self, kernel: Callable, values: dict[str, Any]) -> Any:
        result = self._call(kernel, values)
        if self.python_name is not None:
            given = {id(tensor) for tensor in _tensors_in(list(values.values()))}
            if any(id(tensor) in given for tensor in _tensors_in(result)):
                module = getattr(kernel, "__module__", None)
                raise RuntimeError(
                    f"{self._opname} (with implementation in {module}): The output of this custom "
                    "operator (1) must not also be an input to this custom operator and (2) may "
                    "not alias any inputs to this custom operator or other returns. The most "
                    "common way to trigger this error is if we have y = custom_op(x) and y and x "
                    "are the same Tensor. Please instead return a clone of the offending output "
                    "tensor(s) (e.g. return x.clone()) or refactor the custom operator to not "
                    "return y."
                )
        return result

    def _as_autocast(self, values: dict[str, Any], tensors: list[Tensor]) -> dict[str, Any]:
        wanted = self.autocast.get(_device_of(tensors))
        if wanted is None or not torch.is_autocast_enabled(_device_of(tensors)):
            return values
        cast = lambda t: t.to(wanted) if t.is_floating_point() else t  # noqa: E731
        return _pytree.tree_map_only(Tensor, cast, values)

    def _differentiable(self, kernel: Callable, values: dict[str, Any]) -> Any:
        """Run the function as a ``torch.autograd.Function`` of all its arguments."""
        operator, arguments = self, self.schema.arguments
        given = [values[argument.name] for argument in arguments]
        leaves: list[Any] = []
        counts: list[int | None] = []
        for value in given:
            lists = isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value)
            counts.append(len(value) if lists else None)
            leaves.extend(value if lists else [value])

        def again(flat: tuple) -> list[Any]:
            found, place = [], iter(flat)
            for count, value in zip(counts, given):
                taken = [next(place) for _ in range(1 if count is None else count)]
                found.append(taken[0] if count is None else type(value)(taken))
            return found

        def forward(ctx: Any, *flat: Any) -> Any:
            held = dict(zip(values, again(flat)))
            result = operator._checked(kernel, held)
            if operator.setup_context is not None:
                by_name = {a.name: held[a.name] for a in arguments if a.by_name}
                inputs = tuple([held[a.name] for a in arguments if not a.by_name])
                more = {"keyword_only_inputs": by_name} if by_name else {}
                operator.setup_context(ctx=ctx, inputs=inputs, output=result, **more)
            return tuple(result) if isinstance(result, list) else result

        def backward(ctx: Any, *gradients: Any) -> Any:
            if operator.backward is None:
                raise RuntimeError(
                    f"Trying to backward through {operator} but no autograd formula was "
                    "registered. Please use register_autograd to add one."
                )
            if operator.schema.returns == ("Tensor[]",):
                gradients = (list(gradients),)
            found = operator.backward(ctx, *gradients)
            parts = found if isinstance(found, tuple) else (found,)
            parts = (*parts, *[None] * (len(counts) - len(parts)))
            flat: list[Any] = []
            for count, part in zip(counts, parts):
                if count is None:
                    flat.append(part)
                else:
                    flat.extend([None] * count if part is None else part)
            return tuple(flat)

        name = f"GeneratedBackwardFor_{self.namespace}_{self._opname}_{self._overloadname}"
        members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        function: Any = type(name, (torch.autograd.Function,), members)
        result = function.apply(*leaves)
        return list(result) if self.schema.returns == ("Tensor[]",) else result


class OperatorPacket(OpOverloadPacket):
    """The overloads of an operator; called, it is the first that was defined.

    Args:
        namespace: of the operator.
        name: of the operator.
    """

    def __init__(self, namespace: str, name: str):
        self._namespace, self._name = namespace, name
        self._qualified_op_name = f"{namespace}::{name}"
        self.__name__ = name
        self._overloads: dict[str, Operator] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return next(iter(self._overloads.values()))(*args, **kwargs)

    def __getattr__(self, name: str) -> Operator:
        found = self.__dict__.get("_overloads", {}).get(name)
        if found is None:
            raise AttributeError(
                f"The underlying op of '{self._namespace}.{self._name}' has no overload name "
                f"'{name}'"
            )
        return found

    def overloads(self) -> list[str]:
        """Return the names of the overloads."""
        return list(self._overloads)

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self._namespace}.{self._name}')>"

    def __str__(self) -> str:
        return f"{self._namespace}.{self._name}"


_OPERATORS: dict[tuple[str, str, str], Operator] = {}


def entry(namespace: str, name: str, overload: str = "default") -> Operator:
    """Return an operator, made where it is new; functions may come before its schema."""
    key = (namespace, name, overload or "default")
    if key not in _OPERATORS:
        _OPERATORS[key] = Operator(*key)
    return _OPERATORS[key]


def define(namespace: str, schema: OperatorSchema) -> Operator:
    """Give an operator its schema, and make it an attribute of ``torch.ops``.

    Raises:
        RuntimeError: it has one.
    """
    overload = schema.overload_name or "default"
    operator = entry(namespace, schema.name, overload)
    if operator._schema is not None:
        raise RuntimeError(
            f"Tried to register an operator ({namespace}::{schema.text}) with the same name and "
            "overload name multiple times. Each overload's schema should only be registered with "
            "a single call to def()."
        )
    operator._schema = schema
    space = namespaces.namespace(namespace)
    packet = space.__dict__.get(schema.name)
    if packet is None:
        packet = OperatorPacket(namespace, schema.name)
        setattr(space, schema.name, packet)
    packet._overloads[overload] = operator
    return operator


def forget(operator: Operator) -> None:
    """Undo a definition, as the end of a ``Library`` does."""
    key = (operator.namespace, operator._opname, operator._overloadname)
    _OPERATORS.pop(key, None)
    vars(namespaces.namespace(operator.namespace)).pop(operator._opname, None)


def find(qualified: Any) -> Operator:
    """Return a defined operator by name (``"ns::name"`` or ``"ns::name.overload"``) or as it is.

    Raises:
        RuntimeError: there is none.
    """
    if isinstance(qualified, Operator):
        return qualified
    if isinstance(qualified, OperatorPacket):
        return next(iter(qualified._overloads.values()))
    own = getattr(qualified, "_opoverload", None)
    if own is not None:
        return own
    if not isinstance(qualified, str):
        raise ValueError(f"expected an operator or its name, got {type(qualified)}")
    namespace, _, rest = qualified.partition("::")
    name, _, overload = rest.partition(".")
    found = _OPERATORS.get((namespace, name, overload or "default"))
    if found is None or found._schema is None:
        raise RuntimeError(f"operator {qualified} does not exist")
    return found


def _tensors_in(tree: Any) -> list[Tensor]:
    return [leaf for leaf in _pytree.tree_leaves(tree) if isinstance(leaf, Tensor)]


def _device_of(tensors: list[Tensor]) -> str:
    return next((t.device.type for t in tensors if t.device.type != "cpu"), "cpu")
