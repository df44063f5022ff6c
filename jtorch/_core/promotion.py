"""PyTorch's type promotion: which dtype an operator computes in, given its operands.

PyTorch ranks operands in three categories: tensors with dimensions, 0-d tensors, and Python
numbers.  Operands of one category promote among themselves by ``promote_types``; a lower category
then matters only if it is of a higher *kind* (bool < integer < floating point < complex).
"""

from __future__ import annotations

from collections.abc import Sequence

from .dtypes import (
    ALL,
    BOOL,
    COMPLEX,
    FLOAT8,
    FLOATING,
    SIGNED,
    bfloat16,
    bool_,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    int16,
    int64,
    make_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)

#: The categories of an operand, from the one that decides most to the one that decides least.
DIM, ZERO, NUMBER = "dim", "zero", "number"

#: The unsigned dtypes that promote with floating point only.
_BAREBONES_UNSIGNED = frozenset((uint16, uint32, uint64))
_FLOAT8 = frozenset(FLOAT8)

#: PyTorch's half-precision complex, which jtorch cannot hold.  It can still occur on the way to a
#: dtype that jtorch has, so it is a value here, and an error only as an answer.
_COMPLEX32 = make_dtype("complex32", complex64._numpy, COMPLEX, "ComplexHalf")

_COMPLEX_OF = {
    float16: _COMPLEX32,
    bfloat16: complex64,
    float32: complex64,
    float64: complex128,
}

#: Three operands at most are remembered, so that a call of many operands cannot fill the memory.
_REMEMBERED_OPERANDS = 3


def _unsupported(first: dtype, second: dtype) -> RuntimeError:
    """Return the error of two dtypes that PyTorch defines no promotion for."""
    float8 = first in _FLOAT8 or second in _FLOAT8
    which = "Promotion for Float8 Types" if float8 else "Promotion for uint16, uint32, uint64 types"
    return RuntimeError(
        f"{which} is not supported, attempted to promote "
        f"{first._legacy_name} and {second._legacy_name}"
    )


def _complex_of(real: dtype) -> dtype:
    found = _COMPLEX_OF.get(real)
    if found is None:
        raise RuntimeError(f"Unknown Complex ScalarType for {real._legacy_name}")
    return found


def _join(first: dtype, second: dtype) -> dtype | None:
    """Return the smallest dtype that both convert to, ``None`` where PyTorch defines none."""
    if first is second:
        return first
    if first in _FLOAT8 or second in _FLOAT8:
        return None
    low, high = (first, second) if first._kind <= second._kind else (second, first)
    if high._kind == FLOATING:
        if low._kind != FLOATING:
            return high
        # Neither of float16 and bfloat16 holds the other: they meet at float32.
        return float64 if float64 in (low, high) else float32
    if low in _BAREBONES_UNSIGNED or high in _BAREBONES_UNSIGNED:
        return None
    if high._kind == COMPLEX:
        return complex128 if low in (float64, complex128) else high
    if low is uint8 and high._kind == SIGNED:
        return high if high.itemsize > 1 else int16
    return high if high.itemsize >= low.itemsize else low


_JOINED: dict[tuple[dtype, dtype], dtype | None] = {
    (first, second): _join(first, second) for first in ALL for second in ALL
}

_CASTABLE: dict[tuple[dtype, dtype], bool] = {
    (source, target): not (
        (source.is_complex and not target.is_complex)
        or (source.is_floating_point and target._kind < FLOATING)
        or (source is not bool_ and target is bool_)
    )
    for source in ALL
    for target in ALL
}


def promote_types(first: dtype, second: dtype) -> dtype:
    """Return the dtype of smallest size and kind that both dtypes convert to.

    Args:
        first, second: the dtypes to promote.
    Returns:
        The common dtype.
    Raises:
        RuntimeError: one of them is a float8, or a uint16, uint32 or uint64, that PyTorch does
            not promote with the other.
    """
    joined = _JOINED[first, second]
    if joined is None:
        raise _unsupported(first, second)
    return joined


def can_cast(source: dtype, target: dtype) -> bool:
    """Return whether PyTorch lets a result of dtype ``source`` be written to ``target``.

    Args:
        source: dtype of the value.
        target: dtype of the place where it goes.
    Returns:
        False where the conversion would lose a kind: complex to real, floating point to integer,
        anything to bool.
    """
    return _CASTABLE[source, target]


def number_dtype(number: bool | int | float | complex) -> dtype:
    """Return the dtype that a Python number counts as among the operands of ``result_type``.

    Args:
        number: a Python number; subclasses count as their base.
    Returns:
        bool, int64, float64 or complex128; ``result_type`` lowers the last two to the default.
    Raises:
        TypeError: it is no number.
    """
    for kind, found in _NUMBER_DTYPES:
        if isinstance(number, kind):
            return found
    raise TypeError(f"{type(number).__name__} is not a Python number")


_NUMBER_DTYPES = ((bool, bool_), (int, int64), (float, float64), (complex, complex128))

_RESULTS: dict[tuple, dtype] = {}


def result_type(operands: Sequence[tuple[dtype, str]], default_dtype: dtype = float32) -> dtype:
    """Return the dtype that an operator computes in.

    Args:
        operands: ``(dtype, category)`` of each operand, in the order of the call; the category is
            ``DIM`` for a tensor with dimensions, ``ZERO`` for a 0-d tensor and ``NUMBER`` for a
            Python number (see ``number_dtype``).
        default_dtype: what a Python float is, and half of what a Python complex is.
    Returns:
        The promoted dtype.
    Raises:
        RuntimeError: PyTorch does not promote these dtypes.
        NotImplementedError: PyTorch's answer is complex32, which jtorch does not have.
    """
    key = (*operands, default_dtype)
    result = _RESULTS.get(key)
    if result is None:
        result = _result_type(operands, default_dtype)
        if len(operands) <= _REMEMBERED_OPERANDS:
            _RESULTS[key] = result
    return result


def _result_type(operands: Sequence[tuple[dtype, str]], default_dtype: dtype) -> dtype:
    best: dict[str, dtype | None] = {DIM: None, ZERO: None, NUMBER: None}
    for current, category in operands:
        if category == NUMBER:
            if current.is_floating_point:
                current = default_dtype
            elif current.is_complex:
                current = _complex_of(default_dtype)
        before = best[category]
        best[category] = current if before is None else _join_or_raise(before, current)
    result = _combine(best[DIM], _combine(best[ZERO], best[NUMBER]))
    if result is None:
        raise ValueError("result_type needs at least one operand")
    if result is _COMPLEX32:
        raise NotImplementedError(
            "jtorch has no torch.complex32 (ComplexHalf); convert the float16 operand to float32"
        )
    return result


def _join_or_raise(first: dtype, second: dtype) -> dtype:
    if _COMPLEX32 in (first, second):
        # Only Python numbers meet it, and their dtypes are bool, int64 and the default's own.
        return _COMPLEX32
    return promote_types(first, second)


def _combine(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """Return the dtype of two categories together, of which ``higher`` decides."""
    if higher is None or lower is None:
        return higher or lower
    if higher._kind == COMPLEX:
        return higher
    if higher._kind == FLOATING:
        return _complex_of(higher) if lower._kind == COMPLEX else higher
    if lower._kind == COMPLEX:
        # Here uint16 and complex64 do make complex64, although promote_types refuses the pair.
        return lower
    if higher._kind == BOOL or lower._kind == FLOATING:
        return promote_types(higher, lower)
    return higher
