"""Conversions of a whole tensor, from before there were ``to`` and ``reshape``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from ..function import Function


def _resized(sizes: Sequence[Any], count: Any, tensor: Any) -> RuntimeError:
    shapes = ["x".join(map(str, shape)) for shape in (sizes, tensor.size())]
    return RuntimeError(
        f"requested resize to {shapes[0]} ({count} elements in total), but the given tensor has a "
        f"size of {shapes[1]} ({tensor.numel()} elements). autograd's resize can only change the "
        "shape of a given tensor, while preserving the number of elements. "
    )


class Resize(Function):
    """A tensor in another shape, of as many elements in the same order.

    Raises:
        RuntimeError: the shape has another number of elements.
    """

    @staticmethod
    def forward(ctx: Any, tensor: Any, sizes: Sequence[int]) -> Any:
        """Return the tensor in that shape; it shares memory with a contiguous one."""
        count: Any = 1
        for size in sizes:
            count = count * size
        if count != tensor.numel():
            raise _resized(sizes, count, tensor)
        ctx.input_sizes = tensor.size()
        return tensor.contiguous().view(*sizes)

    @staticmethod
    def backward(ctx: Any, grad_output: Any) -> tuple:
        """Return the gradient in the shape of the input."""
        assert grad_output.numel() == math.prod(ctx.input_sizes)
        return grad_output.contiguous().view(ctx.input_sizes), None


class Type(Function):
    """A tensor converted to another legacy type (``torch.DoubleTensor``), as ``Tensor.type``."""

    @staticmethod
    def forward(ctx: Any, i: Any, dest_type: Any) -> Any:
        """Return the converted tensor."""
        warnings.warn(
            "`torch.autograd._functions.Type` is deprecated as of PyTorch 2.1, "
            "please use `torch.tensor.to(dtype=dtype)` instead.",
            FutureWarning,
            stacklevel=2,
        )
        ctx.input_type = i.type()
        return i.type(dest_type)

    @staticmethod
    def backward(ctx: Any, grad_output: Any) -> tuple:
        """Return the gradient in the type of the input."""
        return grad_output.type(ctx.input_type), None
