"""An operator on DTensors: choose placements, redistribute, run on the parts, wrap the results."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch

from . import _messages
from ._dtensor_spec import DTensorSpec, TensorMeta
from ._gradients import (
    REPLICATED,
    TERMS,
    Kind,
    ReduceTerms,
    is_plain_sum,
    kinds_of,
    redistribute,
    use,
)
from ._redistribute import redistribute_local, shard_size_and_offset, step_cost, steps_between
from ._rules.call import Call, Rule, Strategy
from .placement_types import Partial, Placement, Replicate, Shard


class _State(threading.local):
    """How a thread's calls are treated.

    Attributes:
        implicit_replication: whether plain tensors stand for replicated ones.
        overriding: operators that a block does its own way, by name.
    """

    implicit_replication = False
    overriding: dict[str, Callable[..., Any]] = {}


state = _State()
_wrap: Callable[..., Any]
_class: Any = None


def set_wrap(cls: Any, function: Callable[..., Any]) -> None:
    """Tell the class of DTensors, and what makes one of a part."""
    global _class, _wrap
    _class, _wrap = cls, function


# Arguments


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return an argument with its tensors changed; lists are looked into."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)([_mapped(each, change) for each in value])
    return value


def _map_all(args: tuple, kwargs: dict[str, Any], change: Callable) -> tuple[tuple, dict]:
    return (
        tuple([_mapped(each, change) for each in args]),
        {name: _mapped(each, change) for name, each in kwargs.items()},
    )


def _operands(operator: Any, args: tuple, kwargs: dict[str, Any]) -> tuple[list, tuple, dict]:
    """Return the DTensors of a call, and its arguments with their specs in their place.

    Raises:
        RuntimeError: there is a plain tensor of several elements, or a second mesh.
    """
    found: list[Any] = []
    mesh = None
    for value in (*args, *kwargs.values()):
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(each, _class):
                mesh = each.device_mesh
                break
        if mesh is not None:
            break

    def collect(tensor: Any) -> Any:
        if not isinstance(tensor, _class):
            if tensor.numel() == 1 and tensor.ndim == 0:
                return tensor
            if not state.implicit_replication:
                raise _messages.mixed(operator)
            tensor = _class.from_local(tensor, mesh, [Replicate()] * mesh.ndim)  # type: ignore[union-attr]
        found.append(tensor)
        return tensor._spec

    args, kwargs = _map_all(args, kwargs, collect)
    return found, args, kwargs


def _key(operator: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Return what a call is remembered by, ``None`` where it cannot be."""

    def frozen(value: Any) -> Any:
        if isinstance(value, (list, tuple)) and not isinstance(value, (torch.Size, TensorMeta)):
            return tuple([frozen(each) for each in value])
        if isinstance(value, torch.Tensor):
            return (tuple(value.shape), value.dtype)
        return (value.__class__, value)

    key = (operator, frozen(args), tuple([(n, frozen(v)) for n, v in sorted(kwargs.items())]))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def schema_of(operator: Any, args: tuple, mesh: Any) -> str:
    """Return how a message shows a call."""

    def shown(value: Any) -> str:
        if isinstance(value, (list, tuple)) and any(isinstance(v, DTensorSpec) for v in value):
            return f"[{', '.join([shown(each) for each in value])}]"
        return str(list(value)) if isinstance(value, tuple) else str(value)

    return f"{operator}({', '.join([shown(each) for each in args])}) on {mesh})"


# The whole result


def _whole_results(operator: Any, args: tuple, kwargs: dict[str, Any]) -> list[TensorMeta] | Any:
    """Return what an operator yields on the whole tensors: shapes, without elements."""

    def change(value: Any) -> Any:
        if isinstance(value, DTensorSpec):
            meta = value.tensor_meta
            return torch.empty_strided(meta.shape, meta.stride, dtype=meta.dtype, device="meta")
        if isinstance(value, torch.Tensor):
            return torch.empty(value.shape, dtype=value.dtype, device="meta")
        if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
            return type(value)([change(each) for each in value])
        return value

    options = {name: change(value) for name, value in kwargs.items()}
    if options.get("device") is not None:
        options["device"] = "meta"
    with torch.no_grad():
        result = operator(*[change(value) for value in args], **options)
    results = result if isinstance(result, (tuple, list)) else [result]
    return [
        TensorMeta(torch.Size(each.shape), tuple(each.stride()), each.dtype)
        for each in results
        if isinstance(each, torch.Tensor)
    ]


# What to do


