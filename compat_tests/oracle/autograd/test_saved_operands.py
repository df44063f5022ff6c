"""What may be overwritten between the passes, for some 300 operators: the same as in PyTorch."""

from __future__ import annotations

import warnings

import pytest

from compat_tests.helpers import saved_operands

pytestmark = pytest.mark.oracle

MASK = "the positions are found when it is called, and the mask is not kept"
#: What differs, each with its reason.
KNOWN = {
    ("a.masked_select(mask)", "mask"): MASK,
    ("a[mask]", "mask"): MASK,
    ("torch.special.zeta(a + 2, b)", "b"): "the missing gradient is refused first",
    ("a.cummax(0)[0]", "a"): "only its shape is needed",
    ("a.cummin(0)[0]", "a"): "only its shape is needed",
}


def test_what_may_be_overwritten_is_what_pytorch_lets_one_overwrite():
    import torch

    import jtorch

    cases, found = 0, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for expression in saved_operands.expressions():
            for name in saved_operands.used(expression):
                cases += 1
                expected = saved_operands.outcome(torch, expression, name)
                outcome = saved_operands.outcome(jtorch, expression, name)
                if outcome != expected:
                    found[expression, name] = (expected, outcome)
    assert cases > 700
    assert found.keys() == KNOWN.keys(), {
        key: found.get(key) for key in found.keys() ^ KNOWN.keys()
    }
