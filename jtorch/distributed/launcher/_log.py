"""What a launcher logs, in PyTorch's form: ``W0131 12:00:00.123000 4711 file.py:12] words``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

_PACKAGE = __name__.partition(".distributed")[0]
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%m%d %H:%M:%S", time.localtime(record.created))
        path = os.path.relpath(record.pathname, _ROOT)
        return (
            f"{record.levelname[0]}{when}.{int(record.msecs):03d}000 {record.process} "
            f"{path}:{record.lineno}] {record.getMessage()}"
        )


@contextmanager
def logging_as_pytorch() -> Iterator[None]:
    """Show warnings of the launcher on standard error, unless the program has handlers."""
    logger = logging.getLogger(f"{_PACKAGE}.distributed")
    if logger.hasHandlers():
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter())
    logger.addHandler(handler)
    before, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
