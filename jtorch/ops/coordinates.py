"""Positions of elements, shapes that broadcast together, and powers side by side."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from .._core import dtypes
from .._core import messages_indexing as words
from .._core.promotion import promote_types
from .._core.size import Size
from .._engine.declare import FUNCTIONS, METHODS, op
from .._engine.kinds import Custom
from .._engine.op import Plan
from .._engine.values import make_meta
from ._calls import bound_function


@bound_function("argwhere(Tensor input)")
def argwhere(input):
    """Return the positions of elements that are not zero, one per row.

    Args:
        input: tensor.
    Returns:
        int64 tensor with a column for each dimension.
    """
    return FUNCTIONS["nonzero"](input)


def _nonzero_static_plan(operation, bound, mode) -> Plan:
    operand = bound["input"]
    meta = operand.meta
    size, fill = bound["size"], bound.get("fill_value", -1)
    if size < 0:
        raise words.nonzero_static_size()

    def run(array):
        if not array.ndim:
            return jnp.zeros((size, 0), jnp.int64)
        found = jnp.nonzero(array, size=size, fill_value=fill)
        return jnp.stack(found, -1).astype(jnp.int64)

    result = make_meta((size, meta.ndim), dtypes.int64, meta.device)
    return Plan(run, [operand], (result,))


@op(
    "nonzero_static(Tensor input, *, SymInt size, int64_t fill_value=-1, Tensor out=None)",
    kind=Custom(_nonzero_static_plan),
    differentiable=False,
)
def nonzero_static(input):
    """Return the positions of the first elements that are not zero, as many as asked for.

    Args:
        input: tensor.
        size: number of rows of the result.
        fill_value: what rows hold where there are fewer such elements.
    Returns:
        int64 tensor of shape (size, dimensions).
    """
    raise AssertionError("planned by _nonzero_static_plan")


def unravel_index(indices: Any, shape: int | Sequence[int]) -> tuple[Any, ...]:
    """Return the coordinates of positions in a tensor that is laid out flat.

    Args:
        indices: int tensor of positions.
        shape: of that tensor.
    Returns:
        Tuple of int64 tensors, one for each dimension.
    """
    dtype = indices.dtype
    if indices.is_complex() or indices.is_floating_point() or dtype is dtypes.bool_:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {dtype}")
    if not isinstance(shape, (int, Sequence)):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    sizes = (shape,) if isinstance(shape, int) else shape
    for size in sizes:
        if not isinstance(size, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(size)}")
    sizes = tuple(sizes)
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    steps = [*itertools.accumulate(reversed((*sizes[1:], 1)), operator.mul)][::-1]
    make = FUNCTIONS["tensor"]
    options = {"device": indices.device, "dtype": dtypes.int64}
    places = indices.unsqueeze(-1).floor_divide(make(steps[: len(sizes)], **options))
    return (places % make(sizes, **options)).unbind(-1)


unravel_index.__module__ = "torch.functional"
FUNCTIONS["unravel_index"] = unravel_index


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape that shapes broadcast to.

    Args:
        *shapes: each a sequence of sizes, or one size.
    Raises:
        RuntimeError: they do not broadcast together.
    """
    given = [(each,) if isinstance(each, int) else each for each in shapes if each is not None]
    for shape in given:
        if not isinstance(shape, Sequence):
            raise RuntimeError(
                "Input shapes should be of type ints, a tuple of ints, or a list of ints, got "
                f"{shape}"
            )
    common = [1] * max([len(shape) for shape in given], default=0)
    for place, shape in enumerate(given):
        for dim in range(-1, -1 - len(shape), -1):
            if shape[dim] == common[dim]:
                continue
            if common[dim] == 1:
                if shape[dim] < 0:
                    raise ValueError("Attempting to broadcast a dimension with negative length!")
                common[dim] = shape[dim]
            elif shape[dim] != 1:
                raise words.shapes_mismatch(shape[dim], dim, place, shape, common)
    return Size(common)


broadcast_shapes.__module__ = "torch.functional"
FUNCTIONS["broadcast_shapes"] = broadcast_shapes


@bound_function("vander(Tensor x, int64_t? N=None, bool increasing=False)", method=False)
def vander(x, N=None, increasing=False):
    """Return the powers of the elements of a vector, side by side.

    Args:
        x: vector.
        N: number of columns; as many as elements unless given.
        increasing: whether the powers rise from left to right.
    Returns:
        Matrix; integers are int64.
    """
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    columns = x.shape[0] if N is None else N
    if columns < 0:
        raise RuntimeError("N must be non-negative.")
    dtype = promote_types(x.dtype, dtypes.int64)
    result = FUNCTIONS["zeros"]((x.shape[0], columns), dtype=dtype, device=x.device)
    if columns:
        result.select(1, 0).fill_(1)
        if columns > 1:
            later = result.narrow(1, 1, columns - 1)
            later.copy_(x.unsqueeze(1))
            powers = FUNCTIONS["cumprod"](result.narrow(1, 1, columns - 1), 1)
            result.narrow(1, 1, columns - 1).copy_(powers)
    return result if increasing else FUNCTIONS["flip"](result, [1])


@bound_function("sum_to_size(Tensor input, SymIntArrayRef size)", function=False)
def sum_to_size(input, size):
    """Add dimensions up until a tensor has a size that broadcasts to its own.

    Args:
        size: the size.
    Returns:
        Tensor of that size.
    """
    own, size = tuple(input.shape), tuple(size)
    lead = len(own) - len(size)
    if lead < 0 or any(
        wanted not in (1, had) for wanted, had in zip(size, own[lead:], strict=True)
    ):
        raise words.not_expandable(size, own)
    if not size:
        return input.sum()
    dims = [*range(lead), *[d for d in range(lead, len(own)) if size[d - lead] == 1 != own[d]]]
    result = input.sum(dims, keepdim=True) if dims else input
    return result.view(size) if lead else result


METHODS["sum_to_size"].__doc__ = sum_to_size.__doc__
