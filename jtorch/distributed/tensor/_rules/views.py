"""Views and what puts tensors together or takes them apart: where a cut dimension is afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import _messages
from ..placement_types import Partial, Placement, Replicate, Shard, _StridedShard
from .call import Call, Strategy, dims_of


def _passed(call: Call) -> list[Strategy]:
    """Return the strategies in which terms stay terms."""
    now = call.current[0]
    if isinstance(now, Partial) and all(each == now for each in call.current):
        return [call.same(now)]
    return []


def moved(call: Call, places: dict[int, int]) -> list[Strategy]:
    """Return the strategies of a view, by where each dimension goes that may be cut."""
    found = [call.replicated()]
    for dim, place in places.items():
        found.append(Strategy((Shard(place),) * len(call.outs), (Shard(dim),) * len(call.specs)))
    return found + _passed(call)


def transpose(call: Call) -> list[Strategy]:
    """Two dimensions change places."""
    first, second = dims_of(
        [call.argument(1, "dim0"), call.argument(2, "dim1")], call.specs[0].ndim
    )
    places = {dim: dim for dim in range(call.specs[0].ndim)}
    places.update({first: second, second: first})
    return moved(call, places)


def transpose_matrix(call: Call) -> list[Strategy]:
    """The dimensions of a matrix change places."""
    ndim = call.specs[0].ndim
    return moved(call, {0: 1, 1: 0} if ndim == 2 else {dim: dim for dim in range(ndim)})


def permute(call: Call) -> list[Strategy]:
    """The dimensions take another order."""
    order = dims_of(call.argument(1, "dims"), call.specs[0].ndim)
    return moved(call, {dim: place for place, dim in enumerate(order)})


def unsqueeze(call: Call) -> list[Strategy]:
    """A dimension of size one is put in."""
    ndim = call.specs[0].ndim
    at = call.argument(1, "dim") % (ndim + 1)
    return moved(call, {dim: dim + (dim >= at) for dim in range(ndim)})


def squeeze(call: Call) -> list[Strategy]:
    """Dimensions of size one are left out."""
    shape = call.specs[0].shape
    wanted = dims_of(call.argument(1, "dim"), len(shape))
    left = [dim for dim in range(len(shape)) if not (dim in wanted and shape[dim] == 1)]
    return moved(call, {dim: place for place, dim in enumerate(left)})


def whole_squeeze(call: Call, args: tuple, kwargs: dict, shapes: Any, targets: Any) -> tuple:
    """Name the dimensions, of which parts may have others of size one."""
    shape = call.specs[0].shape
    wanted = dims_of(call.argument(1, "dim"), len(shape))
    return (args[0], [dim for dim in wanted if shape[dim] == 1]), {}


def squeeze_part(call: Call, targets: Any, local: Any, dims: Sequence[int]) -> Any:
    """Leave dimensions of a part out."""
    return local.squeeze(tuple(dims)) if dims else local.view_as(local)


def _groups(before: Sequence[int], after: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return which dimensions of a view are made of which: groups of equal numbers of elements."""
    found = []
    first = second = 0
    while first < len(before) or second < len(after):
        mine: list[int] = []
        theirs: list[int] = []
        left = right = 1
        while True:
            if left == right and mine and theirs:
                break
            if left <= right and first < len(before):
                mine.append(first)
                left *= before[first]
                first += 1
            elif second < len(after):
                theirs.append(second)
                right *= after[second]
                second += 1
            elif first < len(before):
                mine.append(first)
                left *= before[first]
                first += 1
            else:
                break
        found.append((mine, theirs))
    return found


def _viewed(
    call: Call, now: Placement, before: Sequence[int], after: Sequence[int]
) -> list[Strategy]:
    """Return the strategies of a view with one of its operand's dimensions cut."""
    found: list[Strategy] = []
    for mine, theirs in _groups(before, after):
        inner = [dim for dim in mine if before[dim] != 1]
        outer = [dim for dim in theirs if after[dim] != 1]
        if not inner or not outer:
            continue
        first, place = inner[0], outer[0]
        count = call.pieces(first)
        if len(inner) == 1 and len(outer) == 1:
            found.append(Strategy((Shard(place),), (Shard(first),)))
            continue
        if isinstance(now, _StridedShard) and now.dim == first and len(inner) == 1:
            blocks = math.prod(after[dim] for dim in outer[:1])
            fits = len(outer) == 2 and after[outer[1]] % call.count == 0
            if fits and blocks == now.split_factor and not call.is_cut_elsewhere(mine):
                found.append(Strategy((Shard(outer[1]),), (now,)))
            continue
        if len(inner) > 1 and len(outer) == 1 and isinstance(now, Shard):
            at = inner.index(now.dim) if now.dim in inner and type(now) is Shard else 0
            alone = not call.is_cut_elsewhere(mine)
            if at and alone and before[inner[at]] % call.count == 0:
                blocks = math.prod(before[dim] for dim in inner[:at])
                out = _StridedShard(place, split_factor=blocks)
                found.append(Strategy((out,), (now,)))
        even_before = before[first] % count == 0 or len(inner) == 1
        even_after = after[place] % count == 0 or len(outer) == 1
        if even_before and even_after:
            found.append(Strategy((Shard(place),), (Shard(first),)))
        elif now == Shard(first) and len(inner) == 1:
            raise _messages.Refused(
                _messages.uneven(theirs.index(place), after[place], call.index, count)
            )
    return found


