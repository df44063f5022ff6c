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

from ..._engine.graph.values import is_tensor
from ..._engine.recording.multi_tensor import ListOp
from .._shared.widening import widen as _wide

Arrays = Sequence[Any]


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
        result = jnp.where(
            jnp.abs(weight) < 0.5, first + weight * difference, last - difference * (1 - weight)
        )
    elif near:
        result = first + weight * difference
    else:
        result = last - difference * (1 - weight)
    return result.astype(start.dtype)


def is_near(weight: Any) -> bool | None:
    """Return whether ``lerp`` counts from the start, ``None`` for a tensor."""
    return None if is_tensor(weight) else abs(weight) < 0.5


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
    maximize, decays, momentum, nesterov = static
    minus_lr, weight_decay = numbers[:2]
    parameter, grad = arrays[:2]
    if maximize:
        grad = -grad
    if decays:
        grad = add(grad, parameter, weight_decay)
    if not momentum:
        return (add(parameter, grad, minus_lr),)
    factor, kept, taken = numbers[2:]
    buffer = add(times(arrays[2], kept), grad, taken)
    grad = add(grad, buffer, factor) if nesterov else buffer
    return add(parameter, grad, minus_lr), buffer


sgd = ListOp("sgd", _sgd, node_name="AddBackward0")


# Adam and its variants


def _moments(
    static: Any, near: bool | None, decay: Any, rates: Arrays, arrays: Arrays
) -> tuple[Any, Any, Any, Any]:
    """Return the parameter, shrunk by decoupled decay, the gradient, and Adam's two moments.

    Args:
        static: begins with ``maximize``, whether there is weight decay, and whether decoupled.
        near: as for ``lerp``, of the first moment.
        decay: the weight decay; if it is decoupled, ``1 - lr * weight_decay``.
        rates: ``1 - beta1``, ``beta2`` and ``1 - beta2``.
        arrays: begins with the parameter, its gradient and its two moments.
    """
    maximize, decays, decoupled = static[:3]
    one_minus_beta1, beta2, one_minus_beta2 = rates
    parameter, grad, average, square = arrays[:4]
    if maximize:
        grad = -grad
    if decays and decoupled:
        parameter = times(parameter, decay)
    elif decays:
        grad = add(grad, parameter, decay)
    average = lerp(average, grad, one_minus_beta1, near)
    square = addcmul(times(square, beta2), grad, grad, one_minus_beta2)
    return parameter, grad, average, square


