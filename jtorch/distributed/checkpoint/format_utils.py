"""Distributed checkpoints as files of ``torch.save``, and the other way round."""

from __future__ import annotations

import argparse
import os
from enum import Enum
from typing import Any

import jtorch as torch

from ... import distributed as dist
from ...futures import Future
from . import _boxes
from ._nested_dict import flatten_state_dict
from .default_planner import DefaultLoadPlanner, _EmptyStateDictLoadPlanner
from .filesystem import FileSystemReader, FileSystemWriter
from .metadata import (
    STATE_DICT_TYPE,
    STORAGE_TYPES,
    ChunkStorageMetadata,
    Metadata,
    TensorProperties,
    TensorStorageMetadata,
)
from .planner import LoadItemType, LoadPlan, LoadPlanner
from .state_dict_loader import _load_state_dict
from .state_dict_saver import _save_state_dict
from .storage import StorageReader

__all__ = [
    "BroadcastingTorchSaveReader",
    "DynamicMetaLoadPlanner",
    "dcp_to_torch_save",
    "torch_save_to_dcp",
]


class BroadcastingTorchSaveReader(StorageReader):
    """Reads a file of ``torch.save`` on one process and sends its tensors to the others.

    Use it with ``DynamicMetaLoadPlanner``; it reads tensors only.

    Args:
        checkpoint_id: the file.
        coordinator_rank: the process that reads it.
    """

    def __init__(
        self, checkpoint_id: str | os.PathLike | None = None, coordinator_rank: int = 0
    ) -> None:
        self.checkpoint_id = checkpoint_id
        self.coordinator_rank = coordinator_rank
        self.is_coordinator = False

    def read_metadata(self) -> Metadata:  # type: ignore[override]
        """Return metadata of nothing: the planner makes them."""
        return Metadata(state_dict_metadata={})

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future:
        """Send each tensor of the plan, whole, and take what is needed of it.

        Raises:
            RuntimeError: the plan has an object that is no tensor.
        """
        chosen: Any = planner
        saved: Any = None
        if self.is_coordinator:
            saved = torch.load(self.checkpoint_id, map_location="cpu", weights_only=True)
            if chosen.flatten_state_dict:
                saved, _ = flatten_state_dict(saved)
        for item in plan.items:
            fqn = item.storage_index.fqn
            if item.type == LoadItemType.BYTE_IO:
                raise RuntimeError(
                    f"Non-tensor value identified at {fqn}. "
                    f"At this time {type(self).__name__} only supports loading Tensors."
                )
            wanted = chosen.state_dict[fqn]
            if self.is_coordinator:
                tensor = saved[fqn].contiguous()
            else:
                tensor = torch.empty(wanted.size(), dtype=wanted.dtype)
            dist.broadcast(tensor, src=self.coordinator_rank)
            # What is stored is the whole tensor: this process' box of it lies where it says.
            begin = item.dest_index.offset or torch.Size([0] * tensor.dim())
            place = [first + further for first, further in zip(begin, item.dest_offsets)]
            part = _boxes.narrow(tensor, torch.Size(place), item.lengths)
            target = chosen.resolve_tensor(item).detach()
            if target.size() != part.size():
                raise AssertionError(
                    f"req {item.storage_index} mismatch sizes, {target.size()} vs {part.size()}"
                )
            target.copy_(part)
            chosen.commit_tensor(item, target)
        future = Future()
        future.set_result(None)
        return future

    def set_up_storage_reader(  # type: ignore[override]
        self, metadata: Metadata, is_coordinator: bool
    ) -> None:
        """Take whether this process reads."""
        self.is_coordinator = is_coordinator
        if is_coordinator and dist.get_rank() != self.coordinator_rank:
            raise AssertionError(
                f"Coordinator rank mismatch: expected {self.coordinator_rank}, "
                f"got {dist.get_rank()}"
            )
        if self.checkpoint_id is None:
            raise AssertionError("checkpoint_id must be set before setting up storage reader")

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        """Return the plan as it is."""
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        """Return the plans as they are."""
        return plans

    def reset(self, checkpoint_id: str | os.PathLike | None = None) -> None:
        """Take another file."""
        self.checkpoint_id = checkpoint_id

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike) -> bool:
        """Tell whether there is such a file."""
        return os.path.isfile(checkpoint_id)


class DynamicMetaLoadPlanner(DefaultLoadPlanner):
    """Takes what is stored to be what the state dict has, for files that do not say it."""

    def set_up_planner(
        self,
        state_dict: STATE_DICT_TYPE,
        metadata: Metadata | None = None,
        is_coordinator: bool = False,
    ) -> None:
        """Take the state dict, and make metadata of it.

        Raises:
            RuntimeError: it has an object that is no tensor.
        """
        super().set_up_planner(state_dict, metadata, is_coordinator)
        entries: dict[str, STORAGE_TYPES] = {}
        for key, tensor in self.state_dict.items():
            if not torch.is_tensor(tensor):
                raise RuntimeError(
                    f"Non-tensor value identified at {key}. "
                    f"At this time {type(self).__name__} only supports loading Tensors."
                )
            whole = ChunkStorageMetadata(torch.Size([0] * tensor.dim()), tensor.size())
            entries[key] = TensorStorageMetadata(
                TensorProperties(dtype=tensor.dtype), tensor.size(), [whole]
            )
        self.metadata = Metadata(state_dict_metadata=entries)


def dcp_to_torch_save(
    dcp_checkpoint_dir: str | os.PathLike, torch_save_path: str | os.PathLike
) -> None:
    """Write a distributed checkpoint as one file of ``torch.save``.

    Args:
        dcp_checkpoint_dir: the directory.
        torch_save_path: the file.
    """
    loaded: STATE_DICT_TYPE = {}
    _load_state_dict(
        loaded,
        storage_reader=FileSystemReader(dcp_checkpoint_dir),
        planner=_EmptyStateDictLoadPlanner(),
        no_dist=True,
    )
    torch.save(loaded, torch_save_path)


def torch_save_to_dcp(
    torch_save_path: str | os.PathLike, dcp_checkpoint_dir: str | os.PathLike
) -> None:
    """Write a file of ``torch.save`` as a distributed checkpoint.

    Args:
        torch_save_path: the file; it is read without running code that it may hold.
        dcp_checkpoint_dir: the directory.
    """
    _save_state_dict(
        torch.load(torch_save_path, weights_only=True),
        storage_writer=FileSystemWriter(dcp_checkpoint_dir),
        no_dist=True,
    )


class _Mode(Enum):
    TORCH_TO_DCP = "torch_to_dcp"
    DCP_TO_TORCH = "dcp_to_torch"


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=[mode.value for mode in _Mode], help="which way")
    parser.add_argument("src", help="what is read")
    parser.add_argument("dst", help="what is written")
    args = parser.parse_args()
    to_directory = args.mode == _Mode.TORCH_TO_DCP.value
    print(f"Converting checkpoint from {args.src} to {args.dst} using method: '{args.mode}'")
    if not (os.path.isfile if to_directory else os.path.isdir)(args.src):
        print(f"No checkpoint found at {args.src}. Skipping conversion.")
        return
    (torch_save_to_dcp if to_directory else dcp_to_torch_save)(args.src, args.dst)


if __name__ == "__main__":
    _main()
