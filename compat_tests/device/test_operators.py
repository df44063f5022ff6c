"""Operators on a device against PyTorch's answers on the CPU: ``golden/device_operators.npz``.

``nox -s record -- device_cases`` records them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compat_tests.helpers.comparison import as_array, compare_arrays
from compat_tests.helpers.paths import GOLDEN
from compat_tests.helpers.recorded_cases import AS_BITS, Reader, cotangent, tensors_of
from compat_tests.helpers.tolerances import DATABASE, EXACT

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
READER = Reader(GOLDEN / "device_operators.npz")
CASES = {case["id"]: case for case in READER.cases}


def which(wanted: Any) -> list[str]:
    return [name for name, case in CASES.items() if wanted(case)]


def public(torch, path: str):
    for part in path.split("."):
        torch = getattr(torch, part)
    return torch


def call(torch, device, case, **more):
    """Return (result, operands) of a case on a device."""
    args = READER.decoded(case["args"], torch, device)
    kwargs = READER.decoded(case["kwargs"], torch, device)
    if "device" in kwargs or not tensors_of([args, kwargs], torch):
        kwargs["device"] = device
    torch.manual_seed(0)
    return public(torch, case["call"])(*args, **kwargs, **more), [args, kwargs]


def hold(torch, device, case, expected, actual, where="result"):
    """Assert that tensors, in containers too, are those recorded, and on the device."""
    if isinstance(expected, dict):
        ((kind, expected),) = expected.items()
        if kind == "tensor":
            compare(torch, device, case, expected, actual, where)
            return
        if kind != "tuple":
            return
    if isinstance(expected, list):
        assert len(actual) == len(expected), where
        for position, pair in enumerate(zip(expected, actual, strict=True)):
            hold(torch, device, case, *pair, f"{where}[{position}]")
    elif expected is None:
        assert actual is None or not actual.count_nonzero(), where


def compare(torch, device, case, expected, actual, where):
    name, shape, *_ = expected
    if actual is None:  # a gradient that PyTorch makes of zeros
        assert not READER.array(expected).any(), where
        return
    assert str(actual.dtype) == f"torch.{name}", where
    assert list(actual.shape) == shape, where
    assert actual.device == device, where
    wanted = READER.array(expected)
    if name in AS_BITS:
        wanted = (wanted.astype(np.int32) << 16).view(np.float32)
    bounds = case.get("tolerances", {}).get(name) or DATABASE.get(name, EXACT)
    compare_arrays(wanted, as_array(actual), *bounds, where)


@pytest.mark.parametrize("name", which(lambda case: case["what"] != "gradient"))
def test_forward(torch, device, name):
    case = CASES[name]
    result, _ = call(torch, device, case)
    hold(torch, device, case, case["result"], result)


@pytest.mark.parametrize("name", which(lambda case: "gradients" in case))
def test_gradient(torch, device, name):
    case = CASES[name]
    result, operands = call(torch, device, case)
    outputs = [each for each in tensors_of(result, torch) if each.requires_grad]
    leaves = [each for each in tensors_of(operands, torch) if each.requires_grad]
    weights = [
        torch.tensor(cotangent(number, tuple(each.shape))).to(device, each.dtype)
        for number, each in enumerate(outputs)
    ]
    gradients = torch.autograd.grad(outputs, leaves, weights, allow_unused=True)
    hold(torch, device, case, case["result"], result)
    hold(torch, device, case, case["gradients"], gradients, "gradient")


@pytest.mark.parametrize("name", which(lambda case: "inplace" in case))
def test_inplace(torch, device, name):
    case = CASES[name]
    written, *args = READER.decoded(case["args"], torch, device)
    kwargs = READER.decoded(case["kwargs"], torch, device)
    version = written._version
    result = getattr(written, case["inplace"])(*args, **kwargs)
    assert result is written and written._version > version
    hold(torch, device, case, case["result"], written)


@pytest.mark.parametrize("name", which(lambda case: "out" in case))
def test_out(torch, device, name):
    case = CASES[name]
    like = tensors_of(READER.decoded(case["result"], torch, device), torch)
    out = [torch.empty_like(each) for each in like]
    several = "tensor" not in case["result"]
    call(torch, device, case, out=tuple(out) if several else out[0])
    hold(torch, device, case, case["result"], out if several else out[0])


def mixes(case) -> bool:
    """Tell whether a call has two tensors with dimensions, which cannot be of two devices."""
    if case["call"] == "broadcast_tensors":  # makes views, each where its tensor is
        return False
    tensors = [each for each in case["args"] if isinstance(each, dict) and "tensor" in each]
    sizes = [each["tensor"][1] for each in tensors]
    return case["what"] == "forward" and len(sizes) == len(case["args"]) > 1 and all(sizes)


@pytest.mark.parametrize("name", which(mixes))
def test_devices_do_not_mix(torch, device, name):
    case = CASES[name]
    first, *others = READER.decoded(case["args"], torch, device)
    others = [each.cpu() for each in others]
    kwargs = READER.decoded(case["kwargs"], torch, device)
    with pytest.raises((RuntimeError, ValueError)) as raised:
        public(torch, case["call"])(first, *others, **kwargs)
    assert str(raised.value).startswith("Expected all tensors to be on the same device"), name
