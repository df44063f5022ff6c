"""Sequences of different lengths, padded and packed.

A packed sequence has as many rows as its sequences have elements, which is another number for each
batch: programs that hold one are compiled for each batch. So what ``nn.utils.rnn`` packs stays
padded, with the number of sequences that have each step, as long as no one looks at the rows, and
recurrent layers and ``pad_packed_sequence`` work on that: their programs depend on the longest
sequence alone.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ...._core import dtypes, messages
from ...._core.device import CPU
from ...._engine.declare import op
from ...._engine.execution import transfer
from ...._engine.graph.op import Spec
from ...._engine.graph.values import make_meta, ready
from ...._engine.recording import record
from ...._engine.recording.kinds.base import Custom, as_array, cast
from ...._engine.recording.storage import current_value
from ...._engine.recording.trace import materialise
from ...shape.views import transpose
from . import _messages


def _of_ints(array: np.ndarray) -> Any:
    """Return an int64 tensor on the CPU."""
    made = np.ascontiguousarray(array, np.int64)
    return record.wrap(ready(transfer.put(made, CPU), make_meta(made.shape, dtypes.int64, CPU)))


def _ints(tensor: Any) -> np.ndarray:
    return np.asarray(materialise(current_value(tensor), "lengths"))


def _pack_spec(operation, bound, mode) -> Spec:
    operand, places = bound["input"], bound["places"]
    meta = operand.meta
    rest = meta.shape[2:]

    return Spec(
        [operand, places],
        (make_meta((places.meta.shape[0], *rest), meta.dtype, meta.device),),
        {"rest": rest},
        saves=(1,),
        node_name=bound["node"],
    )


@op(
    "_pack_rows(Tensor input, Tensor places, *, std::string_view node)",
    kind=Custom(_pack_spec),
    method=False,
    function=False,
)
def _pack_rows(padded: Any, index: Any, *, rest: Any) -> Any:
    """Pick rows of the first two dimensions, taken as one."""
    return padded.reshape(-1, *rest)[index]


#: The class names of the ``grad_fn`` of rows that were packed, and of those that a layer made.
OF_PADDED, OF_LAYER = "PackPaddedSequenceBackward0", "CatBackward0"


def pack(padded: Any, batch_sizes: Any, batch_first: bool, node: str) -> Any:
    """Return the rows of a padded sequence.

    Args:
        padded: of shape (time, batch, ...), or (batch, time, ...) if ``batch_first``.
        batch_sizes: int64 tensor, how many sequences have each step.
        batch_first: see above.
        node: the class name of the ``grad_fn``.
    """
    sizes = _ints(batch_sizes)
    steps, batch = padded.shape[1 if batch_first else 0], padded.shape[0 if batch_first else 1]
    time, column = np.nonzero(np.arange(sizes[0]) < sizes[:steps, None])
    places = column * steps + time if batch_first else time * batch + column
    return _pack_rows.call(padded, _of_ints(places), node=node)


@op("_pack_padded_sequence(Tensor input, Tensor lengths, bool batch_first)", method=False)
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
    batch_sizes = checked_batch_sizes(input, lengths, batch_first)
    return pack(input, batch_sizes, batch_first, OF_PADDED), batch_sizes


def checked_batch_sizes(input: Any, lengths: Any, batch_first: bool) -> Any:
    """Return how many sequences have each step, for the arguments of ``_pack_padded_sequence``."""
    if not input.numel():
        raise _messages.pack_nothing()
    if lengths.dim() != 1 or lengths.device is not CPU or lengths.dtype is not dtypes.int64:
        raise _messages.lengths_kind(lengths.dim(), lengths.device.type, lengths.dtype._legacy_name)
    batch = input.shape[0 if batch_first else 1]
    counts = _ints(lengths)
    if counts.size != batch:
        raise _messages.lengths_count(int(counts.size), batch)
    if counts[-1] <= 0:
        raise _messages.length_not_positive()
    if (np.diff(counts) > 0).any():
        raise _messages.lengths_not_sorted()
    return _of_ints((np.arange(counts[0])[:, None] < counts).sum(1))


def _pad_spec(operation, bound, mode) -> Spec:
    operand, places, value = bound["input"], bound["places"], bound["value"]
    meta = operand.meta
    steps, batch = bound["size"]
    shape = (steps, batch, *meta.shape[1:])
    operands = [operand, places]
    fixed = value
    if hasattr(value, "reference"):
        operands.append(value)

    return Spec(
        operands,
        (make_meta(shape, meta.dtype, meta.device),),
        {"shape": shape, "steps": steps, "batch": batch, "fixed": fixed},
        saves=(1,),
    )


@op(
    "_pad_rows(Tensor input, Tensor places, Scalar value, IntArrayRef size)",
    kind=Custom(_pad_spec),
    method=False,
    function=False,
    node_name="CopySlices",
)
def _pad_rows(
    data: Any, index: Any, *number: Any, shape: Any, steps: Any, batch: Any, fixed: Any
) -> Any:
    """Put rows at places of a padded sequence."""
    filler = as_array(number[0] if number else fixed).astype(data.dtype)
    padded = jnp.broadcast_to(filler, (steps * batch, *data.shape[1:]))
    return padded.at[index].set(data).reshape(shape)


@op(
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
            raise _messages.total_length(total_length, steps)
    else:
        total_length = steps
    here = np.arange(batch) < sizes[:, None]
    if here.sum() > data.shape[0]:
        _refuse_missing_rows(sizes, data.shape)
    time, column = np.nonzero(here)
    padded = _pad_rows.call(
        data, _of_ints(time * batch + column), padding_value, (total_length, batch)
    )
    lengths = _of_ints(here.sum(0))
    return (transpose.call(padded, 0, 1) if batch_first else padded), lengths


def _refuse_missing_rows(sizes: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise what the reshaping of the first steps that lack rows raises in PyTorch."""
    rows, *rest = shape
    for run in np.split(sizes, np.flatnonzero(np.diff(sizes)) + 1):
        wanted = int(run.sum())
        if wanted > rows:
            raise messages.invalid_shape((len(run), int(run[0]), *rest), rows * math.prod(rest))
        rows -= wanted


