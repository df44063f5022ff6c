"""Sums and means of fewer numbers than PyTorch splits over threads: equal to the bit."""

from __future__ import annotations

import numpy as np
import pytest

import jtorch

SIZES = (1, 2, 3, 5, 7, 8, 9, 16, 31, 33, 63, 100, 127, 256, 257, 1000, 1023, 4097, 8000)
MATRICES = (
    (1000, 11), (1000, 1), (400, 64), (300, 100), (17, 300), (1000, 5), (3, 7), (8, 1000), (16, 9),
    (4100, 3),
)  # fmt: skip
MORE = (
    ((8, 3, 9, 9), (0, 2, 3)), ((8, 3, 2, 2), (0, 2, 3)), ((6, 5, 40), (1,)),
    ((6, 5, 40), (0, 2)), ((6, 5, 40), (0, 1)), ((6, 5, 40), (1, 2)), ((3, 4, 5, 6), (0, 2)),
    ((3, 4, 5, 6), (1, 3)), ((5, 1, 30), (1,)), ((5, 1, 300), (0, 1)), ((40, 1), (1,)),
)  # fmt: skip
CASES = [
    *(((size,), (0,)) for size in SIZES),
    *((shape, (axis,)) for shape in MATRICES for axis in (0, 1)),
    *MORE,
]


@pytest.mark.parametrize("name", ["sum", "mean"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("product", [False, True], ids=["array", "product"])
def test_sums_have_the_bits_of_pytorch(name, dtype, product):
    import torch

    random = np.random.default_rng(1)
    different = []
    for shape, axes in CASES:
        data = (random.standard_normal(shape) + 0.3).astype(dtype)
        results = []
        for library in (torch, jtorch):
            x = library.tensor(data)
            results.append(getattr(x * x if product else x, name)(axes).numpy())
        if not np.array_equal(*results):
            different.append((shape, axes))
    assert not different
