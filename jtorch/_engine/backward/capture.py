"""Capturing what a Python function records, as a pure function of JAX.

``capture`` calls a function with stand-ins: tensors that have a shape and a dtype, but no elements.
What it records on them goes into a trace of its own, which never runs; it becomes a function over
arrays that JAX can transform (``vmap``, ``jvp``, ``jacfwd``, ...). The transformed function is then
recorded as one operator, so that transforms nest, fuse with what surrounds them, and compile once:
two captures of the same operators are equal, since the trie says so.
"""

from __future__ import annotations

import contextlib
import functools
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any

import jax
import numpy as np

from ..._core.device import Device
from ..._core.dtypes import BY_NAME
from ..declare import op
from ..execution import fingerprint
from ..execution.programs import Environment, evaluate, live_instructions, metas_of
from ..graph.op import Spec
from ..graph.trie import Instruction, Node
from ..graph.values import NO_GRAD, Meta, Value, make_meta, ready
from ..memory.from_host import fresh_tensor
from ..recording.kinds.base import Custom
from ..recording.record import wrap
from ..recording.storage import current_value
from ..recording.trace import REACH, SwitchDevice, Trace, local, materialise
from . import _messages
from .levels import levels
from .rules import forwards, on_tape

#: Transforms that differentiate forwards, for which JAX has to know every rule.
FORWARD = ("jvp", "jacfwd")


class StandIn:
    """Where the elements of a stand-in would be, of which ``vmap`` has none to show.

    Attributes:
        trace: the trace that the stand-in is an argument of.
        drawn: for numbers that were drawn while capturing, those of all slices.
    """

    def __init__(self, trace: CapturingTrace, drawn: Value | None = None):
        self.trace = trace
        self.drawn = drawn

    def read(self, value: Value, reason: str) -> Any:
        """Return the elements."""
        return self.trace.read(value, reason)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        own = self.trace.own
        value = next((each for each in own if each.array is self), None)
        if value is None:
            raise _messages.looked_at("item")
        return np.asarray(self.read(value, "item"))


