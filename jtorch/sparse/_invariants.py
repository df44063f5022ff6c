"""Whether the indices of a sparse tensor are what its layout asks for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import jtorch as torch

from . import _messages, _patterns
from ._tensor import COMPRESSED, array_of


class _State:
    """Whether constructors check; ``None`` until that was said."""

    enabled: bool | None = None


state = _State()


def is_checked(given: bool | None) -> bool:
    """Return whether a constructor checks, given its own argument."""
    return bool(state.enabled) if given is None else bool(given)


class check_sparse_tensor_invariants:
    """Control whether constructors of sparse tensors look at the indices.

    A block (``with torch.sparse.check_sparse_tensor_invariants():``), a decorator, or for good:
    ``enable()`` and ``disable()``.

    Args:
        enable: whether to check.
    """

    def __init__(self, enable: bool = True):
        self.state = enable
        self.saved_state: bool | None = None

    @staticmethod
    def is_enabled() -> bool:
        """Return whether constructors check."""
        return bool(state.enabled)

    @staticmethod
    def enable() -> None:
        """Check from now on."""
        state.enabled = True

    @staticmethod
    def disable() -> None:
        """Check no longer."""
        state.enabled = False

    def __enter__(self) -> None:
        if self.saved_state is not None:
            raise RuntimeError(
                "This context manager instance is already activated. Use a different context "
                "manager instance for context nesting."
            )
        self.saved_state = self.is_enabled()
        state.enabled = self.state

    def __exit__(self, *exception: object) -> None:
        assert self.saved_state is not None
        state.enabled = self.saved_state
        self.saved_state = None

    def __call__(self, mth: Callable) -> Callable:
        """Return a function that runs inside such a block."""

        @functools.wraps(mth)
        def test_mth(*args: Any, **kwargs: Any) -> Any:
            with type(self)(self.state):
                return mth(*args, **kwargs)

        return test_mth


check_sparse_tensor_invariants.__module__ = "torch.sparse"


def check_coo(indices: Any, values: Any, size: tuple[int, ...]) -> None:
    """Check indices of the coordinate layout.

    Raises:
        RuntimeError: one of them is outside of the shape.
    """
    array = array_of(indices)
    if not array.shape[1]:
        return
    for dim in range(min(array.shape[0], len(size))):
        least, most = int(array[dim].min()), int(array[dim].max())
        if least < 0:
            raise _messages.negative_index(least, dim)
        if most >= size[dim]:
            raise _messages.index_outside(dim, size[dim], most)


def _check_dimensions(
    names: tuple[str, str], compressed: Any, plain: Any, values: Any, size: Any, blocks: bool
) -> None:
    dtypes = (torch.int32, torch.int64)
    if compressed.dtype is not plain.dtype:
        raise RuntimeError(
            f"{names[0]} and {names[1]} must have the same dtype, bot got "
            f"{compressed.dtype._legacy_name} and {plain.dtype._legacy_name}, respectively"
        )
    if compressed.dtype not in dtypes:
        raise RuntimeError(
            f"{names[0]} and {names[1]} dtype must be Int or Long, but got "
            f"{compressed.dtype._legacy_name}"
        )
    batch = compressed.dim() - 1
    block = 2 if blocks else 0
    if values.dim() <= batch + block:
        raise RuntimeError(
            "values must have dimensionality > sum of batch and block dimensionalities "
            f"(={batch} + {block}) but got {values.dim()}"
        )
    dense = values.dim() - batch - block - 1
    if len(size) != batch + 2 + dense:
        raise RuntimeError(
            "tensor dimensionality must be sum of batch, base, and dense dimensionalities "
            f"(={batch} + 2 + {dense}) but got {len(size)}"
        )
    if plain.shape[-1] != values.shape[batch]:
        raise RuntimeError(
            f"{names[1]}.shape[-1] must be equal to nnz (={values.shape[batch]}) as defined by "
            f"values.shape[{batch}], but got {plain.shape[-1]}"
        )


def check_coalesced(indices: Any, size: tuple[int, ...]) -> None:
    """Check that indices are sorted and none stands twice.

    Raises:
        RuntimeError: they are not.
    """
    keys = _patterns.linear(array_of(indices), size)
    if (np.diff(keys) <= 0).any():
        raise RuntimeError(
            "cannot set is_coalesced to true if indices correspond to uncoalesced COO tensor"
        )


def check_compressed(
    layout: Any, compressed: Any, plain: Any, values: Any, size: tuple[int, ...]
) -> None:
    """Check indices of a compressed layout.

    Raises:
        RuntimeError: they contradict the layout.
    """
    dimension, blocks = COMPRESSED[layout]
    names = ("crow_indices", "col_indices") if dimension == 0 else ("ccol_indices", "row_indices")
    batch = compressed.dim() - 1
    _check_dimensions(names, compressed, plain, values, size, blocks)
    block = tuple(values.shape[batch + 1 : batch + 3]) if blocks else (1, 1)
    for place, extent in enumerate(block):
        if size[batch + place] % extent:
            raise RuntimeError(
                f"tensor shape[{batch + place}] (={size[batch + place]}) must be divisible with "
                f"blocksize[{place}] (={extent}) as defined by values shape"
            )
    main = size[batch + dimension] // block[dimension]
    other = size[batch + 1 - dimension] // block[1 - dimension]
    starts = array_of(compressed).reshape(-1, compressed.shape[-1])
    rest = array_of(plain).reshape(-1, plain.shape[-1])
    if starts.shape[1] != main + 1:
        raise _messages.compressed_length(names[0], main, starts.shape[1])
    if (starts[:, 0] != 0).any():
        raise _messages.compressed_first(names[0])
    if (starts[:, -1] != rest.shape[1]).any():
        raise _messages.compressed_last(names)
    lengths = np.diff(starts, axis=1)
    if (lengths < 0).any() or (lengths > other).any():
        raise _messages.compressed_steps(names, dimension)
    if rest.size and (rest.min() < 0 or rest.max() >= other):
        raise _messages.plain_outside(names[1], other)
    for row_starts, row in zip(starts, rest, strict=True):
        steps = np.diff(row)
        begins = np.zeros(steps.shape, bool)
        inner = row_starts[1:-1]
        begins[inner[(inner > 0) & (inner <= steps.size)] - 1] = True
        if (steps[~begins] <= 0).any():
            raise _messages.plain_order(names, dimension)
