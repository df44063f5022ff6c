"""What passes are, how they are run in order, and partitions of graphs."""

from __future__ import annotations

from ...._runtime import absent as _absent

__getattr__ = _absent.attributes(__name__)
