"""Probability distributions: ``torch.distributions``."""

from __future__ import annotations

from .distribution import Distribution
from .exp_family import ExponentialFamily

__all__ = ["Distribution", "ExponentialFamily"]
