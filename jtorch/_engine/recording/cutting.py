"""Cutting a trace that no one looks at, at the same place of the loop each time.

A loop that never looks at a result would record for ever. Cutting it at every n-th operator would
make each cut another program, since the number of operators of a step rarely divides that number.
So the trie looks for the loop itself: when a trace has grown past ``MAX_PENDING`` operators, the
path of the new node is searched for a period, and the trace is cut at a multiple of that period.
Which place within the period is free: the one where the fewest results are still to be used is
taken, which in a training loop lies between two steps, where no graph is pending.

All that happens once, when a node is made. A node where traces are cut has a ``Boundary`` for its
children; operators never find themselves there, so they come to ``planning.miss``, which cuts. A
hit pays nothing. The trace after a cut knows how many whole turns are one program, so that a loop
has one program for its beginning, one for the rest of it and one for what is left at the end.

How long? To start a program costs some 10 us, to record an operator 1 us, to compile one 5 to 50
ms. Linear regression by gradient descent, 8 operators a step, 1,000 steps: with 4 steps a program
27 us a step and 0.6 s to compile, with 7 steps 24 us and 1.7 s, with 13 steps 23 us and 3.1 s. A
loop of multiplications and additions gains to some 200 operators and compiles quickly. So a loop
that holds a gradient is cut at ``TRAINING_LIMIT``, any other at ``LIMIT``.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..._core import config
from ..execution import growth
from ..graph.trie import Boundary, Node
from .trace import Trace, flush

#: Operators after which a loop is looked for; a loop of training steps is cut so much earlier.
LIMIT = config.MAX_PENDING
TRAINING_LIMIT = max(2, LIMIT // 8)
#: Operators after which a trace is cut even where it repeats nothing.
HARD_LIMIT = 4 * LIMIT
#: Depths at which a loop is looked for are multiples of this, and of the greatest power of two to
#: a sixteenth of the depth: the search takes as long as the path, so often would be quadratic.
_STRIDE = max(1, TRAINING_LIMIT // 8)


def must_cut(node: Node) -> bool:
    """Return whether a trace that stands on this node is cut before its next operator."""
    return node.children.__class__ is Boundary


def cut(trace: Trace) -> None:
    """Run a trace that stands on a boundary; the next one keeps the rhythm."""
    span = trace.node.span
    flush(trace, "a loop that is not looked at")
    trace.span = span


def grown(trace: Trace, node: Node) -> None:
    """Decide, for a node just made, where traces that pass it are cut.

    Args:
        trace: the trace that made it.
        node: the new node, which has no children yet.
    """
    growth.node_made()
    if node.cut_at:
        return
    depth = node.depth
    if trace.span:
        node.cut_from(-(-depth // trace.span) * trace.span, trace.span)
    elif depth >= HARD_LIMIT:
        node.cut_from(depth, 0)
    elif depth >= TRAINING_LIMIT and depth % max(_STRIDE, 1 << depth.bit_length() - 5) == 0:
        if depth < LIMIT and not node.differentiates:
            return
        path = _path(node)
        period = _period([_symbol(each) for each in path])
        if period:
            trains = any(map(_is_gradient, path[-period:]))
            if depth < LIMIT and not trains:
                return
            place = _narrowest(path, period)
            turns = (depth - place) // period + 1
            least = TRAINING_LIMIT if trains else LIMIT
            node.cut_from(place + turns * period, -(-least // period) * period)


def _is_gradient(node: Node) -> bool:
    return getattr(getattr(node.instruction, "op", None), "name", "") == "backward"


def _path(node: Node | None) -> list[Node]:
    path = []
    while node is not None:
        if node.instruction is not None:
            path.append(node)
        node = node.parent
    path.reverse()
    return path


def _symbol(node: Node) -> Hashable:
    """Return what a node has in common with that of another turn of the same loop."""
    if node.symbol is not None:
        return node.symbol
    assert node.instruction is not None
    new = node.n_inputs - len(node.entered)
    operands = []
    for reference in node.instruction.operands:
        if not isinstance(reference, int):
            operands.append(reference[0])
        elif reference >= 0:
            operands.append(node.slot - reference)
        else:
            operands.append("new" if -reference > new else "old")
    node.symbol = hash((node.instruction.op, node.mode, node.metas, tuple(operands)))
    return node.symbol


def _period(symbols: list[Hashable]) -> int:
    """Return the period of the longest periodic ending, 0 where there is none.

    An ending counts that holds its period twice and is half of the whole. (Knuth, Morris and Pratt
    1977: the failure function of the reversed sequence gives the period of each ending.)
    """
    backwards = symbols[::-1]
    count = len(backwards)
    failure = [0] * (count + 1)
    matched = 0
    found = 0
    for length in range(2, count + 1):
        symbol = backwards[length - 1]
        while matched and backwards[matched] != symbol:
            matched = failure[matched]
        if backwards[matched] == symbol:
            matched += 1
        failure[length] = matched
        period = length - matched
        if 2 * period <= length and 2 * length >= count:
            found = period
    return found


def _narrowest(path: list[Node], period: int) -> int:
    """Return the depth, in the last turn but one, after which the fewest results are used."""
    first = len(path) - 2 * period
    best_depth, fewest = first + 1, -1
    for place in range(first, first + period):
        made = path[place].next_slot
        used: set[int] = set()
        for node in path[place + 1 : place + 1 + period]:
            used.update(
                reference
                for reference in node.instruction.operands  # type: ignore[union-attr]
                if isinstance(reference, int) and 0 <= reference < made
            )
        if fewest < 0 or len(used) < fewest:
            best_depth, fewest = place + 1, len(used)
    return best_depth
