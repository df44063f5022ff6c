"""Exceptions that cross from a worker to the process that waits for it: ``torch._utils``."""

from __future__ import annotations

import sys
import traceback
from typing import Any, NoReturn

from ._runtime import absent as _absent


class KeyErrorMessage(str):
    """A text that a ``KeyError`` shows as it is, not as a quoted key."""

    __slots__ = ()

    def __repr__(self) -> str:
        return self


class ExceptionWrapper:
    """An exception with its traceback as text, so that it can be pickled and raised elsewhere.

    Args:
        exc_info: what ``sys.exc_info`` returned; that of the exception being handled by default.
        where: what the message says of the place.
    """

    def __init__(self, exc_info: Any = None, where: str = "in background"):
        kind, error, trace = sys.exc_info() if exc_info is None else exc_info
        self.exc_type = kind
        self.exc_msg = "".join(traceback.format_exception(kind, error, trace))
        self.where = where

    def reraise(self) -> NoReturn:
        """Raise an exception of the same type here; where that cannot be made, a RuntimeError."""
        kind: Any = self.exc_type
        message = f"Caught {kind.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if kind is KeyError:
            message = KeyErrorMessage(message)
        elif getattr(kind, "message", None):
            raise kind(message=message)
        try:
            error = kind(message)
        except Exception:
            raise RuntimeError(message) from None
        raise error


__getattr__ = _absent.attributes(__name__)