class CapturingTrace(Trace):
    """A trace that is never run.

    Attributes:
        transform: what the function is captured for, for messages.
        random: what happens when random numbers are drawn: "error", "same" or "different".
        places: the values that entered, with the places that they had elsewhere.
        own: the values of its stand-ins.
        arguments: the tensors that they stand for.
        axes: which of their dimensions ``vmap`` maps over.
        finished: whether the function has returned.
    """

    __slots__ = (
        *("transform", "random", "places", "outer", "own", "arguments", "axes"),
        *("finished",),
    )
    captures = True
    #: Whether it is a transform that is shown when a tensor is printed inside.
    is_level = True

    def __init__(
        self,
        transform: str,
        random: str,
        outer: Trace,
        arguments: Sequence[Any],
        axes: tuple[int, ...],
    ):
        self.transform, self.random, self.outer = transform, random, outer
        self.arguments, self.axes = list(arguments), axes
        self.finished = False
        self.places: list[tuple[Value, int]] = []
        self.own: list[Value] = []
        super().__init__()
        self.mode = outer.mode
        self.device = outer.device
        self.begin()

    def enter(self, value: Value) -> Any:
        """Make a value an input, pending elsewhere or not."""
        self.places.append((value, value.place))
        if value.meta.device is not self.device:
            self._switch_device(value.meta.device)
        self.inputs.append(value)
        value.place = self.base - len(self.inputs)
        # A call with slices is another one than with what is the same for all.
        own = getattr(value.array, "trace", None) is self
        return (value.meta, self.transform) if own else value.meta

    def _switch_device(self, device: Device) -> None:
        if self.own:  # what is captured is for the device of the arguments
            raise SwitchDevice(device)
        super()._switch_device(device)

    def keyed(self) -> Any:
        """Return the trace around whose numbers are drawn from a key of JAX, if there is one."""
        return self.outer.keyed() if isinstance(self.outer, CapturingTrace) else None

    def refuse_to_run(self) -> None:
        """Say that a captured function cannot look at values."""
        raise _messages.escaped() if self.finished else _messages.looked_at("item")

    def refuse_device(self) -> None:
        """Say that what is captured is for one device."""
        raise _messages.two_devices()

    def read(self, value: Value, reason: str) -> Any:
        """Return the array of a value that is the same for all slices.

        Raises:
            RuntimeError: it differs between the slices of ``vmap``.
        """
        if self.finished:
            raise _messages.escaped()
        if self.is_mapped(value):
            raise _messages.looked_at(reason)
        found = self.evaluate(value)[0]
        with self.outside():
            return materialise(found, reason)

    @contextlib.contextmanager
    def outside(self) -> Iterator[None]:
        """Record in the trace outside for a while."""
        inside = [(value, value.place) for value, _ in self.places]
        for value, place in reversed(self.places):
            value.place = place
        local.trace = self.outer
        try:
            yield
        finally:
            local.trace = self
            self.places = [(value, value.place) for value, _ in inside]
            for value, place in inside:
                value.place = place

    def outside_for(self, values: Iterable[Value]) -> contextlib.AbstractContextManager[None]:
        """Return the block in which to record on values of another device.

        Raises:
            NotImplementedError: one is part of what is captured, which is for one device.
        """
        for value in values:
            if 0 <= value.place - self.base < REACH or self.follows(value):
                self.refuse_device()
        return self.outside()

    def check_move(self, value: Value) -> None:
        """Refuse to copy to another device what a trace that captures follows."""
        if self.follows(value):
            self.refuse_device()
        with self.outside():
            self.outer.check_move(value)

    def evaluate(self, value: Value) -> tuple[Value, int | None]:
        """Return a value for all slices, in the trace outside, and which dimension they are in.

        The second is ``None`` for what is no slice.
        """
        for own, argument, axis in zip(self.own, self.arguments, self.axes or repeat(None)):
            if own is value:
                return current_value(argument), axis
        reference = value.place - self.base
        if not -REACH < reference < REACH or reference < 0:
            return value, None  # from outside
        follows = self.follows(value)
        captured, values = captured_of(self, (reference,), follows)
        arguments = self.arguments if follows else []
        operands = [*arguments, *map(wrap, values), *packed_numbers(self)]
        axes = self.axes if follows and self.transform == "vmap" else ()

        def build(pure: Callable, arrays: list, extra: list) -> list:
            return jax.vmap(pure, in_axes=axes)(*arrays) if axes else pure(*arrays)

        spread = 0 if axes else None
        whole = Transformed(captured, ("evaluate", axes), build, len(arguments), True)
        with self.outside():
            (found,) = as_tuple(transformed_op.call(whole, operands, 0))
        return found._value, spread

    def refuse_randomness(self) -> None:
        """Say that numbers drawn once would stand for many, unless that is wanted."""
        if self.transform == "vmap" and self.random == "error":
            raise _messages.random_in_error_mode()
        if self.outer.captures:
            self.outer.refuse_randomness()

    def drawing_sizes(self) -> tuple[int, ...]:
        """Return how often numbers are drawn for one call: once for each slice of ``vmap``."""
        sizes = self.outer.drawing_sizes()
        if self.transform == "vmap" and self.random == "different":
            size = self.arguments[0].shape[self.axes[0]]
            return (*sizes, size)
        return sizes

    def drawn(self, array: Any, meta: Meta) -> Any:
        """Return what stands for the numbers of one slice.

        Args:
            array: the numbers of all slices, of every ``vmap`` around.
            meta: of one slice.
        """
        if self.transform != "vmap" or self.random != "different":
            return self.outer.drawn(array, meta)
        size = self.arguments[0].shape[self.axes[0]]
        every = make_meta((size, *meta.shape), meta.dtype, meta.device)
        return StandIn(self, ready(self.outer.drawn(array, every), every))

    def alike(self, tensor: Any, other: Any) -> Any:
        """Return a new tensor as one for each slice, where another one is."""
        own = current_value(tensor)
        found, axis = self.evaluate(current_value(other))
        if axis is None or own.meta.grad != NO_GRAD:
            with self.outside():
                return self.outer.alike(tensor, wrap(found))
        size = found.meta.shape[axis]
        every = make_meta((size, *own.meta.shape), own.meta.dtype, own.meta.device)
        with self.outside():
            array = jax.numpy.broadcast_to(own.array, every.shape)
            drawn = self.outer.alike(wrap(ready(array, every)), wrap(found))
        return wrap(ready(StandIn(self, current_value(drawn)), own.meta))

    def all_slices(self, value: Value) -> np.ndarray:
        """Return the elements that a value has in all slices for which numbers are drawn."""
        found, axis = self.evaluate(value)
        self.check_same(value)
        with self.outside():
            array = self.outer.all_slices(found)
        if self.transform != "vmap" or self.random != "different":
            return array
        at = array.ndim - found.meta.ndim
        if axis is not None:
            return np.moveaxis(array, at + axis, at)
        size = self.arguments[0].shape[self.axes[0]]
        shape = (*array.shape[:at], size, *array.shape[at:])
        return np.broadcast_to(np.expand_dims(array, at), shape)

    def for_all_slices(self, tensor: Any) -> Any:
        """Return what a tensor is for all slices of ``vmap``, as one that is no slice."""
        found = self.evaluate(current_value(tensor))[0]
        with self.outside():
            return self.outer.for_all_slices(wrap(found))

    def check_same(self, value: Value) -> None:
        """Refuse the same numbers for all slices where their distribution differs."""
        if self.random == "same" and self.is_mapped(value):
            raise _messages.random_of_slices()

    def adopt_draws(self) -> None:
        """Make arguments of the numbers that were drawn for each slice and are used."""
        for value in self.inputs:
            array = value.array
            if array.__class__ is not StandIn or array.trace is not self or array.drawn is None:
                continue
            if not any(each is value for each in self.own):
                self.own.append(value)
                self.arguments.append(wrap(array.drawn))
                self.axes = (*self.axes, 0)

    def depends(self, reference: Any) -> bool:
        """Return whether what a reference names follows from the stand-ins."""
        self.adopt_draws()
        known = {
            -place
            for place, value in enumerate(self.inputs, 1)
            if any(v is value for v in self.own)
        }
        for instruction in self.node.instructions():
            if not known.isdisjoint(instruction.operands):
                known.update(range(instruction.slot, instruction.slot + len(instruction.metas)))
        return reference in known

    def follows(self, value: Value) -> bool:
        """Return whether a value is a stand-in, or follows from one."""
        own = any(value is each for each in self.own)
        own = own or getattr(value.array, "trace", None) is self
        return own or self.depends(value.place - self.base)

    def is_mapped(self, value: Value) -> bool:
        """Return whether a value differs between the slices of ``vmap``."""
        return self.transform == "vmap" and self.follows(value)

    def check_write(self, name: str, target: Any, *others: Any) -> None:
        """Refuse a write of what differs between slices to a tensor that is the same for all."""
        alone = self.transform == "vmap" and not self.depends(target)
        if alone and any(self.depends(reference) for reference in others):
            raise _messages.write_to_unbatched(name)

    def is_forward(self) -> bool:
        """Return whether what is recorded will be differentiated forwards."""
        return self.transform in FORWARD or (self.outer.captures and self.outer.is_forward())


