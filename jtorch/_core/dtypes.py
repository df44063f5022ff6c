"""PyTorch's dtypes and the NumPy (or ml_dtypes) dtype that holds each one."""

from __future__ import annotations

from inspect import Signature
from typing import Any

import ml_dtypes
import numpy as np

BOOL, UNSIGNED, SIGNED, FLOATING, COMPLEX = range(5)


class dtype:
    """A data type of a tensor's elements, such as ``jtorch.float32``.

    Instances are singletons: compare them with ``is`` or ``==``.

    Attributes:
        itemsize: bytes of one element.
        is_floating_point, is_complex, is_signed: what kind of number it holds.
    """

    __slots__ = (
        "_name",
        "_numpy",
        "_kind",
        "_legacy_name",
        "itemsize",
        "is_floating_point",
        "is_complex",
        "is_signed",
        "__weakref__",
    )
    __module__ = "torch"

    __signature__ = Signature()
    _name: str
    _numpy: np.dtype
    _kind: int
    _legacy_name: str
    itemsize: int
    is_floating_point: bool
    is_complex: bool
    is_signed: bool

    def __new__(cls, *args: object, **kwargs: object) -> dtype:
        raise TypeError("cannot create 'torch.dtype' instances")

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name

    def __copy__(self) -> dtype:
        return self

    def __deepcopy__(self, memo: dict) -> dtype:
        return self

    def to_real(self) -> dtype:
        """Return the dtype of one component of a complex dtype, itself for a real one."""
        return _REAL_OF.get(self, self)

    def to_complex(self) -> dtype:
        """Return the complex dtype whose components have this dtype."""
        return _COMPLEX_OF.get(self, self)


def make_dtype(name: str, numpy_dtype: Any, kind: int, legacy_name: str) -> dtype:
    made = object.__new__(dtype)
    made._name = name
    made._numpy = np.dtype(numpy_dtype)
    made._kind = kind
    made._legacy_name = legacy_name
    made.itemsize = made._numpy.itemsize
    made.is_floating_point = kind == FLOATING
    made.is_complex = kind == COMPLEX
    made.is_signed = kind not in (BOOL, UNSIGNED) and name != "float8_e8m0fnu"
    return made


bool_ = make_dtype("bool", np.bool_, BOOL, "Bool")
uint8 = make_dtype("uint8", np.uint8, UNSIGNED, "Byte")
uint16 = make_dtype("uint16", np.uint16, UNSIGNED, "UInt16")
uint32 = make_dtype("uint32", np.uint32, UNSIGNED, "UInt32")
uint64 = make_dtype("uint64", np.uint64, UNSIGNED, "UInt64")
int8 = make_dtype("int8", np.int8, SIGNED, "Char")
int16 = make_dtype("int16", np.int16, SIGNED, "Short")
int32 = make_dtype("int32", np.int32, SIGNED, "Int")
int64 = make_dtype("int64", np.int64, SIGNED, "Long")
float16 = make_dtype("float16", np.float16, FLOATING, "Half")
bfloat16 = make_dtype("bfloat16", ml_dtypes.bfloat16, FLOATING, "BFloat16")
float32 = make_dtype("float32", np.float32, FLOATING, "Float")
float64 = make_dtype("float64", np.float64, FLOATING, "Double")
complex64 = make_dtype("complex64", np.complex64, COMPLEX, "ComplexFloat")
complex128 = make_dtype("complex128", np.complex128, COMPLEX, "ComplexDouble")
float8_e4m3fn = make_dtype("float8_e4m3fn", ml_dtypes.float8_e4m3fn, FLOATING, "Float8_e4m3fn")
float8_e4m3fnuz = make_dtype(
    "float8_e4m3fnuz", ml_dtypes.float8_e4m3fnuz, FLOATING, "Float8_e4m3fnuz"
)
float8_e5m2 = make_dtype("float8_e5m2", ml_dtypes.float8_e5m2, FLOATING, "Float8_e5m2")
float8_e5m2fnuz = make_dtype(
    "float8_e5m2fnuz", ml_dtypes.float8_e5m2fnuz, FLOATING, "Float8_e5m2fnuz"
)
float8_e8m0fnu = make_dtype("float8_e8m0fnu", ml_dtypes.float8_e8m0fnu, FLOATING, "Float8_e8m0fnu")

ALL = (
    bool_, uint8, uint16, uint32, uint64, int8, int16, int32, int64, float16, bfloat16, float32,
    float64, complex64, complex128, float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz,
    float8_e8m0fnu,
)  # fmt: skip
FLOAT8 = (float8_e4m3fn, float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz, float8_e8m0fnu)
INTEGERS = (uint8, uint16, uint32, uint64, int8, int16, int32, int64)

BY_NAME = {d._name: d for d in ALL}
BY_NUMPY = {d._numpy: d for d in ALL}
BY_LEGACY_NAME = {d._legacy_name: d for d in ALL}

#: PyTorch's other spellings of the same dtypes.
ALIASES = {
    "half": float16,
    "float": float32,
    "double": float64,
    "cfloat": complex64,
    "cdouble": complex128,
    "short": int16,
    "int": int32,
    "long": int64,
}

_REAL_OF = {complex64: float32, complex128: float64}
_COMPLEX_OF = {
    float32: complex64,
    float64: complex128,
    bfloat16: complex64,
}


def from_numpy(numpy_dtype: Any) -> dtype | None:
    """Return the dtype that holds ``numpy_dtype``, or ``None`` where PyTorch has none."""
    return BY_NUMPY.get(np.dtype(numpy_dtype).newbyteorder("="))


#: Floating point dtypes of two bytes; most kernels compute in float32 and round once.
HALVES = frozenset((float16, bfloat16))


def is_inexact(dtype: dtype) -> bool:
    """Tell whether a dtype is floating point or complex: one that gradients can flow through."""
    return dtype.is_floating_point or dtype.is_complex


def working_dtype(dtype: dtype) -> dtype:
    """Return the dtype that PyTorch's CPU kernels compute in: float32 for float16 and bfloat16."""
    return float32 if dtype in HALVES else dtype
