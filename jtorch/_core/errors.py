"""PyTorch's own exceptions."""

from __future__ import annotations


class AcceleratorError(RuntimeError):
    """Exception raised while executing on device"""

    __module__ = "torch"


class OutOfMemoryError(RuntimeError):
    """Exception raised when device is out of memory"""

    __module__ = "torch"
