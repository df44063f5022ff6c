"""Calls that fail, refused in the words of PyTorch's signatures where their arguments are wrong.

A function that is written in Python binds its own arguments, at no cost, in Python's words. Where
it fails, the arguments are bound to PyTorch's signatures to find out whether they were to blame.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..._core.schema.messages import not_a_tensor_in_list, takes_nothing
from ..._core.schema.schema import Schema, is_tensor_like


def refusal(
    schema: Schema, args: Sequence[Any], kwargs: Mapping[str, Any], as_method: bool
) -> Exception | None:
    """Return what is wrong with the arguments of a call, None where they fit a signature.

    Args:
        schema: the signatures.
        args, kwargs: of the call; those of a method begin with ``self``.
        as_method: whether a method was called.
    """
    try:
        schema.bind(args[1:] if as_method else args, kwargs, as_method)
    except Exception as error:
        return error.with_traceback(None)
    return None


def refused_by(
    call: Callable, name: str, signatures: Sequence[str], as_method: bool = False
) -> Callable:
    """Return the same function, which refuses wrong arguments in PyTorch's words.

    Args:
        call: a function that binds its own arguments.
        name: what messages call it.
        signatures: in PyTorch's argument language, without the name.
        as_method: whether it is a method.
    """
    schema = Schema(*[name + signature for signature in signatures])

    @functools.wraps(call)
    def checked(*args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except Exception:
            error = refusal(schema, args, kwargs, as_method)
            if error is None:
                raise
        raise error

    return checked


def method_refused_by(*signatures: str) -> Callable[[Callable], Callable]:
    """Return a decorator of methods: ``refused_by`` with the method's own name."""
    return lambda call: refused_by(call, call.__name__, signatures, as_method=True)


def without_arguments(function: Callable) -> Callable:
    """Return a function of ``torch`` that takes nothing, which says so as one written in C does."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if args or kwargs:
            raise takes_nothing(function.__name__, len(args), bool(kwargs), "torch")
        return function()

    return call


def of_tensors(function: Callable, in_a_list: bool = False) -> Callable:
    """Return a function of any number of tensors that refuses what is none.

    Args:
        function: the function.
        in_a_list: whether they may come in one list.
    """

    @functools.wraps(function)
    def call(*tensors: Any, **kwargs: Any) -> Any:
        try:
            return function(*tensors, **kwargs)
        except Exception:
            alone = in_a_list and len(tensors) == 1 and isinstance(tensors[0], (tuple, list))
            given = tensors[0] if alone else tensors
            wrong = [place for place, each in enumerate(given) if not is_tensor_like(each)]
            if not wrong:
                raise
        raise not_a_tensor_in_list(given[wrong[0]], wrong[0], 0)

    return call
