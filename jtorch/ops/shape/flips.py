"""Views whose elements are read conjugated, or with the other sign."""

from __future__ import annotations

import jax.numpy as jnp

from ..._engine.declare import op
from ..._engine.recording.kinds.base import View
from ..._engine.recording.storage import is_flipped


def _same_place(meta):
    return meta.shape, meta.strides


@op(
    "_conj(Tensor input)",
    kind=View(_same_place, put=lambda base, new: jnp.conj(new)),
    arity="view",
    node_name="ConjBackward0",
)
def _conj(input):
    """Conjugate each complex number: a view, whose elements are read conjugated."""
    return jnp.conj(input)


@op(
    "_neg_view(Tensor input)",
    kind=View(_same_place, put=lambda base, new: -new),
    arity="view",
)
def _neg_view(input):
    """Change each number's sign: a view, whose elements are read with the other sign."""
    return -input


@op("conj(Tensor input)", arguments="count")
def conj(input):
    """Conjugate each complex number.

    Args:
        input: tensor; a real one is returned itself.
    Returns:
        Tensor of the same dtype, a view.
    """
    return _conj.call(input) if input.dtype.is_complex else input


@op("is_conj(Tensor input)", arguments="count")
def is_conj(input):
    """Tell whether the tensor is a view whose elements are read conjugated."""
    return is_flipped(input, "_conj")


@op("is_neg(Tensor input)", arguments="count")
def is_neg(input):
    """Tell whether the tensor is a view whose elements are read with the other sign."""
    return is_flipped(input, "_neg_view")


@op("resolve_conj(Tensor input)", arguments="count")
def resolve_conj(input):
    """Return the tensor itself, or a copy of it where it is a conjugated view."""
    return input.clone() if is_flipped(input, "_conj") else input


@op("resolve_neg(Tensor input)", arguments="count")
def resolve_neg(input):
    """Return the tensor itself, or a copy of it where it is a view of the other sign."""
    return input.clone() if is_flipped(input, "_neg_view") else input
