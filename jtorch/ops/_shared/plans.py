"""Plans whose result's shape JAX works out: for operators that are no hot path when planned."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax

from ..._core.dtypes import dtype as DType
from ..._engine.graph.op import Op, Operand, Plan, Spec
from ..._engine.graph.values import make_meta


def array_plan(
    function: Callable, operands: list[Operand], dtype: DType | None = None, **options: Any
) -> Plan:
    """Return the plan of a function of arrays with one contiguous result.

    Args:
        function: takes the arrays of the operands.
        operands: tensors.
        dtype: of the result; that of the first operand unless given.
        **options: see ``Plan``.
    """
    first = operands[0].meta
    assert first is not None
    shapes = [jax.ShapeDtypeStruct(o.meta.shape, o.meta.dtype._numpy) for o in operands]
    shape = tuple(jax.eval_shape(function, *shapes).shape)
    meta = make_meta(shape, dtype or first.dtype, first.device)
    return Plan(function, operands, (meta,), **options)


def array_spec(
    op: Op,
    operands: list[Operand],
    params: dict[str, Any] | None = None,
    dtype: DType | None = None,
    **options: Any,
) -> Spec:
    """Return the spec of an operator with one contiguous result whose shape JAX works out.

    Args:
        op: the operator; its pure function is evaluated for shapes alone.
        operands: tensors.
        params: keyword arguments of the pure function.
        dtype: of the result; that of the first operand unless given.
        **options: see ``Spec``.
    """
    first = operands[0].meta
    assert first is not None
    arrays = [jax.ShapeDtypeStruct(o.meta.shape, o.meta.dtype._numpy) for o in operands]
    shape = tuple(jax.eval_shape(partial(op.function, **(params or {})), *arrays).shape)
    meta = make_meta(shape, dtype or first.dtype, first.device)
    return Spec(operands, (meta,), params, **options)
