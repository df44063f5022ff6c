"""PyTorch's words about convolutions and about patches of images."""

from __future__ import annotations

from collections.abc import Sequence

from ...._core import once


def padding_name(name: str) -> RuntimeError:
    """``padding`` is a word, and neither ``same`` nor ``valid``."""
    return RuntimeError(f"Invalid padding string: '{name}'")


def same_strided() -> RuntimeError:
    """``padding='same'`` together with a stride."""
    return RuntimeError("padding='same' is not supported for strided convolutions")


def batched_rank(name: str, rank: int, shape: Sequence[int]) -> RuntimeError:
    """The input has neither the dimensions of a batch nor those of one image."""
    return RuntimeError(
        f"Expected {rank + 1}D (unbatched) or {rank + 2}D (batched) input to {name}, but got input "
        f"of size: {list(shape)}"
    )


def rank_mismatch(weight: Sequence[int], shape: Sequence[int], blank: str = " ") -> RuntimeError:
    """Input and weight differ in their number of dimensions."""
    return RuntimeError(
        f"Expected {len(weight)}-dimensional input for {len(weight)}-dimensional weight{blank}"
        f"{list(weight)}, but got {len(shape)}-dimensional input of size {list(shape)} instead"
    )


def weight_rank() -> RuntimeError:
    """The weight has no dimension for a kernel."""
    return RuntimeError("weight should have at least three dimensions")


def parameter_count(name: str, given: Sequence[int], rank: int) -> RuntimeError:
    """A list of numbers per dimension has another length than there are dimensions."""
    return RuntimeError(
        f"expected {name} to be a single integer value or a list of {rank} values to match the "
        f"convolution dimensions, but got {name}={list(given)}"
    )


def negative(name: str) -> RuntimeError:
    """``padding`` or ``output_padding`` is negative."""
    return RuntimeError(f"negative {name} is not supported")


def not_positive(name: str) -> RuntimeError:
    """``stride`` or ``groups`` is no positive number."""
    return RuntimeError(f"non-positive {name} is not supported")


def dilation(given: Sequence[int] | None) -> RuntimeError:
    """``dilation`` is negative, or 0 (and is then named)."""
    named = "" if given is None else f", but got {list(given)}"
    return RuntimeError(f"dilation should be greater than zero{named}")


def weight_too_small(groups: int, weight: Sequence[int]) -> RuntimeError:
    """There are fewer filters than groups."""
    return RuntimeError(
        f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got "
        f"weight of size {list(weight)} instead"
    )


def weight_not_divisible(groups: int, weight: Sequence[int]) -> RuntimeError:
    """The filters cannot be shared out among the groups."""
    return RuntimeError(
        f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but "
        f"got weight of size [{list(weight)}] instead"
    )


def channels(
    groups: int | None, weight: Sequence[int], shape: Sequence[int], expected: int
) -> RuntimeError:
    """The input has another number of channels than the weight is for.

    Args:
        groups: of the convolution, ``None`` for a transposed one.
    """
    given = "transposed=1" if groups is None else f"groups={groups}"
    return RuntimeError(
        f"Given {given}, weight of size {list(weight)}, expected input{list(shape)} to have "
        f"{expected} channels, but got {shape[1]} channels instead"
    )


def bias(
    transposed: bool, weight: Sequence[int], expected: int, shape: Sequence[int]
) -> RuntimeError:
    """The bias has another shape than there are output channels."""
    given = "transposed=1, weight" if transposed else "weight"
    return RuntimeError(
        f"Given {given} of size {list(weight)}, expected bias to be 1-dimensional with {expected} "
        f"elements, but got bias of size {list(shape)} instead"
    )


def kernel_too_large(padded: Sequence[int], kernel: Sequence[int]) -> RuntimeError:
    """The kernel, with its dilation, does not fit into the padded input."""
    sizes, kernels = [" x ".join(map(str, each)) for each in (padded, kernel)]
    return RuntimeError(
        f"Calculated padded input size per channel: ({sizes}). Kernel size: ({kernels}). Kernel "
        "size can't be greater than actual input size"
    )


def empty_kernel() -> RuntimeError:
    """A kernel without elements, which oneDNN refuses."""
    return RuntimeError(
        "could not create a primitive descriptor for the convolution forward propagation "
        "primitive. Run workload with environment variable ONEDNN_VERBOSE=all to get additional "
        "diagnostic information."
    )


def no_output() -> RuntimeError:
    """A transposed convolution whose result would have no or negative size."""
    return RuntimeError("could not construct a memory descriptor using a format tag")


def output_padding(
    given: Sequence[int], stride: Sequence[int], dilations: Sequence[int]
) -> RuntimeError:
    """``output_padding`` reaches as far as stride and dilation do."""
    names = ("depth", "height", "width")[-max(2, len(given)) :]
    words = []
    for label, numbers in (
        ("output_padding", given),
        ("stride", stride),
        ("dilation", dilations),
    ):
        words += [f"{label}_{name}: {number}" for name, number in zip(names, numbers, strict=True)]
    return RuntimeError(
        "output padding must be smaller than either stride or dilation, but got " + " ".join(words)
    )


