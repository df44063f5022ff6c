"""Single steps of recurrent cells, and the packing of sequences of different lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._core import dtypes, messages, messages_matmul
from .._core import messages_recurrent as words
from .._core.device import CPU
from .._engine import devices, record
from .._engine.declare import METHODS, op
from .._engine.kinds import Custom, as_array, cast
from .._engine.op import Plan
from .._engine.storage import current_value
from .._engine.trace import materialise
from .._engine.values import make_meta, ready
from ._calls import bound_function
from .recurrent_forms import columns, projected_rows, rectified

_HALVES = (dtypes.float16, dtypes.bfloat16)
_WEIGHTS = "Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None"


def _check_sizes(input: Any, states: tuple, w_ih: Any, w_hh: Any, blocks: int) -> None:
    """Refuse sizes that do not fit, in PyTorch's order."""
    input.size(1)  # raises where there is no such dimension
    features, wanted = input.shape[1], w_ih.shape[1]
    if features != wanted:
        raise words.cell_input_size(features, wanted)
    hidden = w_hh.shape[1]
    for position, state in enumerate(states):
        if input.shape[0] != state.shape[0]:
            raise words.cell_batch_size(input.shape[0], position, state.shape[0])
        if state.shape[1] != hidden:
            raise words.cell_hidden_size(position, state.shape[1], hidden)
    if w_hh.shape[0] != blocks * hidden:
        raise words.cell_weight_rows(blocks, blocks * hidden, w_hh.shape[0])


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
                raise words.factor_dtypes(first.dtype._legacy_name, second.dtype._legacy_name)
            if first.shape[-1] != second.shape[-1]:
                raise messages_matmul.mm_shapes(first.shape, second.shape[::-1])
        if not (meta.dtype.is_floating_point or meta.dtype.is_complex):
            raise words.factor_dtypes("Float", meta.dtype._legacy_name)
        rows = given["w_ih"].meta.shape[0]
        for name in ("b_ih", "b_hh"):
            bias = given.get(name)
            if bias is not None and bias.meta.shape not in ((rows,), (1,), ()):
                raise words.expanded_size((meta.shape[0], rows), bias.meta.shape[-1])
        self.wide = dtypes.float32 if meta.dtype in _HALVES else meta.dtype
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


@bound_function(f"lstm_cell(Tensor input, TensorList hx, {_WEIGHTS})", method=False)
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
        raise words.cell_two_states()
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
    bound_function(f"{name}(Tensor input, Tensor hx, {_WEIGHTS})", method=False)(cell)


_declare_cell("gru_cell", 3, "AddBackward0", _gru_state, "a gated recurrent unit")
_declare_cell(
    "rnn_tanh_cell", 1, "TanhBackward0", _simple_state(jnp.tanh), "a simple cell with ``tanh``"
)
_declare_cell(
    "rnn_relu_cell", 1, "ReluBackward0", _simple_state(rectified), "a simple cell with ``relu``"
)


# Packed sequences


def _of_ints(array: np.ndarray) -> Any:
    """Return an int64 tensor on the CPU."""
    made = np.ascontiguousarray(array, np.int64)
    return record.wrap(ready(devices.put(made, CPU), make_meta(made.shape, dtypes.int64, CPU)))


def _ints(tensor: Any) -> np.ndarray:
    return np.asarray(materialise(current_value(tensor), "lengths"))


def _pack_plan(operation, bound, mode) -> Plan:
    operand, places = bound["input"], bound["places"]
    meta = operand.meta
    rest = meta.shape[2:]

    def run(padded, index):
        return padded.reshape(-1, *rest)[index]

    return Plan(
        run,
        [operand, places],
        (make_meta((places.meta.shape[0], *rest), meta.dtype, meta.device),),
        saves=(1,),
    )


@op(
    "_pack_rows(Tensor input, Tensor places)",
    kind=Custom(_pack_plan),
    arity="binary",
    method=False,
    function=False,
    node_name="PackPaddedSequenceBackward0",
)
def _pack_rows(input, places):
    """Pick rows of the first two dimensions, taken as one."""
    raise AssertionError("planned by _pack_plan")


