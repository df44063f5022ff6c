"""Sums in the order in which PyTorch's CPU kernel adds float64 numbers along the last dimension."""

from __future__ import annotations

import numpy as np

# Numbers in an AVX2 register, registers in flight, and levels of the cascade.
_LANES, _FLIGHT, _LEVELS = 4, 4, 4


def sum_last(values: np.ndarray) -> np.ndarray:
    """Add contiguous rows of float64 numbers: the lanes of a register side by side, then across.

    Args:
        values: array of at least one dimension.
    Returns:
        Array of its shape without the last dimension, equal to PyTorch's to the bit.
    """
    shape = values.shape
    rows = values.reshape(-1, shape[-1])
    whole = shape[-1] // _LANES
    if whole == 0:
        return _in_flight(rows).reshape(shape[:-1])
    lanes = _in_flight(rows[:, : whole * _LANES].reshape(-1, whole, _LANES))
    total = np.zeros(len(rows))
    for place in range(whole * _LANES, shape[-1]):
        total += rows[:, place]
    for lane in range(_LANES):
        total += lanes[:, lane]
    return total.reshape(shape[:-1])


def _in_flight(rows: np.ndarray) -> np.ndarray:
    """Add along dimension 1 with several independent accumulators."""
    count = rows.shape[1]
    whole = count // _FLIGHT
    split = rows[:, : whole * _FLIGHT].reshape(len(rows), whole, _FLIGHT, *rows.shape[2:])
    sums = _cascade(split)
    total = sums[:, 0]
    for place in range(whole * _FLIGHT, count):
        total = total + rows[:, place]
    for accumulator in range(1, _FLIGHT):
        total = total + sums[:, accumulator]
    return total


def _cascade(parts: np.ndarray) -> np.ndarray:
    """Add along dimension 1, passing the sum of every few terms on to a higher level."""
    count = parts.shape[1]
    power = max(4, max(count - 1, 0).bit_length() // _LEVELS)
    step = 1 << power
    levels = [np.zeros((len(parts), *parts.shape[2:])) for _ in range(_LEVELS)]
    place = 0
    while place + step <= count:
        for _ in range(step):
            levels[0] += parts[:, place]
            place += 1
        for level in range(1, _LEVELS):
            levels[level] += levels[level - 1]
            levels[level - 1][...] = 0
            if place & ((step - 1) << (level * power)):
                break
    for rest in range(place, count):
        levels[0] += parts[:, rest]
    total = levels[0]
    for level in range(1, _LEVELS):
        total = total + levels[level]
    return total
