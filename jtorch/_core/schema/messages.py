"""The words of PyTorch's argument errors, and the type names that appear in them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

_HEAP_TYPE = 1 << 9

#: Classes that are C types in PyTorch, so that its messages show them with their module.
_QUALIFIED_NAMES = {
    "dtype": "torch.dtype",
    "device": "torch.device",
    "layout": "torch.layout",
    "memory_format": "torch.memory_format",
    "qscheme": "torch.qscheme",
    "finfo": "torch.finfo",
    "iinfo": "torch.iinfo",
    "Size": "torch.Size",
    "Generator": "torch._C.Generator",
    "UntypedStorage": "torch.storage.UntypedStorage",
    "TypedStorage": "torch.storage.TypedStorage",
}


def type_name(value: object) -> str:
    """Return the name that PyTorch's messages give to the type of ``value``.

    It is the C structure's ``tp_name``: bare for classes written in Python, with the module for
    most that are written in C (``numpy.ndarray``, ``datetime.date``).

    Args:
        value: any object.
    Returns:
        The name, such as ``"str"`` or ``"numpy.float64"``.
    """
    cls = type(value)
    module = cls.__module__
    if module == "builtins":
        return cls.__name__
    if cls.__flags__ & _HEAP_TYPE and isinstance(module, str):
        package = module.partition(".")[0]
        if package in ("torch", "jtorch"):
            if module.endswith("return_types"):
                return f"torch.return_types.{cls.__name__}"
            return _QUALIFIED_NAMES.get(cls.__name__, cls.__name__)
    if issubclass(cls, str):
        return cls.__name__
    # Python shows ``tp_name`` nowhere but in its own messages; joining is one that never
    # succeeds for anything but a str and runs no code of the value's class.
    try:
        "".join((value,))  # type: ignore[arg-type]
    except TypeError as error:
        found = str(error).partition("expected str instance, ")[2]
        if found.endswith(" found"):
            return found[: -len(" found")]
    return cls.__name__


def wrong_type(
    function: str, argument: str, position: int | None, expected: str, value: object
) -> TypeError:
    """Make the error of an argument of the wrong type.

    Args:
        function: name of the function.
        argument: name of the argument.
        position: counted from 1, or ``None`` where it was given by name.
        expected: PyTorch's name of the wanted type.
        value: what was given.
    Returns:
        The exception, to be raised.
    """
    where = "" if position is None else f" (position {position})"
    return TypeError(
        f"{function}(): argument '{argument}'{where} must be {expected}, not {type_name(value)}"
    )


def wrong_element(
    function: str,
    argument: str,
    position: int | None,
    expected: str,
    element: object,
    index: int,
) -> TypeError:
    """Make the error of a list whose element ``index`` has the wrong type."""
    where = "" if position is None else f" (position {position})"
    return TypeError(
        f"{function}(): argument '{argument}'{where} must be {expected}, "
        f"but found element of type {type_name(element)} at pos {index}"
    )


def unpack_failure(function: str, argument: str, index: int, reason: str) -> TypeError:
    """Make the error of a list that was accepted by its first element and fails at another."""
    return TypeError(
        f"{function}(): argument '{argument}' failed to unpack the object at pos {index + 1} "
        f'with error "{reason}"'
    )


def not_a_tensor_in_list(element: object, index: int, argument_index: int) -> TypeError:
    """Make the error of a list of tensors that holds something else."""
    return TypeError(
        f"expected Tensor as element {index} in argument {argument_index}, "
        f"but got {type_name(element)}"
    )


def too_many_arguments(function: str, fewest: int, most: int, given: int) -> TypeError:
    """Make the error of more positional arguments than the function takes."""
    if fewest != most:
        return TypeError(
            f"{function}() takes from {fewest} to {most} positional arguments "
            f"but {given} were given"
        )
    return TypeError(
        f"{function}() takes {most} positional argument{'' if most == 1 else 's'} "
        f"but {given} {'was' if given == 1 else 'were'} given"
    )


def missing_arguments(function: str, names: Sequence[str]) -> TypeError:
    """Make the error of required arguments that were not given.

    PyTorch 2.13 writes the plural for one missing argument and the singular for several.
    """
    quoted = ", ".join(f'"{name}"' for name in names)
    plural = "s" if len(names) == 1 else ""
    return TypeError(
        f"{function}() missing {len(names)} required positional argument{plural}: {quoted}"
    )


def unexpected_keyword(function: str, keyword: str) -> TypeError:
    """Make the error of a keyword that the function does not have."""
    return TypeError(f"{function}() got an unexpected keyword argument '{keyword}'")


def multiple_values(function: str, keyword: str) -> TypeError:
    """Make the error of an argument given both by position and by name."""
    return TypeError(f"{function}() got multiple values for argument '{keyword}'")


def takes_nothing(name: str, given: int, by_name: bool, owner: str = "TensorBase") -> TypeError:
    """Make the error of arguments given to a method that has none, which is Python's own."""
    if by_name:
        return TypeError(f"{owner}.{name}() takes no keyword arguments")
    return TypeError(f"{owner}.{name}() takes no arguments ({given} given)")


