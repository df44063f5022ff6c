"""Writing what a worker failed of into the file that its launcher named."""

from __future__ import annotations

import contextlib
import json
import os
import time
import traceback
from typing import Any

from ....._core import traceback_filter

__all__ = ["ErrorHandler"]

_ERROR_FILE = "TORCHELASTIC_ERROR_FILE"


class ErrorHandler:
    """Writes exceptions into the file that the launcher named."""

    def _file(self) -> str | None:
        return os.environ.get(_ERROR_FILE)

    def initialize(self) -> None:
        """Prepare the process; Python's own handler shows the stacks after a fatal signal."""
        import faulthandler

        with contextlib.suppress(Exception):  # no standard error
            faulthandler.enable(all_threads=True)

    def record_exception(self, e: BaseException) -> None:
        """Write an exception with its traceback; nothing where the launcher named no file."""
        path = self._file()
        if path is None:
            return
        traceback_filter.strip(e)
        told = {
            "message": f"{type(e).__name__}: {e}",
            "extraInfo": {
                "py_callstack": "".join(traceback.format_exception(e)),
                "timestamp": str(int(time.time())),
            },
        }
        _write(path, {"message": told})

    def dump_error_file(self, rootcause_error_file: str, error_code: int = 0) -> None:
        """Pass the file of a failed worker on to who started this launcher.

        Args:
            rootcause_error_file: the worker's file.
            error_code: how the worker ended.
        """
        with open(rootcause_error_file, encoding="utf-8") as file:
            content = json.load(file)
        if error_code and isinstance(content.get("message"), dict):
            content["message"]["errorCode"] = error_code
        path = self._file()
        if path is not None:
            _write(path, content)


def _write(path: str, content: dict[str, Any]) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
    except OSError:
        pass  # the exception itself is shown all the same
