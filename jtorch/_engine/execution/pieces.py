"""A large program that repeats inside, as a list of smaller executables of which many are one.

XLA's time grows faster than a program, and 48 equal layers are 48 times the same to it. So such a
program is taken apart into the steps of the interpreter (each operator, each gradient rule, each
parameter of an optimiser's step), cut where ``periods`` says, and each piece that differs is
compiled once. A piece hands its results to those after it as arrays of JAX; what a gradient needs
of the forward pass is among them, so nothing is computed twice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from . import failures, periods, stats

#: Executables of pieces, of all programs, that are remembered before all are forgotten.
_MOST_COMPILED = 500
_compiled: dict[Hashable, tuple[Callable, Any]] = {}
#: What steps compute, in the order in which they were met.
_MOST_NUMBERS = 20_000
_numbers: dict[Callable, int] = {}


def forget() -> None:
    """Forget all executables; programs keep theirs."""
    _compiled.clear()
    _numbers.clear()


class Cut(NamedTuple):
    """Where a program is cut.

    Attributes:
        pieces: for each piece its steps, as a range.
        keys: for each piece what it computes of its arguments; equal pieces have equal ones.
        steps: steps in all pieces that differ.
    """

    pieces: list[range]
    keys: Sequence[Hashable]
    steps: int


class Wiring(NamedTuple):
    """What a piece takes and gives.

    Attributes:
        given: places of its arguments.
        made: places of its results.
        inside: for each step the numbers of its operands: arguments first, then results of steps.
        kept: the numbers of its results.
    """

    given: list[int]
    made: list[int]
    inside: list[tuple[int, ...]]
    kept: tuple[int, ...]


def may_repeat(program: Any) -> bool:
    """Return whether a program is large enough to be cut."""
    steps = 0
    for instruction in program.instructions:
        if instruction.gradient is not None:
            steps += len(instruction.gradient.plan.order)
        else:
            steps += getattr(instruction.function, "count", 1)
    return steps >= periods.LEAST_STEPS


def cut(assembled: Any) -> Cut | None:
    """Return how to cut a program, ``None`` where most of it would be compiled all the same."""
    steps = assembled.steps
    if len(steps) < periods.LEAST_STEPS:
        return None
    if len(_numbers) > _MOST_NUMBERS:
        _numbers.clear()
    kinds = [_numbers.setdefault(function, len(_numbers)) for function, *_ in steps]
    found = periods.cuts(kinds, _carried(assembled))
    if len(found) < 4:
        return None
    pieces = [range(*ends) for ends in zip(found, [*found[1:], len(steps)], strict=True)]
    keys = [
        (tuple([steps[at][0] for at in piece]), tuple(wired.inside), wired.kept)
        for piece, wired in zip(pieces, wirings(assembled, pieces), strict=True)
    ]
    different = sum(map(len, dict(zip(keys, pieces, strict=True)).values()))
    return Cut(pieces, keys, different) if 2 * different <= len(steps) else None


def _carried(assembled: Any) -> list[float]:
    """Return the bytes that are made before each step and used by it or after it."""
    changes = [0.0] * (len(assembled.steps) + 1)
    made: dict[int, int] = {}
    for at, (_, _, outputs, dead) in enumerate(assembled.steps):
        for place in outputs:
            made[place] = at
        for place in dead:
            if place in made:
                form = assembled.forms[place]
                size = form.size * form.dtype.itemsize
                changes[made.pop(place) + 1] += size
                changes[at + 1] -= size
    return np.cumsum(changes[:-1]).tolist()


def wirings(assembled: Any, pieces: Sequence[range]) -> list[Wiring]:
    """Return what each piece takes and gives."""
    last: dict[int, int] = {place: len(assembled.steps) for place, _, _ in assembled.outputs}
    for at, (_, operands, _, _) in enumerate(assembled.steps):
        for place in operands:
            last[place] = max(last.get(place, 0), at)
    found = []
    for piece in pieces:
        own = {place for at in piece for place in assembled.steps[at][2]}
        given = dict.fromkeys(
            place for at in piece for place in assembled.steps[at][1] if place not in own
        )
        number = {place: at for at, place in enumerate(given)}
        inside, made = [], []
        for at in piece:
            _, operands, outputs, _ = assembled.steps[at]
            inside.append(tuple([number[place] for place in operands]))
            for place in outputs:
                number[place] = len(number)
                if last.get(place, -1) >= piece.stop:
                    made.append(place)
        kept = tuple([number[place] for place in made])
        found.append(Wiring(list(given), made, inside, kept))
    return found


class Piece(NamedTuple):
    """One piece of a program.

    Attributes:
        call: its executable.
        given, made: places of its arguments and of its results.
        dead: places that no one needs after it.
        overwrites: whether it overwrites some of its arguments.
    """

    call: Callable
    given: list[int]
    made: list[int]
    dead: list[int]
    overwrites: bool


class Pieces:
    """A program as pieces, called like an executable.

    Attributes:
        pieces: in the order in which they run.
        sizes: what JAX says of the memory of each executable.
    """

    def __init__(self, assembled: Any, uses_floats: bool, uses_ints: bool, order: list[int]):
        self.arrays = assembled.arrays
        self.inputs = assembled.inputs
        self.numbers = assembled.numbers
        self.kinds = "f" * uses_floats + "i" * uses_ints
        self.order = order
        self.pieces: list[Piece] = []
        self.sizes: list[Any] = []

    def __call__(self, *arguments: Any) -> list[Any]:
        run = _Run(self, arguments)
        try:
            run.go()
        except Exception:
            raise
        except BaseException as signal:
            if not run.has_overwritten():
                raise
            while True:  # what is half overwritten must be finished
                try:
                    run.go()
                    break
                except Exception:
                    raise
                except BaseException:
                    continue
            raise failures.Interrupted(run.results(), signal) from None
        return run.results()

    def memory_analysis(self) -> Any:
        """Return what JAX says of an executable's memory, as though all pieces were one."""
        known = [sizes for sizes in self.sizes if sizes is not None]
        return SimpleNamespace(
            output_size_in_bytes=sum(sizes.output_size_in_bytes for sizes in known),
            alias_size_in_bytes=sum(sizes.alias_size_in_bytes for sizes in known),
            temp_size_in_bytes=max([sizes.temp_size_in_bytes for sizes in known], default=0),
        )


