"""Maps from keys to samples, made of one another."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import jtorch as torch

from ..._pipes import DataChunk, IterDataPipe, MapDataPipe
from .._decorator import functional_datapipe


def default_fn(data: Any) -> Any:
    """Return a sample as it is."""
    return data


class SequenceWrapperMapDataPipe(MapDataPipe):
    """The elements of a sequence or a dict.

    Args:
        sequence: where they come from.
        deepcopy: whether it is copied.
    """

    def __init__(self, sequence: Any, deepcopy: bool = True):
        if deepcopy:
            try:
                sequence = copy.deepcopy(sequence)
            except TypeError:  # what cannot be copied is used as it is
                pass
        self.sequence = sequence

    def __getitem__(self, index: Any) -> Any:
        return self.sequence[index]

    def __len__(self) -> int:
        return len(self.sequence)


@functional_datapipe("map")
class MapperMapDataPipe(MapDataPipe):
    """A function of each sample.

    Args:
        datapipe: the samples.
        fn: the function.
    """

    def __init__(self, datapipe: Any, fn: Callable = default_fn):
        self.datapipe, self.fn = datapipe, fn

    def __getitem__(self, index: Any) -> Any:
        return self.fn(self.datapipe[index])

    def __len__(self) -> int:
        return len(self.datapipe)


@functional_datapipe("batch")
class BatcherMapDataPipe(MapDataPipe):
    """Lists of samples.

    Args:
        datapipe: the samples, of the keys 0, 1, 2, ...
        batch_size: how many to a list.
        drop_last: whether a last list that is shorter is left out.
        wrapper_class: of the lists.
    """

    def __init__(
        self,
        datapipe: Any,
        batch_size: int,
        drop_last: bool = False,
        wrapper_class: type = DataChunk,
    ):
        if batch_size <= 0:
            raise AssertionError("Batch size is required to be larger than 0!")
        self.datapipe, self.batch_size, self.drop_last = datapipe, batch_size, drop_last
        self.wrapper_class = wrapper_class

    def __getitem__(self, index: int) -> Any:
        count = len(self.datapipe)
        start = index * self.batch_size
        stop = start + self.batch_size
        if start >= count or (self.drop_last and stop > count):
            raise IndexError(f"Index {index} is out of bound.")
        return self.wrapper_class([self.datapipe[n] for n in range(start, min(stop, count))])

    def __len__(self) -> int:
        count = len(self.datapipe)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


@functional_datapipe("concat")
class ConcaterMapDataPipe(MapDataPipe):
    """One map after another, by number.

    Args:
        *datapipes: the maps.
    """

    def __init__(self, *datapipes: Any):
        if not datapipes:
            raise ValueError("Expected at least one DataPipe, but got nothing")
        self.datapipes = datapipes

    def __getitem__(self, index: int) -> Any:
        offset = 0
        for pipe in self.datapipes:
            if index - offset < len(pipe):
                return pipe[index - offset]
            offset += len(pipe)
        raise IndexError(f"Index {index} is out of range.")

    def __len__(self) -> int:
        return sum(map(len, self.datapipes))


@functional_datapipe("zip")
class ZipperMapDataPipe(MapDataPipe):
    """Tuples of one sample from each map.

    Args:
        *datapipes: the maps.
    """

    def __init__(self, *datapipes: Any):
        if not datapipes:
            raise ValueError("Expected at least one DataPipe, but got nothing")
        self.datapipes = datapipes

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        try:
            return tuple([pipe[index] for pipe in self.datapipes])
        except IndexError as error:
            raise IndexError(
                f"Index {index} is out of range for one of the input MapDataPipes."
            ) from error

    def __len__(self) -> int:
        return min(map(len, self.datapipes))


class ShufflerIterDataPipe(IterDataPipe):
    """A stream of a map's samples in a random order.

    Args:
        datapipe: the map.
        indices: its keys; 0, 1, 2, ... by default.
    """

    def __init__(self, datapipe: Any, *, indices: list | None = None):
        self.datapipe = datapipe
        self.indices = list(range(len(datapipe))) if indices is None else indices
        self._enabled = True
        self._seed: int | None = None
        self._rng = random.Random()

    def set_shuffle(self, shuffle: bool = True) -> ShufflerIterDataPipe:
        """Tell whether the order is random."""
        self._enabled = shuffle
        return self

    def set_seed(self, seed: int) -> ShufflerIterDataPipe:
        """Fix the order of the next iterator."""
        self._seed = seed
        return self

    def reset(self) -> None:
        """Draw the order."""
        self._shuffled = list(reversed(self.indices))
        if self._enabled:
            if self._seed is None:
                self._seed = int(torch.empty((), dtype=torch.int64).random_().item())
            self._rng.seed(self._seed)
            self._seed = None
            self._shuffled = self._rng.sample(self.indices, len(self.indices))

    def __iter__(self) -> Iterator[Any]:
        while self._shuffled:
            yield self.datapipe[self._shuffled.pop()]

    def __len__(self) -> int:
        return len(self.datapipe)


MapDataPipe.register_datapipe_as_function("shuffle", ShufflerIterDataPipe)
