"""Printing against the installed PyTorch: random tensors, options and suffixes."""

from __future__ import annotations

import traceback

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from compat_tests.tensor import test_printing_core as core  # noqa: E402
from tools.record_goldens import printing as recorder  # noqa: E402

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("seed", range(8))
def test_random_tensors(seed):
    generator = np.random.default_rng(1000 + seed)
    for _ in range(500):
        case = recorder.sample(generator)
        assert core.text_of(case) == recorder.text_of(case), case


def test_chosen_tensors():
    cases = recorder.chosen()
    assert len(cases) > 100
    for case in cases:
        assert core.text_of(case) == recorder.text_of(case), case


def test_recorded_texts_are_what_pytorch_prints():
    assert len(core.RECORDED["cases"]) > 100
    for case in core.RECORDED["cases"]:
        assert recorder.text_of(case) == case["text"], case


@pytest.mark.parametrize("dtype", recorder.FLOAT8)
def test_every_float8(dtype):
    bits = torch.arange(256, dtype=torch.uint8)
    case = recorder._case(bits.view(getattr(torch, dtype)))
    assert core.text_of(case) == recorder.text_of(case)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("exponent", range(-30, 30, 6))
def test_many_halves(exponent, dtype):
    numbers = torch.linspace(1, 2, 50) * 2.0**exponent
    case = recorder._case(numbers.to(getattr(torch, dtype)))
    assert core.text_of(case) == recorder.text_of(case)


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2},
        {"profile": "short"},
        {"profile": "full"},
        {"profile": "default"},
        {"profile": "SHORT"},
        {"profile": 3},
        {"profile": "short", "precision": 7, "sci_mode": True},
        {"sci_mode": True},
        {"linewidth": 40, "edgeitems": 1, "threshold": 10},
        {"edgeitems": 0},
        {},
    ],
)
def test_options_have_the_same_effect(options):
    from jtorch._tensor import printing as _printing

    torch.set_printoptions(profile="default")
    _printing.set_printoptions(profile="default")
    try:
        for before in ({"sci_mode": True}, {"precision": 9, "linewidth": 33}):
            torch.set_printoptions(**before)
            _printing.set_printoptions(**before)
            torch.set_printoptions(**options)
            _printing.set_printoptions(**options)
            assert _printing.get_printoptions() == torch._tensor_str.get_printoptions()
    finally:
        torch.set_printoptions(profile="default")
        _printing.set_printoptions(profile="default")


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"precision": "a"}, [1.5]),
        ({"precision": -1}, [1.5]),
        ({"linewidth": float("inf")}, [1.5]),
        ({"edgeitems": 1.5, "threshold": 2}, [1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_options_that_cannot_be_used_raise_the_same(options, values):
    case = recorder._case(torch.tensor(values), options=options)
    with pytest.raises(Exception) as expected:
        recorder.text_of(case)
    # The frames hold PyTorch's guard, and while that lives its transforms do nothing.
    traceback.clear_frames(expected.tb)
    with pytest.raises(type(expected.value)) as got:
        core.text_of(case)
    assert str(got.value) == str(expected.value)
    assert torch.func.grad(torch.sin)(torch.tensor(0.0)) == 1.0


def test_transforms():
    from jtorch._tensor import printing as _printing

    seen = []
    torch.vmap(lambda row: (seen.append(repr(row)), row)[1], in_dims=1)(torch.ones(2, 2, 2))
    inner = core.text_of(recorder._case(torch.ones(2, 2, 2)))
    assert _printing.format_batched(inner, 1, 1) == seen[0]
    torch.func.grad(lambda x: (seen.append(repr(x)), x.sum())[1])(torch.ones(2))
    inner = core.text_of(recorder._case(torch.ones(2)))
    assert _printing.format_grad_tracking(inner, 1) == seen[1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_dual_numbers():
    from jtorch._core import dtypes
    from jtorch._tensor import printing as _printing

    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(torch.ones(2), torch.ones(2) * 3.5)
        expected = repr(dual)
    ones = np.ones(2, np.float32)
    tangent = _printing.format_tensor(ones * 3.5, dtype=dtypes.float32)
    assert _printing.format_tensor(ones, dtype=dtypes.float32, tangent=tangent) == expected
