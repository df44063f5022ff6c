"""How the ranks of a device mesh lie in a list of ranks: sizes and strides of its dimensions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence


class MeshDim:
    """One dimension of a mesh: nested loops over a list of ranks, the outermost first.

    Neighbouring loops that run on from one to the next are one loop, and loops of one step are
    none, so equal dimensions have equal loops.

    Args:
        loops: pairs of a size and a stride.
    """

    def __init__(self, loops: Sequence[tuple[int, int]]):
        joined: list[tuple[int, int]] = []
        for size, stride in loops:
            if size == 1:
                continue
            if joined and joined[-1][1] == size * stride:
                joined[-1] = (joined[-1][0] * size, stride)
            else:
                joined.append((size, stride))
        self.loops = tuple(joined)

    @property
    def size(self) -> int:
        """How many ranks it has."""
        return math.prod(size for size, _ in self.loops)

    @property
    def stride(self) -> int | tuple[int, ...]:
        """The stride of its loop; a tuple where it has not just one."""
        strides = tuple([stride for _, stride in self.loops])
        return strides[0] if len(strides) == 1 else strides

    def offsets(self) -> list[int]:
        """Return where its ranks lie, from its first one."""
        steps = [range(0, size * stride, stride) for size, stride in self.loops]
        return [sum(combination) for combination in itertools.product(*steps)]

    def split(self, sizes: Sequence[int]) -> list[MeshDim]:
        """Return the dimension as several of given sizes, the product of which is its own."""
        offsets = self.offsets()
        found = []
        step = self.size
        for size in sizes:
            step //= size
            found.append(_dim_of([offsets[index * step] for index in range(size)]))
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MeshDim) and self.loops == other.loops

    def __hash__(self) -> int:
        return hash(self.loops)


def _dim_of(offsets: Sequence[int]) -> MeshDim:
    """Return the dimension that has given offsets, which begin with 0."""
    loops: list[tuple[int, int]] = []
    left = list(offsets)
    while len(left) > 1:
        stride = left[1]
        count = 1
        while count < len(left) and left[count] == count * stride:
            count += 1
        loops.insert(0, (count, stride))
        left = left[::count]
    return MeshDim(loops)


class MeshLayout:
    """The dimensions of a mesh within a list of ranks.

    Args:
        dims: the dimensions.
    """

    def __init__(self, dims: Sequence[MeshDim]):
        self.dims = tuple(dims)

    @staticmethod
    def contiguous(shape: Sequence[int]) -> MeshLayout:
        """Return the layout of a list of ranks in the order of a shape."""
        dims = []
        stride = math.prod(shape)
        for size in shape:
            stride = stride // size if size else 0
            dims.append(MeshDim([(size, stride)]))
        return MeshLayout(dims)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the dimensions."""
        return tuple([dim.size for dim in self.dims])

    @property
    def strides(self) -> tuple[int | tuple[int, ...], ...]:
        """The strides of the dimensions."""
        return tuple([dim.stride for dim in self.dims])

    def numel(self) -> int:
        """Return how many ranks it has."""
        return math.prod(self.shape)

    def flattened(self) -> MeshDim:
        """Return its dimensions as one."""
        return MeshDim([loop for dim in self.dims for loop in dim.loops])

    def overlaps(self) -> bool:
        """Return whether two places would be of one rank."""
        offsets = self.flattened().offsets()
        return len(set(offsets)) != len(offsets)

    def groups(self, ranks: Sequence[int]) -> Iterator[list[int]]:
        """Yield each set of ranks that lies so in a list of ranks, in the order of the list."""
        offsets = self.flattened().offsets()
        left = set(range(len(ranks)))
        for start in range(len(ranks)):
            places = [start + offset for offset in offsets]
            if start in left and left.issuperset(places):
                left.difference_update(places)
                yield [ranks[place] for place in places]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MeshLayout) and self.dims == other.dims

    def __hash__(self) -> int:
        return hash(self.dims)

    def __repr__(self) -> str:
        return f"({self.shape}:{self.strides})"
