"""The order in which PyTorch's CPU leaves equal elements: that of the C++ library's algorithms.

``torch.sort`` without ``stable=True``, ``topk``, ``mode`` and ``kthvalue`` run introsort,
introselect, a heap and a quickselect, which leave equal elements in an order of their own
(D. Musser, "Introspective sorting and selection algorithms", 1997; Press et al., "Numerical
recipes", 8.5). Each partition step of them is done here for all rows and parts at once, by NumPy or
by XLA: which elements a step exchanges follows from counting those that stop its two scans.

The functions take rows of keys: integers, smaller ones first. Those of C++ resort to heapsort where
their partitions are lopsided all the way down; here such a part stays in stable order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

#: Parts up to these sizes are not partitioned further, but sorted by insertion, which is stable.
_SHORT = 16
_SHORT_SELECTION = 3
#: ``topk`` of fewer elements than this part of a row keeps a heap.
_HEAP_SHARE = 64


class _OfNumpy:
    """Array operations that NumPy and JAX spell differently, in NumPy."""

    xp: Any = np

    @staticmethod
    def take(array: Any, index: Any) -> Any:
        return array[index]

    @staticmethod
    def put(array: Any, index: Any, values: Any, where: Any) -> Any:
        array = array.copy()
        array[index[where]] = values[where]
        return array

    @staticmethod
    def apart(arrays: Any) -> Any:
        return arrays

    @staticmethod
    def choose(condition: Any, first: Callable, second: Callable) -> Any:
        return first() if condition else second()

    @staticmethod
    def counted(flags: Any) -> Any:
        return np.cumsum(flags, dtype=np.int32)

    @staticmethod
    def ordered(rows: Any) -> Any:
        return np.argsort(rows, -1, kind="stable")

    @staticmethod
    def loop(goes_on: Callable, step: Callable, state: Any) -> Any:
        while goes_on(state):
            state = step(state)
        return state


class _OfJax:
    """The same in JAX."""

    xp: Any = jnp

    @staticmethod
    def take(array: Any, index: Any) -> Any:
        return array.at[index].get(mode="promise_in_bounds")

    @staticmethod
    def put(array: Any, index: Any, values: Any, where: Any) -> Any:
        index = jnp.where(where, index, array.shape[0])
        return array.at[index].set(values, mode="drop")

    @staticmethod
    def choose(condition: Any, first: Callable, second: Callable) -> Any:
        return jax.lax.cond(condition, first, second)

    @staticmethod
    def apart(arrays: Any) -> Any:
        # Fused, each would be worked out again wherever it is used, and compiled as often.
        return jax.lax.optimization_barrier(arrays)

    @staticmethod
    def counted(flags: Any) -> Any:
        # A sum in turn: XLA takes five times as long to compile its cumulative sum.
        def add(place: Any, counts: Any) -> Any:
            return counts.at[place].add(counts[place - 1])

        return jax.lax.fori_loop(1, flags.shape[0], add, flags.astype(jnp.int32))

    @staticmethod
    def ordered(rows: Any) -> Any:
        return jnp.argsort(rows, -1)

    @staticmethod
    def loop(goes_on: Callable, step: Callable, state: Any) -> Any:
        return jax.lax.while_loop(goes_on, step, state)


def _namespace(array: Any) -> Any:
    return _OfNumpy if isinstance(array, np.ndarray) else _OfJax


def keys_of(array: Any, descending: bool) -> Any:
    """Return integers in the order of the last dimension's elements, equal for equal ones.

    Args:
        array: numbers; NaN is larger than all, and equal to itself.
        descending: whether the largest comes first.
    """
    of = _namespace(array)
    xp = of.xp
    order = of.ordered(array)
    new = differs(xp.take_along_axis(array, order, -1))
    new = xp.concatenate([xp.zeros_like(order[..., :1], dtype=bool), new], -1)
    counted = of.counted(new.reshape(-1)).reshape(new.shape)
    keys = xp.take_along_axis(counted - counted[..., :1], of.ordered(order), -1)
    return xp.max(keys, -1, keepdims=True) - keys if descending else keys


def settled(array: Any, axis: int, stable: Any, seen: Any, exact: Callable) -> Any:
    """Return a stable order, or PyTorch's where equal elements make a difference.

    Args:
        array: numbers, NaN larger than all.
        axis: the dimension that is sorted.
        stable: positions along it, in stable order.
        seen: positions in order of their elements; no two equal ones, and ``stable`` is right.
        exact: gives PyTorch's positions, in rows, for rows of elements.
    """
    of = _namespace(array)
    xp = of.xp
    rows, stable, seen = [xp.moveaxis(each, axis, -1) for each in (array, stable, seen)]
    tied = xp.any(~differs(xp.take_along_axis(rows, seen, -1)))
    flat = rows.reshape(-1, rows.shape[-1])

    def resolved() -> Any:
        return exact(flat).reshape(stable.shape).astype(stable.dtype)

    return xp.moveaxis(of.choose(tied, resolved, lambda: stable), -1, axis)


def has_tied_order(meta: Any, size: int) -> bool:
    """Return whether ``std::sort`` of rows of this size is not the stable order already."""
    return meta.device.type == "cpu" and size > _SHORT


def differs(ordered: Any) -> Any:
    """Return whether each element of ordered rows, from the second, differs from that before it."""
    first, second = ordered[..., :-1], ordered[..., 1:]
    return (first != second) & ((first == first) | (second == second))


def _exchange(xp: Any, pairs: list[tuple[Any, Any, Any]], position: Any) -> Any:
    """Return where each position's element comes from once pairs have been exchanged."""
    source = position
    for first, second, where in pairs:
        moved = xp.where(position == second, first, position)
        source = xp.where(where, xp.where(position == first, second, moved), source)
    return source


