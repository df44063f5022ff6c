"""Capturing what a Python function records, as a pure function of JAX.

``capture`` calls a function with stand-ins: tensors that have a shape and a dtype, but no elements.
What it records on them goes into a trace of its own, which never runs; it becomes a function over
arrays that JAX can transform (``vmap``, ``jvp``, ``jacfwd``, ...). The transformed function is then
recorded as one operator, so that transforms nest, fuse with what surrounds them, and compile once:
two captures of the same operators are equal, since the trie says so.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..._core.dtypes import BY_NAME
from ..declare import op
from ..execution import fingerprint
from ..execution.programs import Environment, evaluate, live_instructions, metas_of
from ..graph import tape
from ..graph.op import Spec
from ..graph.trie import Instruction, Node
from ..graph.values import LEAF, NO_GRAD, Meta, Value, make_meta, ready
from ..recording.kinds.base import Custom
from ..recording.record import wrap
from ..recording.storage import current_value
from ..recording.trace import REACH, Trace, local
from . import _messages

#: Transforms that differentiate forwards, for which JAX has to know every rule.
FORWARD = ("jvp", "jacfwd")


class StandIn:
    """Where the elements of a stand-in would be: whoever reads them is told that there are none."""

    def __init__(self, transform: str):
        self.transform = transform

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise _messages.looked_at(self.transform)


class CapturingTrace(Trace):
    """A trace that is never run.

    Attributes:
        transform: what the function is captured for, for messages.
        random: what happens when random numbers are drawn: "error", "same" or "different".
        places: the values that entered, with the places that they had elsewhere.
        own: the values of its stand-ins.
    """

    __slots__ = ("transform", "random", "places", "outer", "own")
    captures = True

    def __init__(self, transform: str, random: str, outer: Trace):
        self.transform, self.random, self.outer = transform, random, outer
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
        return value.meta

    def refuse_to_run(self) -> None:
        """Say that a captured function cannot look at values."""
        raise _messages.looked_at(self.transform)

    def refuse_randomness(self) -> None:
        """Say that numbers drawn once would stand for many, unless that is wanted."""
        if self.transform == "vmap" and self.random != "same":
            if self.random == "error":
                raise _messages.random_in_error_mode()
            raise _messages.random_different()
        if self.outer.captures:
            self.outer.refuse_randomness()

    def depends(self, reference: Any) -> bool:
        """Return whether what a reference names follows from the stand-ins."""
        known = {
            -place
            for place, value in enumerate(self.inputs, 1)
            if any(v is value for v in self.own)
        }
        for instruction in self.node.instructions():
            if not known.isdisjoint(instruction.operands):
                known.update(range(instruction.slot, instruction.slot + len(instruction.metas)))
        return reference in known

    def is_mapped(self, value: Value) -> bool:
        """Return whether a value differs between the slices of ``vmap``."""
        own = any(value is each for each in self.own)
        return self.transform == "vmap" and (own or self.depends(value.place - self.base))

    def check_write(self, target: Any, *others: Any) -> None:
        """Refuse a write of what differs between slices to a tensor that is the same for all."""
        alone = self.transform == "vmap" and not self.depends(target)
        if alone and any(self.depends(reference) for reference in others):
            raise _messages.write_to_unbatched()

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
        needed = live_instructions(self.node.instructions(), self.outputs)[0]
        functions = {each.slot: _with_rule(each) if rules else each.function for each in needed}
        metas = metas_of(needed)

        def run(inputs: Sequence[Any], floats: Any, ints: Any) -> list[Any]:
            environment = Environment(zip(self.inputs, inputs), floats, ints)
            evaluate(needed, environment, lambda each: functions[each.slot])
            return [
                environment.declared(reference, metas[reference])
                if reference in metas
                else environment[reference]
                for reference in self.outputs
            ]

        return run


fingerprint.PARTS[Captured] = lambda captured: (
    *(captured.node.instructions(), captured.outputs, captured.inputs),
    *(captured.has_floats, captured.has_ints),
)


def _with_rule(instruction: Instruction) -> Callable:
    """Return an instruction's function with its own gradient rule, where it has one."""
    if instruction.vjp is None or not instruction.gradient_operands:
        return instruction.function
    places = {position: at for at, position in enumerate(instruction.gradient_operands)}

    @jax.custom_vjp
    def function(*operands: Any) -> Any:
        return instruction.function(*operands)

    def forward(*operands: Any) -> Any:
        results = instruction.function(*operands)
        return results, (operands, results)

    def backward(residuals: Any, cotangents: Any) -> Any:
        operands, results = residuals
        several = isinstance(results, (tuple, list))
        given = list(cotangents) if several else [cotangents]
        gradients = tape.pull_back(
            instruction, given, list(results) if several else [results], list(operands)
        )
        return tuple(
            [gradients[places[at]] if at in places else None for at in range(len(operands))]
        )

    function.defvjp(forward, backward)
    return function


class Capture:
    """What calling a function with stand-ins gave.

    Attributes:
        captured: the function.
        values: the values from outside that it takes beside its arguments, in its order.
        result: what the Python function returned, with stand-ins in it.
        positions: for each tensor in ``result``, which of the captured function's results it is.
        floats, ints: the Python numbers that it takes.
    """

    captured: Captured
    values: list[Value]
    result: Any
    positions: list[int]
    floats: list[float]
    ints: list[int]


def capture(
    function: Callable,
    metas: Sequence[Meta],
    find: Callable[[Any], list[Any]],
    transform: str,
    random: str = "error",
) -> Capture:
    """Call ``function(*stand-ins)`` and keep what it records.

    Args:
        metas: of the stand-ins.
        find: the tensors in what the function returns.
        transform: what for, for messages.
        random: see ``CapturingTrace``.
    """
    outer = local.trace
    trace = CapturingTrace(transform, random, outer)
    made = Capture()
    local.trace = trace
    try:
        stand_ins = []
        for meta in metas:
            value = ready(StandIn(transform), meta)
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
                trace.enter(value)
                reference = value.place - trace.base
            positions.append(references.setdefault(reference, len(references)))
    finally:
        local.trace = outer
        for value, place in reversed(trace.places):
            value.place = place
    own = {id(value): at for at, value in enumerate(trace.own)}
    order: list[int] = []
    outside: list[Value] = []
    argument_of: dict[int, int] = {}
    for at, value in enumerate(trace.inputs):
        if id(value) in own:
            argument_of[own[id(value)]] = -at - 1
    # Stand-ins that were never used have no reference of their own.
    for at in range(len(stand_ins)):
        order.append(argument_of.get(at, -REACH - at))
    for at, value in enumerate(trace.inputs):
        if id(value) not in own:
            outside.append(value)
            order.append(-at - 1)
    made.captured = Captured(trace, tuple(references), tuple(order))
    made.values = outside
    made.result = result
    made.positions = positions
    made.floats, made.ints = list(trace.floats), list(trace.ints)
    return made


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


def stand_in_meta(shape: tuple[int, ...], meta: Meta) -> Meta:
    """Return the meta of a stand-in for a slice of a tensor."""
    return make_meta(shape, meta.dtype, meta.device, None, LEAF if meta.grad else NO_GRAD)