class _Run:
    """One run of the pieces, which goes on where a signal has stopped it."""

    def __init__(self, whole: Pieces, arguments: Sequence[Any]):
        self.whole = whole
        self.at = 0
        self.made: list[Any] = []  # by each piece that has run, until that is put in its places
        arrays = self.arrays = whole.arrays.copy()
        count = len(whole.inputs)
        for place, argument in zip(whole.inputs, arguments[:count], strict=True):
            arrays[place] = argument
        vectors = dict(zip(whole.kinds, map(np.asarray, arguments[count:]), strict=True))
        for place, kind, index in whole.numbers:
            arrays[place] = vectors[kind][index]

    def go(self) -> None:
        arrays = self.arrays
        pieces, made = self.whole.pieces, self.made
        while self.at < len(pieces):
            at = self.at
            piece = pieces[at]
            if len(made) == at:
                # In C from the call to the list, as in ``programs.run``.
                made.extend(itertools.starmap(piece.call, ([arrays[p] for p in piece.given],)))
            if made[at] is not None:
                for place, array in zip(piece.made, made[at], strict=True):
                    arrays[place] = array
                array = made[at] = None
            for place in piece.dead:
                arrays[place] = None
            self.at = at + 1

    def has_overwritten(self) -> bool:
        return any(piece.overwrites for piece in self.whole.pieces[: len(self.made)])

    def results(self) -> list[Any]:
        return [self.arrays[place] for place in self.whole.order]


def function_of(steps: Sequence[tuple], wiring: Wiring) -> Callable:
    """Return the pure function of a piece.

    Args:
        steps: its steps.
        wiring: what it takes and gives.
    """
    functions = [function for function, *_ in steps]

    def jtorch_piece(*arguments: Any) -> list[Any]:
        arrays = list(arguments)
        for function, operands in zip(functions, wiring.inside, strict=True):
            arrays += function(*[arrays[number] for number in operands])
        results = [arrays[number] for number in wiring.kept]
        seen = {id(argument) for argument in arguments}
        for at, result in enumerate(results):  # JAX hands these on: they would be one buffer
            if id(result) in seen:
                results[at] = jnp.array(result, copy=True)
            seen.add(id(result))
        return results

    return jtorch_piece


def donated(
    given: Sequence[int], made: Sequence[int], free: set[int], form: Callable[[int], Any]
) -> tuple[int, ...]:
    """Return which arguments a piece overwrites: those that are free and have the form of a result.

    Args:
        given, made: places of its arguments and results.
        free: places that no one needs after the piece, of arrays that may be overwritten.
        form: of a place.
    """
    left = [(form(place).shape, form(place).dtype) for place in made]
    chosen = []
    for at, place in enumerate(given):
        own = (form(place).shape, form(place).dtype)
        if place in free and own in left:
            left.remove(own)
            chosen.append(at)
    return tuple(chosen)


def compile_pieces(
    program: Any,
    assembled: Any,
    found: Cut,
    compile_one: Callable[[Callable, list, tuple[int, ...], int], tuple[Callable, Any]],
) -> Pieces:
    """Return a program as pieces, each that differs compiled once.

    Args:
        program: the program; what it donates is planned.
        assembled: its steps, functions of JAX arrays.
        found: where it is cut.
        compile_one: compiles a function for arguments of some shapes and dtypes, of which it may
            overwrite some; the last argument is its number in the program. Gives what is called,
            and what JAX says of its memory.
    """
    place_of = {slot: place for slot, (place, _, _) in zip(program.outputs, assembled.outputs)}
    made = Pieces(
        assembled,
        program.uses_floats,
        program.uses_ints,
        [place_of[slot] for slot in program.returned],
    )
    overwritable = {assembled.inputs[position] for position in program.donated}
    kept = {place for place, _, _ in assembled.outputs}
    last: dict[int, int] = {}
    wired = wirings(assembled, found.pieces)
    for at, wiring in enumerate(wired):
        for place in (*wiring.given, *wiring.made):
            last[place] = at
    for at, (piece, key, wiring) in enumerate(zip(found.pieces, found.keys, wired, strict=True)):
        dead = [p for p in (*wiring.given, *wiring.made) if last[p] == at and p not in kept]
        given = donated(
            wiring.given, wiring.made, overwritable & set(dead), assembled.forms.__getitem__
        )
        whole = (key, given)
        known = _compiled.get(whole)
        if known is None:
            if len(_compiled) >= _MOST_COMPILED:
                _compiled.clear()
            steps = assembled.steps[piece.start : piece.stop]
            shapes = [
                jax.ShapeDtypeStruct(assembled.forms[p].shape, assembled.forms[p].dtype)
                for p in wiring.given
            ]
            call, sizes = compile_one(function_of(steps, wiring), shapes, given, at)
            _compiled[whole] = call, sizes
            stats.counters.pieces_compiled += 1
        else:
            call, sizes = known
        made.sizes.append(sizes)
        made.pieces.append(Piece(call, wiring.given, wiring.made, dead, bool(given)))
    return made
