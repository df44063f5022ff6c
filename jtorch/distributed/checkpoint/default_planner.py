"""The planners used unless others are given."""

from __future__ import annotations

import dataclasses
import io
import logging
from collections import ChainMap
from typing import Any

import jtorch as torch

from . import _boxes
from ._nested_dict import FLATTEN_MAPPING, flatten_state_dict, set_element
from ._objects import load_object
from ._plan_validation import _validate_global_plan, dedup_save_plans
from .metadata import (
    STATE_DICT_TYPE,
    STORAGE_TYPES,
    BytesStorageMetadata,
    Metadata,
    MetadataIndex,
    StorageMeta,
    TensorStorageMetadata,
)
from .planner import (
    LoadPlan,
    LoadPlanner,
    ReadItem,
    SavePlan,
    SavePlanner,
    WriteItem,
    WriteItemType,
)
from .planner_helpers import _create_read_items, _create_write_items, _init_state_dict
from .utils import find_state_dict_object

logger = logging.getLogger(__name__)

__all__ = [
    "DefaultLoadPlanner",
    "DefaultSavePlanner",
    "create_default_global_load_plan",
    "create_default_global_save_plan",
    "create_default_local_load_plan",
    "create_default_local_save_plan",
]


class DefaultSavePlanner(SavePlanner):
    """Writes each entry once: a box by a process that holds it, the rest where least is written.

    Args:
        flatten_state_dict: whether nested dicts and lists become entries of their own.
        flatten_sharded_tensors: has no effect; jtorch has no ``ShardedTensor``.
        dedup_replicated_tensors: has no effect, as in PyTorch.
        dedup_save_to_lowest_rank: whether what several processes hold is written by the first.
        enable_plan_caching: whether a process whose plan is that of the last time says only so.
    """

    mappings: FLATTEN_MAPPING

    def __init__(
        self,
        flatten_state_dict: bool = True,
        flatten_sharded_tensors: bool = True,
        dedup_replicated_tensors: bool | None = None,
        dedup_save_to_lowest_rank: bool = False,
        enable_plan_caching: bool = False,
    ) -> None:
        self.flatten_state_dict = flatten_state_dict
        self.flatten_sharded_tensors = flatten_sharded_tensors
        self.mappings = {}
        self.dedup_save_to_lowest_rank = dedup_save_to_lowest_rank
        if dedup_replicated_tensors is not None:
            logger.warning(
                "DefaultSavePlanner's `dedup_replicated_tensors` argument is being "
                "deprecated, and no longer has any effect. Please remove this argument "
                "from your call."
            )
        self._cached_plans_key = type(self).__name__
        self._enable_plan_caching = enable_plan_caching
        self._pending_local_plan: SavePlan | None = None

    def set_up_planner(
        self,
        state_dict: STATE_DICT_TYPE,
        storage_meta: StorageMeta | None = None,
        is_coordinator: bool = False,
    ) -> None:
        """Take the state dict and flatten it."""
        if self.flatten_state_dict:
            state_dict, self.mappings = flatten_state_dict(state_dict)
        self.state_dict = state_dict
        self.is_coordinator = is_coordinator

    def create_local_plan(self) -> SavePlan:
        """Return what this process holds."""
        plan = create_default_local_save_plan(self.state_dict, self.is_coordinator)
        if self.flatten_state_dict:
            plan = dataclasses.replace(plan, planner_data=self.mappings)
        self.plan = plan
        if self._enable_plan_caching:
            if SavePlanner._cached_save_plan.get(self._cached_plans_key) == plan:
                return SavePlan([], usable=False)
            # Kept for the next time only when this time has succeeded.
            self._pending_local_plan = plan
        return plan

    def create_global_plan(self, all_plans: list[SavePlan]) -> tuple[list[SavePlan], Metadata]:
        """Return the plans without what another process writes, and the metadata.

        Raises:
            ValueError: boxes overlap or leave gaps.
        """
        if not self._enable_plan_caching:
            self.global_plan, self.metadata = self._create_global_plan(all_plans)
            return self.global_plan, self.metadata
        key = self._cached_plans_key
        known = SavePlanner._cached_all_plans.get(key)
        if known is None:
            sent = self.global_plan, self.metadata = self._create_global_plan(all_plans)
            SavePlanner._cached_all_plans[key] = all_plans
        elif not any(plan.usable for plan in all_plans):
            self.global_plan = SavePlanner._cached_global_plan[key]
            self.metadata = SavePlanner._cached_metadata[key]
            return [SavePlan([], usable=False)] * len(all_plans), self.metadata
        else:
            merged = [new if new.usable else old for old, new in zip(known, all_plans)]
            before = SavePlanner._cached_global_plan[key]
            self.global_plan, self.metadata = self._create_global_plan(merged)
            SavePlanner._cached_all_plans[key] = merged
            changed = [
                SavePlan([], usable=False) if old == new else new
                for old, new in zip(before, self.global_plan)
            ]
            sent = changed, self.metadata
        SavePlanner._cached_global_plan[key] = self.global_plan
        SavePlanner._cached_metadata[key] = self.metadata
        return sent

    def _create_global_plan(self, all_plans: list[SavePlan]) -> tuple[list[SavePlan], Metadata]:
        plans = dedup_save_plans(all_plans, self.dedup_save_to_lowest_rank)
        plans, metadata = create_default_global_save_plan(plans)
        if self.flatten_state_dict:
            paths = dict(ChainMap(*(plan.planner_data for plan in plans)))
            metadata = dataclasses.replace(metadata, planner_data=paths)
        if errors := _validate_global_plan(plans, metadata):
            summary = "; ".join(errors)
            if len(summary) > 500:
                summary = summary[:500] + "... (truncated)"
            raise ValueError(f"Failed to validate global plan: {summary}")
        return plans, metadata

    def finish_plan(self, new_plan: SavePlan) -> SavePlan:
        """Return the plan of the coordinator, or that of the last time where it is the same."""
        if self._enable_plan_caching:
            finished = SavePlanner._cached_final_save_plan
            if new_plan.usable:
                finished[self._cached_plans_key] = new_plan
            new_plan = finished[self._cached_plans_key]
            if self._pending_local_plan is not None:
                SavePlanner._cached_save_plan[self._cached_plans_key] = self._pending_local_plan
                self._pending_local_plan = None
        self.plan = new_plan
        return new_plan

    def resolve_data(self, write_item: WriteItem) -> torch.Tensor | io.BytesIO:
        """Return the tensor or the bytes of an item."""
        return self.transform_object(write_item, self.lookup_object(write_item.index))

    def lookup_object(self, index: MetadataIndex) -> Any:
        """Return the entry of the state dict: a place for subclasses."""
        return find_state_dict_object(self.state_dict, index)

    def transform_object(self, write_item: WriteItem, object: Any) -> Any:
        """Return what is written of an entry: a place for subclasses."""
        if write_item.type != WriteItemType.BYTE_IO:
            return object
        file = io.BytesIO()
        torch.save(object, file)
        return file


