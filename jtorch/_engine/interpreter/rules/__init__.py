"""NumPy kernels for JAX's primitives: one rule for each, by the primitive's name.

A rule takes the equation and returns a function of NumPy arrays, or ``None`` where this equation
has a form that it does not cover; then XLA runs the primitive by itself. Rules may return views of
their operands: nothing that the interpreter computes is written to afterwards. Where NumPy and XLA
differ (division of integers, conversion of what does not fit, positions out of bounds) the rules do
what XLA does, as both tiers have to give the same results but for the last bits.
"""

from __future__ import annotations

from . import (  # noqa: F401
    convolution,
    elementwise,
    gathering,
    linear_algebra,
    products,
    reductions,
    shapes,
)
from .base import RULES as RULES
from .base import SAME as SAME
