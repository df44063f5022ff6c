"""Recurrent networks: ``lstm``, ``gru``, ``rnn_tanh`` and ``rnn_relu``.

A layer and direction is one operator, with a gradient of its own (``recurrent_forms``). Layers,
directions and dropout between layers are put together from recorded operators as PyTorch does it,
so that random numbers, strides and the names of nodes come out as there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._core.dtypes import dtype as DType
from ...._core.dtypes import is_inexact
from ...._core.schema.schema import Schema
from ...._engine.declare import op, publish
from ...._engine.graph.op import Operand, Spec
from ...._engine.graph.values import make_meta
from ...._engine.recording.kinds.base import Custom, cast
from ...._engine.recording.signatures import CallSignature
from ...._engine.recording.storage import current_value
from ...._engine.recording.trace import materialise
from ...shape.joining import cat, stack
from ...shape.split import narrow, unbind
from ...shape.views import squeeze, transpose, unsqueeze
from ..dropout import dropout as apply_dropout
from . import _messages, forms

#: What oneDNN runs is one node of a graph; PyTorch's own steps end with putting them together.
_ONEDNN_NODE = "MkldnnRnnLayerBackward0"
_CELLS = {
    "lstm": forms.LSTM,
    "gru": forms.GRU,
    "rnn_tanh": forms.RNN_TANH,
    "rnn_relu": forms.RNN_RELU,
}


class _Packing:
    """Where the rows of a packed sequence lie in a padded one.

    Only sizes are constants of the program: it serves all lengths with the same sum.

    Args:
        batch_sizes: array of how many sequences have each step.
        batch: the number of sequences.
        rows: the number of rows.
    """

    def __init__(self, batch_sizes: Any, batch: int, rows: int):
        sizes = batch_sizes.astype(jnp.int32)
        steps = sizes.shape[0]
        ends = jnp.cumsum(sizes)
        starts = ends - sizes
        columns = jnp.arange(batch, dtype=jnp.int32)
        self.mask = columns < sizes[:, None]
        self._places = jnp.where(self.mask, starts[:, None] + columns, 0)
        self._steps = jnp.repeat(
            jnp.arange(steps, dtype=jnp.int32), sizes, total_repeat_length=rows
        )
        self._columns = jnp.arange(rows, dtype=jnp.int32) - starts[self._steps]

    def pad(self, data: Any) -> Any:
        """Return the rows at their places, zeros elsewhere."""
        return jnp.where(self.mask[..., None], data[self._places], 0)

    def pack(self, padded: Any) -> Any:
        """Return the rows of a padded sequence."""
        return padded[self._steps, self._columns]


class _Standing:
    """Sequences that stayed padded, of which some end before others.

    Args:
        batch_sizes: array of how many sequences have each step.
        batch: the number of sequences.
    """

    def __init__(self, batch_sizes: Any, batch: int):
        self.mask = jnp.arange(batch) < batch_sizes[:, None]

    def pad(self, rows: Any) -> Any:
        """Return the rows with zeros behind the ends."""
        return jnp.where(self.mask[..., None], rows, 0)

    pack = pad


class _Layer(NamedTuple):
    """The arithmetic of one layer and direction, for input of any size.

    Attributes:
        cell: the kind of cell.
        reverse: whether time runs backwards.
        names: of the operands that are there, without ``batch_sizes``.
        wanted: whether each of these operands' gradient is wanted.
        dtype, wide: of the input, and to compute in.
        has_sizes: whether ``batch_sizes`` follows them.
    """

    cell: forms.Cell
    reverse: bool
    names: tuple[str, ...]
    wanted: tuple[bool, ...]
    dtype: DType
    wide: DType
    has_sizes: bool

    @property
    def keep(self) -> bool:
        """Whether the gradient wants something kept."""
        return any(self.wanted)

    @property
    def plain(self) -> bool:
        return self.dtype.is_complex

    @property
    def state_names(self) -> tuple[str, ...]:
        return ("hx", "cx")[: self.cell.n_states]

    def sorted(self, arrays: Any) -> tuple[Any, ...]:
        """Return input, states, weights and packing from the operands' arrays."""
        packing: Any = None
        if self.has_sizes:
            *arrays, sizes = arrays
            rows, batch = arrays[0], arrays[1].shape[0]
            if rows.ndim == 3:
                packing = _Standing(sizes, batch)
            else:
                packing = _Packing(sizes, batch, rows.shape[0])
        named = dict(zip(self.names, [cast(a, self.wide) for a in arrays], strict=True))
        input = named["input"] if packing is None else packing.pad(named["input"])
        states = tuple([named[name] for name in self.state_names])
        weights = tuple([named.get(n) for n in ("w_ih", "w_hh", "b_ih", "b_hh", "w_hr")])
        return input, states, weights, packing

    def mask(self, packing: Any) -> Any:
        return None if packing is None else packing.mask[..., None].astype(self.wide._numpy)

    def keeps_outputs(self) -> bool:
        """Tell whether the outputs are kept in another form than the result's."""
        return self.has_sizes or self.wide is not self.dtype

    def vjp(self, cotangents: list, results: list, operands: list) -> list:
        input, states, weights, packing = self.sorted(operands)
        wide, count = self.wide, 1 + self.cell.n_states
        upstream = cast(cotangents[0], wide)
        if packing is not None:
            upstream = packing.pad(upstream)
        last = tuple([cast(c, wide) for c in cotangents[1:count]])
        kept = results[count:]
        outputs, saved = (kept[0], kept[1:]) if self.keeps_outputs() else (results[0], kept)
        d_input, d_states, d_weights = self.cell.gradient(
            (upstream, last),
            outputs,
            tuple(saved),
            (input, states, weights),
            self.mask(packing),
            self.reverse,
        )
        found = dict(zip(("w_ih", "w_hh", "b_ih", "b_hh", "w_hr"), d_weights, strict=True))
        found.update(zip(self.state_names, d_states, strict=True))
        found["input"] = d_input if packing is None else packing.pack(d_input)
        return [
            found[name].astype(operand.dtype)
            for name, operand, wanted in zip(self.names, operands, self.wanted, strict=False)
            if wanted
        ]


