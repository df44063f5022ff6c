"""Making tensors: expressions against the outcomes recorded from PyTorch."""

from __future__ import annotations

import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("constructors")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


def test_an_array_of_jax_is_data_not_a_tensor(torch):
    import jax.numpy as jnp

    array = jnp.arange(3, dtype=jnp.float32)
    assert not torch.is_tensor(array)
    assert torch.equal(torch.as_tensor(array), torch.tensor([0.0, 1.0, 2.0]))
