"""Single steps of recurrent cells."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...._core import dtypes, messages
from ...._core.dtypes import dtype as DType
from ...._core.dtypes import is_inexact
from ...._engine.declare import Autocast, op
from ...._engine.graph.op import Spec
from ...._engine.graph.values import make_meta
from ...._engine.recording.kinds.base import Custom, cast
from . import _messages
from .forms import columns, projected_rows, rectified

_BIASES = ("b_ih", "b_hh")
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


def _cell_spec(bound: dict[str, Any], names: tuple[str, ...], results: int) -> Spec:
    """Check the factors and biases of one step.

    Args:
        bound: its arguments.
        names: those of the operands, of which biases may be missing.
        results: the number of results, each of the state's shape.
    """
    given: dict[str, Any] = {name: bound.get(name) for name in names}
    meta = given["input"].meta
    for left, right in (("input", "w_ih"), ("hx", "w_hh")):
        first, second = given[left].meta, given[right].meta
        if first.dtype is not second.dtype:
            raise _messages.factor_dtypes(first.dtype._legacy_name, second.dtype._legacy_name)
        if first.shape[-1] != second.shape[-1]:
            raise messages.mm_shapes(first.shape, second.shape[::-1])
    if not is_inexact(meta.dtype):
        raise _messages.factor_dtypes("Float", meta.dtype._legacy_name)
    rows = given["w_ih"].meta.shape[0]
    for name in _BIASES:
        bias = given[name]
        if bias is not None and bias.meta.shape not in ((rows,), (1,), ()):
            raise _messages.expanded_size((meta.shape[0], rows), bias.meta.shape[-1])
    result = make_meta(given["hx"].meta.shape, meta.dtype, meta.device)
    return Spec(
        [operand for operand in given.values() if operand is not None],
        (result,) * results,
        {"biases": tuple([given[name] is not None for name in _BIASES]), "dtype": meta.dtype},
    )


def _wide(arrays: tuple, biases: tuple[bool, bool], dtype: DType) -> list[Any]:
    """Return operands as they are computed with, ``None`` for each bias that is missing.

    Args:
        arrays: the operands.
        biases: which of the two biases, the last operands, there are.
        dtype: of the operands.
    """
    compute_dtype = dtypes.working_dtype(dtype)
    wide = [cast(array, compute_dtype) for array in arrays]
    count = len(wide) - sum(biases)
    rest = iter(wide[count:])
    return [*wide[:count], *[next(rest) if there else None for there in biases]]


def _lstm_spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    return _cell_spec(bound, ("input", "hx", "cx", "w_ih", "w_hh", *_BIASES), 2)


@op(
    "_lstm_cell_memory(Tensor input, Tensor hx, Tensor cx, Tensor w_ih, Tensor w_hh, "
    "Tensor? b_ih=None, Tensor? b_hh=None)",
    kind=Custom(_lstm_spec),
    method=False,
    function=False,
    node_name="AddBackward0",
)
def _lstm_cell_memory(*arrays: Any, biases: tuple[bool, bool], dtype: DType) -> tuple[Any, Any]:
    """Return the new memory and the output gate of an LSTM cell."""
    input, hx, cx, w_ih, w_hh, b_ih, b_hh = _wide(arrays, biases, dtype)
    product = projected_rows(input, w_ih, b_ih, b_hh) + projected_rows(hx, w_hh)
    if product.dtype.kind == "c":
        i, f, g, o = jnp.split(product, 4, -1)
        sigmoid = jax.nn.sigmoid
        memory, gate = sigmoid(f) * cx + sigmoid(i) * jnp.tanh(g), sigmoid(o)
    else:
        size = w_hh.shape[0] // 4
        scale = columns((0.5, 0.5, 1.0, 0.5), size, product.dtype)
        offset = columns((0.5, 0.5, 0.0, 0.5), size, product.dtype)
        i, f, g, gate = jnp.split(jnp.tanh(product * scale) * scale + offset, 4, -1)
        memory = f * cx + i * g
    return cast(memory, dtype), cast(gate, dtype)


def _gated_spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    gate, memory = bound["gate"], bound["memory"]
    meta = gate.meta
    return Spec([gate, memory], (make_meta(meta.shape, meta.dtype, meta.device),))


@op(
    "_lstm_cell_output(Tensor gate, Tensor memory)",
    kind=Custom(_gated_spec),
    arity="binary",
    method=False,
    function=False,
    node_name="MulBackward0",
    copies=("memory",),  # PyTorch saves its hyperbolic tangent
)
def _lstm_cell_output(gate, memory):
    """Return ``gate * tanh(memory)``."""
    return gate * jnp.tanh(memory)


@op(
    f"lstm_cell(Tensor input, TensorList hx, {_WEIGHTS})",
    method=False,
    autocast=Autocast(cuda="lower"),
    remembered=True,
)
def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """Long short-term memory cell (LSTM): one step.

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


