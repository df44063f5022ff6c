"""Gradients of gamma and beta draws for their parameters.

A draw ``x`` moves with its parameter so that its quantile stays: the gradient is minus the
derivative of the distribution function for the parameter, over the density. Neither has a closed
form; the approximations here are PyTorch's, region by region, in double precision where PyTorch's
are, so that the gradients have the same digits.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import special

from ..._core import dtypes, messages
from ..._engine.declare import op
from ..._engine.recording.kinds.pointwise import Pointwise, only
from .._shared.gradient_rules import not_differentiable, refusing
from . import _messages

_PRECISE = frozenset((dtypes.float32, dtypes.float64))

# A rational function of log(x / alpha) and log(alpha): for each power of the first, the
# coefficients of the second's powers, numerator and denominator.
_GAMMA_NUMERATOR = (
    (0.16009398, -0.094634809, 0.025146376, -0.0030648343),
    (0.53487893, 0.1298071, 0.065735949, -0.0015649758),
    (0.040121004, -0.0065914022, -0.0026286047, -0.0013441777),
)
_GAMMA_DENOMINATOR = (
    (1.0, 0.32668115, 0.10406089, 0.0014179084),
    (0.16639465, 0.020070113, -0.0035938915, -0.00058392623),
    (0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-07),
)
# A rational function of log(x), log(alpha / x) and a third number: for each power of the first and
# each of the second, the coefficients of the third's powers.
_BETA_NUMERATOR = (
    (
        (1.003668233, -0.01061107488, -0.0657888334, 0.01201642863),
        (0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033),
        (-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013),
    ),
    (
        (0.221950385, -0.3187676331, 0.01799915743, 0.01074823814),
        (-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057),
        (0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05),
    ),
    (
        (-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565),
        (0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181),
        (0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05),
    ),
)
_BETA_DENOMINATOR = (
    (
        (1.0, -0.02924021934, -0.04438342661, 0.007285809825),
        (0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521),
        (-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149),
    ),
    (
        (0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273),
        (0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956),
        (-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05),
    ),
    (
        (0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05),
        (0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05),
        (-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06),
    ),
)


def _polynomial(x: Any, coefficients: Any) -> Any:
    """Return the polynomial of ``x`` with these coefficients, the constant first."""
    *lower, result = coefficients
    for coefficient in reversed(lower):
        result = coefficient + x * result
    return result


def _digamma(x: Any) -> Any:
    return special.digamma(x.astype(jnp.float64)).astype(x.dtype)


def _without_nan(x: Any) -> Any:
    return jnp.where(jnp.isnan(x), 0, x)


def _gamma_near_zero(alpha: Any, x: Any) -> Any:
    """The series of the incomplete gamma function, six terms of it."""
    numerator, denominator = jnp.ones_like(x), alpha
    first, second = 1 / denominator, 1 / (denominator * denominator)
    for i in range(1, 6):
        numerator = numerator * (-x / i)
        denominator = denominator + 1
        first += numerator / denominator
        second += numerator / (denominator * denominator)
    power = x**alpha
    density = x ** (alpha - 1) * jnp.exp(-x)
    slope = (jnp.log(x) - _digamma(alpha)) * (power * first) - power * second
    return _without_nan(-slope / density)


def _gamma_at_mean(alpha: Any, x: Any) -> Any:
    """Rice's saddle point expansion where it divides zero by zero."""
    first = 1 + 24 * alpha * (1 + 12 * alpha)
    second = 1440 * (alpha * alpha) + 6 * x * (53 - 120 * x)
    second = second - 65 * x * x / alpha + alpha * (107 + 3600 * x)
    return first * second / (1244160 * (alpha * alpha) * (alpha * alpha))


def _gamma_of_large(alpha: Any, x: Any) -> Any:
    """Rice's saddle point expansion for a large concentration."""
    root = jnp.sqrt(8 * alpha)
    distance = alpha - x
    log_ratio = jnp.log(x / alpha)
    power = (-distance - alpha * log_ratio) ** -1.5
    factor = root / distance + jnp.where(x < alpha, -power, power)
    term = log_ratio * factor - jnp.sqrt(2 / alpha) * (alpha + x) / (distance * distance)
    stirling = 1 + 1 / (12 * alpha) * (1 + 1 / (24 * alpha))
    return -stirling * (x * term) / root


