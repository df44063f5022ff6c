"""Distances between vectors."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from ..._core import dtypes, messages
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._core.promotion import result_type
from ..._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.recording.kinds.base import Custom, broadcast_shapes, cast
from .._shared.widening import widen
from ..reduce.vector_norms import _norm_gradient, vector_norm_of
from .common import chosen, needed, product, sum_to

_REAL = (dtypes.float32, dtypes.float64)


def _difference(left: Any, right: Any, dtype: DType) -> Any:
    return widen(cast(left, dtype)) - widen(cast(right, dtype))


def _dist_spec(operation, bound, mode) -> Spec:
    operands = [bound["input"], bound["other"]]
    a, b = [operand.meta for operand in operands]
    order = float(bound.get("p", 2))
    shape = broadcast_shapes([a.shape, b.shape])
    described = [(m.dtype, "dim" if m.ndim else "zero") for m in (a, b)]
    dtype = result_type(described, mode.default_dtype)
    if a.dtype is dtypes.bool_ or b.dtype is dtypes.bool_:
        both = a.dtype is b.dtype
        raise messages.bool_subtraction() if both else messages.bool_mixed_subtraction()
    if not is_inexact(dtype):
        raise RuntimeError(
            "norm(): input dtype should be either floating point or complex. Got "
            f"{dtype._legacy_name} instead."
        )
    axes = tuple(range(len(shape)))
    real = dtype.to_real()
    wanted = needed(operands, mode)

    def vjp(cotangents, results, operands):
        left, right = operands
        gap = _difference(left, right, dtype)
        component = jnp.real(gap).dtype
        slope, norm = cotangents[0].astype(component), results[0].astype(component)
        gradient = _norm_gradient(gap, slope, norm, order, axes)
        return chosen(
            [
                cast(sum_to(sign * gradient, array.shape), operand.meta.dtype)
                for sign, array, operand in zip((1, -1), operands, given, strict=True)
            ],
            wanted,
        )

    given = operands
    return Spec(
        operands, (make_meta((), real, a.device),), {"order": order, "dtype": dtype}, vjp=vjp
    )


@op(
    "dist(Tensor input, Tensor other, Scalar p=2, *, Tensor out=None)",
    kind=Custom(_dist_spec),
    static=("p",),
    saves=("input", "other", "result"),
    autocast=Autocast(cuda="float32"),
)
def dist(left: Any, right: Any, *, order: float, dtype: DType) -> Any:
    """Distance of two tensors in the p-norm, ``|input - other|_p``.

    Args:
        input, other: tensors whose shapes broadcast.
        p: order of the norm.
    Returns:
        Tensor without dimensions.
    """
    gap = _difference(left, right, dtype)
    return cast(vector_norm_of(gap, order, tuple(range(gap.ndim)), False), dtype.to_real())


def _distance(gap: Any, order: float) -> Any:
    return vector_norm_of(gap, order, (gap.ndim - 1,), False)


def _distance_gradient(gap: Any, slope: Any, distance: Any, order: float) -> Any:
    """Return the gradient of distances with respect to the differences, as PyTorch's kernels do."""
    slope, distance = slope[..., None], distance[..., None]
    size = jnp.abs(gap)
    sign = jnp.sign(gap)
    zero = distance == 0
    safe = jnp.where(zero, 1, distance)
    if order == 0:
        return jnp.zeros_like(gap)
    if order == 1:
        return slope * sign
    if order == 2:
        return jnp.where(zero, 0, slope * gap / safe)
    if math.isinf(order):
        return slope * sign * (size == distance)
    if order < 2:
        nothing = zero | ((gap == 0) & (order < 1))
        inner = jnp.where(gap == 0, 1, size)
        power = jnp.where(gap == 0, 0.0, 1.0) * inner ** (order - 1)
        return jnp.where(nothing, 0, sign * power * slope / safe ** (order - 1))
    inner = jnp.where(gap == 0, 1, size)
    power = jnp.where(gap == 0, 0.0, inner ** (order - 2))
    return jnp.where(zero, 0, gap * power * slope / safe ** (order - 1))


