"""Functions of one element: exponentials, logarithms, trigonometry and their inverses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import special

from ..._core import dtypes
from ..._engine.declare import Autocast, op, publish
from ..._engine.graph.op import Op
from ..._engine.recording.kinds.pointwise import COMPLEX, FLOATING, Pointwise, only
from .._shared.gradient_rules import from_result, with_partials
from . import _messages
from .zeta import zeta

_NUMBERS = only(FLOATING, COMPLEX)
_IN_FLOAT32 = Autocast(cuda="float32")


def declare_unary(
    name: str,
    summary: str,
    function: Callable,
    *,
    aliases: tuple[str, ...] = (),
    by_result: Callable | None = None,
    derivative: Callable | None = None,
    check: Callable = _NUMBERS,
    inplace_function: Any = True,
    **options: Any,
) -> Op:
    """Declare a function of one element whose result is floating point (or complex).

    Args:
        name, aliases: its public names.
        summary: what it does, as an imperative line.
        function: the pure function.
        by_result: gradient rule where PyTorch keeps the result, see ``from_result``.
        derivative: ``x -> derivative`` where JAX's own differs from PyTorch's or is worse.
        check: refuses dtypes.
        inplace_function, **options: as for ``op``.
    """
    if derivative is not None:
        function = with_partials(function, lambda tangent, x: tangent * derivative(x))

    def pure(input):
        return function(input)

    pure.__doc__ = (
        f"{summary}\n\n    Args:\n        input: tensor; integers and bool are converted to the "
        "default dtype.\n    Returns:\n        Tensor of a floating point or complex dtype.\n    "
    )
    options.setdefault("saves", ("input",))
    if by_result is not None:
        options.update(saves=("result",), vjp=from_result(by_result))
    return op(
        f"{name}(Tensor input, *, Tensor out=None)",
        kind=Pointwise(operands=("input",), promote="float", check=check),
        arity="unary",
        inplace=True,
        inplace_function=inplace_function,
        aliases=aliases,
        **options,
    )(pure)


def real_only(kernel: str) -> Callable:
    """Return the check of a kernel for real numbers."""
    return only(FLOATING, kernel=kernel)


_LN2, _LN10 = math.log(2.0), math.log(10.0)


def _exp2(x):
    return jnp.exp(x * _LN2) if x.dtype.kind == "c" else jnp.exp2(x)


def _log1p_derivative(x):
    return 1 / (x + 1)


def _acosh_derivative(x):
    if x.dtype.kind == "c":
        return 1 / (jnp.sqrt(x + 1) * jnp.sqrt(x - 1))
    return jax.lax.rsqrt(x * x - 1)


_expm1_gradient = lambda gradient, result: gradient * (result + 1)  # noqa: E731

exp = declare_unary(
    "exp", "Exponential ``e^x`` of each element.", jnp.exp,
    by_result=lambda gradient, result: gradient * result, autocast=_IN_FLOAT32,
foreach="unary")  # fmt: skip
exp2 = declare_unary(
    "exp2", "Exponential of base 2, ``2^x``, of each element.", _exp2,
    aliases=(), by_result=lambda gradient, result: gradient * result * _LN2,
)  # fmt: skip
expm1 = declare_unary(
    "expm1", "Exponential minus 1, ``e^x - 1``, of each element, exact near 0.", jnp.expm1,
    by_result=_expm1_gradient, autocast=_IN_FLOAT32,
foreach="unary")  # fmt: skip
log = declare_unary(
    "log",
    "Natural logarithm of each element.",
    jnp.log,
    derivative=lambda x: 1 / x,
    autocast=_IN_FLOAT32,
    foreach="unary",
)
log2 = declare_unary(
    "log2", "Logarithm of base 2 of each element.", jnp.log2,
    derivative=lambda x: 1 / (x * _LN2), autocast=_IN_FLOAT32,
foreach="unary")  # fmt: skip
log10 = declare_unary(
    "log10", "Logarithm of base 10 of each element.", jnp.log10,
    derivative=lambda x: 1 / (x * _LN10), autocast=_IN_FLOAT32,
foreach="unary")  # fmt: skip
log1p = declare_unary(
    "log1p", "Natural logarithm ``log(1 + x)`` of each element, exact near 0.", jnp.log1p,
    derivative=_log1p_derivative,
    node_name="Log1PBackward0", autocast=_IN_FLOAT32,
foreach="unary")  # fmt: skip
sin = declare_unary("sin", "Sine of each element, an angle in radians.", jnp.sin, foreach="unary")
cos = declare_unary("cos", "Cosine of each element, an angle in radians.", jnp.cos, foreach="unary")
tan = declare_unary(
    "tan", "Tangent of each element, an angle in radians.", jnp.tan,
    by_result=lambda gradient, result: gradient * (1 + result * result), autocast=_IN_FLOAT32,
foreach="unary")  # fmt: skip
asin = declare_unary(
    "asin", "Arcsine of each element, an angle in radians.", jnp.arcsin,
    aliases=("arcsin",), derivative=lambda x: 1 / jnp.sqrt(1 - x * x), autocast=_IN_FLOAT32,
foreach="unary")  # fmt: skip
acos = declare_unary(
    "acos", "Arccosine of each element, an angle in radians.", jnp.arccos,
    aliases=("arccos",), derivative=lambda x: -1 / jnp.sqrt(1 - x * x), autocast=_IN_FLOAT32,
foreach="unary")  # fmt: skip
atan = declare_unary(
    "atan", "Arctangent of each element, an angle in radians.", jnp.arctan,
    aliases=("arctan",), derivative=lambda x: 1 / (x * x + 1),
foreach="unary")  # fmt: skip
sinh = declare_unary(
    "sinh", "Hyperbolic sine of each element.", jnp.sinh, autocast=_IN_FLOAT32, foreach="unary"
)
cosh = declare_unary(
    "cosh", "Hyperbolic cosine of each element.", jnp.cosh, autocast=_IN_FLOAT32, foreach="unary"
)
tanh = declare_unary(
    "tanh", "Hyperbolic tangent of each element.", jnp.tanh,
    by_result=lambda gradient, result: gradient * (1 - result * result),
foreach="unary")  # fmt: skip
asinh = declare_unary(
    "asinh", "Inverse hyperbolic sine of each element.", jnp.arcsinh,
    aliases=("arcsinh",), derivative=lambda x: 1 / jnp.sqrt(x * x + 1),
)  # fmt: skip
acosh = declare_unary(
    "acosh", "Inverse hyperbolic cosine of each element.", jnp.arccosh,
    aliases=("arccosh",), derivative=_acosh_derivative,
)  # fmt: skip
atanh = declare_unary(
    "atanh", "Inverse hyperbolic tangent of each element.", jnp.arctanh,
    aliases=("arctanh",), derivative=lambda x: 1 / (1 - x * x),
)  # fmt: skip
erf = declare_unary(
    "erf", "Error function ``2 / sqrt(pi) * integral_0^x exp(-t^2) dt`` of each element.",
    special.erf, check=real_only("erf_vml_cpu"),
    derivative=lambda x: 2 / math.sqrt(math.pi) * jnp.exp(-(x * x)),
foreach="unary")  # fmt: skip
erfc = declare_unary(
    "erfc", "Complementary error function ``1 - erf(x)`` of each element.", special.erfc,
    check=real_only("erfc_vml_cpu"),
    derivative=lambda x: -2 / math.sqrt(math.pi) * jnp.exp(-(x * x)),
foreach="unary")  # fmt: skip


def _erfinv_derivative(x):
    inverse = special.erfinv(x)
    return 0.5 * math.sqrt(math.pi) * jnp.exp(inverse * inverse)


def _erfinv(x):
    return jnp.where(x == 0, x, special.erfinv(x))  # a zero keeps its sign


erfinv = declare_unary(
    "erfinv", "Inverse error function of each element.", _erfinv,
    check=real_only("erfinv_vml_cpu"), derivative=_erfinv_derivative, inplace_function=False,
    autocast=_IN_FLOAT32,
)  # fmt: skip


def _sigmoid(x):
    return 1 / (1 + jnp.exp(-x)) if x.dtype.kind == "c" else jax.lax.logistic(x)


sigmoid = declare_unary(
    "sigmoid", "Logistic sigmoid ``1 / (1 + exp(-x))`` of each element.", _sigmoid,
    by_result=lambda gradient, result: gradient * (1 - result) * result,
foreach="unary")  # fmt: skip


def _in_double(function: Callable) -> Callable:
    """Return a function of single precision that is computed in double.

    XLA's own error of single precision shows where the result is near 0: ``lgamma(1)``.
    """

    def widened(x):
        return function(x.astype(jnp.float64)).astype(x.dtype)

    return widened


_gammaln = _in_double(special.gammaln)


def _digamma(x):
    return jnp.where(x == 0, jnp.copysign(jnp.inf, -x), _in_double(special.digamma)(x))


def _polygamma(n, x):
    """Return the n-th derivative of digamma; at the poles infinite, as PyTorch has it."""
    if n == 0:
        return _differentiable_digamma(x)
    return _differentiable_polygamma(n)(x)


def _differentiable_polygamma(n):
    def value(x):
        if n == 1:
            return _trigamma(x)
        pole = (x <= 0) & (x == jnp.floor(x))
        sign = 1.0 if n % 2 else -1.0
        result = sign * math.exp(math.lgamma(n + 1)) * zeta(jnp.full_like(x, n + 1), x)
        return jnp.where(pole, sign * jnp.inf, result)

    return with_partials(value, lambda tangent, x: tangent * _polygamma(n + 1, x))


def _trigamma(x):
    """Reflect negative arguments, then use the zeta function."""
    positive = zeta(jnp.full_like(x, 2), jnp.where(x < 0.5, 1 - x, x))
    positive = jnp.where(x == jnp.inf, 0, positive)
    sine = jnp.sin(math.pi * x)
    return jnp.where(x < 0.5, (math.pi / sine) ** 2 - positive, positive)


_differentiable_digamma = with_partials(_digamma, lambda tangent, x: tangent * _polygamma(1, x))

digamma = declare_unary(
    "digamma", "Digamma function, the derivative of ``lgamma``, of each element.",
    _differentiable_digamma, check=real_only("digamma"), inplace_function=False,
)  # fmt: skip
lgamma = declare_unary(
    "lgamma", "Log-gamma function ``log |gamma(x)|`` of each element.",
    _gammaln, check=real_only("lgamma_vml_cpu"), derivative=_differentiable_digamma,
    inplace_function=False,
foreach="unary")  # fmt: skip
i0 = declare_unary(
    "i0", "Modified Bessel function of the first kind of order 0 of each element.", special.i0,
    check=real_only("i0_vml_cpu"), derivative=special.i1,
)  # fmt: skip


def _sinc(x):
    zero = x == 0
    angle = math.pi * jnp.where(zero, 1, x)
    return jnp.where(zero, 1, jnp.sin(angle) / angle)


def _sinc_derivative(x):
    zero = x == 0
    safe = jnp.where(zero, 1, x)
    angle = math.pi * safe
    slope = (angle * jnp.cos(angle) - jnp.sin(angle)) / (angle * safe)
    return jnp.where(zero, 0, slope)


sinc = declare_unary(
    "sinc",
    "Normalised sinc ``sin(pi x) / (pi x)`` of each element, 1 at 0.",
    _sinc,
    derivative=_sinc_derivative,
)


def _no_complex(name):
    def check(operator, operands, static) -> None:
        if operands["input"].meta.dtype.is_complex:
            raise _messages.no_complex_tensors(name)

    return check


def _declare_angle_conversion(name: str, node_name: str, summary: str, factor: float) -> Op:
    def pure(input):
        return input * factor

    pure.__doc__ = f"{summary}\n\n    Args:\n        input: tensor, not complex.\n    "
    return op(
        f"{name}(Tensor input, *, Tensor out=None)",
        kind=Pointwise(operands=("input",), promote="float", check_operands=_no_complex(name)),
        arity="unary",
        inplace=True,
        inplace_function=True,
        saves=(),
        node_name=node_name,
    )(pure)


deg2rad = _declare_angle_conversion(
    "deg2rad", "Deg2RadBackward0", "Convert degrees to radians.", math.pi / 180
)
rad2deg = _declare_angle_conversion(
    "rad2deg", "Rad2DegBackward0", "Convert radians to degrees.", 180 / math.pi
)


@op(
    "logit(Tensor input, double? eps=None, *, Tensor out=None)",
    kind=Pointwise(operands=("input",), promote="float", check=real_only("logit_cpu"), wide=False),
    inplace=True,
    inplace_function=True,
    saves=("input",),
)
def logit(input, eps=None):
    """Logit ``log(x / (1 - x))``, the inverse of the sigmoid.

    Args:
        input: tensor of probabilities.
        eps: where it is given, the elements are clamped to ``[eps, 1 - eps]`` first.
    Returns:
        Tensor of a floating point dtype.
    """
    low = 0.0 if eps is None else eps
    high = 1.0 - low

    def value(x):
        if eps is not None:
            x = jnp.clip(x, low, high)
        return jnp.log(x / (1 - x))

    def slope(tangent, x):
        inside = (x >= low) & (x <= high)
        outside: Any = jnp.nan if eps is None else 0.0
        safe = jnp.where(inside, x, 0.5)
        outside = jnp.where(jnp.isnan(x), jnp.nan, outside)
        return tangent * jnp.where(inside, 1 / jnp.abs(safe * (1 - safe)), outside)

    return with_partials(value, slope)(input)


def _no_negative_order(operator, operands, static) -> None:
    if static["n"] < 0:
        raise _messages.polygamma_order()


class _Polygamma(Pointwise):
    def plan(self, operator, bound, mode):
        order = bound["n"]
        kernel = {0: "digamma", 1: "trigamma"}.get(order, "polygamma")
        self.check = only(FLOATING, kernel=kernel)
        return super().plan(operator, bound, mode)


@op(
    "polygamma(int64_t n, Tensor input, *, Tensor out=None)",
    kind=_Polygamma(operands=("input",), promote="float", check_operands=_no_negative_order),
    method=False,
    saves=("input",),
)
def polygamma(input, n):
    """Polygamma function, the n-th derivative of digamma, of each element.

    Args:
        n: the order, not negative.
        input: tensor.
    Returns:
        Tensor of a floating point dtype.
    """
    return _polygamma(n, input)


publish("polygamma", method=lambda self, n: polygamma.call(n, self))


def _check_mvlgamma(operator, operands, static) -> None:
    if operands["input"].meta.dtype is dtypes.bool_:
        raise _messages.bool_mvlgamma()
    if static["p"] < 1:
        raise _messages.mvlgamma_order()


@op(
    "mvlgamma(Tensor input, int64_t p, *, Tensor out=None)",
    kind=Pointwise(
        operands=("input",),
        promote="float",
        check_operands=_check_mvlgamma,
        check=only(FLOATING, kernel="arange_cpu"),
    ),
    inplace=True,
    saves=("input",),
)
def mvlgamma(input, p):
    """Multivariate log-gamma function of dimension p of each element.

    Args:
        input: tensor, above ``(p - 1) / 2``.
        p: the number of dimensions.
    Returns:
        Tensor of a floating point dtype.
    """
    terms = sum(_lgamma(input - 0.5 * place) for place in range(p))
    return terms + p * (p - 1) / 4 * math.log(math.pi)


_lgamma = with_partials(_gammaln, lambda tangent, x: tangent * _differentiable_digamma(x))
