"""Automatic mixed precision: ``torch.amp``."""

from __future__ import annotations