def _check_layer(given: dict[str, Any]) -> None:
    """Refuse what does not fit, as the first product that PyTorch forms would."""
    meta, hidden = given["input"].meta, given["hx"].meta
    w_ih, w_hh = given["w_ih"].meta, given["w_hh"].meta
    rows = meta.numel // meta.shape[-1] if meta.shape[-1] else 0
    for left, right, count in ((meta, w_ih, rows), (hidden, w_hh, hidden.shape[0])):
        if left.shape[-1] != right.shape[-1]:
            raise messages.mm_shapes((count, left.shape[-1]), right.shape[::-1])
        if left.dtype is not right.dtype:
            raise _messages.factor_dtypes(left.dtype._legacy_name, right.dtype._legacy_name)
    if not is_inexact(meta.dtype):
        raise _messages.factor_dtypes("Float", meta.dtype._legacy_name)
    if meta.ndim == 3 and hidden.shape[0] != meta.shape[1]:
        raise messages.size_mismatch(hidden.shape[0], meta.shape[1], 0)
    if w_hh.shape[0] != w_ih.shape[0]:
        raise messages.size_mismatch(w_ih.shape[0], w_hh.shape[0], 1)
    for name in ("b_ih", "b_hh"):
        bias = given[name]
        if bias is not None and bias.meta.shape != (w_ih.shape[0],):
            raise _messages.expanded_size((rows, w_ih.shape[0]), bias.meta.shape[-1])