def _adam(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Kingma and Ba 2015; AMSGrad: Reddi et al. 2018; decoupled decay: Loshchilov, Hutter 2019."""
    amsgrad, near = static[3:]
    step_size, root_of_correction, decay, *rates, eps = numbers
    parameter, _, average, square = _moments(static, near, decay, rates, arrays)
    largest = square
    if amsgrad:
        largest = jnp.maximum(arrays[4], square)
    denominator = plus(over(root(largest), root_of_correction), eps)
    parameter = addcdiv(parameter, average, denominator, step_size)
    return (parameter, average, square, largest) if amsgrad else (parameter, average, square)


adam = ListOp("adam", _adam, real=True)


def _nadam(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Dozat 2016: Adam with Nesterov momentum."""
    (near,) = static[3:]
    decay, *rates, correction, eps, of_grad, of_average = numbers
    parameter, grad, average, square = _moments(static, near, decay, rates, arrays)
    denominator = plus(root(over(square, correction)), eps)
    parameter = addcdiv(parameter, grad, denominator, of_grad)
    return addcdiv(parameter, average, denominator, of_average), average, square


def _radam(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Liu et al. 2020: the variance of Adam's rate rectified; plain momentum at first."""
    near, rectified = static[3:]
    decay, *rates, eps, lr, correction, root_of_correction, rectification = numbers
    parameter, _, average, square = _moments(static, near, decay, rates, arrays)
    update = times(over(average, correction), lr)
    if rectified:
        inverse = (1 / _wide(plus(root(square), eps))).astype(square.dtype)
        rate = times(inverse, root_of_correction)
        update = times((_wide(update) * _wide(rate)).astype(update.dtype), rectification)
    return parameter - update, average, square


def _decayed(static: Any, parameter: Any, grad: Any, weight_decay: Any) -> Any:
    """Return the gradient to follow; ``static`` begins with ``maximize`` and whether it decays."""
    maximize, decays = static[:2]
    if maximize:
        grad = -grad
    return add(grad, parameter, weight_decay) if decays else grad


def _adamax(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Kingma and Ba 2015, section 7: Adam with the infinity norm."""
    weight_decay, one_minus_beta1, beta2, eps, step_size = numbers
    parameter, grad, average, largest = arrays
    grad = _decayed(static, parameter, grad, weight_decay)
    average = lerp(average, grad, one_minus_beta1, static[2])
    largest = jnp.maximum(times(largest, beta2), plus(jnp.abs(grad), eps))
    return addcdiv(parameter, average, largest, step_size), average, largest


def _adagrad(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Duchi, Hazan and Singer 2011."""
    weight_decay, eps, step_size = numbers
    parameter, grad, total = arrays
    grad = _decayed(static, parameter, grad, weight_decay)
    total = addcmul(total, grad, grad, np.float64(1))
    return addcdiv(parameter, grad, plus(root(total), eps), step_size), total


def _adadelta(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Zeiler 2012."""
    weight_decay, rho, one_minus_rho, eps, minus_lr = numbers
    parameter, grad, square, updates = arrays
    grad = _decayed(static, parameter, grad, weight_decay)
    square = addcmul(times(square, rho), grad, grad, one_minus_rho)
    ratio = _wide(root(plus(updates, eps))) / _wide(root(plus(square, eps)))
    delta = (_wide(ratio.astype(grad.dtype)) * _wide(grad)).astype(grad.dtype)
    updates = addcmul(times(updates, rho), delta, delta, one_minus_rho)
    return add(parameter, delta, minus_lr), square, updates


def _rmsprop(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Tieleman and Hinton 2012; centered: Graves 2013."""
    centered, momentum, near = static[2:]
    weight_decay, alpha, one_minus_alpha, eps, factor, minus_lr = numbers
    parameter, grad, square = arrays[:3]
    rest = list(arrays[3:])
    grad = _decayed(static, parameter, grad, weight_decay)
    square = addcmul(times(square, alpha), grad, grad, one_minus_alpha)
    results = [square]
    variance = square
    if centered:
        mean = lerp(rest.pop(0), grad, one_minus_alpha, near)
        variance = addcmul(square, mean, mean, np.float64(-1))
        results.append(mean)
    deviation = plus(root(variance), eps)
    if momentum:
        buffer = addcdiv(times(rest.pop(0), factor), grad, deviation, np.float64(1))
        results.append(buffer)
        return add(parameter, buffer, minus_lr), *results
    return addcdiv(parameter, grad, deviation, minus_lr), *results


def _rprop(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Riedmiller and Braun 1993, without going back over a change of sign."""
    (maximize,) = static
    eta_minus, eta_plus, least, most = numbers
    parameter, grad, previous, size = arrays
    if maximize:
        grad = -grad
    sign = jnp.sign(grad * previous)
    factor = jnp.where(sign > 0, _scalar(eta_plus, sign), sign)
    factor = jnp.where(sign < 0, _scalar(eta_minus, sign), factor)
    factor = jnp.where(sign == 0, 1, factor).astype(grad.dtype)
    size = jnp.clip((_wide(size) * _wide(factor)).astype(size.dtype), _scalar(least, size))
    size = jnp.minimum(size, _scalar(most, size))
    grad = jnp.where(sign < 0, 0, grad).astype(grad.dtype)
    return addcmul(parameter, jnp.sign(grad), size, np.float64(-1)), grad, size


def _asgd(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Polyak and Juditsky 1992: averaged stochastic gradient descent."""
    weight_decay, shrink, minus_eta, mu = numbers
    parameter, grad, mean = arrays
    grad = _decayed(static, parameter, grad, weight_decay)
    parameter = add(times(parameter, shrink), grad, minus_eta)
    if static[2]:
        return parameter, parameter
    return parameter, mean + times(parameter - mean, mu)


def _adafactor(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Shazeer and Stern 2018: second moments of a matrix from those of its rows and columns."""
    maximize, decays, near = static
    shrink, one_minus_beta2, rho, eps1, eps2, threshold = numbers
    parameter, grad = arrays[:2]
    if maximize:
        grad = -grad
    count = max(parameter.size, 1) ** 0.5
    alpha = jnp.maximum(eps2, _norm(parameter).astype(np.float64) / count) * rho
    if decays:
        parameter = times(parameter, shrink)
    if grad.ndim > 1:
        row = lerp(arrays[2], _mean_square(grad, -1), one_minus_beta2, near)
        column = lerp(arrays[3], _mean_square(grad, -2), one_minus_beta2, near)
        scale = jnp.mean(_wide(row), axis=-2, keepdims=True).astype(row.dtype)
        scale = jnp.maximum(scale, _scalar(eps1, scale))
        variance = (_wide(row) * _wide(column)).astype(row.dtype)
        variance = (_wide(variance) / _wide(scale)).astype(row.dtype)
        states: Arrays = (row, column)
    else:
        square = (_wide(grad) * _wide(grad)).astype(grad.dtype)
        variance = lerp(arrays[2], square, one_minus_beta2, near)
        states = (variance,)
    update = 1 / jnp.sqrt(_wide(jnp.maximum(variance, _scalar(eps1 * eps1, variance))))
    update = (_wide(update.astype(grad.dtype)) * _wide(grad)).astype(grad.dtype)
    clip = jnp.maximum(1.0, _norm(update).astype(np.float64) / (count * threshold))
    return add(parameter, update, -alpha / clip), *states


def _norm(array: Any) -> Any:
    wide = _wide(array)
    return jnp.sqrt(jnp.sum(wide * wide)).astype(array.dtype)


def _mean_square(array: Any, axis: int) -> Any:
    wide = _wide(array)
    norm = jnp.sqrt(jnp.sum(wide * wide, axis=axis, keepdims=True)).astype(array.dtype)
    square = (_wide(norm) * _wide(norm)).astype(array.dtype)
    return (_wide(square) / array.shape[axis]).astype(array.dtype)


def _muon(static: Any, numbers: Arrays, arrays: Arrays) -> Arrays:
    """Jordan et al. 2024: momentum orthogonalised by Newton-Schulz iteration."""
    nesterov, iterations, near, near_momentum = static
    one_minus_momentum, momentum, a, b, c, eps, shrink, minus_lr = numbers
    parameter, grad, buffer = arrays
    buffer = lerp(buffer, grad, one_minus_momentum, near)
    update = lerp(grad, buffer, momentum, near_momentum) if nesterov else buffer
    half = update.astype(jnp.bfloat16)
    tall = half.shape[0] > half.shape[1]
    if tall:
        half = half.T
    norm = jnp.maximum(_norm(half), _scalar(eps, half))
    half = (_wide(half) / _wide(norm)).astype(half.dtype)
    for _ in range(iterations):
        gram = _product(half, half.T).astype(half.dtype)
        polynomial = _wide(gram) * b.astype(np.float32) + c.astype(np.float32) * _product(
            gram, gram
        )
        polynomial = polynomial.astype(half.dtype)
        moved = _wide(half) * a.astype(np.float32) + _product(polynomial, half)
        half = moved.astype(half.dtype)
    if tall:
        half = half.T
    parameter = times(parameter, shrink)
    return add(parameter, half.astype(_wide(parameter).dtype), minus_lr), buffer


def _product(left: Any, right: Any) -> Any:
    return jnp.matmul(left, right, preferred_element_type=np.float32)


nadam = ListOp("nadam", _nadam, real=True)
radam = ListOp("radam", _radam, real=True, node_name="AddBackward0")
adamax = ListOp("adamax", _adamax, real=True)
adagrad = ListOp("adagrad", _adagrad, real=True)
adadelta = ListOp("adadelta", _adadelta, real=True, node_name="AddBackward0")
rmsprop = ListOp("rmsprop", _rmsprop, real=True)
rprop = ListOp("rprop", _rprop, real=True, node_name="AddcmulBackward0")
asgd = ListOp("asgd", _asgd, real=True, node_name="AddBackward0")
adafactor = ListOp("adafactor", _adafactor, node_name="AddBackward0")
muon = ListOp("muon", _muon, node_name="AddBackward0")
