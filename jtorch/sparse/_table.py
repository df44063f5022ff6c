"""Which function does a call whose arguments are sparse tensors: a table by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jtorch as torch

from .._engine.declare import METHODS
from .._engine.recording.signatures import CallSignature
from ._refusals import refusal
from ._tensor import SparseTensor

#: By the public name of a function or method.
_TABLE: dict[str, Callable] = {}
#: Those that bind their arguments themselves.
_UNBOUND: set[Callable] = set()
#: Functions whose results are leaves where their argument is one.
_KEEPS_LEAF = frozenset(("__copy__", "__deepcopy__"))
#: Attributes of tensors, which are read without a call.
_PROPERTIES: dict[str, Callable] = {}
#: Names of ``grad_fn`` that do not follow from the name of the function.
_NODE_NAMES = {
    "to_sparse_coo": "ToSparseBackward1",
    "to_sparse": "ToSparseBackward1",
    "_to_sparse": "ToSparseBackward0",
    "to": "ToCopyBackward0",
    "double": "ToCopyBackward0",
    "float": "ToCopyBackward0",
    "half": "ToCopyBackward0",
    "bfloat16": "ToCopyBackward0",
    "subtract": "SubBackward0",
    "__rsub__": "RsubBackward1",
    "negative": "NegBackward0",
    "multiply": "MulBackward0",
    "divide": "DivBackward0",
    "true_divide": "DivBackward0",
    "T": "PermuteBackward0",
    "mT": "TransposeBackward0",
    "absolute": "AbsBackward0",
}


def implements(
    *names: str, node: str | None = None, bound: bool = True
) -> Callable[[Callable], Callable]:
    """Enter a function in the table.

    Args:
        *names: of the function or method; its arguments come as that one's signatures name them,
            the first one by position.
        node: name of ``grad_fn`` of a result, where it does not follow from the name.
        bound: whether arguments are bound to PyTorch's signatures before.
    """

    def enter(function: Callable) -> Callable:
        for name in names:
            if name in _TABLE:
                raise ValueError(f"the sparse form of {name} is declared twice")
            _TABLE[name] = function
            if not bound:
                _UNBOUND.add(function)
            if node is not None:
                _NODE_NAMES[name] = node
        return function

    return enter


def attribute(name: str) -> Callable[[Callable], Callable]:
    """Enter a function that gives an attribute."""

    def enter(function: Callable) -> Callable:
        _PROPERTIES[name] = function
        return function

    return enter


def find(name: str) -> Callable | None:
    """Return the sparse form of a function, ``None`` where there is none."""
    return _TABLE.get(name)


def call(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Do a call some of whose arguments are sparse tensors.

    Args:
        func: the public function or method, or ``__get__`` of an attribute.
        args, kwargs: the arguments.

    Raises:
        NotImplementedError: there is no such operator of sparse tensors.
        TypeError: the arguments do not fit.
    """
    owner = getattr(func, "__self__", None)
    if isinstance(owner, property):
        return _of_attribute(_attribute_name(owner), func, args)
    name = func.__name__
    function = _TABLE.get(name)
    if function is None and name.startswith("_foreach_"):
        return _for_each(name, *args, **kwargs)
    if function is None:
        body = _composite_body(func)
        if body is not None and name in COMPOSITES:
            return body(*args, **kwargs)
        raise refusal(name, _first(args, kwargs), args, kwargs)
    if function in _UNBOUND:
        return _finished(function(*args, **kwargs), name, args)
    first, rest = _bound(func, args, kwargs)
    return _finished(function(*first, **rest), name, args)


def _for_each(name: str, tensors: Any, *rest: Any, **kwargs: Any) -> Any:
    """Do a call of a list of tensors one by one, as PyTorch does where one is sparse."""
    method = name.removeprefix("_foreach_")
    if method == "norm":
        raise refusal("linalg_norm", _first((tensors,), {}), (), {})
    results = []
    for place, tensor in enumerate(tensors):
        own = [each[place] if isinstance(each, (list, tuple)) else each for each in rest]
        results.append(getattr(tensor, method)(*own, **kwargs))
    return None if method.endswith("_") else tuple(results)


#: Functions made of others that have sparse forms: their own bodies run.
COMPOSITES: set[str] = set()


def _composite_body(func: Any) -> Callable | None:
    return getattr(func, "__wrapped__", None)


def _attribute_name(owner: Any) -> str:
    for name, method in METHODS.items():
        if method is owner:
            return name
    return owner.fget.__name__


def _of_attribute(name: str, func: Any, args: tuple) -> Any:
    function = _PROPERTIES.get(name)
    if function is None or getattr(func, "__name__", "") != "__get__":
        raise refusal(name, args[0], args, {})
    return _finished(function(args[0]), name, args)


def _bound(func: Any, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Bind a call to its signatures: the first argument by position, the others by name."""
    signature = getattr(func, "__signature__", None)
    if not isinstance(signature, CallSignature):
        return args, kwargs
    if signature.method:
        _, bound = signature.schema.bind(args[1:], kwargs, True)
        return args[:1], _without_out(bound)
    _, bound = signature.schema.bind(args, kwargs)
    names = list(bound)
    first = bound.pop(names[0])
    return (first,), _without_out(bound)


def _without_out(bound: dict[str, Any]) -> dict[str, Any]:
    if bound.get("out") is None:
        bound.pop("out", None)
    return bound


def _first(args: tuple, kwargs: dict[str, Any]) -> Any:
    for value in (*args, *kwargs.values()):
        if isinstance(value, SparseTensor):
            return value
        if isinstance(value, (list, tuple)):
            for inner in value:
                if isinstance(inner, SparseTensor):
                    return inner
    return None


def _finished(result: Any, name: str, args: tuple) -> Any:
    """Return a result of the table: a new tensor is a result of the function, not a leaf."""
    if type(result) is not SparseTensor or any(result is each for each in args):
        return result
    values = result._elements
    if not values.requires_grad or name in _KEEPS_LEAF:
        return result
    if not torch.is_grad_enabled():
        if values.is_leaf:
            result._elements = values.detach()
        return result
    if values.is_leaf:
        result._elements = values.view_as(values)
    if result._name is None:
        result._name = node_name(name)
    return result


def node_name(name: str) -> str:
    """Return the name of ``grad_fn`` of what a function gives."""
    known = _NODE_NAMES.get(name)
    if known is not None:
        return known
    return "".join(part.capitalize() for part in name.strip("_").split("_")) + "Backward0"
