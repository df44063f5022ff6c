"""Datasets, samplers and loaders: ``torch.utils.data``."""

from __future__ import annotations

from ..._runtime import absent as _absent
from ._pipes import DataChunk, IterDataPipe, MapDataPipe
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
    "DataChunk",
    "DataLoader",
    "Dataset",
    "DistributedSampler",
    "IterDataPipe",
    "IterableDataset",
    "MapDataPipe",
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

from . import datapipes as datapipes
from .datapipes._decorator import argument_validation as argument_validation
from .datapipes._decorator import functional_datapipe as functional_datapipe
from .datapipes._decorator import (
    guaranteed_datapipes_determinism as guaranteed_datapipes_determinism,
)
from .datapipes._decorator import runtime_validation as runtime_validation
from .datapipes._decorator import (
    runtime_validation_disabled as runtime_validation_disabled,
)

__getattr__ = _absent.attributes(__name__)