def scalar_types(expected: str, given: str) -> RuntimeError:
    """Input and weight have different dtypes, and PyTorch's own kernel says so."""
    return RuntimeError(f"expected scalar type {expected} but found {given}")


def input_weight_types(expected: str, given: str, dense: bool) -> RuntimeError:
    """Input and weight have different types of tensor, in PyTorch's oldest names.

    Args:
        dense: whether oneDNN was to compute it.
    """
    tail = " or input should be a MKLDNN tensor and weight is a dense tensor" if dense else ""
    return RuntimeError(
        f"Input type ({expected}) and weight type ({given}) should be the same{tail}"
    )


def bias_type(expected: str, given: str) -> RuntimeError:
    """The bias has another dtype than the input, in the names of C++."""
    return RuntimeError(f"Input type ({expected}) and bias type ({given}) should be the same")


def onednn_bias_type(expected: str, given: str) -> RuntimeError:
    """The bias has another dtype than the input, in oneDNN's names."""
    return RuntimeError(
        f"Input type ({expected}) and bias type ({given}) should be the same or input should be a "
        "MKLDNN tensor and bias is a dense tensor"
    )


def tbc(words: str) -> RuntimeError:
    """``conv_tbc`` refuses the shape of an argument."""
    return RuntimeError(
        {
            "input": "Input must have 3 dims: time, batch, in_channel",
            "weight": "Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.",
            "bias": "Bias must be 1-D",
            "channels": "Input dim 2 (input channels) is not == dim 1 in the weight tensor",
            "bias_size": "Bias size must equal dim 2 in the weight tensor (output channels).",
        }[words]
    )


# Patches


def _pairs(numbers: Sequence[int]) -> str:
    return f"({', '.join(map(str, numbers))})"


def patch_list(name: str, length: int) -> RuntimeError:
    """A list of a pair of numbers has another length."""
    return RuntimeError(f"It is expected {name} equals to 2, but got size {length}")


def patch_numbers(name: str, numbers: Sequence[int]) -> RuntimeError:
    """The patch, its dilation or its stride has a number that is not positive."""
    label = name.replace("_", " ")
    prefix = name.partition("_")[0]
    return RuntimeError(
        f"{label} should be greater than zero, but got {prefix}_height: {numbers[0]} "
        f"{prefix}_width: {numbers[1]}"
    )


def patch_padding(numbers: Sequence[int]) -> RuntimeError:
    """The padding is negative."""
    return RuntimeError(
        f"padding should be non-negative, but got pad_height: {numbers[0]} pad_width: {numbers[1]}"
    )


def unfold_shape(shape: Sequence[int]) -> RuntimeError:
    """What patches are taken out of has another rank, or is empty."""
    return RuntimeError(
        "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
        f"dimensions for input, but got: {list(shape)}"
    )


def unfold_empty(
    sizes: Sequence[int],
    kernel: Sequence[int],
    dilations: Sequence[int],
    padding: Sequence[int],
    counts: Sequence[int],
) -> RuntimeError:
    """No patch fits."""
    return RuntimeError(
        f"Given input with spatial size {_pairs(sizes)}, kernel_size={_pairs(kernel)}, "
        f"dilation={_pairs(dilations)}, padding={_pairs(padding)}, calculated shape of the array "
        f"of sliding blocks as {_pairs(counts)}, but its components must be at least one."
    )


def fold_shape(shape: Sequence[int]) -> RuntimeError:
    """The patches have another rank, or are empty."""
    return RuntimeError(
        "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
        f"dimensions for input, but got: {list(shape)}"
    )


def fold_channels(size: int, kernel: Sequence[int]) -> RuntimeError:
    """The rows are not patches of whole channels."""
    return RuntimeError(
        "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but "
        f"got input.size(1)={size} and kernel_size={_pairs(kernel)}."
    )


def _fold_given(numbers: dict[str, Sequence[int]]) -> str:
    return ", ".join([f"{name}={_pairs(each)}" for name, each in numbers.items()])


def fold_blocks(
    numbers: dict[str, Sequence[int]], counts: Sequence[int], given: int
) -> RuntimeError:
    """There are more or fewer patches than lie in the image."""
    product = counts[0] * counts[1]
    return RuntimeError(
        f"Given {_fold_given(numbers)}, expected size of input's dimension 2 to match the "
        f"calculated number of sliding blocks {counts[0]} * {counts[1]} = {product}, but got "
        f"input.size(2)={given}."
    )


def fold_empty(numbers: dict[str, Sequence[int]], counts: Sequence[int]) -> RuntimeError:
    """No patch fits into the image."""
    return RuntimeError(
        f"Given {_fold_given(numbers)}, calculated shape of the array of sliding blocks as "
        f"{_pairs(counts)}, which is too small (non-positive)"
    )


def fold_output(sizes: Sequence[int]) -> RuntimeError:
    """The image would be empty."""
    return RuntimeError(
        f"Expected output spatial size to be positive, but got: output_size={_pairs(sizes)}."
    )


def warn_uneven_same() -> None:
    """``padding="same"`` with more zeros behind than before."""
    once.warn(
        "uneven same",
        "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded "
        "copy of the input be created (Triggered internally at "
        "/__w/pytorch/pytorch/aten/src/ATen/native/Convolution.cpp:1101.)",
    )
