"""Classes of the named results that operators of several results return."""

from __future__ import annotations

from ._core.structseq import RETURN_TYPES
from ._runtime import absent as _absent

globals().update(RETURN_TYPES)

__all__ = sorted(name for name in RETURN_TYPES if name[0] != "_")

__getattr__ = _absent.attributes(__name__)
