"""Type promotion against every answer that was recorded from PyTorch."""

from __future__ import annotations

import itertools
import json

import pytest

from compat_tests.helpers.paths import GOLDEN
from jtorch._core import dtypes, promotion

RECORDED = json.loads((GOLDEN / "promotion.json").read_text())
SQUARE = list(itertools.product(RECORDED["dtypes"], repeat=2))
PAIRS = [(name, category) for category in ("dim", "zero") for name in RECORDED["dtypes"]]
PAIRS += [(name, "number") for name in ("bool", "int64", "float64", "complex128")]


def answer(function, *arguments) -> str:
    """Return the name of the dtype that ``function`` gives, or the error it raises."""
    try:
        return function(*arguments)._name
    except RuntimeError as error:
        # PyTorch's answer where jtorch says that it has no such dtype.
        if isinstance(error, NotImplementedError) and "complex32" in str(error):
            return "complex32"
        return f"RuntimeError: {error}"


def mismatches(got: list, expected: list, asked: list) -> list:
    """Return what was asked where the two disagree."""
    assert len(got) == len(expected) == len(asked)
    return [(one, a, b) for one, a, b in zip(asked, got, expected, strict=True) if a != b]


def test_recorded_dtypes_are_jtorchs_dtypes():
    assert tuple(RECORDED["dtypes"]) == tuple(dtypes.BY_NAME)


def test_promote_types():
    got = [answer(promotion.promote_types, dtypes.BY_NAME[a], dtypes.BY_NAME[b]) for a, b in SQUARE]
    assert not mismatches(got, RECORDED["promote_types"], SQUARE)


def test_can_cast():
    got = [promotion.can_cast(dtypes.BY_NAME[a], dtypes.BY_NAME[b]) for a, b in SQUARE]
    assert not mismatches(got, RECORDED["can_cast"], SQUARE)


@pytest.mark.parametrize("default", RECORDED["result_type"])
def test_result_type(default):
    asked = [
        pair
        for pair in itertools.product(PAIRS, repeat=2)
        if default == "float32" or "number" in (pair[0][1], pair[1][1])
    ]
    got = []
    for pair in asked:
        operands = tuple((dtypes.BY_NAME[name], category) for name, category in pair)
        got.append(answer(promotion.result_type, operands, dtypes.BY_NAME[default]))
    assert not mismatches(got, RECORDED["result_type"][default], asked)


def test_result_is_remembered_and_unchanged():
    operands = ((dtypes.int64, promotion.DIM), (dtypes.float64, promotion.NUMBER))
    first = promotion.result_type(operands, dtypes.float64)
    assert promotion.result_type(operands, dtypes.float64) is first is dtypes.float64
    assert promotion.result_type(list(operands), dtypes.float32) is dtypes.float32


def test_default_of_half_precision_passes_through_complex32():
    number = (dtypes.complex128, promotion.NUMBER)
    with pytest.raises(NotImplementedError, match="complex32"):
        promotion.result_type((number, (dtypes.int64, promotion.DIM)), dtypes.float16)
    operands = (number, (dtypes.int64, promotion.ZERO), (dtypes.complex64, promotion.DIM))
    assert promotion.result_type(operands, dtypes.float16) is dtypes.complex64


def test_number_dtype():
    asked = (True, 3, 2.5, 1j)
    expected = [dtypes.bool_, dtypes.int64, dtypes.float64, dtypes.complex128]
    assert [promotion.number_dtype(number) for number in asked] == expected
    with pytest.raises(TypeError):
        promotion.number_dtype("3")


def test_no_operand():
    with pytest.raises(ValueError):
        promotion.result_type((), dtypes.float32)
