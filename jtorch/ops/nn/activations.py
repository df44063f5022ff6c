"""Activations of neural networks that work on one element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes, messages
from ..._core.schema.schema import Schema
from ..._engine.declare import NN_FUNCTIONS, Autocast, InPlace, op, publish
from ..._engine.graph.op import Op
from ..._engine.graph.values import is_tensor
from ..._engine.recording.kinds.pointwise import (
    COMPLEX,
    FLOATING,
    INTEGRAL,
    Pointwise,
    PointwiseOfInput,
    only,
)
from .._shared.gradient_rules import from_result, with_partials
from . import _messages

_INPUT = ("input",)


def _no_bool_relu(operator, operands, static) -> None:
    dtype = operands["input"].meta.dtype
    if dtype is dtypes.bool_:
        raise _messages.bool_relu()
    if dtype.is_complex:
        raise messages.clamp_of_complex()


def positive_part(input):
    """Return the larger of each element and 0, NaN for NaN."""
    return jnp.maximum(input, 0)


@op(
    "relu(Tensor input)",
    kind=Pointwise(
        operands=_INPUT,
        check_operands=_no_bool_relu,
        check=only(INTEGRAL, FLOATING, kernel="clamp_min_scalar_cpu"),
    ),
    arity="unary",
    inplace=True,
    inplace_function=True,
    saves=("result",),
    vjp=from_result(lambda gradient, result: jnp.where(result <= 0, 0, gradient)),
)
def relu(input):
    """Rectified linear unit: ``max(0, input)``.

    Args:
        input: tensor, not bool or complex.
    Returns:
        Tensor of the same dtype. The gradient at 0 is 0.
    """
    return positive_part(input)


def _declare(signature: str, kernel: str, *groups: frozenset, **options: Any):
    """Declare an operator that only ``torch.nn.functional`` calls, with its in-place form."""
    names = tuple(
        part.split("=")[0].split()[-1]
        for part in signature.partition("(")[2].rstrip(")").split(", ")
        if part.startswith(("Tensor", "Scalar"))
    )
    options.setdefault("method", False)
    options.setdefault("function", False)
    options.setdefault("inplace", True)
    options.setdefault("saves", _INPUT)
    check = options.pop("check_operands", None)
    return op(
        signature,
        kind=PointwiseOfInput(
            operands=names,
            real_gradient=True,
            exact_numbers=options.pop("exact_numbers", True),
            check=only(*(groups or (FLOATING,)), kernel=kernel),
            check_operands=check,
        ),
        **options,
    )


def _leaky_relu_from_result(cotangents, results, operands):
    gradient = cotangents[0]
    slope = operands[1] if len(operands) > 1 else 0.01  # the default is no operand
    kept = results[0] > 0
    return [jnp.where(kept, gradient, gradient * slope).astype(gradient.dtype)]


@_declare(
    "leaky_relu(Tensor input, Scalar negative_slope=0.01)",
    "leaky_relu_cpu",
    inplace=InPlace(
        saves=("result", "negative_slope"),
        vjp=_leaky_relu_from_result,
        node_name="LeakyReluBackward1",
    ),
)
def _leaky_relu(input, negative_slope=0.01):
    """Leaky ReLU: ``input`` where positive, else ``negative_slope * input``."""
    return jnp.where(input > 0, input, input * negative_slope)


def _elu_value(x, alpha, scale, input_scale):
    return jnp.where(x < 0, jnp.expm1(x * input_scale) * (alpha * scale), x * scale)


def _elu_slope(tangent, x, alpha, scale, input_scale):
    # The second derivative at 0 is 0, as in PyTorch.
    low = input_scale * (alpha * scale) * jnp.exp(jnp.where(x < 0, x, 0) * input_scale)
    return tangent * jnp.where(x <= 0, low, scale)


def elu_value(input, alpha=1.0, scale=1.0, input_scale=1.0):
    """Return ``scale * alpha * (exp(input * input_scale) - 1)`` for negative elements."""

    constants = [jnp.asarray(number, input.dtype) for number in (alpha, scale, input_scale)]
    return _elu_part(input, *constants)


_elu_part = with_partials(_elu_value, _elu_slope, None, None, None)


def elu_from_result(alpha, scale, input_scale):
    """Return the ``vjp`` of the in-place ELU with constants."""
    factor = alpha * scale
    return from_result(
        lambda gradient, result: jnp.where(
            result <= 0, gradient * input_scale * (result + factor), gradient * scale
        )
    )


def _elu_inplace_gradient(cotangents, results, operands):
    gradient, result = cotangents[0], results[0]
    alpha = operands[1] if len(operands) > 1 else 1.0  # the default is no operand
    low = gradient * (result + alpha)
    return [jnp.where(result <= 0, low, gradient).astype(gradient.dtype)]


@_declare(
    "elu(Tensor input, Scalar alpha=1)",
    "elu_cpu",
    inplace=InPlace(saves=("result", "alpha"), vjp=_elu_inplace_gradient, node_name="EluBackward1"),
)
def _elu(input, alpha=1.0):
    """Exponential linear unit: ``input`` where positive, else ``alpha * (exp(input) - 1)``."""
    return elu_value(input, alpha)


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@op(
    "selu(Tensor input)",
    kind=Pointwise(operands=_INPUT, check=only(FLOATING, kernel="elu_cpu")),
    arity="unary",
    method=False,
    inplace=InPlace(
        saves=("result",),
        vjp=elu_from_result(_SELU_ALPHA, _SELU_SCALE, 1.0),
        node_name="EluBackward1",
    ),
    inplace_function=True,
    node_name="EluBackward0",
    saves=_INPUT,
)
def selu(input):
    """Scaled exponential linear unit: ``scale * elu(input, alpha)``, with constants.

    Args:
        input: tensor of a floating point dtype.
    Returns:
        Tensor of the same dtype.
    """
    return elu_value(input, _SELU_ALPHA, _SELU_SCALE)


def _check_celu(operator, operands, static) -> None:
    alpha = operands.get("alpha")
    if alpha is not None and alpha.meta is None and alpha.number == 0:
        raise _messages.celu_alpha()


def _celu_inplace_gradient(cotangents, results, operands):
    gradient, result = cotangents[0], results[0]
    alpha = operands[1] if len(operands) > 1 else 1.0
    low = gradient / alpha * (result + alpha)
    return [jnp.where(result <= 0, low, gradient).astype(gradient.dtype)]


@op(
    "celu(Tensor input, Scalar alpha=1.0)",
    kind=PointwiseOfInput(
        operands=("input", "alpha"),
        exact_numbers=True,
        check_operands=_check_celu,
        check=only(FLOATING, kernel="elu_cpu"),
    ),
    method=False,
    inplace=InPlace(
        saves=("result", "alpha"), vjp=_celu_inplace_gradient, node_name="CeluBackward1"
    ),
    inplace_function=True,
    special=(0, 0.0),
    saves=("input",),
)
def celu(input, alpha=1.0):
    """Continuously differentiable ELU: ``alpha * (exp(input / alpha) - 1)`` where negative.

    Args:
        input: tensor of a floating point dtype.
        alpha: number, not 0.
    Returns:
        Tensor of the same dtype.
    """
    return elu_value(input, alpha, 1.0, 1 / alpha)


def _check_hardtanh(operator, operands, static) -> None:
    dtype = operands["input"].meta.dtype
    if dtype is dtypes.bool_:
        raise _messages.bool_hardtanh()
    if dtype.is_complex:
        raise messages.clamp_of_complex()


def _hardtanh_slope(tangent, x, low, high):
    return jnp.where((x <= low) | (x >= high), 0, tangent)


_clipped = with_partials(
    lambda x, low, high: jnp.minimum(jnp.maximum(x, low), high), _hardtanh_slope, None, None
)


class _Hardtanh(PointwiseOfInput):
    def plan(self, operator, bound, mode):
        if bound["input"].meta.dtype is dtypes.uint8 and bound["min_val"].number < 0:
            raise _messages.unsigned_hardtanh()
        return super().plan(operator, bound, mode)


@op(
    "hardtanh(Tensor input, Scalar min_val=-1, Scalar max_val=1)",
    kind=_Hardtanh(
        operands=("input", "min_val", "max_val"),
        check_operands=_check_hardtanh,
        check=only(INTEGRAL, FLOATING, kernel="clamp_scalar_cpu"),
    ),
    method=False,
    function=False,
    inplace=True,
    saves=_INPUT,
)
def _hardtanh(input, min_val=-1, max_val=1):
    """Hard tanh: clamp to ``[min_val, max_val]``, with the gradient 0 at both."""
    return _clipped(input, min_val, max_val)


# torch 2.13 keeps this constant in float32, also for float64.
_SIXTH = float(np.float32(1 / 6))
_hardsigmoid_part = with_partials(
    lambda x: jnp.clip(x + 3, 0, 6) / 6,
    lambda tangent, x: jnp.where((x > -3) & (x < 3), tangent * _SIXTH, 0),
)


@_declare("hardsigmoid(Tensor input)", "hardsigmoid_cpu")
def _hardsigmoid(input):
    """Hard sigmoid: ``min(max(input + 3, 0), 6) / 6``."""
    return _hardsigmoid_part(input)


def _hardswish_slope(tangent, x):
    bent = (x > -3) & (x < 3)
    return tangent * jnp.where(x <= -3, 0, jnp.where(bent, jnp.where(bent, x, 0) / 3 + 0.5, 1))


_hardswish_part = with_partials(lambda x: x * jnp.clip(x + 3, 0, 6) / 6, _hardswish_slope)


@_declare("hardswish(Tensor input)", "hardswish_cpu")
def _hardswish(input):
    """Hard swish: ``input * hardsigmoid(input)``."""
    return _hardswish_part(input)


@_declare("mish(Tensor input)", "mish_cpu")
def _mish(input):
    """Mish: ``input * tanh(softplus(input))``."""
    return input * jnp.tanh(jax.nn.softplus(input))


@_declare("silu(Tensor input)", "silu_cpu", FLOATING, COMPLEX)
def _silu(input):
    """Sigmoid linear unit, also called swish: ``input * sigmoid(input)``."""
    return (
        input / (1 + jnp.exp(-input))
        if input.dtype.kind == "c"
        else (input * jax.lax.logistic(input))
    )


def _check_gelu(operator, operands, static) -> None:
    if static.get("approximate", "none") not in ("none", "tanh"):
        raise _messages.gelu_approximation()


@_declare(
    "gelu(Tensor input, *, std::string_view approximate='none', Tensor out=None)",
    "GeluKernelImpl",
    check_operands=_check_gelu,
    inplace=False,
    function=True,
    registry=NN_FUNCTIONS,
)
def _gelu(input, approximate="none"):
    """Gaussian error linear unit: ``input * Phi(input)``, ``Phi`` the normal distribution function.

    Args:
        input: tensor of a floating point dtype.
        approximate: ``"none"``, or ``"tanh"`` for a formula without the error function.
    Returns:
        Tensor of the same dtype.
    """
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (input + 0.044715 * input * input * input)
        return 0.5 * input * (1 + jnp.tanh(inner))
    return 0.5 * input * (1 + jax.scipy.special.erf(input * math.sqrt(0.5)))


def _softplus_slope(tangent, x, beta, threshold):
    scaled = x * beta
    linear = scaled > threshold
    return tangent * jnp.where(linear, 1, jax.lax.logistic(jnp.where(linear, 0, scaled)))


def _softplus_value(x, beta, threshold):
    scaled = x * beta
    linear = scaled > threshold
    return jnp.where(linear, x, jnp.log1p(jnp.exp(jnp.where(linear, 0, scaled))) / beta)


_softplus_part = with_partials(_softplus_value, _softplus_slope, None, None)


@_declare(
    "softplus(Tensor input, Scalar beta=1, Scalar threshold=20, *, Tensor out=None)",
    "softplus_cpu",
    inplace=False,
    function=True,
    registry=NN_FUNCTIONS,
    autocast=Autocast(cuda="float32"),
)
def _softplus(input, beta=1.0, threshold=20.0):
    """Softplus, a smooth ReLU: ``log(1 + exp(beta * input)) / beta``.

    Args:
        input: tensor of a floating point dtype.
        beta: how sharp the bend is.
        threshold: above ``input * beta > threshold`` the element itself is returned.
    Returns:
        Tensor of the same dtype.
    """
    as_array = lambda number: jnp.asarray(number, input.dtype)  # noqa: E731
    return _softplus_part(input, as_array(beta), as_array(threshold))


def _outside(tangent, x, limit):
    return jnp.where((x >= -limit) & (x <= limit), 0, tangent)


_softshrink_part = with_partials(
    lambda x, limit: jnp.where(
        x > limit, x - limit, jnp.where(x < -limit, x + limit, jnp.where(jnp.isnan(x), x, 0))
    ),
    _outside,
    None,
)
_hardshrink_part = with_partials(
    lambda x, limit: jnp.where((x >= -limit) & (x <= limit), 0, x), _outside, None
)


def _check_softshrink(operator, operands, static) -> None:
    limit = operands.get("lambd")
    meta = operands["input"].meta
    if limit is None or limit.meta is not None or not meta.dtype.is_floating_point:
        return
    if limit.number < 0:
        most = f"{float(jnp.finfo(meta.dtype._numpy).max):g}"
        raise _messages.softshrink_lambda(most, meta.dtype._legacy_name, limit.number)


@_declare(
    "softshrink(Tensor input, Scalar lambd=0.5, *, Tensor out=None)",
    "softshrink_check",
    check_operands=_check_softshrink,
    inplace=False,
    function=True,
    registry=NN_FUNCTIONS,
)
def _softshrink(input, lambd=0.5):
    """Soft shrinkage: ``sign(input) * max(abs(input) - lambd, 0)``.

    Args:
        input: tensor of a floating point dtype.
        lambd: number, not negative.
    Returns:
        Tensor of the same dtype.
    """
    return _softshrink_part(input, jnp.asarray(lambd, input.dtype))


@_declare(
    "hardshrink(Tensor input, Scalar lambd=0.5, *, Tensor out=None)",
    "hardshrink_cpu",
    exact_numbers=False,
    inplace=False,
    function=True,
    method=True,
)
def _hardshrink(input, lambd=0.5):
    """Hard shrinkage: 0 where ``abs(input) <= lambd``, else ``input``.

    Args:
        input: tensor of a floating point dtype.
        lambd: number.
    Returns:
        Tensor of the same dtype.
    """
    return _hardshrink_part(input, jnp.asarray(lambd, input.dtype))


publish("hardshrink", _hardshrink.call, registry=NN_FUNCTIONS)


_threshold_part = with_partials(
    lambda x, threshold, value: jnp.where(x <= threshold, value, x),
    lambda tangent, x, threshold, value: jnp.where(x <= threshold, 0, tangent),
    None,
    None,
)


@op(
    "threshold(Tensor input, Scalar threshold, Scalar value, *, Tensor out=None)",
    kind=PointwiseOfInput(
        operands=("input", "threshold", "value"),
        exact_numbers=True,
        check=only(INTEGRAL, FLOATING, kernel="threshold_cpu"),
    ),
    method=False,
    inplace=InPlace(node_name="ThresholdBackward1"),
    inplace_function=True,
    saves=_INPUT,
)
def _threshold(input, threshold, value):
    """Threshold: ``input`` where it is above ``threshold``, else ``value``.

    Args:
        input: tensor.
        threshold, value: numbers.
    Returns:
        Tensor of the same dtype.
    """
    return _threshold_part(input, threshold, value)


log_sigmoid_part = with_partials(
    lambda x: jnp.minimum(x, 0) - jnp.log1p(jnp.exp(-jnp.abs(x))),
    lambda tangent, x: tangent * jax.lax.logistic(-x),
)


@_declare(
    "log_sigmoid(Tensor input, *, Tensor out=None)",
    "log_sigmoid_cpu",
    inplace=False,
    node_name="LogSigmoidBackward0",
)
def log_sigmoid(input):
    """Log-sigmoid: ``log(1 / (1 + exp(-input)))``, without overflow.

    Args:
        input: tensor of a floating point dtype.
    Returns:
        Tensor of the same dtype.
    """
    return log_sigmoid_part(input)


publish("logsigmoid", log_sigmoid.call, registry=NN_FUNCTIONS)

_prelu_part = with_partials(
    lambda x, weight: jnp.where(x > 0, x, weight * x),
    lambda tangent, x, weight: jnp.where(x > 0, tangent, weight * tangent),
    lambda tangent, x, weight: jnp.where(x > 0, 0, x * tangent),
)


@_declare(
    "_prelu_kernel(Tensor input, Tensor weight)",
    "prelu_cpu",
    inplace=False,
    saves=("input", "weight"),
    node_name="PreluKernelBackward0",
)
def _prelu_kernel(input, weight):
    """Parametric ReLU, with a weight of the same number of dimensions."""
    return _prelu_part(input, weight)


@op("prelu(Tensor input, Tensor weight)", autocast="lower", arguments="count")
def prelu(input, weight):
    """Parametric ReLU: ``max(0, input) + weight * min(0, input)``.

    Args:
        input: tensor; dimension 1 holds the channels.
        weight: tensor of one weight, or one for each channel.
    Returns:
        Tensor of the same shape.
    """
    weight_shape, shape = weight.shape, input.shape
    if weight_shape.numel() != 1:
        if not shape:
            raise _messages.prelu_of_scalar()
        channels = shape[1] if len(shape) > 1 else 1
        if channels != weight_shape.numel():
            raise _messages.prelu_channels(weight_shape.numel(), channels)
    if len(weight_shape) > 1:
        raise _messages.prelu_weight(len(weight_shape))
    if len(weight_shape) != len(shape):
        sizes = [1] * len(shape)
        if len(shape) > 1:
            sizes[1] = weight_shape.numel()
        weight = weight.view(sizes)
    return _prelu_kernel.call(input, weight)


publish("prelu", prelu, registry=NN_FUNCTIONS)


def _functional(*signatures: str):
    return op(*signatures, method=False, registry=NN_FUNCTIONS, arguments="count")


def _form(operator: Op, inplace: bool) -> Callable[..., Any]:
    """Return an operator's in-place form, or its plain one."""
    return (operator.inplace_twin if inplace else operator).call


