"""Old classes of sparse tensors, ``torch.sparse.FloatTensor`` and others: constructors by dtype."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._core import dtypes
from ._construction import sparse_coo_tensor

_DTYPES = {
    "DoubleTensor": dtypes.float64,
    "FloatTensor": dtypes.float32,
    "LongTensor": dtypes.int64,
    "IntTensor": dtypes.int32,
    "ShortTensor": dtypes.int16,
    "CharTensor": dtypes.int8,
    "ByteTensor": dtypes.uint8,
    "BFloat16Tensor": dtypes.bfloat16,
}


class _SparseType(type):
    """The class of these classes: a tensor of the dtype and layout counts as an instance."""

    _dtype: Any

    def __instancecheck__(cls, instance: Any) -> bool:
        return bool(getattr(instance, "is_sparse", False)) and instance.dtype is cls._dtype

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a tensor of indices and values, or without elements of some sizes."""
        device = kwargs.pop("device", None)
        if all(isinstance(each, int) for each in args) and not kwargs:
            return sparse_coo_tensor(tuple(args), dtype=cls._dtype, device=device)
        if len(args) == 1 and isinstance(args[0], torch.Size):
            return sparse_coo_tensor(tuple(args[0]), dtype=cls._dtype, device=device)
        indices, values = args[:2]
        if values.dtype is not cls._dtype:
            raise TypeError(f"expected {cls._dtype!r} values, but got {values.dtype!r}")
        return sparse_coo_tensor(indices, values, *args[2:], **kwargs, device=device)


def _make(name: str, dtype: Any) -> Any:
    return _SparseType(name, (), {"_dtype": dtype, "__module__": "torch.sparse", "dtype": dtype})


TYPES = {name: _make(name, dtype) for name, dtype in _DTYPES.items()}