class Captured:
    """A function as it was recorded. Equal for equal recordings.

    Attributes:
        node: where its trace ended.
        outputs: references of its results.
        inputs: references of its inputs: stand-ins first, then what comes from outside.
        has_floats, has_ints: whether it uses Python numbers.
    """

    def __init__(self, trace: CapturingTrace, outputs: tuple[int, ...], inputs: tuple[int, ...]):
        self.node: Node = trace.node
        self.outputs = outputs
        self.inputs = inputs
        self.has_floats, self.has_ints = bool(trace.floats), bool(trace.ints)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Captured)
            and self.node is other.node
            and (self.outputs, self.inputs) == (other.outputs, other.inputs)
        )

    def __hash__(self) -> int:
        return hash((id(self.node), self.outputs, self.inputs))

    def function(self, rules: bool) -> Callable:
        """Return the function ``(inputs, floats, ints) -> list of results``.

        Args:
            rules: whether operators keep PyTorch's gradient rules where those differ from JAX's;
                JAX cannot differentiate such a function forwards.
        """
        return self.of(on_tape if rules else forwards, stops=rules)

    def of(self, function_of: Callable[[Instruction], Callable], stops: bool) -> Callable:
        """Return the function, made of a function for each instruction.

        Args:
            function_of: gives it.
            stops: whether no gradient flows to results that have none.
        """
        needed = live_instructions(self.node.instructions(), self.outputs)[0]
        functions = {each.slot: function_of(each) for each in needed}
        metas = metas_of(needed)
        stops = stops and any(each.gradient_operands for each in needed)

        def declared(environment: Environment, reference: int) -> Any:
            meta = metas.get(reference)
            if meta is None:
                return environment[reference]
            array = environment.declared(reference, meta)
            stopped = stops and meta.grad == NO_GRAD
            return jax.lax.stop_gradient(array) if stopped else array

        def run(inputs: Sequence[Any], floats: Any, ints: Any) -> list[Any]:
            environment = Environment(zip(self.inputs, inputs), floats, ints)
            evaluate(needed, environment, lambda each: functions[each.slot])
            return [declared(environment, reference) for reference in self.outputs]

        return run


