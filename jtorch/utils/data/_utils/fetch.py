"""Getting a batch out of a dataset."""

from __future__ import annotations

from typing import Any


class MapFetcher:
    """Samples by key.

    Args:
        dataset: what is indexed.
        auto_collation: whether a list of keys is asked for at a time.
        collate_fn: what makes a batch of a list of samples, or converts a single one.
        drop_last: not used here.
    """

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Any, drop_last: bool):
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn

    def fetch(self, index: Any) -> Any:
        """Return the batch of a list of keys, or the sample of one."""
        if not self.auto_collation:
            return self.collate_fn(self.dataset[index])
        if getattr(self.dataset, "__getitems__", None):
            return self.collate_fn(self.dataset.__getitems__(index))
        return self.collate_fn([self.dataset[position] for position in index])


class IterableFetcher:
    """Samples of a stream; the arguments are those of ``MapFetcher``.

    Args:
        drop_last: whether to leave out a last batch that is shorter.
    """

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Any, drop_last: bool):
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.stream = iter(dataset)
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """Return the next batch, of as many samples as ``index`` is long.

        Raises:
            StopIteration: there is none.
        """
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.stream))
        samples = []
        for _ in index:
            try:
                samples.append(next(self.stream))
            except StopIteration:
                self.ended = True
                break
        if not samples or (self.drop_last and len(samples) < len(index)):
            raise StopIteration
        return self.collate_fn(samples)
