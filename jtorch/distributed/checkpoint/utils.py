"""Steps that all processes take together, and entries of state dicts by their keys."""

from __future__ import annotations

import functools
import inspect
import io
import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import jtorch as torch

from ... import distributed as dist
from . import _boxes
from .api import CheckpointException, _is_wrapped_exception, _wrap_exception
from .metadata import STATE_DICT_TYPE, MetadataIndex

__all__ = ["find_state_dict_object", "find_tensor_shard"]

T = TypeVar("T")
R = TypeVar("R")


def is_single_process(no_dist: bool = False) -> bool:
    """Tell whether a checkpoint is of this process alone."""
    return no_dist or not (dist.is_available() and dist.is_initialized())


def _failures(results: list[Any]) -> dict[int, Any]:
    return {rank: each for rank, each in enumerate(results) if _is_wrapped_exception(each)}


def _attempt(function: Callable[[], Any]) -> Any:
    try:
        return function()
    except BaseException as error:
        return _wrap_exception(error)


class _DistWrapper:
    """Collectives of objects: of one process without a group; an exception of one is everyone's.

    Args:
        group: of the processes; ``None`` for all.
        use_dist: whether there is more than this process.
        coordinator_rank: the rank in the group that decides.
    """

    def __init__(self, group: Any, use_dist: bool, coordinator_rank: int):
        self.group = group
        self.use_dist = use_dist
        self.coordinator_rank = coordinator_rank
        self.global_coordinator_rank = coordinator_rank if use_dist else 0
        self.rank = 0
        if use_dist:
            if group is not None:
                self.global_coordinator_rank = dist.get_global_rank(group, coordinator_rank)
            self.rank = dist.get_rank(group)
        self.is_coordinator = not use_dist or self.rank == coordinator_rank

    def get_rank(self) -> int:
        """Return the rank in the group."""
        return self.rank

    def get_world_size(self) -> int:
        """Return how many processes there are."""
        return dist.get_world_size(self.group) if self.use_dist else 1

    def broadcast_object(self, object: Any) -> Any:
        """Return the coordinator's object."""
        if not self.use_dist:
            return object
        cell = [object]
        dist.broadcast_object_list(cell, src=self.global_coordinator_rank, group=self.group)
        return cell[0]

    def gather_object(self, object: Any) -> list[Any] | None:
        """Return the objects of all; on the coordinator only."""
        if not self.use_dist:
            return [object]
        gathered = [None] * self.get_world_size() if self.is_coordinator else None
        dist.gather_object(object, gathered, dst=self.global_coordinator_rank, group=self.group)
        return gathered

    def all_gather_object(self, object: Any) -> list[Any]:
        """Return the objects of all."""
        if not self.use_dist:
            return [object]
        gathered: list[Any] = [None] * self.get_world_size()
        dist.all_gather_object(gathered, object, group=self.group)
        return gathered

    def scatter_object(self, object_list: list[Any] | None) -> Any:
        """Return one of the coordinator's objects, by rank."""
        if not self.use_dist:
            if object_list is None:
                raise AssertionError("object_list is None")
            return object_list[0]
        cell: list[Any] = [None]
        dist.scatter_object_list(
            cell,
            object_list if self.is_coordinator else None,
            src=self.global_coordinator_rank,
            group=self.group,
        )
        return cell[0]

    def _reduced(
        self, step: str, mine: Any, reduce_fun: Callable[[list[Any]], Any]
    ) -> Any | CheckpointException | None:
        """Return what the coordinator makes of the results of all, or who failed."""
        results = self.gather_object(mine)
        if results is None:
            return None
        failed = _failures(results)
        if not failed:
            reduced = _attempt(lambda: reduce_fun(results))
            if not _is_wrapped_exception(reduced):
                return reduced
            failed[self.rank] = reduced
        return CheckpointException(step, failed)

    @staticmethod
    def _checked(result: Any) -> Any:
        if isinstance(result, CheckpointException):
            raise result
        return result

    def reduce_scatter(
        self, step: str, map_fun: Callable[[], T], reduce_fun: Callable[[list[T]], list[R]]
    ) -> R:
        """Call ``map_fun`` everywhere, ``reduce_fun`` with the results on the coordinator.

        Returns:
            The item of its list that is this rank's.
        Raises:
            CheckpointException: on all ranks, if any failed.
        """
        reduced: Any = self._reduced(step, _attempt(map_fun), reduce_fun)
        if isinstance(reduced, CheckpointException):
            reduced = [reduced] * self.get_world_size()
        return self._checked(self.scatter_object(reduced))

    def all_reduce(
        self, step: str, map_fun: Callable[[], T], reduce_fun: Callable[[list[T]], R]
    ) -> R:
        """Call ``map_fun`` everywhere, ``reduce_fun`` with the results on the coordinator.

        Returns:
            Its result, on all ranks.
        Raises:
            CheckpointException: on all ranks, if any failed.
        """
        reduced = self._reduced(step, _attempt(map_fun), reduce_fun)
        return self._checked(self.broadcast_object(reduced))

    def all_gather(self, step: str, map_fun: Callable[[], T]) -> list[T]:
        """Return the results of ``map_fun`` on all ranks.

        Raises:
            CheckpointException: on all ranks, if any failed.
        """
        results = self.all_gather_object(_attempt(map_fun))
        if failed := _failures(results):
            raise CheckpointException(step, failed)
        return results

    def broadcast(self, step: str, map_fun: Callable[[], T]) -> T:
        """Return the result of ``map_fun`` on the coordinator.

        Raises:
            CheckpointException: on all ranks, if it failed.
        """
        result: Any = None
        if self.is_coordinator:
            result = _attempt(map_fun)
            if _is_wrapped_exception(result):
                result = CheckpointException(step, {self.rank: result})
        return self._checked(self.broadcast_object(result))

    def barrier(self) -> None:
        """Wait for all processes."""
        if self.use_dist:
            dist.barrier(group=self.group)


