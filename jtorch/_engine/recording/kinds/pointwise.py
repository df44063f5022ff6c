"""Operators of elements: operands promote and broadcast, as PyTorch's TensorIterator does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...._core import dtypes, messages
from ...._core.cpp_names import c_type
from ...._core.device import CPU
from ...._core.dtypes import dtype as DType
from ...._core.dtypes import is_inexact
from ...._core.strides import elementwise_strides
from ...graph.op import Op, Operand, Plan
from ...graph.values import Meta, make_meta
from .base import as_array, broadcast_shapes, cast, promoted_dtype

#: Parameters that scale an operand without a say in the dtype.
_FACTORS = ("alpha", "beta", "value")


class Pointwise:
    """An operator of elements.

    Args:
        result: dtype of the result: ``"same"`` as computed in, ``"bool"``, or ``"real"`` (the real
            dtype of a complex one).
        promote: ``"common"`` computes in the promoted dtype; ``"float"`` promotes ints and bool to
            the default dtype first.
        check: a check of the dtype computed in, ``(op, dtype) -> None``, that raises. It comes
            after the shapes were checked.
        check_operands: a check that comes before all others, ``(op, operands, static) -> None``;
            ``operands`` by name, ``static`` the arguments that are constants.
        operands: names of the parameters that are operands, in any order. A number among them that
            keeps its default is left to the function's own default.
        names: ``(operands, static) -> class name of grad_fn`` where it depends on them.
        saves: ``(operands) -> names of what the gradient needs`` where it depends on them.
        wide: whether halves are computed in float32.
        exact_numbers: whether a number, or a tensor without dimensions, meets a half unrounded
            where it is not the first operand.
        real_gradient: whether PyTorch has no gradient for complex numbers.
    """

    #: PyTorch refuses an ``out`` whose elements share memory.
    refuses_self_overlap = True

    def __init__(
        self,
        *,
        result: str = "same",
        promote: str = "common",
        check: Callable[[Op, DType], None] | None = None,
        check_operands: Callable[[Op, dict[str, Operand], dict[str, Any]], None] | None = None,
        operands: tuple[str, ...] = ("input", "other"),
        names: Callable[[dict[str, Operand], dict[str, Any]], str | None] | None = None,
        saves: Callable[[dict[str, Operand]], Iterable[str]] | None = None,
        wide: bool = True,
        real_gradient: bool = False,
        exact_numbers: bool = False,
    ):
        self.result = result
        self.promote = promote
        self.check = check
        self.check_operands = check_operands
        self.operands = operands
        self.names = names
        self.saves = saves
        self.wide = wide
        self.real_gradient = real_gradient
        self.exact_numbers = exact_numbers

    def compute_dtype(self, operands: list[Operand], static: dict[str, Any], mode: Any) -> DType:
        """Return the dtype that the operator computes in."""
        compute = promoted_dtype(
            [o for o in operands if o.name not in _FACTORS], mode.default_dtype
        )
        if self.promote == "float" and not is_inexact(compute):
            return mode.default_dtype
        return compute

    def result_dtype(self, compute: DType) -> DType:
        """Return the dtype of the result."""
        if self.result == "bool":
            return dtypes.bool_
        return compute.to_real() if self.result == "real" else compute

    def plan(self, op: Op, bound: dict[str, Any], mode: Any) -> Plan:
        bound.pop("out", None)
        given = {
            name: bound.pop(name) for name in self.operands if isinstance(bound.get(name), Operand)
        }
        static = bound
        if self.check_operands is not None:
            self.check_operands(op, given, static)
        operands = list(given.values())
        metas: list[Meta] = [o.meta for o in operands if o.meta is not None]
        shape = broadcast_shapes([meta.shape for meta in metas])
        compute = self.compute_dtype(operands, static, mode)
        if self.check is not None:
            self.check(op, compute)
        if self.real_gradient and compute.is_complex and mode.grad and any(m.grad for m in metas):
            raise messages.no_complex_gradient(op.name)
        result = self.result_dtype(compute)
        strides = elementwise_strides(shape, [(meta.shape, meta.strides) for meta in metas])
        device = metas[0].device if metas else CPU
        function = op.function
        names = list(given)
        work = dtypes.working_dtype(compute) if self.wide else compute
        # torch 2.13 looks for numbers on the right only.
        exact = frozenset(names[1:] if self.exact_numbers else ())

        def run(*arrays: Any) -> Any:
            arguments = {
                name: cast(
                    as_array(array) if name in exact else cast(as_array(array), compute), work
                )
                for name, array in zip(names, arrays, strict=True)
            }
            return cast(function(**arguments, **static), result)

        saves = None
        if self.saves is not None:
            wanted = tuple(self.saves(given))
            saves = tuple([place for place, name in enumerate(names) if name in wanted])
        return Plan(
            run,
            operands,
            (make_meta(shape, result, device, strides),),
            saves=saves,
            node_name=None if self.names is None else self.names(given, static),
        )


class PointwiseOfInput(Pointwise):
    """An operator whose numbers have no say in the dtype: it is that of ``input``."""

    def compute_dtype(self, operands: list[Operand], static: dict[str, Any], mode: Any) -> DType:
        meta = operands[0].meta
        assert meta is not None
        return meta.dtype


BOOL = frozenset((dtypes.bool_,))
#: The integers that PyTorch's kernels know; the wider unsigned ones mostly have none.
INTEGRAL = frozenset((dtypes.uint8, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64))
WIDE_UNSIGNED = frozenset((dtypes.uint16, dtypes.uint32, dtypes.uint64))
FLOATING = frozenset((dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64))
COMPLEX = frozenset((dtypes.complex64, dtypes.complex128))


def only(*groups: frozenset, kernel: str | None = None) -> Callable[[Op, DType], None]:
    """Return a check that refuses dtypes outside the groups, in the name of PyTorch's kernel."""
    known = frozenset().union(*groups)

    def check(op: Op, dtype: DType) -> None:
        if dtype not in known:
            raise messages.not_implemented(kernel or op.kernel, dtype._legacy_name)

    return check


def check_fits(number: int | float | complex, dtype: DType) -> None:
    """Refuse a Python number that an integer dtype cannot hold, as PyTorch's conversion does.

    Unsigned dtypes take negative ints too, which wrap around.
    """
    if is_inexact(dtype) or dtype is dtypes.bool_ or isinstance(number, bool):
        return
    if isinstance(number, complex):
        if number.imag:
            raise messages.overflow(c_type(dtype))
        number = number.real
    limits = np.iinfo(dtype._numpy)
    least = -limits.max if limits.min == 0 and isinstance(number, int) else limits.min
    if not least <= number <= limits.max:
        raise messages.overflow(c_type(dtype))