@_functional("relu(Tensor input, bool inplace=False)")
def relu_function(input, inplace=False):
    """Rectified linear unit: ``max(0, input)``."""
    return _form(relu, inplace)(input)


@_functional("selu(Tensor input, bool inplace=False)")
def selu_function(input, inplace=False):
    """Scaled exponential linear unit: ``scale * elu(input, alpha)``, with constants."""
    return _form(selu, inplace)(input)


@_functional("hardsigmoid(Tensor input, bool inplace=False)")
def hardsigmoid(input, inplace=False):
    """Hard sigmoid: ``min(max(input + 3, 0), 6) / 6``."""
    return _form(_hardsigmoid, inplace)(input)


@_functional("hardswish(Tensor input, bool inplace=False)")
def hardswish(input, inplace=False):
    """Hard swish: ``input * hardsigmoid(input)``."""
    return _form(_hardswish, inplace)(input)


@_functional("mish(Tensor input, bool inplace=False)")
def mish(input, inplace=False):
    """Mish: ``input * tanh(softplus(input))``."""
    return _form(_mish, inplace)(input)


@_functional("silu(Tensor input, bool inplace=False)")
def silu(input, inplace=False):
    """Sigmoid linear unit, also called swish: ``input * sigmoid(input)``."""
    return _form(_silu, inplace)(input)


