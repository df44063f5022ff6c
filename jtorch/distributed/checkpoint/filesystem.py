"""Checkpoints in a directory, in PyTorch's files: ``.metadata`` and ``__rank_number.distcp``."""

from __future__ import annotations

import abc
import dataclasses
import io
import os
import queue
import threading
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import Enum
from pathlib import Path
from typing import IO, Any

import jtorch as torch

from ...futures import Future
from . import _boxes
from ._extension import ExtensionRegistry, StreamTransformExtension
from ._metadata_file import read_metadata, write_metadata
from ._storage_info import _StorageInfo, _StoragePrefix
from .metadata import STATE_DICT_TYPE, Metadata, StorageMeta
from .planner import (
    LoadItemType,
    LoadPlan,
    LoadPlanner,
    ReadItem,
    SavePlan,
    SavePlanner,
    WriteItem,
    WriteItemType,
)
from .staging import BlockingAsyncStager
from .storage import StorageReader, StorageWriter, WriteResult
from .utils import FileView

__all__ = [
    "FileSystem",
    "FileSystemBase",
    "FileSystemReader",
    "FileSystemWriter",
    "SerializationFormat",
]

_METADATA = ".metadata"
_VERSION = "1.0.0"
DEFAULT_SUFFIX = ".distcp"


class SerializationFormat(Enum):
    """How tensors lie in the files."""

    TORCH_SAVE = "torch_save"
    SAFETENSORS = "safetensors"


class FileSystemBase(abc.ABC):
    """What readers and writers need of a file system."""

    @abc.abstractmethod
    def create_stream(
        self, path: str | os.PathLike, mode: str
    ) -> AbstractContextManager[io.IOBase]:
        """Open a file."""

    @abc.abstractmethod
    def concat_path(self, path: str | os.PathLike, suffix: str) -> str | os.PathLike:
        """Return the path of a file in a directory."""

    @abc.abstractmethod
    def rename(self, path: str | os.PathLike, new_path: str | os.PathLike) -> None:
        """Move a file in the place of another."""

    @abc.abstractmethod
    def init_path(self, path: str | os.PathLike) -> str | os.PathLike:
        """Return a path in the form of this file system."""

    @abc.abstractmethod
    def mkdir(self, path: str | os.PathLike) -> None:
        """Make a directory and those above it."""

    @classmethod
    @abc.abstractmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike) -> bool:
        """Tell whether something is a path that can be written to."""

    @abc.abstractmethod
    def exists(self, path: str | os.PathLike) -> bool:
        """Tell whether there is a file."""

    @abc.abstractmethod
    def rm_file(self, path: str | os.PathLike) -> None:
        """Remove a file."""


class FileSystem(FileSystemBase):
    """The file system of the computer."""

    @contextmanager
    def create_stream(self, path: str | os.PathLike, mode: str) -> Iterator[Any]:
        """Open a file."""
        with Path(path).open(mode) as stream:
            yield stream

    def concat_path(self, path: str | os.PathLike, suffix: str) -> Path:
        """Return the path of a file in a directory."""
        return Path(path) / suffix

    def init_path(self, path: str | os.PathLike) -> Path:
        """Return a path as an object."""
        return Path(path)

    def rename(self, path: str | os.PathLike, new_path: str | os.PathLike) -> None:
        """Move a file in the place of another."""
        Path(path).rename(new_path)

    def mkdir(self, path: str | os.PathLike) -> None:
        """Make a directory and those above it."""
        Path(path).mkdir(parents=True, exist_ok=True)

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike) -> bool:
        """Tell whether something is a path below a directory that can be written to."""
        if isinstance(checkpoint_id, Path):
            return True
        if "://" in str(checkpoint_id):
            return False
        return any(
            parent.exists() and os.access(str(parent), os.W_OK)
            for parent in Path(checkpoint_id).parents
        )

    def exists(self, path: str | os.PathLike) -> bool:
        """Tell whether there is a file."""
        return Path(path).exists()

    def rm_file(self, path: str | os.PathLike) -> None:
        """Remove a file."""
        Path(path).unlink()

    def ls(self, path: str | os.PathLike) -> list[str]:
        """Return the paths of the files in a directory."""
        return [str(each) for each in Path(path).iterdir()]


class _KeepOpen(io.RawIOBase):
    """A file that writes to another and leaves it open when it is closed."""

    def __init__(self, file: Any):
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)


