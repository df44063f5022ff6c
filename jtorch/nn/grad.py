"""Gradients of convolutions as functions: ``torch.nn.grad``."""

from __future__ import annotations

from typing import Any

from ..ops.nn.conv.convolution import convolution_backward


def conv1d_input(
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Return the gradient of the input of ``conv1d``.

    Args:
        input_size: shape of the input.
        weight: the weight.
        grad_output: gradient of the result.
        stride, padding, dilation, groups: those of the convolution.
    """
    numbers = (stride, padding, dilation, groups)
    return convolution_backward(1, weight, input_size, grad_output, *numbers, True)


def conv1d_weight(
    input: Any,
    weight_size: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Return the gradient of the weight of ``conv1d``.

    Args:
        input: the input.
        weight_size: shape of the weight.
        grad_output: gradient of the result.
        stride, padding, dilation, groups: those of the convolution.
    """
    numbers = (stride, padding, dilation, groups)
    return convolution_backward(1, input, weight_size, grad_output, *numbers, False)


def conv2d_input(
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Return the gradient of the input of ``conv2d``; the arguments are ``conv1d_input``'s."""
    numbers = (stride, padding, dilation, groups)
    return convolution_backward(2, weight, input_size, grad_output, *numbers, True)


def conv2d_weight(
    input: Any,
    weight_size: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Return the gradient of the weight of ``conv2d``; the arguments are ``conv1d_weight``'s."""
    numbers = (stride, padding, dilation, groups)
    return convolution_backward(2, input, weight_size, grad_output, *numbers, False)


def conv3d_input(
    input_size: Any,
    weight: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Return the gradient of the input of ``conv3d``; the arguments are ``conv1d_input``'s."""
    numbers = (stride, padding, dilation, groups)
    return convolution_backward(3, weight, input_size, grad_output, *numbers, True)


def conv3d_weight(
    input: Any,
    weight_size: Any,
    grad_output: Any,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Return the gradient of the weight of ``conv3d``; the arguments are ``conv1d_weight``'s."""
    numbers = (stride, padding, dilation, groups)
    return convolution_backward(3, input, weight_size, grad_output, *numbers, False)
