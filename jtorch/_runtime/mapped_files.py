"""``torch.from_file``: a tensor of the bytes of a file."""

from __future__ import annotations

import mmap
import os
from typing import Any

import numpy as np

from .._core.device import CPU
from .._core.layout import strided
from .._core.schema.schema import Schema
from .._engine.declare import publish
from .._engine.execution import devices
from .._engine.memory.from_host import fresh_tensor
from .._engine.recording.trace import local

_FROM_FILE = Schema(
    "from_file(c10::string_view filename, bool? shared=None, int64_t? size=0, *, "
    "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, "
    "bool? requires_grad=False)"
)


def from_file(*args: Any, **kwargs: Any) -> Any:
    """Return a tensor of the elements that a file begins with, read when they are needed.

    Args:
        filename: the file.
        shared: whether writes go to the file, which is not supported.
        size: the number of elements.
        dtype: of the elements; the default dtype unless given.
        layout, device, pin_memory, requires_grad: as of ``torch.empty``; the CPU's memory only.

    Raises:
        RuntimeError: the file cannot be read, or is too short.
    """
    _, bound = _FROM_FILE.bind(args, kwargs)
    if bound.get("pin_memory"):
        raise RuntimeError("tensors constructed from a file cannot be pinned")
    if bound.get("shared"):
        raise NotImplementedError("torch.from_file: jtorch does not write to files through tensors")
    place = CPU if bound.get("device") is None else devices.resolve(bound["device"])
    if place is not CPU or bound.get("layout") not in (None, strided):
        raise NotImplementedError("torch.from_file: only strided tensors on the CPU")
    name, size = bound["filename"], bound.get("size") or 0
    dtype = bound.get("dtype") or local.trace.mode.default_dtype
    tensor = fresh_tensor(_mapped(name, size * dtype.itemsize).view(dtype._numpy), dtype, CPU)
    return tensor.requires_grad_() if bound.get("requires_grad") else tensor


def _mapped(name: str, nbytes: int) -> np.ndarray:
    try:
        descriptor = os.open(name, os.O_RDONLY)
    except OSError as error:
        raise RuntimeError(
            f"unable to open file <{name}> in read-only mode: {error.strerror} ({error.errno})"
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        length = os.fstat(file.fileno()).st_size
        if length < nbytes:
            raise RuntimeError(
                f"file <{name}> size <{length}> is smaller than the required mapping size "
                f"<{nbytes}>"
            )
        if nbytes < 0:
            raise RuntimeError(
                f"unable to mmap {nbytes} bytes from file <{name}>: Cannot allocate memory (12)"
            )
        if not nbytes:
            return np.zeros(0, np.uint8)
        mapped = mmap.mmap(file.fileno(), nbytes, access=mmap.ACCESS_COPY)
    return np.frombuffer(mapped, np.uint8)


from_file.__module__ = "torch"
publish("from_file", from_file)