class DefaultLoadPlanner(LoadPlanner):
    """Reads into the tensors of the state dict; an object that is none is replaced.

    Args:
        flatten_state_dict: whether nested dicts and lists are entries of their own.
        flatten_sharded_tensors: has no effect; jtorch has no ``ShardedTensor``.
        allow_partial_load: whether entries that the checkpoint lacks are left as they are.
    """

    original_state_dict: STATE_DICT_TYPE
    mappings: FLATTEN_MAPPING

    def __init__(
        self,
        flatten_state_dict: bool = True,
        flatten_sharded_tensors: bool = True,
        allow_partial_load: bool = False,
    ) -> None:
        self.flatten_state_dict = flatten_state_dict
        self.flatten_sharded_tensors = flatten_sharded_tensors
        self.original_state_dict = {}
        self.mappings = {}
        self.allow_partial_load = allow_partial_load

    def set_up_planner(
        self,
        state_dict: STATE_DICT_TYPE,
        metadata: Metadata | None = None,
        is_coordinator: bool = False,
    ) -> None:
        """Take the state dict and flatten it; meta tensors in it are replaced."""
        _init_state_dict(state_dict)
        self.original_state_dict = state_dict
        if self.flatten_state_dict:
            state_dict, self.mappings = flatten_state_dict(state_dict)
        self.state_dict = state_dict
        self.metadata = metadata
        self.is_coordinator = is_coordinator

    def create_local_plan(self) -> LoadPlan:
        """Return what this process needs.

        Raises:
            RuntimeError: the checkpoint lacks an entry.
            ValueError: a tensor has another size.
        """
        if self.metadata is None:
            raise AssertionError("self.metadata is not None")
        if self.flatten_state_dict:
            missing = self.metadata.state_dict_metadata.keys() - self.state_dict.keys()
            if missing:
                # A checkpoint of PyTorch before 2.4 has dicts without tensors as one entry.
                flat, paths = flatten_state_dict(self.original_state_dict, before_2_4=True)
                if missing & flat.keys():
                    self.state_dict, self.mappings = flat, paths
        return create_default_local_load_plan(
            self.state_dict, self.metadata, not self.allow_partial_load
        )

    def create_global_plan(self, global_plan: list[LoadPlan]) -> list[LoadPlan]:
        """Return the plans as they are."""
        return create_default_global_load_plan(global_plan)

    def finish_plan(self, new_plan: LoadPlan) -> LoadPlan:
        """Return the plan as it is."""
        return new_plan

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        """Put an object in the place of the one in the state dict."""
        loaded = load_object(value, read_item.dest_index.fqn)
        if self.flatten_state_dict:
            path = self.mappings[read_item.dest_index.fqn]
            set_element(self.original_state_dict, path, loaded)
        else:
            self.state_dict[read_item.dest_index.fqn] = loaded

    def resolve_tensor(self, read_item: ReadItem) -> torch.Tensor:
        """Return the box of the tensor of the state dict that is read into."""
        return self.transform_tensor(read_item, self.lookup_tensor(read_item.dest_index))

    def commit_tensor(self, read_item: ReadItem, tensor: torch.Tensor) -> None:
        """Do nothing: the tensor is the one of the state dict."""

    def lookup_tensor(self, index: MetadataIndex) -> torch.Tensor:
        """Return the entry of the state dict: a place for subclasses."""
        return find_state_dict_object(self.state_dict, index)

    def transform_tensor(self, read_item: ReadItem, tensor: torch.Tensor) -> torch.Tensor:
        """Return the box of an entry: a place for subclasses."""
        return _boxes.narrow(tensor, read_item.dest_offsets, read_item.lengths)


