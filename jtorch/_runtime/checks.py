"""Checks that raise: ``torch._assert``, ``torch._check`` and the like, ``torch._assert_async``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .._engine.declare import publish
from .._tensor.tensor import Tensor

_DEFAULT = (
    "Expected cond to be True, but got False. (Could this error message be improved? If so, "
    "please report an enhancement request to PyTorch.)"
)


def _assert(condition: Any, message: Any) -> None:
    """Raise ``AssertionError`` with a message unless a condition holds, be it a tensor."""
    assert condition, message


def _raise(error: type[BaseException], condition: Any, message: Callable | None) -> None:
    if message is None:
        words = _DEFAULT
    elif not callable(message):
        raise TypeError("message must be a callable")
    else:
        words = str(message())
    if not condition:
        raise error(words)


def _check_with(error_type: type[BaseException], cond: Any, message: Callable | None) -> None:
    """Raise an error of the given type unless a condition holds.

    Args:
        error_type: the class of the error.
        cond: a truth value.
        message: returns what the error says; it is called where the condition fails.
    """
    if not isinstance(cond, bool):
        raise TypeError(f"cond must be a bool, but got {type(cond)}")
    if not cond:
        _raise(error_type, cond, message)


def _checking(name: str, error: type[BaseException]) -> Callable:
    def check(cond: Any, message: Callable | None = None) -> None:
        _check_with(error, cond, message)

    check.__name__ = check.__qualname__ = name
    check.__module__ = "torch"
    check.__doc__ = f"""Raise unless a condition holds.

    Args:
        cond: a truth value.
        message: returns what the error says; it is called where the condition fails.
    Raises:
        {error.__name__}: it is false.
        TypeError: it is no truth value, or the message cannot be called.
    """
    return check


_check = _checking("_check", RuntimeError)
_NAMED = {
    "_check": _check,
    "_check_index": _checking("_check_index", IndexError),
    "_check_value": _checking("_check_value", ValueError),
    "_check_type": _checking("_check_type", TypeError),
    "_check_not_implemented": _checking("_check_not_implemented", NotImplementedError),
}


def _check_is_size(i: Any, message: Callable | None = None, *, max: Any = None) -> None:
    """Raise ``RuntimeError`` unless a number can be a size, at most ``max`` (deprecated)."""
    warnings.warn(
        "_check_is_size will be removed in a future PyTorch release along with "
        "guard_size_oblivious.     Use _check(i >= 0) instead.",
        FutureWarning,
        stacklevel=3,
    )
    _check(i >= 0, message)
    if max is not None:
        _check(i <= max, message)


def _check_tensor_all_with(
    error_type: type[BaseException], cond: Any, message: Callable | None = None
) -> None:
    """Raise an error of the given type unless every element of a tensor of bools is true."""
    if not isinstance(cond, Tensor):
        raise TypeError(f"cond must be a tensor, but got {type(cond)}")
    if str(cond.dtype) != "torch.bool":
        raise TypeError(f"cond tensor must have dtype torch.bool, but got {cond.dtype}")
    _check_with(error_type, bool(cond.all()), message)


def _check_tensor_all(cond: Any, message: Callable | None = None) -> None:
    """Raise ``RuntimeError`` unless every element of a tensor of bools is true."""
    _check_tensor_all_with(RuntimeError, cond, message)


def _assert_async(input: Any, assert_msg: str | None = None) -> None:
    """Raise ``RuntimeError`` unless the one element of a tensor is not zero."""
    if not bool(input):
        raise RuntimeError(assert_msg or "Expected Tensor with single nonzero value, but got zero")


for _function in (
    *(_assert, _check_with, _check_is_size, _check_tensor_all, _check_tensor_all_with),
    _assert_async,
):
    _function.__module__ = "torch"
    _NAMED[_function.__name__] = _function
for _name, _function in _NAMED.items():
    publish(_name, _function)
