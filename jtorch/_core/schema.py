"""Binding of a call's arguments to an operator's signatures, with PyTorch's rules and words.

A signature is a line of PyTorch's own argument language::

    sum(Tensor input, IntArrayRef[1]? dim, bool keepdim=False, *, ScalarType? dtype=None,
        Tensor out=None)

Types: ``Tensor``, ``TensorList``, ``Scalar`` (number or 0-d tensor), ``int64_t``, ``SymInt`` (an
int too, but accepts whatever has ``__index__``), ``double``, ``complex``, ``bool``, the lists
``IntArrayRef``, ``SymIntArrayRef``, ``ArrayRef<double>`` and ``ScalarList``, ``ScalarType`` (a
dtype), ``Layout``, ``MemoryFormat``, ``QScheme``, ``Device``, ``Generator``, ``Storage``,
``Stream``, ``std::string`` and ``PyObject*``. ``[n]`` after a list lets one element stand for n;
``?`` lets ``None`` pass. A line may end in ``|deprecated`` or ``|hidden``.

This is the slow path: it runs once for each place of a program, never on a hit.
"""

from __future__ import annotations

import functools
import operator
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from . import dtypes
from . import schema_messages as messages

_REQUIRED = object()

#: NumPy's names that are taken for PyTorch's where PyTorch's own is absent.
_ALIASES = {
    "dim": ("axis",),
    "keepdim": ("keepdims",),
    "input": ("x", "a", "x1"),
    "other": ("x2",),
}

#: Functions whose tensors may be given as Python numbers (their in-place and out forms too).
_NUMBERS_AS_TENSORS = {
    "add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "floor_divide",
    "to", "_to_copy", "copy",
}  # fmt: skip

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
_TENSOR_LISTS = ("TensorList", "c10::List<::std::optional<Tensor>>")
_INT_LISTS = ("IntArrayRef", "SymIntArrayRef")
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


def is_index(value: object) -> bool:
    """Return whether ``value`` can be a size or a position: an int or ``__index__``, no bool."""
    if value.__class__ is int:
        return True
    if isinstance(value, bool):
        return False
    if isinstance(value, (int, np.integer)):
        return True
    if _instance("Tensor", value):
        return _is_integral(value.dtype, True) and value.numel() == 1  # type: ignore[attr-defined]
    try:
        operator.index(value)  # type: ignore[arg-type]
    except Exception:
        return False
    return True


def _is_integral(dtype: dtypes.dtype, with_bool: bool) -> bool:
    if dtype.is_floating_point or dtype.is_complex:
        return False
    return with_bool or "bool" not in repr(dtype)


def _is_int(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, complex, np.number, np.bool_))


