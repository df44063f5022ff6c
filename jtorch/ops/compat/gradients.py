"""The operators that PyTorch's nodes call in a backward pass, over public operators.

They are what ``__torch_dispatch__`` is shown of a backward pass. Each takes the gradient of a
result first, and returns that of the operand that the forward function is named after.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def threshold_backward(grad_output: Any, input: Any, threshold: Any) -> Any:
    """Return the gradient where the operand is above a threshold, else 0."""
    return grad_output.masked_fill(input <= threshold, 0)


def sigmoid_backward(grad_output: Any, output: Any) -> Any:
    """Return ``g (1 - y) y`` for a result ``y``."""
    return grad_output * ((1 - output) * output)


def tanh_backward(grad_output: Any, output: Any) -> Any:
    """Return ``g (1 - y^2)`` for a result ``y``."""
    return grad_output * (1 - output * output)


def _log_softmax_backward_data(
    grad_output: Any, output: Any, dim: int, input_dtype: Any
) -> Any:  # fmt: skip
    """Return ``g - exp(y) sum(g, dim)`` for a result ``y``."""
    total = grad_output.sum(dim, keepdim=True) if output.ndim else grad_output
    return (grad_output - output.exp() * total).to(input_dtype)


def gelu_backward(grad_output: Any, input: Any, *, approximate: str = "none") -> Any:
    """Return the gradient of ``gelu``: ``g (Phi(x) + x phi(x))``, or that of its approximation."""
    if approximate == "tanh":
        scale, cubic = math.sqrt(2 / math.pi), 0.044715
        inner = (scale * (input + cubic * input**3)).tanh()
        slope = (1 - inner * inner) * scale * (1 + 3 * cubic * input * input)
        return grad_output * (0.5 * (1 + inner) + 0.5 * input * slope)
    distribution = 0.5 * (1 + (input * math.sqrt(0.5)).erf())
    density = (input * input * -0.5).exp() / math.sqrt(2 * math.pi)
    return grad_output * (distribution + input * density)


def silu_backward(grad_output: Any, input: Any) -> Any:
    """Return ``g s (1 + x (1 - s))`` with ``s = sigmoid(x)``."""
    sigmoid = input.sigmoid()
    return grad_output * sigmoid * (1 + input * (1 - sigmoid))


def elu_backward(
    grad_output: Any, alpha: Any, scale: Any, input_scale: Any, is_result: bool, self_or_result: Any
) -> Any:
    """Return the gradient of ``elu``, of its operand or of its result."""
    below = self_or_result <= 0
    if is_result:
        slope = (self_or_result + alpha * scale) * input_scale
    else:
        slope = (self_or_result * input_scale).exp() * (input_scale * alpha * scale)
    return (grad_output * slope).where(below, grad_output * scale)


def leaky_relu_backward(
    grad_output: Any, input: Any, negative_slope: Any, self_is_result: bool
) -> Any:
    """Return the gradient, times the slope where the operand is not above 0."""
    return grad_output.where(input > 0, grad_output * negative_slope)


def hardtanh_backward(grad_output: Any, input: Any, min_val: Any, max_val: Any) -> Any:
    """Return the gradient where the operand is between the bounds, else 0."""
    return grad_output.masked_fill((input <= min_val) | (input >= max_val), 0)


def hardswish_backward(grad_output: Any, input: Any) -> Any:
    """Return the gradient of ``x clamp(x + 3, 0, 6) / 6``."""
    inside = grad_output * (input / 3 + 0.5)
    return inside.where(input < 3, grad_output).masked_fill(input <= -3, 0)


def hardsigmoid_backward(grad_output: Any, input: Any) -> Any:
    """Return a sixth of the gradient between -3 and 3, else 0."""
    return (grad_output / 6).masked_fill((input <= -3) | (input >= 3), 0)


def softplus_backward(grad_output: Any, input: Any, beta: Any, threshold: Any) -> Any:
    """Return ``g sigmoid(beta x)``, and ``g`` above the threshold."""
    scaled = input * beta
    return grad_output.where(scaled > threshold, grad_output * scaled.sigmoid())


_REDUCED_BY_MEAN = 1


def _spread(grad_output: Any, input: Any, reduction: int) -> Any:
    """Return the gradient of each element of a loss that was reduced."""
    return grad_output / input.numel() if reduction == _REDUCED_BY_MEAN else grad_output


def mse_loss_backward(grad_output: Any, input: Any, target: Any, reduction: int) -> Any:
    """Return ``2 (x - y) g``, over the number of elements for the mean."""
    return _spread(grad_output, input, reduction) * (input - target) * 2


def smooth_l1_loss_backward(
    grad_output: Any, input: Any, target: Any, reduction: int, beta: float
) -> Any:
    """Return ``g clamp((x - y) / beta, -1, 1)``, over the number of elements for the mean."""
    difference = input - target
    slope = difference.sign() if beta == 0 else (difference / beta).clamp(-1, 1)
    return _spread(grad_output, input, reduction) * slope


def huber_loss_backward(
    grad_output: Any, input: Any, target: Any, reduction: int, delta: float
) -> Any:
    """Return ``g clamp(x - y, -delta, delta)``, over the number of elements for the mean."""
    return _spread(grad_output, input, reduction) * (input - target).clamp(-delta, delta)


def binary_cross_entropy_backward(
    grad_output: Any, input: Any, target: Any, weight: Any = None, reduction: int = 1
) -> Any:
    """Return ``g (x - y) / max(x (1 - x), 1e-12)``, over the number of elements for the mean."""
    slope = (input - target) / ((1 - input) * input).clamp(min=1e-12)
    result = _spread(grad_output, input, reduction) * slope
    return result if weight is None else result * weight


def nll_loss_backward(
    grad_output: Any, input: Any, target: Any, weight: Any, reduction: int, ignore_index: int,
    total_weight: Any,
) -> Any:  # fmt: skip
    """Return ``-g w`` at the class of each row, over the sum of the weights for the mean."""
    classes = 1 if input.ndim > 1 else 0
    counted = target != ignore_index
    place = (target * counted).unsqueeze(classes)
    share = grad_output / total_weight if reduction == _REDUCED_BY_MEAN else grad_output
    each = -share * (counted if weight is None else weight[place.squeeze(classes)] * counted)
    each = each.to(input.dtype).expand(target.shape).unsqueeze(classes)
    return input.new_zeros(input.shape).scatter(classes, place, each)


def _over(total: Any, dims: list[int]) -> Any:
    return total.sum(dims, keepdim=True) if dims else total


def native_layer_norm_backward(
    grad_out: Any, input: Any, normalized_shape: Any, mean: Any, rstd: Any, weight: Any, bias: Any,
    output_mask: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return the gradients of a layer norm's operand, weight and bias, those that are wanted."""
    inner = list(range(input.ndim - len(normalized_shape), input.ndim))
    outer = list(range(inner[0]))
    scaled = (input - mean) * rstd
    of_input = of_weight = of_bias = None
    if output_mask[0]:
        given = grad_out if weight is None else grad_out * weight
        count = math.prod(normalized_shape)
        along = _over(given * scaled, inner) * scaled
        of_input = (given - (_over(given, inner) + along) / count) * rstd
    if output_mask[1]:
        of_weight = (grad_out * scaled).sum(outer) if outer else grad_out * scaled
    if output_mask[2]:
        of_bias = grad_out.sum(outer) if outer else grad_out.clone()
    return of_input, of_weight, of_bias


