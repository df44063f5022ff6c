"""Kullback and Leibler's divergence: ``torch.distributions.kl``.

The registry is in ``_kl_registry.py``; what is registered, in the other ``_kl_*.py``.
"""

from __future__ import annotations

from . import _kl_different, _kl_multivariate, _kl_same  # noqa: F401  each registers its functions
from ._kl_registry import (
    _KL_MEMOIZE,  # noqa: F401
    _KL_REGISTRY,  # noqa: F401
    _dispatch_kl,  # noqa: F401
    kl_divergence,
    register_kl,
)

__all__ = ["register_kl", "kl_divergence"]
