"""Where in the user's program we are."""

from __future__ import annotations

import os
import sys
from types import FrameType

from ..._core.traceback_filter import hidden_folders

_folders: tuple[str, ...] = ()
#: (file, line)
Location = tuple[str, int]


def user_location() -> Location:
    """Return the file and line of the innermost frame that is not jtorch's or a library's."""
    global _folders
    if not _folders:
        _folders = (*hidden_folders(), "<frozen ")
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(_folders):
            return code.co_filename, frame.f_lineno
        frame = frame.f_back
    return "<unknown>", 0


def describe(location: Location) -> str:
    """Return ``file:line``, the file relative to the working directory where it lies in it."""
    file, line = location
    here = os.getcwd() + os.sep
    if file.startswith(here):
        file = file[len(here) :]
    return f"{file}:{line}"
