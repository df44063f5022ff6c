"""Datasets, samplers and loaders: ``torch.utils.data``."""

from __future__ import annotations

from typing import Any

from .dataloader import (
    DataLoader,
    _DatasetKind,
    default_collate,
    default_convert,
    get_worker_info,
)
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .distributed import DistributedSampler
from .sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "_DatasetKind",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]

#: PyTorch's deprecated pipelines of data.
_PIPELINES = ("DataChunk", "DFIterDataPipe", "IterDataPipe", "MapDataPipe", "functional_datapipe")


def __getattr__(name: str) -> Any:
    if name in _PIPELINES:
        raise NotImplementedError(f"jtorch has no data pipes (torch.utils.data.{name})")
    raise AttributeError(f"module 'torch.utils.data' has no attribute '{name}'")
