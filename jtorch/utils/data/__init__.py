"""Datasets and data loading: ``torch.utils.data``."""

from __future__ import annotations
