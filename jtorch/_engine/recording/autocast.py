"""Automatic mixed precision: which operators convert their operands, and how they are planned.

What autocast says is part of the mode under which operators are recorded, so it is looked at once,
when an operator is planned: the conversion becomes a part of its function, and gradients pass it.
Functions that are made of other operators convert their arguments before they run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ..._core import dtypes
from ..._core.dtypes import dtype as DType
from ..._core.modes import Mode, intern_mode
from ..graph.op import Op, Operand, Plan
from ..graph.values import NO_GRAD, Meta, is_tensor, make_meta
from .trace import local

LOWER, FLOAT32, PROMOTE, BANNED = "lower", "float32", "promote", "banned"


class Autocast:
    """What autocast does to the operands of an operator, as PyTorch 2.13 lists it.

    Args:
        cpu, cuda: on each type of device ``"lower"`` (to the dtype of autocast), ``"float32"``,
            ``"promote"`` (to the widest among them), ``"banned"``, or nothing.
        unless: ``(args, kwargs, metas) -> bool``, whether these arguments choose an operator of
            PyTorch's that is in no list.
    """

    def __init__(
        self,
        cpu: str | None = None,
        cuda: str | None = None,
        unless: Callable[[tuple, dict, list[Meta]], bool] | None = None,
    ):
        self.cpu = cpu
        self.cuda = cuda
        self.unless = unless


#: What each operator does, by device type and name; filled by the declarations.
POLICIES: dict[str, dict[str, str]] = {"cpu": {}, "cuda": {}}
#: By name, when it does not, see ``Autocast``.
UNLESS: dict[str, Callable[[tuple, dict, list[Meta]], bool]] = {}


def lower_dtype(mode: Mode, device_type: str) -> DType | None:
    """Return the dtype that autocast lowers to on a device, ``None`` where it is off."""
    for kind, dtype in mode.autocast or ():
        if kind == device_type:
            return dtype
    return None


def target_dtype(mode: Mode, name: str, metas: Sequence[Meta]) -> tuple[str, DType] | None:
    """Return on which device type operands are converted, and to what.

    Args:
        mode: the mode that the operator is recorded in.
        name: its name.
        metas: those of all tensors that it is given.
    """
    for device_type, lower in mode.autocast or ():
        if not any(meta.device.type == device_type for meta in metas):
            continue
        policy = POLICIES.get(device_type, {}).get(name)
        if policy is None:
            continue
        if policy == BANNED:
            raise RuntimeError(_UNSAFE)
        if policy == LOWER:
            return device_type, lower
        if policy == FLOAT32:
            return device_type, dtypes.float32
        eligible = [meta.dtype for meta in metas if is_eligible(meta, device_type)]
        if dtypes.float32 in eligible:
            return device_type, dtypes.float32
        return None
    return None


_UNSAFE = (
    "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast.\n"
    "Many models use a sigmoid layer right before the binary cross entropy layer.\n"
    "In this case, combine the two layers using "
    "torch.nn.functional.binary_cross_entropy_with_logits\n"
    "or torch.nn.BCEWithLogitsLoss.  binary_cross_entropy_with_logits and BCEWithLogits are\n"
    "safe to autocast."
)


def is_eligible(meta: Meta, device_type: str) -> bool:
    """Return whether autocast converts a tensor at all: floats of a device, but not float64."""
    return (
        meta.dtype.is_floating_point
        and meta.dtype is not dtypes.float64
        and meta.device.type == device_type
    )


def plan(op: Op, bound: dict[str, Any], mode: Mode) -> Plan:
    """Plan an operator whose operands autocast may convert."""
    target = target_dtype(mode, op.name, [operand.meta for operand in _tensors(bound)])
    if target is None:
        return op.kind.plan(op, bound, mode)
    device_type, dtype = target
    originals: dict[int, Operand] = {}

    def lowered(value: Any) -> Any:
        if isinstance(value, list):
            return [lowered(each) for each in value]
        if not isinstance(value, Operand) or value.meta is None:
            return value
        meta = value.meta
        if not is_eligible(meta, device_type) or meta.dtype is dtype:
            return value
        meta = make_meta(meta.shape, dtype, meta.device, meta.strides, meta.grad)
        made = Operand(value.name, value.reference, meta)
        originals[id(made)] = value
        return made

    planned = op.kind.plan(op, {name: lowered(v) for name, v in bound.items()}, mode)
    if originals:
        _convert_operands(op, planned, originals, dtype)
    return planned


def _tensors(bound: dict[str, Any]) -> list[Operand]:
    found = []
    for value in bound.values():
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, Operand) and each.meta is not None:
                found.append(each)
    return found


def _convert_operands(op: Op, plan: Plan, originals: dict[int, Operand], dtype: DType) -> None:
    """Let a plan for converted operands take the original ones."""
    converted = [id(operand) in originals for operand in plan.operands]
    plan.operands = [originals.get(id(operand), operand) for operand in plan.operands]
    function, target = plan.function, dtype._numpy

    def convert(arrays: Sequence[Any]) -> list[Any]:
        return [a.astype(target) if c else a for a, c in zip(arrays, converted, strict=True)]

    plan.function = lambda *arrays: function(*convert(arrays))
    rule = plan.vjp or op.vjp
    if rule is None:
        return
    wanted = [o.meta for o in plan.operands if o.meta is not None and o.meta.grad != NO_GRAD]

    def vjp(cotangents: Any, results: Any, operands: Any) -> list[Any]:
        gradients = rule(cotangents, results, convert(operands))
        return [
            None if gradient is None else gradient.astype(meta.dtype._numpy)
            for gradient, meta in zip(gradients, wanted, strict=True)
        ]

    plan.vjp = vjp


# Functions made of other operators convert their arguments before they run, with autocast off
# inside, as in PyTorch.


def declare(name: str, casting: str | Autocast) -> None:
    """Tell what autocast does to the operands of an operator."""
    policy = casting if isinstance(casting, Autocast) else Autocast(casting, casting)
    for device_type in POLICIES:
        chosen = getattr(policy, device_type)
        if chosen is not None:
            POLICIES[device_type][name] = chosen
    if policy.unless is not None:
        UNLESS[name] = policy.unless


def converting(name: str, function: Callable) -> Callable:
    """Return a function that converts its arguments where autocast is on."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if local.trace.mode.autocast is None:
            return function(*args, **kwargs)
        return _converted_call(name, function, args, kwargs)

    return call


