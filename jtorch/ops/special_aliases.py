"""What ``torch.special`` has under a name of its own and ``torch`` under another."""

from __future__ import annotations

import math
from collections.abc import Callable

from .._engine.declare import FUNCTIONS, SPECIAL_FUNCTIONS, op
from .._engine.kinds_pointwise import Pointwise
from ._calls import bound_function


def _declare(signature: str, function: Callable, *more: str) -> None:
    """Declare a function under signatures whose messages name it ``special_...``."""

    def call(**arguments):
        return function(**arguments)

    call.__doc__ = function.__doc__
    bound_function(signature, *more, method=False, registry=SPECIAL_FUNCTIONS)(call)


for _name, _same in {
    "digamma": "digamma", "psi": "digamma", "erf": "erf", "erfc": "erfc", "erfinv": "erfinv",
    "exp2": "exp2", "expit": "sigmoid", "expm1": "expm1", "gammaln": "lgamma", "i0": "i0",
    "log1p": "log1p", "sinc": "sinc",
}.items():  # fmt: skip
    _declare(f"special_{_name}(Tensor input, *, Tensor out=None)", FUNCTIONS[_same])

_declare("special_logit(Tensor input, double? eps=None, *, Tensor out=None)", FUNCTIONS["logit"])
_declare("special_multigammaln(Tensor input, int64_t p, *, Tensor out=None)", FUNCTIONS["mvlgamma"])
_declare("special_polygamma(int64_t n, Tensor input, *, Tensor out=None)", FUNCTIONS["polygamma"])
_declare(
    "special_round(Tensor input, *, int64_t decimals=0, Tensor out=None)",
    lambda input, decimals=0: FUNCTIONS["round"](input, decimals=decimals),
)
_declare(
    "special_xlogy(Tensor input, Tensor other, *, Tensor out=None)",
    FUNCTIONS["xlogy"],
    "special_xlogy(Scalar self, Tensor other, *, Tensor out=None)",
    "special_xlogy(Tensor input, Scalar other, *, Tensor out=None)",
)
_declare(
    "special_logsumexp(Tensor input, IntArrayRef[1] dim, bool keepdim=False, *, Tensor out=None)",
    FUNCTIONS["logsumexp"],
)
_declare("special_softmax(Tensor input, int64_t dim, ScalarType? dtype=None)", FUNCTIONS["softmax"])
_declare(
    "special_log_softmax(Tensor input, int64_t dim, *, ScalarType? dtype=None)",
    FUNCTIONS["log_softmax"],
)

_NUMBER = {"kind": Pointwise(), "method": False, "function": False, "saves": ("other",)}


@op("_mul_number(Tensor input, Scalar other)", node_name="MulBackward1", **_NUMBER)
def _times(input, other):
    """Multiply by a number."""
    return input * other


@op("_add_number(Tensor input, Scalar other)", node_name="AddBackward1", **_NUMBER)
def _plus(input, other):
    """Add a number."""
    return input + other


@bound_function(
    "special_ndtr(Tensor input, *, Tensor out=None)", method=False, registry=SPECIAL_FUNCTIONS
)
def ndtr(input):
    """Return the area below the normal density up to each element.

    Args:
        input: tensor; integers and bool are converted to the default dtype.
    Returns:
        Tensor of a floating point dtype.
    """
    area = FUNCTIONS["erf"](_times.call(input, math.sqrt(0.5)))
    return _times.call(_plus.call(area, 1), 0.5)