@bound_function(
    "_pack_padded_sequence(Tensor input, Tensor lengths, bool batch_first)", method=False
)
def _pack_padded_sequence(input, lengths, batch_first):
    """Pack sequences that were padded to one length.

    Args:
        input: of shape (time, batch, ...), or (batch, time, ...) if ``batch_first``.
        lengths: int64 vector on the CPU, in decreasing order.
        batch_first: whether the batch comes first.
    Returns:
        The rows of shape (sum of lengths, ...), all of the first step first, and how many sequences
        have each step.
    Raises:
        RuntimeError: the lengths do not fit.
    """
    if not input.numel():
        raise words.pack_nothing()
    if lengths.dim() != 1 or lengths.device is not CPU or lengths.dtype is not dtypes.int64:
        raise words.lengths_kind(lengths.dim(), lengths.device.type, lengths.dtype._legacy_name)
    shape = input.shape
    batch, steps = (shape[0], shape[1]) if batch_first else (shape[1], shape[0])
    counts = _ints(lengths)
    if counts.size != batch:
        raise words.lengths_count(int(counts.size), batch)
    if counts[-1] <= 0:
        raise words.length_not_positive()
    if (np.diff(counts) > 0).any():
        raise words.lengths_not_sorted()
    here = np.arange(counts[0])[:, None] < counts
    batch_sizes = here.sum(1)
    time, column = np.nonzero(here)
    places = column * steps + time if batch_first else time * batch + column
    return _pack_rows.call(input, _of_ints(places)), _of_ints(batch_sizes)


def _pad_plan(operation, bound, mode) -> Plan:
    operand, places, value = bound["input"], bound["places"], bound["value"]
    meta = operand.meta
    steps, batch = bound["size"]
    shape = (steps, batch, *meta.shape[1:])
    operands = [operand, places]
    fixed = value
    if hasattr(value, "reference"):
        operands.append(value)

    def run(data, index, *number):
        filler = as_array(number[0] if number else fixed).astype(data.dtype)
        padded = jnp.broadcast_to(filler, (steps * batch, *data.shape[1:]))
        return padded.at[index].set(data).reshape(shape)

    return Plan(
        run,
        operands,
        (make_meta(shape, meta.dtype, meta.device),),
        saves=(1,),
    )


@op(
    "_pad_rows(Tensor input, Tensor places, Scalar value, IntArrayRef size)",
    kind=Custom(_pad_plan),
    method=False,
    function=False,
    node_name="CopySlices",
)
def _pad_rows(input, places, value, size):
    """Put rows at places of a padded sequence."""
    raise AssertionError("planned by _pad_plan")


@bound_function(
    "_pad_packed_sequence(Tensor data, Tensor batch_sizes, bool batch_first, Scalar padding_value, "
    "int64_t total_length)",
    method=False,
)
def _pad_packed_sequence(data, batch_sizes, batch_first, padding_value, total_length):
    """Undo packing.

    Args:
        data: rows, all of the first step first.
        batch_sizes: how many sequences have each step.
        batch_first: whether the batch comes first in the result.
        padding_value: what stands behind the end of a sequence.
        total_length: the length to pad to; the longest sequence's if it is not positive.
    Returns:
        The padded sequences, and their lengths.
    Raises:
        RuntimeError: ``total_length`` is less than the longest sequence.
    """
    sizes = _ints(batch_sizes)
    steps, batch = int(sizes.size), int(sizes[0])
    if total_length > 0:
        if total_length < steps:
            raise words.total_length(total_length, steps)
    else:
        total_length = steps
    here = np.arange(batch) < sizes[:, None]
    time, column = np.nonzero(here)
    padded = _pad_rows.call(
        data, _of_ints(time * batch + column), padding_value, (total_length, batch)
    )
    lengths = _of_ints(here.sum(0))
    return (METHODS["transpose"](padded, 0, 1) if batch_first else padded), lengths