class _EmptyStateDictLoadPlanner(DefaultLoadPlanner):
    """Fills an empty dict with all of a checkpoint, or with what has certain names.

    Args:
        keys: names of entries, or paths above them, joined by dots.
    """

    def __init__(self, keys: set[str] | None = None, *args: Any, **kwargs: Any):
        self.keys = keys
        super().__init__(*args, **kwargs)

    def _should_include_key(self, key: str, metadata: Metadata) -> bool:
        if self.keys is None or key in self.keys:
            return True
        path = (metadata.planner_data or {}).get(key, ())
        return any(".".join(map(str, path[:end])) in self.keys for end in range(1, len(path) + 1))

    def set_up_planner(
        self,
        state_dict: STATE_DICT_TYPE,
        metadata: Metadata | None = None,
        is_coordinator: bool = False,
    ) -> None:
        """Make tensors for what is stored, then take the state dict."""
        if state_dict:
            raise AssertionError("not state_dict")
        if metadata is None:
            raise AssertionError("metadata is not None")
        paths = metadata.planner_data or {}
        for key, stored in metadata.state_dict_metadata.items():
            if not self._should_include_key(key, metadata):
                continue
            value: Any = stored
            if isinstance(stored, TensorStorageMetadata):
                value = torch.empty(stored.size, dtype=stored.properties.dtype)
            set_element(state_dict, paths.get(key, (key,)), value)
        super().set_up_planner(state_dict, metadata, is_coordinator)


