"""What JAX's equations say of their work."""

from __future__ import annotations

import math
from typing import Any

#: Primitives that are functions of their own, and under which parameter.
CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
    "remat": "jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
}


def terms_of(equation: Any) -> float:
    """Return how many products each element of a result is the sum of, 0 where it is none.

    Args:
        equation: of a jaxpr; a product (``dot_general``), a convolution, or any other.
    """
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        contracted = params["dimension_numbers"][0][0]
        shape = equation.invars[0].aval.shape
        return math.prod([shape[dim] for dim in contracted])
    if name == "conv_general_dilated":
        kernel = equation.invars[1].aval.shape
        return math.prod(kernel) / max(1, kernel[params["dimension_numbers"].rhs_spec[0]])
    return 0
