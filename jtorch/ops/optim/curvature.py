"""The direction that L-BFGS goes: the inverse Hessian, as the last steps know it, by a vector."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..._engine.declare import op
from ..._engine.graph.op import Spec
from ..._engine.recording.kinds.base import Custom


def _spec(operation, bound, mode) -> Spec:
    gradient, diagonal = bound["gradient"], bound["diagonal"]
    changes, steps, inverses = bound["changes"], bound["steps"], bound["inverses"]
    count = len(changes)

    operands = [gradient, diagonal, *changes, *steps, *inverses]
    return Spec(operands, (gradient.meta.with_grad(0),), {"count": count})


def two_loops(gradient, diagonal, changes, steps, inverses):
    """Multiply minus a gradient by the inverse Hessian of L-BFGS.

    Nocedal and Wright, Numerical Optimization, 2nd edition, algorithm 7.4.

    Args:
        gradient: of shape (n,).
        diagonal: the first estimate, a number times the identity.
        changes, steps: of shape (history, n), the oldest first: of the gradient, of the place.
        inverses: of shape (history,): 1 over their products. A row of zeros has no effect.
    Returns:
        Array of shape (n,).
    """

    def newest_first(q, row):
        change, step, inverse = row
        alpha = jnp.dot(step, q) * inverse
        return q - change * alpha, alpha

    def oldest_first(r, row):
        change, step, inverse, alpha = row
        beta = jnp.dot(change, r) * inverse
        return r + step * (alpha - beta), None

    rows = (changes, steps, inverses)
    q, alphas = jax.lax.scan(newest_first, -gradient, rows, reverse=True)
    return jax.lax.scan(oldest_first, q * diagonal, (*rows, alphas))[0]


@op(
    "_lbfgs_direction(Tensor gradient, Tensor diagonal, TensorList changes, TensorList steps, "
    "TensorList inverses)",
    kind=Custom(_spec),
    method=False,
    function=False,
    differentiable=False,
)
def lbfgs_direction(gradient: Any, diagonal: Any, *history: Any, count: Any) -> Any:
    """Multiply minus a gradient by the inverse Hessian of L-BFGS; see ``two_loops``."""
    parts = [jnp.stack(history[at * count : (at + 1) * count]) for at in range(3)]
    return two_loops(gradient, diagonal, *parts)
