"""What is refused, and in which words: expressions against outcomes recorded from PyTorch.

Elements that a kernel refuses, dtypes that it does not know, numbers and arrays of NumPy's as
operands, and lists of dimensions and sizes of classes of their own.
"""

from __future__ import annotations

import pytest

import jtorch as torch
from compat_tests.helpers.expressions import outcome, read

FAMILIES = ("number_operands", "data_checks", "axis_lists", "words")


@pytest.mark.parametrize("family", FAMILIES)
def test_outcomes_are_pytorchs(family):
    recorded = read(family)
    assert recorded
    assert {expression: outcome(torch, expression) for expression in recorded} == recorded


@pytest.mark.parametrize(
    "divide",
    [
        lambda a, b: a // b,
        lambda a, b: a % b,
        lambda a, b: a.fmod_(b),
        lambda a, b: torch.div(a, b, rounding_mode="trunc"),
        lambda a, b: a.floor_divide_(b),
    ],
)
def test_zeros_that_a_pending_operator_makes_are_found(divide):
    numbers = torch.tensor([4, 6])
    with pytest.raises(RuntimeError, match=r"^ZeroDivisionError$"):
        divide(numbers, numbers - torch.tensor([3, 6]))
    assert numbers.tolist() == [4, 6]
    assert divide(numbers, numbers - torch.tensor([3, 4])).tolist() in ([4, 3], [0, 0])


def test_a_number_that_does_not_fit_is_found_in_every_call():
    tensor = torch.zeros(2, dtype=torch.uint8)
    for number, fits in ((3, True), (300, False), (4, True), (256, False)):
        for write in (
            lambda: tensor.fill_(number),  # noqa: B023
            lambda: tensor.add(tensor, alpha=number),  # noqa: B023
            lambda: tensor.add_(tensor, alpha=number),  # noqa: B023
        ):
            if fits:
                write()
            else:
                with pytest.raises(RuntimeError, match="to type uint8_t without overflow"):
                    write()


def test_a_zero_divisor_of_nothing_is_allowed():
    nothing = torch.zeros(0, 2, dtype=torch.int64)
    assert (nothing // torch.tensor([1, 0])).shape == (0, 2)


def test_a_list_of_a_class_of_its_own_is_read_again_in_every_trace():
    class Pair(tuple):
        pass

    for number in range(3):
        parts = Pair((torch.ones(1) * number, torch.ones(1)))
        assert torch.cat(parts).tolist() == [number, 1]
