"""Type promotion against the installed PyTorch: the recorded table, and three operands at once."""

from __future__ import annotations

import itertools
import json
import random

import pytest

from compat_tests.helpers.paths import GOLDEN
from jtorch._core import dtypes, promotion

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


def test_recorded_table_is_what_pytorch_says():
    from tools.record_goldens import promotion as recorder

    recorded = json.loads((GOLDEN / "promotion.json").read_text())
    now = json.loads(json.dumps(recorder.record()))
    del recorded["torch"], now["torch"]
    assert now == recorded


def test_three_operands():
    names = ("uint8", "int8", "int16", "int32", "int64", "bfloat16", "float32", "float64",
             "complex64", "complex128")  # fmt: skip
    operands = [(name, category) for name in names for category in ("dim", "zero")]
    triples = list(itertools.product(operands, repeat=3))
    for triple in random.Random(0).sample(triples, 1500):
        tensors = [
            torch.ones((1,) if category == "dim" else (), dtype=getattr(torch, name))
            for name, category in triple
        ]
        expected = str(torch.addcmul(*tensors).dtype)
        asked = tuple((dtypes.BY_NAME[name], category) for name, category in triple)
        assert repr(promotion.result_type(asked)) == expected, triple


@pytest.mark.parametrize("default", ["float32", "float64", "bfloat16"])
def test_tensor_and_two_numbers(default):
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, default))
    try:
        for name, category in itertools.product(("int8", "int64", "float32"), ("dim", "zero")):
            condition = torch.ones((1,) if category == "dim" else (), dtype=torch.bool)
            tensor = condition.to(getattr(torch, name))
            for number in (True, 2, 2.5):
                expected = str(torch.where(condition, tensor, number).dtype)
                asked = (
                    (dtypes.BY_NAME[name], category),
                    (promotion.number_dtype(number), promotion.NUMBER),
                )
                got = promotion.result_type(asked, dtypes.BY_NAME[default])
                assert repr(got) == expected, (name, category, number)
    finally:
        torch.set_default_dtype(before)
