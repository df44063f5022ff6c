"""Nested Python data as a NumPy array, by PyTorch's rules of dtype and shape.

Numbers are what most data consist of: they are collected row by row and handed to NumPy. Whatever
does not fit that (tensors and NumPy arrays inside, ragged rows, numbers out of range, things that
are no numbers) is gone through once more, element by element, in PyTorch's order, to give PyTorch's
result or error.
"""

from __future__ import annotations

import operator
import warnings
from typing import Any

import numpy as np

from .._core import dtypes, messages
from .._core.dtypes import dtype as DType
from .._core.promotion import promote_types
from .._engine.graph.values import is_tensor
from .._engine.memory.from_jax import from_jax, is_jax
from . import _messages

_MOST_DIMENSIONS = 128
_PLAIN = frozenset((bool, int, float, complex))
_LEAST_INT, _MOST_INT = -(2**63), 2**63 - 1


class _Uneven(Exception):
    """The data are not plain numbers in even rows."""


def array_of_nested(
    data: Any, dtype: DType | None, default_dtype: DType
) -> tuple[np.ndarray, DType]:
    """Return a fresh array of nested sequences of numbers, and its dtype.

    Args:
        data: a number, or a sequence of numbers, tensors and sequences.
        dtype: the dtype, ``None`` for that of the data.
        default_dtype: the dtype of Python floats.
    Raises:
        TypeError, ValueError, RuntimeError, OverflowError: as PyTorch does.
    """
    try:
        return _plain_array(data, dtype, default_dtype)
    except (_Uneven, OverflowError, ValueError, TypeError):
        pass
    if isinstance(data, (str, bytes)):
        raise _messages.invalid_data(data)
    data = _with_tensors(data)
    shape = _sizes(data)
    if dtype is None:
        dtype = _inferred(data, default_dtype, [False])
    array = np.zeros(shape, dtype._numpy)
    if array.size:
        flat = array.reshape(-1)
        _store(data, shape, 0, flat, [0], _STORES.get(dtype._kind, _store_float), dtype)
    return array, dtype


def _plain_array(data: Any, dtype: DType | None, default_dtype: DType) -> tuple[np.ndarray, DType]:
    cls = data.__class__
    if cls is list or cls is tuple:
        shape: list[int] = []
        inner = data
        while inner.__class__ is list or inner.__class__ is tuple:
            shape.append(len(inner))
            if not inner:
                raise _Uneven
            inner = inner[0]
        flat = _flattened(data, shape, 0)
        kinds = set(map(type, flat))
    elif cls in _PLAIN:
        shape, flat, kinds = [], data, {cls}
    else:
        raise _Uneven
    if not kinds <= _PLAIN:
        raise _Uneven
    if dtype is None:
        if complex in kinds:
            dtype = _complex_default(default_dtype)
        elif float in kinds:
            dtype = default_dtype
        else:
            dtype = dtypes.int64 if int in kinds else dtypes.bool_
    elif complex in kinds and not dtype.is_complex:
        raise _Uneven
    return _converted(flat, dtype, kinds).reshape(shape), dtype


def _flattened(data: Any, shape: list[int], dim: int) -> Any:
    if len(data) != shape[dim]:
        raise _Uneven
    if dim == len(shape) - 1:
        return data
    flat: list[Any] = []
    for row in data:
        if row.__class__ is not list and row.__class__ is not tuple:
            raise _Uneven
        flat += _flattened(row, shape, dim + 1)
    return flat


