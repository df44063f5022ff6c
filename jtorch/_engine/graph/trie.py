"""The trie: every trace ever seen, merged by prefix.

A node is one recorded operator *given everything before it*, so whatever follows from that (shapes,
dtypes, strides, requires_grad, the gradient of the stretch) is worked out once, when the node is
made, and never looked at again on a hit.
"""

from __future__ import annotations

import functools
import threading
import types
from collections.abc import Callable, Mapping
from typing import Any

from ..._core import modes
from .values import Meta

#: Stands in ``Instruction.unchecked`` for the results, where the numbers are positions of operands.
ITS_RESULTS = -1


class Instruction:
    """One operator in a program: a pure JAX function and where its operands come from.

    Attributes:
        operands: a reference for each argument of ``function``. An int >= 0 is the result in that
            slot, an int < 0 an input (-1 is the first), ``("f", i)`` and ``("i", i)`` the i-th
            Python float or int of the trace.
        slot: slot of the first result.
        metas: a Meta for each result.
        gradient_operands: positions in ``operands`` that a gradient flows to; empty where the
            results do not require grad.
        saves: positions in ``operands`` whose elements the gradient needs; the others only lend
            it their shape.
        saves_result: whether the gradient needs the results' elements.
        unchecked: those of ``saves`` that may be overwritten all the same, ``ITS_RESULTS`` for the
            results.
        vjp: gradient rule ``(cotangents, results, operands) -> gradients`` of the operands in
            ``gradient_operands``, or ``None`` for ``jax.vjp`` of ``function``.
        node_name: class name of the ``grad_fn``.
        overwrites: reference of the value that this in-place write made stale, or ``None``; a tuple
            of them where the first results each replace one.
        counted: whether version counters count that write, as they do unless it was through
            ``.data``; of a view, whether it has the version counter of its base.
        view_of: reference of the value that the result shares memory with, or ``None``.
        identity: hashable; instructions of equal identity whose operands have equal metas compute
            the same. A ``Template`` where the instruction was made of one.
        gradient: the parts of a gradient that it is, ``None`` for any other operator.
        where: the user's file and line where it was first recorded, ``None`` where no one asked.
        arguments: what ``grad_fn`` shows: the parameter of each operand, and all arguments by
            name. ``None`` where no gradient flows, and for what is no call of an operator.
    """

    __slots__ = (
        "op",
        "function",
        "operands",
        "slot",
        "metas",
        "gradient_operands",
        "saves",
        "saves_result",
        "unchecked",
        "vjp",
        "node_name",
        "overwrites",
        "counted",
        "view_of",
        "identity",
        "gradient",
        "where",
        "arguments",
    )

    def __init__(
        self,
        op: Any,
        function: Callable,
        operands: tuple,
        metas: tuple[Meta, ...],
        *,
        gradient_operands: tuple[int, ...] = (),
        saves: tuple[int, ...] = (),
        saves_result: bool = False,
        unchecked: tuple[int, ...] = (),
        vjp: Callable | None = None,
        node_name: str = "",
        overwrites: int | tuple[int, ...] | None = None,
        counted: bool = True,
        view_of: int | None = None,
        identity: Any = None,
        gradient: Any = None,
    ):
        self.op = op
        self.function = function
        self.operands = operands
        self.slot = -1
        self.metas = metas
        self.gradient_operands = gradient_operands
        self.saves = saves
        self.saves_result = saves_result
        self.unchecked = unchecked
        self.vjp = vjp
        self.node_name = node_name
        self.overwrites = overwrites
        self.counted = counted
        self.view_of = view_of
        self.identity = function if identity is None else identity
        self.gradient = gradient
        self.where: tuple[str, int] | None = None
        self.arguments: tuple[tuple[str, ...], dict[str, Any]] | None = None

    def __copy__(self) -> Instruction:
        return _copy(self)

    def moved(self, operands: tuple, place: dict[int, int]) -> Instruction:
        """Return the same instruction with other references."""
        made = _copy(self)
        made.operands = operands
        made.slot = -1
        made.where = None
        made.view_of = None if self.view_of is None else place.get(self.view_of)
        made.overwrites = self._moved_overwrites(place)
        return made

    def made_again_from(self, by_slot: Mapping[int, Instruction]) -> int | None:
        """Return what this view of a closed segment is made of, where that is kept anyhow.

        That is: an input, or a result that the gradient of its own operator needs. A gradient that
        needs the view makes it again, as to keep it would be to keep a copy.
        """
        source = self.view_of
        if source is None or not self.counted or self.operands != (source,):
            return None
        if len(self.metas) != 1 or self.gradient_operands != (0,):
            return None
        return source if source < 0 or by_slot[source].saves_result else None

    def _moved_overwrites(self, place: dict[int, int]) -> Any:
        overwrites = self.overwrites
        if overwrites is None:
            return None
        if isinstance(overwrites, tuple):
            return tuple([place.get(reference) for reference in overwrites])
        return place.get(overwrites)

    def writes(self) -> list[tuple[int, int]]:
        """Return the references that were overwritten, each with the slot of what replaced it."""
        overwrites = self.overwrites
        if overwrites is None:
            return []
        if isinstance(overwrites, tuple):
            return [(r, self.slot + at) for at, r in enumerate(overwrites) if r is not None]
        return [(overwrites, self.slot)]