def _size_in_bytes(item: WriteItem) -> int:
    return item.tensor_storage_size() or 0


def _split_by_size_and_type(bins: int, items: list[WriteItem]) -> list[list[WriteItem]]:
    """Return the items in as many lists, of about the same number of bytes."""
    if bins == 1:
        return [items]
    lists: list[list[WriteItem]] = [[] for _ in range(bins)]
    sizes = [0] * bins
    objects = [item for item in items if item.type == WriteItemType.BYTE_IO]
    tensors = [item for item in items if item.type != WriteItemType.BYTE_IO]
    for number, item in enumerate(objects):
        lists[number % bins].append(item)
    for item in sorted(tensors, key=_size_in_bytes, reverse=True):
        least = min(range(bins), key=sizes.__getitem__)
        lists[least].append(item)
        sizes[least] += _size_in_bytes(item)
    return lists


def _to_write(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor on the CPU whose storage holds nothing else."""
    tensor = tensor.detach().cpu()
    return tensor if tensor.untyped_storage().nbytes() == tensor.nbytes else tensor.clone()


def _sync(stream: Any) -> None:
    try:
        os.fsync(stream.fileno())
    except (AttributeError, io.UnsupportedOperation):
        os.sync()


class _FileSystemWriter(StorageWriter):
    """What ``FileSystemWriter`` is without staging; for arguments, see there."""

    def __init__(
        self,
        path: str | os.PathLike,
        single_file_per_rank: bool = True,
        sync_files: bool = True,
        thread_count: int = 1,
        per_thread_copy_ahead: int = 10_000_000,
        overwrite: bool = True,
        _extensions: Sequence[StreamTransformExtension] | None = None,
        serialization_format: SerializationFormat = SerializationFormat.TORCH_SAVE,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if serialization_format is SerializationFormat.SAFETENSORS:
            raise NotImplementedError("distributed checkpoints of safetensors are not written")
        self.fs: Any = FileSystem()
        self.path: Any = self.fs.init_path(path)
        self.single_file_per_rank = single_file_per_rank
        self.sync_files = sync_files
        self.thread_count = thread_count
        self.per_thread_copy_ahead = per_thread_copy_ahead
        self.save_id = str(uuid.uuid4())
        self.overwrite = overwrite
        self.extensions = tuple(_extensions or ())
        self.serialization_format = serialization_format
        self.rank: int | None = None
        self.use_collectives = True

    def reset(self, checkpoint_id: str | os.PathLike | None = None) -> None:
        """Begin another checkpoint."""
        if checkpoint_id:
            self.path = self.fs.init_path(checkpoint_id)
        self.save_id = str(uuid.uuid4())

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        """Take the rank, and whether there is one file of metadata or one for each rank."""
        self.rank = kwargs.get("rank")
        self.use_collectives = kwargs.get("use_collectives", True)

    @property
    def _is_alone(self) -> bool:
        return self.rank is not None and not self.use_collectives

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        """Make the directory.

        Raises:
            RuntimeError: it holds a checkpoint, and ``overwrite`` is off.
        """
        self.fs.mkdir(self.path)
        if self.fs.exists(self._get_metadata_path(None if self.use_collectives else 0)):
            if not self.overwrite:
                raise RuntimeError(f"Checkpoint already exists and {self.overwrite=}.")
            warnings.warn(
                f"Detected an existing checkpoint in {self.path}, overwriting since "
                f"{self.overwrite=}. Past version 2.5 of PyTorch, `overwrite` will default to "
                "False. Set this variable to True to maintain this functionality or False to "
                "raise when an existing checkpoint is found.",
                stacklevel=2,
            )
        if self._is_alone:
            plan = dataclasses.replace(plan, storage_data=_StoragePrefix(f"__{self.rank}_"))
        return plan

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        """Give the files of each process names of their own."""
        return [
            dataclasses.replace(plan, storage_data=_StoragePrefix(f"__{rank}_"))
            if plan.storage_data is None
            else plan
            for rank, plan in enumerate(plans)
        ]

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future:
        """Write the items of a plan: one file for each thread, or for each item."""
        if self.single_file_per_rank:
            files = _split_by_size_and_type(self.thread_count, plan.items)
        else:
            files = [[item] for item in plan.items]
        waiting: queue.SimpleQueue = queue.SimpleQueue()
        for number, items in enumerate(files):
            waiting.put((f"{plan.storage_data.prefix}{number}{DEFAULT_SUFFIX}", items))
        results: list[WriteResult] = []
        errors: list[BaseException] = []

        def write_files() -> None:
            try:
                while True:
                    name, items = waiting.get_nowait()
                    results.extend(self._write_file(name, items, planner))
            except queue.Empty:
                pass
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=write_files) for _ in range(self.thread_count - 1)]
        for thread in threads:
            thread.start()
        write_files()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        future = Future()
        future.set_result(results)
        return future

    def _write_file(
        self, name: str, items: list[WriteItem], planner: SavePlanner
    ) -> list[WriteResult]:
        """Write a file: first the objects, then the tensors, as PyTorch orders them."""
        objects = [item for item in items if item.type == WriteItemType.BYTE_IO]
        tensors = [item for item in items if item.type != WriteItemType.BYTE_IO]
        with self.fs.create_stream(self.fs.concat_path(self.path, name), "wb") as stream:
            results = [
                self._write_item(stream, name, item, planner.resolve_data(item))
                for item in (*objects, *tensors)
            ]
            if self.sync_files:
                _sync(stream)
        return results

    def _write_item(self, stream: Any, name: str, item: WriteItem, data: Any) -> WriteResult:
        start = stream.tell()
        transformed: Any = _KeepOpen(stream)
        for extension in self.extensions:
            transformed = extension.transform_to(transformed)
        if item.type == WriteItemType.BYTE_IO:
            if not isinstance(data, io.BytesIO):
                raise AssertionError("Data must be io.BytesIO for BYTE_IO write items")
            transformed.write(data.getbuffer())
        else:
            if not isinstance(data, torch.Tensor):
                raise AssertionError("Data must be torch.Tensor for non-BYTE_IO write items")
            torch.save(_to_write(data), transformed)
        transformed.close()
        length = stream.tell() - start
        names = [extension.get_descriptor() for extension in reversed(self.extensions)]
        return WriteResult(
            item.index, length, _StorageInfo(name, start, length, names if names else None)
        )

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Write the metadata, whole or not at all."""
        metadata.version = _VERSION
        metadata.storage_data = {
            each.index: each.storage_data for written in results for each in written
        }
        metadata.storage_meta = self.storage_meta()
        rank = self.rank if self._is_alone else None
        path = self._get_metadata_path(rank)
        unfinished = self.fs.concat_path(self.path, f"{os.path.basename(path)}.tmp")
        with self.fs.create_stream(unfinished, "wb") as stream:
            write_metadata(metadata, stream)
            if self.sync_files:
                _sync(stream)
        if self.fs.exists(path):
            self.fs.rm_file(path)
        self.fs.rename(unfinished, path)

    def storage_meta(self) -> StorageMeta | None:
        """Return which checkpoint is written."""
        return StorageMeta(checkpoint_id=self.checkpoint_id, save_id=self.save_id)

    def _get_metadata_path(self, rank: int | None = None) -> Any:
        return _metadata_path(self.fs, self.path, rank)

    @property
    def checkpoint_id(self) -> str | os.PathLike:
        """The directory."""
        return self.path

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike) -> bool:
        """Tell whether something is a path that can be written to."""
        return FileSystem.validate_checkpoint_id(checkpoint_id)


