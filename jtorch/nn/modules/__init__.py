"""The modules of ``torch.nn``, one family to a file."""

from __future__ import annotations