def _cdist_spec(operation, bound, mode) -> Spec:
    operands = [bound["x1"], bound["x2"]]
    a, b = [operand.meta for operand in operands]
    order = float(bound["p"])
    batch = broadcast_shapes([a.shape[:-2], b.shape[:-2]])
    shape = (*batch, a.shape[-2], b.shape[-2])
    if math.prod(shape) and a.shape[-1]:
        if a.dtype is not b.dtype:
            raise RuntimeError(
                f"expected scalar type {a.dtype._legacy_name} but found {b.dtype._legacy_name}"
            )
        if a.dtype not in _REAL:
            raise messages.not_implemented("cdist", a.dtype._legacy_name)
    wanted = needed(operands, mode)

    def vjp(cotangents, results, operands):
        left, right = operands
        gap = left[..., :, None, :] - right[..., None, :, :]
        gradient = _distance_gradient(gap, cotangents[0], results[0], order)
        return chosen(
            [
                sum_to(jnp.sum(gradient, -2), left.shape),
                sum_to(-jnp.sum(gradient, -3), right.shape),
            ],
            wanted,
        )

    return Spec(operands, (make_meta(shape, a.dtype, a.device),), {"order": order}, vjp=vjp)


@op(
    "_cdist(Tensor x1, Tensor x2, double p)",
    kind=Custom(_cdist_spec),
    method=False,
    function=False,
    saves=("x1", "x2", "result"),
    node_name="CdistBackward0",
)
def _cdist(left: Any, right: Any, *, order: float) -> Any:
    """Return the distances of all pairs of rows."""
    gap = left[..., :, None, :] - right[..., None, :, :]
    if left.shape[-1] == 0:
        return jnp.zeros(gap.shape[:-1], left.dtype)
    return _distance(gap, order)


def _euclidean_spec(operation, bound, mode) -> Spec:
    operands = [bound["x1"], bound["x2"]]
    a, b = [operand.meta for operand in operands]
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"expected scalar type {a.dtype._legacy_name} but found {b.dtype._legacy_name}"
        )
    batch = broadcast_shapes([a.shape[:-2], b.shape[:-2]])
    shape = (*batch, a.shape[-2], b.shape[-2])
    wanted = needed(operands, mode)

    def vjp(cotangents, results, operands):
        left, right = operands
        distance = results[0]
        zero = distance == 0
        ratio = jnp.where(zero, 0, cotangents[0] / jnp.where(zero, 1, distance))
        to_left = left * jnp.sum(ratio, -1)[..., None] - product(ratio, right)
        to_right = right * jnp.sum(ratio, -2)[..., None] - product(
            jnp.swapaxes(ratio, -1, -2), left
        )
        return chosen([sum_to(to_left, left.shape), sum_to(to_right, right.shape)], wanted)

    return Spec(operands, (make_meta(shape, a.dtype, a.device),), vjp=vjp)


@op(
    "_euclidean_dist(Tensor x1, Tensor x2)",
    kind=Custom(_euclidean_spec),
    method=False,
    saves=("x1", "x2", "result"),
    node_name="EuclideanDistBackward0",
)
def _euclidean_dist(left: Any, right: Any) -> Any:
    """Return the Euclidean distances of all pairs of rows by a product of matrices."""
    # Expand the square, so that a product of matrices does the work.
    first = jnp.sum(left * left, -1, keepdims=True)
    second = jnp.sum(right * right, -1, keepdims=True)
    wide = jnp.concatenate([-2 * left, first, jnp.ones_like(first)], -1)
    tall = jnp.concatenate([right, jnp.ones_like(second), second], -1)
    squares = product(wide, jnp.swapaxes(tall, -1, -2))
    return jnp.sqrt(jnp.maximum(squares, 0))


