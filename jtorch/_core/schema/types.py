"""What a parameter of a signature accepts, and what it hands on: PyTorch's rules of its types.

The types of the upper layers (tensors, devices, generators, ...) are told to this module by
``set_type``; it imports none of them.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import dtypes
from ..dtypes import is_inexact
from . import messages

_REQUIRED = object()

#: NumPy's names that are taken for PyTorch's where PyTorch's own is absent.
_ALIASES = {
    "dim": ("axis",),
    "keepdim": ("keepdims",),
    "input": ("x", "a", "x1"),
    "other": ("x2",),
}

_PRINTED_TYPES = {
    "Tensor": "Tensor",
    "Scalar": "Number",
    "int64_t": "int",
    "SymInt": "int",
    "DeviceIndex": "int",
    "double": "float",
    "complex": "complex",
    "TensorList": "tuple of Tensors",
    "c10::List<::std::optional<Tensor>>": "tuple of Tensors",
    "IntArrayRef": "tuple of ints",
    "SymIntArrayRef": "tuple of ints",
    "ArrayRef<double>": "tuple of floats",
    "ScalarList": "tuple of Scalars",
    "Generator": "torch.Generator",
    "bool": "bool",
    "Storage": "torch.Storage",
    "Stream": "torch.Stream",
    "PyObject*": "object",
    "ScalarType": "torch.dtype",
    "Layout": "torch.layout",
    "MemoryFormat": "torch.memory_format",
    "QScheme": "torch.qscheme",
    "Device": "torch.device",
    "std::string": "str",
    "std::string_view": "str",
    "c10::string_view": "str",
    "DispatchKeySet": "DispatchKeySet",
}
TENSOR_LISTS = ("TensorList", "c10::List<::std::optional<Tensor>>")
INT_LISTS = ("IntArrayRef", "SymIntArrayRef")
_STRINGS = ("std::string", "std::string_view", "c10::string_view")
_DTYPES_OF_PYTHON_TYPES = {
    float: dtypes.float64,
    int: dtypes.int64,
    bool: dtypes.bool_,
    complex: dtypes.complex128,
}

#: Classes of the upper layers, by the name of the type in the signature language.
_classes: dict[str, type | tuple[type, ...]] = {"ScalarType": dtypes.dtype}


def set_type(kind: str, cls: type | tuple[type, ...]) -> None:
    """Tell which class (or classes) a type of the signature language stands for.

    Args:
        kind: ``"Tensor"``, ``"Device"``, ``"Layout"``, ``"MemoryFormat"``, ``"QScheme"``,
            ``"Generator"``, ``"Storage"``, ``"Stream"`` or ``"ScalarType"``.
        cls: the class or classes whose instances are accepted.
    """
    _classes[kind] = cls


def set_tensor_type(cls: type | tuple[type, ...]) -> None:
    """Tell which class a tensor is.

    Instances need ``ndim``, ``numel()``, ``dtype`` and ``requires_grad``, and ``__index__`` or
    ``__int__`` where they are taken for ints.
    """
    set_type("Tensor", cls)


def _instance(kind: str, value: object) -> bool:
    cls = _classes.get(kind)
    return cls is not None and isinstance(value, cls)


def is_tensor_like(value: object) -> bool:
    """Return whether ``value`` is a tensor or an object that overrides operators on itself."""
    return _instance("Tensor", value) or hasattr(type(value), "__torch_function__")


def is_index(value: Any) -> bool:
    """Return whether ``value`` can be a size or a position: an int or ``__index__``, no bool."""
    if value.__class__ is int:
        return True
    if isinstance(value, bool):
        return False
    if isinstance(value, (int, np.integer)):
        return True
    if _instance("Tensor", value):
        return _is_integral(value.dtype, True) and value.numel() == 1
    try:
        operator.index(value)
    except Exception:
        return False
    return True


def _is_integral(dtype: dtypes.dtype, with_bool: bool) -> bool:
    if is_inexact(dtype):
        return False
    return with_bool or "bool" not in repr(dtype)


def _is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, complex, np.number, np.bool_))


def _is_zero_dim(value: Any) -> bool:
    return _instance("Tensor", value) and value.ndim == 0 and not value.requires_grad


def _is_sequence(value: object) -> bool:
    return isinstance(value, (tuple, list))


class Parameter:
    """One parameter of a signature.

    Attributes:
        kind: type in the signature language, without ``[n]`` and ``?``.
        size: the n of ``[n]``, 0 where there is none.
        name: its name.
        default: value where it is not given, ``REQUIRED`` where it must be.
        allow_none: whether ``None`` is accepted.
        keyword_only: whether it can only be given by name.
        printed: how it appears in the list of signatures of an error.
    """

    __slots__ = (
        "aliases",
        "allow_none",
        "default",
        "keyword_only",
        "kind",
        "name",
        "numbers_as_tensors",
        "printed",
        "size",
    )

    def __init__(self, text: str, keyword_only: bool, numbers_as_tensors: bool):
        kind, _, rest = text.rpartition(" ") if "=" not in text else text.partition(" ")
        self.allow_none = kind.endswith("?")
        kind, _, size = kind.rstrip("?").partition("[")
        self.kind = kind
        self.size = int(size[:-1]) if size else 0
        self.name, has_default, default_text = rest.partition("=")
        self.keyword_only = keyword_only
        self.numbers_as_tensors = numbers_as_tensors
        self.aliases = _ALIASES.get(self.name, ())
        self.printed = f"{self.type_words} {self.name}"
        self.default: object = _REQUIRED
        if has_default:
            self.printed += f" = {default_text}"
            self.allow_none = self.allow_none or default_text == "None"
            self.default = self._parse_default(default_text)
            if self.default == ():
                self.allow_none = True

    @property
    def type_words(self) -> str:
        """The type as messages name it."""
        return _PRINTED_TYPES[self.kind]

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is _REQUIRED

    def _parse_default(self, text: str) -> object:
        if text == "None":
            return None
        if self.kind in INT_LISTS:
            if text.startswith("{"):
                return tuple(int(item) for item in text[1:-1].split(",") if item)
            return (int(text),) * self.size
        if self.kind == "bool":
            return text in ("True", "true")
        if self.kind == "double":
            return float(text)
        if self.kind in _STRINGS:
            return text[1:-1]
        try:
            return int(text)
        except ValueError:
            pass
        try:
            return float(text)
        except ValueError:
            return text

    def accepts(self, value: Any, argument_index: int) -> bool:
        """Return whether ``value`` has this parameter's type.

        Args:
            value: the argument.
            argument_index: where the parameter stands in its signature, for the message.
        Returns:
            Whether it fits. Of a list of ints only the first element is looked at, as in PyTorch.
        Raises:
            TypeError: a list of tensors holds something else.
        """
        kind = self.kind
        if kind == "Tensor":
            return is_tensor_like(value) or (self.numbers_as_tensors and _is_number(value))
        if kind in TENSOR_LISTS:
            if not _is_sequence(value):
                return False
            for index, element in enumerate(value):
                if not is_tensor_like(element):
                    raise messages.not_a_tensor_in_list(element, index, argument_index)
            return True
        if kind in INT_LISTS:
            if _is_sequence(value):
                return len(value) == 0 or is_index(value[0])
            return self.size > 0 and is_index(value)
        return _ACCEPTS[kind](value)

    def convert(self, function: str, value: Any) -> object:
        """Return ``value``, which was accepted, as the operator wants it.

        Ints, floats and lists of them become plain Python values (an int for ``[n]`` becomes n of
        them), NumPy scalars become Python numbers and Python types dtypes. Tensors, also those
        given for a ``Scalar``, and devices stay what they are.

        Raises:
            TypeError: an element of a list is not what the list should hold.
            ValueError, OverflowError: an int does not fit in 64 bits.
        """
        kind = self.kind
        if kind in INT_LISTS:
            if _is_sequence(value):
                return tuple(
                    self._convert_element(function, element, index)
                    for index, element in enumerate(value)
                )
            return (_to_int(value),) * self.size
        if kind == "ArrayRef<double>":
            elements = tuple(value)
            for index, element in enumerate(elements):
                if not _is_double(element):
                    raise messages.wrong_element(
                        function, self.name, None, self.type_words, element, index + 1
                    )
            return tuple(float(element) for element in elements)
        if kind == "ScalarList":
            return tuple(to_number(element) for element in value)
        if kind in ("int64_t", "SymInt", "DeviceIndex"):
            return _to_int(value)
        if kind == "double":
            return float(value)
        if kind == "Scalar" or (kind == "Tensor" and self.numbers_as_tensors):
            return to_number(value)
        if kind == "ScalarType":
            return _DTYPES_OF_PYTHON_TYPES.get(value, value)
        if kind in _STRINGS and isinstance(value, bytes):
            return value.decode()
        return value

    def _convert_element(self, function: str, element: Any, index: int) -> int:
        if isinstance(element, bool):
            return int(element)  # refused only as the first element
        if not is_index(element):
            reason = f"type must be {self.type_words},but got {messages.type_name(element)}"
            raise messages.unpack_failure(function, self.name, index, reason)
        symbolic = self.kind == "SymIntArrayRef"
        if symbolic and _instance("Tensor", element) and not _is_integral(element.dtype, False):
            raise RuntimeError(
                "Expected scalar.isIntegral( false) to be true, but got false.  (Could this error "
                "message be improved?  If so, please report an enhancement request to PyTorch.)"
            )
        try:
            return _to_int(element)
        except ValueError as error:
            raise messages.unpack_failure(function, self.name, index, str(error)) from None


def _is_double(value: object) -> bool:
    return isinstance(value, (int, float, np.number, np.bool_))


def _to_int(value: Any) -> int:
    number = operator.index(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return number


def to_number(value: Any) -> object:
    """Return a Python number for a number of NumPy's, anything else as it is."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        number = int(value)
        if number >= 2**63 and isinstance(value, np.integer):
            raise TypeError("an integer is required")
        if not -(2**63) <= number < 2**64:
            raise OverflowError("int too big to convert")
        return number
    if isinstance(value, (bool, float, complex)):
        return value
    # PyTorch 2.13 reads NumPy's bools and complex64 as floats too.
    return float(value) if isinstance(value, (np.number, np.bool_)) else value


