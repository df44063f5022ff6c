"""PyTorch's words about pooling and its inverse."""

from __future__ import annotations

from collections.abc import Sequence

_WORDS = {1: "one", 2: "two", 3: "three"}
_LETTERS = {2: ("H", "W"), 3: ("T", "H", "W")}


def _named(prefix: str, numbers: Sequence[int], letters: Sequence[str], back: bool = False) -> str:
    """Write numbers as ``kH: 1 kW: 2``, or as ``dilationH: 1`` where the letter comes behind."""
    return " ".join(
        [f"{prefix}{letter}: {number}" for letter, number in zip(letters, numbers, strict=True)]
    )


def list_length(name: str, parameter: str, rank: int) -> RuntimeError:
    """A list of numbers per dimension has another length than there are dimensions."""
    a_tuple = f"a tuple of {_WORDS[rank]} ints"
    text = {
        "kernel_size": f"must either be a single int, or {a_tuple}",
        "stride": f"must either be omitted, a single int, or {a_tuple}",
        "padding": f"must either be a single int, or {a_tuple}",
        "dilation": f"must be either a single int, or {a_tuple}",
    }[parameter]
    return RuntimeError(f"{name}: {parameter} {text}")


def stride_zero() -> RuntimeError:
    """The stride is 0, where the size of the result is worked out."""
    return RuntimeError("stride should not be zero")


def padding_negative(pad: int) -> RuntimeError:
    """The padding is negative, where the size of the result is worked out."""
    return RuntimeError(f"pad must be non-negative, but got pad: {pad}")


def padding_too_large(pad: int, kernel: int, dilation: int) -> RuntimeError:
    """The padding is more than half a window, where the size of the result is worked out."""
    return RuntimeError(
        "pad should be at most half of effective kernel size, but got "
        f"pad={pad}, kernel_size={kernel} and dilation={dilation}"
    )


def not_positive(what: str, numbers: Sequence[int]) -> RuntimeError:
    """The window, stride or dilation has a number that is not positive."""
    letters = _LETTERS[len(numbers)]
    label, prefix = {
        "kernel_size": ("kernel size", "k"),
        "stride": ("stride", "d"),
        "dilation": ("dilation", "dilation"),
    }[what]
    return RuntimeError(
        f"{label} should be greater than zero, but got {_named(prefix, numbers, letters)}"
    )


def rank(dims: int) -> RuntimeError:
    """The input has neither the dimensions of a batch nor those of one image."""
    return RuntimeError(
        f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input"
    )


def empty_image(shape: Sequence[int]) -> RuntimeError:
    """A dimension other than that of the batch is empty (two dimensions)."""
    return RuntimeError(
        "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:"
        f"{list(shape)}"
    )


def empty_volume(function: str, shape: Sequence[int], dim: int) -> RuntimeError:
    """A dimension other than that of the batch is empty (three dimensions)."""
    return RuntimeError(
        f"{function}: Expected input's non-batch dimensions to have positive length, but input has "
        f"a shape of {list(shape)} and non-batch dimension {dim} has length zero!"
    )


def smaller_than_kernel(sizes: Sequence[int], kernel: Sequence[int]) -> RuntimeError:
    """The window does not fit into the input (average over three dimensions)."""
    letters = _LETTERS[3]
    return RuntimeError(
        f"input image ({_named('', sizes, letters)}) smaller than kernel size "
        f"({_named('k', kernel, letters)})"
    )


def no_output(channels: int, sizes: Sequence[int], outputs: Sequence[int]) -> RuntimeError:
    """The result would have no or negative size."""
    given, made = ["x".join(map(str, (channels, *each))) for each in (sizes, outputs)]
    return RuntimeError(
        f"Given input size: ({given}). Calculated output size: ({made}). Output size is too small"
    )


def divisor_zero() -> RuntimeError:
    """``divisor_override`` is 0."""
    return RuntimeError("divisor must be not zero")


def no_dimension(ndim: int, dim: int) -> IndexError:
    """PyTorch asks a tensor for the size of a dimension that it does not have."""
    if not ndim:
        return IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return IndexError(
        f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}], but got {dim})"
    )


# One dimension


def one_rank(name: str, shape: Sequence[int]) -> RuntimeError:
    """``max_pool1d`` of a tensor that has another rank, or is empty."""
    return RuntimeError(
        f"{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, "
        f"but got:{list(shape)}"
    )


def one_list(parameter: str, length: int) -> RuntimeError:
    """A list of ``max_pool1d`` has several numbers."""
    head = "must be None, an int, list of ints, or" if parameter == "stride" else None
    head = head or "must be an int, list of ints or"
    return RuntimeError(
        f"max_pool1d() {parameter} {head} tuple of ints of size 1 but got size {length}"
    )


def one_not_positive(parameter: str, number: int) -> RuntimeError:
    """A number of ``max_pool1d`` is not positive."""
    return RuntimeError(f"max_pool1d() {parameter} must be greater than zero, but got {number}")


def one_padding_negative(number: int) -> RuntimeError:
    """The padding of ``max_pool1d`` is negative."""
    return RuntimeError(f"max_pool1d() padding must be non-negative, but got {number}")


def one_padding_too_large(padding: int, kernel: int) -> RuntimeError:
    """The padding of ``max_pool1d`` is more than half a window."""
    return RuntimeError(
        "max_pool1d() padding should be at most half of kernel size, but got "
        f"padding={padding} and kernel_size={kernel}"
    )


def one_no_output(size: int) -> RuntimeError:
    """The result of ``max_pool1d`` would be empty."""
    return RuntimeError(f"max_pool1d() Invalid computed output size: {size}")


def one_average_rank(name: str, ndim: int) -> RuntimeError:
    """An average over one dimension of a tensor of another rank."""
    return RuntimeError(
        f"Expected 2 to 3 dimensions, but got {ndim}-dimensional tensor for argument #1 'self' "
        f"(while checking arguments for {name})"
    )


def one_int(name: str, parameter: str, length: int) -> RuntimeError:
    """A list of a function of one dimension has several numbers."""
    return RuntimeError(f"{name}() argument '{parameter}' should contain one int (got {length})")
