"""One step of each optimiser, as operators over lists of tensors.

A formula here takes the arrays of one parameter and follows the order of PyTorch's operators, with
a rounding to the parameter's dtype where PyTorch has one, so that trajectories agree to the last
bits (XLA may fuse a multiplication with an addition). Scalars that do not depend on elements, such
as bias corrections, are worked out in ``jtorch.optim`` with Python's numbers, as in PyTorch.

Optax's transformations are the same mathematics in another order: ``optax.scale_by_adam`` divides
both moments by their corrections in the dtype of the state before the square root, and ``-lr`` is
multiplied to the quotient, where PyTorch folds both corrections into a step size and a denominator
of their own. They differ in the last bits, and without bounds where a parameter is near zero; so
formulas are ours, and ``jtorch.optim.Optax`` runs any transformation of optax as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from .._engine.multi_tensor import ListOp

Arrays = Sequence[Any]


def _wide(array: Any) -> Any:
    """Return an array in the dtype that PyTorch's kernels compute in: float32 for half ones."""
    dtype = np.dtype(array.dtype)
    if dtype.itemsize == 2 and jnp.issubdtype(dtype, jnp.floating):
        return array.astype(np.float32)
    return array


def _scalar(number: Any, like: Any) -> Any:
    """Return a number of the program in the dtype of an array that it meets."""
    return number.astype(like.dtype)


def times(array: Any, number: Any) -> Any:
    """Return ``array.mul(number)``."""
    wide = _wide(array)
    return (wide * _scalar(number, wide)).astype(array.dtype)


def add(array: Any, other: Any, alpha: Any) -> Any:
    """Return ``array.add(other, alpha=alpha)``."""
    wide = _wide(array)
    return (wide + _scalar(alpha, wide) * _wide(other)).astype(array.dtype)


def plus(array: Any, number: Any) -> Any:
    """Return ``array.add(number)``."""
    wide = _wide(array)
    return (wide + _scalar(number, wide)).astype(array.dtype)


def over(array: Any, number: Any) -> Any:
    """Return ``array.div(number)``."""
    wide = _wide(array)
    return (wide / _scalar(number, wide)).astype(array.dtype)


def lerp(start: Any, end: Any, weight: Any, near: bool | None = None) -> Any:
    """Return ``start.lerp(end, weight)``, which counts from the nearer end, as PyTorch's does.

    Args:
        start, end: arrays of one shape.
        weight: a number of the program.
        near: whether it is nearer to 0 than to 1, ``None`` where only the program knows.
    """
    first, last = _wide(start), _wide(end)
    weight = _scalar(weight, first)
    difference = last - first
    if near is None:
        near = jnp.abs(weight) < 0.5
        result = jnp.where(near, first + weight * difference, last - difference * (1 - weight))
    elif near:
        result = first + weight * difference
    else:
        result = last - difference * (1 - weight)
    return result.astype(start.dtype)


def is_near(weight: Any) -> bool | None:
    """Return whether ``lerp`` counts from the start, ``None`` for a tensor."""
    return None if hasattr(weight, "_value") else abs(weight) < 0.5


def addcmul(array: Any, left: Any, right: Any, value: Any) -> Any:
    """Return ``array.addcmul(left, right, value=value)``."""
    wide = _wide(array)
    return (wide + _scalar(value, wide) * _wide(left) * _wide(right)).astype(array.dtype)


def addcdiv(array: Any, left: Any, right: Any, value: Any) -> Any:
    """Return ``array.addcdiv(left, right, value=value)``."""
    wide = _wide(array)
    return (wide + _scalar(value, wide) * _wide(left) / _wide(right)).astype(array.dtype)


def root(array: Any) -> Any:
    """Return ``array.sqrt()``."""
    return jnp.sqrt(_wide(array)).astype(array.dtype)


# SGD


def _sgd(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Robbins and Monro 1951; momentum as in Sutskever et al. 2013, velocity without the rate."""
    maximize, decays, momentum, first, nesterov = static
    minus_lr, weight_decay, factor, one_minus_dampening = numbers
    parameter, grad = arrays[:2]
    if maximize:
        grad = -grad
    if decays:
        grad = add(grad, parameter, weight_decay)
    if not momentum:
        return (add(parameter, grad, minus_lr),)
    buffer = grad if first else add(times(arrays[2], factor), grad, one_minus_dampening)
    grad = add(grad, buffer, factor) if nesterov else buffer
    return add(parameter, grad, minus_lr), buffer


sgd = ListOp("sgd", _sgd, node_name="AddBackward0")


# Adam and its kin


def _adam(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Kingma and Ba 2015; AMSGrad: Reddi et al. 2018; decoupled decay: Loshchilov, Hutter 2019."""
    maximize, decays, decoupled, amsgrad, near = static
    step_size, root_of_correction, weight_decay, one_minus_beta1, beta2, one_minus_beta2, eps = (
        numbers
    )
    parameter, grad, average, square = arrays[:4]
    if maximize:
        grad = -grad
    if decays and decoupled:
        parameter = times(parameter, weight_decay)  # here 1 - lr * weight_decay
    elif decays:
        grad = add(grad, parameter, weight_decay)
    average = lerp(average, grad, one_minus_beta1, near)
    square = addcmul(times(square, beta2), grad, grad, one_minus_beta2)
    largest = square
    if amsgrad:
        largest = jnp.maximum(arrays[4], square)
    denominator = plus(over(root(largest), root_of_correction), eps)
    parameter = addcdiv(parameter, average, denominator, step_size)
    return (parameter, average, square, largest) if amsgrad else (parameter, average, square)


adam = ListOp("adam", _adam, real=True)
