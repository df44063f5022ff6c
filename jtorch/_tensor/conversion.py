"""From a tensor to Python: ``item``, ``tolist``, ``repr``, ``format``, ``float(t)``, ``if t``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._core import messages, once
from .._core.device import META, current_index
from .._core.dtypes import is_inexact
from .._engine.backward.levels import levels, shown
from .._engine.declare import publish
from .._engine.graph.values import LEAF, NO_GRAD, RESULT
from .._engine.recording import record
from .._engine.recording.storage import current_value
from .._engine.recording.trace import local, materialise
from . import printing as _printing
from .constructors import tensor as tensor_function


def host_array(tensor: Any, reason: str) -> np.ndarray:
    """Return the elements as a NumPy array that must not be written to."""
    value = current_value(tensor)
    if value.meta.device is META:
        raise NotImplementedError("Cannot copy out of meta tensor; no data!")
    return np.asarray(materialise(value, reason))


def _python_number(array: Any) -> Any:
    number = array.item()
    # NumPy has no Python number of its own for the small floats.
    return number if number.__class__ in _PYTHON_NUMBERS else float(number)


_PYTHON_NUMBERS = frozenset((bool, int, float, complex))


def item(self: Any) -> Any:
    """Return the only element as a Python number.

    Raises:
        RuntimeError: there is not exactly one element.
    """
    value = self._value if self._alias is None else current_value(self)
    meta = value.meta
    if meta.numel != 1:
        raise RuntimeError(f"a Tensor with {meta.numel} elements cannot be converted to Scalar")
    array = value.array
    if meta.device is META:
        raise messages.no_meta_kernel("item")
    if array is None:
        array = materialise(value, "item")
    return _python_number(np.asarray(array))  # of an array of JAX ``item`` takes twice as long


def tolist(self: Any) -> Any:
    """Return the elements as nested lists, or as a number."""
    array = host_array(self, "tolist")
    if array.dtype.kind == "V" or (array.dtype.itemsize == 1 and array.dtype.kind not in "biu"):
        array = array.astype(np.float32)
    if array.dtype.kind == "f" or array.dtype.kind in "biuc":
        return array.tolist()
    return array.astype(np.float32).tolist()


def tensor_repr(self: Any, *, tensor_contents: Any = None) -> str:
    """Return what PyTorch prints."""
    if levels.stack and tensor_contents is None:
        return shown(self, _plain_repr, len(levels.stack))
    return _plain_repr(self, tensor_contents)


def _plain_repr(self: Any, tensor_contents: Any = None) -> str:
    value = current_value(self)
    meta = value.meta
    array = None if meta.device is META else host_array(self, "print")
    grad_fn = self.grad_fn if meta.grad == RESULT else None
    cls = type(self)
    is_parameter = isinstance(self, record.Parameter)
    is_plain = cls is record.Tensor or cls is record.Parameter or cls.__name__ == "Tensor"
    text = _printing.format_tensor(
        array,
        dtype=meta.dtype,
        shape=meta.shape,
        device=str(meta.device),
        default_dtype=local.trace.mode.default_dtype,
        default_device_type=default_tensor_device[0],
        current_device_index=current_index(),
        requires_grad=meta.grad == LEAF,
        grad_fn_name=None if grad_fn is None else type(grad_fn).__name__,
        class_name="tensor" if is_plain else cls.__name__,
        tensor_contents=tensor_contents,
    )
    return f"Parameter({text})" if is_parameter and not is_plain else text


#: The type of device that ``set_default_tensor_type`` chose: tensors there print no device.
default_tensor_device = ["cpu"]


def tensor_format(self: Any, spec: str) -> str:
    """Format a tensor without dimensions like its number, any other like an object."""
    meta = current_value(self).meta
    if meta.ndim == 0 and meta.device is not META and type(self).__name__ == "Tensor":
        return item(self).__format__(spec)
    if spec:
        raise TypeError(f"unsupported format string passed to {type(self).__name__}.__format__")
    return str(self)


def _single(self: Any, kind: str) -> Any:
    """Return the only element, for ``float(t)`` and the like."""
    value = current_value(self)
    if value.meta.numel != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    if value.meta.grad != NO_GRAD and local.trace.mode.grad:
        once.warn(
            "scalar",
            "Converting a tensor with requires_grad=True to a scalar may lead to unexpected "
            "behavior.\nConsider using tensor.detach() first.",
        )
    number = item(self)
    if number.__class__ is complex and kind != "complex":
        if number.imag:
            raise RuntimeError(f"value cannot be converted to type {kind} without overflow")
        return number.real
    return number


def to_float(self: Any) -> float:
    """Return the only element as a float."""
    return float(_single(self, "double"))


def to_int(self: Any) -> int:
    """Return the only element as an int."""
    return int(_single(self, "int64_t"))


def to_complex(self: Any) -> complex:
    """Return the only element as a complex number."""
    return complex(_single(self, "complex"))


def to_index(self: Any) -> int:
    """Return the only element as an index."""
    meta = current_value(self).meta
    if is_inexact(meta.dtype) or meta.numel != 1:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(item(self))


def to_bool(self: Any) -> bool:
    """Return whether the only element is not zero.

    Raises:
        RuntimeError: there is not exactly one element.
    """
    value = self._value if self._alias is None else current_value(self)
    count = value.meta.numel
    if count != 1:
        description = "no values" if count == 0 else "more than one value"
        raise RuntimeError(f"Boolean value of Tensor with {description} is ambiguous")
    if local.trace.captures:
        return bool(np.asarray(materialise(current_value(self), "bool")))
    return bool(item(self))


def to_dir(self: Any) -> list[str]:
    """Return the names of the attributes that can be read."""
    names = set(dir(type(self))) | set(self.__dict__)
    names -= {"volatile", "__cuda_array_interface__"}
    return sorted(names)


def apply_(self: Any, callable: Any) -> Any:
    """Replace each element by what a Python function makes of it; slow, for the CPU only."""
    if self.device.type != "cpu":
        raise TypeError("apply_ is only implemented on CPU tensors")
    if self.requires_grad:
        raise TypeError("apply_ can't be called on Tensors that require grad")
    return _replaced(self, [callable(number) for number in _flat(self)])


def map_(self: Any, tensor: Any, callable: Any) -> Any:
    """Replace each element by what a Python function makes of it and of another tensor's."""
    if self.requires_grad:
        raise TypeError("Can't call map_() on Variable that requires grad")
    other = _flat(tensor.expand_as(self))
    return _replaced(self, [callable(*numbers) for numbers in zip(_flat(self), other, strict=True)])


def _flat(tensor: Any) -> list:
    return tensor.reshape(-1).tolist()


def _replaced(tensor: Any, elements: list) -> Any:
    new = tensor_function(elements, dtype=tensor.dtype)
    return tensor.copy_(new.reshape(tensor.shape))


publish("apply_", method=apply_)
publish("map_", method=map_, refused=("(Tensor input, Tensor other, PyObject* callable)",))
publish("item", method=item)
publish("tolist", method=tolist, refused=("(Tensor input)",))
publish("__repr__", method=tensor_repr)
publish("__format__", method=tensor_format)
publish("__float__", method=to_float)
publish("__int__", method=to_int)
publish("__complex__", method=to_complex)
publish("__index__", method=to_index)
publish("__bool__", method=to_bool)
publish("__nonzero__", method=to_bool)
publish("__long__", method=to_int)
publish("is_nonzero", method=to_bool, refused=("(Tensor input)",))
publish("__dir__", method=to_dir)
