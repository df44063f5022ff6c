"""The part of a graph that ``torch.func.functionalize`` keeps free of writes.

The tensors themselves are written to as ever. In the graph, a write makes a new value; through the
inverse of each view, it becomes a new value of the memory, and other views are read from that again
when they are next used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jtorch as torch

from ..._engine.graph.values import is_tensor
from ..._engine.recording.dispatch_modes import without_operators
from ...utils import _pytree as pytree
from ._view_inverses import INVERSES

#: Writes whose function without them has another name or overload.
_WITHOUT_WRITE = {
    ("bernoulli_", "float"): ("bernoulli", "p"),
    ("normal_", "default"): ("normal_functional", "default"),
}
#: Writes that change shape and strides alone.
_INPLACE_VIEWS = ("squeeze_", "unsqueeze_", "transpose_", "t_", "swapaxes_", "swapdims_")
_COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge", "logical_")


@dataclass(frozen=True)
class Step:
    """One view of a chain.

    Args:
        func: the overload.
        rest: its positional arguments behind the tensor.
        kwargs: its arguments by name.
        index: which of several results it is.
        shape, dtype: those of what it is a view of.
    """

    func: Any
    rest: tuple
    kwargs: dict[str, Any]
    index: int | None
    shape: tuple[int, ...]
    dtype: Any


@dataclass
class Memory:
    """What tensors share that are views of one another: its value, and how often it was written."""

    value: Any
    generation: int = 0
    #: Writes that are not in the value yet: (the new value of a view, the steps of the view).
    writes: list[tuple[Any, tuple[Step, ...]]] = field(default_factory=list)


@dataclass
class View:
    """A tensor: a chain of steps from its memory, and its value of some generation."""

    memory: Memory
    steps: tuple[Step, ...]
    value: Any
    generation: int


class FunctionalGraph:
    """Records operators without their writes.

    Args:
        mode: makes the nodes and knows the proxies of tensors.
        remove_views: whether views become copies (``view_copy``).
    """

    def __init__(self, mode: Any, remove_views: bool):
        self.mode = mode
        self.remove_views = remove_views
        self._views: dict[int, tuple[Any, View]] = {}  # with the tensors, which keeps their ids

    def enter(self, inputs: Sequence[Any]) -> None:
        """Take in the arguments of the function."""
        for tensor in inputs:
            self._add(tensor, self.mode.proxy_of(tensor))
        self._given = [self._views[id(tensor)][1].value for tensor in inputs]

    def leave(self, results: Sequence[Any], inputs: Sequence[Any]) -> None:
        """Let the proxies of results stand outside, and write to arguments that were changed."""
        for tensor in results:
            if id(tensor) in self._views:
                self.mode.track(tensor, self._current(tensor))
        changed = [self._current(tensor) for tensor in inputs]
        for tensor, before, now in zip(inputs, self._given, changed, strict=True):
            if now is not before:
                copy = torch.ops.aten.copy_.default
                self.mode.node(copy, (before, now), {})
                if not any(tensor is each for each in results):
                    self.mode.track(tensor, now)

    def call(self, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Run an operator, and record it."""
        schema = func._schema
        if func._opname in _INPLACE_VIEWS:
            return self._view_in_place(func, args, kwargs)
        if schema.is_mutable:
            return self._write(func, args, kwargs)
        if func.is_view and self._is_known(args[0]):
            return self._view(func, args, kwargs)
        proxy = self.mode.node(func, *self._stand_ins(args, kwargs))
        result = func(*args, **kwargs)
        self._track(result, proxy)
        return result

    def _is_known(self, tensor: Any) -> bool:
        return id(tensor) in self._views or self.mode.is_traced(tensor)

    def _add(self, tensor: Any, value: Any) -> None:
        self._views[id(tensor)] = (tensor, View(Memory(value), (), value, 0))

    def _track(self, result: Any, proxy: Any) -> None:
        if is_tensor(result):
            self.mode.track(result, proxy)
            self._add(result, proxy)
        elif isinstance(result, (tuple, list)):
            for index, each in enumerate(result):
                self._track(each, proxy[index])

    def _stand_ins(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        def stand_in(value: Any) -> Any:
            return self._current(value) if is_tensor(value) else value

        return pytree.tree_map(stand_in, (args, kwargs))

    def _view_of(self, tensor: Any) -> View:
        if id(tensor) not in self._views:
            self._add(tensor, self.mode.proxy_of(tensor))
        return self._views[id(tensor)][1]

    def _current(self, tensor: Any) -> Any:
        """Return what stands for a tensor as it is now."""
        if not self._is_known(tensor):
            return tensor
        view = self._view_of(tensor)
        memory = view.memory
        for value, steps in memory.writes:
            memory.value = self._written(memory.value, value, steps)
            memory.generation += 1
        memory.writes.clear()
        if view.generation != memory.generation:
            view.value = self._read(memory.value, view.steps)
            view.generation = memory.generation
        return view.value

    def _read(self, value: Any, steps: Sequence[Step]) -> Any:
        for step in steps:
            value = self._forward(step, value)
        return value

    def _written(self, base: Any, value: Any, steps: tuple[Step, ...]) -> Any:
        """Return the value of a memory after a view of it was written to."""
        bases = [base]
        for step in steps[:-1]:
            bases.append(self._forward(step, bases[-1]))
        for step, before in reversed(list(zip(steps, bases, strict=False))):
            inverse = INVERSES.get(step.func._opname)
            if inverse is None:
                raise NotImplementedError(
                    f"functionalize: jtorch has no graph for a write through {step.func}"
                )
            value = inverse(self, step, before, value)
        return value

    def _forward(self, step: Step, value: Any) -> Any:
        proxy = self.mode.node(self._of_view(step.func), (value, *step.rest), step.kwargs)
        if step.index is None:
            return proxy
        return [proxy[index] for index in range(self._pieces(step))][step.index]

    def _pieces(self, step: Step) -> int:
        with without_operators():
            meta = torch.empty(step.shape, dtype=step.dtype, device="meta")
            return len(step.func(meta, *step.rest, **step.kwargs))

    def make(self, name: str, *args: Any) -> Any:
        """Make the node of an operator, by name and overload; of a view as views are made here."""
        packet, _, overload = name.partition(".")
        func = getattr(getattr(torch.ops.aten, packet), overload or "default")
        return self.mode.node(self._of_view(func), args, {})

    def _of_view(self, func: Any) -> Any:
        """Return an overload, or that of the copy in its place where views are removed."""
        if not self.remove_views or not func.is_view:
            return func
        packet = getattr(torch.ops.aten, f"{func._opname}_copy")
        return getattr(packet, func._overloadname)

    def _view(self, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        base, *rest = args
        (rest, kwargs), value = self._stand_ins(tuple(rest), kwargs), self._current(base)
        proxy = self.mode.node(self._of_view(func), (value, *rest), kwargs)
        result = func(*args, **kwargs)
        view, shape = self._view_of(base), tuple(base.shape)

        def note(piece: Any, value: Any, index: int | None) -> None:
            step = Step(func, rest, kwargs, index, shape, base.dtype)
            found = View(view.memory, (*view.steps, step), value, view.memory.generation)
            self.mode.track(piece, value)
            self._views[id(piece)] = (piece, found)

        if is_tensor(result):
            note(result, proxy, None)
        else:
            for index, piece in enumerate(result):
                note(piece, proxy[index], index)
        return result

    def _view_in_place(self, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        tensor, *rest = args
        value, view = self._current(tensor), self._view_of(tensor)
        without = _without_write(func)
        step = Step(without, tuple(rest), kwargs, None, tuple(tensor.shape), tensor.dtype)
        view.steps = (*view.steps, step)
        view.value = self._forward(step, value)
        return func(*args, **kwargs)

    def _write(self, func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        arguments = func._schema.arguments
        by_place = [argument for argument in arguments if not argument.by_name]
        given = {argument.name: value for argument, value in zip(by_place, args)} | kwargs
        targets = [given[argument.name] for argument in arguments if argument.written]
        for target in targets:
            if not self._is_known(target):
                raise RuntimeError(
                    "mutating a non-functional tensor with a functional tensor is not allowed. "
                    "Please ensure that all of your inputs are wrapped inside of a "
                    "functionalize() call."
                )
        without = _without_write(func)
        if func._opname.endswith("_"):
            pure, pure_kwargs = args, kwargs
        else:
            written = {argument.name for argument in arguments if argument.written}
            pure = args
            pure_kwargs = {name: value for name, value in kwargs.items() if name not in written}
        pure = (*pure, *_defaults(func, without, len(pure), pure_kwargs))
        proxy = self.mode.node(without, *self._stand_ins(pure, pure_kwargs))
        dtypes = _result_dtypes(without, pure, pure_kwargs, targets)
        result = func(*args, **kwargs)
        values = [proxy] if len(targets) == 1 else [proxy[i] for i in range(len(targets))]  # type: ignore[index]
        for target, value, dtype in zip(targets, values, dtypes, strict=True):
            if dtype is not target.dtype:
                convert = torch.ops.aten._to_copy.default
                options = {"dtype": target.dtype, "layout": torch.strided}
                value = self.mode.node(convert, (value,), options)
            view = self._view_of(target)
            view.value = value
            view.memory.writes.append((value, view.steps))
            self._current(target)
        return result


def _without_write(func: Any) -> Any:
    """Return the overload that gives what another one writes.

    Raises:
        NotImplementedError: there is none.
    """
    key = (func._opname, func._overloadname)
    arguments = [(a.name, a.type) for a in func._schema.arguments if not _is_out(func, a)]
    name, overload = _WITHOUT_WRITE.get(key, (func._opname.removesuffix("_"), func._overloadname))
    packet = getattr(torch.ops.aten, name, None)
    if packet is not None:
        overloads = packet.overloads()
        others = sorted(overloads, key=lambda each: each != overload)
        for each in others:
            found = getattr(packet, each)
            same = [(a.name, a.type) for a in found._schema.arguments] == arguments
            if not found._schema.is_mutable and (same or key in _WITHOUT_WRITE):
                return found
    raise NotImplementedError(f"functionalize: jtorch has no operator for {func} without its write")


def _defaults(func: Any, without: Any, given: int, kwargs: dict[str, Any]) -> list[Any]:
    """Return the values of arguments that may be left out where something is written alone."""
    known = {argument.name: argument.default for argument in func._schema.arguments}
    places = [each for each in without._schema.arguments if not each.by_name][given:]
    return [
        known[each.name]
        for each in places
        if not each.has_default_value() and each.name not in kwargs
    ]


def _is_out(func: Any, argument: Any) -> bool:
    return argument.written and not func._opname.endswith("_")


def _result_dtypes(
    without: Any, args: tuple, kwargs: dict[str, Any], targets: Sequence[Any]
) -> list[Any]:
    """Return the dtypes of what is written, which may be wider than those of the targets."""
    leaves = pytree.tree_leaves((args, kwargs))
    found = {each.dtype for each in leaves if is_tensor(each)}
    compares = without._opname.startswith(_COMPARISONS)
    if not compares and found <= {target.dtype for target in targets}:
        return [target.dtype for target in targets]
    result = without(*args, **kwargs)
    results = [result] if is_tensor(result) else list(result)
    return [each.dtype for each in results]
