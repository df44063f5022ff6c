"""Checkpointed functions: the same gradients, from less that is kept."""

from __future__ import annotations

import pytest

import jtorch as torch
from compat_tests.helpers import checkpoint_programs as programs
from jtorch._engine.recording.trace import local
from jtorch.utils.checkpoint import checkpoint


@pytest.mark.parametrize("way", ["reentrant", "not reentrant", "sequential"])
def test_gradients_are_those_without(way):
    gradients, plain = programs.gradients(torch, way), programs.gradients(torch, "plain")
    assert len(plain) == 2 + 6  # output, input, and the parameters of three modules
    for gradient, expected in zip(gradients, plain, strict=True):
        assert torch.allclose(gradient, expected, atol=1e-6)


def kept_numbers(function):
    """Return how many numbers a closed segment keeps for the gradient of a function."""
    x = torch.rand(100, requires_grad=True)
    out = function(x).sum()
    segment = local.trace.segment
    out.item()
    saved = segment.saved.values()
    return sum(getattr(each, "array", each).size for each in saved), out, x


def chain(x):
    for _ in range(6):
        x = x.sin().exp()
    return x


def test_a_closed_segment_keeps_only_what_the_function_took():
    plain, expected, x = kept_numbers(chain)
    less, found, y = kept_numbers(lambda x: checkpoint(chain, x, use_reentrant=False))
    assert (plain, less) == (700, 100)
    found.backward()
    expected.backward()
    assert x.grad.shape == y.grad.shape and bool(y.grad.isfinite().all())


def test_the_function_is_called_once():
    calls = []
    x = torch.ones(3, requires_grad=True)
    y = checkpoint(lambda x: calls.append(1) or x * x, x, use_reentrant=False)
    y.sum().backward()
    assert calls == [1] and x.grad.tolist() == [2.0, 2.0, 2.0]


def test_no_way_named_is_warned_of():
    with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explicitly"):
        checkpoint(lambda x: x, torch.ones(1, requires_grad=True))
