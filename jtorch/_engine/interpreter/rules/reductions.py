"""Sums and other reductions, cumulative ones, sorting."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .base import HALVES, RULES, SAME, Rule, dtype_of, rule, shape_of


def _reduction(function: Any) -> Rule:
    def make(equation: Any) -> Callable:
        axes = tuple(equation.params["axes"])
        dtype = dtype_of(equation)
        if not axes:
            return SAME
        if dtype in HALVES:
            return lambda array: function.reduce(array.astype(np.float32), axes).astype(dtype)
        if function in (np.add, np.multiply):
            return lambda array: function.reduce(array, axes, dtype)
        return lambda array: function.reduce(array, axes)

    return make


_function: Any
for _name, _function in {
    "reduce_sum": np.add,
    "reduce_prod": np.multiply,
    "reduce_and": np.bitwise_and,
    "reduce_or": np.bitwise_or,
    "reduce_xor": np.bitwise_xor,
}.items():
    RULES[_name] = _reduction(_function)


def _extremum(function: Any, lowest: bool) -> Rule:
    def make(equation: Any) -> Callable:
        axes = tuple(equation.params["axes"])
        dtype = dtype_of(equation)
        if math.prod([shape_of(equation)[axis] for axis in axes]):
            return lambda array: function.reduce(array, axes)
        shape = equation.outvars[0].aval.shape
        value: Any
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            value = limits.min if lowest else limits.max
        else:
            value = (not lowest) if dtype.kind == "b" else (-np.inf if lowest else np.inf)
        return lambda array: np.full(shape, value, dtype)

    return make


RULES["reduce_max"] = _extremum(np.maximum, True)
RULES["reduce_min"] = _extremum(np.minimum, False)


def _position(function: Callable) -> Rule:
    def make(equation: Any) -> Callable:
        (axis,) = equation.params["axes"]
        dtype = np.dtype(equation.params["index_dtype"])
        return lambda array: function(array, axis=axis).astype(dtype)

    return make


RULES["argmax"] = _position(np.argmax)
RULES["argmin"] = _position(np.argmin)


def _cumulative(function: Any) -> Rule:
    def make(equation: Any) -> Callable | None:
        axis, dtype = equation.params["axis"], dtype_of(equation)
        if dtype in HALVES:
            return None
        if equation.params["reverse"]:
            return lambda array: np.flip(
                function.accumulate(np.flip(array, axis), axis, dtype=dtype), axis
            )
        return lambda array: function.accumulate(array, axis, dtype=dtype)

    return make


for _name, _function in {
    "cumsum": np.add,
    "cumprod": np.multiply,
    "cummax": np.maximum,
    "cummin": np.minimum,
}.items():
    RULES[_name] = _cumulative(_function)


@rule("sort")
def _sort(equation: Any) -> Callable | None:
    axis, keys = equation.params["dimension"], equation.params["num_keys"]
    if keys != 1 or dtype_of(equation).kind == "c":
        return None
    small = dtype_of(equation).kind == "V"  # of which NumPy does not know where NaN goes
    if len(equation.invars) == 1 and not small:
        return lambda array: [np.sort(array, axis=axis, kind="stable")]

    def sort(*arrays: Any) -> list[Any]:
        keys = arrays[0].astype(np.float32) if small else arrays[0]
        order = np.argsort(keys, axis=axis, kind="stable")
        return [np.take_along_axis(array, order, axis) for array in arrays]

    return sort