def _pad_sequence_plan(operation, bound, mode) -> Plan:
    sequences, value = bound["sequences"], bound["value"]
    meta = sequences[0].meta
    longest, left = bound["longest"], bound["left"]
    shape = (len(sequences), longest, *meta.shape[1:])
    count = len(sequences)
    axis = 0 if bound["batch_first"] else 1

    def run(*arrays):
        number = arrays[count] if len(arrays) > count else value
        filler = as_array(number).astype(meta.dtype._numpy)
        padded = []
        for array in arrays[:count]:
            array = cast(array, meta.dtype)
            array = jnp.broadcast_to(array, (array.shape[0], *meta.shape[1:]))
            missing = longest - array.shape[0]
            margins = ((missing, 0) if left else (0, missing), *[(0, 0)] * (array.ndim - 1))
            padded.append(jnp.pad(array, margins, constant_values=filler))
        return jnp.stack(padded, axis)

    if axis:
        shape = (shape[1], shape[0], *shape[2:])
    operands = [*sequences, *([value] if hasattr(value, "reference") else [])]
    return Plan(run, operands, (make_meta(shape, meta.dtype, meta.device),), saves=())


@op(
    "_pad_sequences(TensorList sequences, Scalar value, int64_t longest, bool batch_first, "
    "bool left)",
    kind=Custom(_pad_sequence_plan),
    method=False,
    function=False,
    node_name="CopySlices",
)
def _pad_sequences(sequences, value, longest, batch_first, left):
    """Stack tensors of different lengths, padded to the longest one."""
    raise AssertionError("planned by _pad_sequence_plan")


def _padded_on_host(sequences, value, longest, batch_first, left) -> Any:
    """Pad tensors whose elements are there: what loaders do, for ever new lengths."""
    first = sequences[0]
    dtype = first.dtype._numpy
    padded = np.full((len(sequences), longest, *first.shape[1:]), value, dtype)
    for row, sequence in zip(padded, sequences, strict=True):
        size = sequence.shape[0]
        part = row[longest - size :] if left else row[:size]
        part[...] = np.asarray(current_value(sequence).array)
    if not batch_first:
        padded = np.ascontiguousarray(np.swapaxes(padded, 0, 1))
    meta = make_meta(padded.shape, first.dtype, CPU)
    return record.wrap(ready(devices.put(padded, CPU), meta))


@bound_function(
    "_pad_sequence(TensorList sequences, bool batch_first=False, double padding_value=0.0, "
    'std::string_view padding_side="right")',
    method=False,
)
def _pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Stack sequences of different lengths, padded to the longest one.

    Args:
        sequences: tensors of shape (length, ...).
        batch_first: whether the batch comes first in the result.
        padding_value: what stands where a sequence has no element.
        padding_side: ``"right"`` or ``"left"``.
    Raises:
        RuntimeError: there is no sequence, or their shapes do not fit.
    """
    if not len(sequences):
        raise words.no_sequences()
    if padding_side not in ("left", "right"):
        raise words.padding_side(padding_side)
    if not sequences[0].dim():
        raise words.scalar_sequence()
    rest = tuple(sequences[0].shape[1:])
    longest = max(sequence.shape[0] for sequence in sequences)
    for sequence in sequences:
        _check_rest(tuple(sequence.shape), rest)
    left = padding_side == "left"
    at_hand = all(
        sequence.device is CPU
        and not sequence.requires_grad
        and sequence.dtype is sequences[0].dtype
        and current_value(sequence).array is not None
        for sequence in sequences
    )
    run = _padded_on_host if at_hand else _pad_sequences.call
    return run(sequences, padding_value, longest, batch_first, left)


def _check_rest(shape: tuple[int, ...], rest: tuple[int, ...]) -> None:
    """Refuse a sequence that cannot be copied among the others."""
    target = (shape[0], *rest)
    if len(shape) > len(target):
        raise words.copy_shape(target, (*shape[:1], *[max(shape[0], 1)] * (len(shape) - 1)))
    for dim in range(len(rest), 0, -1):
        if shape[dim] not in (1, target[dim]):
            raise messages.size_mismatch(target[dim], shape[dim], dim)
