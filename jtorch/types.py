"""Names of types for annotations: ``torch.types``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO

import jtorch as torch

from ._core.device import Device as _device
from ._core.dtypes import dtype
from ._tensor.tensor import Tensor

__all__ = ["Device", "FileLike", "Number", "Storage"]

Storage = torch.UntypedStorage
Number = int | float | bool
Device = _device | str | int | None
FileLike = str | os.PathLike[str] | IO[bytes]
# jtorch has no symbolic numbers: shapes are numbers.
IntLikeType, FloatLikeType, BoolLikeType = int, float, bool

# For annotations in classes whose attributes have the plain names.
_bool, _bytes, _complex, _float, _int, _str = bool, bytes, complex, float, int, str
_dtype, _layout = dtype, torch.layout
_Number = (int, float, bool)
_size = torch.Size | list[int] | tuple[int, ...]
_TensorOrTensors = Tensor | Sequence[Tensor]
_TensorOrOptionalTensors = Tensor | Sequence[Tensor | None]