@_functional("elu(Tensor input, Scalar alpha=1.0, bool inplace=False)")
def elu(input, alpha=1.0, inplace=False):
    """Exponential linear unit: ``input`` where positive, else ``alpha * (exp(input) - 1)``."""
    return _form(_elu, inplace)(input, alpha)


@_functional("celu(Tensor input, Scalar alpha=1.0, bool inplace=False)")
def celu_function(input, alpha=1.0, inplace=False):
    """Continuously differentiable ELU: ``alpha * (exp(input / alpha) - 1)`` where negative."""
    return _form(celu, inplace)(input, alpha)


@_functional("leaky_relu(Tensor input, Scalar negative_slope=0.01, bool inplace=False)")
def leaky_relu(input, negative_slope=0.01, inplace=False):
    """Leaky ReLU: ``input`` where positive, else ``negative_slope * input``."""
    return _form(_leaky_relu, inplace)(input, negative_slope)


@_functional("hardtanh(Tensor input, Scalar min_val=-1.0, Scalar max_val=1.0, bool inplace=False)")
def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """Hard tanh: clamp to ``[min_val, max_val]``; the gradient at both is 0."""
    if min_val > max_val:
        raise _messages.hardtanh_limits()
    return _form(_hardtanh, inplace)(input, min_val, max_val)