class Plan:
    """What a call does with its parts.

    Attributes:
        rule: the operator's rule.
        call: what rules see.
        targets: the placements of each DTensor when the operator runs.
        outs: the specs of the results.
        yields: for each DTensor and each dimension of the mesh, how its gradient lies; ``None``
            where that follows from the results' gradients.
    """

    def __init__(self, rule: Rule, call: Call, chosen: Sequence[Strategy]):
        self.rule, self.call = rule, call
        mesh = call.specs[0].mesh
        self.targets = [
            tuple([strategy.ins[at] for strategy in chosen]) for at in range(len(call.specs))
        ]
        self.outs = [
            DTensorSpec(mesh, [strategy.outs[at] for strategy in chosen], meta)
            for at, meta in enumerate(call.outs)
        ]
        self.alike = [
            all(isinstance(p, Replicate) for p in (*strategy.ins, *strategy.outs))
            for strategy in chosen
        ]
        self.yields = [None if alike else TERMS for alike in self.alike]
        self.out_shapes = [
            shard_size_and_offset(spec.shape, mesh, spec.placements)[0] for spec in self.outs
        ]


_plans: dict[Any, Plan] = {}


def forget_plans() -> None:
    """Forget what calls do, since a rule has changed."""
    _plans.clear()


def _is_in_place(operator: Any) -> bool:
    name = operator._opname
    return name.endswith("_") and not name.endswith("__")


def _plan(operator: Any, rule: Rule, args: tuple, kwargs: dict, specs: list[DTensorSpec]) -> Plan:
    key = _key(operator, args, kwargs)
    known = None if key is None else _plans.get(key)
    if known is not None:
        return known
    mesh = specs[0].mesh
    schema = schema_of(operator, args, mesh)
    for spec in specs:
        if spec.mesh != mesh:
            words = _messages.other_mesh(operator, mesh, spec.mesh)
            raise _messages.failed(words, schema_of(operator, args, spec.mesh))
    in_place = _is_in_place(operator)
    outs = [specs[0].tensor_meta] if in_place else _whole_results(operator, args, kwargs)
    call = Call(operator, args, kwargs, specs, outs)
    ways = []
    for index in range(mesh.ndim):
        call.index = index
        try:
            found = [each for each in rule.strategies(call) if call.allows(each)]
        except _messages.Refused as refused:
            raise _messages.failed(str(refused), schema) from None
        if in_place:
            kept = specs[0].placements[index]
            found = [each for each in found if each.ins[0] == kept == each.outs[0]]
            if not found:
                words = _messages.in_place(operator, specs[0].placements)
                raise _messages.failed(words, schema)
        if not rule.searches and all(isinstance(now, Replicate) for now in call.current):
            found = found[:1]
        ways.append(found)
    plan = Plan(rule, call, _cheapest(call, ways))
    if key is not None:
        if len(_plans) > 10000:
            _plans.clear()
        _plans[key] = plan
    return plan


#: How many combinations of ways along several dimensions of a mesh are compared.
_MOST_COMBINATIONS = 5000


def _cheapest(call: Call, ways: list[list[Strategy]]) -> list[Strategy]:
    """Return the strategy for each dimension of the mesh with which least is sent.

    What one dimension cuts, which costs nothing, the others need not send; so all are compared
    together.
    """
    if math.prod(map(len, ways)) > _MOST_COMBINATIONS:
        ways = [[min(each, key=lambda s: _cost(call, [s], at))] for at, each in enumerate(ways)]
    return list(min(itertools.product(*ways), key=lambda chosen: _cost(call, list(chosen))))


def _cost(call: Call, chosen: Sequence[Strategy], first: int = 0) -> float:
    """Return how long the redistributions take that some strategies need.

    Args:
        call: the call.
        chosen: a strategy for each dimension of the mesh, from the first one on.
        first: that dimension.
    """
    cost = 0.0
    mesh = call.specs[0].mesh
    for index, strategy in enumerate(chosen, first):
        call.index = index
        any_cut = any(isinstance(now, Shard) for now in call.current)
        for at, (now, wanted) in enumerate(zip(call.current, strategy.ins, strict=True)):
            if now == wanted:
                continue
            if isinstance(now, Partial) and isinstance(wanted, Shard) and not any_cut:
                return float("inf")  # terms are reduced to a whole where nothing asks for pieces
            spec = call.specs[at]
            size = float(math.prod(spec.shape)) * spec.tensor_meta.dtype.itemsize
            for other, each in enumerate(chosen, first):
                there = each.ins[at]
                if other != index and isinstance(there, Shard) and not now.is_shard(there.dim):
                    size /= mesh.size(other)
            cost += step_cost(now, wanted, call.count, size)
    return cost


