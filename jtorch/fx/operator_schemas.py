"""The arguments of a node by the signature of what it calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jtorch as torch

from .._runtime import absent as _absent

__all__ = [
    "ArgsKwargsPair",
    "get_signature_for_torch_op",
    "normalize_function",
    "normalize_module",
]


class ArgsKwargsPair(NamedTuple):
    """Arguments by position and by name."""

    args: tuple
    kwargs: dict[str, Any]


def get_signature_for_torch_op(op: Callable, return_schemas: bool = False) -> Any:
    """Return the signatures of a public function in a list, ``None`` where it shows none."""
    try:
        found = [inspect.signature(op)]
    except (TypeError, ValueError):
        found = None  # type: ignore[assignment]
    return (found, None) if return_schemas else found


def normalize_function(
    target: Callable,
    args: tuple,
    kwargs: dict[str, Any] | None = None,
    arg_types: tuple | None = None,
    kwarg_types: dict[str, Any] | None = None,
    normalize_to_only_use_kwargs: bool = False,
) -> ArgsKwargsPair | None:
    """Return the arguments of a function with the defaults written out.

    Args:
        target: the function.
        args, kwargs: the arguments.
        arg_types, kwarg_types: taken and not needed: signatures decide.
        normalize_to_only_use_kwargs: whether all that can be are given by name.
    Returns:
        A pair; ``None`` where the arguments do not fit.
    """
    signatures = get_signature_for_torch_op(target)
    if not signatures:
        return None
    return _bound(signatures[0], args, kwargs or {}, normalize_to_only_use_kwargs)


def normalize_module(
    root: torch.nn.Module,
    target: str,
    args: tuple,
    kwargs: dict[str, Any] | None = None,
    normalize_to_only_use_kwargs: bool = False,
) -> ArgsKwargsPair | None:
    """Return the arguments of a submodule with the defaults written out."""
    try:
        module = root.get_submodule(target)
    except AttributeError as error:
        raise RuntimeError(
            f"Tried to normalize node with target {target} but root did not have that target!"
        ) from error
    signature = inspect.signature(module.forward)
    return _bound(signature, args, kwargs or {}, normalize_to_only_use_kwargs)


def _bound(
    signature: inspect.Signature, args: tuple, kwargs: dict[str, Any], by_name: bool
) -> ArgsKwargsPair | None:
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        return None
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional.extend(bound.arguments.get(name, ()))
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            named.update(bound.arguments.get(name, {}))
            continue
        if name in bound.arguments:
            value = bound.arguments[name]
        elif parameter.default is parameter.empty or repr(parameter.default) == "...":
            continue
        else:
            value = parameter.default
        if by_name or parameter.kind is parameter.KEYWORD_ONLY:
            named[name] = value
        else:
            positional.append(value)
    return ArgsKwargsPair(tuple(positional), named)


__getattr__ = _absent.attributes(__name__)
