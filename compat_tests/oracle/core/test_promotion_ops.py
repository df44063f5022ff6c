"""The dtype of a result, or the error, of operators of two operands: every pair, every category.

Nothing is computed by jtorch here: the dtype of a pending result is known at once.
"""

from __future__ import annotations

import itertools

import pytest

torch = pytest.importorskip("torch")
jtorch = pytest.importorskip("jtorch")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental:UserWarning"),
    pytest.mark.filterwarnings("ignore:Casting complex values to real:UserWarning"),
]

DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16",
    "bfloat16", "float32", "float64", "complex64", "complex128",
)  # fmt: skip
NUMBERS = (True, 3, 2.5, 1.5j)

OPERATORS = {
    "add": lambda library, a, b: a + b,
    "sub": lambda library, a, b: a - b,
    "mul": lambda library, a, b: a * b,
    "div": lambda library, a, b: a / b,
    "floor_divide": lambda library, a, b: a // b,
    "remainder": lambda library, a, b: a % b,
    "pow": lambda library, a, b: a**b,
    "eq": lambda library, a, b: a == b,
    "lt": lambda library, a, b: a < b,
    "bitwise_and": lambda library, a, b: a & b,
    "where": lambda library, a, b: library.where(a == a, a, b),
    "maximum": lambda library, a, b: library.maximum(a, b),
    "clamp_min": lambda library, a, b: a.clamp_min(b),
    "atan2": lambda library, a, b: library.atan2(a, b),
    "logical_or": lambda library, a, b: library.logical_or(a, b),
}
IN_PLACE = {
    "add_": lambda library, a, b: a.clone().add_(b),
    "mul_": lambda library, a, b: a.clone().mul_(b),
    "div_": lambda library, a, b: a.clone().div_(b),
    "pow_": lambda library, a, b: a.clone().pow_(b),
    "eq_": lambda library, a, b: a.clone().eq_(b),
}


def tensor(library, dtype: str, category: str):
    """Return ones of a dtype, with a dimension or without."""
    values = [1, 1] if category == "dim" else 1
    return library.tensor(values, dtype=getattr(library, dtype))


def answer(operator, library, *operands) -> str:
    """Return the dtype of a result, or the type and words of an error."""
    try:
        return str(operator(library, *operands).dtype)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def differ(expected: str, actual: str) -> bool:
    """Tell whether two answers differ, complex32 aside, which jtorch refuses with its own words."""
    if "complex32" in actual:
        return "complex32" not in expected and "ComplexHalf" not in expected
    return expected != actual


def check(operator, operands) -> None:
    """Compare the answers for ``(dtype, category)`` or a number, for each operand."""
    differences = []
    for pair in operands:
        answers = []
        for library in (torch, jtorch):
            made = [tensor(library, *o) if isinstance(o, tuple) else o for o in pair]
            answers.append(answer(operator, library, *made))
        if differ(*answers):
            differences.append((pair, *answers))
    assert not differences, f"{len(differences)} differ, of them {differences[:5]}"


TENSORS = list(itertools.product(DTYPES, ("dim", "zero")))


@pytest.mark.parametrize("name", OPERATORS)
def test_two_tensors(name):
    check(OPERATORS[name], itertools.product(TENSORS, TENSORS))


@pytest.mark.parametrize("name", [n for n in OPERATORS if n not in ("where",)])
def test_tensor_and_number(name):
    check(OPERATORS[name], itertools.product(TENSORS, NUMBERS))


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "floor_divide", "remainder"])
def test_number_and_tensor(name):
    check(OPERATORS[name], itertools.product(NUMBERS, TENSORS))


@pytest.mark.parametrize("name", ["add", "mul", "div", "pow"])
def test_other_default_dtype(name):
    jtorch.set_default_dtype(jtorch.float64)
    try:
        torch.set_default_dtype(torch.float64)
        check(OPERATORS[name], itertools.product(TENSORS, NUMBERS))
    finally:
        torch.set_default_dtype(torch.float32)
        jtorch.set_default_dtype(jtorch.float32)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    pairs = itertools.product(TENSORS, [t for t in TENSORS if t[1] == "zero"])
    check(IN_PLACE[name], pairs)
    check(IN_PLACE[name], itertools.product(TENSORS, NUMBERS))


def test_nothing_is_computed():
    result = jtorch.tensor([1.0, 2.0]) + jtorch.tensor(1)
    assert result.dtype is jtorch.float32
    assert result._value.array is None