def _copier(cls: type) -> Callable[[Any], Any]:
    """Return a function that copies an object slot by slot, in a fifth of a loop's time."""
    lines = [f"    made.{name} = self.{name}" for name in cls.__slots__]  # type: ignore[attr-defined]
    source = ["def copied(self):", "    made = new(cls)", *lines, "    return made"]
    namespace = {"new": cls.__new__, "cls": cls}
    exec("\n".join(source), namespace)
    return namespace["copied"]  # type: ignore[return-value]


_copy = _copier(Instruction)


class Template:
    """What a call shares with every call of the same operator, arguments, metas and mode.

    A loop unrolled over time steps, or the next layer of the same sizes, is the same calls at other
    places of the trie. They are planned once; there, an instruction only gets its references.

    Attributes:
        prototype: the instruction that was planned.
        places: for each of its operands which tensor or number of the call that is.
        step: what the interpreter makes of it, ``None`` before it was asked.
        gradients: what it makes of the gradient rule, by the operands that are there.
    """

    __slots__ = ("prototype", "places", "step", "gradients")

    def __init__(self, prototype: Instruction, places: tuple[int, ...]):
        self.prototype = prototype
        self.places = places
        self.step: Any = None
        self.gradients: dict[tuple, Any] = {}
        prototype.identity = self

    def instruction(self, references: list[Any]) -> Instruction:
        """Return the instruction of another call."""
        made = _copy(self.prototype)
        operands = made.operands = tuple([references[place] for place in self.places])
        made.slot = -1
        made.where = None
        if made.overwrites is not None:
            made.overwrites = operands[0]
        if made.view_of is not None:
            made.view_of = operands[0]
        return made


_extending = threading.Lock()
#: What a node remembers before it remembers anything; all have this one, so no one may write to it.
_NOTHING: Any = types.MappingProxyType({})


class AlwaysMiss(dict):
    """Children that a recorder never finds, so that every operator takes the slow path."""

    def get(self, key: Any, default: Any = None) -> Any:
        return default

    def find(self, key: Any) -> Any:
        """Return the child after all."""
        return dict.get(self, key)


class Boundary(dict):
    """Children of a node where traces are cut (see ``cutting``): no operator is among them.

    What must not be parted from the operator before it, a gradient, passes; the cut comes after it.
    """

    def __setitem__(self, key: Any, child: Node) -> None:
        child.children = Boundary()
        super().__setitem__(key, child)


