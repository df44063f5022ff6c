"""A result that cannot be computed: its error is raised where it is looked at, and nowhere else."""

from __future__ import annotations

import sys

import pytest

import jtorch as torch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks for terabytes of addresses")

WORDS = r"DefaultCPUAllocator: can't allocate memory: you tried to allocate \d+ bytes"


def huge():
    """Return a pending result of terabytes."""
    return torch.nn.functional.one_hot(torch.arange(3), 10**12)


def widened():
    """Return another: eighty terabytes of products."""
    return torch.ones(3).expand(10**13, 3) * 2


@pytest.mark.parametrize("make", [huge, widened])
def test_another_tensor_is_printed(make):
    before = torch.arange(3.0) + 1
    lost = make()
    after = torch.ones(2) * 5
    assert str(before) == "tensor([1., 2., 3.])"
    assert after.tolist() == [5.0, 5.0]
    for _ in range(2):
        with pytest.raises(RuntimeError, match=WORDS):
            lost[0, 0].item()
    with pytest.raises(RuntimeError, match=WORDS):
        print(lost)
    assert (before + 1).tolist() == [2.0, 3.0, 4.0]


@pytest.mark.parametrize("make", [huge, widened])
def test_what_follows_from_it_is_lost_too(make):
    lost = make()
    total = lost.sum() + 1
    other = torch.zeros(2) - 1
    assert other.tolist() == [-1.0, -1.0]
    lost_too = lost + total
    assert (other * 2).tolist() == [-2.0, -2.0]
    with pytest.raises(RuntimeError, match=WORDS):
        lost_too.tolist()


def test_a_write_that_could_not_be_done_is_said_at_once():
    target = torch.zeros(2)
    target.add_(1)
    assert target.tolist() == [1.0, 1.0]
    lost = widened()
    target.add_(lost[:, 0].sum())
    with pytest.raises(RuntimeError, match=WORDS):
        target.tolist()
    assert (torch.ones(2) + 1).tolist() == [2.0, 2.0]
