"""Datasets and loaders, as functions of the library: what both libraries have to print alike."""

from __future__ import annotations

import os
import random
import time
from collections import namedtuple
from types import ModuleType
from typing import Any

import numpy as np

Point = namedtuple("Point", ["x", "y"])


def samples_of(torch: ModuleType, fail: str = "") -> Any:
    """Return a dataset of ten samples of many types; ``fail`` says what happens at number 3."""

    class Samples(torch.utils.data.Dataset):
        def __init__(self):
            self.rows = torch.arange(40.0).reshape(10, 4)

        def __len__(self):
            return 10

        def __getitem__(self, index):
            if index == 3 and fail == "raise":
                raise KeyError("three")
            if index == 3 and fail == "die":
                os._exit(7)
            if fail == "sleep":
                time.sleep(30)
            return {
                "row": self.rows[index] * 2,
                "drawn": torch.rand(2),
                "index": index,
                "number": np.float32(index),
                "name": f"sample {index}",
                "array": np.arange(2) + index,
                "point": Point(index, float(index)),
                "pair": (index, [index]),
                "numpy": int(np.random.randint(1000)),
                "python": random.random(),
            }

    return Samples()


def stream_of(torch: ModuleType, length: int = 7) -> Any:
    """Return a stream that workers share among themselves."""

    class Numbers(torch.utils.data.IterableDataset):
        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            first, step = (0, 1) if info is None else (info.id, info.num_workers)
            return iter(range(first, length, step))

        def __len__(self):
            return length

    return Numbers()


def batches(torch: ModuleType, workers: int, **options: Any) -> str:
    """Return two seeded epochs of shuffled batches as text."""
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)
    loader = torch.utils.data.DataLoader(
        samples_of(torch), batch_size=4, shuffle=True, num_workers=workers, **options
    )
    return "\n".join(str(batch) for _ in range(2) for batch in loader)


def streams(torch: ModuleType, workers: int, persistent: bool) -> list:
    """Return two epochs of a shared stream."""
    loader = torch.utils.data.DataLoader(
        stream_of(torch), batch_size=2, num_workers=workers, persistent_workers=persistent
    )
    return [[batch.tolist() for batch in loader] for _ in range(2)]


def orders(torch: ModuleType) -> list:
    """Return what the samplers and splits draw from a seed."""
    data = torch.utils.data
    torch.manual_seed(5)
    return [
        list(data.RandomSampler(range(9))),
        list(data.RandomSampler(range(9), replacement=True, num_samples=40)),
        list(data.RandomSampler(range(4), num_samples=10)),
        list(data.SubsetRandomSampler([3, 1, 4, 1, 5])),
        list(data.WeightedRandomSampler([0.1, 0.9, 0.4, 0.7], 6)),
        list(data.WeightedRandomSampler([0.1, 0.9, 0.4, 0.7], 4, replacement=False)),
        list(data.BatchSampler(data.SequentialSampler(range(7)), 3, False)),
        list(data.BatchSampler(data.SequentialSampler(range(7)), 3, True)),
        [part.indices for part in data.random_split(range(11), [0.5, 0.3, 0.2])],
        [part.indices for part in data.random_split(range(5), [2, 3])],
        [
            list(data.DistributedSampler(range(10), 3, rank, drop_last=drop))
            for rank in range(3)
            for drop in (False, True)
        ],
    ]