def _gamma_elsewhere(alpha: Any, x: Any) -> Any:
    u, v = jnp.log(x / alpha), jnp.log(alpha)

    def combined(rows: Any) -> Any:
        return _polynomial(v, [_polynomial(u, column) for column in zip(*rows, strict=True)])

    return jnp.exp(combined(_GAMMA_NUMERATOR) / combined(_GAMMA_DENOMINATOR))


@jax.custom_jvp
def gamma_gradient(alpha: Any, sample: Any) -> Any:
    """Return how draws of a standard gamma distribution move with its concentration.

    Args:
        alpha, sample: arrays of one floating point dtype.
    """
    wide, x = alpha.astype(jnp.float64), sample.astype(jnp.float64)
    near_mean = (0.9 * wide <= x) & (x <= 1.1 * wide)
    large = jnp.where(near_mean, _gamma_at_mean(wide, x), _gamma_of_large(wide, x))
    result = jnp.where(wide > 8, large, _gamma_elsewhere(wide, x))
    result = jnp.where(x < jnp.float32(0.8), _gamma_near_zero(wide, x), result)
    return result.astype(sample.dtype)


def _refuse_second_derivative(primals: Any, tangents: Any) -> Any:
    raise messages.no_derivative("_standard_gamma_grad")


gamma_gradient.defjvp(_refuse_second_derivative)


def _beta_near_zero(x: Any, alpha: Any, beta: Any) -> Any:
    """The Taylor series at 0 of the gradient for ``alpha``, over ``1 - x``."""
    factor = _digamma(alpha) - _digamma(alpha + beta) - jnp.log(x)
    numerator = jnp.ones_like(x)
    series = numerator / alpha * (factor + 1 / alpha)
    for i in range(1, 11):
        numerator = numerator * ((i - beta) * x / i)
        denominator = alpha + i
        series = series + numerator / denominator * (factor + 1 / denominator)
    return _without_nan(x * (1 - x) ** -beta * series)


def _beta_near_one(x: Any, alpha: Any, beta: Any) -> Any:
    """The Taylor series at 0 of the gradient for ``beta``: that at 1 for ``alpha``, mirrored."""
    factor = _digamma(alpha + beta) - _digamma(beta)
    numerator, products = jnp.ones_like(x), jnp.ones_like(x)
    slopes, series = jnp.zeros_like(x), factor / alpha
    for i in range(1, 9):
        numerator = numerator * (-x / i)
        slopes = slopes * (beta - i) + products
        products = products * (beta - i)
        series = series + numerator / (alpha + i) * (slopes + factor * products)
    return _without_nan(-((1 - x) ** (1 - beta)) * series)


def _beta_at_mean(x: Any, alpha: Any, beta: Any) -> Any:
    """The saddle point expansion where it divides zero by zero."""
    total = alpha + beta
    square, cube = beta * beta, beta * beta * beta
    polynomial = _polynomial(
        alpha,
        (
            47 * x * square * square,
            (43 + 20 * (16 + 27 * beta) * x) * cube,
            3 * (59 + 180 * beta - 90 * x) * square,
            (453 + 1620 * beta * (1 - x) - 455 * x) * beta,
            8 * (1 - x) * (135 * beta - 11),
        ),
    )
    numerator = (1 + 12 * alpha) * (1 + 12 * beta) / (total * total)
    denominator = 12960 * alpha * alpha * alpha * beta * beta * (1 + 12 * total)
    return numerator / (1 - x) * polynomial / denominator


def _beta_of_large(x: Any, alpha: Any, beta: Any) -> Any:
    """Rice's saddle point expansion for two large concentrations."""
    total = alpha + beta
    offset = alpha * (x - 1) + beta * x

    def stirling(y: Any) -> Any:
        return 1 + 1 / (12 * y) + 1 / (288 * y * y)

    log_ratio = jnp.log(alpha / (total * x))
    first = 2 * (alpha * alpha) * (x - 1) + alpha * beta * (x - 1) - x * (beta * beta)
    first = first / (jnp.sqrt(2 * alpha / beta) * total**1.5 * offset * offset)
    third = jnp.sqrt(8 * alpha * beta / total) / offset
    power = (beta * jnp.log(beta / (total * (1 - x))) + alpha * log_ratio) ** -1.5
    signed = jnp.where(x < alpha / total, power, -power)
    terms = first + 0.5 * log_ratio * (third + signed)
    prefactor = -x / jnp.sqrt(2 * alpha * beta / total)
    return stirling(alpha) * stirling(beta) / stirling(total) * prefactor * terms