fingerprint.PARTS[Captured] = lambda captured: (
    *(captured.node.instructions(), captured.outputs, captured.inputs),
    *(captured.has_floats, captured.has_ints),
)


class Capture:
    """What calling a function with stand-ins gave.

    Attributes:
        captured: the function.
        values: the values from outside that it takes beside its arguments, in its order.
        result: what the Python function returned, with stand-ins in it.
        positions: for each tensor in ``result``, which of the captured function's results it is.
        mapped: for each tensor in ``result``, whether it differs between slices of ``vmap``.
        arguments, axes: what the captured function is called with, the draws for slices too.
        floats, ints: the Python numbers that it takes.
        device: where it runs.
    """

    captured: Captured
    values: list[Value]
    result: Any
    positions: list[int]
    mapped: list[bool]
    arguments: list[Any]
    axes: tuple[int, ...]
    floats: list[float]
    ints: list[int]
    device: Device


def capture(
    function: Callable,
    arguments: Sequence[Any],
    metas: Sequence[Meta],
    find: Callable[[Any], list[Any]],
    transform: str,
    random: str = "error",
    axes: tuple[int, ...] = (),
    kind: type[CapturingTrace] = CapturingTrace,
) -> Capture:
    """Call ``function(*stand-ins)`` and keep what it records.

    Args:
        arguments: what the stand-ins stand for.
        metas: of the stand-ins.
        find: the tensors in what the function returns.
        transform: what for, for messages.
        random, axes: see ``CapturingTrace``.
        kind: the class of the trace.
    """
    outer = local.trace
    trace = kind(transform, random, outer, arguments, axes)
    if metas:
        trace.device = metas[0].device
    made = Capture()
    local.trace = trace
    if trace.is_level:
        levels.stack.append(trace)
    try:
        stand_ins = []
        for meta in metas:
            value = ready(StandIn(trace), meta)
            trace.own.append(value)
            tensor = wrap(value)
            if meta.grad:
                value.owner = weakref.ref(tensor)
            stand_ins.append(tensor)
        result = function(*stand_ins)
        references: dict[int, int] = {}
        positions = []
        for tensor in find(result):
            value = current_value(tensor)
            reference = value.place - trace.base
            if not -REACH < reference < REACH:
                if value.meta.device is not trace.device:
                    trace.refuse_device()
                trace.enter(value)
                reference = value.place - trace.base
            positions.append(references.setdefault(reference, len(references)))
        trace.adopt_draws()
        made.mapped = [trace.is_mapped(current_value(tensor)) for tensor in find(result)]
    finally:
        if trace.is_level:
            levels.stack.pop()
        trace.finished = True
        local.trace = outer
        for value, place in reversed(trace.places):
            value.place = place
    made.captured, made.values = captured_of(trace, tuple(references))
    made.result = result
    made.positions = positions
    made.arguments, made.axes = trace.arguments, trace.axes
    made.floats, made.ints, made.device = list(trace.floats), list(trace.ints), trace.device
    return made