# Parts


def _flows(tensor: Any) -> bool:
    return tensor._local.requires_grad and torch.is_grad_enabled()


def redistributed(tensor: Any, target: Sequence[Placement]) -> Any:
    """Return a DTensor with other placements; differentiable."""
    spec = tensor._spec.with_placements(target)
    if tensor.placements == tuple(target):
        return _wrap(tensor._local.view_as(tensor._local), spec, tensor._kinds)
    if _flows(tensor):
        tensor = _reduced(tensor, spec.placements)
        local, kinds = redistribute(tensor, spec.placements)
        return _wrap(local, spec, kinds)
    local = redistribute_local(
        tensor._local, tensor.shape, spec.mesh, tensor.placements, spec.placements
    )
    return _wrap(local, spec)


def _reduced(tensor: Any, target: Sequence[Placement]) -> Any:
    """Return a DTensor whose terms are reduced that are to be, where they are no terms of a sum."""
    local = tensor._local
    placements, kinds = list(tensor.placements), list(tensor._kinds)
    for index, (before, after) in enumerate(zip(tensor.placements, target, strict=True)):
        if before != after and not is_plain_sum(before):
            placements[index], kinds[index] = Replicate(), Kind()
            local = ReduceTerms.apply(local, before, tensor.device_mesh, index, kinds[index])
    if local is tensor._local:
        return tensor
    return _wrap(local, tensor._spec.with_placements(placements), tuple(kinds))


def _part(tensor: Any, target: tuple[Placement, ...], plan: Plan) -> tuple[Any, Any]:
    """Return a DTensor's part under the placements in which an operator runs, and its kinds."""
    source = tensor.placements
    if source == target:
        if not _flows(tensor):
            return tensor._local, tensor._kinds
        if any(kind is not None and y for kind, y in zip(tensor._kinds, plan.yields, strict=True)):
            return use(tensor._local, tensor, plan.yields), tensor._kinds
        return tensor._local, tensor._kinds
    mesh = tensor.device_mesh
    if not _flows(tensor):
        local = redistribute_local(tensor._local, tensor.shape, mesh, source, target)
        return local, kinds_of(target)
    steps = steps_between(source, target)
    if all(type(before) is Replicate and type(after) is Shard for _, before, after in steps):
        changed = {index for index, _, _ in steps}
        yields = [TERMS if index in changed else plan.yields[index] for index in range(mesh.ndim)]
        local = use(tensor._local, tensor, yields)
        for index, _, after in steps:
            assert isinstance(after, Shard)
            rank = mesh.get_coordinate()[index]
            size, begin = Shard.local_shard_size_and_offset(
                local.size(after.dim), mesh.size(index), rank
            )
            local = local.narrow(after.dim, begin, size)
        kept = tuple([None if i in changed else kind for i, kind in enumerate(tensor._kinds)])
        return local, kept
    moved = redistributed(tensor, target)
    return use(moved._local, moved, plan.yields), moved._kinds


def _join(parts: list[tuple[Any, Any, Any]], plan: Plan) -> tuple[list[Any], list[Kind | None]]:
    """Let results and operands that are replicated alike have one kind along each dimension.

    Args:
        parts: of each operand the tensor, its part and its kinds.
    Returns:
        The parts, and for each dimension of the mesh the kind of the replicated results.
    """
    locals_ = [local for _, local, _ in parts]
    shared: list[Kind | None] = []
    for index, alike in enumerate(plan.alike):
        if not alike:
            shared.append(None)
            continue
        kinds = [
            kinds[index]
            for _, local, kinds in parts
            if kinds[index] is not None and local.requires_grad
        ]
        settled = {kind.settled() for kind in kinds} - {None}
        made = Kind()
        if len(settled) > 1:  # one use converts
            made.settle(REPLICATED)
            for at, (tensor, local, kinds_here) in enumerate(parts):
                if kinds_here[index] is not None and local.requires_grad:
                    yields: list[str | None] = [None] * len(plan.alike)
                    yields[index] = REPLICATED
                    locals_[at] = use(
                        locals_[at], _Stand(tensor, plan.targets[at], kinds_here), yields
                    )
        else:
            for kind in kinds:
                made.join(kind)
        shared.append(made)
    return locals_, shared


class _Stand:
    """A DTensor after its redistribution, for ``use``."""

    def __init__(self, tensor: Any, placements: tuple[Placement, ...], kinds: Any):
        self.placements, self._kinds = placements, kinds
        self.shape, self.device_mesh = tensor.shape, tensor.device_mesh


