"""Gradients for several cotangents at once: ``autograd.grad(is_grads_batched=True)``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch


def _size(outputs: Sequence[Any], cotangents: Sequence[Any]) -> int:
    """Return the number of cotangents of each output.

    Raises:
        RuntimeError: one has not the shape of its output behind the first dimension.
        ValueError: they are not equally many, or there is none.
    """
    sizes = []
    for index, (output, batch) in enumerate(zip(outputs, cotangents)):
        if batch is None:
            continue
        if batch.dim() == 0:
            raise ValueError(
                "vmap(vjp, in_dims=0, ...)(<inputs>): Got in_dim=0 for some input, but that input "
                "is a Tensor of dimensionality 0 so expected in_dim to satisfy 0 <= in_dim < 0."
            )
        if batch.shape[1:] != output.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output "
                "as the batch dimension. The sizes of the remaining dimensions are expected to "
                "match the shape of corresponding output, but a mismatch was detected: "
                f"grad_output[{index}] has a shape of {batch.shape[1:]} and output[{index}] has a "
                f"shape of {output.shape}. If you only want some tensors in `grad_output` to be "
                "considered batched, consider using vmap."
            )
        sizes.append(batch.shape[0])
    if not sizes:
        raise ValueError("vmap: at least one of the gradients has to be a tensor")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]


def stacked(
    gradients_of: Callable[[tuple, bool], tuple],
    outputs: Sequence[Any],
    cotangents: Sequence[Any],
    keep: bool,
) -> tuple:
    """Return the gradients for each row of the cotangents, one above the other.

    Args:
        gradients_of: takes a cotangent for each output, and whether the graph is used again.
        outputs: tensors.
        cotangents: one more dimension than the outputs, in front; or ``None``.
        keep: whether the graph is used again after the last row.
    """
    count = _size(outputs, cotangents)
    rows = []
    for place in range(count):
        row = tuple([None if batch is None else batch[place] for batch in cotangents])
        rows.append(gradients_of(row, keep or place < count - 1))
    return tuple([None if column[0] is None else torch.stack(column) for column in zip(*rows)])
