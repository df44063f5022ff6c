"""Where equal elements come, as the installed PyTorch has them: sizes, dtypes, dimensions."""

from __future__ import annotations

import numpy as np
import pytest

import jtorch

torch = pytest.importorskip("torch")

SIZES = [*range(1, 40), 63, 64, 65, 100, 127, 128, 129, 200]
DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "uint8")


def arrays(size: int, dtype: str):
    """Yield numbers with many and with some equal ones, NaN among those of odd sizes."""
    draw = np.random.default_rng(size)
    for values in (2, max(2, size // 4)):
        numbers = draw.integers(0, values, (3, size)).astype(np.float64)
        if size % 2 and "float" in dtype:
            numbers[draw.random((3, size)) < 0.15] = np.nan
        yield numbers


def both(numbers, dtype: str, dim: int):
    for library in (torch, jtorch):
        tensor = library.tensor(numbers).to(getattr(library, dtype))
        yield library, tensor if dim else tensor.t().contiguous()


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_order(dtype, dim):
    for size in SIZES:
        for numbers in arrays(size, dtype):
            counts = sorted({1, size, max(1, size // 2), max(1, size // 64)})
            found = []
            for library, tensor in both(numbers, dtype, dim):
                orders = [library.argsort(tensor, dim, descending) for descending in (False, True)]
                for count in counts:
                    orders += [
                        library.topk(tensor, count, dim, largest, in_order).indices
                        for largest in (False, True)
                        for in_order in (False, True)
                    ]
                    orders.append(library.kthvalue(tensor, count, dim).indices)
                if not np.isnan(numbers).any():
                    orders.append(library.mode(tensor, dim).indices)
                found.append([order.tolist() for order in orders])
            assert found[0] == found[1], (size, counts)
