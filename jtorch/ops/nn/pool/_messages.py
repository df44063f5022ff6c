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
    if name == "avg_pool3d" and parameter in ("kernel_size", "padding"):
        return RuntimeError(f"{name}: {parameter} must be a single int, or {a_tuple}")
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


# Pooling to a size


def adaptive_sizes(rank: int, maximum: bool) -> RuntimeError:
    """The list of sizes has another length than there are dimensions."""
    if maximum:
        return RuntimeError(
            f"adaptive_max_pool{rank}d(): internal error: output_size.size() must be {rank}"
        )
    return RuntimeError(f"adaptive_avg_pool{rank}d: output_size must be {rank}")


def adaptive_negative(sizes: Sequence[int]) -> RuntimeError:
    """A size of an average is negative."""
    # torch 2.13 writes no blank before the third number.
    listed = ", ".join(map(str, sizes[:2])) + "".join([f",{size}" for size in sizes[2:]])
    return RuntimeError(
        f"adaptive_avg_pool{len(sizes)}d: elements of output_size must be greater than or equal to "
        f"0 but received {{{listed}}}"
    )


def adaptive_rank(name: str, rank: int, shape: Sequence[int]) -> RuntimeError:
    """The input has neither the dimensions of a batch nor those of one image."""
    colon = ":" if "max" in name else ""
    return RuntimeError(
        f"{name}(): Expected {rank + 1}D or {rank + 2}D tensor, but got{colon} {list(shape)}"
    )


def adaptive_empty(name: str, shape: Sequence[int], dim: int) -> RuntimeError:
    """A dimension other than that of the batch is empty."""
    return RuntimeError(
        f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has "
        f"sizes {list(shape)} with dimension {dim} being empty"
    )


def default_rank(count: int) -> ValueError:
    """The input has too few dimensions to fill in sizes from."""
    return ValueError(f"Input dimension should be at least {count + 1}")


# Windows at random places


def fractional_size() -> str:
    """Neither sizes nor ratios of the result were given."""
    return "requires specifying either an output_size or an output_ratio"


def fractional_list(rank: int, parameter: str) -> RuntimeError:
    """A list of numbers per dimension has another length than there are dimensions."""
    ints = "Ints" if rank == 2 else "three Ints"
    return RuntimeError(
        f"fractional_max_pool{rank}d: {parameter} must either be a single Int or tuple of {ints}"
    )


def fractional_rank(rank: int, shape: Sequence[int]) -> RuntimeError:
    """The input has neither the dimensions of a batch nor those of one image."""
    if rank == 2:
        return RuntimeError(
            f"fractional_max_pool2d(): Expected 3D or 4D tensor, but got: {list(shape)}"
        )
    return RuntimeError(
        f"fractional_max_pool3d_out(): Expected 4D or 5D tensor, but got: {list(shape)}"
    )


def fractional_empty(rank: int, shape: Sequence[int], dim: int) -> RuntimeError:
    """A dimension other than that of the batch is empty."""
    name = "fractional_max_pool2d()" if rank == 2 else "fractional_max_pool3d_out()"
    return RuntimeError(
        f"{name}: Expected input to have non-zero size for non-batch dimensions, but got"
        f"{list(shape)} with dimension {dim} being empty."
    )


def fractional_too_large(rank: int, dim: int, pool: int, size: int) -> RuntimeError:
    """As many windows of that size do not fit."""
    name = "fractional_max_pool2d()" if rank == 2 else "fractional_max_pool3d_out()"
    what = ("time", "height", "width")[dim + 3 - rank]
    return RuntimeError(f"{name}: pool {what} {pool} too large relative to input {what} {size}")


def samples_rank(ndim: int) -> RuntimeError:
    """The random samples have another rank than 3."""
    return RuntimeError(f"Expect _random_samples to have 3 dimensions, got {ndim}")


def samples_dtype() -> RuntimeError:
    """The random samples have another dtype than the input."""
    return RuntimeError("Expect _random_samples to have the same dtype as input")


def samples_batch() -> RuntimeError:
    """There are fewer random samples than images."""
    return RuntimeError("Expect _random_samples.size(0) no less then input batch size.")


def samples_channels() -> RuntimeError:
    """There are more or fewer random samples than channels."""
    return RuntimeError("Expect _random_samples.size(1) equals to input channel size.")


def samples_dims(rank: int, given: int) -> RuntimeError:
    """There is not one random sample for each dimension."""
    return RuntimeError(f"Expect _random_samples.size(2) equals to {rank}; got {given}.")


# The inverse of a maximum


def unpool_length(rank: int, given: int) -> ValueError:
    """``output_size`` has neither one number per dimension nor two more."""
    return ValueError(
        f"output_size should be a sequence containing {rank} or {rank + 2} elements, but it has a "
        f"length of '{given}'"
    )


def unpool_size(sizes: object, dim: int, least: int, most: int) -> ValueError:
    """A size that no pooling of these windows would have come from."""
    return ValueError(
        f'invalid output_size "{sizes}" (dim {dim} must be between {least} and {most})'
    )


def unpool_negative(dim: int, size: int) -> ValueError:
    """A size is negative, as the function of ``torch.nn.functional`` says it."""
    return ValueError(
        "max_unpooling: output_size must contain non-negative spatial dimensions, but got "
        f"output_size[{dim}]={size}"
    )


def unpool_rank(rank: int, ndim: int) -> RuntimeError:
    """The input has neither the dimensions of a batch nor those of one image."""
    return RuntimeError(
        f"Input to max_unpooling{rank}d should be a {rank + 1}d or {rank + 2}d Tensor, but got a "
        f"tensor with {ndim} dimensions."
    )


def unpool_indices_dtype(rank: int, type_name: str) -> RuntimeError:
    """The places are not int64."""
    but = f" but got: {type_name}" if rank == 2 else ""
    return RuntimeError(f"elements in indices should be type int64{but}")


def unpool_indices_shape(shape: Sequence[int], indices: Sequence[int]) -> RuntimeError:
    """There is not one place for each element."""
    return RuntimeError(
        f"Expected shape of indices to be same as that of the input tensor ({list(shape)}) but got "
        f"indices tensor with shape: {list(indices)}"
    )


def unpool_list(rank: int, parameter: str, given: int) -> RuntimeError:
    """A list of numbers per dimension has another length than there are dimensions."""
    count, names = ("two", "height, width") if rank == 2 else ("three", "depth, height, width")
    colon = ":" if parameter != "output_size" else ""
    return RuntimeError(
        f"There should be exactly {count} elements ({names}) in {parameter}, but got{colon} "
        f"{given} elements."
    )


def unpool_stride(stride: Sequence[int]) -> RuntimeError:
    """A stride is not positive."""
    return RuntimeError(f"strides should be greater than zero, but got stride: {list(stride)}")


def unpool_empty(rank: int, shape: Sequence[int], dim: int) -> RuntimeError:
    """A dimension other than that of the batch is empty."""
    return RuntimeError(
        f"max_unpooling{rank}d_forward_out_cpu(): Expected input to have non-zero size for "
        f"non-batch dimensions, but got {list(shape)} with dimension {dim} being empty."
    )


def unpool_index(index: int, sizes: Sequence[int]) -> RuntimeError:
    """A place lies outside of the image."""
    return RuntimeError(
        f"Found an invalid max index: {index} (output volumes are of size "
        f"{'x'.join(map(str, sizes))})"
    )
