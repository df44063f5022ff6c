"""From a tensor to Python and NumPy: ``item``, ``tolist``, ``numpy``, ``repr``, ``format``."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _printing
from ._core.device import default_device
from ._engine.declare import METHODS
from ._engine.storage import current_value
from ._engine.trace import local, materialise
from ._engine.values import LEAF, RESULT


def host_array(tensor: Any, reason: str) -> np.ndarray:
    """Return the elements as a NumPy array that must not be written to."""
    return np.asarray(materialise(current_value(tensor), reason))


def item(self: Any) -> Any:
    """Return the only element as a Python number."""
    value = current_value(self)
    if value.meta.numel != 1:
        raise RuntimeError(
            f"a Tensor with {value.meta.numel} elements cannot be converted to Scalar"
        )
    return materialise(value, "item").item()


def tolist(self: Any) -> Any:
    """Return the elements as nested lists, or as a number."""
    return host_array(self, "tolist").tolist()


def tensor_repr(self: Any, *, tensor_contents: Any = None) -> str:
    """Return what PyTorch prints."""
    value = current_value(self)
    meta = value.meta
    array = None if meta.device.type == "meta" else host_array(self, "print")
    grad_fn = self.grad_fn if meta.grad == RESULT else None
    cls = type(self)
    return _printing.format_tensor(
        array,
        dtype=meta.dtype,
        shape=meta.shape,
        device=str(meta.device),
        default_dtype=local.trace.mode.default_dtype,
        default_device_type=default_device().type,
        requires_grad=meta.grad == LEAF,
        grad_fn_name=None if grad_fn is None else type(grad_fn).__name__,
        class_name="tensor" if cls.__name__ == "Tensor" else cls.__name__,
        tensor_contents=tensor_contents,
    )


def tensor_format(self: Any, spec: str) -> str:
    """Format a tensor of one element like its number, any other like an object."""
    if current_value(self).meta.ndim == 0:
        return item(self).__format__(spec)
    return object.__format__(self, spec)


METHODS.update(
    item=item,
    tolist=tolist,
    __repr__=tensor_repr,
    __format__=tensor_format,
)
