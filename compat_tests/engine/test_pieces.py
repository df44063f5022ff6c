"""Large programs that repeat inside are cut into pieces, of which equal ones are compiled once."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

import jtorch
from jtorch import nn
from jtorch._engine.execution import failures, growth, periods, pieces, program_index
from jtorch._engine.recording.trace import local


def test_a_period_is_found_between_other_steps():
    kinds = [1, 2, 3, *([10, 11, 12, 13, 14, 15, 16, 17] * 5), 7, 8]
    assert periods.cuts(kinds, [1.0] * len(kinds)) == [0, 3, 11, 19, 27, 35, 43]


def test_it_is_cut_where_the_fewest_bytes_are_carried():
    kinds = [1, 2, 3, *(list(range(10, 20)) * 9), 7, 8]
    carried = [1.0 if kind == 14 else 5.0 for kind in kinds]
    found = periods.cuts(kinds, carried)
    assert [kinds[at] for at in found[1:-1]] == [14] * (len(found) - 2)
    # Several turns are one piece where many are as short as this.
    assert {b - a for a, b in itertools.pairwise(found[1:-1])} == {20}


def test_groups_of_layers_repeat_inside():
    layer = list(range(40))
    group = [*layer * 4, 99]
    found = periods.cuts(group * 5, [1.0] * len(group) * 5)
    assert {b - a for a, b in itertools.pairwise(found)} <= {1, 40, 41}


@pytest.mark.parametrize("kinds", [list(range(300)), [1, 2] * 3, [5] * 10])
def test_what_does_not_repeat_is_left_whole(kinds):
    assert periods.cuts(kinds, [1.0] * len(kinds)) == [0]


class _Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.first, self.second = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        for scale in (0.1, 0.2, 0.3, 0.4):
            x = x + jtorch.tanh(x * scale).clamp(-0.5, 0.5) * scale
        return x + self.second(jtorch.tanh(self.first(self.norm(x))) * 0.5)


def _train(layers, steps=3, width=32):
    jtorch.manual_seed(0)
    model = nn.Sequential(*[_Block(width) for _ in range(layers)], nn.Linear(width, 3))
    optimiser = jtorch.optim.Adam(model.parameters(), lr=0.01)
    x, y = jtorch.randn(5, width), jtorch.tensor([0, 1, 2, 1, 0])
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses, [parameter.detach().numpy().copy() for parameter in model.parameters()]


@pytest.fixture
def compiled_steps(monkeypatch):
    """How many steps each piece has that is compiled; nothing is taken from the disk."""
    monkeypatch.setattr(program_index, "is_enabled", lambda: False)
    found = []
    make = pieces.function_of

    def function_of(steps, wiring):
        found.append(len(steps))
        return make(steps, wiring)

    monkeypatch.setattr(pieces, "function_of", function_of)
    jtorch.synchronize()
    local.trace.span = 0  # the rhythm of a loop that another test ran
    growth.forget_everything()
    return found


@pytest.mark.execution("compile")
def test_pieces_compute_what_the_whole_program_computes(compiled_steps, monkeypatch):
    losses, parameters = _train(6)
    assert compiled_steps
    monkeypatch.setattr(periods, "LEAST_STEPS", 1 << 30)
    growth.forget_everything()
    compiled_steps.clear()
    whole_losses, whole_parameters = _train(6)
    assert not compiled_steps
    np.testing.assert_allclose(losses, whole_losses, rtol=1e-5)
    for cut, whole in zip(parameters, whole_parameters):
        np.testing.assert_allclose(cut, whole, rtol=1e-3, atol=1e-5)


@pytest.mark.execution("compile")
def test_compiling_grows_with_the_layers_that_differ_and_not_with_depth(compiled_steps):
    totals = []
    for layers in (12, 48):
        growth.forget_everything()
        compiled_steps.clear()
        _train(layers, steps=1)
        totals.append(sum(compiled_steps))
    assert totals[1] <= 2 * totals[0], totals  # four times as many layers


@pytest.mark.execution("compile")
def test_time_steps_are_pieces(compiled_steps):
    def run(length):
        growth.forget_everything()
        compiled_steps.clear()
        jtorch.manual_seed(0)
        cell = nn.LSTMCell(2, 6)
        state = jtorch.zeros(3, 6), jtorch.zeros(3, 6)
        total = 0.0
        for x in jtorch.randn(length, 3, 2):
            state = cell(x, state)
            total = total + state[0].sum()
        total.backward()
        return cell.weight_hh.grad.numpy(), sum(compiled_steps)

    gradient, few = run(20)
    assert np.isfinite(gradient).all()
    _, many = run(60)
    assert 0 < many <= 2 * few


class _Signal(BaseException):
    """Raised where a signal's handler would."""


def _three_pieces(signals):
    """Return ``(x + 1) * 2 - 3`` as pieces of which the second overwrites its argument.

    Args:
        signals: how often each piece is stopped before it runs.
    """
    left = dict(signals)

    def stopped(number, function):
        def call(array):
            if left.get(number):
                left[number] -= 1
                raise _Signal
            return [function(array)]

        return call

    assembled = SimpleNamespace(arrays=[None] * 4, inputs=[0], numbers=[])
    whole = pieces.Pieces(assembled, False, False, [3])
    functions = (lambda x: x + 1, lambda x: x * 2, lambda x: x - 3)
    whole.pieces = [
        pieces.Piece(stopped(at, function), [at], [at + 1], [at], at == 1)
        for at, function in enumerate(functions)
    ]
    return whole


@pytest.mark.parametrize("piece", [0, 1])
def test_a_signal_before_anything_is_overwritten_ends_the_run(piece):
    whole = _three_pieces({piece: 1})
    with pytest.raises(_Signal):
        whole(5.0)
    assert whole(5.0) == [9.0]


@pytest.mark.parametrize("times", [1, 3])
def test_a_signal_after_something_was_overwritten_waits_for_the_end(times):
    whole = _three_pieces({2: times})
    with pytest.raises(failures.Interrupted) as stopped:
        whole(5.0)
    assert stopped.value.outputs == [9.0]
    assert isinstance(stopped.value.signal, _Signal)


@pytest.mark.execution("compile")
def test_parameters_are_overwritten_by_pieces(compiled_steps, monkeypatch):
    found = []
    go = pieces._Run.go

    def noted(self):
        found.extend(piece.overwrites for piece in self.whole.pieces)
        return go(self)

    monkeypatch.setattr(pieces._Run, "go", noted)
    _train(12, steps=2)
    assert any(found)
