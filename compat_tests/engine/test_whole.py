"""What runs often by the interpreter is one Python function, which writes in place where it may."""

from __future__ import annotations

import numpy as np
import pytest

import jtorch as torch
from jtorch._core import config
from jtorch._engine.execution import growth, programs
from jtorch._engine.interpreter import assemble
from jtorch._engine.recording.trace import local

OFTEN = programs._OFTEN + 3


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    growth.forget_everything()
    local.trace.begin()
    monkeypatch.setattr(config, "EXECUTION", "interpret")


@pytest.fixture
def written(monkeypatch):
    """The programs that were written as one function."""
    found = []
    write = assemble.write_whole

    def noted(assembled):
        write(assembled)
        found.append(assembled)

    monkeypatch.setattr(assemble, "write_whole", noted)
    return found


def same_each_time(function, written):
    torch.synchronize()
    results = [function() for _ in range(OFTEN)]
    assert len(written) == 1 and written[0].whole is not None
    assert all(result == results[0] for result in results)
    return results[0]


def test_forward_backward_and_numbers(written):
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)

    def step():
        x.grad = None
        y = (x * 2.5 + 1).pow(2).sum()
        y.backward()
        return [*x.grad.tolist(), y.item()]

    # One program for the gradient and one for the sum: each is written down once.
    torch.synchronize()
    results = [step() for _ in range(OFTEN)]
    assert written and all(each.whole for each in written)
    assert results[0] == results[-1] == [17.5, 30.0, 42.5, 3.5**2 + 6.0**2 + 8.5**2]


def test_several_results_of_one_operator(written):
    x = torch.tensor([[3.0, 1.0, 2.0]])

    def step():
        values, places = x.sort()
        first, _, third = values.unbind(1)
        return (values + first[:, None] + places).tolist() + [third.item()]

    torch.synchronize()
    results = [step() for _ in range(OFTEN)]
    assert written
    assert results[0] == results[-1] == [[3.0, 5.0, 4.0], 3.0]


def test_writes_through_views_are_made_in_place(written):
    def step():
        matrix = torch.zeros(4, 4)
        for at in range(4):
            matrix[at].add_(1.0)
            matrix[:, at].mul_(2.0)
            matrix.diagonal()[at] += at
        return matrix.tolist()

    expected = np.zeros((4, 4), np.float32)
    for at in range(4):
        expected[at] += 1.0
        expected[:, at] *= 2.0
        expected[at, at] += at
    assert same_each_time(step, written) == expected.tolist()
    called = [value for name, value in written[0].whole.__globals__.items() if name[0] == "f"]
    writers = [getattr(getattr(each, "func", None), "__name__", "") for each in called]
    assert writers.count("_put_in_place") >= 10


def test_what_is_used_later_is_copied_first(written):
    def step():
        base = torch.ones(3) * 2
        view = base[0:2]
        before = base + 0
        base[1] = 7.0
        old = before.clone()
        base[2] = 8.0
        return [base.tolist(), view.tolist(), before.tolist(), old.tolist()]

    torch.synchronize()
    results = [step() for _ in range(OFTEN)]
    assert written
    assert results[-1] == [[2.0, 7.0, 8.0], [2.0, 7.0], [2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]
    assert results[0] == results[-1]


def test_a_value_between_two_writes_stays_what_it_was(written):
    def step():
        base = torch.zeros(2, 2) + 1
        base[0] = 5.0
        between = base.t().reshape(-1)  # a view in NumPy's sense, or a copy
        kept = base.view(4)[:2].clone()
        base[1] = 6.0
        return [between.tolist(), kept.tolist(), base.tolist()]

    torch.synchronize()
    results = [step() for _ in range(OFTEN)]
    assert results[0] == results[-1] == [[5.0, 1.0, 5.0, 1.0], [5.0, 5.0], [[5.0, 5.0], [6.0, 6.0]]]


def test_inputs_are_never_written_to(written):
    source = torch.arange(4.0)
    kept = source.numpy().copy()

    def step():
        mine = source.clone()
        mine[0] = -1.0
        mine[1:3].add_(10.0)
        return mine.tolist()

    assert same_each_time(step, written) == [-1.0, 11.0, 12.0, 3.0]
    np.testing.assert_array_equal(source.numpy(), kept)
