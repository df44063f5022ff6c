"""Single steps of recurrent cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ...._core import dtypes, messages
from ...._core.dtypes import is_inexact
from ...._engine.declare import op
from ...._engine.graph.op import Plan
from ...._engine.graph.values import make_meta
from ...._engine.recording.kinds.base import Custom, cast
from . import _messages
from .forms import columns, projected_rows, rectified

_WEIGHTS = "Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None"


def _check_sizes(input: Any, states: tuple, w_ih: Any, w_hh: Any, blocks: int) -> None:
    """Refuse sizes that do not fit, in PyTorch's order."""
    input.size(1)  # raises where there is no such dimension
    features, wanted = input.shape[1], w_ih.shape[1]
    if features != wanted:
        raise _messages.cell_input_size(features, wanted)
    hidden = w_hh.shape[1]
    for position, state in enumerate(states):
        if input.shape[0] != state.shape[0]:
            raise _messages.cell_batch_size(input.shape[0], position, state.shape[0])
        if state.shape[1] != hidden:
            raise _messages.cell_hidden_size(position, state.shape[1], hidden)
    if w_hh.shape[0] != blocks * hidden:
        raise _messages.cell_weight_rows(blocks, blocks * hidden, w_hh.shape[0])


class _Cell:
    """The plan of one step: which operands there are, what it computes in."""

    def __init__(self, bound: dict[str, Any], names: tuple[str, ...]):
        given: dict[str, Any] = {name: bound.get(name) for name in names}
        self.names = [name for name in names if given[name] is not None]
        self.operands = [given[name] for name in self.names]
        self.meta = meta = given["input"].meta
        for left, right in (("input", "w_ih"), ("hx", "w_hh")):
            first, second = given[left].meta, given[right].meta
            if first.dtype is not second.dtype:
                raise _messages.factor_dtypes(first.dtype._legacy_name, second.dtype._legacy_name)
            if first.shape[-1] != second.shape[-1]:
                raise messages.mm_shapes(first.shape, second.shape[::-1])
        if not is_inexact(meta.dtype):
            raise _messages.factor_dtypes("Float", meta.dtype._legacy_name)
        rows = given["w_ih"].meta.shape[0]
        for name in ("b_ih", "b_hh"):
            bias = given.get(name)
            if bias is not None and bias.meta.shape not in ((rows,), (1,), ()):
                raise _messages.expanded_size((meta.shape[0], rows), bias.meta.shape[-1])
        self.wide = dtypes.working_dtype(meta.dtype)
        self.shape = given["hx"].meta.shape

    def named(self, arrays: tuple) -> dict[str, Any]:
        found = dict.fromkeys(("b_ih", "b_hh"))
        found.update(zip(self.names, [cast(a, self.wide) for a in arrays], strict=True))
        return found

    def plan(self, run: Callable, results: int = 1) -> Plan:
        made = make_meta(self.shape, self.meta.dtype, self.meta.device)

        def narrowed(*arrays):
            found = run(**self.named(arrays))
            if results == 1:
                return cast(found, self.meta.dtype)
            return tuple([cast(each, self.meta.dtype) for each in found])

        return Plan(narrowed, self.operands, (made,) * results)


_OPERANDS = ("input", "hx", "cx", "w_ih", "w_hh", "b_ih", "b_hh")


def _lstm_memory(input, hx, cx, w_ih, w_hh, b_ih, b_hh):
    product = projected_rows(input, w_ih, b_ih, b_hh) + projected_rows(hx, w_hh)
    if product.dtype.kind == "c":
        i, f, g, o = jnp.split(product, 4, -1)
        sigmoid = jax.nn.sigmoid
        return sigmoid(f) * cx + sigmoid(i) * jnp.tanh(g), sigmoid(o)
    size = w_hh.shape[0] // 4
    scale = columns((0.5, 0.5, 1.0, 0.5), size, product.dtype)
    offset = columns((0.5, 0.5, 0.0, 0.5), size, product.dtype)
    i, f, g, o = jnp.split(jnp.tanh(product * scale) * scale + offset, 4, -1)
    return f * cx + i * g, o


