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


@pytest.mark.parametrize("cls", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cells(both, cls):
    def step(torch):
        torch.manual_seed(0)
        cell = getattr(torch.nn, cls)(3, 4)
        result = cell(torch.randn(2, 3))
        return result, str(cell)

    both(step)
