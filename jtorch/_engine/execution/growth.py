"""Bounds on what is remembered, and a warning for lines that keep compiling.

The trie and its programs are what jtorch knows about a process; a script that never repeats would
let them grow for ever. When there are more than ``MAX_PROGRAMS`` programs or ``MAX_NODES`` nodes,
the programs that ran longest ago are forgotten, to a half of the limit, and with them every branch
of the trie that leads to no program any more. A trace that stands on such a branch keeps its nodes.

Each new program is counted for the line that asked for it and the operators it consists of. Where
the same operators are compiled again and again for one line, something that decides a shape or is a
constant keeps changing: one line on the log "jtorch" says what, once.
"""

from __future__ import annotations

import logging
from typing import Any

from ..._core import config
from ..graph import trie
from ..graph.locations import Location, describe, user_location
from ..graph.trie import Node
from ..graph.values import Meta
from . import pieces, settings, stats

_log = logging.getLogger("jtorch")


class _Counts:
    """What was made since the last pruning, and which lines asked for it."""

    def __init__(self) -> None:
        self.programs = 0
        self.nodes = 0
        self.at_line: dict[Location, int] = {}
        self.by_line: dict[tuple[Location, tuple], tuple[int, Node]] = {}
        self.warned: set[Location] = set()


_counts = _Counts()
#: Lines that are remembered for the warning.
_MAX_LINES = 10_000


def node_made() -> None:
    """Count a node."""
    _counts.nodes += 1


def program_made(node: Node, program: Any) -> None:
    """Count a program that is about to run; forget old ones where there are too many."""
    _counts.programs += 1
    if _counts.programs > config.MAX_PROGRAMS or _counts.nodes > config.MAX_NODES:
        prune(config.MAX_PROGRAMS // 2, config.MAX_NODES // 2, keep=program)
        # Executables are many small pieces of the heap, which the allocator would keep.
        settings.release_memory()


def prune(max_programs: int, max_nodes: int, keep: Any = None) -> None:
    """Forget the programs that ran longest ago and the branches that only they needed.

    Args:
        max_programs: programs to keep at most.
        max_nodes: nodes to keep; where the programs kept need more, older ones go too.
        keep: a program that has not run yet and stays.
    """
    with stats.lock:
        found = [
            (1 << 62 if program is keep else program.used, node, live)
            for node in _nodes()
            for live, program in list(node.programs.items())
        ]
        # Programs are shared between a node's modes, and so found several times.
        unique = {id(node.programs[live]): (used, node, live) for used, node, live in found}
        newest_first = sorted(unique.values(), key=lambda entry: -entry[0])
        kept, needed = 0, 0
        for _used, node, live in newest_first:
            if kept < max_programs and (needed < max_nodes or kept == 0):
                kept += 1
                needed += node.depth  # at most: prefixes are shared
                continue
            node.forget_program(live)
            stats.counters.programs_dropped += 1
        _counts.programs = kept
        _counts.nodes = _drop_branches()
        _counts.by_line.clear()


def _nodes() -> list[Node]:
    """Return every node of the trie, each one after its parent."""
    found: list[Node] = []
    seen: set[int] = set()
    pending = list(trie._ROOTS.values())
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        found.append(node)
        pending.extend(list(node.modes.values()))
        pending.extend(list(node.children.values()))
    return found


def _drop_branches() -> int:
    """Take out branches without programs; return how many nodes are left."""
    nodes = _nodes()
    useful: set[int] = set()
    for node in reversed(nodes):
        if node.parent is None or node.programs:
            useful.add(id(node))
        if id(node) in useful:
            ancestor = node.parent
            while ancestor is not None and id(ancestor) not in useful:
                useful.add(id(ancestor))
                ancestor = ancestor.parent
    for node in nodes:
        node.composites = None
        for key, child in list(node.children.items()):
            if id(child) not in useful:
                del node.children[key]
    for node in nodes:
        if id(node) not in useful:
            # Cycles, which would wait for the garbage collector.
            node.forget_neighbours(useful)
    return len(useful)


def forget_everything() -> None:
    """Forget every trace and program."""
    trie.clear()
    pieces.forget()
    _counts.__init__()  # type: ignore[misc]


# Lines that keep compiling


def compiled_for_this_line() -> int:
    """Return how many programs were compiled for the line that runs."""
    return _counts.at_line.get(user_location(), 0)


def compiling(node: Node) -> None:
    """Count a program that is compiled, for the line that asked for it."""
    location = user_location()
    if len(_counts.by_line) > _MAX_LINES:
        _counts.by_line.clear()
        _counts.at_line.clear()
    _counts.at_line[location] = _counts.at_line.get(location, 0) + 1
    if not config.RECOMPILE_WARNING:
        return
    place = (location, tuple([instruction.op for instruction in node.instructions()]))
    count, before = _counts.by_line.get(place, (0, node))
    _counts.by_line[place] = (count + 1, node)
    if count + 1 < config.RECOMPILE_WARNING or location in _counts.warned:
        return
    _counts.warned.add(location)
    with stats.lock:
        stats.counters.recompile_warnings += 1
    _log.warning(
        "%s: the same operators were compiled %d times for this line: %s",
        describe(location),
        count + 1,
        what_changed(before, node),
    )


def what_changed(before: Node, after: Node) -> str:
    """Say in words how the operators that lead to two nodes differ first."""
    for old, new in zip(_path(before), _path(after)):
        if old.key == new.key:
            continue
        instruction = new.instruction
        assert instruction is not None
        name = getattr(instruction.op, "name", "an operator")
        where = f" ({describe(instruction.where)})" if instruction.where else ""
        arguments = zip(old.key[1:], new.key[1:])
        for number, (left, right) in enumerate(arguments, 1):
            if left != right:
                return f"argument {number} of {name}{where} went from {_say(left)} to {_say(right)}"
        return f"the arguments of {name}{where} changed"
    return "which of the results are still in use changed"


def _path(node: Node | None) -> list[Node]:
    path = []
    while node is not None:
        if node.instruction is not None:
            path.append(node)
        node = node.parent
    path.reverse()
    return path


def _say(part: Any) -> str:
    if isinstance(part, Meta):
        kind = {1: ", a leaf", 2: ", a result"}.get(part.grad, "")
        return f"a tensor of shape {tuple(part.shape)} and {part.dtype}{kind}"
    if isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], type):
        part = part[1]  # a constant beside its class
    if isinstance(part, tuple) and part and isinstance(part[0], type):
        return repr(part[0](part[1:]))
    return repr(part)


def explain() -> str:
    """Return in words what ran, by which tier and why, and which lines were compiled again."""
    lines = [str(stats.snapshot())]
    lines += _by_tier()
    repeated = sorted(
        ((count, place[0], node) for place, (count, node) in _counts.by_line.items() if count > 1),
        key=lambda entry: -entry[0],
    )
    for count, location, node in repeated[:_SHOWN]:
        operators = len(node.instructions())
        lines.append(f"{describe(location)}: {count} programs of the same {operators} operators")
    return "\n".join(lines)


#: Programs, and lines, that are named.
_SHOWN = 10


def _by_tier() -> list[str]:
    """Say of the programs that ran most which tier runs them."""
    found = {id(program): program for node in _nodes() for program in node.programs.values()}
    lines = []
    for program in sorted(found.values(), key=lambda each: -each.runs)[:_SHOWN]:
        if program.runs and program.instructions:
            where = program.instructions[-1].where
            place = describe(where) if where else "<unknown>"
            lines.append(f"{place}: {len(program.instructions)} operators, {program.tier()}")
    return lines
