"""Finding what repeats inside a program: its equal layers, time steps and parameters.

A program is a list of steps, each with the number of what it computes. A *stretch* is periodic
where each step computes what the step one period before it computes, over three turns at least. The
stretch that saves most is cut into its turns, and so is what lies before and behind it. Where in
the period to cut is free: there, where the fewest bytes are carried over.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

#: Fewer steps than this are compiled whole: a second or two.
LEAST_STEPS = 150
#: Turns of a period that are worth cutting, and how many steps must be spared.
_LEAST_TURNS, _LEAST_SAVED = 3, 24
#: Turns of which none is given away for a better place to cut.
_FEW_TURNS = 8
#: A piece has about this many steps where several turns fit in: to start one costs 30 us.
_STEPS = 64
#: Periods that are tried.
_MOST_PERIODS = 40


def cuts(kinds: ArrayLike, carried: ArrayLike) -> list[int]:
    """Return where to cut a list of steps, so that many of the pieces are equal.

    Args:
        kinds: what each step computes, in all programs the same number.
        carried: the bytes that are carried over, if it is cut before each step.
    Returns:
        Positions, the first one 0; each piece goes from one to the next.
    """
    found = {0}
    numbers, weights = np.asarray(kinds), np.asarray(carried)
    pending = [(0, len(numbers))]
    while pending:
        first, end = pending.pop()
        stretch = _best_stretch(numbers[first:end])
        if stretch is None:
            continue
        start, period, length = stretch
        start += first
        turns = length // period
        free = period if turns > _FEW_TURNS else length % period + 1
        # In the second turn, since what comes before the first is carried past it too. Of places
        # alike the same one in every program that holds these steps.
        turn = slice(start + period, start + period + free)
        shift = int(np.lexsort((numbers[turn], weights[turn]))[0])
        start += shift
        turns = (length - shift) // period
        together = _turns_of_a_piece(period, turns)
        places = [start + period * turn for turn in range(0, turns + 1, together)]
        if places[-1] != start + period * turns:
            places.append(start + period * turns)
        found.update(places)
        if together == 1:  # layers in groups: a turn may repeat inside
            turn = slice(start, start + period)
            inside = cuts(numbers[turn], weights[turn])
            found.update(begin + at for begin in places[:-1] for at in inside)
        pending += [(first, start), (places[-1], end)]
    found.discard(len(numbers))
    return sorted(found)


def _turns_of_a_piece(period: int, turns: int) -> int:
    """Return how many turns are one piece; best without a rest, which would be another piece."""
    most = max(1, min(_STEPS // period, turns // _LEAST_TURNS))
    for count in range(most, most // 2, -1):
        if turns % count == 0:
            return count
    return most


def _best_stretch(kinds: np.ndarray) -> tuple[int, int, int] | None:
    """Return where the periodic stretch that saves most begins, its period and its length."""
    count = len(kinds)
    best = None
    most, shortest = _LEAST_SAVED - 1, 0
    for period in _candidates(kinds):
        other = np.flatnonzero(kinds[:-period] != kinds[period:])
        edges = np.concatenate([[-1], other, [count - period]])
        lengths = np.diff(edges) - 1
        at = int(np.argmax(lengths))
        turns = int(lengths[at]) // period + 1
        saved = (turns - 1) * period
        if turns >= _LEAST_TURNS and (saved, -period) > (most, -shortest):
            best = int(edges[at]) + 1, period, int(lengths[at]) + period
            most, shortest = saved, period
    return best


def _candidates(kinds: np.ndarray) -> list[int]:
    """Return periods that there may be: how far it is to the next step of the same kind.

    Most periods hold a step that stands once in them. Those that could save most come first.
    """
    order = np.argsort(kinds, kind="stable")
    distances = np.diff(order)[np.diff(kinds[order]) == 0]
    times = np.bincount(distances)[: len(kinds) // _LEAST_TURNS + 1]
    periods = np.flatnonzero(times)
    worth = np.minimum(periods * times[periods], len(kinds))
    return periods[np.argsort(-worth, kind="stable")][:_MOST_PERIODS].tolist()