def _scans(of: Any, left: Any, right: Any, first: Any, last: Any, position: Any) -> tuple:
    """Pair what stops a scan from the left with what stops one from the right.

    Args:
        left, right: whether an element stops the scan, False outside the part.
        first, last: the part that each position is in.
    Returns:
        Where each element comes from once the pairs that lie in order are exchanged, and functions
        of a number ``m`` relative to the last such pair: the ``m``-th stops from left and right.
    """
    xp = of.xp
    size = position.shape[0]
    counted = of.counted(left)
    place_left = first + counted - of.take(counted, first) + of.take(left, first) - 1
    counted = of.counted(right)
    place_right = first + of.take(counted, last - 1) - counted
    place_left, place_right = of.apart((place_left, place_right))
    stops_left = of.put(xp.full_like(position, size), place_left, position, left)
    stops_right = of.put(xp.full_like(position, -1), place_right, position, right)
    crossing = of.apart(stops_left < stops_right)
    counted = of.counted(crossing)
    pairs = of.apart(
        of.take(counted, last - 1) - of.take(counted, first) + of.take(crossing, first)
    )
    inside = xp.clip(place_left, 0, size - 1)
    source = xp.where(left & of.take(crossing, inside), of.take(stops_right, inside), position)
    inside = xp.clip(place_right, 0, size - 1)
    source = xp.where(right & of.take(crossing, inside), of.take(stops_left, inside), source)

    def stop(stops: Any, number: int, outside: int) -> Any:
        place = first + pairs + number
        known = (place >= first) & (place < last)
        return xp.where(known, of.take(stops, xp.clip(place, 0, size - 1)), outside)

    return (
        of.apart(source),
        lambda number: stop(stops_left, number, size if number >= 0 else -1),
        lambda number: stop(stops_right, number, -1 if number >= 0 else size),
    )


