"""Settings of ``save`` and ``load``: for the process, and for the thread."""

from __future__ import annotations

import enum
import sys
import threading
from types import SimpleNamespace
from typing import Any

if sys.platform == "win32":
    MAP_PRIVATE = MAP_SHARED = None
else:
    from mmap import MAP_PRIVATE, MAP_SHARED

#: Settings of the process, as ``torch.utils.serialization.config`` names them.
load = SimpleNamespace(
    mmap=False, endianness=None, mmap_flags=MAP_PRIVATE, calculate_storage_offsets=False
)
save = SimpleNamespace(compute_crc32=True, use_pinned_memory_for_d2h=False, storage_alignment=64)


class ThreadState(threading.local):
    """What holds for the calls of one thread."""

    skip_data = False
    materialize_fake_tensors = False


thread_state = ThreadState()


class LoadEndianness(enum.Enum):
    """The byte order assumed of a file that does not tell its own."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


def get_default_load_endianness() -> LoadEndianness | None:
    """Return the byte order assumed of files without a byte order mark, ``None`` for little."""
    return load.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Set the byte order assumed of files without a byte order mark.

    Args:
        endianness: ``None`` means little.
    Raises:
        TypeError: for anything else than a ``LoadEndianness`` or ``None``.
    """
    if not isinstance(endianness, LoadEndianness) and endianness is not None:
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    load.endianness = endianness


def get_crc32_options() -> bool:
    """Tell whether ``save`` computes the checksum of every record."""
    return save.compute_crc32


def set_crc32_options(compute_crc32: bool) -> None:
    """Set whether ``save`` computes the checksum of every record.

    Args:
        compute_crc32: without checksums a file loads, but zip tools may call it damaged.
    """
    save.compute_crc32 = compute_crc32


def get_default_mmap_options() -> int | None:
    """Return the flags with which ``load(..., mmap=True)`` maps a file."""
    return load.mmap_flags


class set_default_mmap_options:
    """Set, or set for a ``with`` block, how ``load(..., mmap=True)`` maps a file.

    Args:
        flags: ``mmap.MAP_PRIVATE`` or ``mmap.MAP_SHARED``.
    Raises:
        ValueError: for other flags.
        RuntimeError: on Windows.
    """

    def __init__(self, flags: int):
        if sys.platform == "win32":
            raise RuntimeError(
                "Changing the default mmap options is currently not supported for Windows"
            )
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, "
                f"expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, but got {flags}"
            )
        self.prev = load.mmap_flags
        load.mmap_flags = flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        load.mmap_flags = self.prev


class skip_data:
    """Save and load the structure of a file without the contents of its storages.

    Inside the ``with`` block ``save`` leaves room for the contents, and ``load`` makes storages of
    zeros.

    Args:
        materialize_fake_tensors: accepted for compatibility; there are no fake tensors here.
    """

    def __init__(self, materialize_fake_tensors: bool = False):
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self) -> None:
        self._before = thread_state.skip_data, thread_state.materialize_fake_tensors
        thread_state.skip_data = True
        thread_state.materialize_fake_tensors = self.materialize_fake_tensors

    def __exit__(self, *exception: Any) -> None:
        thread_state.skip_data, thread_state.materialize_fake_tensors = self._before
