"""Public calls as the operators of PyTorch that they are made of, for ``__torch_dispatch__``.

Most calls are one overload of ``torch.ops.aten``, which ``ops.compat.matching`` finds. What PyTorch
makes of others stands in ``operator_rules``: a rule calls public functions and overloads, each of
which is seen in turn. What is seen nowhere (sizes, dtypes, questions) runs as it is.
"""

from __future__ import annotations

import functools
from typing import Any

import jtorch as torch

from .._engine.recording import dispatch_modes, overrides
from .._engine.recording.dispatch_modes import without_operators
from ..ops.compat import aten
from ..ops.compat.matching import match
from ..ops.compat.overloads import AVERAGED
from . import node_formulas as _node_formulas  # noqa: F401  what nodes call
from .operator_rules import RULES


def _name(function: Any) -> str:
    name = function.__name__
    if name in ("__get__", "__set__", "__delete__"):
        return f"{name}:{_attributes().get(function.__self__, '')}"
    return _ALIASES.get(name, name)


@functools.cache
def _attributes() -> dict[Any, str]:
    """Return the names of a tensor's attributes that are no methods."""
    found = vars(torch.Tensor).items()
    return {each: name for name, each in found if hasattr(each, "__set__")}


def translate(function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Do a call as operators that are handed to ``__torch_dispatch__``.

    Args:
        function: what was called: a public function, a method, or ``__get__`` of an attribute.
        args, kwargs: its arguments.
    """
    name = _name(function)
    rule = RULES.get(name)
    if rule is not None:
        result = rule(*args, **kwargs)
        if result is not NotImplemented:
            return result
    if name == "backward":
        return function(*args, **kwargs)  # the pass calls operators of its own
    packet = _packet(name.removeprefix("__get__:"))
    if packet is not None and not name.startswith("__set__"):
        if kwargs.get("inplace"):
            packet = _packet(f"{name}_") or packet
        place = AVERAGED.get(name)
        if place is not None and function.__module__ == "torch" and len(args) <= place:
            kwargs = {"reduction": 0, **kwargs}  # only the operators average by default
        found = match(packet, args, kwargs)
        if found is not None:
            differentiable = kwargs.get("requires_grad") and name not in _UNSEEN
            overload, args, kwargs = found
            result = getattr(packet, overload)(*args, **kwargs)
            return result.requires_grad_() if differentiable else result
    composite = overrides.inside(function)
    if composite is not None:
        return composite(*args, **kwargs)  # the operators within are seen
    if name not in _UNSEEN and not name.startswith(("is_", "_is_", "__")):
        result = _untranslated(function, args, kwargs)
        if result is not NotImplemented:
            return result
    with without_operators():
        result = function(*args, **kwargs)
    dispatch_modes.pass_over(name, args, kwargs, result)
    return result


def _untranslated(function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Let a class do a function that is no operator, where no function may see its inside."""
    for value in overrides.seeing_operators((*args, *kwargs.values())):
        call = getattr(type(value), "__untranslated__", None)
        if call is not None:
            return call(function, args, kwargs)
    return NotImplemented


dispatch_modes.set_translation(translate)


def _packet(name: str) -> Any:
    """Return the operator of a name; none for what only asks and runs nothing."""
    if name in _UNSEEN or name.startswith(("is_", "_is_", "__")):
        return None
    try:
        packet = getattr(aten, name)
    except AttributeError:
        return None
    return packet if packet.overloads() else None


#: Questions about a tensor, which are answered without an operator.
_UNSEEN = frozenset(
    (
        *("size", "stride", "dim", "numel", "storage_offset", "element_size", "shape", "dtype"),
        *("device", "layout", "requires_grad", "grad", "grad_fn", "backward", "_version", "names"),
        *("requires_grad_", "retain_grad", "register_hook", "output_nr", "data_ptr", "result_type"),
        *("can_cast", "promote_types", "broadcast_shapes", "broadcast_tensors", "ndim", "nbytes"),
    )
)
_ALIASES = {
    **{"multiply": "mul", "subtract": "sub", "divide": "div", "true_divide": "div"},
    **{"multiply_": "mul_", "subtract_": "sub_", "divide_": "div_", "true_divide_": "div_"},
    **{"concat": "cat", "concatenate": "cat", "absolute": "abs", "negative": "neg"},
    **{"greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le"},
    **{"not_equal": "ne", "clip": "clamp", "swapaxes": "transpose", "swapdims": "transpose"},
    **{"arccos": "acos", "arcsin": "asin", "arctan": "atan", "arctan2": "atan2", "fix": "trunc"},
    **{"special_expit": "sigmoid", "special_exp2": "exp2", "special_erf": "erf"},
    **{"orgqr": "linalg_householder_product", "det": "_linalg_det"},
    **{f"__{name}__": f"bitwise_{name}" for name in ("and", "or", "xor")},
    **{f"__i{name}__": f"bitwise_{name}_" for name in ("and", "or", "xor")},
    **{f"__r{name}__": f"bitwise_{name}" for name in ("and", "or", "xor")},
    **{f"__{name}__": name for name in ("eq", "ne", "lt", "le", "gt", "ge", "add", "mul", "pow")},
    **{"__invert__": "bitwise_not", "__floordiv__": "floor_divide", "__abs__": "abs"},
    **{"__sub__": "sub", "__truediv__": "div", "__mod__": "remainder", "__neg__": "neg"},
    **{"__rsub__": "rsub", "logsigmoid": "log_sigmoid_forward"},
}
