"""Operators that PyTorch's public functions are made of, over the public operators of jtorch.

They are what ``__torch_dispatch__`` is shown, and what code that was written by PyTorch's exporters
calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from ..._core.dtypes import float32
from ..creation.ranges import arange
from ..nn.conv.convolution import convolution
from ..nn.conv.convolution import convolution_backward as gradient_of
from ..nn.loss.classification import nll_loss

_REDUCTIONS = ("none", "mean", "sum")


def _softmax(input: Any, dim: int, half_to_float: bool) -> Any:
    """Return ``softmax(input, dim)``, in float32 where ``half_to_float``."""
    return input.softmax(dim, dtype=_wide(half_to_float))


def _log_softmax(input: Any, dim: int, half_to_float: bool) -> Any:
    """Return ``log_softmax(input, dim)``, in float32 where ``half_to_float``."""
    return input.log_softmax(dim, dtype=_wide(half_to_float))


def _wide(wanted: bool) -> Any:
    return float32 if wanted else None


def nll_loss_forward(
    input: Any, target: Any, weight: Any, reduction: int, ignore_index: int
) -> tuple[Any, Any]:
    """Return the negative log likelihood loss and the sum of the weights."""
    loss = nll_loss(
        input, target, weight, ignore_index=ignore_index, reduction=_REDUCTIONS[reduction]
    )
    counted = target != ignore_index
    if reduction == 0:
        return loss, input.new_zeros(())
    if weight is None:
        return loss, counted.sum().to(input.dtype)
    safe = target * counted
    return loss, (weight[safe] * counted).sum()


def _to_copy(
    input: Any,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: Any = None,
    non_blocking: bool = False,
    memory_format: Any = None,
) -> Any:
    """Return a copy with another dtype or on another device."""
    options = {"memory_format": memory_format} if memory_format is not None else {}
    if device is not None:
        return input.to(device, dtype or input.dtype, copy=True, **options)
    return input.to(dtype or input.dtype, copy=True, **options)


def _unsafe_view(input: Any, size: Any) -> Any:
    """Return ``input.view(size)`` of what nothing else refers to."""
    return input.view(size)


def lift_fresh(input: Any) -> Any:
    """Return a tensor that was just made of data."""
    return input


def lift_fresh_copy(input: Any) -> Any:
    """Return a copy of a tensor that was just made of data."""
    return input.clone()


def zero(input: Any) -> Any:
    """Return zeros like a tensor: ``zero_`` without its write."""
    return input.clone().zero_()


def copy(input: Any, src: Any, non_blocking: bool = False) -> Any:
    """Return ``src`` in the shape and dtype of a tensor: ``copy_`` without its write."""
    return input.clone().copy_(src)


def unfold_backward(grad_in: Any, input_sizes: Any, dim: int, size: int, step: int) -> Any:
    """Return the gradient of ``unfold``: each element is the sum of what its windows got."""
    whole = grad_in.new_zeros(input_sizes)
    count = grad_in.shape[dim]
    windows = grad_in.movedim(-1, dim + 1 if dim >= 0 else dim).flatten(dim, dim + 1)
    offsets = arange(count).unsqueeze(1) * step + arange(size)
    return whole.index_add(dim, offsets.flatten(), windows)


def _drawn(name: str) -> Callable:
    """Return a method that fills a tensor with random numbers, without its write."""

    def draw(input: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(input.clone(), name)(*args, **kwargs)

    draw.__name__ = name.removesuffix("_")
    draw.__doc__ = f"Return what ``{name}`` writes, in a new tensor."
    return draw


def _local_scalar_dense(input: Any) -> Any:
    """Return the one element as a number."""
    return input.item()


def index(input: Any, indices: Any) -> Any:
    """Return ``input[indices]`` for tensors of indices, ``None`` for a whole dimension."""
    return input[tuple([slice(None) if each is None else each for each in indices])]


def alias(input: Any) -> Any:
    """Return a view of the whole tensor."""
    return input.view_as(input)


def _reshape_alias(input: Any, size: Any, stride: Any) -> Any:
    """Return a view of another shape."""
    return input.as_strided(size, stride)


def convolution_backward(
    grad_output: Any, input: Any, weight: Any, bias_sizes: Any, stride: Any, padding: Any,
    dilation: Any, transposed: bool, output_padding: Any, groups: int, output_mask: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return the gradients of a convolution's input, weight and bias, those that are wanted."""
    rank, numbers = input.ndim - 2, (stride, padding, dilation, groups)
    of_input = of_weight = of_bias = None
    if output_mask[0] and transposed:
        zeros = [0] * rank
        of_input = convolution(
            grad_output, weight, None, stride, padding, dilation, False, zeros, groups
        )
    elif output_mask[0]:
        of_input = gradient_of(rank, weight, input.shape, grad_output, *numbers, True)
    if output_mask[1]:
        first, second = (grad_output, input) if transposed else (input, grad_output)
        of_weight = gradient_of(rank, first, weight.shape, second, *numbers, False)
    if output_mask[2]:
        of_bias = grad_output.sum([0, *range(2, grad_output.ndim)])
    return of_input, of_weight, of_bias


def _pin_memory(input: Any, device: Any = None) -> Any:
    """Return the tensor in memory that a GPU reads from, where there is one."""
    return input.pin_memory(device)


def _sparse_addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """Return ``beta * input + alpha * mat1 @ mat2``."""
    return input.addmm(mat1, mat2, beta=beta, alpha=alpha)


def _sparse_mm_reduce_impl(input: Any, other: Any, reduce: str) -> NoReturn:
    """Refuse a product whose sums are other reductions."""
    raise NotImplementedError("torch.ops.aten._sparse_mm_reduce_impl: jtorch has it not")


TABLE = {
    each.__name__: each
    for each in (
        *(_softmax, _log_softmax, nll_loss_forward, _to_copy, _unsafe_view, lift_fresh),
        *(lift_fresh_copy, zero, copy, unfold_backward),
        *(_pin_memory, _sparse_addmm, _sparse_mm_reduce_impl),
        *(_local_scalar_dense, index, alias, _reshape_alias, convolution_backward),
    )
}
TABLE["nll_loss2d_forward"] = nll_loss_forward
for _name in ("uniform", "exponential", "cauchy", "log_normal", "geometric", "random"):
    TABLE[_name] = _drawn(f"{_name}_")
TABLE["normal_functional"] = _drawn("normal_")
