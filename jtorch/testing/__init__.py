"""Comparing what tests compute: ``torch.testing``."""

from ._comparison import assert_close as assert_close

__all__ = ["assert_close"]
