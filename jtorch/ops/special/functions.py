"""Functions of ``torch.special`` around the gamma, error and Bessel functions, with gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax.scipy import special

from ..._core import dtypes, messages
from ..._engine.declare import SPECIAL_FUNCTIONS, op
from ..._engine.graph.op import Plan
from ..._engine.recording.kinds.pointwise import FLOATING, Pointwise, only
from .._shared.gradient_rules import refusing, with_partials
from ..pointwise.unary import polygamma
from ..pointwise.zeta import zeta

_PRECISE = frozenset((dtypes.float32, dtypes.float64))
_ROOT_2, _HALF_ROOT_2, _ROOT_PI = math.sqrt(2), math.sqrt(0.5), math.sqrt(math.pi)


def _declare(
    name: str,
    summary: str,
    function: Callable,
    dtypes_known: frozenset = _PRECISE,
    *,
    derivative: Callable | None = None,
    **options: Any,
) -> None:
    """Declare a function of one element in ``torch.special``."""
    if derivative is not None:
        function = with_partials(function, lambda tangent, x: tangent * derivative(x))

    def pure(input):
        return function(input)

    pure.__doc__ = f"""{summary}

    Args:
        input: tensor; integers and bool are converted to the default dtype.
    Returns:
        Tensor of a floating point dtype.
    """
    op(
        f"special_{name}(Tensor input, *, Tensor out=None)",
        kind=Pointwise(
            operands=("input",), promote="float", check=only(dtypes_known, kernel=f"{name}_cpu")
        ),
        arity="unary",
        method=False,
        registry=SPECIAL_FUNCTIONS,
        saves=("input",),
        **options,
    )(pure)


def _entr(x):
    inside = x > 0
    value = -x * jnp.log(jnp.where(inside, x, 1))
    value = jnp.where(inside, value, jnp.where(x == 0, 0, -jnp.inf))
    return jnp.where(jnp.isnan(x), x, value).astype(x.dtype)


#: Beyond it ``erfc`` is soon subnormal, and the asymptotic series precise.
_FAR = 25.0


def _erfcx_value(x):
    """Return ``exp(x^2) erfc(x)``, of float32 by way of float64.

    Near the end of its range ``erfc`` has few digits, and is 0 to XLA where it is subnormal; JAX
    multiplies by it until there. The series: Abramowitz and Stegun, 7.1.23.
    """
    wide = x.astype(jnp.float64)
    far = wide > _FAR
    inverse = 1 / (2 * jnp.where(far, wide, 1) ** 2)
    series: Any = 1.0
    for factor in range(13, 0, -2):
        series = 1 - factor * inverse * series
    beyond = series / (_ROOT_PI * jnp.where(far, wide, 1))
    return jnp.where(far, beyond, special.erfcx(jnp.where(far, 0, wide))).astype(x.dtype)


_erfcx: Callable = with_partials(
    _erfcx_value, lambda tangent, x: tangent * (2 * x * _erfcx(x) - 2 / _ROOT_PI)
)


def _log_ndtr(x):
    scaled = x * _HALF_ROOT_2
    low = x < -1
    below = jnp.log(_erfcx_value(jnp.where(low, -scaled, 1)) / 2) - scaled * scaled
    return jnp.where(low, below, jnp.log1p(-special.erfc(scaled) / 2))


def _log_ndtr_slope(x):
    return math.sqrt(2 / math.pi) / _erfcx(-x / _ROOT_2)


_ndtri: Callable = with_partials(
    special.ndtri,
    lambda tangent, x: tangent * (math.sqrt(2 * math.pi) * jnp.exp(_ndtri(x) ** 2 / 2)),
)


def _sign(x):
    return jnp.where(x > 0, 1, jnp.where(x < 0, -1, 0)).astype(x.dtype)


def _away_from_0(x, slope: Callable):
    """Return a slope that is a limit, one half, where x is 0 to precision."""
    large = jnp.abs(x) > jnp.finfo(x.dtype).eps
    safe = jnp.where(large, x, 1)
    return jnp.where(large, slope(safe), 0.5).astype(x.dtype)


_i0: Callable = with_partials(special.i0, lambda tangent, x: tangent * _i1(x))
_i1: Callable = with_partials(
    special.i1,
    lambda tangent, x: tangent * _away_from_0(x, lambda x: _i0(x) - _i1(x) / x),
)
_i0e: Callable = with_partials(
    special.i0e, lambda tangent, x: tangent * (_i1e(x) - _sign(x) * _i0e(x))
)
_i1e: Callable = with_partials(
    special.i1e,
    lambda tangent, x: tangent * _away_from_0(x, lambda x: _i0e(x) - _i1e(x) * (_sign(x) + 1 / x)),
)

_declare(
    "entr", "Entropy ``-x log(x)`` of each element, 0 at 0 and ``-inf`` below.", _entr, FLOATING,
    derivative=lambda x: -(1 + jnp.log(x)),
)  # fmt: skip
_declare(
    "erfcx", "Scaled complementary error function ``exp(x^2) erfc(x)``, without overflow.", _erfcx,
    keeps={"result": None},
)  # fmt: skip
_declare(
    "log_ndtr", "Logarithm of the standard normal distribution function of each element.",
    _log_ndtr, derivative=_log_ndtr_slope, keeps={"result": None},
)  # fmt: skip
_declare(
    "ndtri", "Quantile function of the standard normal distribution.", _ndtri,
    keeps={"result": None},
)  # fmt: skip
_declare(
    "i0e", "Scaled modified Bessel function ``exp(-|x|) I_0(x)``.",
    _i0e, FLOATING, node_name="SpecialI0EBackward0", keeps={"result": None},
)  # fmt: skip
_declare(
    "i1", "Modified Bessel function ``I_1(x)`` of the first kind of order 1.", _i1, FLOATING,
    keeps={"result": None},
)  # fmt: skip
_declare(
    "i1e", "Scaled modified Bessel function ``exp(-|x|) I_1(x)``.",
    _i1e, FLOATING, node_name="SpecialI1EBackward0", keeps={"result": None},
)  # fmt: skip


# Functions of two operands


class _OneSided(Pointwise):
    """An operator with a gradient for its second operand only.

    Args:
        missing: what PyTorch calls the gradient that it does not have.
        **options: see ``Pointwise``.
    """

    def __init__(self, missing: str, **options: Any):
        super().__init__(**options)
        self.missing = missing

    def plan(self, operator, bound, mode) -> Plan:
        first = next(bound[name] for name in self.operands if hasattr(bound.get(name), "meta"))
        plan = super().plan(operator, bound, mode)
        if mode.grad and first.meta is not None and first.meta.grad:
            plan.vjp = refusing(lambda: messages.no_derivative(self.missing))
        return plan


def _xlog1py_value(x, y):
    zero = (x == 0) & ~jnp.isnan(y)
    return jnp.where(zero, 0, x * jnp.log1p(jnp.where(zero, 0, y))).astype(x.dtype)


_xlog1py = with_partials(
    _xlog1py_value,
    lambda tangent, x, y: (
        tangent
        * jnp.where((x == 0) & (y <= -1), 0, jnp.log1p(jnp.where((x == 0) & (y <= -1), 0, y)))
    ),
    lambda tangent, x, y: tangent * x / (y + 1),
)


def _overload_name(stem: str) -> Callable:
    def name(operands, static):
        if "self" in operands:
            return f"{stem}1"
        return f"{stem}2" if operands["other"].meta is None else f"{stem}0"

    return name


@op(
    "special_xlog1py(Tensor input, Tensor other, *, Tensor out=None)",
    "special_xlog1py(Scalar self, Tensor other, *, Tensor out=None)",
    "special_xlog1py(Tensor input, Scalar other, *, Tensor out=None)",
    kind=Pointwise(
        operands=("input", "self", "other"),
        promote="float",
        check=only(FLOATING, kernel="xlog1py_cpu"),
        names=_overload_name("SpecialXlog1PyBackward"),
    ),
    arity="binary",
    method=False,
    registry=SPECIAL_FUNCTIONS,
)
def special_xlog1py(other, input=None, self=None):
    """Product ``input * log(1 + other)``, 0 where ``input`` is 0.

    Args:
        input, other: tensors or numbers, not both numbers, that broadcast together.
    Returns:
        Tensor of a floating point dtype.
    """
    return _xlog1py(*jnp.broadcast_arrays(self if input is None else input, other))


def _zeta_value(s, q):
    pole = (q <= 0) & (q == jnp.floor(q))
    result = zeta(s, q)
    # The limits of an infinite power.
    endless = jnp.where(q == 1, 1, jnp.where(q < 1, jnp.inf, result))
    result = jnp.where(s == jnp.inf, endless, result)
    result = jnp.where(pole, jnp.inf, result)
    return jnp.where(s == 1, jnp.inf, jnp.where(s < 1, jnp.nan, result)).astype(s.dtype)


_zeta: Callable = with_partials(
    _zeta_value, None, lambda tangent, s, q: tangent * (-s * _zeta(s + 1, q))
)


@op(
    "special_zeta(Tensor input, Tensor other, *, Tensor out=None)",
    "special_zeta(Scalar self, Tensor other, *, Tensor out=None)",
    "special_zeta(Tensor input, Scalar other, *, Tensor out=None)",
    kind=_OneSided(
        "zeta",
        operands=("input", "self", "other"),
        promote="float",
        check=only(_PRECISE, kernel="zeta_cpu"),
        names=_overload_name("SpecialZetaBackward"),
    ),
    arity="binary",
    method=False,
    registry=SPECIAL_FUNCTIONS,
)
def special_zeta(other, input=None, self=None):
    """Hurwitz zeta function, the sum of ``(other + k) ** -input`` over k.

    Args:
        input, other: tensors or numbers, not both numbers, that broadcast together.
    Returns:
        Tensor of float32 or float64; a gradient flows to ``other`` only.
    """
    return _zeta(*jnp.broadcast_arrays(self if input is None else input, other))


def _incomplete_gamma(a, x, upper: bool):
    """Return the regularised incomplete gamma function, lower or upper.

    Single precision is computed in double: the series lose what is common to their terms.
    """
    dtype = a.dtype
    a, x = a.astype(jnp.float64), x.astype(jnp.float64)
    result = special.gammaincc(a, x) if upper else special.gammainc(a, x)
    none, all_ = (1.0, 0.0) if upper else (0.0, 1.0)
    cases = (
        ((x < 0) | (a < 0), jnp.nan),
        (a == 0, jnp.where(x > 0, all_, jnp.nan)),
        (x == 0, none),
        (jnp.isinf(a), jnp.where(jnp.isinf(x), jnp.nan, none)),
        (jnp.isinf(x), all_),
    )
    for where, value in reversed(cases):
        result = jnp.where(where, value, result)
    return result.astype(dtype)


def _gamma_density(a, x):
    return jnp.exp((a - 1) * jnp.log(x) - x - special.gammaln(a))


def _declare_incomplete_gamma(name: str, alias: str, upper: bool) -> None:
    sign = -1 if upper else 1
    function = with_partials(
        lambda a, x: _incomplete_gamma(a, x, upper),
        None,
        lambda tangent, a, x: tangent * (sign * _gamma_density(a, x)),
    )

    def pure(input, other):
        return function(*jnp.broadcast_arrays(input, other))

    half = "upper" if upper else "lower"
    pure.__doc__ = f"""Regularised {half} incomplete gamma function.

    Args:
        input: the parameter of the gamma distribution, not negative.
        other: the place, not negative.
    Returns:
        Tensor of a floating point dtype; a gradient flows to ``other`` only.
    """
    for prefix, registry in ((name, None), (f"special_{alias}", SPECIAL_FUNCTIONS)):
        op(
            f"{prefix}(Tensor input, Tensor other, *, Tensor out=None)",
            kind=_OneSided(
                f"{name}: input",
                operands=("input", "other"),
                check=only(FLOATING, kernel=f"{name}_cpu"),
            ),
            arity="binary",
            method=registry is None,
            inplace=registry is None,
            registry=registry,
            node_name=f"{name.capitalize()}Backward0",
        )(pure)


_declare_incomplete_gamma("igamma", "gammainc", False)
_declare_incomplete_gamma("igammac", "gammaincc", True)


_polygamma_of = op(
    "_polygamma_of(Tensor input, int64_t n)",
    kind=polygamma.kind,
    method=False,
    function=False,
    inplace=True,
    saves=("input",),
    node_name="PolygammaBackward1",
)(polygamma.function)


@op("polygamma_(Tensor input, int64_t n)", function=False)
def polygamma_(input, n):
    """Polygamma function of each element, in place.

    Args:
        n: the order, not negative.
    """
    return _polygamma_of.inplace_twin.call(input, n)