_MODES = {
    "use_mm_for_euclid_dist_if_necessary": 0,
    "use_mm_for_euclid_dist": 1,
    "donot_use_mm_for_euclid_dist": 2,
}


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary"):
    """Distances in the p-norm, ``|x1_i - x2_j|_p``, of the rows of two batches of matrices.

    Args:
        x1: of shape (*, P, M).
        x2: of shape (*, R, M).
        p: order of the norm, not negative.
        compute_mode: whether Euclidean distances are computed by a product of matrices: always
            (``"use_mm_for_euclid_dist"``), never (``"donot_use_mm_for_euclid_dist"``), or for
            more than 25 rows (``"use_mm_for_euclid_dist_if_necessary"``).
    Returns:
        Tensor of shape (*, P, R).
    """
    if compute_mode not in _MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for name, rows in (("X1", x1), ("X2", x2)):
        if rows.dim() < 2:
            raise RuntimeError(
                f"cdist only supports at least 2D tensors, {name} got: {rows.dim()}D"
            )
    for name, rows in (("X1", x1), ("X2", x2)):
        if not rows.is_floating_point():
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, {name} got: {rows.dtype._legacy_name}"
            )
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    way = _MODES[compute_mode]
    many = x1.shape[-2] > 25 or x2.shape[-2] > 25
    if p == 2 and (way == 1 or (way == 0 and many)) and x1.numel() and x2.numel():
        batch = broadcast_shapes([tuple(x1.shape[:-2]), tuple(x2.shape[:-2])])
        distances = _euclidean_dist.call(x1, x2)
        return distances.view((*batch, x1.shape[-2], x2.shape[-2]))
    return _cdist.call(x1, x2, float(p))


publish("cdist", cdist, autocast="float32")


def _pairs(count: int) -> tuple[Any, Any]:
    return jnp.triu_indices(count, 1)


def _pdist_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    order = float(bound["p"])
    count = meta.shape[0]
    shape = (count * (count - 1) // 2 if count > 1 else 0,)
    if shape[0] and meta.shape[1] and meta.dtype not in _REAL:
        raise messages.not_implemented("pdist", meta.dtype._legacy_name)

    def vjp(cotangents, results, operands):
        (rows,) = operands
        if not shape[0] or not meta.shape[1]:
            return [jnp.zeros_like(rows)]
        first, second = _pairs(count)
        gradient = _distance_gradient(rows[first] - rows[second], cotangents[0], results[0], order)
        return [jnp.zeros_like(rows).at[first].add(gradient).at[second].add(-gradient)]

    return Spec([operand], (make_meta(shape, meta.dtype, meta.device),), {"order": order}, vjp=vjp)


@op(
    "_pdist(Tensor input, double p)",
    kind=Custom(_pdist_spec),
    method=False,
    function=False,
    saves=("input", "result"),
    node_name="PdistBackward0",
)
def _pdist(rows: Any, *, order: float) -> Any:
    """Return the distances of all pairs of different rows."""
    count = rows.shape[0]
    if count < 2 or not rows.shape[1]:
        return jnp.zeros((max(count * (count - 1) // 2, 0),), rows.dtype)
    first, second = _pairs(count)
    return _distance(rows[first] - rows[second], order)


@op("pdist(Tensor input, double p=2)", method=False, autocast=Autocast(cuda="float32"))
def pdist(input, p=2.0):
    """Distances in the p-norm, ``|x_i - x_j|_p``, of each pair of rows of one matrix.

    Args:
        input: of shape (N, M).
        p: order of the norm, not negative.
    Returns:
        Tensor of shape (N * (N - 1) / 2), row by row of the upper triangle.
    """
    if input.dim() != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.dim()}D")
    if not input.is_floating_point():
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    return _pdist.call(input.contiguous(), float(p))


publish("pdist", pdist, registry=NN_FUNCTIONS)
