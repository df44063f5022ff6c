"""Recurrent cells and networks as the operators that PyTorch makes them of.

An LSTM network is one operator in PyTorch too, unless it projects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch

from ...ops.compat import aten
from .products import _linear
from .table import rule


def _kept(tensor: Any) -> Any:
    """Return a tensor that may be written over though a gradient needs it: a copy."""
    return aten.clone.default(tensor) if tensor.requires_grad else tensor


def _gru_gates(from_input: Any, from_hidden: Any, hidden: Any) -> Any:
    size = hidden.shape[-1]
    reset, update, new = aten.unsafe_split.Tensor(from_input, size, 1)
    reset_hidden, update_hidden, new_hidden = aten.unsafe_split.Tensor(from_hidden(), size, 1)
    reset = aten.sigmoid_.default(aten.add_.Tensor(reset_hidden, reset))
    update = aten.sigmoid_.default(aten.add_.Tensor(update_hidden, update))
    added = aten.mul_.Tensor(_kept(new_hidden), reset)
    new = aten.tanh_.default(aten.add.Tensor(new, added))
    left = aten.mul_.Tensor(_kept(aten.sub.Tensor(hidden, new)), update)
    return aten.add_.Tensor(left, new)


@rule("gru_cell")
def _gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    gates = _linear(input, w_ih, b_ih)
    return _gru_gates(gates, lambda: _linear(hx, w_hh, b_hh), hx)


@rule("lstm_cell")
def _lstm_cell(
    input: Any, hx: Sequence[Any], w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None
) -> Any:
    hidden, cell = hx
    gates = aten.add_.Tensor(_linear(hidden, w_hh, b_hh), _linear(input, w_ih, b_ih))
    parts = aten.unsafe_split.Tensor(gates, gates.shape[1] // 4, 1)
    write, forget = map(aten.sigmoid_.default, parts[:2])
    new, read = aten.tanh_.default(parts[2]), aten.sigmoid_.default(parts[3])
    cell = aten.add_.Tensor(aten.mul.Tensor(forget, cell), aten.mul.Tensor(write, new))
    return aten.mul.Tensor(read, aten.tanh.default(cell)), cell


def _plain_cell(name: str) -> Callable:
    activation = getattr(aten, name).default

    def cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
        return activation(aten.add_.Tensor(_linear(hx, w_hh, b_hh), _linear(input, w_ih, b_ih)))

    return cell


rule("rnn_tanh_cell")(_plain_cell("tanh"))
rule("rnn_relu_cell")(_plain_cell("relu"))


def _plain_step(name: str) -> Callable:
    activation = getattr(aten, name).default

    def step(from_input: Any, from_hidden: Callable[[], Any], hidden: Any) -> Any:
        return activation(aten.add_.Tensor(from_hidden(), from_input))

    return step


def _layer(step: Callable, input: Any, hidden: Any, weights: Sequence[Any], back: bool) -> Any:
    """Run one direction of one layer over a sequence; return its results and the last state."""
    w_ih, w_hh, *biases = weights
    b_ih, b_hh = biases or (None, None)
    results = []
    places = aten.unbind.int(_linear(input, w_ih, b_ih))
    for gates in reversed(places) if back else places:
        hidden = step(gates, lambda state=hidden: _linear(state, w_hh, b_hh), hidden)
        results.append(hidden)
    return aten.stack.default(results[::-1] if back else results), hidden


def _network(step: Callable) -> Callable:
    def network(
        input: Any, hx: Any, params: Any, has_biases: Any, num_layers: Any, dropout: Any,
        train: Any, bidirectional: Any, batch_first: Any = None,
    ) -> Any:  # fmt: skip
        if batch_first is None or not isinstance(params, (list, tuple)):
            return NotImplemented  # of packed sequences
        if batch_first:
            input = aten.transpose.int(input, 0, 1)
        states = aten.unbind.int(hx)
        count, directions = 4 if has_biases else 2, 2 if bidirectional else 1
        last = []
        for layer in range(num_layers):
            found = []
            for direction in range(directions):
                place = layer * directions + direction
                weights = params[place * count : (place + 1) * count]
                one, state = _layer(step, input, states[place], weights, direction == 1)
                found.append(one)
                last.append(state)
            input = found[0] if directions == 1 else aten.cat.default(found, 2)
            if dropout and train and layer < num_layers - 1:
                input = torch.dropout(input, dropout, train)
        state = aten.stack.default(last)
        return (aten.transpose_.default(input, 0, 1) if batch_first else input), state

    return network


rule("gru")(_network(_gru_gates))
rule("rnn_tanh")(_network(_plain_step("tanh")))
rule("rnn_relu")(_network(_plain_step("relu")))