def _fill_spec(operation, bound, mode) -> Spec:
    operand, sizes, value = bound["input"], bound["batch_sizes"], bound["value"]
    meta, steps = operand.meta, bound["steps"]
    shape = (steps, *meta.shape[1:])
    operands = [operand, sizes, *([value] if hasattr(value, "reference") else [])]

    return Spec(
        operands,
        (make_meta(shape, meta.dtype, meta.device),),
        {"steps": steps, "shape": shape, "value": value},
        saves=(1,),
    )


@op(
    "_fill_padding(Tensor input, Tensor batch_sizes, Scalar value, int64_t steps)",
    kind=Custom(_fill_spec),
    method=False,
    function=False,
    node_name="CopySlices",
)
def _fill_padding(padded: Any, sizes: Any, *number: Any, steps: Any, shape: Any, value: Any) -> Any:
    """Put a number behind the ends of padded sequences."""
    filler = as_array(number[0] if number else value).astype(padded.dtype)
    here = jnp.arange(shape[1]) < sizes[:, None]
    here = here.reshape(*here.shape, *[1] * (len(shape) - 2))
    filled = jnp.where(here, padded[: len(here)], filler)
    missing = steps - len(here)
    margins = ((0, missing), *[(0, 0)] * (len(shape) - 1))
    return jnp.pad(filled, margins, constant_values=filler) if missing else filled


def fill_padding(
    padded: Any, batch_sizes: Any, batch_first: bool, value: complex, total_length: int
) -> tuple[Any, Any]:
    """Do what ``_pad_packed_sequence`` does with a sequence that stayed padded.

    Args:
        padded: of shape (time, batch, ...), what stands behind the ends being of no account.
        batch_sizes, batch_first, value, total_length: as of ``_pad_packed_sequence``.
    """
    filled = _fill_padding.call(padded, batch_sizes, value, total_length)
    sizes = _ints(batch_sizes)
    lengths = _of_ints((np.arange(sizes[0]) < sizes[:, None]).sum(0))
    return (transpose.call(filled, 0, 1) if batch_first else filled), lengths


def unchanging(tensor: Any) -> Any:
    """Return a tensor that has the elements and the history that this one has now, for good."""
    return record.wrap(current_value(tensor))


def _pad_sequence_spec(operation, bound, mode) -> Spec:
    sequences, value = bound["sequences"], bound["value"]
    meta = sequences[0].meta
    longest, left = bound["longest"], bound["left"]
    shape = (len(sequences), longest, *meta.shape[1:])
    count = len(sequences)
    axis = 0 if bound["batch_first"] else 1

    if axis:
        shape = (shape[1], shape[0], *shape[2:])
    operands = [*sequences, *([value] if hasattr(value, "reference") else [])]
    return Spec(
        operands,
        (make_meta(shape, meta.dtype, meta.device),),
        {
            "value": value,
            "axis": axis,
            "count": count,
            "longest": longest,
            "meta": meta,
            "left": left,
        },
        saves=(),
    )


@op(
    "_pad_sequences(TensorList sequences, Scalar value, int64_t longest, bool batch_first, "
    "bool left)",
    kind=Custom(_pad_sequence_spec),
    method=False,
    function=False,
    node_name="CopySlices",
)
def _pad_sequences(
    *arrays: Any, value: Any, axis: Any, count: Any, longest: Any, meta: Any, left: Any
) -> Any:
    """Stack tensors of different lengths, padded to the longest one."""
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
    return record.wrap(ready(transfer.put(padded, CPU), meta))


@op(
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
        raise _messages.no_sequences()
    if padding_side not in ("left", "right"):
        raise _messages.padding_side(padding_side)
    if not sequences[0].dim():
        raise _messages.scalar_sequence()
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
        raise _messages.copy_shape(target, (*shape[:1], *[max(shape[0], 1)] * (len(shape) - 1)))
    for dim in range(len(rest), 0, -1):
        if shape[dim] not in (1, target[dim]):
            raise messages.size_mismatch(target[dim], shape[dim], dim)
