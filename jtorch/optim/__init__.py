"""Optimisers and learning rate schedulers: ``torch.optim``."""

from __future__ import annotations