def _state_spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    return _cell_spec(bound, ("input", "hx", "w_ih", "w_hh", *_BIASES), 1)


@op(
    f"_gru_cell(Tensor input, Tensor hx, {_WEIGHTS})",
    kind=Custom(_state_spec),
    method=False,
    function=False,
    node_name="AddBackward0",
)
def _gru_cell(*arrays: Any, biases: tuple[bool, bool], dtype: DType) -> Any:
    """Return the new state of a gated recurrent unit."""
    input, hx, w_ih, w_hh, b_ih, b_hh = _wide(arrays, biases, dtype)
    given, own = projected_rows(input, w_ih, b_ih), projected_rows(hx, w_hh, b_hh)
    size = w_hh.shape[0] // 3
    both = given[:, : 2 * size] + own[:, : 2 * size]
    gates = jax.nn.sigmoid(both) if both.dtype.kind == "c" else jnp.tanh(both * 0.5) * 0.5 + 0.5
    reset, update = jnp.split(gates, 2, -1)
    new = jnp.tanh(given[:, 2 * size :] + reset * own[:, 2 * size :])
    return cast((hx - new) * update + new, dtype)


@op(
    f"gru_cell(Tensor input, Tensor hx, {_WEIGHTS})",
    method=False,
    autocast=Autocast(cuda="lower"),
    remembered=True,
)
def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """Gated recurrent unit (GRU): one step.

    Args:
        input: of shape (batch, features).
        hx: state of shape (batch, size).
        w_ih, w_hh: weights of shape (3 * size, features) and (3 * size, size).
        b_ih, b_hh: biases of shape (3 * size,).
    Returns:
        The new state.
    Raises:
        RuntimeError: sizes do not fit.
    """
    _check_sizes(input, (hx,), w_ih, w_hh, 3)
    return _gru_cell.call(input, hx, w_ih, w_hh, b_ih, b_hh)


def _preactivation(arrays: tuple, biases: tuple[bool, bool], dtype: DType) -> Any:
    """Return ``input @ w_ih.T + b_ih + hx @ w_hh.T + b_hh``."""
    input, hx, w_ih, w_hh, b_ih, b_hh = _wide(arrays, biases, dtype)
    return projected_rows(input, w_ih, b_ih) + projected_rows(hx, w_hh, b_hh)


@op(
    f"_rnn_tanh_cell(Tensor input, Tensor hx, {_WEIGHTS})",
    kind=Custom(_state_spec),
    method=False,
    function=False,
    node_name="TanhBackward0",
    keeps={"result": None},
)
def _rnn_tanh_cell(*arrays: Any, biases: tuple[bool, bool], dtype: DType) -> Any:
    """Return the new state of a simple cell with ``tanh``."""
    return cast(jnp.tanh(_preactivation(arrays, biases, dtype)), dtype)


@op(
    f"rnn_tanh_cell(Tensor input, Tensor hx, {_WEIGHTS})",
    method=False,
    autocast=Autocast(cuda="lower"),
    remembered=True,
)
def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """Elman cell: ``tanh(input @ w_ih.T + b_ih + hx @ w_hh.T + b_hh)``.

    Args:
        input: of shape (batch, features).
        hx: state of shape (batch, size).
        w_ih, w_hh: weights of shape (size, features) and (size, size).
        b_ih, b_hh: biases of shape (size,).
    Returns:
        The new state.
    Raises:
        RuntimeError: sizes do not fit.
    """
    _check_sizes(input, (hx,), w_ih, w_hh, 1)
    return _rnn_tanh_cell.call(input, hx, w_ih, w_hh, b_ih, b_hh)


@op(
    f"_rnn_relu_cell(Tensor input, Tensor hx, {_WEIGHTS})",
    kind=Custom(_state_spec),
    method=False,
    function=False,
    node_name="ReluBackward0",
    keeps={"result": None},
)
def _rnn_relu_cell(*arrays: Any, biases: tuple[bool, bool], dtype: DType) -> Any:
    """Return the new state of a simple cell with ``relu``."""
    return cast(rectified(_preactivation(arrays, biases, dtype)), dtype)


@op(
    f"rnn_relu_cell(Tensor input, Tensor hx, {_WEIGHTS})",
    method=False,
    autocast=Autocast(cuda="lower"),
    remembered=True,
)
def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """Elman cell with ``relu``: ``relu(input @ w_ih.T + b_ih + hx @ w_hh.T + b_hh)``.

    Args:
        input: of shape (batch, features).
        hx: state of shape (batch, size).
        w_ih, w_hh: weights of shape (size, features) and (size, size).
        b_ih, b_hh: biases of shape (size,).
    Returns:
        The new state.
    Raises:
        RuntimeError: sizes do not fit.
    """
    _check_sizes(input, (hx,), w_ih, w_hh, 1)
    return _rnn_relu_cell.call(input, hx, w_ih, w_hh, b_ih, b_hh)
