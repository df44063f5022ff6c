"""Utilities for modules and their parameters: ``torch.nn.utils``."""

from __future__ import annotations