@op(
    "_lstm_cell_memory(Tensor input, Tensor hx, Tensor cx, Tensor w_ih, Tensor w_hh, "
    "Tensor? b_ih=None, Tensor? b_hh=None)",
    kind=Custom(lambda operation, bound, mode: _Cell(bound, _OPERANDS).plan(_lstm_memory, 2)),
    method=False,
    function=False,
    node_name="AddBackward0",
)
def _lstm_cell_memory(input, hx, cx, w_ih, w_hh, b_ih=None, b_hh=None):
    """Return the new memory and the output gate of an LSTM cell."""
    raise AssertionError("planned by _Cell")


def _gated_plan(operation, bound, mode) -> Plan:
    gate, memory = bound["gate"], bound["memory"]
    meta = gate.meta
    return Plan(
        lambda o, c: o * jnp.tanh(c),
        [gate, memory],
        (make_meta(meta.shape, meta.dtype, meta.device),),
    )


@op(
    "_lstm_cell_output(Tensor gate, Tensor memory)",
    kind=Custom(_gated_plan),
    arity="binary",
    method=False,
    function=False,
    node_name="MulBackward0",
)
def _lstm_cell_output(gate, memory):
    """Return ``gate * tanh(memory)``."""
    return gate * jnp.tanh(memory)


@op(f"lstm_cell(Tensor input, TensorList hx, {_WEIGHTS})", method=False)
def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """Run one step of a long short-term memory cell.

    Args:
        input: of shape (batch, features).
        hx: the state and the memory, each of shape (batch, size).
        w_ih, w_hh: weights of shape (4 * size, features) and (4 * size, size).
        b_ih, b_hh: biases of shape (4 * size,).
    Returns:
        The new state and the new memory.
    Raises:
        RuntimeError: sizes do not fit.
    """
    if len(hx) != 2:
        raise _messages.cell_two_states()
    _check_sizes(input, tuple(hx), w_ih, w_hh, 4)
    memory, gate = _lstm_cell_memory.call(input, hx[0], hx[1], w_ih, w_hh, b_ih, b_hh)
    return _lstm_cell_output.call(gate, memory), memory


def _gru_state(input, hx, w_ih, w_hh, b_ih, b_hh):
    given, own = projected_rows(input, w_ih, b_ih), projected_rows(hx, w_hh, b_hh)
    size = w_hh.shape[0] // 3
    both = given[:, : 2 * size] + own[:, : 2 * size]
    gates = jax.nn.sigmoid(both) if both.dtype.kind == "c" else jnp.tanh(both * 0.5) * 0.5 + 0.5
    reset, update = jnp.split(gates, 2, -1)
    new = jnp.tanh(given[:, 2 * size :] + reset * own[:, 2 * size :])
    return (hx - new) * update + new


def _simple_state(activation: Callable) -> Callable:
    def run(input, hx, w_ih, w_hh, b_ih, b_hh):
        return activation(projected_rows(input, w_ih, b_ih) + projected_rows(hx, w_hh, b_hh))

    return run


_SIMPLE_DOC = """Run one step of {what}.

    Args:
        input: of shape (batch, features).
        hx: state of shape (batch, size).
        w_ih, w_hh: weights of shape ({rows}, features) and ({rows}, size).
        b_ih, b_hh: biases of shape ({rows},).
    Returns:
        The new state.
    Raises:
        RuntimeError: sizes do not fit.
    """


def _declare_cell(name: str, blocks: int, node_name: str, run: Callable, what: str) -> None:
    operands = tuple(each for each in _OPERANDS if each != "cx")

    @op(
        f"_{name}(Tensor input, Tensor hx, {_WEIGHTS})",
        kind=Custom(lambda operation, bound, mode: _Cell(bound, operands).plan(run)),
        method=False,
        function=False,
        node_name=node_name,
    )
    def step(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        """Return the new state of a cell."""

    def cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
        _check_sizes(input, (hx,), w_ih, w_hh, blocks)
        return step.call(input, hx, w_ih, w_hh, b_ih, b_hh)

    rows = "size" if blocks == 1 else f"{blocks} * size"
    cell.__doc__ = _SIMPLE_DOC.format(what=what, rows=rows)
    op(f"{name}(Tensor input, Tensor hx, {_WEIGHTS})", method=False)(cell)


_declare_cell("gru_cell", 3, "AddBackward0", _gru_state, "a gated recurrent unit")
_declare_cell(
    "rnn_tanh_cell", 1, "TanhBackward0", _simple_state(jnp.tanh), "a simple cell with ``tanh``"
)
_declare_cell(
    "rnn_relu_cell", 1, "ReluBackward0", _simple_state(rectified), "a simple cell with ``relu``"
)
