"""What PyTorch's messages call the dtypes: three naming schemes, each in one place.

========================  ==============  ==========================================
scheme                    int64, float16  where
========================  ==============  ==========================================
scalar type               Long, Half      what most messages and kernels print
type name                 long int,       ``caffe2::TypeMeta``: the compiler's name
                          c10::Half
C type                    int64_t,        numbers that do not fit, templates' arguments
                          c10::Half
========================  ==============  ==========================================

The scalar type stands in the dtype itself (``dtype._legacy_name``): old storage and tensor classes
are called after it too.
"""

from __future__ import annotations

import numpy as np

from . import dtypes
from .dtypes import dtype as DType

_TYPE_NAMES = {
    dtypes.bool_: "bool",
    dtypes.uint8: "unsigned char",
    dtypes.uint16: "short unsigned int",
    dtypes.uint32: "unsigned int",
    dtypes.uint64: "long unsigned int",
    dtypes.int8: "signed char",
    dtypes.int16: "short int",
    dtypes.int32: "int",
    dtypes.int64: "long int",
    dtypes.float16: "c10::Half",
    dtypes.bfloat16: "c10::BFloat16",
    dtypes.float32: "float",
    dtypes.float64: "double",
    dtypes.complex64: "c10::complex<float>",
    dtypes.complex128: "c10::complex<double>",
    **{dtype: f"c10::{dtype._legacy_name}" for dtype in dtypes.FLOAT8},
}


def scalar_type(dtype: np.dtype) -> str:
    """Return the scalar type of a NumPy dtype (``Half`` for float16)."""
    return dtypes.BY_NUMPY[dtype]._legacy_name


def type_name(dtype: DType) -> str:
    """Return the compiler's name of a dtype (``long int`` for int64)."""
    return _TYPE_NAMES[dtype]


def type_name_of(scalar_type: str) -> str:
    """Return the compiler's name of a scalar type (``long int`` for ``Long``)."""
    return _TYPE_NAMES[dtypes.BY_LEGACY_NAME[scalar_type]]


def c_type(dtype: DType) -> str:
    """Return the C type of a dtype (``int64_t`` for int64; ``int`` for int32)."""
    if dtype in dtypes.INTEGERS and dtype is not dtypes.int32:
        return f"{dtype._name}_t"
    return _TYPE_NAMES[dtype]


#: Nodes that are none of an operator.
_OF_THE_ENGINE = ("AccumulateGrad", "CopyBackwards", "CopySlices")


def node_name(name: str) -> str:
    """Return the name of a node of the backward graph, with its namespace where it shows one."""
    return f"torch::autograd::{name}" if name in _OF_THE_ENGINE else name
