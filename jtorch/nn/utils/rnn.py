"""Sequences of different lengths, padded and packed: ``torch.nn.utils.rnn``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import jtorch as torch

from ..._tensor.tensor import Tensor
from ...ops.nn.rnn import packing

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    """The parts of a packed sequence.

    Attributes:
        data: all rows, those of the first step first.
        batch_sizes: how many sequences have each step; int64, on the CPU.
        sorted_indices: order in which the sequences were packed, ``None`` where it was their own.
        unsorted_indices: the inverse of it.
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class _Padded(NamedTuple):
    """Sequences that stayed padded.

    Attributes:
        tensor: of shape (time, batch, ...), or (batch, time, ...) if ``batch_first``; no one else
            writes to it.
        node: the class name of the ``grad_fn`` that the rows get.
    """

    tensor: Tensor
    batch_first: bool
    node: str

    def by_time(self, steps: int) -> Tensor:
        """Return the first steps, of shape (steps, batch, ...)."""
        tensor = self.tensor.transpose(0, 1) if self.batch_first else self.tensor
        return tensor if tensor.size(0) == steps else tensor.narrow(0, 0, steps)


class PackedSequence(PackedSequence_):
    """Sequences of different lengths without padding; made by ``pack_padded_sequence``.

    Args:
        data, batch_sizes, sorted_indices, unsorted_indices: see ``PackedSequence_``; the first two
            may be given as one tuple, the last one follows from the one before.
    Raises:
        ValueError: ``batch_sizes`` are not on the CPU.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. "
                "Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence "
                "and pack_padded_sequences in nn.utils.rnn. "
                "https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    # Where the sequences stay padded until the rows are read (see ``ops.packing``), the
    # tuple has ``None`` for them, and this has what they are made from.
    _padded: _Padded | None = None
    _rows: Tensor | None = None

    @classmethod
    def _of_padded(cls, padded: _Padded, batch_sizes: Tensor, *indices: Any) -> PackedSequence:
        packed = super().__new__(cls, None, batch_sizes, *indices)  # type: ignore[arg-type]
        packed._padded = padded
        return packed

    @property
    def data(self) -> Tensor:  # type: ignore[override]
        """The rows."""
        padded, rows = self._padded, self._rows
        if padded is None:
            return tuple.__getitem__(self, 0)  # type: ignore[return-value]
        if rows is None:
            tensor, batch_first, node = padded
            rows = self._rows = packing.pack(tensor, self.batch_sizes, batch_first, node)
        return rows

    def __iter__(self) -> Iterator[Any]:
        yield self.data
        yield from tuple.__getitem__(self, slice(1, None))

    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == (tuple(other) if isinstance(other, tuple) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return PackedSequence_.__repr__(PackedSequence_.__new__(type(self), *self))

    def __reduce__(self) -> tuple:
        return type(self), tuple(self)

    def _here(self) -> Tensor:
        """Return the rows, padded or not: either has the dtype and the device."""
        return self.data if self._padded is None else self._padded.tensor

    def _with(self, data: Tensor, convert: Any) -> PackedSequence:
        """Return the same sequences with other rows, and indices that were converted."""
        indices = (self.sorted_indices, self.unsorted_indices)
        moved = [None if index is None else convert(index) for index in indices]
        if self._padded is None:
            return type(self)(data, self.batch_sizes, *moved)
        return self._of_padded(self._padded._replace(tensor=data), self.batch_sizes, *moved)

    def pin_memory(self) -> PackedSequence:
        """Return the same sequences in pinned memory."""
        return self._with(self._here().pin_memory(), lambda index: index.pin_memory())

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Convert the data as ``Tensor.to`` does; indices follow to its device.

        Returns:
            ``self`` where nothing changes.
        """
        here = self._here()
        data = here.to(*args, **kwargs)
        if data is here:
            return self
        return self._with(data, lambda index: index.to(data.device))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move the data to a GPU."""
        return self._moved("cuda", args, kwargs)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move the data to the CPU."""
        return self._moved("cpu", args, kwargs)

    def _moved(self, kind: str, args: tuple, kwargs: dict[str, Any]) -> PackedSequence:
        like = torch.tensor((), dtype=self._here().dtype, device=self._here().device)
        if like.to(*args, **kwargs).device.type != kind:
            kwargs = {**kwargs, "device": kind}
        return self.to(*args, **kwargs)

    def double(self) -> PackedSequence:
        """Convert the data to float64."""
        return self.to(dtype=torch.double)

    def float(self) -> PackedSequence:
        """Convert the data to float32."""
        return self.to(dtype=torch.float)

    def half(self) -> PackedSequence:
        """Convert the data to float16."""
        return self.to(dtype=torch.half)

    def long(self) -> PackedSequence:
        """Convert the data to int64."""
        return self.to(dtype=torch.long)

    def int(self) -> PackedSequence:
        """Convert the data to int32."""
        return self.to(dtype=torch.int)

    def short(self) -> PackedSequence:
        """Convert the data to int16."""
        return self.to(dtype=torch.short)

    def char(self) -> PackedSequence:
        """Convert the data to int8."""
        return self.to(dtype=torch.int8)

    def byte(self) -> PackedSequence:
        """Convert the data to uint8."""
        return self.to(dtype=torch.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU."""
        return self._here().is_cuda

    def is_pinned(self) -> bool:
        """Return whether the data is in pinned memory."""
        return self._here().is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes another one; ``None`` for ``None``."""
    if permutation is None:
        return None
    count = torch.arange(0, permutation.numel(), device=permutation.device)
    return torch.empty_like(permutation).scatter_(0, permutation, count)


def pack_padded_sequence(
    input: Tensor,
    lengths: Any,
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack sequences that were padded to one length.

    Args:
        input: of shape (time, batch, ...), or (batch, time, ...) if ``batch_first``.
        lengths: of the sequences, a list or a tensor.
        batch_first: whether the batch comes first.
        enforce_sorted: whether the lengths must decrease; they are sorted here if not.
    Raises:
        RuntimeError: the lengths do not decrease, are not positive, or too many.
    """
    if isinstance(lengths, Tensor):
        lengths = lengths.to(dtype=torch.int64)
    else:
        lengths = torch.as_tensor(lengths, dtype=torch.int64, device="cpu")
    order = None
    if not enforce_sorted:
        lengths, order = torch.sort(lengths, descending=True)
        order = order.to(input.device)
        input = input.index_select(0 if batch_first else 1, order)
    batch_sizes = packing.checked_batch_sizes(input, lengths, batch_first)
    if batch_sizes.size(0) > input.size(1 if batch_first else 0):
        # Longer than what there is: PyTorch packs what there is.
        data = packing.pack(input, batch_sizes, batch_first, packing.OF_PADDED)
        return PackedSequence(data, batch_sizes, order, None)
    padded = _Padded(packing.unchanging(input), batch_first, packing.OF_PADDED)
    return PackedSequence._of_padded(padded, batch_sizes, order, invert_permutation(order))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo packing.

    Args:
        sequence: packed.
        batch_first: whether the batch comes first in the result.
        padding_value: what stands behind the end of a sequence.
        total_length: the length to pad to; the longest sequence's unless given.
    Returns:
        The padded sequences in the order that they had before packing, and their lengths.
    Raises:
        ValueError: ``total_length`` is less than the longest sequence.
    """
    longest = sequence.batch_sizes.size(0)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, "
                f"but got total_length={total_length} and max sequence length being {longest}"
            )
        longest = total_length
    rest = (sequence.batch_sizes, batch_first, padding_value, longest)
    if isinstance(sequence, PackedSequence) and sequence._padded is not None:
        steps = sequence.batch_sizes.size(0)
        padded, lengths = packing.fill_padding(sequence._padded.by_time(steps), *rest)
    else:
        padded, lengths = torch._pad_packed_sequence(sequence.data, *rest)
    order = sequence.unsorted_indices
    if order is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, order), lengths[order.cpu()]


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences of different lengths, padded to the longest one.

    Args:
        sequences: tensors of shape (length, ...).
        batch_first: whether the batch comes first in the result.
        padding_value: what stands where a sequence has no element.
        padding_side: ``"right"`` or ``"left"``.
    Returns:
        Tensor of shape (time, batch, ...), or (batch, time, ...) if ``batch_first``.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    return torch._pad_sequence(tuple(sequences), batch_first, padding_value, padding_side)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Undo ``pad_sequence``.

    Args:
        padded_sequences: of shape (time, batch, ...), or (batch, time, ...) if ``batch_first``;
            it is turned in place if not.
        lengths: of the sequences.
        batch_first: whether the batch comes first.
    """
    if not batch_first:
        padded_sequences.transpose_(0, 1)
    steps = torch.arange(padded_sequences.shape[1], device=lengths.device)
    return [
        sequence[steps < length] for sequence, length in zip(padded_sequences, lengths, strict=True)
    ]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths.

    Args:
        sequences: tensors of shape (length, ...).
        enforce_sorted: whether the lengths must decrease.
    """
    lengths = torch.as_tensor([sequence.size(0) for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo ``pack_sequence``."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