def _metadata_path(fs: Any, path: Any, rank: int | None) -> Any:
    return fs.concat_path(path, _METADATA if rank is None else f"__{rank}{_METADATA}")


class FileSystemWriter(_FileSystemWriter, BlockingAsyncStager):
    """Writes a checkpoint to a directory.

    Args:
        path: the directory.
        single_file_per_rank: whether each process writes one file, rather than one for each item.
        sync_files: whether to wait until files are on the disk.
        thread_count: how many threads write.
        per_thread_copy_ahead: has no effect.
        cache_staged_state_dict: whether ``stage`` copies into the tensors of the last time.
        overwrite: whether the directory may hold a checkpoint already.
        serialization_format: ``TORCH_SAVE``; the other one is refused.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        single_file_per_rank: bool = True,
        sync_files: bool = True,
        thread_count: int = 1,
        per_thread_copy_ahead: int = 10_000_000,
        cache_staged_state_dict: bool = False,
        overwrite: bool = True,
        _extensions: Sequence[StreamTransformExtension] | None = None,
        serialization_format: SerializationFormat = SerializationFormat.TORCH_SAVE,
    ) -> None:
        _FileSystemWriter.__init__(
            self,
            path=path,
            single_file_per_rank=single_file_per_rank,
            sync_files=sync_files,
            thread_count=thread_count,
            per_thread_copy_ahead=per_thread_copy_ahead,
            overwrite=overwrite,
            _extensions=_extensions,
            serialization_format=serialization_format,
        )
        BlockingAsyncStager.__init__(self, cache_staged_state_dict=cache_staged_state_dict)

    def stage(self, state_dict: STATE_DICT_TYPE) -> STATE_DICT_TYPE:
        """Return a copy of a state dict on the CPU."""
        self.per_thread_copy_ahead = 0
        return super().stage(state_dict)


class FileSystemReader(StorageReader):
    """Reads a checkpoint from a directory. No code that its files hold is run.

    Args:
        path: the directory.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        _extension_registry: ExtensionRegistry | None = None,
    ) -> None:
        super().__init__()
        self.fs: Any = FileSystem()
        self.path: Any = self.fs.init_path(path)
        self.storage_data: dict[Any, Any] = {}
        self.load_id = str(uuid.uuid4())
        self.extension_registry = _extension_registry or ExtensionRegistry()
        self.rank: int | None = None
        self.use_collectives = True

    def reset(self, checkpoint_id: str | os.PathLike | None = None) -> None:
        """Begin another checkpoint."""
        self.storage_data = {}
        if checkpoint_id:
            self.path = self.fs.init_path(checkpoint_id)
        self.load_id = str(uuid.uuid4())

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        """Return the metadata: of all processes, or that of a ``rank``.

        Raises:
            pickle.UnpicklingError: the file holds something else.
        """
        path = self._get_metadata_path(kwargs.get("rank"))
        with self.fs.create_stream(path, "rb") as file:
            metadata = read_metadata(file)
        if metadata.storage_meta is None:
            metadata.storage_meta = StorageMeta()
        metadata.storage_meta.load_id = self.load_id
        return metadata

    def set_up_storage_reader(
        self, metadata: Metadata, is_coordinator: bool, *args: Any, **kwargs: Any
    ) -> None:
        """Take where the entries are."""
        if metadata.storage_data is None:
            raise AssertionError("storage_data must not be None in metadata")
        self.storage_data = metadata.storage_data
        self.rank = kwargs.get("rank")
        self.use_collectives = kwargs.get("use_collectives", True)

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        """Return the plan as it is."""
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        """Return the plans as they are."""
        return plans

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future:
        """Read the items of a plan, file by file."""
        files: dict[str, list[ReadItem]] = {}
        for item in plan.items:
            place = self.storage_data[item.storage_index]
            files.setdefault(place.relative_path, []).append(item)
        for name, items in files.items():
            with self.fs.create_stream(self.fs.concat_path(self.path, name), "rb") as stream:
                for item in items:
                    self._read_item(stream, item, planner)
        future = Future()
        future.set_result(None)
        return future

    def _slice_file(self, file: Any, info: _StorageInfo) -> IO[bytes]:
        view: Any = FileView(file, info.offset, info.length)
        return view

    def _read_item(self, stream: Any, item: ReadItem, planner: LoadPlanner) -> None:
        place = self.storage_data[item.storage_index]
        part: Any = self._slice_file(stream, place)
        for extension in self.extension_registry.from_descriptor_list(
            place.transform_descriptors or ()
        ):
            if isinstance(extension, StreamTransformExtension):
                part = extension.transform_from(part)
        if item.type == LoadItemType.BYTE_IO:
            planner.load_bytes(item, io.BytesIO(part.read(-1)))
            return
        if not part.seekable():
            part = io.BytesIO(part.read(-1))
        tensor = torch.load(part, map_location="cpu", weights_only=True)
        tensor = _boxes.narrow(tensor, item.storage_offsets, item.lengths)
        target = planner.resolve_tensor(item).detach()
        if target.size() != tensor.size():
            raise AssertionError(
                f"req {item.storage_index} mismatch sizes {target.size()} vs {tensor.size()}"
            )
        target.copy_(tensor)
        planner.commit_tensor(item, target)

    def _get_metadata_path(self, rank: int | None = None) -> Any:
        return _metadata_path(self.fs, self.path, rank)

    @property
    def checkpoint_id(self) -> str | os.PathLike:
        """The directory."""
        return self.path

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike) -> bool:
        """Tell whether something is a path that can be read from."""
        return FileSystem.validate_checkpoint_id(checkpoint_id)
