"""Gradient rules of operators of elements, stated as PyTorch's formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import jax
import jax.numpy as jnp

from . import _messages
from .widening import widen


def from_result(rule: Callable[[Any, Any], Any]) -> Callable:
    """Return the ``vjp`` of an operator of one operand whose gradient is a function of its result.

    Args:
        rule: ``(gradient, conjugate of the result) -> gradient of the operand``.
    """

    def vjp(cotangents: Sequence[Any], results: Sequence[Any], operands: Sequence[Any]) -> list:
        gradient, result = widen(cotangents[0]), jnp.conj(widen(results[0]))
        return [rule(gradient, result).astype(operands[0].dtype)]

    return vjp


def with_partials(function: Callable, *partials: Callable | None) -> Callable:
    """Give a pure function its derivatives.

    Args:
        function: of as many arrays as there are partials, all of one dtype.
        *partials: for each array ``(tangent, *arrays) -> tangent of the result``, linear in the
            tangent, or ``None`` for zero.
    """
    wrapped = jax.custom_jvp(function)

    def rule(primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
        result = wrapped(*primals)
        terms = [
            partial(tangent, *primals)
            for partial, tangent in zip(partials, tangents, strict=True)
            if partial is not None
        ]
        total = sum(terms[1:], terms[0]) if terms else jnp.zeros_like(result)
        return result, jnp.broadcast_to(total, result.shape).astype(result.dtype)

    wrapped.defjvp(rule)
    return wrapped


def refusing(refusal: Callable[[], Exception]) -> Callable:
    """Return the ``vjp`` of an operator whose gradient PyTorch refuses, when it is asked for.

    Args:
        refusal: makes the exception; called while the gradient is planned.
    """

    def vjp(cotangents: Sequence[Any], results: Sequence[Any], operands: Sequence[Any]) -> NoReturn:
        raise refusal()

    vjp.refusal = refusal  # type: ignore[attr-defined]
    return vjp


def not_differentiable(name: str) -> Callable:
    """Return the ``vjp`` of an operator that PyTorch cannot differentiate."""
    return refusing(lambda: _messages.not_differentiable(name))
