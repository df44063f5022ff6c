"""Classes of the named results that operators of several results return."""

from __future__ import annotations

from ._core.structseq import RETURN_TYPES

globals().update(RETURN_TYPES)

__all__ = sorted(name for name in RETURN_TYPES if name[0] != "_")