@_functional("relu6(Tensor input, bool inplace=False)")
def relu6(input, inplace=False):
    """ReLU clipped at 6: ``min(max(0, input), 6)``."""
    return _form(_hardtanh, inplace)(input, 0, 6)


@_functional("threshold(Tensor input, Scalar threshold, Scalar value, bool inplace=False)")
def threshold_function(input, threshold, value, inplace=False):
    """Threshold: ``input`` where it is above ``threshold``, else ``value``."""
    return _form(_threshold, inplace)(input, threshold, value)


publish("_threshold", threshold_function, registry=NN_FUNCTIONS)


def tanhshrink(input):
    """Tanhshrink: ``input - tanh(input)``."""
    return input - input.tanh()


publish("tanhshrink", tanhshrink, registry=NN_FUNCTIONS)


def softsign(input):
    """Softsign: ``input / (1 + abs(input))``."""
    return input / (input.abs() + 1)


publish("softsign", softsign, registry=NN_FUNCTIONS)


def _tanh(input: Any) -> Any:
    """Hyperbolic tangent, as ``torch.tanh``."""
    return input.tanh()


publish("tanh", _tanh, registry=NN_FUNCTIONS)


def _sigmoid(input: Any) -> Any:
    """Sigmoid (logistic function): ``1 / (1 + exp(-input))``, as ``torch.sigmoid``."""
    return input.sigmoid()


