"""What a worker tells its launcher of its failure, and what the launcher says of it.

The launcher names a file in ``TORCHELASTIC_ERROR_FILE``; a function under ``record`` writes its
exception there.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from ....._runtime import absent as _absent
from .error_handler import ErrorHandler
from .handlers import get_error_handler

__all__ = ["ChildFailedError", "ErrorHandler", "ProcessFailure", "get_error_handler", "record"]

_NO_FILE = "<N/A>"
#: Columns of a report at most; a line of it may be longer.
_WIDTH = 60

Result = TypeVar("Result")


@dataclass
class ProcessFailure:
    """A worker that failed.

    Attributes:
        local_rank: its rank on its machine.
        pid: its process.
        exitcode: how it ended; the negative number of a signal.
        error_file: where ``record`` wrote its exception; ``"<N/A>"`` where it did not.
        message: the exception with its traceback, or what the launcher saw.
        timestamp: when, in seconds.
    """

    local_rank: int
    pid: int
    exitcode: int
    error_file: str
    error_file_data: dict[str, Any] = field(init=False)
    message: Any = field(init=False)
    timestamp: int = field(init=False)

    def __post_init__(self) -> None:
        self.error_file_data = {}
        if os.path.isfile(self.error_file):
            with contextlib.suppress(Exception), open(self.error_file, encoding="utf-8") as file:
                self.error_file_data = json.load(file)
                self.message, self.timestamp = _told(self.error_file_data)
                return
        self.error_file = _NO_FILE
        self.timestamp = int(time.time())
        if self.exitcode < 0:
            self.message = (
                f"Signal {-self.exitcode} ({self.signal_name()}) received by PID {self.pid}"
            )
        else:
            self.message = (
                "To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html"
            )

    def signal_name(self) -> str:
        """Return the name of the signal that ended it, or ``"<N/A>"``."""
        if self.exitcode >= 0:
            return _NO_FILE
        with contextlib.suppress(ValueError):
            return signal.Signals(-self.exitcode).name
        return _NO_FILE

    def timestamp_isoformat(self) -> str:
        """Return when it failed, as ``2026-01-31_12:00:00`` in local time."""
        return datetime.fromtimestamp(self.timestamp).isoformat(sep="_")


def _told(content: dict[str, Any]) -> tuple[Any, int]:
    message = content["message"]
    if isinstance(message, str):
        return message, int(content.get("timestamp", 0))
    extra = message["extraInfo"]
    return extra.get("py_callstack", message.get("message")), int(extra["timestamp"])


class ChildFailedError(Exception):
    """Workers of a launcher failed.

    Args:
        name: of the program.
        failures: by global rank.
    """

    def __init__(self, name: str, failures: dict[int, ProcessFailure]):
        assert failures, "workers that failed are expected"
        self.name = name
        self.failures = failures
        super().__init__(self.format_msg())

    def get_first_failure(self) -> tuple[int, ProcessFailure]:
        """Return the rank and the failure that came first."""
        rank = min(self.failures, key=lambda each: self.failures[each].timestamp)
        return rank, self.failures[rank]

    def format_msg(self, boarder_delim: str = "=", section_delim: str = "-") -> str:
        """Return the report of all failures, the first one last."""
        first, _ = self.get_first_failure()
        root, others = "", []
        for place, rank in enumerate(sorted(self.failures, key=self._order)):
            described = self._describe(place, rank)
            if rank == first:
                root = described
            else:
                others.append(described)
        described = "\n".join(others or ["  <NO_OTHER_FAILURES>"])
        title = f"{self.name} FAILED"
        lines = "\n".join([title, root, *others]).split("\n")
        width = min(max(map(len, lines)), _WIDTH)
        edge, rule = boarder_delim * width, section_delim * width
        return (
            f"\n{edge}\n{title}\n{rule}\nFailures:\n{described}\n{rule}\n"
            f"Root Cause (first observed failure):\n{root}\n{edge}"
        )

    def _order(self, rank: int) -> tuple[bool, int]:
        return rank != self.get_first_failure()[0], rank

    def _describe(self, place: int, rank: int) -> str:
        failure = self.failures[rank]
        message = failure.message
        if isinstance(message, dict):
            message = json.dumps(message, indent=2)
        name = failure.signal_name()
        ended = "" if name == _NO_FILE else f" ({name})"
        return (
            f"[{place}]:\n"
            f"  time      : {failure.timestamp_isoformat()}\n"
            f"  host      : {socket.getfqdn()}\n"
            f"  rank      : {rank} (local_rank: {failure.local_rank})\n"
            f"  exitcode  : {failure.exitcode} (pid: {failure.pid}) {ended}\n"
            f"  error_file: {failure.error_file}\n"
            f"  traceback : " + str(message).replace("\n", "\n  ")
        )


def record(
    fn: Callable[..., Result], error_handler: ErrorHandler | None = None
) -> Callable[..., Result | None]:
    """Return a function that writes what it raises into the file that the launcher named.

    The exception goes on. Of a ``ChildFailedError`` the file of the first worker is passed on.

    Args:
        fn: the ``main`` of a program.
        error_handler: writes, instead of an ``ErrorHandler``.
    """
    handler = error_handler or get_error_handler()

    @functools.wraps(fn)
    def recorded(*args: Any, **kwargs: Any) -> Result | None:
        handler.initialize()
        try:
            return fn(*args, **kwargs)
        except SystemExit as left:
            if left.code not in (0, None):
                handler.record_exception(left)
            raise
        except ChildFailedError as error:
            _, failure = error.get_first_failure()
            if failure.error_file != _NO_FILE:
                handler.dump_error_file(failure.error_file, failure.exitcode)
            raise
        except Exception as error:
            handler.record_exception(error)
            raise

    return recorded


__getattr__ = _absent.attributes(__name__)
