"""The handler of errors that ``record`` uses."""

from __future__ import annotations

from .error_handler import ErrorHandler

__all__ = ["get_error_handler"]


def get_error_handler() -> ErrorHandler:
    """Return a handler of errors."""
    return ErrorHandler()