def _partition(of: Any, keys: Any, order: Any, first: Any, last: Any, active: Any) -> tuple:
    """Partition parts around the median of three elements, as introsort does.

    Args:
        keys, order: of all positions, as they stand.
        first, last: the part that each position is in.
        active: whether it is to be partitioned.
    Returns:
        Keys and order, and where each part is cut.
    """
    xp = of.xp
    position = _positions(xp, keys.shape[0])
    end = keys.shape[0] - 1
    middle = first + (last - first) // 2
    ends = xp.clip(first + 1, 0, end), middle, last - 1
    a, b, c = [of.take(keys, xp.clip(place, 0, end)) for place in ends]
    lower, middle, upper = ends
    low = xp.where(b < c, middle, xp.where(a < c, upper, lower))
    high = xp.where(a < c, lower, xp.where(b < c, upper, middle))
    pivot = xp.where(a < b, low, high)
    source = of.apart(_exchange(xp, [(first, of.apart(pivot), active)], position))
    keys, order = of.apart((of.take(keys, source), of.take(order, source)))
    pivot = of.take(keys, first)
    inside = active & (position > first)
    source, stop_left, stop_right = _scans(
        of, inside & (keys >= pivot), inside & (keys <= pivot), first, last, position
    )
    return of.take(keys, source), of.take(order, source), xp.minimum(stop_left(0), stop_right(-1))


def _positions(xp: Any, count: int) -> Any:
    return xp.arange(count, dtype=xp.int32 if count <= np.iinfo(np.int32).max else xp.int64)


def _rows(keys: Any) -> tuple:
    """Return keys one after the other, their places in their rows, and where each row begins."""
    of = _namespace(keys)
    count, size = keys.shape
    rows = _positions(of.xp, count * size).reshape(count, size)
    place = rows - rows[:, :1]
    start = of.xp.repeat(rows[:, 0], size)
    return of, keys.reshape(-1), place.reshape(-1), start


def _depth(size: int) -> int:
    return 2 * (size.bit_length() - 1)


def _introsort(of: Any, keys: Any, order: Any, start: Any, size: int, whole: int) -> tuple:
    """Sort the first ``size`` of the ``whole`` elements of each row as ``std::sort`` does."""
    xp = of.xp
    position = _positions(xp, keys.shape[0])
    sorted_part = position < start + size
    first = start
    last = xp.where(sorted_part, start + size, start + whole)

    def active(first: Any, last: Any) -> Any:
        return sorted_part & (last - first > _SHORT)

    def goes_on(state: tuple) -> Any:
        level, _, _, first, last = state
        return (level < _depth(size)) & xp.any(active(first, last))

    def step(state: tuple) -> tuple:
        level, keys, order, first, last = state
        parts = active(first, last)
        keys, order, cut = _partition(of, keys, order, first, last, parts)
        behind = parts & (position >= cut)
        first, last = xp.where(behind, cut, first), xp.where(parts & ~behind, cut, last)
        return level + 1, keys, order, first, last

    if size > _SHORT:
        _, keys, order, first, last = of.loop(goes_on, step, (0, keys, order, first, last))
    return _by_insertion(of, keys, order, xp.where(sorted_part, keys, whole), whole)


def _by_insertion(of: Any, keys: Any, order: Any, rule: Any, size: int) -> tuple:
    """Sort rows stably by ``rule``."""
    rows = rule.reshape(-1, size)
    xp = of.xp
    moved = of.ordered(rows)
    keys = xp.take_along_axis(keys.reshape(-1, size), moved, -1).reshape(-1)
    return keys, xp.take_along_axis(order.reshape(-1, size), moved, -1).reshape(-1)


def sorted_order(keys: Any) -> Any:
    """Return the order that ``std::sort`` brings rows of keys into."""
    of, flat, place, start = _rows(keys)
    size = keys.shape[-1]
    return _introsort(of, flat, place, start, size, size)[1].reshape(keys.shape)


