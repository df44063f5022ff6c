"""Streams that are joined, split, put into another order, or shared among processes."""

from __future__ import annotations

import collections
import copy as copying
import random
from collections.abc import Callable, Iterator
from typing import Any

import jtorch as torch

from ..._pipes import SHARDING_PRIORITIES, IterDataPipe
from .._decorator import functional_datapipe
from ._sources import _length


@functional_datapipe("concat")
class ConcaterIterDataPipe(IterDataPipe):
    """One stream after another.

    Args:
        *datapipes: the streams.
    """

    def __init__(self, *datapipes: Any):
        if not datapipes:
            raise ValueError("Expected at least one DataPipe, but got nothing")
        self.datapipes = datapipes

    def __iter__(self) -> Iterator[Any]:
        for pipe in self.datapipes:
            yield from pipe

    def __len__(self) -> int:
        _length(self, *self.datapipes)
        return sum(map(len, self.datapipes))


@functional_datapipe("zip")
class ZipperIterDataPipe(IterDataPipe):
    """Tuples of one sample from each stream, as long as all have one.

    Args:
        *datapipes: the streams.
    """

    def __init__(self, *datapipes: Any):
        self.datapipes = datapipes

    def __iter__(self) -> Iterator[Any]:
        yield from zip(*self.datapipes, strict=False)

    def __len__(self) -> int:
        _length(self, *self.datapipes)
        return min(map(len, self.datapipes))


@functional_datapipe("mux")
class MultiplexerIterDataPipe(IterDataPipe):
    """One sample from each stream in turn, until the first one ends.

    Args:
        *datapipes: the streams.
    """

    def __init__(self, *datapipes: Any):
        self.datapipes = datapipes

    def __iter__(self) -> Iterator[Any]:
        for samples in zip(*self.datapipes, strict=False):
            yield from samples

    def __len__(self) -> int:
        _length(self, *self.datapipes)
        return min(map(len, self.datapipes)) * len(self.datapipes)


class _Shared:
    """A stream that several children read, with what some of them have still to read.

    Args:
        source: the stream.
        count: of children.
        buffer_size: how many samples are held at most; any number by a negative one.
        receivers: from a sample to the children that get it.
    """

    def __init__(
        self, source: Any, count: int, buffer_size: int, receivers: Callable[[Any], Any], name: str
    ):
        self.source, self.count, self.buffer_size = source, count, buffer_size
        self.receivers, self.name = receivers, name
        self.begin()

    def begin(self) -> None:
        """Begin the stream again."""
        self.queues: list[collections.deque] = [collections.deque() for _ in range(self.count)]
        self.iterator: Any = None
        self.begun = [False] * self.count

    def read(self, child: int) -> Iterator[Any]:
        """Yield what one child gets."""
        if self.begun[child]:
            self.begin()
        self.begun[child] = True
        queues = self.queues
        if self.iterator is None:
            self.iterator = iter(self.source)
        iterator = self.iterator
        while True:
            while not queues[child]:
                try:
                    sample = next(iterator)
                except StopIteration:
                    return
                for place in self.receivers(sample):
                    queues[place].append(sample)
                held = max(map(len, queues))
                if 0 <= self.buffer_size < held:
                    raise BufferError(
                        f"{self.name} buffer overflow, buffer size {self.buffer_size} is "
                        "insufficient."
                    )
            yield queues[child].popleft()


class _ChildDataPipe(IterDataPipe):
    """One of the streams that a stream is split into."""

    def __init__(self, shared: _Shared, place: int, counted: bool):
        self.main_datapipe, self.instance_id, self._counted = shared, place, counted

    def __iter__(self) -> Iterator[Any]:
        return self.main_datapipe.read(self.instance_id)

    def __len__(self) -> int:
        if not self._counted:
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return len(self.main_datapipe.source)


@functional_datapipe("fork")
class ForkerIterDataPipe(IterDataPipe):
    """Several streams of the same samples; made, it is a list of them.

    Args:
        datapipe: the stream.
        num_instances: how many.
        buffer_size: how far one of them may be ahead of another.
        copy: ``"shallow"`` or ``"deep"``: whether each has its own copies.
    """

    def __new__(
        cls, datapipe: Any, num_instances: int, buffer_size: int = 1000, copy: str | None = None
    ) -> Any:
        if num_instances < 1:
            raise ValueError(
                f"Expected `num_instances` larger than 0, but {num_instances} is found"
            )
        everyone = range(num_instances)
        shared = _Shared(datapipe, num_instances, buffer_size, lambda sample: everyone, "Forker")
        children = [_ChildDataPipe(shared, n, True) for n in everyone]
        if copy is None:
            return children
        make = {"shallow": copying.copy, "deep": copying.deepcopy}[copy]
        return [child.map(make) for child in children]