def create_default_local_load_plan(
    state_dict: dict[str, Any], metadata: Metadata, strict: bool = True
) -> LoadPlan:
    """Return what a process reads for a flat state dict.

    Args:
        state_dict: entries to read.
        metadata: of the checkpoint.
        strict: whether an entry that the checkpoint lacks is an error.
    Raises:
        RuntimeError: the checkpoint lacks an entry.
        ValueError: a tensor has another size.
    """
    items: list[ReadItem] = []
    for fqn, value in state_dict.items():
        stored = metadata.state_dict_metadata.get(fqn)
        if stored is None:
            if strict:
                raise RuntimeError(f"Missing key in checkpoint state_dict: {fqn}.")
            continue
        if (
            isinstance(stored, TensorStorageMetadata)
            and getattr(value, "size", None) is not None
            and stored.size != value.size()
        ):
            raise ValueError(
                f"Size mismatch between saved {stored.size} and current: {value.size()} for {fqn}"
            )
        if not _boxes.is_distributed(value) or _boxes.is_here(value):
            items += _create_read_items(fqn, stored, value)
    return LoadPlan(items)


def create_default_global_load_plan(all_plans: list[LoadPlan]) -> list[LoadPlan]:
    """Return the plans as they are: each process reads what it needs."""
    return all_plans


def create_default_local_save_plan(state_dict: dict[str, Any], is_coordinator: bool) -> SavePlan:
    """Return all that a process holds of a flat state dict.

    Args:
        state_dict: entries to write.
        is_coordinator: has no effect: who writes what several hold is decided with all plans.
    """
    items: list[WriteItem] = []
    for fqn, value in state_dict.items():
        if not _boxes.is_distributed(value) or _boxes.is_here(value):
            items += _create_write_items(fqn, value)
    return SavePlan(items)


def create_default_global_save_plan(
    all_plans: list[SavePlan], rewrite_index_hints: bool = True
) -> tuple[list[SavePlan], Metadata]:
    """Return the plans with the number of each box in its index, and the metadata.

    Args:
        all_plans: of all processes; no two write the same.
        rewrite_index_hints: whether to set the numbers.
    """
    entries: dict[str, STORAGE_TYPES] = {}
    plans = []
    for plan in all_plans:
        items = []
        for item in plan.items:
            fqn = item.index.fqn
            if item.type != WriteItemType.SHARD and fqn in entries:
                raise AssertionError("item.index.fqn not in md")
            if item.type == WriteItemType.BYTE_IO:
                entries[fqn] = BytesStorageMetadata()
                items.append(item)
                continue
            data = item.tensor_data
            if data is None:
                raise AssertionError("item.tensor_data is not None")
            entry: Any = entries.setdefault(
                fqn, TensorStorageMetadata(data.properties, data.size, [])
            )
            if rewrite_index_hints:
                index = dataclasses.replace(item.index, index=len(entry.chunks))
                item = dataclasses.replace(item, index=index)
            items.append(item)
            entry.chunks.append(data.chunk)
        plans.append(dataclasses.replace(plan, items=items))
    return plans, Metadata(entries)


def _create_default_local_metadata(state_dict: STATE_DICT_TYPE) -> Metadata:
    """Return the metadata of a checkpoint of this process alone."""
    return create_default_global_save_plan([create_default_local_save_plan(state_dict, True)])[1]