def smallest(keys: Any, count: int, in_order: bool) -> Any:
    """Return where the ``count`` smallest keys of each row are, as ``topk`` finds them.

    Args:
        count: at least 1.
        in_order: whether they are sorted.
    """
    size = keys.shape[-1]
    if count * _HEAP_SHARE <= size:
        return _heap_of_rows(keys, count)
    of, flat, order, start = _rows(keys)
    xp = of.xp
    position = _positions(xp, flat.shape[0])
    wanted = start + count - 1

    def goes_on(state: tuple) -> Any:
        level, _, _, first, last = state
        return (level < _depth(size)) & xp.any(last - first > _SHORT_SELECTION)

    def step(state: tuple) -> tuple:
        level, keys, order, first, last = state
        parts = (position >= first) & (position < last) & (last - first > _SHORT_SELECTION)
        keys, order, cut = _partition(of, keys, order, first, last, parts)
        goes = last - first > _SHORT_SELECTION
        before = goes & (cut <= wanted)
        return (
            level + 1,
            keys,
            order,
            xp.where(before, cut, first),
            xp.where(goes & ~before, cut, last),
        )

    if count < size + 1:
        state = (0, flat, order, start, start + size)
        _, flat, order, first, last = of.loop(goes_on, step, state)
        inside = xp.where(position < last, flat, size)
        flat, order = _by_insertion(of, flat, order, xp.where(position < first, -1, inside), size)
    if in_order and count > 1:
        flat, order = _introsort(of, flat, order, start, count - 1, size)
    return order.reshape(keys.shape)[:, :count]


