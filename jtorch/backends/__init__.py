"""Settings of the libraries underneath: ``torch.backends``."""

from __future__ import annotations
