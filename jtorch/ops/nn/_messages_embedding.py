"""PyTorch's words about look-ups in tables of embeddings."""

from __future__ import annotations

from collections.abc import Sequence


def index_out_of_range() -> IndexError:
    """A position is no row of the table."""
    return IndexError("index out of range in self")


def weight_rank() -> RuntimeError:
    """The table is no matrix."""
    return RuntimeError("'weight' must be 2-D")


def argument_types(
    position: int, name: str, known: Sequence[str], given: str, function: str
) -> RuntimeError:
    """A tensor has a dtype that the function does not take."""
    return RuntimeError(
        f"Expected tensor for argument #{position} '{name}' to have one of the following scalar "
        f"types: {', '.join(known)}; but got torch.{given}Tensor instead (while checking arguments "
        f"for {function})"
    )


def same_types(first: str, second: str, given: str, other: str, function: str) -> RuntimeError:
    """Two tensors have different dtypes."""
    return RuntimeError(
        f"Expected tensor for argument #1 '{first}' to have the same type as tensor for argument "
        f"#1 '{second}'; but type torch.{given}Tensor does not equal torch.{other}Tensor (while "
        f"checking arguments for {function})"
    )


def renorm_rank(ndim: int) -> RuntimeError:
    """The table to normalise is no matrix."""
    return RuntimeError(
        f"Expected 2-dimensional tensor, but got {ndim}-dimensional tensor for argument #1 'self' "
        "(while checking arguments for embedding_renorm_)"
    )


def renorm_dtype(type_name: str) -> RuntimeError:
    """The table to normalise has no norms."""
    return RuntimeError(
        f"norm(): input dtype should be either floating point or complex. Got {type_name} instead."
    )


def renorm_index(index: int, shape: Sequence[int]) -> IndexError:
    """A row to normalise is none."""
    return IndexError(
        f"select(): index {index} out of range for tensor of size {list(shape)} at dimension 0"
    )


def padding_index() -> AssertionError:
    """The padding row of ``embedding`` is none."""
    return AssertionError("Padding_idx must be within num_embeddings")


def bag_padding(rows: int, given: int) -> RuntimeError:
    """The padding row of ``embedding_bag`` is none."""
    return RuntimeError(
        f"padding_idx must be within the number of embeddings, -{rows} through {rows - 1}, but got "
        f"{given}"
    )


def bag_weight_rank(ndim: int, error: type[Exception]) -> Exception:
    """The table of ``embedding_bag`` is no matrix."""
    return error(f"weight has to be a 2D Tensor, but got Tensor of dimension {ndim}")


def bag_mode() -> RuntimeError:
    """The number of a mode is unknown."""
    return RuntimeError("`mode` must be sum, mean, or max.")


def bag_mode_name() -> ValueError:
    """The name of a mode is unknown."""
    return ValueError("mode has to be one of sum, mean or max")


def bag_weights_mode() -> RuntimeError:
    """Weights of samples for another mode than the sum."""
    return RuntimeError("embedding_bag: per_sample_weights only supported with mode='sum'")


def bag_weights_mode_name(mode: str) -> NotImplementedError:
    """Weights of samples for another mode than the sum, by name."""
    return NotImplementedError(
        "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for "
        f"mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
    )


def bag_weights_shape(weights: object, shape: object) -> ValueError:
    """There are more or fewer weights than samples."""
    return ValueError(
        f"embedding_bag: If per_sample_weights ({weights}) is not None, then it must have the same "
        f"shape as the input ({shape})"
    )


def bag_offsets_given(type_name: str) -> ValueError:
    """Offsets for bags that all have one size."""
    return ValueError(
        "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed "
        f"length sequences. However, found offsets of type {type_name}"
    )


def bag_offsets_missing() -> ValueError:
    """No offsets for bags in a row."""
    return ValueError("offsets has to be a 1D Tensor but got None")


def bag_offsets_rank() -> ValueError:
    """Offsets that are no vector."""
    return ValueError("offsets has to be a 1D Tensor")


def bag_input_rank(ndim: int) -> ValueError:
    """Positions of another rank than one or two."""
    return ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {ndim}")


def bag_max_frequency() -> ValueError:
    """Gradients of maxima are to be divided by frequencies."""
    return ValueError("max mode does not support scaling the gradient by the frequency")


def bag_max_sparse() -> ValueError:
    """Gradients of maxima are to be sparse."""
    return ValueError("max mode does not support sparse weights")


def bag_first_offset(given: int, type_name: str) -> RuntimeError:
    """The first bag does not begin where the positions do."""
    return RuntimeError(
        "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
        f"position 0. However, got {given}\n[ torch.{type_name}Tensor{{}} ]"
    )


def bag_last_offset(count: int, given: int) -> RuntimeError:
    """The last bag begins behind the positions."""
    return RuntimeError(
        f"offsets[-1] can not be greater than input's length {count} but got offsets[-1] of {given}"
    )


def bag_no_offset() -> RuntimeError:
    """The end of the last bag is missing."""
    return RuntimeError("include_last_offset: number of offset should be at least 1")


def bag_index(place: int, index: int, rows: int) -> RuntimeError:
    """A position is no row of the table."""
    return RuntimeError(
        f"Index {place} of input takes value {index} which is not in the valid range [0, {rows})"
    )