publish("sigmoid", _sigmoid, registry=NN_FUNCTIONS)

for _operator in (relu, selu, celu, _threshold):
    publish(f"{_operator.name}_", _operator.inplace_function, registry=NN_FUNCTIONS)


def _publish_inplace(operator: Op, signature: str) -> None:
    """Publish an in-place form that only ``torch.nn.functional`` has."""
    schema, call = Schema(signature), operator.inplace_twin.call

    def function(*args: Any, **kwargs: Any) -> Any:
        if args and is_tensor(args[0]):
            try:
                return call(*args, **kwargs)
            except TypeError:
                schema.bind(args, kwargs)  # which counts the tensor among the arguments
                raise
        bound = schema.bind(args, kwargs)[1]
        return call(bound.pop("input"), **bound)

    function.__name__ = function.__qualname__ = schema.name
    function.__doc__ = f"Write what ``{schema.name[:-1]}`` returns to its argument."
    publish(schema.name, function, registry=NN_FUNCTIONS)


_publish_inplace(_elu, "elu_(Tensor input, Scalar alpha=1)")
_publish_inplace(_leaky_relu, "leaky_relu_(Tensor input, Scalar negative_slope=0.01)")
_publish_inplace(_hardtanh, "hardtanh_(Tensor input, Scalar min_val=-1, Scalar max_val=1)")
