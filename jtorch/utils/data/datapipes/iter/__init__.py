"""Streams of samples: ``torch.utils.data.datapipes.iter``."""

from ....._runtime import absent as _absent
from ._orders import ConcaterIterDataPipe as Concater
from ._orders import DemultiplexerIterDataPipe as Demultiplexer
from ._orders import ForkerIterDataPipe as Forker
from ._orders import MultiplexerIterDataPipe as Multiplexer
from ._orders import ShardingFilterIterDataPipe as ShardingFilter
from ._orders import ShufflerIterDataPipe as Shuffler
from ._orders import ZipperIterDataPipe as Zipper
from ._sources import BatcherIterDataPipe as Batcher
from ._sources import CollatorIterDataPipe as Collator
from ._sources import FilterIterDataPipe as Filter
from ._sources import GrouperIterDataPipe as Grouper
from ._sources import IterableWrapperIterDataPipe as IterableWrapper
from ._sources import MapperIterDataPipe as Mapper
from ._sources import SamplerIterDataPipe as Sampler
from ._sources import UnBatcherIterDataPipe as UnBatcher

__all__ = [
    "Batcher",
    "Collator",
    "Concater",
    "Demultiplexer",
    "Filter",
    "Forker",
    "Grouper",
    "IterableWrapper",
    "Mapper",
    "Multiplexer",
    "Sampler",
    "ShardingFilter",
    "Shuffler",
    "UnBatcher",
    "Zipper",
]

__getattr__ = _absent.attributes(__name__)
