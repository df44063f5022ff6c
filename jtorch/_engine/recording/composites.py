"""Functions made of several operators, recorded by one look-up.

A function such as ``linear`` is Python over operators: a transpose, a product, a view. What it
records follows from its arguments as what one operator records does, so a node of the trie keeps
where a call leads: the node at its end, the metas between, and how the results lie in memory. The
operators themselves are in the trie as ever, for gradients, ``grad_fn`` and programs.

Only a call that did nothing but record is kept, see ``_path``. It may not warn, either: of that
nothing is seen here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..._core import settings
from ..._core.size import Size
from ..graph.trie import Node
from ..graph.values import LEAF, Value, is_tensor
from . import trace as recording
from .record import wrap
from .storage import Alias, Storage, current_value
from .trace import REACH, Trace, local

#: Classes of arguments that enter the key themselves.
_CONSTANTS = frozenset((type(None), int, float, bool, str, Size))
#: Calls that one node keeps.
_MOST = 64


class _Result:
    """How a result lies.

    Attributes:
        slot: of the call's results the one that it holds.
        base: the one that it is a view of, ``None`` where it is none.
        steps, remark: see ``Alias``.
    """

    __slots__ = ("slot", "base", "steps", "remark")

    def __init__(self, slot: int):
        self.slot = slot
        self.base: int | None = None
        self.steps: tuple = ()
        self.remark: Any = None


class _Path:
    """What a call records.

    Attributes:
        end: the node that it leads to.
        metas: of all its results, by slot.
        order: the inputs that the call enters, as places among its arguments that are new to the
            trace; ``None`` where that is their own order.
        floats, ints: the numbers that its operators take, which follow from the key.
        results: how what it returns lies: a ``_Result``, ``None``, or a tuple of these.
    """

    __slots__ = ("end", "metas", "order", "floats", "ints", "results")

    end: Node
    metas: tuple
    order: tuple[int, ...] | None
    floats: list[float]
    ints: list[int]
    results: Any


class _NotKept(Exception):
    """What a call did or returned cannot be done again without it."""


def composite(function: Callable) -> Callable:
    """Return a function whose calls are remembered in the trie.

    Args:
        function: takes tensors and constants, and returns new tensors. It looks at no elements,
            checks none, and does not warn.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        trace = local.trace
        if not trace.node.children:  # nothing was ever recorded here: most of that never comes back
            return function(*args, **kwargs)
        try:
            made: tuple[Any, ...] = (call, settings.changes, _parts(trace, args))
            if kwargs:
                made += (*kwargs, _parts(trace, tuple(kwargs.values())))
            start = trace.node
            kept = start.composites
            path = None if kept is None else kept.get(made)
        except (AttributeError, TypeError):
            trace.rollback()
            return function(*args, **kwargs)
        except BaseException:
            trace.repair()
            raise
        if path is None:
            entered = trace.inputs[start.n_inputs :]
            trace.rollback()
            return _first_call(function, args, kwargs, trace, start, made, entered)
        values = trace.values
        try:
            if path.order is not None:
                _reorder(trace, start.n_inputs, path.order)
            trace.floats += path.floats
            trace.ints += path.ints
            trace.node = path.end
            slot = start.next_slot
            place = trace.base + slot
            segment = trace.segment
            for meta in path.metas:
                values.append(Value(place, meta, segment, slot))
                slot += 1
                place += 1
        except BaseException:
            trace.repair()
            raise
        return _made(path.results, values, start.next_slot)

    return call


def _parts(trace: Trace, args: Any) -> tuple:
    """Return the parts of the key that the elements of a list or tuple are."""
    parts: list[Any] = [args.__class__]
    for arg in args:
        cls = arg.__class__
        if cls in _CONSTANTS:
            parts.append((cls, arg))
        elif cls is tuple or cls is list:
            parts.append(_parts(trace, arg))
        else:
            value = arg._operand
            if arg._alias is not None:
                value = current_value(arg)
            reference = value.place - trace.base
            parts.append(reference if -REACH < reference < REACH else trace.enter(value))
    return tuple(parts)


