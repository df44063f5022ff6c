"""Recurrent networks: weights of a seed, values and gradients against plain loops, errors."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import jtorch as torch

KINDS = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def step(kind: str, x: np.ndarray, states: list, weights: list) -> list:
    """One step of a cell as the definition has it, in NumPy."""
    w_ih, w_hh, b_ih, b_hh = weights[:4]
    given, own = x @ w_ih.T + b_ih, states[0] @ w_hh.T + b_hh
    if kind == "lstm":
        i, f, g, o = np.split(given + own, 4, -1)
        memory = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(memory)
        return [hidden @ weights[4].T if len(weights) > 4 else hidden, memory]
    if kind == "gru":
        x_r, x_z, x_n = np.split(given, 3, -1)
        h_r, h_z, h_n = np.split(own, 3, -1)
        update = sigmoid(x_z + h_z)
        new = np.tanh(x_n + sigmoid(x_r + h_r) * h_n)
        return [(1 - update) * new + update * states[0]]
    return [np.tanh(given + own) if kind == "rnn_tanh" else np.maximum(given + own, 0)]


def network(kind: str, x: np.ndarray, lengths: list, states: list, layers: list) -> tuple:
    """Run layers of ``[weights of each direction]`` over padded sequences, in NumPy."""
    last: list = [[] for _ in states]
    index = 0
    for directions in layers:
        outputs = []
        for direction, weights in enumerate(directions):
            now = [state[index].copy() for state in states]
            found = np.zeros((*x.shape[:2], now[0].shape[-1]))
            order = range(x.shape[0])
            for time in reversed(order) if direction else order:
                here = np.array([time < length for length in lengths])[:, None]
                new = step(kind, x[time], now, weights)
                now = [np.where(here, n, o) for n, o in zip(new, now, strict=True)]
                found[time] = np.where(here, now[0], 0)
            outputs.append(found)
            for kept, state in zip(last, now, strict=True):
                kept.append(state)
            index += 1
        x = np.concatenate(outputs, -1)
    return x, [np.stack(each) for each in last]


def make(kind: str, layers: int, directions: int, projected: int = 0) -> tuple:
    """Return an input, initial states and weights."""
    random = np.random.RandomState(layers + 2 * directions)
    size, rows = 3, 3 * KINDS[kind]
    hidden = projected or size
    found, features = [], 2
    for _ in range(layers):
        found.append([])
        for _ in range(directions):
            shapes = [(rows, features), (rows, hidden), (rows,), (rows,)]
            shapes += [(hidden, size)] if projected else []
            found[-1].append([random.randn(*shape) * 0.5 for shape in shapes])
        features = hidden * directions
    states = [random.randn(layers * directions, 2, hidden)]
    if kind == "lstm":
        states.append(random.randn(layers * directions, 2, size))
    return random.randn(4, 2, 2), states, found


@pytest.mark.parametrize(
    ("kind", "layers", "directions"),
    [("lstm", 2, 2), ("gru", 2, 1), ("gru", 1, 2), ("rnn_tanh", 1, 2), ("rnn_relu", 2, 1)],
)
def test_a_network_is_its_definition(kind, layers, directions):
    x, states, weights = make(kind, layers, directions)
    flat = [torch.tensor(w) for group in weights for one in group for w in one]
    given = [torch.tensor(state) for state in states]
    hx = given if kind == "lstm" else given[0]
    options = (flat, True, layers, 0.0, False, directions == 2)
    wanted, wanted_last = network(kind, x, [4, 4], states, weights)
    output, *last = getattr(torch, kind)(torch.tensor(x), hx, *options, False)
    np.testing.assert_allclose(output.numpy(), wanted, rtol=1e-12)
    for found, each in zip(last, wanted_last, strict=True):
        np.testing.assert_allclose(found.numpy(), each, rtol=1e-12)
    turned, *_ = getattr(torch, kind)(torch.tensor(x).transpose(0, 1), hx, *options, True)
    np.testing.assert_allclose(turned.numpy(), wanted.swapaxes(0, 1), rtol=1e-12)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_packed_sequence_stands_still_behind_its_end(kind):
    x, states, weights = make(kind, 1, 2)
    wanted, wanted_last = network(kind, x, [4, 2], states, weights)
    packed = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x), [4, 2])
    flat = [torch.tensor(w) for one in weights[0] for w in one]
    given = [torch.tensor(state) for state in states]
    output, *last = getattr(torch, kind)(
        packed.data, packed.batch_sizes, given if kind == "lstm" else given[0],
        flat, True, 1, 0.0, False, True,
    )  # fmt: skip
    rows = [wanted[t, b] for t, size in enumerate([2, 2, 1, 1]) for b in range(size)]
    np.testing.assert_allclose(output.numpy(), rows, rtol=1e-12)
    for found, each in zip(last, wanted_last, strict=True):
        np.testing.assert_allclose(found.numpy(), each, rtol=1e-12)


def test_a_projection_is_applied_to_the_state():
    x, states, weights = make("lstm", 1, 1, projected=2)
    wanted, wanted_last = network("lstm", x, [4, 4], states, weights)
    flat = [torch.tensor(w) for w in weights[0][0]]
    given = [torch.tensor(state) for state in states]
    output, *last = torch.lstm(torch.tensor(x), given, flat, True, 1, 0.0, False, False, False)
    np.testing.assert_allclose(output.numpy(), wanted, rtol=1e-12)
    np.testing.assert_allclose(last[1].numpy(), wanted_last[1], rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_the_slope(kind):
    """Every gradient, along one direction, against a difference of values."""
    x, states, weights = make(kind, 1, 1)
    arrays = [x, *states, *weights[0][0]]
    random = np.random.RandomState(3)
    directions = [random.randn(*array.shape) for array in arrays]
    upstream = [random.randn(4, 2, 3), *[random.randn(1, 2, 3) for _ in states]]

    def value(arrays):
        count = len(states)
        hx = list(arrays[1 : 1 + count])
        results = getattr(torch, kind)(
            arrays[0], hx if kind == "lstm" else hx[0], list(arrays[1 + count :]),
            True, 1, 0.0, True, False, False,
        )  # fmt: skip
        return sum((r * torch.tensor(u)).sum() for r, u in zip(results, upstream, strict=True))

    leaves = [torch.tensor(array).requires_grad_() for array in arrays]
    gradients = torch.autograd.grad(value(leaves), leaves)
    slope = sum((g.numpy() * d).sum() for g, d in zip(gradients, directions, strict=True))
    ends = [
        value([torch.tensor(a + h * d) for a, d in zip(arrays, directions, strict=True)]).item()
        for h in (1e-5, -1e-5)
    ]
    assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6)


def test_the_gradient_of_the_gradient_is_the_slope_of_it():
    x, states, weights = make("lstm", 1, 1)
    flat = [torch.tensor(w) for w in weights[0][0]]
    given = [torch.tensor(state) for state in states]
    direction = torch.tensor(np.random.RandomState(1).randn(*x.shape))

    def slope(point, create_graph=False):
        leaf = point if point.requires_grad else point.requires_grad_()
        output = torch.lstm(leaf, given, flat, True, 1, 0.0, True, False, False)[0]
        return torch.autograd.grad((output**2).sum(), leaf, create_graph=create_graph)[0], leaf

    gradient, leaf = slope(torch.tensor(x), True)
    (second,) = torch.autograd.grad((gradient * direction).sum(), leaf)
    near = [slope(torch.tensor(x) + h * direction)[0] for h in (1e-5, -1e-5)]
    np.testing.assert_allclose(
        second.numpy(), ((near[0] - near[1]) / 2e-5).numpy(), rtol=1e-5, atol=1e-7
    )


def test_one_program_serves_all_lengths_of_one_sum():
    """The lengths of packed sequences are no constants of a program."""
    network = torch.nn.GRU(2, 3)

    def run(lengths):
        packed = torch.nn.utils.rnn.pack_padded_sequence(torch.ones(4, 3, 2), lengths)
        return network(packed)[0].data.sum().item()

    run([4, 2, 2])
    before = torch.compiler.stats().programs_compiled
    run([4, 3, 1])
    assert torch.compiler.stats().programs_compiled == before


def test_weights_of_a_seed_are_pytorchs():
    torch.manual_seed(0)
    network = torch.nn.LSTM(2, 1, num_layers=2, bidirectional=True)
    names = [name for name, _ in network.named_parameters()]
    assert names[:5] == [
        "weight_ih_l0",
        "weight_hh_l0",
        "bias_ih_l0",
        "bias_hh_l0",
        "weight_ih_l0_reverse",
    ]
    # torch 2.13.0
    wanted = [-0.007486820, 0.53644359, -0.82304513, -0.73593903]
    assert network.weight_ih_l0.flatten()[:4].tolist() == pytest.approx(wanted, rel=1e-6)


def test_nodes_have_pytorchs_names():
    x = torch.ones(3, 2, 2)
    for cls, name in ((torch.nn.LSTM, "MkldnnRnnLayerBackward0"), (torch.nn.GRU, "StackBackward0")):
        output, hidden = cls(2, 3)(x)
        assert type(output.grad_fn).__name__ == name
        last = hidden[0] if isinstance(hidden, tuple) else hidden
        assert type(last.grad_fn).__name__ == "StackBackward0"
    hidden, memory = torch.nn.LSTMCell(2, 3)(x[0])
    assert type(hidden.grad_fn).__name__ == "MulBackward0"
    assert type(memory.grad_fn).__name__ == "AddBackward0"


def test_a_module_shows_its_options():
    assert str(torch.nn.LSTM(2, 3, 2, batch_first=True, proj_size=1)) == (
        "LSTM(2, 3, proj_size=1, num_layers=2, batch_first=True)"
    )
    assert str(torch.nn.RNNCell(2, 3, nonlinearity="relu")) == "RNNCell(2, 3, nonlinearity=relu)"


def test_a_replaced_weight_is_used():
    network = torch.nn.RNN(2, 3)
    network.weight_hh_l0 = torch.nn.Parameter(torch.zeros(3, 3))
    assert network._flat_weights[1] is network.weight_hh_l0
    assert network.double()._flat_weights[0].dtype is torch.float64


def refusals():
    network, x = torch.nn.GRU(2, 3), torch.ones(4, 2, 2)
    yield lambda: network(torch.ones(2)), "GRU: Expected input to be 2D or 3D, got 1D instead"
    yield (
        lambda: network(torch.ones(4, 2, 5)),
        "input.size(-1) must be equal to input_size. Expected 2, got 5",
    )
    yield (
        lambda: network(x, torch.ones(1, 3, 3)),
        "Expected hidden size (1, 2, 3), got [1, 3, 3]",
    )
    yield (
        lambda: torch.nn.LSTM(2, 3)(x, (torch.ones(1, 3), torch.ones(1, 3))),
        "For batched 3-D input, hx and cx should also be 3-D but got (2-D, 2-D) tensors",
    )
    yield lambda: torch.nn.GRU(2, 0), "hidden_size must be greater than zero"
    yield (
        lambda: torch.nn.GRU(2, 3, proj_size=1),
        "proj_size argument is only supported for LSTM, not RNN or GRU",
    )
    weights = [torch.ones(9, 2), torch.ones(9, 3), torch.ones(9), torch.ones(9)]
    options = (0.0, False, False, False)
    hx = torch.zeros(1, 2, 3)
    yield (
        lambda: torch.gru(x, hx, weights[:3], True, 1, *options),
        "got an incorrect number of RNN parameters",
    )
    yield (
        lambda: torch.gru(x, hx, weights, True, 0, *options),
        "Expected more hidden states in stacked_rnn",
    )
    yield (
        lambda: torch.gru(x[:0], hx, weights, True, 1, *options),
        "Expected sequence length to be larger than 0 in RNN",
    )
    yield (
        lambda: torch.gru_cell(x[0], hx[0, :1], *weights),
        "Input batch size 2 doesn't match hidden0 batch size 1",
    )


@pytest.mark.parametrize("index", range(10))
def test_words_are_pytorchs(index):
    call, words = next(itertools.islice(refusals(), index, None))
    with pytest.raises((RuntimeError, ValueError)) as caught:
        call()
    assert str(caught.value) == words


def test_dropout_of_one_layer_is_warned_of():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.nn.RNN(2, 3, dropout=0.1)
    assert "but got dropout=0.1 and num_layers=1" in str(caught[0].message)