@functional_datapipe("demux")
class DemultiplexerIterDataPipe(IterDataPipe):
    """Several streams that samples are sorted into; made, it is a list of them.

    Args:
        datapipe: the stream.
        num_instances: how many.
        classifier_fn: from a sample to the number of its stream.
        drop_none: whether samples that it gives ``None`` are left out.
        buffer_size: how many samples are held at most.
    """

    def __new__(
        cls,
        datapipe: Any,
        num_instances: int,
        classifier_fn: Callable[[Any], int | None],
        drop_none: bool = False,
        buffer_size: int = 1000,
    ) -> Any:
        if num_instances < 1:
            raise ValueError(
                f"Expected `num_instances` larger than 0, but {num_instances} is found"
            )

        def receivers(sample: Any) -> tuple[int, ...]:
            place = classifier_fn(sample)
            if place is None and drop_none:
                return ()
            if place is None or not 0 <= place < num_instances:
                raise ValueError(
                    f"Output of the classification fn should be between 0 and {num_instances - 1}. "
                    f"{place} is returned."
                )
            return (int(place),)

        shared = _Shared(
            datapipe, num_instances, buffer_size, receivers, "DemultiplexerIterDataPipe"
        )
        return [_ChildDataPipe(shared, n, False) for n in range(num_instances)]


@functional_datapipe("shuffle")
class ShufflerIterDataPipe(IterDataPipe):
    """The samples in a random order, as far as a buffer reaches.

    Args:
        datapipe: the samples.
        buffer_size: how many are held.
        unbatch_level: how many levels of lists are taken apart before.
    """

    def __init__(self, datapipe: Any, *, buffer_size: int = 10000, unbatch_level: int = 0):
        if buffer_size <= 0:
            raise ValueError("buffer_size should be larger than 0")
        self.datapipe = datapipe if unbatch_level == 0 else datapipe.unbatch(unbatch_level)
        self.buffer_size = buffer_size
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
        """Seed the order."""
        if self._enabled:
            if self._seed is None:
                self._seed = int(torch.empty((), dtype=torch.int64).random_().item())
            self._rng.seed(self._seed)
            self._seed = None

    def __iter__(self) -> Iterator[Any]:
        if not self._enabled:
            yield from self.datapipe
            return
        held: list[Any] = []
        for sample in self.datapipe:
            if len(held) == self.buffer_size:
                place = self._rng.randint(0, len(held) - 1)
                out, held[place] = held[place], sample
                yield out
            else:
                held.append(sample)
        while held:
            yield held.pop(self._rng.randint(0, len(held) - 1))

    def __len__(self) -> int:
        return _length(self, self.datapipe)


@functional_datapipe("sharding_filter")
class ShardingFilterIterDataPipe(IterDataPipe):
    """Every n-th sample, beginning with another one in each process.

    Args:
        source_datapipe: the samples.
        sharding_group_filter: the only sort of processes among which they are shared.
    """

    def __init__(self, source_datapipe: Any, sharding_group_filter: Any = None):
        self.source_datapipe = source_datapipe
        self.sharding_group_filter = sharding_group_filter
        self.groups: dict[Any, tuple[int, int]] = {}
        self.num_of_instances, self.instance_id = 1, 0

    def apply_sharding(
        self,
        num_of_instances: int,
        instance_id: int,
        sharding_group: Any = SHARDING_PRIORITIES.DEFAULT,
    ) -> None:
        """Tell how many processes share the samples, and which of them this one is."""
        if instance_id >= num_of_instances:
            raise ValueError(
                f"instance_id({instance_id}) should be smaller than "
                f"num_of_instances({num_of_instances})"
            )
        self.groups[sharding_group] = num_of_instances, instance_id
        self.num_of_instances, self.instance_id = 1, 0
        for group in sorted(self.groups, reverse=True):
            if self.sharding_group_filter in (None, group):
                count, place = self.groups[group]
                self.instance_id += self.num_of_instances * place
                self.num_of_instances *= count

    def __iter__(self) -> Iterator[Any]:
        for number, sample in enumerate(self.source_datapipe):
            if number % self.num_of_instances == self.instance_id:
                yield sample

    def __len__(self) -> int:
        count = _length(self, self.source_datapipe)
        more = self.instance_id < count % self.num_of_instances
        return count // self.num_of_instances + more
