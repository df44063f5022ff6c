"""What a rule is, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import ml_dtypes
import numpy as np

#: Of an equation: a function of arrays, or ``None`` where NumPy has none.
Rule = Callable[[Any], Callable | None]

RULES: dict[str, Rule] = {}


def SAME(array: Any) -> Any:
    """The operand itself: a translation gives it no call."""
    return array


#: Dtypes of 16 bits, in which NumPy would round after each step of a sum or a product.
HALVES = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Declare the rule of the primitives with these names."""

    def declare(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return declare


def dtype_of(equation: Any, operand: int = 0) -> np.dtype:
    return np.dtype(equation.invars[operand].aval.dtype)


def shape_of(equation: Any, operand: int = 0) -> tuple[int, ...]:
    return equation.invars[operand].aval.shape


def by_xla(equation: Any) -> Callable:
    """Return a function that has XLA run a primitive by itself."""
    primitive, params = equation.primitive, equation.params

    def run(*arrays: Any) -> Any:
        results = primitive.bind(*[jnp.asarray(array) for array in arrays], **params)
        if primitive.multiple_results:
            return [np.asarray(result) for result in results]
        return np.asarray(results)

    return run