def _converted_call(name: str, function: Callable, args: tuple, kwargs: dict) -> Any:
    trace = local.trace
    mode = trace.mode
    metas = _metas((*args, *kwargs.values()))
    target = target_dtype(mode, name, metas)
    if target is None:
        return function(*args, **kwargs)
    unless = UNLESS.get(name)
    other = unless is not None and unless(args, kwargs, metas)
    if kwargs.get("out") is None and not other:
        args = tuple([_converted(each, *target) for each in args])
        kwargs = {key: _converted(each, *target) for key, each in kwargs.items()}
    trace.set_mode(intern_mode(mode._replace(autocast=None)))
    try:
        return function(*args, **kwargs)
    finally:
        local.trace.set_mode(mode)


def _metas(values: Any) -> list[Any]:
    found = []
    for value in values:
        if is_tensor(value):
            found.append(value._value.meta)
        elif isinstance(value, (list, tuple)):
            found.extend(_metas(value))
    return found


def _converted(value: Any, device_type: str, dtype: Any) -> Any:
    if is_tensor(value):
        meta = value._value.meta
        if is_eligible(meta, device_type) and meta.dtype is not dtype:
            return value.to(dtype)
        return value
    if type(value) in (list, tuple):
        return type(value)([_converted(each, device_type, dtype) for each in value])
    return value
