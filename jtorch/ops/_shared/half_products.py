"""Products of float16 and bfloat16 on accelerators, which multiply them as they are.

cuBLAS and cuDNN read 16-bit operands, add up in float32 and round once. XLA gives them a product
only where both of its operands are of 16 bits: JAX widens the other operand of a mixed one to
float32, which costs a GPU its tensor cores. So a cotangent is rounded before it is multiplied, as
PyTorch's is, which is a tensor of the result's dtype. The CPU, as PyTorch's, computes in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp

from ..._core import dtypes
from ..._engine.graph.values import Meta


def stays_half(meta: Meta) -> bool:
    """Tell whether products of a tensor have operands of its own 16-bit dtype."""
    return meta.dtype in dtypes.HALVES and meta.device.type != "cpu"


class AddendGradient(NamedTuple):
    """The gradient of ``beta * addend + alpha * (left @ right)`` in 16 bits.

    Attributes:
        wanted: whether the gradient of each of addend, left and right is wanted.
        shapes: those of addend, left and right.
        numbers: beta and alpha, ``None`` where they are operands.
        multiply: multiplies two arrays of the dtype.
    """

    wanted: tuple[bool, ...]
    shapes: tuple[tuple[int, ...], ...]
    numbers: tuple[Any, Any]
    multiply: Callable[[Any, Any], Any]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], operands: Sequence[Any]
    ) -> list:
        cotangent = cotangents[0]
        _, left, right, *given = operands
        rest = iter(given)
        beta, alpha = [next(rest) if number is None else number for number in self.numbers]
        of_addend, of_left, of_right = self.shapes
        gradients = []
        if self.wanted[0]:
            gradients.append(_times(_summed_to(cotangent, of_addend), beta))
        # What ``addbmm`` adds up is one matrix, the cotangent of every product of the batch; of a
        # product with a vector rows and columns are of size 1.
        upstream = cotangent[:, None] if len(of_right) == 1 else cotangent
        if len(of_left) > upstream.ndim:
            upstream = jnp.broadcast_to(upstream, (of_left[0], *upstream.shape))
        if self.wanted[1]:
            other = right[:, None] if len(of_right) == 1 else right
            product = self.multiply(upstream, jnp.swapaxes(other, -1, -2))
            gradients.append(_times(product, alpha))
        if self.wanted[2]:
            product = self.multiply(jnp.swapaxes(left, -1, -2), upstream)
            gradients.append(_times(product.reshape(of_right), alpha))
        return gradients


def _times(array: Any, factor: Any) -> Any:
    if isinstance(factor, (int, float)) and factor == 1:
        return array
    return (array.astype(jnp.float32) * jnp.asarray(factor).astype(jnp.float32)).astype(array.dtype)


def _summed_to(array: Any, shape: tuple[int, ...]) -> Any:
    """Add up over the dimensions that a tensor of a shape was expanded along, rounding once."""
    lead = array.ndim - len(shape)
    axes = [*range(lead)]
    axes += [d + lead for d, size in enumerate(shape) if size == 1 != array.shape[d + lead]]
    if not axes:
        return array
    total = jnp.sum(array.astype(jnp.float32), tuple(axes), keepdims=True)
    return total.reshape(shape).astype(array.dtype)