def find_tensor_shard(tensor: torch.Tensor, index: MetadataIndex) -> torch.Tensor:
    """Return the box of a tensor that an index means.

    Raises:
        ValueError: it is not here.
    """
    if hasattr(tensor, "__get_tensor_shard__"):
        return tensor.__get_tensor_shard__(index)
    if _boxes.is_distributed(tensor):
        if index.offset is not None and _boxes.local_box(tensor).offsets == index.offset:
            return _boxes.local_part(tensor)
        raise ValueError(f"Could not find shard at '{index.offset}' for FQN: '{index.fqn}'")
    if index.offset is not None and any(index.offset):
        raise _no_such_offset(index)
    return tensor


def find_state_dict_object(state_dict: STATE_DICT_TYPE, index: MetadataIndex) -> Any:
    """Return the entry of a flat state dict, or the box of it, that an index means.

    Raises:
        ValueError: it is not there.
    """
    if index.fqn not in state_dict:
        raise ValueError(f"Could not find FQN: '{index.fqn}'")
    found = state_dict[index.fqn]
    if isinstance(found, torch.Tensor):
        return find_tensor_shard(found, index)
    if index.offset is not None:
        raise _no_such_offset(index)
    return found


def _no_such_offset(index: MetadataIndex) -> ValueError:
    return ValueError(
        f"FQN: '{index.fqn}' is not a ShardedTensor, can't find by offset: '{index.offset}'"
    )


def _all_gather_keys(state_dict: dict[str, Any], group: Any = None) -> set[str]:
    """Return the keys of the state dicts of all processes."""
    keys = list(state_dict.keys())
    if is_single_process():
        return set(keys)
    gathered: list[Any] = [None] * dist.get_world_size(group)
    dist.all_gather_object(gathered, keys, group=group)
    return {key for each in gathered for key in each}


def _assert_same_keys(state_dict: dict[str, Any], process_group: Any = None) -> None:
    """Raise an ``AssertionError`` on a process whose state dict lacks a key of another's."""
    missing = _all_gather_keys(state_dict, process_group) - state_dict.keys()
    if missing:
        raise AssertionError(
            f"Key(s) present in other ranks but not this one, difference: {missing}"
        )


class FileView(io.RawIOBase):
    """Part of a file, as a file.

    Args:
        file: to read from.
        offset, length: of the part, in bytes.
    """

    def __init__(self, file: Any, offset: int, length: int):
        super().__init__()
        self._file, self._offset, self._length = file, offset, length
        self.seek(0)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place in the part."""
        if whence == os.SEEK_CUR:
            offset += self.tell()
        elif whence == os.SEEK_END:
            offset += self._length
        self._file.seek(self._offset + offset)
        return offset

    def tell(self) -> int:
        """Return the place in the part."""
        return self._file.tell() - self._offset

    def readable(self) -> bool:
        """Return ``True``."""
        return True

    def seekable(self) -> bool:
        """Return ``True``."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read at most as many bytes as a buffer holds."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most ``size`` bytes; all that are left where it is negative."""
        left = max(self._length - self.tell(), 0)
        return self._file.read(left if size is None or size < 0 else min(size, left))


def _api_bc_check(function: Callable) -> Callable:
    """Let a function take its storage as the second positional argument, with a warning."""
    keywords = inspect.signature(function).parameters
    storage = next((name for name in keywords if name.startswith("storage_")), "")

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 2:
            warnings.warn(
                f"The argument order of {function.__name__} has been changed. "
                "Please check the document to avoid future breakages.",
                stacklevel=2,
            )
            if storage in kwargs:
                raise AssertionError(f"{storage} in kwargs: {(args, kwargs)}")
            kwargs[storage] = args[1]
            args = args[:1]
        return function(*args, **kwargs)

    return wrapper