def captured_of(
    trace: CapturingTrace, references: tuple[int, ...], follows: bool = True
) -> tuple[Captured, list[Value]]:
    """Return the function that gives some results of a trace, and what it takes from outside.

    Args:
        trace: the trace.
        references: of the results.
        follows: whether they follow from the stand-ins; else it does not take them.
    """
    own = {id(value): at for at, value in enumerate(trace.own)}
    order: list[int] = []
    outside: list[Value] = []
    argument_of: dict[int, int] = {}
    for at, value in enumerate(trace.inputs):
        if id(value) in own:
            argument_of[own[id(value)]] = -at - 1
    # Stand-ins that were never used have no reference of their own.
    for at in range(len(trace.own) if follows else 0):
        order.append(argument_of.get(at, -REACH - at))
    used = set(references)
    for instruction in live_instructions(trace.node.instructions(), references)[0]:
        used.update(instruction.operands)
    for at, value in enumerate(trace.inputs):
        if id(value) not in own and -at - 1 in used:
            outside.append(value)
            order.append(-at - 1)
    return Captured(trace, references, tuple(order)), outside


def packed_numbers(made: CapturingTrace | Capture) -> list[Any]:
    """Return the Python numbers that a captured function takes, as tensors where it runs."""
    packed = []
    first = made.arguments[0] if made.arguments else None
    device = made.device if first is None else first.device
    if made.floats:
        packed.append(fresh_tensor(np.array(made.floats), BY_NAME["float64"], device, False))
    if made.ints:
        packed.append(fresh_tensor(np.array(made.ints, np.int64), BY_NAME["int64"], device, False))
    return packed


def as_tuple(results: Any) -> tuple:
    """Return the results of an operator, one or several."""
    return results if isinstance(results, tuple) else (results,)


class Transformed:
    """A captured function and what JAX makes of it. Equal where they compute the same.

    Args:
        captured: the function.
        key: hashable, names the transformation.
        build: ``function of (arguments, outside, floats, ints) -> function of the same``.
        rules: see ``Captured.function``.
    """

    def __init__(self, captured: Captured, key: Any, build: Callable, count: int, rules: bool):
        self.captured = captured
        self.key = (key, count, rules)
        self.build = build
        self.count = count
        self.rules = rules

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Transformed)
            and self.key == other.key
            and self.captured == other.captured
        )

    def __hash__(self) -> int:
        return hash((self.captured, self.key))

    def function(self, number_of_extra: int) -> Callable:
        """Return the function over arrays: arguments, outside, extra, floats, ints."""
        run = self.captured.function(self.rules)
        count = self.count
        has_floats, has_ints = self.captured.has_floats, self.captured.has_ints

        def whole(*arrays: Any) -> Any:
            rest = list(arrays)
            ints = rest.pop() if has_ints else None
            floats = rest.pop() if has_floats else None
            extra = [rest.pop() for _ in range(number_of_extra)][::-1]
            arguments, outside = rest[:count], rest[count:]

            def pure(*own: Any) -> list[Any]:
                return run([*own, *outside], floats, ints)

            return tuple(self.build(pure, arguments, extra))

        return whole


def _transformed_spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    transformed, operands = bound["transformed"], list(bound["tensors"])
    params = {"transformed": transformed, "extra": bound["extra"]}
    function = functools.partial(operation.function, **params)
    shapes = [jax.ShapeDtypeStruct(o.meta.shape, o.meta.dtype._numpy) for o in operands]
    results = jax.eval_shape(function, *shapes)
    first = operands[0].meta
    metas = tuple([make_meta(r.shape, _dtype_of(r.dtype), first.device) for r in results])
    return Spec(operands, metas, params)


def _dtype_of(dtype: Any) -> Any:
    return BY_NAME[np.dtype(dtype).name]


@op(
    "_transformed(PyObject* transformed, TensorList tensors, int64_t extra)",
    kind=Custom(_transformed_spec),
    method=False,
    function=False,
    node_name="TransformBackward0",
)
def transformed_op(*arrays: Any, transformed: Transformed, extra: int) -> tuple[Any, ...]:
    """Apply a transformed function."""
    return transformed.function(extra)(*arrays)
