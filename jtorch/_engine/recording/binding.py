"""From the arguments of a call to the parameters of an operator, with operands for tensors.

Which argument goes to which parameter follows from their number, names and classes, so that is
worked out once for each combination of them (of classes whose values decide nothing).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..._core.dtypes import dtype as DType
from ..._core.schema.types import TENSOR_LISTS
from ..graph.op import Op, Operand
from ..graph.values import TensorBase, is_tensor
from .trace import REACH, Trace


class _Row(NamedTuple):
    """Where the value of a parameter comes from.

    Attributes:
        parameter: the parameter.
        source: position among the arguments, name among those given by name, ``_SELF`` for the
            tensor whose method is called, ``_REST`` for all others, ``_DEFAULT``.
    """

    parameter: Any
    source: Any


class _Source:
    """A source that is no argument by itself."""

    __slots__ = ()


_DEFAULT, _SELF, _REST = _Source(), _Source(), _Source()


class _Form(NamedTuple):
    """How calls with arguments of certain classes are bound.

    Attributes:
        rows: the parameters, in the order of the function's signature.
        numbers: the arguments that may be inputs of the program, as position or name in the order
            of the call, and the parameter of each.
    """

    rows: tuple[_Row, ...]
    numbers: tuple[tuple[int | str, str], ...]


#: Classes of which no value is refused where another is accepted.
_PLAIN = (int, float, bool, complex, type(None), str, DType)
_LISTS = (tuple, list)
_forms: dict[tuple, _Form] = {}


def bind(op: Op, trace: Trace, args: tuple, kwargs: dict, method: bool) -> dict[str, Any]:
    """Return the value of each parameter that is given or has a default, by name.

    Raises:
        TypeError, ValueError, OverflowError: as PyTorch raises where the arguments do not fit.
    """
    key = _key(op, args, kwargs, method)
    form = None if key is None else _forms.get(key)
    if form is None:
        signature, form = _form(op, args, kwargs, method)
        if key is not None and not signature.deprecated and _is_by_class(form, args, kwargs):
            _forms[key] = form
    references = _number_references(op, trace, args, kwargs, form) if form.numbers else {}
    result: dict[str, Any] = {}
    function = op.schema.name
    for parameter, source in form.rows:
        name = parameter.name
        if source is _DEFAULT:
            result[name] = parameter.default
            continue
        value = _value_of(source, args, kwargs, method)
        if value is None:
            result[name] = None
            continue
        default = value is parameter.default
        if not default and source is not _SELF:
            value = parameter.convert(function, value)
        if default and name not in references:
            result[name] = value  # the function's own default says the same
        else:
            result[name] = _operand(trace, name, value, references, op)
    return result


def _key(op: Op, args: tuple, kwargs: dict, method: bool) -> tuple | None:
    """Return what decides which argument goes where, ``None`` where that is more than classes."""
    key: list[Any] = [op, method]
    for arg in args:
        if not _add_class(arg, key):
            return None
    for name, arg in kwargs.items():
        key.append(name)
        if not _add_class(arg, key):
            return None
    return tuple(key)


def _add_class(arg: Any, key: list[Any]) -> bool:
    cls = arg.__class__
    if cls in _LISTS:
        key.append(cls)
        key.append(len(arg))
        return all([_add_class(element, key) for element in arg])
    key.append(cls)
    return cls in _PLAIN or issubclass(cls, TensorBase)


def _form(op: Op, args: tuple, kwargs: dict, method: bool) -> tuple[Any, _Form]:
    """Bind a call by its schema; return the signature and how it was bound."""
    index, _ = op.schema.bind(args[1:] if method else args, kwargs, method)
    signature = next(s for s in op.schema.function_signatures if s.index == index)
    own = signature
    if method:
        own = next(s for s in op.schema.method_signatures if s.index == index)
    sources: dict[str, Any] = {}
    given_names: dict[str, str] = {}
    position = int(method)
    for place, parameter in enumerate(own.parameters):
        source: Any = _DEFAULT
        if position < len(args):
            source = position
            if own.takes_varargs and place == 0 and not parameter.accepts(args[position], 0):
                source = _REST
            position = len(args) if source is _REST else position + 1
        else:
            for name in (parameter.name, *parameter.aliases):
                if name in kwargs:
                    source = name
                    given_names[name] = parameter.name
                    break
        sources[parameter.name] = source
    rows = []
    for parameter in signature.parameters:
        if parameter.name in sources:
            rows.append(_Row(parameter, sources[parameter.name]))
        elif method and parameter.name != "out":  # a method's own signature lacks these two
            rows.append(_Row(parameter, _SELF))
    numbers: list[tuple[int | str, str]] = [
        (place, signature.parameters[place].name)
        for place, arg in enumerate(args)
        if place < len(signature.parameters) and place in op.dynamic and _is_number(arg)
    ]
    numbers += [
        (name, given_names.get(name, name))
        for name, arg in kwargs.items()
        if name in op.dynamic and _is_number(arg)
    ]
    return signature, _Form(tuple(rows), tuple(numbers))


def _is_number(arg: Any) -> bool:
    return arg.__class__ is float or arg.__class__ is int


def _is_by_class(form: _Form, args: tuple, kwargs: dict) -> bool:
    """Tell whether another call with arguments of these classes is bound in the same way."""
    for parameter, source in form.rows:
        if source.__class__ is _Source or parameter.kind in ("Tensor", *TENSOR_LISTS):
            continue
        if _has_tensor(kwargs[source] if source.__class__ is str else args[source]):
            return False  # whether it is taken for a number depends on its dtype and shape
    return not any(_has_tensor(arg) for arg in args[1:]) or not any(
        row.source is _REST for row in form.rows
    )


def _value_of(source: Any, args: tuple, kwargs: dict, method: bool) -> Any:
    if source.__class__ is int:
        return args[source]
    if source.__class__ is str:
        return kwargs[source]
    return args[0] if source is _SELF else args[int(method) :]


def _has_tensor(value: Any) -> bool:
    if isinstance(value, _LISTS):
        return any(_has_tensor(element) for element in value)
    return isinstance(value, TensorBase)


def _number_references(
    op: Op, trace: Trace, args: tuple, kwargs: dict, form: _Form
) -> dict[str, tuple[str, int]]:
    """Return where each Python number went that ``record.encode`` made an input."""
    node = trace.node
    counts = {float: node.n_floats, int: node.n_ints}
    found = {}
    for place, name in form.numbers:
        value = kwargs[place] if isinstance(place, str) else args[place]
        cls = value.__class__
        if op.is_input(place, value):
            found[name] = ("f" if cls is float else "i", counts[cls])
            counts[cls] += 1
    return found


def _operand(trace: Trace, name: str, value: Any, references: dict, op: Op) -> Any:
    if is_tensor(value):
        return tensor_operand(trace, name, value)
    if name in op.dynamic and isinstance(value, (bool, int, float, complex)):
        return Operand(name, references.get(name), None, value)
    if isinstance(value, (tuple, list)) and any(is_tensor(item) for item in value):
        return [tensor_operand(trace, name, item) if is_tensor(item) else item for item in value]
    return value


def tensor_operand(trace: Trace, name: str, tensor: Any) -> Operand:
    """Return the operand of a tensor that the trace already knows."""
    value = tensor._value
    reference = value.place - trace.base
    if not -REACH < reference < REACH:
        # Tensors that only planning finds (NumPy scalars made tensors, say) enter here.
        trace.enter(value)
        reference = trace.reference_of_known(value)
    return Operand(name, reference, value.meta)
