"""Classes of the named results that operators of several results return."""

from __future__ import annotations

from ._core.structseq import RETURN_TYPES

globals().update(RETURN_TYPES)

__all__ = sorted(RETURN_TYPES)
