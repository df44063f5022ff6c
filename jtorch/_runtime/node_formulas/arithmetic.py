"""Nodes of arithmetic, elementwise functions, products of matrices and sums.

The order of the operators, and what they are, was printed by PyTorch 2.13.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..._engine.backward.seen import NotSaved
from .table import FORMULAS, aten, node, only, result_of, scaled, signed


@node("AddBackward0")
def _add(call: Any, gradient: Any) -> tuple:
    return gradient, scaled(gradient, call.alpha) if 1 in call.needs else None


@node("SubBackward0")
def _sub(call: Any, gradient: Any) -> tuple:
    other = None
    if 1 in call.needs:
        other = scaled(aten.neg.default(gradient), call.alpha)
    return gradient, other


@node("RsubBackward1", "RsubBackward0")
def _rsub(call: Any, gradient: Any) -> tuple:
    first = aten.neg.default(gradient) if 0 in call.needs else None
    return first, gradient


@node("MulBackward0")
def _mul(call: Any, gradient: Any) -> tuple:
    only(call, "mul", "mul_")
    first = aten.mul.Tensor(gradient, call.other) if 0 in call.needs else None
    return first, aten.mul.Tensor(gradient, call.self) if 1 in call.needs else None


@node("DivBackward0")
def _div(call: Any, gradient: Any) -> tuple:
    only(call, "div", "div_", "true_divide", "true_divide_")
    other = call.other
    first = aten.div.Tensor(gradient, other) if 0 in call.needs else None
    second = None
    if 1 in call.needs:
        quotient = aten.div.Tensor(call.self, other)
        product = aten.mul.Tensor(aten.neg.default(gradient), quotient)
        second = aten.div.Tensor(product, other)
    return first, second


@node("NegBackward0")
def _neg(call: Any, gradient: Any) -> tuple:
    return (aten.neg.default(gradient),)


@node("PowBackward0")
def _pow(call: Any, gradient: Any) -> tuple:
    exponent = call.exponent
    if isinstance(exponent, complex) or exponent == 0:
        raise NotSaved("exponent")
    slope = aten.pow.Tensor_Scalar(call.self, exponent - 1)
    return (aten.mul.Tensor(gradient, aten.mul.Scalar(slope, exponent)),)


def _of_self(slope: Callable) -> Callable:
    """Return the formula of a function whose gradient is that of its result times a slope."""

    def formula(call: Any, gradient: Any) -> tuple:
        return (aten.mul.Tensor(gradient, slope(call.self)),)

    return formula


FORMULAS["SinBackward0"] = _of_self(aten.cos.default)
FORMULAS["CosBackward0"] = _of_self(lambda x: aten.neg.default(aten.sin.default(x)))
FORMULAS["AbsBackward0"] = _of_self(aten.sgn.default)


@node("ErfBackward0")
def _erf(call: Any, gradient: Any) -> tuple:
    square = aten.neg.default(aten.pow.Tensor_Scalar(call.self, 2))
    slope = aten.mul.Scalar(aten.exp.default(square), 2 / math.sqrt(math.pi))
    return (aten.mul.Tensor(slope, gradient),)


@node("ExpBackward0")
def _exp(call: Any, gradient: Any) -> tuple:
    return (aten.mul.Tensor(gradient, result_of(call)),)


@node("LogBackward0")
def _log(call: Any, gradient: Any) -> tuple:
    return (aten.div.Tensor(gradient, call.self),)


@node("SqrtBackward0")
def _sqrt(call: Any, gradient: Any) -> tuple:
    return (aten.div.Tensor(gradient, aten.mul.Scalar(result_of(call), 2)),)


@node("RsqrtBackward0")
def _rsqrt(call: Any, gradient: Any) -> tuple:
    cube = aten.pow.Tensor_Scalar(result_of(call), 3)
    return (aten.mul.Tensor(aten.mul.Scalar(gradient, -0.5), cube),)


@node("ReciprocalBackward0")
def _reciprocal(call: Any, gradient: Any) -> tuple:
    result = result_of(call)
    square = aten.mul.Tensor(result, result)
    return (aten.mul.Tensor(aten.neg.default(gradient), square),)


@node("TanhBackward0")
def _tanh(call: Any, gradient: Any) -> tuple:
    return (aten.tanh_backward.default(gradient, result_of(call)),)


@node("SigmoidBackward0")
def _sigmoid(call: Any, gradient: Any) -> tuple:
    return (aten.sigmoid_backward.default(gradient, result_of(call)),)


@node("MaskedFillBackward0")
def _masked_fill(call: Any, gradient: Any) -> tuple:
    if 2 in call.needs:
        raise NotSaved("value")
    return (aten.masked_fill.Scalar(gradient, call.mask, 0),)


@node("WhereBackward0")
def _where(call: Any, gradient: Any) -> tuple:
    condition, results = call.condition, [None, None, None]
    for place in (1, 2):
        if place in call.needs:
            zero = aten.scalar_tensor.default(0.0, dtype=gradient.dtype)
            pair = (gradient, zero) if place == 1 else (zero, gradient)
            results[place] = aten.where.self(condition, *pair)
    return tuple(results)


@node("ClampBackward1")
def _clamp(call: Any, gradient: Any) -> tuple:
    operand, least, most = call.self, call.min, call.max
    zero = aten.scalar_tensor.default(0.0, dtype=gradient.dtype)
    inside = None if least is None else aten.ge.Scalar(operand, least)
    if most is not None:
        below = aten.le.Scalar(operand, most)
        inside = below if inside is None else aten.logical_and_.default(inside, below)
    return (aten.where.self(inside, gradient, zero),)


@node("LerpBackward0")
def _lerp(call: Any, gradient: Any) -> tuple:
    weight = call.number(2)
    if weight is None:
        raise NotSaved("weight")
    first = aten.mul.Scalar(gradient, 1 - weight) if 0 in call.needs else None
    return first, aten.mul.Scalar(gradient, weight) if 1 in call.needs else None


@node("AddcmulBackward0")
def _addcmul(call: Any, gradient: Any) -> tuple:
    factor = call.given("value")
    if not isinstance(factor, (int, float)):
        raise NotSaved("value")
    first = second = None
    if 1 in call.needs:
        first = aten.mul.Tensor(gradient, aten.mul.Scalar(call.tensor2, factor))
    if 2 in call.needs:
        second = aten.mul.Tensor(gradient, aten.mul.Scalar(call.tensor1, factor))
    return gradient, first, second


# Products of matrices


def _is_transposed(sizes: Any, strides: Any) -> bool:
    return bool(strides) and strides[0] == 1 and strides[1] == sizes[0]


def _of_first(gradient: Any, second: Any, sizes: Any, strides: Any) -> Any:
    if _is_transposed(sizes, strides):
        product = aten.mm.default(second, aten.t.default(gradient))
        return aten.t.default(product)
    return aten.mm.default(gradient, aten.t.default(second))


def _of_second(gradient: Any, first: Any, sizes: Any, strides: Any) -> Any:
    if _is_transposed(sizes, strides):
        product = aten.mm.default(aten.t.default(gradient), first)
        return aten.t.default(product)
    return aten.mm.default(aten.t.default(first), gradient)


@node("MmBackward0")
def _mm(call: Any, gradient: Any) -> tuple:
    # The second factor comes first in PyTorch, other than for addmm.
    first = second = None
    if 1 in call.needs:
        second = _of_second(gradient, call.self, call.mat2_sym_sizes, call.mat2_sym_strides)
    if 0 in call.needs:
        first = _of_first(gradient, call.mat2, call.self_sym_sizes, call.self_sym_strides)
    return first, second


@node("AddmmBackward0")
def _addmm(call: Any, gradient: Any) -> tuple:
    alpha, first, second = call.alpha, None, None
    if 1 in call.needs:
        product = _of_first(gradient, call.mat2, call.mat1_sym_sizes, call.mat1_sym_strides)
        first = scaled(product, alpha)
    if 2 in call.needs:
        product = _of_second(gradient, call.mat1, call.mat2_sym_sizes, call.mat2_sym_strides)
        second = scaled(product, alpha)
    return scaled(gradient, call.beta) if 0 in call.needs else None, first, second


@node("BmmBackward0")
def _bmm(call: Any, gradient: Any) -> tuple:
    first = second = None
    if 0 in call.needs:
        first = aten.bmm.default(gradient, aten.transpose.int(call.mat2, 1, 2))
    if 1 in call.needs:
        second = aten.bmm.default(aten.transpose.int(call.self, 1, 2), gradient)
    return first, second


@node("BaddbmmBackward0")
def _baddbmm(call: Any, gradient: Any) -> tuple:
    alpha, first, second = call.alpha, None, None
    if 1 in call.needs:
        product = aten.bmm.default(gradient, aten.transpose.int(call.batch2, 1, 2))
        first = scaled(product, alpha)
    if 2 in call.needs:
        product = aten.bmm.default(aten.transpose.int(call.batch1, 1, 2), gradient)
        second = scaled(product, alpha)
    return scaled(gradient, call.beta) if 0 in call.needs else None, first, second


@node("MvBackward0")
def _mv(call: Any, gradient: Any) -> tuple:
    first = second = None
    if 0 in call.needs:
        rows = aten.view.default(gradient, [gradient.shape[0], 1])
        first = aten.mul.Tensor(rows, call.vec)
    if 1 in call.needs:
        second = aten.mv.default(aten.t.default(call.self), gradient)
    return first, second


# Sums and means


def _spread(gradient: Any, sizes: Any, dims: Any, keepdim: bool) -> Any:
    """Return the gradient of a sum over some dimensions, for each element."""
    rank = len(sizes)
    if not keepdim and rank and dims:
        for dim in sorted(signed(dim) % rank for dim in dims):
            gradient = aten.unsqueeze.default(gradient, dim)
    return aten.expand.default(gradient, list(sizes))


def _dims(call: Any) -> tuple[int, ...]:
    dims = call.dim
    if dims is None:
        dims = ()
    return (dims,) if isinstance(dims, int) else tuple(dims)


@node("SumBackward0")
def _sum(call: Any, gradient: Any) -> tuple:
    return (aten.expand.default(gradient, list(call.self_sym_sizes)),)


@node("SumBackward1")
def _sum_over(call: Any, gradient: Any) -> tuple:
    return (_spread(gradient, call.self_sym_sizes, _dims(call), call.keepdim),)


@node("MeanBackward0")
def _mean(call: Any, gradient: Any) -> tuple:
    sizes = list(call.self_sym_sizes)
    return (aten.div.Scalar(aten.expand.default(gradient, sizes), math.prod(sizes)),)


@node("MeanBackward1")
def _mean_over(call: Any, gradient: Any) -> tuple:
    sizes, dims = call.self_sym_sizes, _dims(call)
    whole = _spread(gradient, sizes, dims, call.keepdim)
    picked = [sizes[signed(dim)] for dim in dims] if dims and sizes else sizes
    return (aten.div.Scalar(whole, math.prod(picked)),)


@node("VarBackward0")
def _var(call: Any, gradient: Any) -> tuple:
    operand, dims, sizes = call.self, _dims(call), call.shape(0)
    dims = dims or tuple(range(len(sizes)))
    unbiased = call.given("unbiased")
    if not isinstance(unbiased, bool) or not sizes:
        raise NotSaved("correction")
    count = math.prod(sizes[signed(dim)] for dim in dims) - unbiased
    if count <= 0:
        raise NotSaved("correction")
    if not call.keepdim and len(dims) < len(sizes):
        for dim in sorted(signed(dim) % len(sizes) for dim in dims):
            gradient = aten.unsqueeze.default(gradient, dim)
    mean = aten.mean.dim(operand, [signed(dim) for dim in dims], True)
    distance = aten.sub.Tensor(operand, mean)
    return (aten.mul.Tensor(aten.mul.Scalar(gradient, 2.0 / count), distance),)


@node("LinalgVectorNormBackward0")
def _norm(call: Any, gradient: Any) -> tuple:
    if call.ord != 2 or call.dim is not None or call.keepdim:
        raise NotSaved("ord")
    operand, result = call.self, result_of(call)
    share = aten.div.Tensor(gradient, result)
    share = aten.masked_fill_.Scalar(share, aten.eq.Scalar(result, 0), 0)
    return (aten.mul.Tensor(operand, share),)


@node("AmaxBackward0", "AminBackward0")
def _amax(call: Any, gradient: Any) -> tuple:
    operand, result = call.self, result_of(call)
    sizes, dims = call.shape(0), [signed(dim) for dim in _dims(call)] or list(range(operand.ndim))
    if not call.keepdim and sizes:
        kept = [1 if at in [d % len(sizes) for d in dims] else n for at, n in enumerate(sizes)]
        result = aten.view.default(result, kept)
    chosen = aten.eq.Tensor(operand, result)
    if not call.keepdim and sizes:
        gradient = aten.view.default(gradient, kept)
    shares = aten.div.Tensor(gradient, aten.sum.dim_IntList(chosen, dims, True))
    return (aten.mul.Tensor(shares, chosen),)


@node("LogsumexpBackward0")
def _logsumexp(call: Any, gradient: Any) -> tuple:
    operand, result = call.self, result_of(call)
    if not call.keepdim and operand.ndim:
        dims = sorted(signed(dim) % operand.ndim for dim in _dims(call))
        for dim in dims:
            gradient = aten.unsqueeze.default(gradient, dim)
        for dim in dims:
            result = aten.unsqueeze.default(result, dim)
    weights = aten.exp.default(aten.sub.Tensor(operand, result))
    return (aten.mul.Tensor(gradient, weights),)


@node("CumsumBackward0")
def _cumsum(call: Any, gradient: Any) -> tuple:
    if not gradient.ndim:
        raise NotSaved("dim")
    dim = signed(call.dim)
    turned = aten.flip.default(gradient, [dim])
    return (aten.flip.default(aten.cumsum.default(turned, dim), [dim]),)
