"""Layers that normalise: outcomes recorded from PyTorch, and what no recording shows."""

from __future__ import annotations

import numpy as np
import pytest

from compat_tests.helpers.expressions import outcome, read

RECORDED = read("norm_layers")


@pytest.mark.parametrize("expression", RECORDED)
def test_outcome_is_pytorchs(torch, expression):
    assert outcome(torch, expression) == RECORDED[expression]


def test_running_statistics_are_written_in_place(torch):
    module = torch.nn.BatchNorm1d(2, momentum=0.5)
    mean, address = module.running_mean, module.running_mean.data_ptr()
    version = mean._version
    x = torch.tensor([[0.0, 2.0], [4.0, 6.0]])
    module(x)
    assert module.running_mean is mean and mean.data_ptr() == address
    assert mean.tolist() == [1.0, 2.0]
    assert module.running_var.tolist() == [4.5, 4.5]
    assert module.num_batches_tracked.item() == 1
    # torch 2.13 does not count these writes, so that a graph made before stays usable.
    assert mean._version == version
    module.eval()
    assert torch.allclose(module(x)[0], torch.tensor([-1.0, 0.0]) / 4.5**0.5)
    assert mean.tolist() == [1.0, 2.0]


def test_no_momentum_is_the_mean_of_the_batches(torch):
    module = torch.nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 3.0, 8.0):
        module(torch.tensor([[value - 1], [value + 1]]))
    assert module.running_mean.item() == pytest.approx(4.0, rel=1e-6)


@pytest.mark.parametrize("value", [1.0, 3.1, 0.1, -7.3])
def test_what_is_constant_becomes_exactly_zero(torch, value):
    x = torch.full((6, 7, 11), value)
    functional = torch.nn.functional
    assert functional.layer_norm(x, [11]).abs().max().item() == 0
    assert functional.batch_norm(x, None, None, training=True).abs().max().item() == 0
    assert functional.group_norm(x, 7).abs().max().item() == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_variances_are_divided_once(torch, channels):
    rows = [
        n
        for n in range(4, 100, 2)
        if np.float32(n) * np.float32(1 / (n - 1)) != np.float32(n) / np.float32(n - 1)
    ]
    assert rows
    for count in rows:
        x = torch.ones(count, channels)
        x[::2] = -1
        variance = torch.zeros(channels)
        torch.nn.functional.batch_norm(x, torch.zeros(channels), variance, None, None, True, 1.0)
        expected = [float(np.float32(count) / np.float32(count - 1))] * channels
        assert variance.tolist() == expected
