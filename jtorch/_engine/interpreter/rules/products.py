"""Products of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .base import HALVES, rule, shape_of


@rule("dot_general")
def _dot_general(equation: Any) -> Callable:
    ((left, right), (left_batch, right_batch)) = equation.params["dimension_numbers"]
    a_shape, b_shape = shape_of(equation), shape_of(equation, 1)
    result_dtype = np.dtype(equation.outvars[0].aval.dtype)
    work = np.dtype(np.float32) if result_dtype in HALVES else result_dtype
    a_rest = [d for d in range(len(a_shape)) if d not in (*left, *left_batch)]
    b_rest = [d for d in range(len(b_shape)) if d not in (*right, *right_batch)]
    batch = [a_shape[d] for d in left_batch]
    rows, columns = [a_shape[d] for d in a_rest], [b_shape[d] for d in b_rest]
    inner = math.prod([a_shape[d] for d in left])
    a_order, b_order = (*left_batch, *a_rest, *left), (*right_batch, *right, *b_rest)
    a_matrix = (*batch, math.prod(rows), inner)
    b_matrix = (*batch, inner, math.prod(columns))
    shape = (*batch, *rows, *columns)
    a_moves, b_moves = _moves(a_order, a_shape, a_matrix), _moves(b_order, b_shape, b_matrix)
    matrix = (*batch, math.prod(rows), math.prod(columns))

    def dot(a: Any, b: Any) -> Any:
        if a.dtype != work:
            a = a.astype(work)
        if b.dtype != work:
            b = b.astype(work)
        for move in a_moves:
            a = move(a)
        for move in b_moves:
            b = move(b)
        result = np.matmul(a, b)
        if matrix != shape:
            result = result.reshape(shape)
        return result if work is result_dtype else result.astype(result_dtype)

    return dot


def _moves(
    order: Sequence[int], shape: Sequence[int], matrix: tuple[int, ...]
) -> list[Callable[[Any], Any]]:
    """Return what makes an operand a batch of matrices: perhaps a transposition and a shape."""
    moves: list[Callable[[Any], Any]] = []
    if tuple(order) != tuple(range(len(shape))):
        moves.append(lambda array: array.transpose(order))
    if tuple([shape[dim] for dim in order]) != matrix:
        moves.append(lambda array: array.reshape(matrix))
    return moves
