"""Masks of dropout and its kin against PyTorch: bit for bit, and as many draws."""

from __future__ import annotations

import pytest

NAMES = ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_masks(both, name, dtype):
    def program(torch):
        results = []
        for p in (0.0, 0.1, 0.5, 0.77, 1.0):
            x = torch.linspace(-1, 1, 5 * 4 * 3).reshape(5, 4, 3, 1).to(getattr(torch, dtype))
            x = x[..., 0] if name in ("dropout1d", "dropout2d") else x
            for inplace in (False, True):
                results.append(getattr(torch.nn.functional, name)(x * 1, p, True, inplace))
        return results, torch.rand(2)

    # A fused multiplication and addition is rounded once.
    exact = "alpha" not in name
    both(program, exact=exact, relative=None if exact else 1e-2 if dtype == "bfloat16" else 1e-6)


def test_draws_follow_the_memory(both):
    def program(torch):
        x = torch.linspace(-1, 1, 24).reshape(2, 3, 4)
        drop = torch.nn.functional.dropout
        return drop(x.permute(2, 0, 1)), drop(x[:, ::2]), drop(x[:1].expand(2, 3, 4)), torch.rand(1)

    both(program, exact=True)


@pytest.mark.parametrize("inplace", [False, True])
def test_random_slopes(both, inplace):
    def program(torch):
        x = torch.linspace(-1, 1, 24).reshape(4, 6).requires_grad_()
        y = torch.nn.functional.rrelu(x * 1, training=True, inplace=inplace)
        return y, torch.autograd.grad(y.sum(), x), type(y.grad_fn).__name__, torch.rand(1)

    both(program, exact=True)
