"""Sobol points: a sequence in a unit cube that fills it more evenly than random points do.

Each dimension has a primitive polynomial over the field of two elements and first direction
numbers, from the table of S. Joe and F. Y. Kuo, "Constructing Sobol sequences with better
two-dimensional projections" (2008), which SciPy carries. A point follows from the one before by one
exclusive or (I. A. Antonov and V. M. Saleev, 1979).
"""

from __future__ import annotations

import functools
import importlib.resources

import numpy as np

#: How many bits a point has, and how many dimensions the table.
BITS, DIMENSIONS = 30, 21201


@functools.cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Return the polynomials, and the first direction numbers of each."""
    folder = importlib.resources.files("scipy.stats")
    file = folder / "_sobol_direction_numbers.npz"
    with importlib.resources.as_file(file) as path, np.load(path) as table:
        return table["poly"], table["vinit"]


def direction_numbers(dimension: int) -> np.ndarray:
    """Return the direction numbers, scaled to 30 bits, of shape (dimension, 30)."""
    polynomials, first = _table()
    numbers = np.zeros((dimension, BITS), np.int64)
    numbers[0] = 1  # the first dimension is van der Corput's sequence
    degrees = np.array([int(each).bit_length() - 1 for each in polynomials[:dimension]])
    for degree in np.unique(degrees[1:]):
        rows = np.flatnonzero(degrees == degree)
        rows = rows[rows > 0]
        known = min(int(degree), BITS)
        numbers[rows, :known] = first[rows, :known]
        for place in range(known, BITS):
            number = numbers[rows, place - degree].copy()
            for step in range(1, degree + 1):
                taken = (polynomials[rows] >> (degree - step)) & 1
                number ^= taken * (numbers[rows, place - step] << step)
            numbers[rows, place] = number
    return numbers << np.arange(BITS - 1, -1, -1)


def _lowest_zero(number: int) -> int:
    """Return the place of the lowest bit that is zero."""
    return (~number & (number + 1)).bit_length() - 1


def points(
    state: np.ndarray, count: int, numbers: np.ndarray, generated: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next points as integers of 30 bits, and the state after them.

    Args:
        state: the point before, of shape (dimension,).
        count: how many.
        numbers: the direction numbers.
        generated: how many points came before.
    """
    places = [_lowest_zero(generated + each) for each in range(count)]
    steps = np.concatenate([state[None], numbers[:, places].T])
    made = np.bitwise_xor.accumulate(steps, axis=0)
    return made[1:], made[-1]


def _parity(numbers: np.ndarray) -> np.ndarray:
    """Return whether the number of bits that are set is odd."""
    for shift in (16, 8, 4, 2, 1):
        numbers = numbers ^ (numbers >> shift)
    return numbers & 1


def scrambled(numbers: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Return direction numbers multiplied by random matrices of bits.

    J. Matousek, "On the L2-discrepancy for anchored boxes" (1998).

    Args:
        numbers: of shape (dimension, 30).
        matrices: lower triangular ones, of shape (dimension, 30, 30); the diagonal counts as ones.
    """
    weights = 1 << np.arange(BITS - 1, -1, -1)
    whole = np.array(matrices, np.int64)
    whole[:, range(BITS), range(BITS)] = 1
    rows = whole @ weights  # each row of a matrix as one number
    products = _parity(rows[:, None, :] & numbers[:, :, None])
    return products @ weights
