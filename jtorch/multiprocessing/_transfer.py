"""How tensors travel between processes.

Elements go through a file in memory that the kernel frees with its last user (``memfd``), handed
over as a descriptor; small tensors travel in the message itself. The receiver gets a tensor of its
own: unlike PyTorch's, memory is not shared afterwards, since arrays here are never written to.
"""

from __future__ import annotations

import mmap
import os
from multiprocessing import reduction
from typing import Any

import numpy as np

from .._core import dtypes
from .._engine.execution.devices import resolve
from .._engine.memory.from_host import fresh_tensor
from .._tensor.conversion import host_array
from .._tensor.tensor import Tensor

#: Bytes from which a file in memory is cheaper than the message (two copies through a pipe).
_LARGE = 1 << 16


def _reduce_tensor(tensor: Tensor) -> tuple[Any, tuple]:
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, "
            "since autograd does not support crossing process boundaries.  "
            "If you just want to transfer the data, call detach() on the tensor "
            "before serializing (e.g., putting it on the queue)."
        )
    array = np.ascontiguousarray(host_array(tensor, "sent to another process"))
    described = (tensor.dtype._name, tuple(tensor.shape), str(tensor.device), tensor.requires_grad)
    if array.nbytes < _LARGE or not hasattr(os, "memfd_create"):
        return _rebuild_tensor, (array.tobytes(), *described)
    descriptor = os.memfd_create("jtorch")
    try:
        os.truncate(descriptor, array.nbytes)
        with mmap.mmap(descriptor, array.nbytes) as memory:
            np.frombuffer(memory, np.uint8)[:] = array.view(np.uint8).reshape(-1)
        handle = reduction.DupFd(descriptor)
    finally:
        os.close(descriptor)
    return _rebuild_from_file, (handle, array.nbytes, *described)


def _rebuild_tensor(
    content: Any, dtype: str, shape: tuple[int, ...], device: str, requires_grad: bool
) -> Tensor:
    kind = dtypes.BY_NAME[dtype]
    array = np.frombuffer(content, kind._numpy).reshape(shape)
    return fresh_tensor(array, kind, resolve(device), requires_grad)


def _rebuild_from_file(handle: Any, size: int, *described: Any) -> Tensor:
    descriptor = handle.detach()
    try:
        memory = mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)
    return _rebuild_tensor(memory, *described)


def register(*classes: type) -> None:
    """Let the classes, which are tensors, cross process boundaries as described above."""
    for each in classes:
        reduction.ForkingPickler.register(each, _reduce_tensor)


register(Tensor)