def view(call: Call) -> list[Strategy]:
    """Another shape of the same elements: the first dimension of each group may be cut."""
    before, after = call.specs[0].shape, call.outs[0].shape
    found = [call.replicated()]
    if 0 not in before:
        found.extend(_viewed(call, call.current[0], before, after))
    return found + _passed(call)


def to_part_shape(call: Call, args: tuple, kwargs: dict, shapes: Any, targets: Any) -> tuple:
    """Ask for the shape of the part."""
    return (args[0], list(shapes[0]), *args[2:]), {
        name: value for name, value in kwargs.items() if name not in ("size", "shape")
    }


def reshape_part(call: Call, targets: Any, local: Any, shape: Sequence[int], *rest: Any) -> Any:
    """Give a part its shape, which is a view where its memory allows."""
    return local.reshape(shape)


def expand(call: Call) -> list[Strategy]:
    """Dimensions of size one are repeated: the others may be cut."""
    before, after = call.specs[0].shape, call.outs[0].shape
    offset = len(after) - len(before)
    places = {dim: dim + offset for dim in range(len(before)) if before[dim] == after[dim + offset]}
    return moved(call, places)


def repeat(call: Call) -> list[Strategy]:
    """Dimensions that are repeated once may be cut."""
    repeats = call.argument(1, "repeats")
    ndim = call.specs[0].ndim
    offset = len(repeats) - ndim
    return moved(call, {dim: dim + offset for dim in range(ndim) if repeats[dim + offset] == 1})


def select(call: Call) -> list[Strategy]:
    """One place of a dimension: the others may be cut."""
    ndim = call.specs[0].ndim
    at = call.argument(1, "dim", 0) % ndim
    return moved(call, {dim: dim - (dim > at) for dim in range(ndim) if dim != at})


def slice_(call: Call) -> list[Strategy]:
    """A range of a dimension: the others may be cut, and this one where the range is whole."""
    spec = call.specs[0]
    at = call.argument(1, "dim", 0) % max(spec.ndim, 1)
    whole = call.outs[0].shape == spec.shape and call.argument(4, "step", 1) == 1
    return moved(call, {dim: dim for dim in range(spec.ndim) if dim != at or whole})


def apart(at: int) -> Callable[[Call], list[Strategy]]:
    """Return the rule of an operator that cuts a dimension into several tensors.

    Args:
        at: where its argument ``dim`` is.
    """

    def rule(call: Call) -> list[Strategy]:
        ndim = call.specs[0].ndim
        dim = call.argument(at, "dim", 0) % max(ndim, 1)
        return moved(call, {each: each for each in range(ndim) if each != dim})

    return rule


def unbind(call: Call) -> list[Strategy]:
    """The places of a dimension as tensors: it may not be cut."""
    ndim = call.specs[0].ndim
    at = call.argument(1, "dim", 0) % ndim
    if call.current[0] == Shard(at):
        raise _messages.Refused(
            (
                f"Attempted to unbind along the sharded dimension {at}. ",
                "It cannot be performed without redistribution, which is disallowed by the "
                "current operator.",
            )
        )
    return moved(call, {dim: dim - (dim > at) for dim in range(ndim) if dim != at})


def _terms(call: Call) -> list[Strategy]:
    found = []
    for placement in dict.fromkeys(call.current):
        alike = all(each == placement for each in call.current)
        if isinstance(placement, Partial) and (placement.is_linear() or alike):
            found.append(call.same(placement))
    return found


def cat(call: Call) -> list[Strategy]:
    """Tensors one after the other: the other dimensions may be cut."""
    ndim = call.outs[0].shape.__len__()
    at = call.argument(1, "dim", 0) % max(ndim, 1)
    found = [call.replicated()]
    if all(spec.ndim == ndim for spec in call.specs):
        found.extend([call.same(Shard(dim)) for dim in range(ndim) if dim != at])
    return found + _terms(call)


def stack(call: Call) -> list[Strategy]:
    """Tensors along a new dimension: all others may be cut."""
    ndim = call.specs[0].ndim
    at = call.argument(1, "dim", 0) % (ndim + 1)
    return moved(call, {dim: dim + (dim >= at) for dim in range(ndim)})[: ndim + 1] + _terms(call)


def new(call: Call) -> list[Strategy]:
    """A new tensor: where it has the given one's shape it lies as that does."""
    now = call.current[0]
    alike = call.outs[0].shape == call.specs[0].shape and not now.is_partial()
    return [Strategy((now if alike else Replicate(),), (now,))]
