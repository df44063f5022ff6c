"""Which reader or writer a place needs."""

from __future__ import annotations

import os
from typing import Any

from .filesystem import FileSystemReader, FileSystemWriter


def _storage_setup(
    storage: Any, checkpoint_id: str | os.PathLike | None, reader: bool = False
) -> Any:
    """Return a reader or writer: the one given, or one for a directory.

    Raises:
        RuntimeError: nothing is given, or something else than a directory.
    """
    if storage:
        if checkpoint_id is not None:
            storage.reset(checkpoint_id)
        return storage
    if not checkpoint_id:
        raise RuntimeError(
            "`checkpoint_id` must be specified if storage_reader/storage_writer is None."
        )
    kind: Any = FileSystemReader if reader else FileSystemWriter
    if not kind.validate_checkpoint_id(checkpoint_id):
        raise RuntimeError(
            "Cannot detect which StorageReader or StorageWriter to use. "
            "Please specify the storage_reader/storage_writer."
        )
    storage = kind(checkpoint_id)
    storage.reset(checkpoint_id)
    return storage