def native_batch_norm_backward(
    grad_out: Any, input: Any, weight: Any, running_mean: Any, running_var: Any, save_mean: Any,
    save_invstd: Any, train: bool, eps: float, output_mask: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return the gradients of a batch norm's operand, weight and bias, those that are wanted."""
    others = [0, *range(2, input.ndim)]
    shape = [1, -1, *[1] * (input.ndim - 2)]
    mean = save_mean if train else running_mean
    rstd = save_invstd if train else (running_var + eps).rsqrt()
    rstd = rstd.view(shape)
    scaled = (input - mean.view(shape)) * rstd
    of_bias, of_weight = grad_out.sum(others), (grad_out * scaled).sum(others)
    of_input = None
    if output_mask[0]:
        given = grad_out
        if train:
            count = input.numel() // input.shape[1]
            given = given - (of_bias.view(shape) + of_weight.view(shape) * scaled) / count
        of_input = given * (rstd if weight is None else rstd * weight.view(shape))
    return (
        of_input,
        of_weight if output_mask[1] else None,
        of_bias if output_mask[2] else None,
    )


def native_group_norm_backward(
    grad_out: Any, input: Any, mean: Any, rstd: Any, weight: Any, N: int, C: int, HxW: int,
    group: int, output_mask: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return the gradients of a group norm's operand, weight and bias, those that are wanted."""
    split = (N, group, C // group, HxW)
    rstd = rstd.view(N, group, 1, 1)
    scaled = (input.reshape(split) - mean.view(N, group, 1, 1)) * rstd
    given = grad_out.reshape(split)
    of_input = of_weight = of_bias = None
    if output_mask[0]:
        own = given if weight is None else given * weight.view(1, group, C // group, 1)
        along = _over(own * scaled, [2, 3]) * scaled
        of_input = (own - (_over(own, [2, 3]) + along) / (C // group * HxW)) * rstd
        of_input = of_input.reshape(input.shape)
    if output_mask[1]:
        of_weight = (given * scaled).sum([0, 3]).reshape(C)
    if output_mask[2]:
        of_bias = given.sum([0, 3]).reshape(C)
    return of_input, of_weight, of_bias


def embedding_dense_backward(
    grad_output: Any, indices: Any, num_weights: int, padding_idx: int, scale_grad_by_freq: bool
) -> Any:
    """Return the gradient of a table: that of each row is added up where it was looked up."""
    rows = indices.reshape(-1)
    given = grad_output.reshape(rows.shape[0], grad_output.shape[-1])
    if padding_idx >= 0:
        given = given * (rows != padding_idx).unsqueeze(1)
    if scale_grad_by_freq:
        counts = rows.new_zeros(num_weights).index_add(0, rows, rows.new_ones(rows.shape))
        given = given / counts[rows].unsqueeze(1)
    return given.new_zeros(num_weights, given.shape[1]).index_add(0, rows, given.contiguous())


def select_backward(grad_output: Any, input_sizes: Any, dim: int, index: int) -> Any:
    """Return zeros with the gradient at one place of a dimension."""
    whole = grad_output.new_zeros(input_sizes)
    return whole.select_scatter(grad_output, dim, index)


def slice_backward(
    grad_output: Any, input_sizes: Any, dim: int, start: int, end: int, step: int
) -> Any:
    """Return zeros with the gradient at the places that a slice took."""
    whole = grad_output.new_zeros(input_sizes)
    return whole.slice_scatter(grad_output, dim, start, end, step)


TABLE: dict[str, Callable] = {
    each.__name__: each
    for each in (
        *(threshold_backward, sigmoid_backward, tanh_backward, _log_softmax_backward_data),
        *(gelu_backward, silu_backward, elu_backward, leaky_relu_backward, hardtanh_backward),
        *(hardswish_backward, hardsigmoid_backward, softplus_backward, mse_loss_backward),
        *(smooth_l1_loss_backward, huber_loss_backward, binary_cross_entropy_backward),
        *(nll_loss_backward, native_layer_norm_backward, native_batch_norm_backward),
        *(native_group_norm_backward, embedding_dense_backward, select_backward, slice_backward),
    )
}