class Node:
    """A place in the trie. ``slot`` and ``meta`` are those of the (first) result.

    Attributes:
        differentiates: whether a gradient is among the operators from the root to here.
        saves: whether a gradient of one of them would need a value.
        cut_at: depth from which on traces through this node are cut, 0 where that is open.
        span: operators of the traces after the cut, whole turns of a loop; 0 where there is none.
        freed_here: slots of the instructions whose graph its own gradient frees.
        symbol: what it has in common with the same operator of another turn of a loop, once asked.
        composites: where calls of functions of several operators lead (``recording.composites``).
    """

    __slots__ = (
        "parent",
        "key",
        "children",
        "instruction",
        "slot",
        "meta",
        "metas",
        "next_slot",
        "entered",
        "n_inputs",
        "n_floats",
        "n_ints",
        "depth",
        "differentiates",
        "saves",
        "cut_at",
        "span",
        "mode",
        "modes",
        "programs",
        "backwards",
        "freed_here",
        "symbol",
        "composites",
    )

    def __init__(self, parent: Node | None, key: Any, mode: modes.Mode):
        self.parent = parent
        self.key = key
        self.children: dict[tuple, Node] = AlwaysMiss() if mode.saved_tensors_hooks else {}
        self.instruction: Any = None  # of every node but the root
        self.slot = -1
        self.meta: Any = None  # where there is one result
        self.metas: tuple[Meta, ...] = ()
        self.entered: tuple[Meta, ...] = ()
        self.mode = mode
        self.modes: dict[modes.Mode, Node] = _NOTHING
        self.programs: dict[tuple, Any] = _NOTHING
        self.backwards: dict[tuple, Any] = _NOTHING
        self.symbol: int | None = None
        self.composites: dict[tuple, Any] | None = None
        self.freed_here: tuple[int, ...] = ()
        if parent is None:
            self.next_slot = self.n_inputs = self.n_floats = self.n_ints = self.depth = 0
            self.cut_at = self.span = 0
            self.differentiates = self.saves = False
        else:
            self.next_slot = parent.next_slot
            self.n_inputs = parent.n_inputs
            self.n_floats = parent.n_floats
            self.n_ints = parent.n_ints
            self.depth = parent.depth
            self.differentiates = parent.differentiates
            self.saves = parent.saves
            self.cut_at = parent.cut_at
            self.span = parent.span
            if parent.children.__class__ is Boundary:
                self.children = Boundary()

    def extend(
        self,
        key: tuple,
        instruction: Instruction,
        entered: tuple[Meta, ...],
        floats: int,
        ints: int,
    ) -> Node:
        """Add the child that ``key`` leads to."""
        child = Node(self, key, self.mode)
        instruction.slot = self.next_slot
        child.instruction = instruction
        child.slot = self.next_slot
        child.metas = instruction.metas
        child.meta = instruction.metas[0] if instruction.metas else None
        child.next_slot = self.next_slot + len(instruction.metas)
        child.entered = entered
        child.n_inputs = self.n_inputs + len(entered)
        child.n_floats = floats
        child.n_ints = ints
        child.depth = self.depth + 1
        if instruction.gradient is not None:
            child.differentiates = True
        if instruction.gradient_operands:
            child.saves = True
        if self.cut_at:
            child.cut_from(self.cut_at, self.span)
        with _extending:
            # Threads that record the same for the first time share the node that came first.
            first = dict.get(self.children, key)
            if first is not None:
                return first
            self.children[key] = child
        return child

    def cut_from(self, depth: int, span: int) -> None:
        """Have traces cut from a depth on, and those after them every ``span`` operators."""
        self.cut_at = depth
        self.span = span
        if self.depth >= depth:
            self.children = Boundary()
            self.composites = None

    def in_mode(self, mode: modes.Mode) -> Node:
        """Return the node that stands for the same operators, the next one recorded in ``mode``."""
        if self.modes is _NOTHING and mode == self.mode:
            return self
        node = self.modes.get(mode)
        if node is None:
            if self.depth == 0:
                return root(mode)
            node = Node(self, ("mode", mode), mode)
            node.slot, node.meta, node.metas = self.slot, self.meta, self.metas
            with _extending:
                if self.modes is _NOTHING:
                    self.modes = {self.mode: self}
                if self.programs is _NOTHING:
                    self.programs = {}
                node.modes = self.modes
                node.programs = self.programs
                return self.modes.setdefault(mode, node)
        return node

    def forget_program(self, live: tuple) -> None:
        """Let go of a program, where it is remembered."""
        if live in self.programs:
            del self.programs[live]

    def forget_neighbours(self, useful: set[int]) -> None:
        """Let go of what makes cycles, but for the modes that are useful, by their ids."""
        self.children.clear()
        self.composites = None
        self.backwards = _NOTHING
        for mode, other in list(self.modes.items()):
            if other is not self and id(other) not in useful:
                del self.modes[mode]

    def remember_program(self, live: tuple, program: Any) -> Any:
        """Keep a program; return it, or the one that another thread was quicker to make."""
        with _extending:
            if self.programs is _NOTHING:
                self.programs = {}
            return self.programs.setdefault(live, program)

    def remember_backward(self, key: tuple, plan: Any, most: int = 1 << 30) -> Any:
        """Keep the plan of a gradient, forgetting the others where there are more than ``most``."""
        with _extending:
            if self.backwards is _NOTHING:
                self.backwards = {}
            elif len(self.backwards) > most:
                self.backwards.clear()
            return self.backwards.setdefault(key, plan)

    @property
    def freed(self) -> frozenset[int]:
        """The slots whose graph was freed by a gradient between the root and here."""
        found: list[int] = []
        node: Node | None = self
        while node is not None:
            found += node.freed_here
            node = node.parent
        return frozenset(found)

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the instructions from the root to here."""
        return _instructions(self)

    def input_metas(self) -> tuple[Meta, ...]:
        """Return the metas of all inputs, the first one first."""
        return _input_metas(self)

    def by_slot(self) -> dict[int, Instruction]:
        """Return the instruction that fills each slot."""
        return _by_slot(self)

    def meta_of(self, reference: int) -> Meta:
        """Return the meta of a slot or an input."""
        if reference < 0:
            return self.input_metas()[-reference - 1]
        instruction = self.by_slot()[reference]
        return instruction.metas[reference - instruction.slot]


# What is read off a whole path is kept for the nodes asked for last: for all of them it would take
# memory that grows with the square of their depth.


@functools.lru_cache(maxsize=128)
def _instructions(node: Node) -> tuple[Instruction, ...]:
    path = []
    at: Node | None = node
    while at is not None:
        if at.instruction is not None:
            path.append(at.instruction)
        at = at.parent
    return tuple(reversed(path))


@functools.lru_cache(maxsize=128)
def _input_metas(node: Node) -> tuple[Meta, ...]:
    parts: list[tuple[Meta, ...]] = []
    at: Node | None = node
    while at is not None:
        if at.entered:
            parts.append(at.entered)
        at = at.parent
    return tuple([meta for part in reversed(parts) for meta in part])


@functools.lru_cache(maxsize=128)
def _by_slot(node: Node) -> dict[int, Instruction]:
    return {
        instruction.slot + offset: instruction
        for instruction in _instructions(node)
        for offset in range(len(instruction.metas))
    }


_ROOTS: dict[modes.Mode, Node] = {}
#: By what calls have in common that are planned alike (see ``recording.templates``).
TEMPLATES: dict[tuple, Template] = {}


def root(mode: modes.Mode) -> Node:
    """Return the node of the empty trace in a mode."""
    node = _ROOTS.get(mode)
    if node is None:
        node = _ROOTS[mode] = Node(None, None, mode)
    return node


def clear() -> None:
    """Forget every trace and program. Traces under way keep what they stand on."""
    _ROOTS.clear()
    TEMPLATES.clear()
    for remembered in (_instructions, _input_metas, _by_slot):
        remembered.cache_clear()