def _is_zero_dim(value: object) -> bool:
    return (
        _instance("Tensor", value) and value.ndim == 0 and not value.requires_grad  # type: ignore[attr-defined]
    )


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
        if self.kind in _INT_LISTS:
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

    def accepts(self, value: object, argument_index: int) -> bool:
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
        if kind in _TENSOR_LISTS:
            if not _is_sequence(value):
                return False
            for index, element in enumerate(value):  # type: ignore[arg-type]
                if not is_tensor_like(element):
                    raise messages.not_a_tensor_in_list(element, index, argument_index)
            return True
        if kind in _INT_LISTS:
            if _is_sequence(value):
                return len(value) == 0 or is_index(value[0])  # type: ignore[arg-type, index]
            return self.size > 0 and is_index(value)
        return _ACCEPTS[kind](value)

    def convert(self, function: str, value: object) -> object:
        """Return ``value``, which was accepted, as the operator wants it.

        Ints, floats and lists of them become plain Python values (an int for ``[n]`` becomes n of
        them), NumPy scalars become Python numbers and Python types dtypes. Tensors, also those
        given for a ``Scalar``, and devices stay what they are.

        Raises:
            TypeError: an element of a list is not what the list should hold.
            ValueError, OverflowError: an int does not fit in 64 bits.
        """
        kind = self.kind
        if kind in _INT_LISTS:
            if _is_sequence(value):
                return tuple(
                    self._convert_element(function, element, index)
                    for index, element in enumerate(value)  # type: ignore[arg-type]
                )
            return (_to_int(value),) * self.size
        if kind == "ArrayRef<double>":
            elements = tuple(value)  # type: ignore[arg-type]
            for index, element in enumerate(elements):
                if not _is_double(element):
                    raise messages.wrong_element(
                        function, self.name, None, self.type_words, element, index + 1
                    )
            return tuple(float(element) for element in elements)
        if kind == "ScalarList":
            return tuple(_to_number(element) for element in value)  # type: ignore[attr-defined]
        if kind in ("int64_t", "SymInt", "DeviceIndex"):
            return _to_int(value)
        if kind == "double":
            return float(value)  # type: ignore[arg-type]
        if kind == "Scalar" or (kind == "Tensor" and self.numbers_as_tensors):
            return _to_number(value)
        if kind == "ScalarType":
            return _DTYPES_OF_PYTHON_TYPES.get(value, value)  # type: ignore[arg-type, call-overload]
        if kind in _STRINGS and isinstance(value, bytes):
            return value.decode()
        return value

    def _convert_element(self, function: str, element: object, index: int) -> int:
        if isinstance(element, bool):
            return int(element)  # refused only as the first element
        if not is_index(element):
            reason = f"type must be {self.type_words},but got {messages.type_name(element)}"
            raise messages.unpack_failure(function, self.name, index, reason)
        symbolic = self.kind == "SymIntArrayRef"
        if symbolic and _instance("Tensor", element) and not _is_integral(element.dtype, False):  # type: ignore[attr-defined]
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


def _to_int(value: object) -> int:
    number = operator.index(value)  # type: ignore[arg-type]
    if not -(2**63) <= number < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return number