def no_matching_overload(
    function: str, args: Sequence[object], kwargs: Mapping[str, object], options: Sequence[str]
) -> TypeError:
    """Make the error of a call that none of several signatures accepts.

    Args:
        function: name of the function.
        args: positional arguments of the call, without ``self``.
        kwargs: arguments given by name.
        options: the signatures as PyTorch prints them, such as ``"(Tensor input, int dim)"``.
    Returns:
        The exception, to be raised.
    """
    kwargs = _in_hash_table_order(kwargs)
    message = f"{function}() received an invalid combination of arguments - "
    if len(options) == 1:
        explanation = _explain_mismatch(options[0], args, kwargs)
        if explanation is not None and explanation[0] == "keywords":
            return TypeError(f"{message}got unrecognized keyword arguments: {explanation[1]}")
        described = explanation[1] if explanation else _describe_call(args, kwargs)
        return TypeError(f"{message}got {described}, but expected {options[0]}")
    message += f"got {_describe_call(args, kwargs)}, but expected one of:\n"
    reasons = {"keywords": "keywords were incorrect", "types": "arguments have invalid types"}
    for option in options:
        message += f" * {option}\n"
        if len(_option_arguments(option)) == len(args) + len(kwargs):
            explanation = _explain_mismatch(option, args, kwargs)
            if explanation is not None:
                reason, words = explanation
                message += f"      didn't match because some of the {reasons[reason]}: {words}\n"
    return TypeError(message)


def deprecated_overload(function: str, used: str, options: Sequence[str]) -> str:
    """Return the words of the warning about a signature that PyTorch wants to drop."""
    message = f"This overload of {function} is deprecated:\n\t{function}{used}"
    if options:
        message += "\nConsider using one of the following signatures instead:"
        message += "".join(f"\n\t{function}{option}" for option in options)
    return message


def _describe_call(args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    parts = [type_name(value) for value in args]
    parts += [f"{name}={type_name(value)}" for name, value in kwargs.items()]
    # PyTorch drops the last separator only where there is a positional argument.
    return "(" + ", ".join(parts) + ("" if args or not parts else ", ") + ")"


def _option_arguments(option: str) -> list[tuple[str, str]]:
    """Split a printed signature into (type, name) the way PyTorch's formatter does.

    That formatter predates printed defaults: it takes the last word for the name, so that
    ``bool keepdim = False`` is an argument called ``False`` of type ``bool keepdim =``, and
    ``*`` counts as an argument. The words it chooses depend on this.
    """
    pairs = []
    for argument in option[1:-1].split(", "):
        kind, _, name = argument.rpartition(" ")
        pairs.append((kind if kind else name, name))
    return pairs


def _explain_mismatch(
    option: str, args: Sequence[object], kwargs: Mapping[str, object]
) -> tuple[str, str] | None:
    arguments = _option_arguments(option)
    first_keyword = max(0, len(arguments) - len(kwargs))
    names = [name for _, name in arguments[first_keyword:]]
    unmatched = [keyword for keyword in kwargs if keyword not in names]
    if unmatched:
        return "keywords", ", ".join(unmatched)
    if len(arguments) != len(args) + len(kwargs):
        return None
    before, after, good, good_after = _markers()
    parts = []
    for index, (kind, name) in enumerate(arguments):
        by_name = index >= len(args)
        value = kwargs[name] if by_name else args[index]
        described = f"{name}=" if by_name else ""
        described += _describe_elements(value)
        if _names_type(kind, value):
            parts.append(good + described + good_after)
        else:
            parts.append(before + described + after)
    return "types", "(" + ", ".join(parts) + ("" if args or not parts else ", ") + ")"


def _describe_elements(value: object) -> str:
    name = type_name(value)
    if isinstance(value, tuple):
        inner = ", ".join(type_name(element) for element in value)
        return f"{name} of ({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"{name} of [{', '.join(type_name(element) for element in value)}]"
    return name


def _names_type(kind: str, value: object) -> bool:
    found = type_name(value)
    if kind == "float":
        return found in ("float", "int", "long")
    return found == kind


def _markers() -> tuple[str, str, str, str]:
    """Return what surrounds arguments of wrong and of right type: colours on a terminal."""
    try:
        colored = sys.__stdout__.isatty() and sys.__stderr__.isatty()  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        colored = False
    if colored:
        return "\33[31;1m", "\33[0m", "\33[32;1m", "\33[0m"
    return "!", "!", "", ""


def _in_hash_table_order(kwargs: Mapping[str, object]) -> dict[str, object]:
    """Return the keywords in the order in which PyTorch's messages list them.

    PyTorch keeps them in the C++ library's hash table, whose newest entry comes first, except
    that entries of one bucket stay together.
    """
    buckets = 13
    if len(kwargs) > buckets:
        return dict(reversed(list(kwargs.items())))
    order: list[tuple[str, int]] = []
    for keyword in kwargs:
        bucket = _murmur_hash(keyword.encode()) % buckets
        place = next((i for i, (_, other) in enumerate(order) if other == bucket), 0)
        order.insert(place, (keyword, bucket))
    return {keyword: kwargs[keyword] for keyword, _ in order}


def _murmur_hash(data: bytes, seed: int = 0xC70F6907) -> int:
    """Return the 64-bit MurmurHash2 of ``data`` (Austin Appleby's variant A).

    It is ``std::hash<std::string>`` of the C++ library that PyTorch's Linux builds use.
    """
    mask = (1 << 64) - 1
    multiplier = 0xC6A4A7935BD1E995
    value = seed ^ (len(data) * multiplier & mask)
    whole = len(data) & ~7
    for word in _words(data[:whole]):
        word = word * multiplier & mask
        word = (word ^ word >> 47) * multiplier & mask
        value = (value ^ word) * multiplier & mask
    if len(data) > whole:
        value = (value ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    value = (value ^ value >> 47) * multiplier & mask
    return value ^ value >> 47


def _words(data: bytes) -> Iterator[int]:
    for start in range(0, len(data), 8):
        yield int.from_bytes(data[start : start + 8], "little")
