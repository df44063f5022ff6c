"""The Hurwitz zeta function, also left of 0, where ``jax.scipy.special.zeta`` loses precision."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

#: ``(2 k)!`` over the Bernoulli number ``B(2 k)``: the weights of the Euler-Maclaurin formula.
_WEIGHTS = (
    12.0, -720.0, 30240.0, -1209600.0, 47900160.0, -1.8924375803183791606e9, 7.47242496e10,
    -2.950130727918164224e12, 1.1646782814350067249e14, -4.5979787224074726105e15,
    1.8152105401943546773e17, -7.1661652561756670113e18,
)  # fmt: skip
#: Terms that are added one by one, and how far the rest has to lie from 0.
_FIRST_TERMS, _FAR = 9, 9.0
_MOST_TERMS = 1 << 20
_EPSILON = 1.11022302462515654042e-16


def zeta(s: Any, q: Any) -> Any:
    """Return the sum of ``(q + k) ** -s`` over k, for ``s > 1``, off the poles.

    The first terms are added up, the rest follows from the Euler-Maclaurin formula (Abramowitz and
    Stegun, 23.1.30, as in Moshier's Cephes library). Everything is computed in double precision, as
    PyTorch does on a CPU.

    Args:
        s, q: arrays of one shape and dtype.
    """
    dtype = q.dtype
    s, q = s.astype(jnp.float64), q.astype(jnp.float64)

    def unfinished(state):
        count, at, _, _, done = state
        return jnp.any(((count < _FIRST_TERMS) | (at <= _FAR)) & ~done) & (count < _MOST_TERMS)

    def add(state):
        count, at, total, term, done = state
        going = ((count < _FIRST_TERMS) | (at <= _FAR)) & ~done
        at = jnp.where(going, at + 1, at)
        term = jnp.where(going, at**-s, term)
        total = jnp.where(going, total + term, total)
        small = (-_EPSILON * total < term) & (term < _EPSILON * total)
        return count + 1, at, total, term, done | (going & small)

    first = q**-s
    start = (jnp.asarray(0), q, first, first, jnp.zeros(q.shape, bool))
    _, at, total, term, done = jax.lax.while_loop(unfinished, add, start)
    result = total + term * at / (s - 1) - 0.5 * term
    factor, place = jnp.ones_like(s), 0
    for weight in _WEIGHTS:
        factor = factor * (s + place)
        term = term / at
        result = result + factor * term / weight
        factor = factor * (s + place + 1)
        term = term / at
        place += 2
    return jnp.where(done, total, result).astype(dtype)