def _to_number(value: object) -> object:
    """Return a Python number for a number of NumPy's, anything else as it is."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        number = int(value)
        if not -(2**63) <= number < 2**64:
            raise OverflowError("int too big to convert")
        return number
    if isinstance(value, (bool, float, complex)):
        return value
    # PyTorch 2.13 reads NumPy's bools and complex64 as floats too.
    return float(value) if isinstance(value, (np.number, np.bool_)) else value  # type: ignore[arg-type]


_ACCEPTS: dict[str, Callable[[object], bool]] = {
    "Scalar": lambda value: _is_number(value) or _is_zero_dim(value),
    "complex": lambda value: isinstance(value, complex) or _is_double(value) or _is_zero_dim(value),
    "double": lambda value: _is_double(value) or _is_zero_dim(value),
    "int64_t": lambda value: (
        _is_int(value) or (_is_zero_dim(value) and _is_integral(value.dtype, False))  # type: ignore[attr-defined]
    ),
    "SymInt": is_index,
    "DeviceIndex": _is_int,
    "ArrayRef<double>": lambda value: (
        _is_sequence(value) and (not value or isinstance(value[0], complex) or _is_double(value[0]))  # type: ignore[index]
    ),
    "ScalarList": lambda value: _is_sequence(value) and all(map(_is_number, value)),  # type: ignore[call-overload]
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


class Signature:
    """One signature of a function.

    Attributes:
        name: of the function.
        parameters: in order.
        index: which of the function's signatures it is.
        deprecated, hidden: whether messages leave it out, with or without a warning on use.
    """

    def __init__(self, text: str, index: int):
        head, _, mark = text.partition("|")
        self.name, _, inside = head.partition("(")
        self.index = index
        self.deprecated = mark == "deprecated"
        self.hidden = bool(mark)
        base = self.name.removesuffix("_out").removesuffix("_")
        numbers_as_tensors = base in _NUMBERS_AS_TENSORS
        self.parameters: list[Parameter] = []
        keyword_only = False
        for part in inside.rpartition(")")[0].split(", "):
            if part == "*":
                keyword_only = True
            elif part:
                self.parameters.append(Parameter(part, keyword_only, numbers_as_tensors))
        self._count()

    def _count(self) -> None:
        self.least = sum(parameter.required for parameter in self.parameters)
        self.most_positional = sum(not parameter.keyword_only for parameter in self.parameters)
        self.takes_varargs = self.most_positional == 1 and self.parameters[0].kind in _INT_LISTS

    def as_method(self) -> Signature | None:
        """Return the signature of the method, without ``input`` (or ``self``) and ``out``.

        Returns:
            The signature, or ``None`` where no tensor could be ``self``.
        """
        method = object.__new__(Signature)
        method.__dict__.update(self.__dict__)
        own = next(
            (p for p in self.parameters if p.name in ("input", "self") and p.kind == "Tensor"), None
        )
        if own is None:
            return None
        method.parameters = [p for p in self.parameters if p is not own and p.name != "out"]
        method._count()
        return method

    def __str__(self) -> str:
        parts = []
        starred = False
        for parameter in self.parameters:
            if parameter.keyword_only and not starred:
                parts.append("*")
                starred = True
            parts.append(parameter.printed)
        return f"({', '.join(parts)})"

    def match(
        self, args: Sequence[object], kwargs: Mapping[str, object], explain: bool
    ) -> dict[str, object] | None:
        """Match a call with this signature.

        Args:
            args: positional arguments.
            kwargs: arguments given by name.
            explain: whether to raise where they do not fit.
        Returns:
            The values by parameter, not yet converted, or ``None`` where they do not fit.
        Raises:
            TypeError: they do not fit, and ``explain`` is set.
        """
        error = None
        values: dict[str, object] = {}
        position = 0
        unused = len(kwargs)
        if len(args) > self.most_positional and not self.takes_varargs:
            error = self._too_many(args)
            if explain:
                raise error
            return None
        for index, parameter in enumerate(self.parameters):
            by_name = position >= len(args)
            if not by_name:
                if parameter.keyword_only:  # left over after a single list of ints
                    error = self._too_many(args)
                    break
                value, given = args[position], True
            else:
                value, given = _look_up(kwargs, parameter)
            if not given:
                if parameter.required:
                    absent = [p.name for p in self.parameters[index:] if p.required]
                    error = messages.missing_arguments(self.name, absent)
                    break
                values[parameter.name] = parameter.default
            elif (value is None and parameter.allow_none) or parameter.accepts(value, index):
                values[parameter.name] = value
            elif self.takes_varargs and index == 0 and not by_name and _all_as_one(args):
                values[parameter.name] = tuple(args)
                position = len(args)
                continue
            else:
                error = self._refuse(parameter, value, None if by_name else position, args)
                break
            if not by_name:
                position += 1
            elif given:
                unused -= 1
        else:
            if unused == 0 and position == len(args):
                return values
            if position < len(args):
                error = self._too_many(args)
            else:
                error = self._unused_keyword(kwargs, len(args))
        if explain:
            raise error
        return None

    def _too_many(self, args: Sequence[object]) -> TypeError:
        return messages.too_many_arguments(self.name, self.least, self.most_positional, len(args))

    def _refuse(
        self, parameter: Parameter, value: object, position: int | None, args: Sequence[object]
    ) -> TypeError:
        words = parameter.type_words
        if position is None:
            return messages.wrong_type(self.name, parameter.name, None, words, value)
        if self.takes_varargs and len(args) > 1:
            return self._too_many(args)
        if parameter.kind in _INT_LISTS and isinstance(value, (tuple, list)):
            return messages.wrong_element(
                self.name, parameter.name, position + 1, words, value[0], 0
            )
        return messages.wrong_type(self.name, parameter.name, position + 1, words, value)

    def _unused_keyword(self, kwargs: Mapping[str, object], positional: int) -> TypeError:
        places = {parameter.name: i for i, parameter in enumerate(self.parameters)}
        for keyword in kwargs:
            if keyword not in places:
                return messages.unexpected_keyword(self.name, keyword)
            if places[keyword] < positional:
                return messages.multiple_values(self.name, keyword)
        return TypeError("invalid keyword arguments")


def _look_up(kwargs: Mapping[str, object], parameter: Parameter) -> tuple[object, bool]:
    for name in (parameter.name, *parameter.aliases):
        if name in kwargs:
            return kwargs[name], True
    return None, False


def _all_as_one(args: Sequence[object]) -> bool:
    return is_index(args[0])


class Schema:
    """The signatures of one function, parsed when they are first needed."""

    def __init__(self, *signatures: str, method: Sequence[str] | None = None):
        """Keep the signatures.

        Args:
            *signatures: lines of the signature language, in the order in which they are tried.
            method: those of the method; by default the same without ``input`` and ``out``.
        """
        self._texts = signatures
        self._method_texts = method

    def __repr__(self) -> str:
        return f"Schema({', '.join(map(repr, self._texts))})"

    @functools.cached_property
    def function_signatures(self) -> list[Signature]:
        """Signatures of the function, deprecated ones last."""
        return _deprecated_last([Signature(text, i) for i, text in enumerate(self._texts)])

    @functools.cached_property
    def method_signatures(self) -> list[Signature]:
        """Signatures of the method, deprecated ones last."""
        if self._method_texts is not None:
            own = [Signature(text, i) for i, text in enumerate(self._method_texts)]
            return _deprecated_last(own)
        found: dict[str, Signature] = {}
        for signature in self.function_signatures:
            method = signature.as_method()
            if method is not None:
                found.setdefault(str(method), method)
        return list(found.values())

    def bind(
        self, args: Sequence[object], kwargs: Mapping[str, object], method: bool = False
    ) -> tuple[int, dict[str, object]]:
        """Bind a call to the first signature that accepts it.

        Args:
            args: positional arguments; those of a method without ``self``.
            kwargs: arguments given by name.
            method: whether the method is called, not the function.
        Returns:
            Which signature it is (its place among those the schema was made of; where ``method``
            was given, among those), and the value of each of its parameters by name, without
            ``self``.
        Raises:
            TypeError: no signature accepts the call; the words are PyTorch's.
            ValueError, OverflowError: an int does not fit in 64 bits.
        """
        signatures = self.method_signatures if method else self.function_signatures
        alone = len(signatures) == 1
        if method and alone and not signatures[0].parameters and (args or kwargs):
            raise messages.takes_nothing(signatures[0].name, len(args), bool(kwargs))
        for signature in signatures:
            values = signature.match(args, kwargs, explain=alone)
            if values is not None:
                break
        else:
            raise self._refuse(signatures, args, kwargs)
        if signature.deprecated:
            _warn_deprecated(signature, signatures)
        for parameter in signature.parameters:
            value = values[parameter.name]
            if value is not None and value is not parameter.default:
                values[parameter.name] = parameter.convert(signature.name, value)
        return signature.index, values

    def _refuse(
        self, signatures: list[Signature], args: Sequence[object], kwargs: Mapping[str, object]
    ) -> TypeError:
        count = len(args) + len(kwargs)
        shown = [signature for signature in signatures if not signature.hidden]
        plausible = [s for s in shown if s.least <= count <= len(s.parameters)]
        if len(plausible) == 1:
            try:
                plausible[0].match(args, kwargs, explain=True)
            except TypeError as error:
                return error.with_traceback(None)
        name = signatures[0].name
        return messages.no_matching_overload(name, args, kwargs, [str(s) for s in shown])


def _deprecated_last(signatures: list[Signature]) -> list[Signature]:
    return sorted(signatures, key=lambda signature: signature.deprecated)


_warned = False


def _warn_deprecated(used: Signature, signatures: list[Signature]) -> None:
    """Warn about a deprecated signature, once in a process, naming the user's line."""
    global _warned
    if _warned:
        return
    _warned = True
    shown = [str(signature) for signature in signatures if not signature.hidden]
    depth = 2
    frame = sys._getframe(1)
    package = __name__.partition(".")[0] + "."
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame = frame.f_back
        depth += 1
    text = messages.deprecated_overload(used.name, str(used), shown)
    warnings.warn(text, UserWarning, stacklevel=depth)
