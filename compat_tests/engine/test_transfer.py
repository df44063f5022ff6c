"""Arrays of NumPy that are handed over to XLA are those that ``jax.device_put`` makes."""

from __future__ import annotations

import jax
import ml_dtypes
import numpy as np
import pytest

from jtorch._core.device import CPU
from jtorch._engine.execution import transfer

ARRAYS = {
    "a number": np.full((), 3, np.float32),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "backwards, every other": np.arange(10)[::-2],
    "empty": np.zeros((0, 3), np.int8),
    "broadcast": np.broadcast_to(np.float32(1), (3, 4)),
    "bool": np.array([True, False]),
    "uint64": np.full((2, 2), 2**63, np.uint64),
    "complex64": np.full(3, 1 - 2j, np.complex64),
    "float16": np.ones(2, np.float16),
    "bfloat16": np.ones(3, ml_dtypes.bfloat16),
    "float8_e4m3fn": np.ones(3, ml_dtypes.float8_e4m3fn),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("direct", [True, False])
def test_as_device_put(name, direct, monkeypatch):
    if not direct:  # as with a version of JAX that has no such function
        monkeypatch.setattr(transfer, "_batched_device_put", None)
    array = ARRAYS[name]
    made, expected = transfer.place(array, CPU), jax.device_put(array)
    assert made.aval == expected.aval
    assert made.sharding == expected.sharding
    assert made.weak_type == expected.weak_type
    assert np.array_equal(np.asarray(made), array)
    if direct:
        assert made.committed == expected.committed
    assert (made + made).devices() == {jax.devices("cpu")[0]}
