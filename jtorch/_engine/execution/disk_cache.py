"""Compiled programs on disk: JAX's persistent compilation cache, in the user's cache directory.

A second run of a script loads its programs instead of compiling them (1 to 7 ms each), most of them
without tracing them first (``program_index``). The setting is JAX's own and so holds for every
program of the process; where the user has set a directory, or turned the cache off, nothing is
done. A directory that cannot be written to is not used.

What is in the directory is run: a program is machine code, and its index a pickle. So the directory
is made for its owner alone, and one that belongs to another user, or that others may write to, is
not used.

Programs are kept apart by version of jaxlib and by processor: one that was compiled for another
processor's instructions must not run here. The size is bounded; the least recently used programs
go, at most once a day, on the thread that also optimises programs.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import stat
import time
import warnings
from pathlib import Path

import jax
import jaxlib

from ..._core import config
from ..._core.processor import cpu_flags
from . import program_index

_DAY = 24 * 3600.0
_STAMP = "last-pruned"
#: Names of the compiler options that this directory's XLA does not have.
_OPTIONS = "unknown-options"
_root: Path | None = None


def enable() -> bool:
    """Tell JAX where to keep programs; return whether it will."""
    global _root
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return False
    if not jax.config.values["jax_enable_compilation_cache"]:
        return False
    root = user_directory()
    if root is None or not _writable(root):
        return False
    directory = root / _kind_of_machine()
    if _is_left_alone(root) or _is_left_alone(directory):
        return False
    _root = root
    jax.config.update("jax_compilation_cache_dir", str(directory))
    program_index.enable(directory)
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES" not in os.environ:
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    # A cache that fails (a full disk, a damaged file) stays unmentioned: the program runs anyway.
    warnings.filterwarnings(
        "ignore", message="Error (reading|writing) persistent compilation cache entry"
    )
    return True


@functools.cache
def prepare() -> None:
    """Make the directory, before the first program is looked for in it.

    Another process may have made it since ``enable`` found none there; then it is not used.
    """
    global _root
    if _root is None:
        return
    directory = _root / _kind_of_machine()
    try:
        for folder in (_root, directory):
            folder.mkdir(mode=0o700, parents=folder is _root, exist_ok=True)
    except OSError:
        return  # a full disk: JAX finds that out too, and goes on
    if _is_left_alone(_root) or _is_left_alone(directory):
        _root = None
        program_index.disable()
        jax.config.update("jax_compilation_cache_dir", None)


def _is_left_alone(folder: Path) -> bool:
    """Return whether another user could have put programs into a directory, and say so."""
    try:
        status = folder.stat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return False
    if status.st_uid != os.getuid():
        reason = "it belongs to another user"
    elif status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        reason = "others may write to it; after `chmod 700` it will be used"
    else:
        return False
    warnings.warn(
        f"Compiled programs are not kept on disk: {folder} is not safe to load them from, because "
        f"{reason}.",
        stacklevel=2,
    )
    return True


@functools.cache
def unknown_options() -> frozenset[str]:
    """Return the compiler options that the installed XLA said it does not have, so far."""
    if _root is None:
        return frozenset()
    try:
        return frozenset((_root / _kind_of_machine() / _OPTIONS).read_text().split())
    except (OSError, ValueError):
        return frozenset()


def note_unknown_options(names: set[str]) -> None:
    """Keep the names of options that the installed XLA does not have."""
    if _root is None:
        return
    try:
        (_root / _kind_of_machine() / _OPTIONS).write_text(" ".join(sorted(names)))
    except OSError:
        pass  # each process asks


def user_directory() -> Path | None:
    """Return where this user's programs are to be kept; ``None`` where there is no home."""
    if config.CACHE_DIR:
        return Path(config.CACHE_DIR).expanduser()
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base) / "jtorch"
    try:
        return Path.home() / ".cache" / "jtorch"
    except RuntimeError:  # no home
        return None


def _writable(path: Path) -> bool:
    """Return whether the directory can be written to, or made; nothing is made yet."""
    for folder in (path, *path.parents):
        if folder.exists():
            return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    return False


@functools.cache
def _kind_of_machine() -> str:
    words = (platform.machine(), *cpu_flags())
    digest = hashlib.sha256(" ".join(words).encode()).hexdigest()[:12]
    return f"{jaxlib.__version__}-{digest}"


def prune_if_due() -> None:
    """Delete the least recently used programs where they take too much room; once a day."""
    if _root is None:
        return
    stamp = _root / _STAMP
    try:
        if stamp.exists() and time.time() - stamp.stat().st_mtime < _DAY:
            return
        _root.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp.touch()
        prune(_root, config.CACHE_MB << 20)
    except OSError:
        pass  # another process prunes, or the disk is gone: next time


def prune(root: Path, limit: int) -> int:
    """Delete files below ``root``, the least recently used first, until four fifths fit.

    Args:
        root: directory whose subdirectories hold programs.
        limit: bytes that they may take.
    Returns:
        The bytes that are left.
    """
    found = []
    for path in root.glob("*/*-cache"):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return total
    for _, size, path in sorted(found, key=lambda entry: entry[0]):
        if total <= limit * 4 // 5:
            break
        try:
            path.unlink()
        except OSError:
            continue
        total -= size
    return total