def _converted(flat: Any, dtype: DType, kinds: set[type]) -> np.ndarray:
    kind = dtype._kind
    if kind == dtypes.FLOATING and dtype is not dtypes.float64:
        # As in PyTorch: to double, to float, and to what is narrower still.
        if flat.__class__ is float and dtype is dtypes.float32 and abs(flat) < 3e38:
            return np.array(flat, np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.array(flat, np.float64).astype(np.float32)
            return array if dtype is dtypes.float32 else array.astype(dtype._numpy)
    integral = kind in (dtypes.SIGNED, dtypes.UNSIGNED)
    if integral and dtype is not dtypes.int64 and not kinds <= {int, bool}:
        raise _Uneven
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(flat, dtype._numpy)


# Element by element


def _with_tensors(data: Any) -> Any:
    """Return nested lists with a tensor for each array of JAX in them."""
    if data.__class__ in (list, tuple):
        return [_with_tensors(element) for element in data]
    return from_jax(data) if is_jax(data) else data


def _is_sequence(value: Any) -> bool:
    if isinstance(value, (list, tuple, str, bytes, range)):
        return True
    if is_tensor(value) or isinstance(value, (dict, set, frozenset, np.generic)):
        return False
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    cls = type(value)
    return hasattr(cls, "__getitem__") and hasattr(cls, "__len__")


def _sizes(data: Any) -> tuple[int, ...]:
    sizes: list[int] = []
    while _is_sequence(data):
        length = len(data)
        sizes.append(length)
        if len(sizes) > _MOST_DIMENSIONS:
            raise _messages.too_many_dimensions(data)
        if length == 0:
            break
        data = data[0]
    return tuple(sizes)


def _complex_default(default_dtype: DType) -> DType:
    """Return the dtype of Python's complex numbers.

    Raises:
        RuntimeError: floats are bfloat16 by default.
        NotImplementedError: they are float16.
    """
    if default_dtype is dtypes.bfloat16:
        raise RuntimeError("invalid default scalar type for complex")
    if default_dtype is dtypes.float16:
        raise NotImplementedError(
            "jtorch has no torch.complex32 (ComplexHalf), which complex numbers become while the "
            "default dtype is float16; give a dtype"
        )
    return default_dtype.to_complex()


def _inferred(value: Any, default_dtype: DType, warned: list[bool]) -> DType:
    if isinstance(value, (np.ndarray, np.generic)):
        dtype = dtypes.from_numpy(value.dtype)
        if dtype is None:
            raise _messages.numpy_type(value.dtype)
        if isinstance(value, np.ndarray) and value.ndim and not warned[0]:
            warned[0] = True
            warnings.warn(_messages.list_of_arrays(), UserWarning, stacklevel=2)
        return dtype
    if isinstance(value, float):
        return default_dtype
    if isinstance(value, bool):
        return dtypes.bool_
    if isinstance(value, int):
        return dtypes.int64
    if isinstance(value, complex):
        return _complex_default(default_dtype)
    if is_tensor(value):
        return value.dtype
    if isinstance(value, (str, bytes)):
        raise _messages.invalid_data(value)
    if not _is_sequence(value):
        raise _messages.cannot_infer(value)
    if len(value) == 0:
        return default_dtype
    result: DType | None = None
    for element in value:
        its = _inferred(element, default_dtype, warned)
        result = its if result is None else promote_types(result, its)
        if result is dtypes.complex128:
            break
    assert result is not None
    return result


def _store(
    data: Any,
    shape: tuple[int, ...],
    dim: int,
    flat: np.ndarray,
    place: list[int],
    convert: Any,
    dtype: DType,
) -> None:
    if dim == len(shape):
        flat[place[0]] = convert(data, dtype)
        place[0] += 1
        return
    if not _is_sequence(data):
        if is_tensor(data) and data.ndim:
            data = list(data)
        else:
            raise TypeError("not a sequence")
    if len(data) != shape[dim]:
        raise _messages.ragged(shape[dim], dim, len(data))
    for element in data:
        _store(element, shape, dim + 1, flat, place, convert, dtype)


def _number(value: Any) -> Any:
    """Return the number of a tensor of one element; anything else as it is."""
    return value.item() if is_tensor(value) else value


def _store_integer(value: Any, dtype: DType) -> Any:
    if dtype is dtypes.uint64:
        number = operator.index(value)
        if number < 0:
            raise OverflowError("can't convert negative int to unsigned")
        if number >= 2**64:
            raise OverflowError("int too big to convert")
        return number
    if isinstance(value, (float, np.floating)):
        if value != value or not _LEAST_INT <= value <= _MOST_INT:
            raise messages.overflow(dtype._name)
        number = int(value)
    elif isinstance(value, np.bool_):
        raise TypeError("'numpy.bool' object cannot be interpreted as an integer")
    elif is_tensor(value) and value.dtype.is_floating_point:
        number = int(value.item())
    else:
        number = operator.index(value)
    if not _LEAST_INT <= number <= _MOST_INT:
        raise _messages.long_overflow()
    bits = 8 * dtype.itemsize
    if dtype._kind == dtypes.UNSIGNED:
        if not -(2**bits) < number < 2**bits:
            raise messages.overflow(dtype._name)
        return number % 2**bits
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise messages.overflow(dtype._name)
    return number


def _store_float(value: Any, dtype: DType) -> Any:
    if is_tensor(value):
        if value.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        number = value.item()
        number = number.real if isinstance(number, complex) else number
    else:
        number = value
    real = hasattr(type(number), "__float__") or hasattr(type(number), "__index__")
    if isinstance(number, complex) or not real:
        raise TypeError(f"must be real number, not {type(number).__name__}")
    with np.errstate(over="ignore", invalid="ignore"):
        double = np.float64(float(number))
        if dtype is dtypes.float64:
            return double
        return np.float32(double).astype(dtype._numpy)


def _store_complex(value: Any, dtype: DType) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        return complex(_number(value))


def _store_bool(value: Any, dtype: DType) -> Any:
    return bool(value)


_STORES = {
    dtypes.BOOL: _store_bool,
    dtypes.UNSIGNED: _store_integer,
    dtypes.SIGNED: _store_integer,
    dtypes.FLOATING: _store_float,
    dtypes.COMPLEX: _store_complex,
}
