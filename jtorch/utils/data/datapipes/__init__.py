"""Streams and maps of samples made of one another: ``torch.utils.data.datapipes``."""

from ...._runtime import absent as _absent
from . import iter as iter
from . import map as map

__getattr__ = _absent.attributes(__name__)
