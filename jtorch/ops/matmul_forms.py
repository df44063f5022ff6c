"""The forms of products of matrices that XLA runs fastest on the CPU."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

#: PyTorch multiplies float32 in full precision unless asked otherwise, on accelerators too.
PRECISION = jax.lax.Precision.HIGHEST
# Where rows lie a multiple of so many bytes apart, a column meets few sets of the first cache.
_ALIASING = 2048
# Fewer rows do not fill a set, and a larger matrix costs more to transpose.
_FEWEST_ROWS, _MOST_ELEMENTS = 64, 1 << 21


def times(left: Any, right: Any) -> Any:
    """Multiply two matrices."""
    return jnp.matmul(left, right, precision=PRECISION)


def hoisted(array: Any) -> Any:
    """Return a transpose that is made once: XLA would make it inside of each product with it."""
    return jax.lax.optimization_barrier(array.T)


def products_of_columns(left: Any, *rights: Any) -> list[Any]:
    """Return ``left.T @ right`` of each ``right``, as gradients of weights are.

    XLA reads the columns of ``left``. Rows of 512 floats, say, it reads at 0.6 to 0.8 of the usual
    rate, so there ``left`` is transposed beforehand. (768 rows, products with 128 columns, two
    cores with AVX-512: 64 to 81 GFLOP/s for 512, 1024, 1536 and 2048 floats, transposed 91 to 101;
    for eight other widths 83 to 123, transposed 95 to 123.)

    Args:
        left: of shape (rows, n).
        rights: of shape (rows, m).
    Returns:
        Arrays of shape (n, m).
    """
    columns = hoisted(left) if _is_aliased(left) else left.T
    return [times(columns, right) for right in rights]


def _is_aliased(matrix: Any) -> bool:
    rows, columns = matrix.shape
    return (
        columns > 0
        and columns * matrix.dtype.itemsize % _ALIASING == 0
        and rows >= _FEWEST_ROWS
        and matrix.size <= _MOST_ELEMENTS
    )
