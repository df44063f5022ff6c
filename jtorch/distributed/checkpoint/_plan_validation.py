"""What is checked of all plans together, and who writes what several processes hold."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from . import _boxes
from .metadata import ChunkStorageMetadata, Metadata, MetadataIndex, TensorStorageMetadata
from .planner import SavePlan


def dedup_save_plans(
    all_plans: list[SavePlan], save_to_lowest_rank: bool = False
) -> list[SavePlan]:
    """Return the plans with each item in one of them only.

    Args:
        all_plans: of all processes.
        save_to_lowest_rank: whether the first of those that hold an item writes it; otherwise the
            one that has the fewest bytes to write so far.
    """
    holders: dict[MetadataIndex, list[int]] = {}
    sizes: dict[MetadataIndex, int] = {}
    for rank, plan in enumerate(all_plans):
        for item in plan.items:
            ranks = holders.setdefault(item.index, [])
            if not ranks or ranks[-1] != rank:
                ranks.append(rank)
            sizes[item.index] = item.tensor_storage_size() or 1
    load = [0] * len(all_plans)
    writer: dict[MetadataIndex, int] = {}
    for index, ranks in holders.items():
        chosen = ranks[0] if save_to_lowest_rank else min(ranks, key=load.__getitem__)
        load[chosen] += sizes[index]
        writer[index] = chosen
    return [
        dataclasses.replace(plan, items=[item for item in plan.items if writer[item.index] == rank])
        for rank, plan in enumerate(all_plans)
    ]


def _validate_global_plan(global_plan: list[SavePlan], metadata: Metadata) -> list[str]:
    """Return what is wrong with the boxes of a checkpoint: nothing, an empty list."""
    errors: list[str] = []
    for key, entry in metadata.state_dict_metadata.items():
        if not isinstance(entry, TensorStorageMetadata) or not entry.size:
            continue
        errors += [
            f"key:{key} has out of bounds chunk: tensor-size:{entry.size} chunk: {chunk}"
            for chunk in entry.chunks
            if not _is_within(chunk, entry.size)
        ]
        errors += [
            f"key:{key} has overlapping chunks: {chunk} {other}"
            for chunk, other in _overlapping(entry.chunks, entry.size)
        ]
        volume, total = sum(math.prod(chunk.sizes) for chunk in entry.chunks), math.prod(entry.size)
        if len(global_plan) > 1 and volume != total:
            errors.append(f"key:{key} invalid fill tensor-volume: {total} chunks-volume: {volume}")
    return errors


def _is_within(chunk: ChunkStorageMetadata, size: Any) -> bool:
    return all(
        offset >= 0 and length >= 0 and offset + length <= whole
        for offset, length, whole in zip(chunk.offsets, chunk.sizes, size)
    )


def _overlapping(
    chunks: list[ChunkStorageMetadata], size: Any
) -> list[tuple[ChunkStorageMetadata, ChunkStorageMetadata]]:
    """Return the pairs of boxes with elements in common, by a sweep along the longest dimension."""
    sweep = max(range(len(size)), key=size.__getitem__)
    active: list[ChunkStorageMetadata] = []
    found = []
    for chunk in sorted(chunks, key=lambda chunk: (chunk.offsets[sweep], *chunk.offsets)):
        start = chunk.offsets[sweep]
        active = [each for each in active if each.offsets[sweep] + each.sizes[sweep] > start]
        found += [(chunk, each) for each in active if _boxes.overlap(chunk, each)]
        active.append(chunk)
    return found
