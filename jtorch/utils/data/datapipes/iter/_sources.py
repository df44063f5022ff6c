"""Streams that sources, functions and groups give."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..._pipes import DataChunk, IterDataPipe
from ...dataloader import default_collate
from ...sampler import SequentialSampler
from .._decorator import functional_datapipe


class IterableWrapperIterDataPipe(IterDataPipe):
    """The elements of an iterable.

    Args:
        iterable: where they come from.
        deepcopy: whether each iterator has a copy of it.
    """

    def __init__(self, iterable: Iterable[Any], deepcopy: bool = True):
        self.iterable, self.deepcopy = iterable, deepcopy

    def __iter__(self) -> Iterator[Any]:
        source = self.iterable
        if self.deepcopy:
            try:
                source = copy.deepcopy(source)
            except TypeError:  # a generator cannot be copied
                pass
        yield from source

    def __len__(self) -> int:
        return len(self.iterable)  # type: ignore[arg-type]


@functional_datapipe("map")
class MapperIterDataPipe(IterDataPipe):
    """A function of each sample.

    Args:
        datapipe: the samples.
        fn: the function.
        input_col: where in a sample its arguments stand; the whole sample by default.
        output_col: where the result is put: ``-1`` at the end, else in the place of the arguments.
    """

    def __init__(self, datapipe: Any, fn: Callable, input_col: Any = None, output_col: Any = None):
        if input_col is None and output_col is not None:
            raise ValueError("`output_col` must be None when `input_col` is None.")
        if isinstance(output_col, (list, tuple)):
            if len(output_col) > 1:
                raise ValueError("`output_col` must be a single-element list or tuple")
            output_col = output_col[0]
        self.datapipe, self.fn = datapipe, fn
        self.input_col, self.output_col = input_col, output_col

    def _apply_fn(self, data: Any) -> Any:
        place = self.input_col
        if place is None:
            return self.fn(data)
        several = isinstance(place, (list, tuple))
        made = self.fn(*[data[each] for each in place]) if several else self.fn(data[place])
        is_tuple = isinstance(data, tuple)
        changed = list(data) if is_tuple else copy.copy(data)
        if self.output_col is None and several:
            changed[place[0]] = made
            for each in sorted(place[1:], reverse=True):
                del changed[each]
        elif self.output_col is None:
            changed[place] = made
        elif self.output_col == -1 and isinstance(changed, list):
            changed.append(made)
        else:
            changed[self.output_col] = made
        return tuple(changed) if is_tuple else changed

    def __iter__(self) -> Iterator[Any]:
        for sample in self.datapipe:
            yield self._apply_fn(sample)

    def __len__(self) -> int:
        return _length(self, self.datapipe)


def _length(pipe: Any, *sources: Any) -> int:
    """Return the length of the only source.

    Raises:
        TypeError: it has none.
    """
    if all(hasattr(type(each), "__len__") for each in sources):
        return len(sources[0])
    raise TypeError(f"{type(pipe).__name__} instance doesn't have valid length")


@functional_datapipe("collate")
class CollatorIterDataPipe(MapperIterDataPipe):
    """Batches as tensors.

    Args:
        datapipe: lists of samples.
        conversion, collate_fn: makes a batch of a list of samples.
    """

    def __init__(
        self, datapipe: Any, conversion: Any = default_collate, collate_fn: Callable | None = None
    ):
        super().__init__(datapipe, conversion if collate_fn is None else collate_fn)


@functional_datapipe("filter")
class FilterIterDataPipe(IterDataPipe):
    """The samples of which a function says true.

    Args:
        datapipe: the samples.
        filter_fn: the function.
        input_col: where in a sample its arguments stand; the whole sample by default.
    """

    def __init__(self, datapipe: Any, filter_fn: Callable, input_col: Any = None):
        self.datapipe, self.filter_fn, self.input_col = datapipe, filter_fn, input_col

    def _is_kept(self, sample: Any) -> bool:
        place = self.input_col
        if place is None:
            answer = self.filter_fn(sample)
        elif isinstance(place, (list, tuple)):
            answer = self.filter_fn(*[sample[each] for each in place])
        else:
            answer = self.filter_fn(sample[place])
        if not isinstance(answer, bool):
            raise ValueError(
                "Boolean output is required for `filter_fn` of FilterIterDataPipe, got",
                type(answer),
            )
        return answer

    def __iter__(self) -> Iterator[Any]:
        for sample in self.datapipe:
            if self._is_kept(sample):
                yield sample


@functional_datapipe("batch")
class BatcherIterDataPipe(IterDataPipe):
    """Lists of samples.

    Args:
        datapipe: the samples.
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

    def __iter__(self) -> Iterator[Any]:
        batch: list[Any] = []
        for sample in self.datapipe:
            batch.append(sample)
            if len(batch) == self.batch_size:
                yield self.wrapper_class(batch)
                batch = []
        if batch and not self.drop_last:
            yield self.wrapper_class(batch)

    def __len__(self) -> int:
        count = _length(self, self.datapipe)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


