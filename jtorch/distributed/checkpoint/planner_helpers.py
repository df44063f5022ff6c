"""The items of a plan: what has to be written, or read, for an entry of a state dict."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from . import _boxes
from .metadata import (
    STORAGE_TYPES,
    BytesStorageMetadata,
    ChunkStorageMetadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)
from .planner import LoadItemType, ReadItem, TensorWriteData, WriteItem, WriteItemType

__all__ = ["create_read_items_for_chunk_list"]


def _create_write_items(fqn: str, value: Any) -> list[WriteItem]:
    """Return what this process writes of an entry."""
    if hasattr(value, "__create_write_items__"):
        return value.__create_write_items__(fqn, value)
    if not isinstance(value, torch.Tensor):
        return [WriteItem(MetadataIndex(fqn), WriteItemType.BYTE_IO)]
    box = _boxes.local_box(value)
    sharded = _boxes.is_distributed(value)
    local: Any = value.to_local() if sharded else value  # type: ignore[attr-defined]
    properties = TensorProperties.create_from_tensor(local)
    return [
        WriteItem(
            MetadataIndex(fqn, box.offsets),
            WriteItemType.SHARD if sharded else WriteItemType.TENSOR,
            tensor_data=TensorWriteData(box, properties, value.size()),
        )
    ]


def _create_chunk_list(value: Any) -> list[ChunkStorageMetadata]:
    """Return the boxes of a tensor that this process holds.

    Raises:
        ValueError: for what is no tensor.
    """
    if hasattr(value, "__create_chunk_list__"):
        return value.__create_chunk_list__()
    if isinstance(value, torch.Tensor):
        return [_boxes.local_box(value)]
    raise ValueError(
        "Unsupported Type, expecting one of [Tensor, DTensor, ShardedTensor] "
        f",but got {type(value)}"
    )


def _create_read_items(fqn: str, stored: STORAGE_TYPES, value: Any) -> list[ReadItem]:
    """Return what this process reads for an entry.

    Raises:
        ValueError: a tensor is stored and an object is here.
    """
    if isinstance(stored, BytesStorageMetadata):
        zero = torch.Size((0,))
        index = MetadataIndex(fqn)
        return [ReadItem(LoadItemType.BYTE_IO, index, zero, index, zero, zero)]
    try:
        boxes = _create_chunk_list(value)
    except ValueError as error:
        raise ValueError(
            f"Invalid checkpoint metadata for {fqn}, "
            f"expected BytesStorageMetadata but found {type(stored)}"
        ) from error
    return create_read_items_for_chunk_list(fqn, stored, boxes)


def create_read_items_for_chunk_list(
    fqn: str,
    checkpoint_md: TensorStorageMetadata,
    local_chunks: list[ChunkStorageMetadata],
) -> list[ReadItem]:
    """Return what has to be read to fill boxes of a tensor, however it was cut when it was saved.

    Args:
        fqn: name of the entry.
        checkpoint_md: the tensor in the checkpoint.
        local_chunks: boxes to fill.
    """
    items = []
    for place, wanted in enumerate(local_chunks):
        for number, stored in enumerate(checkpoint_md.chunks):
            if not _boxes.overlap(stored, wanted):
                continue
            in_stored, in_wanted, lengths = _boxes.intersection(stored, wanted)
            items.append(
                ReadItem(
                    LoadItemType.TENSOR,
                    MetadataIndex(fqn, wanted.offsets, place),
                    torch.Size(in_wanted),
                    MetadataIndex(fqn, stored.offsets, number),
                    torch.Size(in_stored),
                    torch.Size(lengths),
                )
            )
    return items


def _init_state_dict(value: Any) -> Any:
    """Put tensors with memory in the place of those of the meta device, in dicts and lists."""
    if isinstance(value, torch.Tensor):
        return _with_memory(value) if value.device.type == "meta" else value
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = _init_state_dict(item)
        return value
    if isinstance(value, list):
        value[:] = [_init_state_dict(item) for item in value]
        return value
    if type(value) is tuple:
        return tuple(map(_init_state_dict, value))
    return value


def _with_memory(value: Any) -> torch.Tensor:
    device = torch.get_default_device()
    if not _boxes.is_distributed(value):
        return torch.empty_like(value, device=device)
    return type(value).from_local(
        torch.empty_like(value.to_local(), device=device),
        device_mesh=value.device_mesh,
        placements=value.placements,
        shape=value.size(),
        stride=value.stride(),
    )
