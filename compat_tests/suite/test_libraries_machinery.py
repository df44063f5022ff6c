"""How outputs of libraries' programs are compared."""

from __future__ import annotations

import pytest

from compat_tests.libraries.comparison import compare, difference, programs_of


def test_programs_are_told_apart_by_their_names():
    assert programs_of("noise\n# one\n1\n2\n# two\n# three\n3\n") == {
        "one": "1\n2\n", "two": "", "three": "3\n",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "found", "how"),
    [
        ("loss 0.1234\n", "loss 0.1234\n", "same"),
        ("loss 0.1234\n", "loss 0.1235\n", "digits"),  # the last place that is printed
        ("loss 0.1234\n", "loss 0.1236\n", "different"),
        ("loss 1.23456e-05\n", "loss 1.23459e-05\n", "digits"),
        ("loss 1.23456e-05\n", "loss 1.24456e-05\n", "different"),
        ("tensor([ 0.0000, 1.0000])\n", "tensor([-0.0000, 1.0000])\n", "digits"),
        ("tensor([0.5000, -0.0000])\n", "tensor([0.5000, 0.0000])\n", "digits"),
        ("step 3 0.5\n", "step 4 0.5\n", "different"),  # whole numbers are exact
        ("0.5 nan\n", "0.5 nan\n", "same"),
        ("0.5 nan\n", "0.5 0.5\n", "different"),
        ("shape (2, 3) 0.25\n", "shape (2, 3) 0.25 more\n", "different"),
        ("0.5\n", "failed: KeyError: 1\n", "different"),
        ("failed: KeyError: 1\n", "failed: KeyError: 1\n", "different"),
        ("0.5\n", "", "different"),
    ],
)
def test_outputs_agree_in_characters_or_four_digits(expected, found, how):
    assert compare(expected, found) == how


def test_a_difference_shows_both_sides():
    shown = difference("a\nb\n", "a\nc\n")
    assert "-b" in shown
    assert "+c" in shown
