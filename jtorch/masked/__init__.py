"""Reductions and normalisations that leave elements out: ``torch.masked``."""

from __future__ import annotations
