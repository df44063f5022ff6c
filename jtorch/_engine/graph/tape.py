"""The tape: gradients of recorded stretches, themselves recorded as one operator.

``backward()`` walks the instructions behind a result in reverse order and composes their gradient
rules into one pure function. That function becomes one instruction of the trace, so that forward,
backward and the update fuse into one program, and gradients of gradients come for free.

The walk is over *levels*: level 0 is the trace under way, the others are closed segments, reached
through results that were flushed before their gradient was asked for. Where all of a stretch is at
level 0 the trie remembers the whole plan, and a hit does not walk at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import messages
from .trie import Instruction
from .values import NO_GRAD, RESULT, Meta


class Level:
    """A trace or segment that a gradient flows through.

    Attributes:
        instructions: by slot.
        input_metas: metas of its inputs.
        freed: slots of the instructions whose gradient was taken and whose graph was freed.
        edges: for an input or a leaf slot, ``(level index, slot)`` where it is a result of another
            level, else ``None``.
        remakes: whether views of inputs are made again, see ``Cone``.
    """

    __slots__ = ("instructions", "input_metas", "freed", "edges", "remakes")

    def __init__(
        self,
        instructions: dict[int, Instruction],
        input_metas: tuple[Meta, ...],
        freed: Any,
        edges: dict[int, tuple[int, int]],
        remakes: bool = False,
    ):
        self.remakes = remakes
        self.instructions = instructions
        self.input_metas = input_metas
        self.freed = freed
        self.edges = edges

    def meta(self, reference: int) -> Meta:
        if reference < 0:
            return self.input_metas[-reference - 1]
        instruction = self.instructions[reference]
        return instruction.metas[reference - instruction.slot]

    def remade(self, reference: Any) -> Instruction | None:
        """Return the view that a reference means where it is made again when it is needed."""
        if not self.remakes or not isinstance(reference, int) or reference < 0:
            return None
        instruction = self.instructions[reference]
        source = instruction.made_again_from(self.instructions)
        return None if source is None else instruction


Place = tuple[int, int]


class NarrowLevel:
    """What a plan needs to know of a level once it is made: the rest of a trace is not kept for it.

    Attributes:
        metas: by reference.
        edges: as of the level.
    """

    __slots__ = ("metas", "edges")

    def __init__(self, level: Level, references: set[int]):
        self.metas = {reference: level.meta(reference) for reference in references}
        self.edges = {r: edge for r, edge in level.edges.items() if r in references}

    def meta(self, reference: int) -> Meta:
        return self.metas[reference]


class GradientPlan:
    """How to compute a gradient.

    Attributes:
        needs: places whose arrays the function takes, in order; a place of numbers is
            ``(level, ("f", i))``.
        targets: places that a gradient comes out for, in order.
        metas: metas of what the targets hold.
        order: the instructions behind the roots, ``(level, instruction)``, the last one first.
        function: ``(cotangents, *arrays) -> gradients``.
        views: what is made of the arrays before anything else: a place, the view that it is, and
            the place among ``needs`` that it is made of.
        levels, roots: what it was planned for.
        alone: whether it is the gradient of one instruction, see ``plan_alone``.
    """

    __slots__ = (
        *("needs", "targets", "metas", "function", "order", "levels", "roots", "alone"),
        *("views", "_slots_used"),
    )

    needs: list[tuple[int, Any]]
    targets: list[Place]
    metas: list[Meta]
    order: list[tuple[int, Instruction]]
    function: Callable
    levels: Sequence[NarrowLevel]
    roots: Sequence[Place]
    alone: bool
    views: list[tuple[Place, Instruction, Place]]
    _slots_used: dict[int, frozenset[int]] | None

    def __init__(self) -> None:
        self._slots_used = None
        self.views = []

    def known(self, arrays: Sequence[Any]) -> dict[Any, Any]:
        """Return what is known at first, by place: the arrays that are given, and views of them."""
        known = dict(zip(self.needs, arrays, strict=True))
        for place, instruction, source in self.views:
            known[place] = instruction.function(known[source])
        return known

    def slots_used(self) -> dict[int, frozenset[int]]:
        """Return the slots of the instructions that it differentiates, by level."""
        if self._slots_used is None:
            found: dict[int, set[int]] = {}
            for level, instruction in self.order:
                found.setdefault(level, set()).add(instruction.slot)
            self._slots_used = {level: frozenset(slots) for level, slots in found.items()}
        return self._slots_used


class Gradient:
    """What a gradient instruction computes, for who takes it apart.

    Attributes:
        plan: how.
        cotangents: how many of its first operands are the cotangents of the roots; 0 where there
            is one root and its cotangent is 1. The arrays of ``plan.needs`` follow.
        accumulate: for each target the operand that is added to it, ``None`` without one.
        sums: for each target the result that it is added up in, ``None`` where each is its own.
    """

    __slots__ = ("plan", "cotangents", "accumulate", "sums")

    def __init__(
        self,
        plan: GradientPlan,
        cotangents: int,
        accumulate: Sequence[int | None] | None = None,
        sums: Sequence[int] | None = None,
    ):
        self.plan = plan
        self.cotangents = cotangents
        self.accumulate = accumulate
        self.sums = sums


def added_up(gradients: Sequence[Any], sums: Sequence[int], add: Callable[[Any, Any], Any]) -> list:
    """Return the sums of gradients, added from the first to the last.

    Args:
        gradients: what is added.
        sums: the sum that each belongs to; a sum is first named after those before it.
        add: adds two.
    """
    totals: list[Any] = []
    for gradient, at in zip(gradients, sums, strict=True):
        if at == len(totals):
            totals.append(gradient)
        else:
            totals[at] = add(totals[at], gradient)
    return totals


def plan_gradient(
    levels: Sequence[Level],
    roots: Sequence[Place],
    wanted: Callable[[Place, Meta], bool],
    stop: Callable[[Place], bool] = lambda place: False,
) -> GradientPlan:
    """Plan the gradient of the roots.

    Args:
        levels: level 0 first; results of a level feed only levels before it.
        roots: places of the results that cotangents are given for.
        wanted: whether a gradient should come out at a leaf, or at a result that stops it.
        stop: whether the gradient does not flow through a result.

    Raises:
        RuntimeError: a graph that it needs was freed.
        Exception: what the ``refusal`` of a gradient rule makes: PyTorch has no such gradient.
    """
    order = _leading_to(wanted, levels, _reverse_order(levels, roots, stop))
    plan = GradientPlan()
    needs: dict[tuple[int, Any], None] = {}
    views: dict[Place, tuple[Instruction, Place]] = {}
    targets: dict[Place, Meta] = {}
    for level_index, instruction in order:
        level = levels[level_index]
        if instruction.slot in level.freed and (instruction.saves or instruction.saves_result):
            raise messages.backward_twice()
        refusal = getattr(instruction.vjp, "refusal", None)
        if refusal is not None:
            raise refusal()
        for position in instruction.saves:
            reference = instruction.operands[position]
            view = level.remade(reference)
            if view is None:
                needs[level_index, reference] = None
            else:
                source = (level_index, view.operands[0])
                needs[source] = None
                views[level_index, reference] = (view, source)
        for position, reference in enumerate(instruction.operands):
            if not isinstance(reference, int) and position not in instruction.saves:
                needs[level_index, reference] = None
        if instruction.saves_result:
            for offset in range(len(instruction.metas)):
                needs[level_index, instruction.slot + offset] = None
        for position in instruction.gradient_operands:
            place, meta = resolve(levels, level_index, instruction.operands[position])
            if meta.grad != NO_GRAD and wanted(place, meta):
                targets[place] = meta
    plan.needs = list(needs)
    plan.views = [(place, *view) for place, view in views.items()]
    plan.targets = list(targets)
    plan.metas = list(targets.values())
    plan.order = order
    plan.levels, plan.roots, plan.alone = _narrowed(levels, order, roots), roots, False
    plan.function = _compose(plan)
    return plan


def _narrowed(
    levels: Sequence[Level], order: list[tuple[int, Instruction]], roots: Sequence[Place]
) -> list[NarrowLevel]:
    references: list[set[int]] = [set() for _ in levels]
    for level_index, reference in roots:
        references[level_index].add(reference)
    for level_index, instruction in order:
        references[level_index].update(r for r in instruction.operands if isinstance(r, int))
    return [NarrowLevel(level, own) for level, own in zip(levels, references, strict=True)]


def plan_alone(
    levels: Sequence[Level], roots: Sequence[Place], instruction: Instruction
) -> GradientPlan:
    """Plan the gradient of one instruction, one result for each operand that has one.

    Where an operand is given twice the gradients stay apart, as hooks on the node see them.
    """
    level_index = roots[0][0]
    plan = plan_gradient(levels, roots, lambda place, meta: True, lambda place: place not in roots)
    plan.order = [(level_index, instruction)]
    plan.alone = True
    resolved = [
        resolve(levels, level_index, instruction.operands[position])
        for position in instruction.gradient_operands
    ]
    plan.targets = [place for place, _ in resolved]
    plan.metas = [meta for _, meta in resolved]
    level, metas, known_of = plan.levels[level_index], plan.metas, plan.known
    slots = range(instruction.slot, instruction.slot + len(instruction.metas))

    def gradient(cotangents: Sequence[Any], *arrays: Any) -> list[Any]:
        known = known_of(arrays)
        given = dict(zip(roots, cotangents, strict=True))
        results = [
            jnp.zeros(meta.shape, meta.dtype._numpy) if value is None else value
            for value, meta in zip(
                pull_back(
                    instruction,
                    [
                        given.get((level_index, slot), jnp.zeros(meta.shape, meta.dtype._numpy))
                        for slot, meta in zip(slots, instruction.metas, strict=True)
                    ],
                    [known.get((level_index, slot)) for slot in slots],
                    [
                        known[level_index, reference]
                        if (level_index, reference) in known
                        else _placeholder(level.meta(reference))
                        for reference in instruction.operands
                    ],
                ),
                metas,
                strict=True,
            )
        ]
        return results

    plan.function = gradient
    return plan


def _leading_to(
    wanted: Callable[[Place, Meta], bool],
    levels: Sequence[Level],
    order: list[tuple[int, Instruction]],
) -> list[tuple[int, Instruction]]:
    """Drop the instructions through which no wanted gradient flows."""
    useful: set[tuple[int, int]] = set()
    kept = []
    for level_index, instruction in reversed(order):
        for position in instruction.gradient_operands:
            place, meta = resolve(levels, level_index, instruction.operands[position])
            if meta.grad == NO_GRAD:
                continue
            if wanted(place, meta) or place in useful:
                break
        else:
            continue
        kept.append((level_index, instruction))
        for offset in range(len(instruction.metas)):
            useful.add((level_index, instruction.slot + offset))
    kept.reverse()
    return kept


def resolve(
    levels: Sequence[Level | NarrowLevel], level_index: int, reference: int
) -> tuple[Place, Meta]:
    """Return the place that a reference of a level means: its own, or a result of another level."""
    level = levels[level_index]
    meta = level.meta(reference)
    edge = level.edges.get(reference)
    return ((level_index, reference) if edge is None else edge), meta


def _reverse_order(
    levels: Sequence[Level], roots: Sequence[Place], stop: Callable[[Place], bool]
) -> list[tuple[int, Instruction]]:
    """Return the differentiable instructions behind the roots, the last recorded first."""
    reached: dict[tuple[int, int], Instruction] = {}
    pending = list(roots)
    while pending:
        level_index, reference = pending.pop()
        if reference < 0 or stop((level_index, reference)):
            continue
        level = levels[level_index]
        if level.meta(reference).grad != RESULT:
            continue
        instruction = level.instructions[reference]
        if (level_index, instruction.slot) in reached:
            continue
        reached[level_index, instruction.slot] = instruction
        for position in instruction.gradient_operands:
            place, meta = resolve(levels, level_index, instruction.operands[position])
            if meta.grad == RESULT:
                pending.append(place)
    return [
        (level_index, reached[level_index, slot])
        for level_index, slot in sorted(reached, key=lambda place: (place[0], -place[1]))
    ]


def _compose(plan: GradientPlan) -> Callable:
    levels, roots, order = plan.levels, plan.roots, plan.order
    targets, metas, known_of = plan.targets, plan.metas, plan.known

    def gradient(cotangents: Sequence[Any], *arrays: Any) -> list[Any]:
        known = known_of(arrays)
        flowing: dict[Place, Any] = {}

        def add(place: Place, cotangent: Any) -> None:
            before = flowing.get(place)
            flowing[place] = cotangent if before is None else before + cotangent

        for root, cotangent in zip(roots, cotangents, strict=True):
            add(root, cotangent)
        for level_index, instruction in order:
            level = levels[level_index]
            slots = range(instruction.slot, instruction.slot + len(instruction.metas))
            given = [flowing.get((level_index, slot)) for slot in slots]
            if all(cotangent is None for cotangent in given):
                continue
            given = [
                jnp.zeros(meta.shape, meta.dtype._numpy) if cotangent is None else cotangent
                for cotangent, meta in zip(given, instruction.metas, strict=True)
            ]
            operands = [
                known[level_index, reference]
                if (level_index, reference) in known
                else _placeholder(level.meta(reference))
                for reference in instruction.operands
            ]
            results = [known.get((level_index, slot)) for slot in slots]
            gradients = pull_back(instruction, given, results, operands)
            for position, value in zip(instruction.gradient_operands, gradients, strict=True):
                if value is not None:
                    place, _ = resolve(levels, level_index, instruction.operands[position])
                    add(place, value)
        return [
            jnp.zeros(meta.shape, meta.dtype._numpy)
            if flowing.get(place) is None
            else flowing[place]
            for place, meta in zip(targets, metas, strict=True)
        ]

    return gradient


def _placeholder(meta: Meta) -> Any:
    """Stand in for an operand of which the gradient needs only the shape."""
    return jnp.zeros(meta.shape, meta.dtype._numpy)


def pull_back(
    instruction: Instruction, cotangents: list[Any], results: list[Any], operands: list[Any]
) -> Sequence[Any]:
    """Apply the gradient rule of one instruction."""
    if instruction.vjp is not None:
        return instruction.vjp(cotangents, results, operands)
    positions = instruction.gradient_operands

    def forward(*differentiable: Any) -> Any:
        arguments = list(operands)
        for position, array in zip(positions, differentiable, strict=True):
            arguments[position] = array
        out = instruction.function(*arguments)
        out = out if isinstance(out, (tuple, list)) else (out,)
        return tuple(
            [o for o, meta in zip(out, instruction.metas, strict=True) if meta.grad != NO_GRAD]
        )

    primals = [operands[position] for position in positions]
    wanted = [c for c, meta in zip(cotangents, instruction.metas, strict=True) if meta.grad]
    any_complex = any(_is_complex(array) for array in (*primals, *wanted))
    outputs, vjp = jax.vjp(forward, *primals)
    wanted = [c.astype(o.dtype) for c, o in zip(wanted, outputs, strict=True)]
    if not any_complex:
        return vjp(tuple(wanted))
    # PyTorch's gradient of a complex function is the conjugate of JAX's.
    gradients = vjp(tuple([jnp.conj(cotangent) for cotangent in wanted]))
    return [
        jnp.conj(g) if _is_complex(p) else jnp.real(g)
        for g, p in zip(gradients, primals, strict=True)
    ]


def _is_complex(array: Any) -> bool:
    return np.dtype(array.dtype).kind == "c"
