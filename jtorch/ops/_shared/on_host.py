"""What host functions of several families share: functions of NumPy arrays for the interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np

from .widening import is_half


def widened_on_host(array: Any) -> Any:
    """Return an array in the dtype that PyTorch computes in: halves in float32."""
    return array.astype(np.float32) if is_half(array.dtype) else array


def added_rows(shape: tuple[int, int], positions: Any, rows: Any) -> Any:
    """Return a table of zeros with rows added up in it, one after the other.

    NumPy's ``add.at`` is three times as quick where there is one index for each element.

    Args:
        shape: of the table.
        positions: of each row, all in range; of any shape.
        rows: of shape (number of positions, columns); halves are rounded after each addition.
    """
    table = np.zeros(shape, rows.dtype)
    index = positions.reshape(-1).astype(np.int64, copy=False)
    columns = shape[1]
    if columns != 1:
        index = (index[:, None] * columns + np.arange(columns)).reshape(-1)
    np.add.at(table.reshape(-1), index, rows.reshape(-1))
    return table