_ACCEPTS: dict[str, Callable[[Any], bool]] = {
    "Scalar": lambda value: _is_number(value) or _is_zero_dim(value),
    "complex": lambda value: isinstance(value, complex) or _is_double(value) or _is_zero_dim(value),
    "double": lambda value: _is_double(value) or _is_zero_dim(value),
    "int64_t": lambda value: (
        _is_int(value) or (_is_zero_dim(value) and _is_integral(value.dtype, False))
    ),
    "SymInt": is_index,
    "DeviceIndex": _is_int,
    "ArrayRef<double>": lambda value: (
        _is_sequence(value) and (not value or isinstance(value[0], complex) or _is_double(value[0]))
    ),
    "ScalarList": lambda value: _is_sequence(value) and all(map(_is_number, value)),
    "bool": lambda value: isinstance(value, bool),
    "PyObject*": lambda value: True,
    "ScalarType": lambda value: (
        _instance("ScalarType", value)
        or (isinstance(value, type) and value in _DTYPES_OF_PYTHON_TYPES)
    ),
    "Device": lambda value: (
        _is_int(value) or isinstance(value, (str, bytes)) or _instance("Device", value)
    ),
    "DispatchKeySet": lambda value: _instance("DispatchKeySet", value),
}
for _kind in _STRINGS:
    _ACCEPTS[_kind] = lambda value: isinstance(value, (str, bytes))
for _kind in ("Generator", "Layout", "MemoryFormat", "QScheme", "Storage", "Stream"):
    _ACCEPTS[_kind] = functools.partial(_instance, _kind)
