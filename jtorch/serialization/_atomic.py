"""Writing a file so that a crash, or a full disk, leaves the old one whole."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: what a killed process leaves stays
    fcntl = None  # type: ignore[assignment]

_BINARY = getattr(os, "O_BINARY", 0)
#: How a file without a name is opened, which only /proc can give one later.
_UNNAMED = getattr(os, "O_TMPFILE", 0) if os.path.isdir("/proc/self/fd") else 0
#: What a folder says that takes no new file, though an old one in it may be written to.
_NO_NEW_FILES = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)
#: What temporary files are called, and the seconds after which no process is writing one any more.
_TEMPORARY = re.compile(r"\..{1,60}\.[0-9a-f]{16}\.tmp")
_ABANDONED = 3600.0
#: Folders that were swept by this process.
_swept: set[str] = set()


@contextlib.contextmanager
def replace_file(path: str) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the place of ``path`` only once it is complete.

    The new contents go to a file in the same folder that has no name, where the system has such
    files, are forced to the disk, and take the name ``path``. A killed process so leaves nothing.
    Elsewhere the file has a temporary name; what a killed process left an hour ago or longer is
    removed, once in each process. A symbolic link stays one, and permissions stay as they were;
    other names of the same file (hard links) keep the old contents. What is not a regular file (a
    device, a pipe), and a file in a folder where none may be created, is written in place.

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
    except OSError:  # a loop of links, a name that is too long: ``open`` says so
        with open(path, "wb") as file:
            yield file
        return
    if mode is not None:
        if not stat.S_ISREG(mode):
            with open(path, "wb") as file:
                yield file
            return
        os.close(os.open(path, os.O_WRONLY | _BINARY))  # raises where it may not be written to
    folder, name = os.path.split(target)
    # The name is cut so that with the random part it stays a valid file name.
    temporary = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        handle = _create(folder, temporary)
    except OSError as error:
        if mode is not None and error.errno not in _NO_NEW_FILES:
            raise  # the disk is full, say: the old file is not given up for that
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
            if _UNNAMED and os.fstat(handle).st_nlink == 0:
                _give_name(handle, folder, temporary)
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _create(folder: str, temporary: str) -> int:
    """Create the file that is to take the place of another, without a name where that can be.

    Like any new file, so that the umask decides who may read it.
    """
    if _UNNAMED:
        with contextlib.suppress(OSError):  # not every file system has them
            return os.open(folder or ".", _UNNAMED | os.O_RDWR, 0o666)
    return os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o666)


def _give_name(handle: int, folder: str, temporary: str) -> None:
    """Give a complete file without a name one; where none can be given, copy it to one."""
    directory = os.open(folder or ".", os.O_RDONLY)
    try:
        # Only with a folder to begin at does Python let the system follow the link in /proc.
        name = os.path.basename(temporary)
        os.link(f"/proc/self/fd/{handle}", name, dst_dir_fd=directory, follow_symlinks=True)
    except OSError:
        with open(temporary, "xb") as copy, open(handle, "rb", closefd=False) as complete:
            complete.seek(0)
            shutil.copyfileobj(complete, copy)
            copy.flush()
            os.fsync(copy.fileno())
    finally:
        os.close(directory)


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
