"""PyTorch's words about recurrent networks and packed sequences."""

from __future__ import annotations

from collections.abc import Sequence

from ...linalg._messages_products import factor_dtypes as factor_dtypes


def parameter_count() -> RuntimeError:
    """The list of weights has a length that no number of layers explains."""
    return RuntimeError("got an incorrect number of RNN parameters")


def hidden_count() -> RuntimeError:
    """There are not as many initial states as layers."""
    return RuntimeError("Expected more hidden states in stacked_rnn")


def weight_count() -> RuntimeError:
    """There are not as many groups of weights as layers."""
    return RuntimeError("Expected more weights in stacked_rnn")


def odd_count() -> RuntimeError:
    """Weights or states of a bidirectional network do not come in pairs."""
    return RuntimeError("Odd number of params or hiddens given to a bidirectional RNN")


def no_layers() -> RuntimeError:
    """A network of no layers."""
    return RuntimeError("stack expects a non-empty TensorList")


def no_steps() -> RuntimeError:
    """A sequence of length 0."""
    return RuntimeError("Expected sequence length to be larger than 0 in RNN")


def two_states() -> RuntimeError:
    """An LSTM was not given its two states."""
    return RuntimeError("lstm expects two hidden states")


def cell_two_states() -> RuntimeError:
    """An LSTM cell was not given its two states."""
    return RuntimeError("lstm_cell expects two hidden states")


def step_outside(start: int, length: int, size: int) -> RuntimeError:
    """The batch sizes of a packed sequence add up to more rows than it has."""
    return RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")


def batch_sizes_dtype(found: str) -> RuntimeError:
    """Batch sizes are not int64."""
    return RuntimeError(f"expected scalar type Long but found {found}")


def cell_input_size(found: int, wanted: int) -> RuntimeError:
    """A cell's input has another number of features than its weight."""
    return RuntimeError(f"input has inconsistent input_size: got {found} expected {wanted}")


def cell_batch_size(batch: int, position: int, found: int) -> RuntimeError:
    """A cell's input and state have different batch sizes."""
    return RuntimeError(
        f"Input batch size {batch} doesn't match hidden{position} batch size {found}"
    )


def cell_hidden_size(position: int, found: int, wanted: int) -> RuntimeError:
    """A cell's state has another size than its weight."""
    return RuntimeError(
        f"hidden{position} has inconsistent hidden_size: got {found}, expected {wanted}"
    )


def cell_weight_rows(blocks: int, wanted: int, found: int) -> RuntimeError:
    """A cell's recurrent weight has another number of rows than its gates need."""
    return RuntimeError(
        f"weight_hh first dim must be {blocks} * hidden_size = {wanted}, but got {found}"
    )


def lengths_not_sorted() -> RuntimeError:
    """Lengths to pack grow somewhere."""
    return RuntimeError(
        "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can "
        "pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
        "requirement if you do not need ONNX exportability."
    )


def length_not_positive() -> RuntimeError:
    """A length to pack is not positive."""
    return RuntimeError(
        "Length of all samples has to be greater than 0, but found an element in 'lengths' that "
        "is <= 0"
    )


def lengths_count(found: int, wanted: int) -> RuntimeError:
    """There are not as many lengths as sequences."""
    return RuntimeError(
        f"Expected `len(lengths)` to be equal to batch_size, but got {found} (batch_size={wanted})"
    )


def pack_nothing() -> RuntimeError:
    """A tensor to pack has no elements."""
    return RuntimeError("Cannot pack empty tensors.")


def lengths_kind(ndim: int, device: str, type_name: str) -> RuntimeError:
    """Lengths are not a vector of int64 on the CPU."""
    return RuntimeError(
        "'lengths' argument should be a 1D CPU int64 tensor, but got "
        f"{ndim}D {device} {type_name} tensor"
    )


def total_length(found: int, longest: int) -> RuntimeError:
    """A total length to pad to is less than the longest sequence."""
    return RuntimeError(
        "Expected total_length to be at least the length of the longest sequence in input, but got "
        f"total_length={found} and max sequence length being {longest}"
    )


def expanded_size(target: Sequence[int], found: int) -> RuntimeError:
    """A bias does not fit the rows of a product."""
    return RuntimeError(
        f"The expanded size of the tensor ({target[-1]}) must match the existing size ({found}) at "
        f"non-singleton dimension 1.  Target sizes: {list(target)}.  Tensor sizes: [{found}]"
    )


def no_sequences() -> RuntimeError:
    """There is nothing to pad."""
    return RuntimeError("received an empty list of sequences")


def padding_side(found: str) -> RuntimeError:
    """A side to pad that there is not."""
    return RuntimeError(f"Expected padding_side to be one of left or right, but got {found}.")


def scalar_sequence() -> RuntimeError:
    """A sequence to pad has no dimension."""
    return RuntimeError("ArrayRef: invalid slice, N = 1; size = 0")


def copy_shape(target: Sequence[int], broadcast: Sequence[int]) -> RuntimeError:
    """A sequence has more dimensions than the first one."""
    return RuntimeError(
        f"output with shape {list(target)} doesn't match the broadcast shape {list(broadcast)}"
    )
