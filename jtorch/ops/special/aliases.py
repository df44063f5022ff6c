"""What ``torch.special`` has under a name of its own and ``torch`` under another."""

from __future__ import annotations

import math
from typing import Any

from ..._core import messages
from ..._core.messages import output_dtype
from ..._core.schema.schema import Schema
from ..._engine.declare import SPECIAL_FUNCTIONS, op, publish
from ..._engine.graph.op import Op
from ..._engine.recording.kinds.pointwise import FLOATING, Pointwise
from ..._engine.recording.signatures import CallSignature, make_binder
from ..pointwise import unary
from ..pointwise.binary import xlogy
from ..pointwise.rounding import round
from ..reduce.softmax import log_softmax, logsumexp, softmax


def _declare(signature: str, operator: Op, *more: str) -> None:
    """Declare an operator under signatures whose messages name it ``special_...``."""
    function = operator.call

    def call(**arguments):
        return function(**arguments)

    call.__doc__ = operator.__doc__
    op(signature, *more, method=False, registry=SPECIAL_FUNCTIONS)(call)


for _name, _same in {
    "digamma": unary.digamma, "psi": unary.digamma, "erf": unary.erf, "erfc": unary.erfc,
    "erfinv": unary.erfinv, "exp2": unary.exp2, "expit": unary.sigmoid, "expm1": unary.expm1,
    "gammaln": unary.lgamma, "i0": unary.i0, "log1p": unary.log1p, "sinc": unary.sinc,
}.items():  # fmt: skip
    _declare(f"special_{_name}(Tensor input, *, Tensor out=None)", _same)

_declare("special_logit(Tensor input, double? eps=None, *, Tensor out=None)", unary.logit)
_declare("special_multigammaln(Tensor input, int64_t p, *, Tensor out=None)", unary.mvlgamma)
_declare("special_polygamma(int64_t n, Tensor input, *, Tensor out=None)", unary.polygamma)
_declare(
    "special_xlogy(Tensor input, Tensor other, *, Tensor out=None)",
    xlogy,
    "special_xlogy(Scalar self, Tensor other, *, Tensor out=None)",
    "special_xlogy(Tensor input, Scalar other, *, Tensor out=None)",
)
_declare(
    "special_logsumexp(Tensor input, IntArrayRef[1] dim, bool keepdim=False, *, Tensor out=None)",
    logsumexp,
)
_declare("special_softmax(Tensor input, int64_t dim, ScalarType? dtype=None)", softmax)
_declare(
    "special_log_softmax(Tensor input, int64_t dim, *, ScalarType? dtype=None)",
    log_softmax,
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
    return round.call(input, decimals=bound.get("decimals", 0), **options)


special_round.__module__ = "torch._C._special"
special_round.__signature__ = CallSignature(_ROUND)  # type: ignore[attr-defined]
publish("special_round", special_round, registry=SPECIAL_FUNCTIONS)

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


@op("special_ndtr(Tensor input, *, Tensor out=None)", method=False, registry=SPECIAL_FUNCTIONS)
def ndtr(input):
    """Standard normal distribution function ``(1 + erf(x / sqrt(2))) / 2``.

    Args:
        input: tensor; integers and bool are converted to the default dtype.
    Returns:
        Tensor of a floating point dtype.
    """
    area = unary.erf.call(_times.call(input, math.sqrt(0.5)))
    return _times.call(_plus.call(area, 1), 0.5)
