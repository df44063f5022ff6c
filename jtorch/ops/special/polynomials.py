"""Orthogonal polynomials by their recurrences: ``torch.special``.

The recurrences are those of Abramowitz and Stegun, *Handbook of Mathematical Functions* (1964),
chapter 22. High orders of Chebyshev polynomials inside (-1, 1) are taken by cosines, from the order
on that PyTorch does so. None of these functions has a gradient in PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes
from ..._engine.declare import SPECIAL_FUNCTIONS, op
from ..._engine.recording.kinds.base import truncated
from ..._engine.recording.kinds.pointwise import Pointwise, only

_PRECISE = frozenset((dtypes.float32, dtypes.float64))
#: Orders of Hermite polynomials above which PyTorch answers NaN.
_MOST_HERMITE = {"float32": 128, "float64": 512}


def _recur(x, n, second, step: Callable, needed: Any = True):
    """Follow a recurrence from the orders 0 and 1 up to order n, element by element.

    Args:
        x: where to evaluate.
        n: int64 array of orders.
        second: the polynomial of order 1.
        step: ``(k, x, p, q) -> next``, where p and q are those of order k - 1 and k.
        needed: elements whose result is used.
    """
    first = jnp.ones_like(x)

    def more(state):
        k, _, q = state
        return jnp.any((k < n) & ~jnp.isnan(q) & needed)

    def advance(state):
        k, p, q = state
        going = k < n
        new = step(k.astype(x.dtype), x, p, q)
        return k + 1, jnp.where(going, q, p), jnp.where(going, new, q)

    start = (jnp.asarray(1, jnp.int64), first, second)
    _, _, result = jax.lax.while_loop(more, advance, start)
    return jnp.where(n <= 0, first, result)


def _ends(n, kind: str, right: bool):
    """Return a Chebyshev polynomial of order n at 1 or -1."""
    sign = 1 if right else jnp.where(n % 2 == 0, 1, -1)
    if kind == "u":
        return sign * (n + 1)
    # V grows towards the left end, W towards the right one.
    grows = (kind == "v" and not right) or (kind == "w" and right)
    return sign * (2 * n + 1) if grows else sign * jnp.ones_like(n)


def _by_angle(x, n, kind: str):
    """Return a Chebyshev polynomial inside (-1, 1) by the angle whose cosine x is."""
    angle = jnp.arccos(x)
    if kind == "t":
        return jnp.cos(n * angle)
    if kind == "u":
        sine = jnp.sin(angle)
        other = (n + 1) * jnp.cos((n + 1) * angle) / x
        return jnp.where(sine != 0, jnp.sin((n + 1) * angle) / jnp.where(sine == 0, 1, sine), other)
    half = (n + jnp.asarray(0.5, x.dtype)) * angle
    if kind == "v":
        return jnp.cos(half) / jnp.cos(angle / 2)
    return jnp.sin(half) / jnp.sin(angle / 2)


def _chebyshev(kind: str, highest: int) -> Callable:
    """Make the function of one kind of Chebyshev polynomial.

    Args:
        kind: ``"t"``, ``"u"``, ``"v"`` or ``"w"``.
        highest: the highest order that is found by the recurrence inside (-1, 1).
    """

    def function(x, n):
        shift = {"t": x, "u": x + x, "v": x + x - 1, "w": x + x + 1}[kind]
        inside = (n > highest) & (jnp.abs(x) < 1)
        at_end = jnp.abs(x) == 1
        result = _recur(x, n, shift, lambda k, x, p, q: (x + x) * q - p, ~inside & ~at_end)
        order = n.astype(x.dtype)
        result = jnp.where(inside, _by_angle(jnp.where(inside, x, 0.5), order, kind), result)
        ends = jnp.where(x > 0, _ends(n, kind, True), _ends(n, kind, False))
        return jnp.where(at_end, ends.astype(x.dtype), result)

    return function


def _shifted(kind: str, highest: int) -> Callable:
    plain = _chebyshev(kind, highest)
    return lambda x, n: plain(x + x - 1, n)


def _hermite(physical: bool) -> Callable:
    def function(x, n):
        factor = 2 if physical else 1
        limit = _MOST_HERMITE[x.dtype.name]
        kept = jnp.minimum(n, limit)
        result = _recur(x, kept, factor * x, lambda k, x, p, q: factor * x * q - factor * k * p)
        return jnp.where(n > limit, jnp.nan, result).astype(x.dtype)

    return function


def _laguerre(x, n):
    result = _recur(
        x, n, 1 - x, lambda k, x, p, q: ((k + k + (1 - x)) * q - k * p) / (k + 1), x != 0
    )
    return jnp.where(x == 0, 1, result).astype(x.dtype)


def _legendre(x, n):
    at_end = jnp.abs(x) == 1
    result = _recur(x, n, x, lambda k, x, p, q: ((k + k + 1) * x * q - k * p) / (k + 1), ~at_end)
    ends = jnp.where((x > 0) | (n % 2 == 0), 1, -1)
    return jnp.where(at_end, ends, result).astype(x.dtype)


def _declare(name: str, what: str, function: Callable) -> None:
    def pure(x, n):
        # torch 2.13: orders are cut to whole numbers; what is no number is a negative order.
        order = truncated(n, np.dtype(np.int64), jnp)
        x, order = jnp.broadcast_arrays(x, order)
        return jnp.where(order < 0, 0, function(x, jnp.maximum(order, 0))).astype(x.dtype)

    pure.__doc__ = f"""Evaluate {what}.

    Args:
        x: where to evaluate, a tensor or a number.
        n: the orders, a tensor or a number; below 0 the result is 0.
    Returns:
        Tensor of float32 or float64, without a gradient.
    """
    op(
        f"special_{name}(Tensor x, Tensor n, *, Tensor out=None)",
        f"special_{name}(Scalar x, Tensor n, *, Tensor out=None)",
        f"special_{name}(Tensor x, Scalar n, *, Tensor out=None)",
        kind=Pointwise(
            operands=("x", "n"), promote="float", check=only(_PRECISE, kernel=f"{name}_cpu")
        ),
        arity="binary",
        method=False,
        registry=SPECIAL_FUNCTIONS,
        differentiable=False,
    )(pure)


for _kind, _highest, _highest_shifted in (("t", 6, 6), ("u", 8, 6), ("v", 8, 6), ("w", 8, 4)):
    _declare(
        f"chebyshev_polynomial_{_kind}",
        f"Chebyshev polynomials of the kind {_kind.upper()}",
        _chebyshev(_kind, _highest),
    )
    _declare(
        f"shifted_chebyshev_polynomial_{_kind}",
        f"Chebyshev polynomials of the kind {_kind.upper()}, moved to the interval from 0 to 1",
        _shifted(_kind, _highest_shifted),
    )
_declare("hermite_polynomial_h", "Hermite polynomials of physicists", _hermite(True))
_declare("hermite_polynomial_he", "Hermite polynomials of probabilists", _hermite(False))
_declare("laguerre_polynomial_l", "Laguerre polynomials", _laguerre)
_declare("legendre_polynomial_p", "Legendre polynomials", _legendre)