@functional_datapipe("unbatch")
class UnBatcherIterDataPipe(IterDataPipe):
    """The samples of lists.

    Args:
        datapipe: lists.
        unbatch_level: how many levels of lists are taken apart; all of them by ``-1``.
    """

    def __init__(self, datapipe: Any, unbatch_level: int = 1):
        self.datapipe, self.unbatch_level = datapipe, unbatch_level

    def __iter__(self) -> Iterator[Any]:
        for element in self.datapipe:
            yield from self._dive(element, self.unbatch_level)

    def _dive(self, element: Any, level: int) -> Iterator[Any]:
        if level < -1:
            raise ValueError("unbatch_level must be -1 or >= 0")
        if level == 0 or (level == -1 and not isinstance(element, list)):
            yield element
        elif isinstance(element, list):
            for each in element:
                yield from self._dive(each, level if level == -1 else level - 1)
        else:
            raise IndexError(
                f"unbatch_level {self.unbatch_level} exceeds the depth of the DataPipe"
            )


@functional_datapipe("groupby")
class GrouperIterDataPipe(IterDataPipe):
    """Lists of samples that a function gives one key.

    Args:
        datapipe: the samples.
        group_key_fn: the function.
        keep_key: whether pairs of key and list are given.
        buffer_size: how many samples are held at most.
        group_size: the length at which a list is given.
        guaranteed_group_size: the shortest list that is given when there is no more room.
        drop_remaining: whether lists shorter than that are left out.
    """

    def __init__(
        self,
        datapipe: Any,
        group_key_fn: Callable,
        *,
        keep_key: bool = False,
        buffer_size: int = 10000,
        group_size: int | None = None,
        guaranteed_group_size: int | None = None,
        drop_remaining: bool = False,
    ):
        self.datapipe, self.group_key_fn, self.keep_key = datapipe, group_key_fn, keep_key
        self.max_buffer_size, self.group_size = buffer_size, group_size
        self.guaranteed_group_size = (
            group_size if guaranteed_group_size is None else guaranteed_group_size
        )
        self.drop_remaining = drop_remaining
        self.wrapper_class = DataChunk

    def _given(self, key: Any, group: list[Any]) -> Any:
        chunk = self.wrapper_class(group)
        return (key, chunk) if self.keep_key else chunk

    def __iter__(self) -> Iterator[Any]:
        groups: dict[Any, list[Any]] = defaultdict(list)
        held = 0
        for sample in self.datapipe:
            key = self.group_key_fn(sample)
            groups[key].append(sample)
            held += 1
            if self.group_size is not None and self.group_size == len(groups[key]):
                held -= len(groups[key])
                yield self._given(key, groups.pop(key))
            if held == self.max_buffer_size:
                longest = max(groups, key=lambda each: len(groups[each]))
                group = groups.pop(longest)
                held -= len(group)
                least = self.guaranteed_group_size
                if least is not None and len(group) < least and not self.drop_remaining:
                    raise RuntimeError("Failed to group items", str(group))
                if least is None or len(group) >= least:
                    yield self._given(longest, group)
        for key in tuple(groups):
            group = groups.pop(key)
            least = self.guaranteed_group_size
            if not self.drop_remaining or least is None or len(group) >= least:
                yield self._given(key, group)


class SamplerIterDataPipe(IterDataPipe):
    """The samples in the order of a sampler.

    Args:
        datapipe: the samples, which are all held.
        sampler: the class of the sampler.
        sampler_args, sampler_kwargs: what it is made with, besides the samples.
    """

    def __init__(
        self,
        datapipe: Any,
        sampler: type = SequentialSampler,
        sampler_args: tuple | None = None,
        sampler_kwargs: dict | None = None,
    ):
        self.datapipe = datapipe
        self.sampler = sampler(
            *(sampler_args or ()), data_source=datapipe, **(sampler_kwargs or {})
        )

    def __iter__(self) -> Iterator[Any]:
        return iter(self.sampler)

    def __len__(self) -> int:
        return len(self.sampler)
