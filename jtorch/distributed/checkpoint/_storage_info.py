"""Where the file system put an entry; its own module, for the file of metadata names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class _StorageInfo:
    """Which file of the checkpoint holds an entry, from which byte, how many."""

    __module__ = "jtorch.distributed.checkpoint.filesystem"

    relative_path: str
    offset: int
    length: int
    transform_descriptors: Sequence[str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass
class _StoragePrefix:
    """What the names of the files of a process begin with."""

    __module__ = "jtorch.distributed.checkpoint.filesystem"

    prefix: str
