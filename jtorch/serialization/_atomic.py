"""Writing a file so that a crash, or a full disk, leaves the old one whole."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves stays
    fcntl = None  # type: ignore[assignment]

_BINARY = getattr(os, "O_BINARY", 0)
#: What temporary files are called, and the seconds after which no process is writing one any more.
_TEMPORARY = re.compile(r"\..{1,60}\.[0-9a-f]{16}\.tmp")
_ABANDONED = 3600.0
#: Folders that were swept by this process.
_swept: set[str] = set()


@contextlib.contextmanager
def replace_file(path: str) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the place of ``path`` only once it is complete.

    The new contents go to a temporary file in the same folder, are forced to the disk, and are
    renamed onto ``path``. A link stays a link, permissions stay as they were. What is not a regular
    file (a device, a pipe), and a file in a folder where none may be created, is written in place.
    What a killed process left in the folder an hour ago or longer is removed, once in each process.

    Args:
        path: name of the file.
    Yields:
        The open binary file.
    Raises:
        OSError: as ``open(path, "wb")`` does.
    """
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(13, os.strerror(13), path)
    if mode is not None and not stat.S_ISREG(mode):
        with open(path, "wb") as file:
            yield file
        return
    folder, name = os.path.split(target)
    # The name is cut so that with the random part it stays a valid file name.
    temporary = os.path.join(folder, f".{name[:60]}.{secrets.token_hex(8)}.tmp")
    try:
        # Created like any new file, so that the umask decides who may read it.
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o666)
    except FileNotFoundError:
        raise FileNotFoundError(2, os.strerror(2), path) from None
    except OSError:
        with open(path, "wb") as file:
            yield file
        return
    _sweep(folder)
    try:
        with os.fdopen(handle, "wb") as file:
            if fcntl is not None:
                with contextlib.suppress(OSError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _sweep(folder: str) -> None:
    """Remove what killed processes left in a folder: old temporary files that none has locked."""
    if fcntl is None or folder in _swept:
        return
    _swept.add(folder)
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_if_abandoned(entry.path)


def _remove_if_abandoned(path: str) -> None:
    if time.time() - os.stat(path).st_mtime < _ABANDONED:
        return
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(path)
    finally:
        os.close(handle)


def _sync_folder(folder: str) -> None:
    """Make the rename itself durable, where the system lets a folder be synchronised."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def restore_on_failure(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Take back what was written to a file-like object when writing fails.

    Nothing is taken back from an object that cannot seek or be truncated.
    """
    try:
        start = file.tell()
    except (AttributeError, OSError, ValueError):
        start = None
    try:
        yield file
    except BaseException:
        if start is not None:
            with contextlib.suppress(Exception):
                file.seek(start)
                file.truncate()
        raise
