"""Calls that are alike are planned once, and bound by the classes of their arguments."""

from __future__ import annotations

import numpy as np
import pytest

import jtorch as torch
from jtorch._engine.execution import growth
from jtorch._engine.recording import binding, planning
from jtorch._engine.recording.trace import local
from jtorch.nn import functional as F


@pytest.fixture(autouse=True)
def fresh():
    growth.forget_everything()
    local.trace.begin()
    binding._forms.clear()


def plans(monkeypatch, function):
    """Run a function; return its result and the names of the operators that were planned."""
    planned = []
    finish = planning.finish

    def counted(op, plan, trace):
        planned.append(op.name)
        return finish(op, plan, trace)

    monkeypatch.setattr(planning, "finish", counted)
    return function(), planned


def test_equal_layers_are_planned_once(monkeypatch):
    weight, bias = torch.full((4, 4), 0.5), torch.ones(4)

    def deep():
        x = torch.ones(2, 4)
        for _ in range(10):
            x = F.relu(F.linear(x, weight, bias)).transpose(0, 1).transpose(0, 1) - 0.25
        return x[0, 0].item()

    value, planned = plans(monkeypatch, deep)
    expected = 1.0
    for _ in range(10):
        expected = max(4 * 0.5 * expected + 1.0, 0.0) - 0.25
    assert value == pytest.approx(expected)
    assert planned.count("relu") == planned.count("sub") == 1
    assert planned.count("transpose") == 2


def test_one_tensor_twice_is_another_call_than_two(monkeypatch):
    a, b = torch.tensor([2.0, 3.0]), torch.tensor([5.0, 7.0])

    def program():
        return [(a * a).tolist(), (a * b).tolist(), (b * b).tolist(), (b * a).tolist()]

    values, planned = plans(monkeypatch, program)
    assert values == [[4.0, 9.0], [10.0, 21.0], [25.0, 49.0], [10.0, 21.0]]
    assert planned.count("mul") == 2
    values, planned = plans(monkeypatch, lambda: torch.cat([b, b, a]).tolist())
    assert values == [5.0, 7.0, 5.0, 7.0, 2.0, 3.0]
    values, planned = plans(monkeypatch, lambda: torch.cat([b, a, a]).tolist())
    assert values == [5.0, 7.0, 2.0, 3.0, 2.0, 3.0]


def test_numbers_that_are_inputs_do_not_decide_what_is_planned(monkeypatch):
    x = torch.tensor([1.0, 2.0])

    def program():
        return [torch.add(x, x + 1, alpha=n).tolist() for n in (2.0, 3.0)] + [
            torch.addcmul(x, x, x, value=4.0).tolist(),
            (x * 2).tolist(),
            (x * 3).tolist(),
            (x * 2.5).tolist(),
        ]

    values, _ = plans(monkeypatch, program)
    assert values == [
        *([5.0, 8.0], [7.0, 11.0], [5.0, 18.0]),
        *([2.0, 4.0], [3.0, 6.0], [2.5, 5.0]),
    ]


def test_numbers_that_are_constants_do(monkeypatch):
    x = torch.arange(6.0).reshape(2, 3)
    values, planned = plans(
        monkeypatch,
        lambda: [x.sum(0).tolist(), x.sum(1).tolist(), x.sum((0, 1)).item(), (x**2)[1].tolist()],
    )
    assert values == [[3.0, 5.0, 7.0], [3.0, 12.0], 15.0, [9.0, 16.0, 25.0]]
    assert planned.count("sum") == 3


def test_modes_are_planned_apart():
    x = torch.ones(3, requires_grad=True)
    assert (x * 2).requires_grad
    with torch.no_grad():
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype is torch.bfloat16
    assert torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype is torch.float32


def test_in_place_writes_find_their_own_tensor():
    a, b = torch.zeros(2), torch.zeros(2)
    for number in (1.0, 2.0):
        a.add_(number)
        b.sub_(number)
    a.view(2)[0].mul_(10)
    b.view(2)[0].mul_(10)
    assert (a.tolist(), b.tolist()) == ([30.0, 3.0], [-30.0, -3.0])


def test_the_same_names_with_other_classes_are_bound_anew():
    x = torch.arange(12.0).reshape(3, 4)
    assert x.sum(dim=0).shape == (4,)
    assert x.sum(dim=(0, 1)).shape == ()
    assert x.sum(dim=[1], keepdim=True).shape == (3, 1)
    assert x.view(4, 3).shape == x.view((4, 3)).shape == x.view(torch.Size([4, 3])).shape
    assert x.permute(1, 0).shape == x.permute((1, 0)).shape == (4, 3)
    assert torch.add(x, 1, alpha=2)[0, 0] == torch.add(x, torch.tensor(1.0), alpha=2)[0, 0] == 2.0
    assert torch.clamp(x, 2, 3)[0].tolist() == torch.clamp(x, min=2, max=3)[0].tolist()
    assert torch.clamp(x, max=2)[0].tolist() == [0.0, 1.0, 2.0, 2.0]


def test_a_refused_call_is_refused_each_time():
    x = torch.ones(2, 3)
    for _ in range(3):
        with pytest.raises(RuntimeError, match=r"shape '.4, 5.' is invalid for input of size 6"):
            x.view(4, 5)
        with pytest.raises(TypeError, match="invalid combination of arguments"):
            torch.sum(x, dim="a")
        assert x.view(3, 2).shape == (3, 2)


def test_numbers_of_numpy_are_bound_by_value():
    x = torch.ones(2, 3)
    for size in (np.int64(6), 6, np.int32(6)):
        assert x.view(size).shape == (6,)
    assert (x * np.float32(2)).sum().item() == 12.0
