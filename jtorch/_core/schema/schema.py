"""Binding of a call's arguments to an operator's signatures, with PyTorch's rules and words.

A signature is a line of PyTorch's own argument language::

    sum(Tensor input, IntArrayRef[1]? dim, bool keepdim=False, *, ScalarType? dtype=None,
        Tensor out=None)

Types: ``Tensor``, ``TensorList``, ``Scalar`` (number or 0-d tensor), ``int64_t``, ``SymInt`` (an
int too, but accepts whatever has ``__index__``), ``double``, ``complex``, ``bool``, the lists
``IntArrayRef``, ``SymIntArrayRef``, ``ArrayRef<double>`` and ``ScalarList``, ``ScalarType`` (a
dtype), ``Layout``, ``MemoryFormat``, ``QScheme``, ``Device``, ``Generator``, ``Storage``,
``Stream``, ``std::string`` and ``PyObject*``. ``[n]`` after a list lets one element stand for n;
``?`` lets ``None`` pass. A line may end in ``|deprecated``, in ``|hidden``, or, where the method
has no such signature, in ``|function``.

This is the slow path: it runs once for each place of a program, never on a hit.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from .. import once
from . import messages
from .types import (
    INT_LISTS,
    Parameter,
    is_index,
    is_tensor_like,
    set_tensor_type,
    set_type,
)

__all__ = ["Schema", "Signature", "is_index", "is_tensor_like", "set_tensor_type", "set_type"]


class Signature:
    """One signature of a function.

    Attributes:
        name: of the function.
        parameters: in order.
        index: which of the function's signatures it is.
        deprecated, hidden: whether messages leave it out, with or without a warning on use.
        function_only: whether the method has no such signature.
    """

    def __init__(self, text: str, index: int, numbers_as_tensors: bool = False):
        head, _, mark = text.partition("|")
        self.name, _, inside = head.partition("(")
        self.index = index
        self.deprecated = mark == "deprecated"
        self.hidden = mark in ("deprecated", "hidden")
        self.function_only = mark == "function"
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
        self.takes_varargs = self.most_positional == 1 and self.parameters[0].kind in INT_LISTS

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
        if own is None or self.function_only:
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
    ) -> dict[str, Any] | None:
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
            elif self.takes_varargs and index == 0 and not by_name and is_index(args[0]):
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
        if parameter.kind in INT_LISTS and isinstance(value, (tuple, list)):
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


class Schema:
    """The signatures of one function, parsed when they are first needed."""

    def __init__(
        self,
        *signatures: str,
        method: Sequence[str] | None = None,
        numbers_as_tensors: bool = False,
    ):
        """Keep the signatures.

        Args:
            *signatures: lines of the signature language, in the order in which they are tried.
            method: those of the method; by default the same without ``input`` and ``out``.
            numbers_as_tensors: whether its tensors may be given as Python numbers.
        """
        self._numbers_as_tensors = numbers_as_tensors
        self._texts = signatures
        self._method_texts = method

    @property
    def name(self) -> str:
        """Name of the function."""
        return self._texts[0].partition("(")[0]

    def __repr__(self) -> str:
        return f"Schema({', '.join(map(repr, self._texts))})"

    def _parsed(self, texts: Sequence[str]) -> list[Signature]:
        flag = self._numbers_as_tensors
        return _deprecated_last([Signature(text, i, flag) for i, text in enumerate(texts)])

    @functools.cached_property
    def function_signatures(self) -> list[Signature]:
        """Signatures of the function, deprecated ones last."""
        return self._parsed(self._texts)

    @functools.cached_property
    def method_signatures(self) -> list[Signature]:
        """Signatures of the method, deprecated ones last."""
        if self._method_texts is not None:
            return self._parsed(self._method_texts)
        found: dict[str, Signature] = {}
        for signature in self.function_signatures:
            method = signature.as_method()
            if method is not None:
                found.setdefault(str(method), method)
        return list(found.values())

    def bind(
        self, args: Sequence[object], kwargs: Mapping[str, object], method: bool = False
    ) -> tuple[int, dict[str, Any]]:
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
            if value is None:
                if parameter.default == ():
                    values[parameter.name] = ()
            elif value is not parameter.default:
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


def _warn_deprecated(used: Signature, signatures: list[Signature]) -> None:
    """Warn about a deprecated signature, once in a process, naming the user's line."""
    if not once.is_due("deprecated signature"):
        return
    shown = [str(signature) for signature in signatures if not signature.hidden]
    text = messages.deprecated_overload(used.name, str(used), shown)
    warnings.warn(text, UserWarning, stacklevel=1 + once.frames_inside())
