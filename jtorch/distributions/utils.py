"""What several distributions need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, Final

import jtorch as torch

from .._tensor.tensor import Tensor

__all__ = [
    "broadcast_all",
    "logits_to_probs",
    "clamp_probs",
    "probs_to_logits",
    "lazy_property",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

#: Euler and Mascheroni's constant.
euler_constant: Final[float] = 0.57721566490153286060
#: What PyTorch counts as a number.
_NUMBER = (bool, int, float)


def _is_tensor_like(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "__torch_function__")


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Return the values as tensors of one shape.

    Args:
        values: tensors whose shapes broadcast together, and numbers, which become tensors of the
            dtype and on the device of the first tensor (of the default dtype where there is none).
    Raises:
        ValueError: a value is neither.
    """
    tensors = [_is_tensor_like(value) for value in values]
    if all(tensors):
        return torch.broadcast_tensors(*values)
    for value, is_tensor in zip(values, tensors):
        if not is_tensor and not isinstance(value, _NUMBER):
            raise ValueError(
                "Input arguments must all be instances of Number, "
                "torch.Tensor or objects implementing __torch_function__."
            )
    options: dict[str, Any] = {"dtype": torch.get_default_dtype()}
    first = next((value for value in values if isinstance(value, Tensor)), None)
    if first is not None:
        options = {"dtype": first.dtype, "device": first.device}
    return torch.broadcast_tensors(
        *(
            value if is_tensor else torch.tensor(value, **options)
            for value, is_tensor in zip(values, tensors)
        )
    )


def _standard_normal(shape: Sequence[int], dtype: Any, device: Any) -> Tensor:
    """Draw standard normal numbers."""
    return torch.empty(shape, dtype=dtype, device=device).normal_()


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """Sum over the last ``dim`` dimensions."""
    if dim == 0:
        return value
    return value.reshape((*value.shape[:-dim], -1)).sum(-1)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Return probabilities.

    Args:
        logits: log odds if ``is_binary``; else log probabilities up to a constant, of events
            along the last dimension.
    """
    if is_binary:
        return torch.sigmoid(logits)
    return torch.nn.functional.softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Move probabilities away from 0 and 1 by the machine epsilon of their dtype.

    Example:
        >>> from jtorch.distributions.utils import clamp_probs
        >>> clamp_probs(torch.tensor([0.0, 0.5, 1.0]))
        tensor([1.1921e-07, 5.0000e-01, 1.0000e+00])
    """
    epsilon = torch.finfo(probs.dtype).eps
    return probs.clamp(min=epsilon, max=1 - epsilon)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Return log odds if ``is_binary``, else log probabilities."""
    clamped = clamp_probs(probs)
    if is_binary:
        return torch.log(clamped) - torch.log1p(-clamped)
    return torch.log(clamped)


class lazy_property:
    """An attribute that a method computes when it is first read, with gradients recorded.

    On a class it looks like a property, so that documentation shows it.
    """

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)  # type: ignore[arg-type]

    def __get__(self, instance: Any, obj_type: Any = None) -> Any:
        if instance is None:
            return _lazy_property_and_property(self.wrapped)
        with torch.enable_grad():
            value = self.wrapped(instance)
        # No data descriptor: the next read finds the value before it finds this object.
        setattr(instance, self.wrapped.__name__, value)
        return value


class _lazy_property_and_property(lazy_property, property):
    """What a class shows of a lazy property."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        property.__init__(self, wrapped)


def _lower_triangle(size: int, diag: int, device: Any) -> Tensor:
    """Return a mask of the entries on and below a diagonal."""
    indices = torch.arange(size, device=device)
    return indices < indices.view(-1, 1) + (diag + 1)


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """Return the entries on and below a diagonal, row by row.

    Args:
        mat: matrices of shape ``(..., n, n)``.
        diag: the diagonal, counted upwards from the main one.
    Raises:
        ValueError: the matrices have no such diagonal.
    """
    size = mat.shape[-1]
    if not -size <= diag < size:
        raise ValueError(f"diag ({diag}) provided is outside [{-size}, {size - 1}].")
    return mat[..., _lower_triangle(size, diag, mat.device)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Return matrices with given entries on and below a diagonal, and zeros above it.

    Args:
        vec: the entries row by row, of shape ``(..., m)``.
        diag: the diagonal, counted upwards from the main one.
    Raises:
        ValueError: no square matrix has ``m`` such entries.
    """
    count = vec.shape[-1]
    # The positive root of n**2 + (1 + 2 * diag) * n - abs(diag) * (diag + 1) - 2 * count.
    linear = 1 + 2 * diag
    root = (-linear + (linear**2 + 8 * count + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    size = round(root)
    if size - root > torch.finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as "
            "the lower triangular part of a square D x D matrix."
        )
    matrix = vec.new_zeros(vec.shape[:-1] + torch.Size((size, size)))
    matrix[..., _lower_triangle(size, diag, vec.device)] = vec
    return matrix
