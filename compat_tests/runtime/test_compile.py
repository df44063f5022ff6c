"""``torch.compile``: accepted, and wrapped as PyTorch wraps it."""

from __future__ import annotations

import copy
import pickle

import pytest

import jtorch as torch
from jtorch import nn


def test_a_module_is_wrapped():
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout())
    compiled = torch.compile(model)
    assert repr(compiled).startswith("OptimizedModule(\n  (_orig_mod): Sequential(")
    assert list(compiled.state_dict()) == ["_orig_mod.0.weight", "_orig_mod.0.bias"]
    assert compiled._orig_mod is model
    compiled.eval()
    assert not model.training and not model[1].training and not compiled.training
    x = torch.ones(1, 3)
    assert torch.equal(compiled(x), model(x))
    compiled.load_state_dict(compiled.state_dict())
    compiled.mark = 3
    assert model.mark == 3 and len(compiled) == 2
    assert type(copy.deepcopy(compiled)) is type(compiled)
    assert list(pickle.loads(pickle.dumps(compiled)).state_dict()) == list(compiled.state_dict())


def test_a_function_and_the_decorator():
    @torch.compile(mode="reduce-overhead")
    def double(x):
        """Return twice as much."""
        return x * 2

    assert double(torch.ones(1)).item() == 2 and double.__doc__ == "Return twice as much."
    assert torch.compile(double, fullgraph=True, dynamic=True)(torch.ones(1)).item() == 2


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"backend": "nope"}, RuntimeError, "Invalid backend: 'nope'"),
        ({"mode": "x"}, RuntimeError, "Unrecognized mode=x, should be one of: default, lite"),
        ({"mode": "default", "options": {}}, RuntimeError, "Either mode or options can be"),
    ],
)
def test_wrong_options(options, error, words):
    with pytest.raises(error, match=words):
        torch.compile(nn.Linear(1, 1), **options)


def test_nothing_to_call():
    with pytest.raises(AssertionError, match="A callable function is expected, but <class 'int'>"):
        torch.compile(3)