def _made(results: Any, values: list[Value], first: int) -> Any:
    """Return new tensors that lie as the results of a call do."""
    if results.__class__ is tuple:
        return tuple([_made(each, values, first) for each in results])
    if results is None:
        return None
    made = wrap(values[first + results.slot])
    if results.base is not None:
        owner = wrap(values[first + results.base])
        shared = Storage(owner._value)
        owner._alias = Alias(shared, (), None)
        alias = made._alias = Alias(shared, results.steps, owner)
        alias.remark = results.remark
    return made


def _reorder(trace: Trace, first: int, order: tuple[int, ...]) -> None:
    """Put the inputs that were entered last in the order in which a path enters them."""
    entered = [trace.inputs[first + place] for place in order]
    trace.inputs[first:] = entered
    for place, value in enumerate(entered, first + 1):
        value.place = trace.base - place
    trace.forget_known()


def _first_call(
    function: Callable,
    args: tuple,
    kwargs: dict,
    trace: Trace,
    start: Node,
    key: tuple,
    entered: list[Value],
) -> Any:
    """Call a function, and keep where it led if nothing else came of it."""
    first, floats, ints = len(trace.values), len(trace.floats), len(trace.ints)
    segment, renewed, looks = trace.segment, trace.segment.renewed, recording.looks
    results = function(*args, **kwargs)
    if local.trace is not trace or trace.segment is not segment or trace.captures:
        return results
    if recording.looks != looks or segment.renewed is not renewed:
        return results  # it has seen elements, or written through a view
    places = {id(value): place for place, value in enumerate(entered)}
    order = [places.get(id(value)) for value in trace.inputs[start.n_inputs :]]
    if None in order or sorted(order) != [*range(len(entered))]:  # type: ignore[type-var]
        return results
    try:
        path = _path(trace, start)
        path.results = _described(trace, results, first, set())
    except _NotKept:
        return results
    path.order = None if order == [*range(len(order))] else tuple(order)  # type: ignore[arg-type]
    path.floats, path.ints = trace.floats[floats:], trace.ints[ints:]
    kept = start.composites
    if kept is None or len(kept) >= _MOST:
        kept = start.composites = {}
    kept[key] = path
    return results


def _path(trace: Trace, start: Node) -> _Path:
    """Return the operators that a call recorded.

    Raises:
        _NotKept: one of them writes to what was there before, the trace is cut in between, or
            another mode was set.
    """
    node = trace.node
    nodes = []
    while node is not start:
        nodes.append(node)
        instruction, parent = node.instruction, node.parent
        if parent is None or parent.mode is not start.mode or instruction is None:
            raise _NotKept
        if type(parent.children) is not dict or not _is_private(instruction, start.next_slot):
            raise _NotKept
        node = parent
    path = _Path()
    path.end = trace.node
    path.metas = tuple([meta for each in reversed(nodes) for meta in each.metas])
    return path


def _is_private(instruction: Any, first: int) -> bool:
    """Return whether an instruction overwrites nothing that was there before slot ``first``."""
    overwrites = instruction.overwrites
    return overwrites is None or (overwrites.__class__ is int and overwrites >= first)


def _described(trace: Trace, results: Any, first: int, storages: set[int]) -> Any:
    """Say how the results of a call lie.

    Args:
        results: what it returned.
        first: its first slot.
        storages: keys of the storages of the results before, to which these are added.
    Raises:
        _NotKept: one is no new tensor, or shares memory with another or what was there before.
    """
    if results is None:
        return None
    if results.__class__ is tuple:
        return tuple([_described(trace, each, first, storages) for each in results])
    if not is_tensor(results) or results._extra is not None or results._writes:
        raise _NotKept
    value, alias = results._value, results._alias
    slot = value.place - trace.base
    if value.meta.grad == LEAF or not first <= slot < REACH:
        raise _NotKept
    described = _Result(slot - first)
    if alias is not None:
        shared, owner = alias.storage, alias.base
        if owner is None or not alias.steps or alias.counter is not shared.counter:
            raise _NotKept
        base = owner._value.place - trace.base
        if not first <= base < REACH or owner._alias.steps or shared.version:
            raise _NotKept
        if shared.key in storages:
            raise _NotKept
        storages.add(shared.key)
        described.base, described.steps, described.remark = base - first, alias.steps, alias.remark
    return described
