"""``IterDataPipe`` and ``MapDataPipe``: ``torch.utils.data.datapipes.datapipe``."""

from ...._runtime import absent as _absent
from .._pipes import DataChunk as DataChunk
from .._pipes import IterDataPipe as IterDataPipe
from .._pipes import MapDataPipe as MapDataPipe

__getattr__ = _absent.attributes(__name__)
