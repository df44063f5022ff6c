"""The older home of ``fully_shard``."""

from __future__ import annotations

from ..._runtime import absent as _absent

__getattr__ = _absent.attributes(__name__)
