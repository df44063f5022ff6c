"""Recurrent networks and packed sequences beside PyTorch's."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.oracle


def run(torch, cls, options, packed=False, **more):
    """Return what a network of a seed computes, with gradients and the names of nodes."""
    torch.manual_seed(0)
    network = getattr(torch.nn, cls)(3, 4, **options)
    x = torch.randn(5, 2, 3, requires_grad=True)
    given = x
    if packed:
        given = torch.nn.utils.rnn.pack_padded_sequence(x, [3, 5], enforce_sorted=False)
    output, hidden = network(given)
    if packed:
        output, _ = torch.nn.utils.rnn.pad_packed_sequence(output)
    states = list(hidden) if isinstance(hidden, tuple) else [hidden]
    total = sum((each**2).sum() for each in (output, *states))
    total.backward()
    gradients = [p.grad for p in network.parameters()]
    names = [type(each.grad_fn).__name__ for each in states]
    return [output, *states, x.grad, *gradients], names, str(network)


OPTIONS = (
    {},
    {"num_layers": 2, "dropout": 0.5, "bidirectional": True},
    {"bias": False, "batch_first": True},
)


@pytest.mark.parametrize("cls", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("options", OPTIONS)
def test_networks(both, cls, options):
    both(lambda torch: run(torch, cls, options))


@pytest.mark.parametrize("cls", ["LSTM", "GRU", "RNN"])
def test_networks_of_packed_sequences(both, cls):
    both(lambda torch: run(torch, cls, {"num_layers": 2, "dropout": 0.25}, packed=True))


def run_packed(torch, cls, options, ordered, looked_at):
    """Return what a network makes of packed sequences, with gradients and the names of nodes."""
    rnn = torch.nn.utils.rnn
    torch.manual_seed(0)
    network = getattr(torch.nn, cls)(3, 4, **options)
    first = options.get("batch_first", False)
    x = torch.randn(*((5, 7, 3) if first else (7, 5, 3)), requires_grad=True)
    lengths = [6, 5, 3, 3, 1] if ordered else [3, 5, 1, 6, 3]
    given = rnn.pack_padded_sequence(x, lengths, first, enforce_sorted=ordered)
    rows = [given.data] if looked_at else []
    output, hidden = network(given)
    rows += [output.data] if looked_at else []
    padded, lengths = rnn.pad_packed_sequence(output, first, -1.5, 8)
    states = list(hidden) if isinstance(hidden, tuple) else [hidden]
    sum((each**2).sum() for each in (padded, *states, *rows)).backward()
    rows = [given.data, output.data]
    names = [type(each.grad_fn).__name__ for each in (padded, *states, *rows)]
    gradients = [x.grad, *[p.grad for p in network.parameters()]]
    return [padded, lengths, *states, *rows, *gradients, *output[1:]], names, len(output)


@pytest.mark.parametrize("cls", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2, "bidirectional": True, "batch_first": True},
        {"num_layers": 2, "dropout": 0.5},
    ],
)
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("looked_at", [True, False])
def test_packed_sequences_that_stay_padded(both, cls, options, ordered, looked_at):
    # Gradients of sums: up to 10, of terms that cancel.
    both(lambda torch: run_packed(torch, cls, options, ordered, looked_at), absolute=5e-6)


def test_a_packed_projection(both):
    both(lambda torch: run_packed(torch, "LSTM", {"proj_size": 2}, False, False))


PACKED = {
    "printed": "P(x, [4, 2])",
    "sorted and printed": "P(x, [2, 4], enforce_sorted=False)",
    "by index": "P(x, [4, 2])[0], P(x, [4, 2])[-1]",
    "other dtype": "P(x, [4, 2]).double()",
    "undone": "U(P(x, [4, 2]), padding_value=3)",
    "not sorted": "P(x, [2, 4])",
    "empty": "P(x, [4, 0])",
    "of another length": "P(x, [2])",
    "longer than there is": "P(x, [5, 2])",
    "longer than there is, undone": "U(P(x, [5, 2]))",
    "longer than there is, run": "torch.nn.GRU(1, 4)(P(x, [5, 2]))",
    "features": "torch.nn.GRU(3, 4)(P(x, [4, 2]))",
    "features of an LSTM": "torch.nn.LSTM(3, 4)(P(x, [4, 2]))",
    "state": "torch.nn.RNN(1, 4)(P(x, [4, 2]), torch.zeros(1, 3, 4))",
    "dtype": "torch.nn.GRU(1, 4)(P(x.double(), [4, 2]))",
    "too short": "U(P(x, [4, 2]), total_length=3)",
    "no features": "torch.nn.GRU(3, 4)(P(x[:, :, 0], [4, 2]))",
    "more dimensions": "torch.nn.GRU(1, 4)(P(x[..., None], [4, 2]))",
}


@pytest.mark.parametrize("expression", PACKED.values(), ids=PACKED)
def test_outcomes_of_packing(both, expression):
    def program(torch):
        rnn = torch.nn.utils.rnn
        names = {"torch": torch, "P": rnn.pack_padded_sequence, "U": rnn.pad_packed_sequence}
        torch.manual_seed(0)
        names["x"] = torch.arange(8.0).view(4, 2, 1)
        try:
            return repr(eval(expression, names))
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            return f"{type(error).__name__}: {error}"

    both(program)


@pytest.mark.parametrize("cls", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cells(both, cls):
    def step(torch):
        torch.manual_seed(0)
        cell = getattr(torch.nn, cls)(3, 4)
        result = cell(torch.randn(2, 3))
        return result, str(cell)

    both(step)