def _layer_of(bound: dict[str, Any], mode: Any) -> tuple[_Layer, list[Operand]]:
    names = ("input", "hx", "cx", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr")
    given: dict[str, Any] = {name: bound.get(name) for name in names}
    there = tuple([name for name in names if given[name] is not None])
    operands: list[Operand] = [given[name] for name in there]
    _check_layer(given)
    sizes = bound.get("batch_sizes")
    dtype = operands[0].meta.dtype
    layer = _Layer(
        cell=_CELLS[bound["cell"]],
        reverse=bound["reverse"],
        names=there,
        wanted=tuple([bool(mode.grad and operand.meta.grad != 0) for operand in operands]),
        dtype=dtype,
        wide=dtypes.working_dtype(dtype),
        has_sizes=sizes is not None,
    )
    return layer, operands if sizes is None else [*operands, sizes]


def _layer_metas(layer: _Layer, operands: list[Operand], given: dict[str, Any]) -> tuple:
    meta = operands[0].meta
    dtype, device = meta.dtype, meta.device
    batch, hidden = given["hx"].meta.shape
    size = given["w_hh"].meta.shape[0] // layer.cell.blocks
    steps = operands[-1].meta.shape[0] if layer.has_sizes else meta.shape[0]
    lead = (meta.shape[0],) if meta.ndim == 2 else (steps, batch)
    states = [(batch, hidden), (batch, size)][: layer.cell.n_states]
    found = [make_meta(shape, dtype, device) for shape in ((*lead, hidden), *states)]
    if layer.keep and not layer.plain:
        if layer.keeps_outputs():
            found.append(make_meta((steps, batch, hidden), layer.wide, device))
        for blocks in layer.cell.kept:
            found.append(make_meta((steps, batch, blocks * size), layer.wide, device))
    return tuple(found)


def _layer_spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    layer, operands = _layer_of(bound, mode)
    return Spec(
        operands,
        _layer_metas(layer, operands, bound),
        {"layer": layer},
        saves=tuple(range(len(operands))),
        node_name=bound["node"],
        # Only oneDNN saves what it returns; else PyTorch saves each step's, and puts them together.
        copies=() if bound["node"] == _ONEDNN_NODE else ("result",),
        vjp=None if layer.plain else layer.vjp,
    )


@op(
    "_recurrent_layer(Tensor input, Tensor hx, Tensor? cx, Tensor w_ih, Tensor w_hh, Tensor? b_ih, "
    "Tensor? b_hh, Tensor? w_hr, Tensor? batch_sizes, *, std::string_view cell, bool reverse, "
    "std::string_view node)",
    kind=Custom(_layer_spec),
    method=False,
    function=False,
    saves=("result",),
)
def _recurrent_layer(*arrays: Any, layer: _Layer) -> tuple[Any, ...]:
    """Run one layer in one direction.

    Args:
        input: of shape (time, batch, features), or (rows, features) where ``batch_sizes`` is given.
        hx, cx: states of shape (batch, size).
        w_ih, w_hh, b_ih, b_hh, w_hr: weights, blocks of rows for the gates.
        batch_sizes: how many sequences of a packed input have each step.
        cell: which kind of cell.
        reverse: whether time runs backwards.
        node: the class name of the ``grad_fn``.
    Returns:
        The outputs of all steps, the last states, and what the gradient wants kept.
    """
    cell, reverse, dtype = layer.cell, layer.reverse, layer.dtype
    input, states, weights, packing = layer.sorted(arrays)
    mask = layer.mask(packing)
    saved: tuple = ()
    if layer.plain:
        outputs, last = cell.plain(input, states, weights, mask, reverse)
    else:
        outputs, last, saved = cell.run(input, states, weights, mask, reverse, layer.keep)
    result = outputs if packing is None else packing.pack(outputs)
    results = (cast(result, dtype), *[cast(state, dtype) for state in last])
    if not layer.keep or layer.plain:
        return results
    return (*results, *((outputs,) if layer.keeps_outputs() else ()), *saved)


def _grouped(params: Any, has_biases: bool, projected: bool) -> list[tuple]:
    """Return the weights of each layer and direction, five each, ``None`` where there is none."""
    size = 2 + 2 * has_biases + projected
    if len(params) % size:
        raise _messages.parameter_count()
    groups = []
    for start in range(0, len(params), size):
        group = list(params[start : start + size])
        w_hr = group.pop() if projected else None
        groups.append((*group, *(() if has_biases else (None, None)), w_hr))
    return groups


def _by_onednn(cell: str, input: Any, projected: bool, packed: bool) -> bool:
    """Tell whether PyTorch lets oneDNN run a layer; its nodes then have another name."""
    if cell != "lstm" or packed or input.dtype is not dtypes.float32 or not input.numel():
        return False
    if input.device.type != "cpu":
        return False
    if projected:
        warnings.warn(
            "LSTM with projections is not supported with oneDNN. Using default implementation. "
            "(Triggered internally at /__w/pytorch/pytorch/aten/src/ATen/native/RNN.cpp:1512.)",
            stacklevel=4,
        )
        return False
    return True


def _run_layers(
    cell: str,
    input: Any,
    batch_sizes: Any,
    states: tuple[Any, ...],
    groups: list[tuple],
    layers: int,
    dropout: float,
    bidirectional: bool,
    node: str,
) -> tuple[Any, list[Any]]:
    """Run all layers; return the outputs of the last one and the last states of all of them."""
    directions = 2 if bidirectional else 1
    if bidirectional and (len(groups) % 2 or len(states[0]) % 2):
        raise _messages.odd_count()
    if layers != len(states[0]) // directions:
        raise _messages.hidden_count()
    if layers != len(groups) // directions:
        raise _messages.weight_count()
    if not layers:
        raise _messages.no_layers()
    n_states = len(states)
    last: list[list[Any]] = [[] for _ in states]
    record = _recurrent_layer.call
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            index = layer * directions + direction
            first = [state[index] for state in states]
            cx = first[1] if n_states == 2 else None
            results = record(
                input,
                first[0],
                cx,
                *groups[index],
                batch_sizes,
                cell=cell,
                reverse=direction == 1,
                node=node,
            )
            outputs.append(results[0])
            for kept, state in zip(last, results[1 : 1 + n_states], strict=True):
                kept.append(state)
        input = cat.call(outputs, -1) if bidirectional else outputs[0]
        if dropout and layer < layers - 1:
            input = apply_dropout(input, dropout, True)
    return input, [stack.call(states, 0) for states in last]


def _states_of(hx: Any) -> tuple:
    return unbind.call(hx, 0)


def _batched(
    cell: str,
    input: Any,
    hx: Any,
    params: Any,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple:
    hidden = _hidden_of(cell, hx)
    projected = cell == "lstm" and _size_2(hidden[0]) != _size_2(hidden[1])
    if batch_first:
        input = transpose.call(input, 0, 1)
    onednn = _by_onednn(cell, input, projected, False)
    if onednn and not num_layers:
        raise _messages.no_layers()
    if not onednn and not input.shape[0]:
        raise _messages.no_steps()
    groups = _grouped(params, has_biases, projected)
    states = tuple([_states_of(each) for each in hidden])
    if input.dim() == 2:
        if cell == "gru":
            raise messages.dim_out_of_range(1, 1)
        return _without_batch(cell, input, states, groups, num_layers, dropout, train,
                              bidirectional)  # fmt: skip
    output, last = _run_layers(
        cell,
        input,
        None,
        states,
        groups,
        num_layers,
        dropout if train else 0.0,
        bidirectional,
        _ONEDNN_NODE if onednn else "StackBackward0",
    )
    if batch_first:
        output = transpose.call(output, 0, 1) if cell == "lstm" else output.transpose_(0, 1)
    return (output, *last)


def _without_batch(
    cell: str,
    input: Any,
    states: tuple,
    groups: list[tuple],
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
) -> tuple:
    """Run on an input of shape (time, features): a batch of one that is not shown."""
    states = tuple([[unsqueeze.call(state, 0) for state in each] for each in states])
    output, last = _run_layers(
        cell,
        unsqueeze.call(input, 1),
        None,
        states,
        groups,
        layers,
        dropout if train else 0.0,
        bidirectional,
        "StackBackward0",
    )
    return (squeeze.call(output, 1), *[squeeze.call(each, 1) for each in last])


def run_packed(
    cell: str,
    data: Any,
    batch_sizes: Any,
    hx: Any,
    params: Any,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    *,
    stays_padded: bool = False,
) -> tuple:
    """Run on a packed sequence.

    Args:
        data: its rows, or, where it ``stays_padded``, a tensor of shape (time, batch, features).
    """
    hidden = _hidden_of(cell, hx)
    projected = cell == "lstm" and _size_2(hidden[0]) != _size_2(hidden[1])
    if batch_sizes.dtype is not dtypes.int64:
        raise _messages.batch_sizes_dtype(batch_sizes.dtype._legacy_name)
    groups = _grouped(params, has_biases, projected)
    states = tuple([_states_of(each) for each in hidden])
    if not stays_padded:
        total = _check_batch_sizes(batch_sizes, data, hidden[0])
        if total < data.shape[0]:
            data = narrow(data, 0, 0, total)
    output, last = _run_layers(
        cell,
        data,
        batch_sizes,
        states,
        groups,
        num_layers,
        dropout if train else 0.0,
        bidirectional,
        "CatBackward0",
    )
    return (output, *last)


def _check_batch_sizes(batch_sizes: Any, data: Any, hidden: Any) -> int:
    """Check that a packed input has the rows of its steps; return how many they are."""
    sizes = np.asarray(materialise(current_value(batch_sizes), "batch sizes"))
    ends = np.cumsum(sizes)
    rows = data.shape[0]
    outside = np.flatnonzero(ends > rows)
    if outside.size:
        first = int(outside[0])
        length = int(sizes[first])
        raise _messages.step_outside(int(ends[first]) - length, length, rows)
    if not sizes.size:
        raise _messages.no_steps()
    if hidden.dim() > 1 and sizes.max() > hidden.shape[1]:
        raise messages.size_mismatch(hidden.shape[1], int(sizes.max()), 0)
    return int(ends[-1])


def _hidden_of(cell: str, hx: Any) -> tuple:
    if cell != "lstm":
        return (hx,)
    if len(hx) != 2:
        raise _messages.two_states()
    return tuple(hx)


def _size_2(state: Any) -> int:
    """Return the size of dimension 2, or raise PyTorch's error."""
    if state.dim() < 3:
        raise messages.dim_out_of_range(2, state.dim())
    return state.shape[2]


def _declare(cell: str, doc: str) -> Callable:
    hidden = "TensorList hx" if cell == "lstm" else "Tensor hx"
    common = f"{hidden}, TensorList params, bool has_biases, int64_t num_layers, double dropout, "
    schema = Schema(
        f"{cell}(Tensor data, Tensor batch_sizes, {common}bool train, bool bidirectional)",
        f"{cell}(Tensor input, {common}bool train, bool bidirectional, bool batch_first)",
    )

    def call(*args: Any, **kwargs: Any) -> tuple:
        # Binding to signatures costs what a small network does; modules call in this way.
        if not kwargs and len(args) == 9 and type(args[3]) is bool:
            return _batched(cell, *args)
        index, bound = schema.bind(args, kwargs)
        return (_batched if index else run_packed)(cell, **bound)

    call.__name__ = call.__qualname__ = cell
    call.__module__ = "torch"
    call.__doc__ = f"""{doc}

    Args:
        input: of shape (time, batch, features), or (batch, time, features) if ``batch_first``.
        data, batch_sizes: instead of it, the parts of a packed sequence: all rows of shape
            (rows, features), and an int64 tensor of how many sequences have each step.
        hx: initial states of shape (layers * directions, batch, size); two of them for ``lstm``.
        params: the weights of each layer and direction: of the input, of the state, two biases if
            ``has_biases``, and for ``lstm`` the projection where there is one.
        has_biases: whether there are biases.
        num_layers: the number of layers.
        dropout: the probability that an element between two layers is dropped in training.
        train: whether this is training.
        bidirectional: whether each layer runs in both directions.
        batch_first: whether the batch is the first dimension of input and output.
    Returns:
        The outputs of the last layer, and the last states of all layers.
    Raises:
        RuntimeError: numbers of weights or states, sizes or dtypes do not fit.
    """
    call.__signature__ = CallSignature(schema)  # type: ignore[attr-defined]
    return publish(cell, call, remembered=True)


lstm = _declare("lstm", "Recurrent network of long short-term memory cells (LSTM).")
gru = _declare("gru", "Recurrent network of gated recurrent units (GRU).")
rnn_tanh = _declare("rnn_tanh", "Recurrent network of Elman cells with ``tanh``.")
rnn_relu = _declare("rnn_relu", "Recurrent network of Elman cells with ``relu``.")
