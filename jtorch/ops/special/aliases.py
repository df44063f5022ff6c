"""What ``torch.special`` has under a name of its own and ``torch`` under another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..._core import messages
from ..._core.messages import output_dtype
from ..._core.schema.schema import Schema
from ..._engine.declare import FUNCTIONS, SPECIAL_FUNCTIONS, op
from ..._engine.recording.kinds.pointwise import FLOATING, Pointwise
from ..._engine.recording.signatures import CallSignature, make_binder
from .._shared.calls import bound_function


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

_ROUND = Schema("special_round(Tensor input, *, int64_t decimals=0, Tensor out=None)")
_bind_round = make_binder(_ROUND)


def special_round(*args, **kwargs):
    """Round to a number of decimals, half to even.

    Args:
        input: tensor of a floating point dtype.
        decimals: how many.
    Returns:
        Tensor of the same dtype.
    """
    bound = _bind_round(args, kwargs)
    input, out = bound["input"], bound.get("out")
    dtype = input.dtype
    if dtype not in FLOATING:
        raise messages.not_implemented("round_vml_cpu", dtype._legacy_name)
    if out is not None and out.dtype is not dtype:
        raise output_dtype(out.dtype._legacy_name, dtype._legacy_name)
    options = {} if out is None else {"out": out}
    return FUNCTIONS["round"](input, decimals=bound.get("decimals", 0), **options)


special_round.__module__ = "torch._C._special"
special_round.__signature__ = CallSignature(_ROUND)  # type: ignore[attr-defined]
SPECIAL_FUNCTIONS["special_round"] = special_round

_NUMBER: dict[str, Any] = {
    "kind": Pointwise(),
    "method": False,
    "function": False,
    "saves": ("other",),
}


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