def dispatch(operator: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Run an operator on DTensors.

    Args:
        operator: the overload.
        args, kwargs: its arguments.
    Raises:
        RuntimeError: plain tensors are among them, or no placements are found.
        NotImplementedError: there is no rule for the operator.
    """
    from ._rules.table import SPECIAL, rule_of

    if operator._opname.startswith("_foreach_"):
        return _one_by_one(operator._opname[len("_foreach_") :], args, kwargs)
    special: Any = state.overriding.get(operator._opname) or SPECIAL.get(operator._opname)
    if special is not None:
        return special(operator, *args, **kwargs)
    tensors, spec_args, spec_kwargs = _operands(operator, args, kwargs)
    if not tensors:
        return operator(*args, **kwargs)
    specs = [tensor._spec for tensor in tensors]
    rule = rule_of(operator)
    if rule is None:
        raise _messages.failed(str(operator), schema_of(operator, spec_args, specs[0].mesh))
    plan = _plan(operator, rule, spec_args, spec_kwargs, specs)
    parts = [
        (tensor, *_part(tensor, target, plan))
        for tensor, target in zip(tensors, plan.targets, strict=True)
    ]
    flows = torch.is_grad_enabled() and any(local.requires_grad for _, local, _ in parts)
    if flows:
        local_parts, shared = _join(parts, plan)
    else:
        local_parts, shared = [local for _, local, _ in parts], []
    rest = iter(local_parts)

    def local_of(value: Any) -> Any:
        if isinstance(value, DTensorSpec):
            return next(rest)
        if isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
            return type(value)([local_of(each) for each in value])
        return value

    local_args = tuple([local_of(each) for each in spec_args])
    local_kwargs = {name: local_of(each) for name, each in spec_kwargs.items()}
    if rule.localise is not None:
        local_args, local_kwargs = rule.localise(
            plan.call, local_args, local_kwargs, plan.out_shapes, plan.targets
        )
    if rule.run is not None:
        result = rule.run(plan.call, plan.targets, *local_args, **local_kwargs)
    else:
        result = operator(*local_args, **local_kwargs)
    if _is_in_place(operator):
        return _written(tensors[0], parts[0][1], result)
    return _wrapped(result, plan, shared, flows)


def on_whole_tensors(function: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Call a function that is no operator on whole tensors, in each process; differentiable.

    Args:
        function: the function; its results are replicated.
        args, kwargs: its arguments, some of them DTensors.
    Raises:
        NotImplementedError: it writes to its operands, or there are several meshes.
    """
    meshes = []

    def whole(value: Any) -> Any:
        if not isinstance(value, _class):
            return value
        if value.device_mesh not in meshes:
            meshes.append(value.device_mesh)
        return value.full_tensor()

    name = getattr(function, "__name__", "")
    args, kwargs = _map_all(args, kwargs, whole)
    if len(meshes) != 1 or name.endswith("_") or kwargs.get("inplace") or kwargs.get("out"):
        raise _messages.untranslated(function)
    (mesh,) = meshes
    placements = [Replicate()] * mesh.ndim
    return _mapped(function(*args, **kwargs), lambda t: _class.from_local(t, mesh, placements))


def _one_by_one(name: str, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Do an operator on lists of tensors tensor by tensor."""
    function = torch.linalg.vector_norm if name == "norm" else getattr(torch.Tensor, name)
    results = [
        function(
            *[each[at] if isinstance(each, (list, tuple)) else each for each in args], **kwargs
        )
        for at in range(len(args[0]))
    ]
    return None if name.endswith("_") else results


def _written(tensor: Any, part: Any, result: Any) -> Any:
    """Return the tensor that an operator wrote to."""
    if result is not tensor._local and part is not tensor._local:
        tensor._local = result
    return tensor


def _wrapped(result: Any, plan: Plan, shared: list[Kind | None], flows: bool) -> Any:
    """Return the results as DTensors."""
    specs = iter(plan.outs)

    def wrap(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        spec = next(specs)
        kinds = None
        if flows:
            own = kinds_of(spec.placements)
            kinds = tuple(
                [
                    kind if kind is None or shared[index] is None else shared[index]
                    for index, kind in enumerate(own)
                ]
            )
        return _wrap(value, spec, kinds)

    if isinstance(result, torch.Tensor):
        return wrap(result)
    if type(result) in (tuple, list):
        return type(result)([wrap(each) for each in result])
    if isinstance(result, tuple):  # results with names
        return type(result)([wrap(each) for each in result])
    return result