def _beta_elsewhere(x: Any, alpha: Any, total: Any) -> Any:
    """A rational correction of an analytic approximation."""
    u = jnp.log(x)
    a = jnp.log(alpha) - u
    b = jnp.log(total) - a

    def combined(rows: Any) -> Any:
        return _polynomial(
            u, [_polynomial(a, [_polynomial(b, last) for last in row]) for row in rows]
        )

    ratio = combined(_BETA_NUMERATOR) / combined(_BETA_DENOMINATOR)
    return ratio * (x * (_digamma(total) - _digamma(alpha)) / (total - alpha))


def _dirichlet_gradient(x: Any, alpha: Any, total: Any) -> Any:
    beta = total - alpha
    boundary = total * x * (1 - x)
    wide_x, wide_alpha, wide_total = (one.astype(jnp.float64) for one in (x, alpha, total))
    wide_beta = wide_total - wide_alpha
    mean = wide_alpha / wide_total
    deviation = jnp.sqrt(wide_alpha * wide_beta / (wide_total + 1)) / wide_total
    near_mean = (mean - 0.1 * deviation <= wide_x) & (wide_x <= mean + 0.1 * deviation)
    large = jnp.where(
        near_mean,
        _beta_at_mean(wide_x, wide_alpha, wide_beta),
        _beta_of_large(wide_x, wide_alpha, wide_beta),
    )
    both_large = (alpha > 6) & (beta > 6)
    result = jnp.where(both_large, large, _beta_elsewhere(wide_x, wide_alpha, wide_total))
    result = result.astype(x.dtype)
    near_one = (x >= 0.5) & (boundary < 0.75)
    result = jnp.where(near_one, -_beta_near_one(1 - x, beta, alpha), result)
    near_zero = (x <= 0.5) & (boundary < 2.5)
    return jnp.where(near_zero, _beta_near_zero(x, alpha, beta), result)


def _one_dtype(op: Any, operands: dict[str, Any], static: dict[str, Any]) -> None:
    first, *others = (operand.meta.dtype for operand in operands.values())
    for dtype in others:
        if dtype != first:
            raise _messages.found_dtype(dtype._legacy_name, first._legacy_name)


@op(
    "_standard_gamma_grad(Tensor input, Tensor output)",
    kind=Pointwise(
        operands=("input", "output"),
        check=only(_PRECISE, kernel="_standard_gamma_grad_cpu"),
        check_operands=_one_dtype,
    ),
    method=False,
    node_name="StandardGammaGradBackward0",
    vjp=refusing(lambda: messages.no_derivative("_standard_gamma_grad")),
)
def _standard_gamma_grad(input, output):
    """Reparameterisation gradient of standard gamma draws for the concentration.

    Args:
        input: concentrations.
        output: what was drawn.
    Returns:
        Tensor of the broadcast shape.
    """
    return gamma_gradient(input, output)


@op(
    "_dirichlet_grad(Tensor x, Tensor alpha, Tensor total)",
    kind=Pointwise(
        operands=("x", "alpha", "total"),
        check=only(_PRECISE, kernel="_dirichlet_grad_cpu"),
        check_operands=_one_dtype,
    ),
    method=False,
    saves=(),
    node_name="NotImplemented",
    vjp=not_differentiable("_dirichlet_grad"),
)
def _dirichlet_grad(x, alpha, total):
    """Reparameterisation gradient of beta draws for the first concentration, over ``1 - x``.

    Args:
        x: what was drawn.
        alpha: the first concentration.
        total: the sum of both.
    Returns:
        Tensor of the broadcast shape.
    """
    return _dirichlet_gradient(x, alpha, total)
