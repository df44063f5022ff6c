"""Binding of arguments held against the installed PyTorch: the recording, and random calls."""

from __future__ import annotations

import random
import warnings

import numpy
import pytest

from compat_tests.core.test_schema import RECORDED, schema_of
from jtorch._core.schema import schema
from jtorch._core.schema import types as schema_types
from tools.record_goldens import schema as record_schema

torch = pytest.importorskip("torch")

VALUES = [
    "t", "torch_int", "torch_float", "torch_bool", "'a'", "1", "0", "-1", "1.5", "1j", "True",
    "None", "[1, 2]", "(1,)", "()", "[t]", "[t, 1]", "[1.5, 2]", "(1, 'a')", "float32", "float",
    "numpy.float32(1)", "numpy.int64(1)", "numpy.bool_(1)", "numpy.ones(2)", "{}", "object()",
    "'cpu'", "date", "2**63",
]  # fmt: skip
KEYWORDS = ["foo", "bar", "axis", "keepdims", "x", "x2"]


@pytest.fixture(autouse=True)
def _torch_types(monkeypatch):
    monkeypatch.setattr(schema_types, "_classes", {})
    schema.set_tensor_type(torch.Tensor)
    for kind, cls in {
        "ScalarType": torch.dtype,
        "Device": torch.device,
        "Layout": torch.layout,
        "Generator": torch.Generator,
    }.items():
        schema.set_type(kind, cls)


def ours(name: str, method: bool, arguments: str) -> list[str]:
    """Return what binding makes of a call with PyTorch's own tensors."""
    args, kwargs = eval(f"call({arguments})", record_schema.values(torch))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            schema_of(name).bind(args, kwargs, method)
    except Exception as error:
        return [type(error).__name__, str(error)]
    return ["accepted", ""]


def test_recording_is_what_this_torch_says():
    assert record_schema.record() == RECORDED


def is_method(name: str) -> bool:
    """Return whether the method's signatures derive from the function's."""
    return not name.startswith("nn.") and name not in ("where",) and hasattr(torch.Tensor, name)


def random_call(name: str, method: bool, generator: random.Random) -> str:
    """Return the source of the arguments of a call that may or may not be right."""
    found = schema_of(name)
    signatures = found.method_signatures if method else found.function_signatures
    names = [parameter.name for s in signatures for parameter in s.parameters] + KEYWORDS
    positional = [generator.choice(VALUES) for _ in range(generator.choice([0, 1, 1, 2, 2, 3, 4]))]
    if positional and generator.random() < 0.6:
        positional[0] = "t"
    by_name = {
        generator.choice(names): generator.choice(VALUES)
        for _ in range(generator.choice([0, 0, 0, 1, 1, 2, 3]))
    }
    return ", ".join(positional + [f"{key}={value}" for key, value in by_name.items()])


@pytest.mark.parametrize("name", record_schema.SIGNATURES)
def test_random_calls(name):
    generator = random.Random(name)
    compared = 0
    for method in [False, True] if is_method(name) else [False]:
        for _ in range(60):
            arguments = random_call(name, method, generator)
            expected = record_schema.outcome(torch, name, method, arguments)
            # An operator that ran may refuse what the arguments' types allow.
            words = ("argument", "Tensor as element", "Overflow", "isIntegral", "too big")
            about_arguments = any(word in expected[1] for word in words)
            got = ours(name, method, arguments)
            if about_arguments or expected[0] == "accepted":
                compared += 1
                assert got == expected, f"{name}({arguments}), method={method}"
    assert compared >= 30


def test_type_names():
    for value in (
        1, "a", None, [], numpy.ones(2), numpy.float32(1), numpy.dtype("f4"), torch.float32,
        torch.device("cpu"), torch.Size([1]), torch.Generator(), print, ...,
        range(2), torch.nn.Linear(1, 1), torch.ones(1).untyped_storage(),
        torch.max(torch.ones(2), 0),
    ):  # fmt: skip
        with pytest.raises(TypeError) as caught:
            torch.matmul(torch.ones(1), value)
        expected = str(caught.value).rpartition(" not ")[2]
        assert schema.messages.type_name(value) == expected
