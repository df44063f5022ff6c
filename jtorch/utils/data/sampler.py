"""In which order samples are taken: ``torch.utils.data.sampler``.

Seeded orders are PyTorch's: each sampler draws from the generators in the same order and amounts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import jtorch as torch

from ..._core import dtypes
from ..._runtime.generator import Generator
from ..._tensor.constructors import as_tensor
from ...ops.creation.creation import empty as empty_function
from ...ops.creation.random import randint, randperm

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)
#: How many draws with replacement PyTorch makes at a time.
_BLOCK = 32


def random_seed(generator: Any = None) -> int:
    """Draw a seed, as PyTorch does for an epoch: 64 bits, of which the sign is never used."""
    empty = empty_function((), dtype=dtypes.int64)
    return int(empty.random_(generator=generator).item())


class Sampler(Generic[T_co]):
    """An order of indices, or of lists of them: a subclass defines ``__iter__``.

    ``__len__`` is optional, and wanted wherever the length of a ``DataLoader`` is asked for.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """The indices in order.

    Args:
        data_source: what has a length.
    """

    def __init__(self, data_source: Sized):
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices at random, each once or with replacement.

    Args:
        data_source: what has a length.
        replacement: whether an index may come again.
        num_samples: how many; the length of the source by default. Without replacement, more than
            that go round several times.
        generator: what is drawn from; by default a new one, seeded from the default generator.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ):
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(self.replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={self.replacement}"
            )
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(
                "num_samples should be a positive integer value, "
                f"but got num_samples={self.num_samples}"
            )

    @property
    def num_samples(self) -> int:
        """How many indices an iteration gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        size = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(random_seed())
        count = self.num_samples
        if self.replacement:
            for block in [_BLOCK] * (count // _BLOCK) + [count % _BLOCK]:
                drawn = randint(high=size, size=(block,), dtype=dtypes.int64, generator=generator)
                yield from drawn.tolist()
            return
        for _ in range(count // size):
            yield from randperm(size, generator=generator).tolist()
        # Drawn even where nothing of it is used, as PyTorch does.
        yield from randperm(size, generator=generator).tolist()[: count % size]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order.

    Args:
        indices: what to choose from.
        generator: what is drawn from.
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None):
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        order = randperm(len(self.indices), generator=self.generator)
        for place in order.tolist():
            yield self.indices[place]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices with given probabilities.

    Args:
        weights: a weight for each index; they need not add up to 1.
        num_samples: how many to draw.
        replacement: whether an index may come again.
        generator: what is drawn from.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ):
        _require_positive("num_samples", num_samples)
        _require_bool("replacement", replacement)
        tensor = as_tensor(weights, dtype=dtypes.float64)
        if len(tensor.shape) != 1:
            raise ValueError(
                "weights should be a 1d sequence but given "
                f"weights have shape {tuple(tensor.shape)}"
            )
        self.weights = tensor
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = torch.multinomial(
            self.weights, self.num_samples, self.replacement, generator=self.generator
        )
        yield from iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler in lists.

    Args:
        sampler: any iterable of indices.
        batch_size: how many make a list.
        drop_last: whether to leave out a last list that is shorter.
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool):
        _require_positive("batch_size", batch_size)
        _require_bool("drop_last", drop_last)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        sampler: Any = self.sampler
        if self.drop_last:
            return len(sampler) // self.batch_size
        return (len(sampler) + self.batch_size - 1) // self.batch_size


def _require_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


def _require_bool(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name} should be a boolean value, but got {name}={value}")
