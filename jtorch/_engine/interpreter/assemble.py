"""From a program to a list of steps over numbered arrays, each a translated operator.

A step is a translation, remembered by what its operator computes and by the shapes and dtypes of
its operands: a network of 48 equal layers has the translations of one. A gradient is taken apart
into the gradient rules of the operators behind it, each of which is translated like an operator.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..graph import tape
from ..graph.columns import Columns
from ..graph.op import gradient_on_host, on_host
from ..graph.tracing import tracing_for_numpy
from ..graph.trie import Instruction, Template
from ..graph.values import Meta
from . import whole
from .identity import identity_of
from .on_device import Executables
from .steps import Form, Step, translated
from .steps import counts as counts
from .translate import cost_of_elements

#: Microseconds of a host function that makes a view.
_CALL = 1.0
#: Of one that does more: besides a view's, and for each element of the largest array.
_HOST, _HOST_ELEMENT = 4.0, 0.003

#: Bytes of a result above which memory is asked for before anything runs.
_UNQUESTIONED = 1 << 30
#: Bytes of a result up to which it is copied whole, though its elements may repeat.
_COPIED_WHOLE = 1 << 24

_FLOAT = Form((), np.dtype(np.float64))
_INT = Form((), np.dtype(np.int64))


class Assembled:
    """A program as steps.

    Attributes:
        steps: ``(function, numbers of its operands, numbers of its results, numbers that no one
            needs after it)``.
        arrays: what the numbered places hold before the first step: constants.
        inputs: for each used input the place that it goes to.
        numbers: ``(place, kind, index)`` for each Python number.
        outputs: for each output its place, its dtype and shape.
        calls: NumPy calls of all steps together.
        largest: bytes of the largest result that is not a view.
        cost: what a run is estimated to cost, in microseconds on the machine of ``tiers``.
        forms: shape and dtype of each place.
        compiled: how many of the steps had to be compiled, on an accelerator.
        prepared: what that has cost.
        whole: the steps as one function, once they have run often.
    """

    __slots__ = (
        "whole",
        "steps",
        "arrays",
        "inputs",
        "numbers",
        "outputs",
        "calls",
        "largest",
        "cost",
        "forms",
        "compiled",
        "prepared",
    )

    def __init__(self) -> None:
        self.steps: list[tuple[Callable, list[int], list[int], list[int]]] = []
        self.arrays: list[Any] = []
        self.inputs: list[int] = []
        self.numbers: list[tuple[int, str, int]] = []
        self.outputs: list[tuple[int, Any, tuple[int, ...]]] = []
        self.calls = 0
        self.largest = 0
        self.cost = 5.0
        self.forms: list[Any] = []
        self.compiled = 0
        self.prepared = 0.0
        self.whole: Callable | None = None


class Assembler:
    """Makes the steps of one program.

    Args:
        executables: where they come from where NumPy is not to run them, ``None`` on the CPU.
    Attributes:
        takes_apart: whether functions of lists become steps of each column.
    """

    takes_apart = True

    def __init__(self, executables: Any = None):
        self.executables = executables
        self.made: Callable[..., Step] = translated if executables is None else executables.step
        self.result = Assembled()
        self.forms = self.result.forms

    def place(self, form: Any, array: Any = None) -> int:
        """Return a new place for an array of this form."""
        self.forms.append(form)
        self.result.arrays.append(array)
        return len(self.forms) - 1

    def step(self, step: Step, operands: Sequence[int]) -> list[int | None]:
        """Add a step; return the places of its results, ``None`` for those that are missing."""
        result = self.result
        outputs = [self.place(form) for form in step.forms]
        result.steps.append((step.function, list(operands), outputs, []))
        result.calls += step.calls
        result.cost += step.cost
        if step.present is None:
            return list(outputs)
        rest = iter(outputs)
        return [next(rest) if there else None for there in step.present]

    def add(self, left: int, right: int) -> int:
        form = self.forms[left]
        if self.executables is None:
            step = Step(_sum, [form], 1, cost_of_elements(form.size))
        else:
            step = self.made("add", _sum, [form, form])
        (place,) = self.step(step, [left, right])
        assert place is not None
        return place

    def filled(self, meta: Meta, number: int) -> int:
        """Return the place of a constant."""
        array = np.broadcast_to(np.asarray(number, meta.dtype._numpy), meta.shape)
        form = Form(array.shape, array.dtype)
        if self.executables is not None:
            return self.place(form, self.executables.constant(array))
        return self.place(form, array)

    def instruction(self, instruction: Instruction, operands: list[int]) -> list[int | None]:
        """Add an operator; return the places of its results."""
        if instruction.gradient is not None:
            return self.gradient(instruction.gradient, operands)
        function = instruction.function
        if function.__class__ is Columns and self.takes_apart:
            return self.columns(function, instruction, operands)
        return self.step(self.step_of(instruction, operands), operands)

    def step_of(self, instruction: Instruction, operands: list[int]) -> Step:
        """Return the step of an operator, which operators of one template share."""
        template = instruction.identity
        if template.__class__ is not Template:
            return self.forward(instruction, operands)
        step = template.step
        if step is None:
            step = template.step = self.forward(instruction, operands)
        return step

    def columns(
        self, function: Columns, instruction: Instruction, operands: list[int]
    ) -> list[int | None]:
        """Add a step for each column; columns of equal shapes have one in common."""
        identity = identity_of(function.one)
        columns = []
        for at in range(function.count):
            own = function.column(operands, at)
            forms = [self.forms[place] for place in own]
            metas = instruction.metas[at :: function.count]
            columns.append(self.step(self.declared(identity, function.one, metas, forms), own))
        return [column[at] for at in range(function.made) for column in columns]

    def forward(self, instruction: Instruction, operands: list[int]) -> Step:
        """Return the step of an operator that is no gradient."""
        metas = instruction.metas
        host = host_function(instruction) if self.executables is None else None
        if host is not None:
            return self.on_host(host, operands, metas, instruction.view_of is not None)
        forms = [self.forms[place] for place in operands]
        function = instruction.function
        return self.declared(identity_of(function), function, metas, forms)

    def declared(
        self, identity: Any, function: Callable, metas: Sequence[Meta], forms: list[Any]
    ) -> Step:
        """Return the step of a function whose results have the dtypes of these metas."""
        dtypes = [meta.dtype._numpy for meta in metas]
        key = (identity, tuple(dtypes))
        return self.made(key, functools.partial(_declared, function, dtypes), forms)

    def on_host(
        self, function: Callable, operands: list[int], metas: Sequence[Meta], view: bool
    ) -> Step:
        """Return the step of a function of NumPy arrays."""
        forms = [Form(meta.shape, meta.dtype._numpy) for meta in metas]
        cost = _CALL
        if not view:
            given = [self.forms[place] for place in operands]
            cost += _HOST + _HOST_ELEMENT * max([form.size for form in (*given, *forms)], default=0)
        return Step(function, forms, 1, cost)

    def gradient(self, gradient: tape.Gradient, operands: list[int]) -> list[int | None]:
        """Add the gradient rules of the operators behind some results, the last one first."""
        plan = gradient.plan
        count = gradient.cotangents
        known = dict(zip(plan.needs, operands[count:], strict=False))
        for viewed, view, source in plan.views:
            (made,) = self.step(self.step_of(view, [known[source]]), [known[source]])
            assert made is not None
            known[viewed] = made
        flowing: dict[tape.Place, int] = {}

        def add(place: tape.Place, cotangent: int) -> None:
            before = flowing.get(place)
            flowing[place] = cotangent if before is None else self.add(before, cotangent)

        if count:
            cotangents = operands[:count]
        else:
            level_index, slot = plan.roots[0]
            cotangents = [self.filled(plan.levels[level_index].meta(slot), 1)]
        for root, cotangent in zip(plan.roots, cotangents, strict=True):
            add(root, cotangent)
        alone: list[int | None] = []
        for level_index, instruction in plan.order:
            slots = range(instruction.slot, instruction.slot + len(instruction.metas))
            given = [flowing.get((level_index, slot)) for slot in slots]
            if all(cotangent is None for cotangent in given):
                continue
            gradients = self.pull_back(plan, level_index, instruction, given, known)
            if plan.alone:
                alone = gradients
                break
            for position, place in zip(instruction.gradient_operands, gradients, strict=True):
                if place is not None:
                    target, _ = tape.resolve(
                        plan.levels, level_index, instruction.operands[position]
                    )
                    add(target, place)
        results = alone or [flowing.get(target) for target in plan.targets]
        totals = []
        for at, (result, meta) in enumerate(zip(results, plan.metas, strict=True)):
            total = self.filled(meta, 0) if result is None else result
            before = gradient.accumulate[at] if gradient.accumulate else None
            totals.append(total if before is None else self.add(operands[before], total))
        if gradient.sums is not None:
            return tape.added_up(totals, gradient.sums, self.add)
        return list(totals)

    def pull_back(
        self,
        plan: tape.GradientPlan,
        level_index: int,
        instruction: Instruction,
        given: list[int | None],
        known: dict[Any, int],
    ) -> list[int | None]:
        places = [
            *given,
            *[known.get((level_index, reference)) for reference in instruction.operands],
            *[
                known.get((level_index, slot))
                for slot in range(instruction.slot, instruction.slot + len(instruction.metas))
            ],
        ]
        present = tuple([place is not None for place in places])
        there = [place for place in places if place is not None]
        return self.step(
            self.step_of_rule(plan.levels[level_index], instruction, present, there), there
        )

    def step_of_rule(
        self, level: Any, instruction: Instruction, present: tuple[bool, ...], there: list[int]
    ) -> Step:
        """Return the step of a gradient rule, which operators of one template share."""
        template = instruction.identity
        if template.__class__ is not Template:
            return self.backward(level, instruction, present, there)
        step = template.gradients.get(present)
        if step is None:
            step = template.gradients[present] = self.backward(level, instruction, present, there)
        return step

    def backward(
        self, level: Any, instruction: Instruction, present: tuple[bool, ...], there: list[int]
    ) -> Step:
        """Return the step of a gradient rule.

        Args:
            level: what knows the metas of the operator's operands.
            instruction: the operator.
            present: which cotangents, operands and results there are.
            there: the places of those.
        """
        count = len(instruction.metas)
        # Of what is not there the rule needs at most the shape.
        absent_metas = [m for m, is_there in zip(instruction.metas, present) if not is_there]
        absent_metas += [
            level.meta(reference)
            for reference, is_there in zip(instruction.operands, present[count:])
            if not is_there
        ]
        absent = [Form(meta.shape, meta.dtype._numpy) for meta in absent_metas]
        host = None
        if self.executables is None:
            host = gradient_on_host(instruction.op, instruction.function)
        if host is not None:
            function = _rule_on_host(host, instruction, present, absent)
            wanted = [level.meta(instruction.operands[p]) for p in instruction.gradient_operands]
            return self.on_host(function, there, wanted, False)
        forms = [self.forms[place] for place in there]
        rule = instruction.vjp
        key = (
            "gradient",
            identity_of(instruction.function),  # says what the sizes of a cotangent are made of
            None if rule is None else identity_of(rule),
            instruction.gradient_operands if rule is None else None,
            tuple([(meta.dtype, meta.grad) for meta in instruction.metas]),
            present,
        )
        function = functools.partial(_pulled_back, instruction, present)
        related = functools.partial(_related, instruction, present)
        return self.made(key, function, forms, absent, related)


def host_function(instruction: Instruction) -> Callable | None:
    """Return the host function of an operator as its plan calls it, giving a tuple."""
    op = instruction.op
    host = on_host(op, instruction.function, getattr(op, "host", None))
    return None if host is None else functools.partial(_results_of, host)


def _rule_on_host(
    rule: Callable, instruction: Instruction, present: tuple[bool, ...], absent: list[Form]
) -> Callable:
    """Return a gradient rule in NumPy as a function of the arrays that are there.

    Args:
        present, absent: as for ``_pulled_back``.
    """
    count = len(instruction.metas)
    zeros = [np.broadcast_to(np.zeros((), form.dtype), form.shape) for form in absent]
    # Numbers of the arrays among those that are there, the zeros, and ``None``.
    order = _in_order(present, range(sum(present) + len(zeros)))
    order = [sum(present) + len(zeros) if number is None else number for number in order]
    cotangents, operands, results = order[:count], order[count:-count], order[-count:]
    wanted = instruction.gradient_operands

    def run(*arrays: Any) -> Sequence[Any]:
        known = (*arrays, *zeros, None)
        return rule(
            [known[number] for number in cotangents],
            [known[number] for number in results],
            [known[number] for number in operands],
            wanted,
        )

    return run


def _results_of(function: Callable, *arrays: Any) -> Sequence[Any]:
    """Call a function that gives an array, or several."""
    results = function(*arrays)
    return results if isinstance(results, (tuple, list)) else (results,)


def _sum(left: Any, right: Any) -> list[Any]:
    return [left + right]


def _declared(function: Callable, dtypes: list[Any], *arrays: Any) -> list[Any]:
    results = _results_of(function, *arrays)
    return [jnp.asarray(r, dtype=dtype) for r, dtype in zip(results, dtypes, strict=True)]


def _pulled_back(
    instruction: Instruction, present: tuple[bool, ...], *arrays: Any
) -> Sequence[Any]:
    """Apply a gradient rule.

    Args:
        present: for each cotangent, operand and result whether its array is there.
        arrays: those that are there, then zeros for the cotangents and operands that are not.
    """
    count = len(instruction.metas)
    needed = _in_order(present, arrays)
    return list(tape.pull_back(instruction, needed[:count], needed[-count:], needed[count:-count]))


def _in_order(present: tuple[bool, ...], arrays: Sequence[Any]) -> list[Any]:
    """Return cotangents, operands and results, from the arguments of ``_pulled_back``."""
    count = sum(present)
    there, others = iter(arrays[:count]), iter(arrays[count:])
    return [next(there) if is_there else next(others, None) for is_there in present]


def _related(instruction: Instruction, present: tuple[bool, ...], forms: list[Any]) -> list[Any]:
    """Write the sizes of cotangents and results as what the operator makes of its operands' sizes.

    JAX cannot know otherwise that a cotangent of ``n0`` rows is one of ``2 * n1``.
    """
    count = len(instruction.metas)
    places = _in_order(present, range(len(forms)))
    operands = [forms[place] for place in places[count:-count]]
    with tracing_for_numpy():
        results = jax.eval_shape(functools.partial(_results_of, instruction.function), *operands)
    forms = list(forms)
    for first in (0, len(places) - count):
        for place, result in zip(places[first : first + count], results, strict=True):
            if place is not None:
                forms[place] = jax.ShapeDtypeStruct(result.shape, forms[place].dtype)
    return forms


class _OnDevice(Assembler):
    """One executable for all columns starts quicker than one for each."""

    takes_apart = False


def assemble(program: Any, forms: Sequence[Form], device: Any = None) -> Assembled:
    """Return a program as steps.

    Args:
        program: a ``programs.Program``.
        forms: shapes and dtypes of its used inputs.
        device: JAX's accelerator, ``None`` for NumPy on the CPU.
    """
    if device is None:
        return assembled_by(Assembler(), program, forms)
    executables = Executables(device)
    result = assembled_by(_OnDevice(executables), program, forms)
    result.compiled, result.prepared = executables.compiled, executables.spent
    return result


def assembled_by(assembler: Assembler, program: Any, forms: Sequence[Form]) -> Assembled:
    """Return a program as steps that this assembler makes."""
    result = assembler.result
    places: dict[Any, int] = {}
    for reference, form in zip(program.used_inputs, forms, strict=True):
        places[reference] = assembler.place(form)
        result.inputs.append(places[reference])
    for instruction in program.instructions:
        if instruction.view_of is None:
            result.largest = max(result.largest, *[meta.nbytes for meta in instruction.metas], 0)
        operands = []
        for reference in instruction.operands:
            place = places.get(reference)
            if place is None:  # a Python number, met for the first time
                kind, index = reference
                place = places[reference] = assembler.place(_FLOAT if kind == "f" else _INT)
                result.numbers.append((place, kind, index))
            operands.append(place)
        outputs = assembler.instruction(instruction, operands)
        for slot, place in enumerate(outputs, instruction.slot):
            assert place is not None, instruction
            places[slot] = place
    metas = {
        slot: meta
        for instruction in program.instructions
        for slot, meta in enumerate(instruction.metas, instruction.slot)
    }
    for slot in program.outputs:
        meta = metas[slot]
        result.outputs.append((places[slot], meta.dtype._numpy, meta.shape))
    _note_last_uses(result)
    return result


def _note_last_uses(assembled: Assembled) -> None:
    last: dict[int, int] = {}
    for at, (_, operands, outputs, _) in enumerate(assembled.steps):
        for place in (*operands, *outputs):
            last[place] = at
    kept = {place for place, _, _ in assembled.outputs}
    for place, at in last.items():
        if place not in kept:
            assembled.steps[at][3].append(place)


#: Steps above which a program is not written as one function: Python's compiler needs memory too.
_MOST_WRITTEN = 5_000


def write_whole(assembled: Assembled) -> None:
    """Write the steps as one function: they have run often."""
    if len(assembled.steps) <= _MOST_WRITTEN:
        assembled.whole = whole.written(assembled, _results_of, _sum)


def run(assembled: Assembled, arguments: Sequence[Any], floats: Any, ints: Any) -> list[Any]:
    """Run the steps.

    Args:
        arguments: the arrays of the used inputs.
        floats, ints: the Python numbers of the trace.
    Returns:
        The outputs, NumPy arrays with memory of their own; see ``_copy``.
    Raises:
        MemoryError: there is not enough memory.
    """
    if assembled.largest > _UNQUESTIONED:
        np.empty(assembled.largest, np.uint8)  # NumPy may get by with a view: PyTorch would not
    if assembled.whole is not None:
        with np.errstate(all="ignore"):
            made = assembled.whole(arguments, floats, ints)
        return whole.finished(made, assembled.outputs, _copy)
    arrays = assembled.arrays.copy()
    for place, argument in zip(assembled.inputs, arguments, strict=True):
        arrays[place] = argument if argument.__class__ is np.ndarray else np.asarray(argument)
    for place, kind, index in assembled.numbers:
        arrays[place] = np.float64(floats[index]) if kind == "f" else np.int64(ints[index])
    with np.errstate(all="ignore"):
        for function, operands, outputs, dead in assembled.steps:
            results = function(*[arrays[place] for place in operands])
            for place, array in zip(outputs, results):
                arrays[place] = array
            results = array = None
            for place in dead:
                arrays[place] = None
    made = [arrays[place] for place, _, _ in assembled.outputs]
    return whole.finished(made, assembled.outputs, _copy)


def _copy(array: np.ndarray) -> np.ndarray:
    """Copy an array; of a large one whose elements repeat, as of an expanded view, each but once.

    Such a copy may only be read, as PyTorch's expanded tensors may.
    """
    if array.nbytes <= _COPIED_WHOLE or 0 not in array.strides:
        return array.copy()
    once = tuple([slice(None if step else 1) for step in array.strides])
    return np.broadcast_to(array[once].copy(), array.shape)
