"""Printing against what was recorded from PyTorch, and the rules that a recording cannot show."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from compat_tests.helpers.paths import GOLDEN
from jtorch._core import dtypes
from jtorch._tensor import printing as _printing

RECORDED = json.loads((GOLDEN / "printing.json").read_text())

#: What a kind of case shows, as arguments of ``format_tensor``.
KINDS = {
    None: {},
    "subclass": {"class_name": "MyTensor"},
    "meta": {"device": "meta"},
    "parameter": {"class_name": "Parameter", "requires_grad": True},
    "parameter_subclass": {
        "class_name": "MyParameter",
        "is_parameter": True,
        "requires_grad": True,
    },
    "leaf": {"requires_grad": True},
    "negated": {"requires_grad": True, "grad_fn_name": "NegBackward0"},
    "clone": {"requires_grad": True, "grad_fn_name": "CloneBackward0"},
}


def text_of(case: dict) -> str:
    """Return what jtorch prints for a recorded case."""
    dtype = dtypes.BY_NAME[case["dtype"]]
    pattern = np.frombuffer(base64.b64decode(case["raw"]), dtype._numpy)
    shape = tuple(case["shape"])
    array = np.resize(pattern, shape) if 0 not in shape else np.empty(shape, dtype._numpy)
    kind = case.get("kind")
    with _printing.printoptions(**case.get("options", {})):
        return _printing.format_tensor(
            None if kind == "meta" else array,
            dtype=dtype,
            shape=shape,
            default_dtype=dtypes.BY_NAME[case.get("default_dtype", "float32")],
            **KINDS[kind],
        )


@pytest.mark.parametrize("name", dtypes.BY_NAME)
def test_recorded(name):
    cases = [case for case in RECORDED["cases"] if case["dtype"] == name]
    assert len(cases) > 10
    for case in cases:
        assert text_of(case) == case["text"], case


def test_options_are_restored():
    before = _printing.get_printoptions()
    with pytest.raises(ZeroDivisionError), _printing.printoptions(precision=2, sci_mode=True):
        assert _printing.get_printoptions() != before
        1 / 0
    assert _printing.get_printoptions() == before


def test_unknown_option():
    with pytest.raises(TypeError, match="unexpected keyword argument 'digits'"):
        _printing.set_printoptions(digits=3)


def test_default_options():
    expected = {
        "precision": 4,
        "threshold": 1000,
        "edgeitems": 3,
        "linewidth": 80,
        "sci_mode": None,
    }
    assert _printing.get_printoptions() == expected


@pytest.mark.parametrize(
    ("device", "settings", "text"),
    [
        ("cpu", {}, "tensor([1.])"),
        ("cuda:0", {}, "tensor([1.], device='cuda:0')"),
        ("cuda:1", {"grad_fn_name": "SliceBackward0"},
         "tensor([1.], device='cuda:1', grad_fn=<SliceBackward0>)"),
        ("cuda:0", {"default_device_type": "cuda"}, "tensor([1.])"),
        ("cuda:1", {"default_device_type": "cuda"}, "tensor([1.], device='cuda:1')"),
        ("cuda:1", {"default_device_type": "cuda", "current_device_index": 1}, "tensor([1.])"),
        ("cpu", {"default_device_type": "cuda"}, "tensor([1.], device='cpu')"),
        ("cpu", {"grad_fn_name": "Invalid"}, "tensor([1.], grad_fn=<Invalid>)"),
        ("cpu", {"tensor_contents": "hello"}, "tensor(hello)"),
    ],
)  # fmt: skip
def test_suffixes(device, settings, text):
    array = np.ones(1, np.float32)
    got = _printing.format_tensor(array, dtype=dtypes.float32, device=device, **settings)
    assert got == text


def test_only_the_shown_elements_are_touched():
    # No machine holds a copy of these elements, nor has the time to look at each.
    values = np.broadcast_to(np.float32(2), (10**7, 10**7))
    row = "[2., 2., 2.,  ..., 2., 2., 2.]"
    inside = ",\n        ".join([row] * 3 + ["..."] + [row] * 3)
    assert _printing.format_tensor(values, dtype=dtypes.float32) == f"tensor([{inside}])"


@pytest.mark.parametrize("order", ["C", "F"])
def test_layout_in_memory_does_not_show(order):
    values = np.arange(5000, dtype=np.int64).reshape(50, 100)
    expected = _printing.format_tensor(values, dtype=dtypes.int64)
    arranged = np.array(values, order=order)
    assert _printing.format_tensor(arranged, dtype=dtypes.int64) == expected
    turned = np.ascontiguousarray(values.T).T
    assert _printing.format_tensor(turned, dtype=dtypes.int64) == expected
    assert _printing.format_tensor(values[::-1][::-1], dtype=dtypes.int64) == expected