def kth_smallest(keys: Any, place: int) -> Any:
    """Return where the key of a rank, from 0, is in each row, as ``kthvalue`` finds it."""
    of, flat, order, start = _rows(keys)
    xp = of.xp
    size = keys.shape[-1]
    position = _positions(xp, flat.shape[0])
    wanted = start + place

    def exchanged(keys: Any, order: Any, a: Any, b: Any, where: Any) -> tuple:
        source = _exchange(xp, [(a, b, where)], position)
        return of.take(keys, source), of.take(order, source)

    def goes_on(state: tuple) -> Any:
        _, _, low, high = state
        return xp.any(high > low)

    def step(state: tuple) -> tuple:
        keys, order, low, high = state
        goes = high > low
        many = high > low + 1
        second = xp.minimum(low + 1, high)
        keys, order = exchanged(keys, order, low + (high - low) // 2, second, many)
        pair = (second, high), (low, high), (second, low)
        for (a, b), where in zip(pair, (many, goes, many), strict=True):
            keys, order = exchanged(
                keys, order, a, b, where & (of.take(keys, a) > of.take(keys, b))
            )
        pivot = of.take(keys, low)
        left = many & (position > low + 1) & (position <= high) & (keys >= pivot)
        right = many & (position > low) & (position < high) & (keys <= pivot)
        source, stop_left, stop_right = _scans(of, left, right, start, start + size, position)
        keys, order = of.take(keys, source), of.take(order, source)
        met = stop_left(0) == stop_right(0)
        after = (
            xp.where(met, stop_left(1), stop_left(0)),
            xp.where(met, stop_right(1), stop_right(0)),
        )
        up = xp.minimum(after[0], stop_right(-1))
        down = xp.clip(xp.maximum(after[1], stop_left(-1)), 0, keys.shape[0] - 1)
        keys, order = exchanged(keys, order, low, down, many)
        new_low = xp.where(many, xp.where(down <= wanted, up, low), high)
        new_high = xp.where(many & (down >= wanted), down - 1, high)
        return keys, order, xp.where(goes, new_low, low), new_high

    _, order, _, _ = of.loop(goes_on, step, (flat, order, start, start + size - 1))
    return order.reshape(keys.shape)[:, place]


# A heap of the smallest, one element after the other


def _heap_of_rows(keys: Any, count: int) -> Any:
    if isinstance(keys, np.ndarray):
        found = [_heap_in_python(row, count) for row in keys]
        return np.asarray(found, np.int32).reshape(len(keys), count)
    return jax.vmap(lambda row: _heap_in_jax(row, count))(keys)


def _sift_in_python(heap: list, keys: Any, hole: int, size: int, value: int) -> None:
    """Put a value into a heap, the largest on top, from a hole downwards and then up."""
    top = hole
    child = 2 * hole + 2
    while child < size:
        if keys[heap[child]] < keys[heap[child - 1]]:
            child -= 1
        heap[hole] = heap[child]
        hole, child = child, 2 * child + 2
    if child == size:
        heap[hole] = heap[child - 1]
        hole = child - 1
    parent = (hole - 1) // 2
    while hole > top and keys[heap[parent]] < keys[value]:
        heap[hole] = heap[parent]
        hole, parent = parent, (parent - 1) // 2
    heap[hole] = value


def _heap_in_python(keys: np.ndarray, count: int) -> list[int]:
    heap = list(range(count))
    for parent in reversed(range(count // 2)):
        _sift_in_python(heap, keys, parent, count, heap[parent])
    place = count
    while True:
        better = keys[place:] < keys[heap[0]]
        step = int(better.argmax()) if better.size else 0
        if not better.size or not better[step]:
            break
        _sift_in_python(heap, keys, 0, count, place + step)
        place += step + 1
    for end in reversed(range(1, count)):
        value, heap[end] = heap[end], heap[0]
        _sift_in_python(heap, keys, 0, end, value)
    return heap


def _sift_in_jax(heap: Any, keys: Any, hole: Any, size: Any, value: Any) -> Any:
    top = hole

    def down(state: tuple) -> tuple:
        heap, hole = state
        child = 2 * hole + 2
        child = jnp.where(keys[heap[child]] < keys[heap[child - 1]], child - 1, child)
        return heap.at[hole].set(heap[child]), child

    heap, hole = jax.lax.while_loop(lambda state: 2 * state[1] + 2 < size, down, (heap, hole))
    child = 2 * hole + 1
    last = child + 1 == size
    heap = jnp.where(last, heap.at[hole].set(heap[jnp.minimum(child, heap.shape[0] - 1)]), heap)
    hole = jnp.where(last, child, hole)

    def below(state: tuple) -> Any:
        heap, hole = state
        return (hole > top) & (keys[heap[(hole - 1) // 2]] < keys[value])

    def up(state: tuple) -> tuple:
        heap, hole = state
        parent = (hole - 1) // 2
        return heap.at[hole].set(heap[parent]), parent

    heap, hole = jax.lax.while_loop(below, up, (heap, hole))
    return heap.at[hole].set(value)


def _heap_in_jax(keys: Any, count: int) -> Any:
    position = jnp.arange(keys.shape[0], dtype=jnp.int32)
    heap = position[:count]
    whole = jnp.int32(count)

    def settle(number: Any, heap: Any) -> Any:
        parent = jnp.int32(count // 2 - 1) - number
        return _sift_in_jax(heap, keys, parent, whole, heap[parent])

    def following(heap: Any, place: Any) -> Any:
        return (position >= place) & (keys < keys[heap[0]])

    def replace(state: tuple) -> tuple:
        heap, place = state
        found = jnp.argmax(following(heap, place)).astype(jnp.int32)
        return _sift_in_jax(heap, keys, jnp.int32(0), whole, found), found + 1

    def take(number: Any, heap: Any) -> Any:
        end = jnp.int32(count - 1) - number
        value = heap[end]
        return _sift_in_jax(heap.at[end].set(heap[0]), keys, jnp.int32(0), end, value)

    heap = jax.lax.fori_loop(jnp.int32(0), jnp.int32(count // 2), settle, heap)
    state = (heap, whole)
    heap, _ = jax.lax.while_loop(lambda state: jnp.any(following(*state)), replace, state)
    return jax.lax.fori_loop(jnp.int32(0), jnp.int32(count - 1), take, heap)
