"""Padding of sequences, images and volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._tensor.tensor import Tensor
from .. import functional as F
from .batchnorm import check_rank
from .module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


def _sides(padding: Any, spatial: int) -> tuple[int, ...]:
    """Return the padding of each side, where one number stands for all."""
    if isinstance(padding, Sequence) or hasattr(padding, "__iter__"):
        return tuple(padding)
    return (padding,) * (2 * spatial)


class _Padding(Module):
    """What the paddings share.

    Args:
        padding: how much to add before and after each dimension, the last dimension first, or one
            number for all sides; a negative number takes away.
    """

    __constants__ = ["padding"]
    padding: Sequence[int]

    def extra_repr(self) -> str:
        """Return the padding."""
        return f"{self.padding}"


class _CircularPadNd(_Padding):
    """Pad with elements from the other end."""

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        """Return the padded input."""
        self._check_input_dim(input)
        return F.pad(input, self.padding, "circular")


class CircularPad1d(_CircularPadNd):
    """Circular (wrap-around) padding of the last dimension; ``padding`` has two numbers."""

    def __init__(self, padding: int | tuple[int, int]) -> None:
        super().__init__()
        self.padding = _sides(padding, 1)

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 2, 3)


class CircularPad2d(_CircularPadNd):
    """Circular (wrap-around) padding of the last two dimensions; ``padding`` has four numbers."""

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__()
        self.padding = _sides(padding, 2)

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 3, 4)


class CircularPad3d(_CircularPadNd):
    """Circular (wrap-around) padding of the last three dimensions; ``padding`` has six numbers."""

    def __init__(self, padding: int | tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        self.padding = _sides(padding, 3)

    def _check_input_dim(self, input: Tensor) -> None:
        check_rank(input, 4, 5)


class _ConstantPadNd(Module):
    """Pad with a number.

    Args:
        value: the number.
    """

    __constants__ = ["padding", "value"]
    value: float
    padding: Sequence[int]

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Return the padded input."""
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        """Return the padding and the number."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Constant padding of the last dimension.

    Args:
        padding: how much to add before and after it, or one number for both sides.
        value: the number.
    """

    def __init__(self, padding: int | tuple[int, int], value: float) -> None:
        super().__init__(value)
        self.padding = _sides(padding, 1)


class ConstantPad2d(_ConstantPadNd):
    """Constant padding of the last two dimensions; arguments as of ``ConstantPad1d``."""

    __constants__ = ["padding", "value"]

    def __init__(self, padding: int | tuple[int, int, int, int], value: float) -> None:
        super().__init__(value)
        self.padding = _sides(padding, 2)


class ConstantPad3d(_ConstantPadNd):
    """Constant padding of the last three dimensions; arguments as of ``ConstantPad1d``."""

    def __init__(self, padding: int | tuple[int, int, int, int, int, int], value: float) -> None:
        super().__init__(value)
        self.padding = _sides(padding, 3)


class _ReflectionPadNd(_Padding):
    """Pad with a reflection of the input."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the padded input."""
        return F.pad(input, self.padding, "reflect")


class ReflectionPad1d(_ReflectionPadNd):
    """Reflection padding of the last dimension, edge not repeated; ``padding`` has two numbers."""

    def __init__(self, padding: int | tuple[int, int]) -> None:
        super().__init__()
        self.padding = _sides(padding, 1)


class ReflectionPad2d(_ReflectionPadNd):
    """Reflection padding of the last two dimensions; ``padding`` has four numbers."""

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__()
        self.padding = _sides(padding, 2)


class ReflectionPad3d(_ReflectionPadNd):
    """Reflection padding of the last three dimensions; ``padding`` has six numbers."""

    def __init__(self, padding: int | tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        self.padding = _sides(padding, 3)


class _ReplicationPadNd(_Padding):
    """Pad with the outermost elements."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the padded input."""
        return F.pad(input, self.padding, "replicate")


class ReplicationPad1d(_ReplicationPadNd):
    """Replication (edge) padding of the last dimension; ``padding`` has two numbers."""

    def __init__(self, padding: int | tuple[int, int]) -> None:
        super().__init__()
        self.padding = _sides(padding, 1)


class ReplicationPad2d(_ReplicationPadNd):
    """Replication (edge) padding of the last two dimensions; ``padding`` has four numbers."""

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__()
        self.padding = _sides(padding, 2)


class ReplicationPad3d(_ReplicationPadNd):
    """Replication (edge) padding of the last three dimensions; ``padding`` has six numbers."""

    def __init__(self, padding: int | tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        self.padding = _sides(padding, 3)


class ZeroPad1d(ConstantPad1d):
    """Zero padding of the last dimension; ``padding`` has two numbers."""

    def __init__(self, padding: int | tuple[int, int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """Return the padding."""
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """Zero padding of the last two dimensions; ``padding`` has four numbers."""

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """Return the padding."""
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """Zero padding of the last three dimensions; ``padding`` has six numbers."""

    def __init__(self, padding: int | tuple[int, int, int, int, int, int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        """Return the padding."""
        return f"{self.padding}"
