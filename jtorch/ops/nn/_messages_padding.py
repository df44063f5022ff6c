"""PyTorch's words about padding, shuffles of pixels and channels, and distances."""

from __future__ import annotations

from collections.abc import Sequence


def odd_length() -> RuntimeError:
    """A padding without a second side."""
    return RuntimeError("Padding length must be divisible by 2")


def too_long(length: int, ndim: int) -> RuntimeError:
    """A padding of more dimensions than there are."""
    return RuntimeError(
        "Padding length should be less than or equal to two times the input dimension but got "
        f"padding length {length} and input of dimension {ndim}"
    )


def constant_odd(length: int) -> RuntimeError:
    """``constant_pad_nd`` without a second side."""
    return RuntimeError(f"Length of pad must be even but instead it equals {length}")


def constant_long(length: int, ndim: int) -> RuntimeError:
    """``constant_pad_nd`` of more dimensions than there are."""
    return RuntimeError(
        "Length of pad should be no more than twice the number of dimensions of the input. Pad "
        f"length is {length} while the input has {ndim} dimensions."
    )


def constant_negative(size: int, before: int, after: int, dim: int) -> RuntimeError:
    """``constant_pad_nd`` takes away more than there is."""
    return RuntimeError(
        f"The input size {size}, plus negative padding {before} and {after} resulted in a negative "
        f"output size, which is invalid. Check dimension {dim} of your input."
    )


def narrow_negative() -> RuntimeError:
    """``constant_pad_nd`` takes away more than there is, on one side."""
    return RuntimeError("narrow(): length must be non-negative.")


def mode_unknown(mode: str) -> NotImplementedError:
    """The name of a mode is unknown."""
    return NotImplementedError(f"Unrecognised padding mode {mode}")


def value_without_meaning(mode: str) -> RuntimeError:
    """A value for a mode that takes its elements from the input."""
    return RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')


def unsupported(length: int, ndim: int) -> NotImplementedError:
    """A mode that pads some numbers of dimensions only."""
    return NotImplementedError(
        f"Padding size {length} is not supported for {ndim}D input tensor.\n"
        "Supported combinations for non-constant padding:\n"
        "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
        "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
        "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
    )


def empty_input(spatial: int, shape: Sequence[int]) -> RuntimeError:
    """There is nothing to reflect or to repeat."""
    return RuntimeError(
        f"Expected {spatial + 1}D or {spatial + 2}D (batch mode) tensor with possibly 0 batch size "
        f"and other non-zero dimensions for input, but got: {list(shape)}"
    )


def reflection_size(
    argument: int, before: int, after: int, dim: int, shape: Sequence[int]
) -> RuntimeError:
    """A reflection is longer than what it reflects."""
    return RuntimeError(
        f"Argument #{argument}: Padding size should be less than the corresponding input "
        f"dimension, but got: padding ({before}, {after}) at dimension {dim} of input {list(shape)}"
    )


def too_small(sizes: Sequence[int], padded: Sequence[int]) -> RuntimeError:
    """Nothing is left of the padded dimensions."""
    names = "DHW"[-len(sizes) :]
    given = " ".join(f"{name}: {size}" for name, size in zip(names, sizes, strict=True))
    made = " ".join(f"{name}: {size}" for name, size in zip(names, padded, strict=True))
    return RuntimeError(f"input ({given}) is too small. Calculated output {made}")


def wraps_twice() -> RuntimeError:
    """A circular padding is longer than what it repeats."""
    return RuntimeError("Padding value causes wrapping around more than once.")


def circular_negative() -> RuntimeError:
    """A circular padding takes away more than there is."""
    return RuntimeError("Negative padding value is resulting in an empty dimension")


def shuffle_rank(name: str, ndim: int) -> RuntimeError:
    """Pixels of something that is no image."""
    return RuntimeError(
        f"{name} expects input to have at least 3 dimensions, but got input with {ndim} "
        "dimension(s)"
    )


def shuffle_factor(name: str, parameter: str, factor: int) -> RuntimeError:
    """A factor that is not positive."""
    return RuntimeError(f"{name} expects a positive {parameter}, but got {factor}")


def shuffle_channels(channels: int, square: int) -> RuntimeError:
    """The channels cannot be made into pixels."""
    return RuntimeError(
        "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of "
        f"upscale_factor, but input.size(-3)={channels} is not divisible by {square}"
    )


def unshuffle_size(what: str, dim: int, size: int, factor: int) -> RuntimeError:
    """The pixels cannot be made into channels."""
    return RuntimeError(
        f"pixel_unshuffle expects {what} to be divisible by downscale_factor, but "
        f"input.size({dim})={size} is not divisible by {factor}"
    )


def channel_rank(shape: Sequence[int]) -> RuntimeError:
    """Channels of something that has no positions."""
    return RuntimeError(
        f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(shape)}"
    )


def channel_groups(groups: int) -> RuntimeError:
    """A number of groups that is not positive."""
    return RuntimeError(
        f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
    )


def channel_division(channels: int, groups: int) -> RuntimeError:
    """The channels cannot be divided into groups."""
    return RuntimeError(
        f"Number of channels must be divisible by groups. Got {channels} channels and {groups} "
        "groups."
    )


def not_differentiable(name: str) -> NotImplementedError:
    """A gradient of an operator that PyTorch has none for."""
    return NotImplementedError(f"the derivative for '{name}' is not implemented.")
