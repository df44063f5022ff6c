"""Loading what many processes saved, by as many or by others: ``load``."""

from __future__ import annotations

import inspect
import logging
import os
import warnings
from typing import Any

from . import _storage_utils
from .default_planner import DefaultLoadPlanner, _EmptyStateDictLoadPlanner
from .metadata import Metadata
from .planner import LoadPlan, LoadPlanner
from .stateful import Stateful
from .storage import StorageReader
from .utils import _api_bc_check, _DistWrapper, is_single_process

logger = logging.getLogger(__name__)

__all__ = ["load", "load_state_dict"]


def load_state_dict(
    state_dict: dict[str, Any],
    storage_reader: StorageReader,
    process_group: Any = None,
    coordinator_rank: int = 0,
    no_dist: bool = False,
    planner: LoadPlanner | None = None,
) -> None:
    """Load into a state dict: the older name of ``load``."""
    warnings.warn(
        "`load_state_dict` is deprecated and will be removed in future versions. "
        "Please use `load` instead.",
        FutureWarning,
        stacklevel=2,
    )
    storage_reader.reset()
    _load_state_dict(state_dict, storage_reader, process_group, coordinator_rank, no_dist, planner)


@_api_bc_check
def load(
    state_dict: dict[str, Any],
    *,
    checkpoint_id: str | os.PathLike | None = None,
    storage_reader: StorageReader | None = None,
    planner: LoadPlanner | None = None,
    process_group: Any = None,
    no_dist: bool = False,
) -> None:
    """Load a checkpoint into the tensors of a state dict; each process reads what it needs.

    Tensors keep how they are distributed, whatever processes saved them. What has
    ``load_state_dict`` gets its state; other objects are replaced.

    Args:
        state_dict: what to load; all processes have the same keys.
        checkpoint_id: the directory.
        storage_reader: reads from elsewhere.
        planner: decides what is read.
        process_group: which processes take part; all of them call this.
        no_dist: whether this process is alone.
    Raises:
        CheckpointException: on all processes, if any failed.
        RuntimeError: neither a place nor a reader is given.
    """
    no_dist = is_single_process(no_dist)
    if no_dist:
        warnings.warn(
            "torch.distributed is disabled, unavailable or uninitialized, assuming the intent is "
            "to load in a single process.",
            stacklevel=3,
        )
    reader = _storage_utils._storage_setup(storage_reader, checkpoint_id, reader=True)
    # The keys in one order, so that all processes ask for states in that order.
    keys = sorted(state_dict)
    states = {
        key: value.state_dict() if isinstance(value, Stateful) else value
        for key, value in ((key, state_dict[key]) for key in keys)
    }
    _load_state_dict(states, reader, process_group, no_dist=no_dist, planner=planner)
    for key in keys:
        value = state_dict.get(key)
        if isinstance(value, Stateful):
            value.load_state_dict(states[key])
        else:
            state_dict[key] = states[key]


def _load_state_dict(
    state_dict: dict[str, Any],
    storage_reader: StorageReader,
    process_group: Any = None,
    coordinator_rank: int = 0,
    no_dist: bool = False,
    planner: LoadPlanner | None = None,
) -> None:
    """Plan here, plan together, read."""
    processes = _DistWrapper(process_group, not no_dist, coordinator_rank)
    chosen = planner if planner is not None else DefaultLoadPlanner()
    metadata, together, reasons = _read_metadata(storage_reader, processes.rank)

    def local_step() -> LoadPlan:
        if metadata is None:
            raise AssertionError("; ".join(["metadata is None", *reasons]))
        chosen.set_up_planner(state_dict, metadata, processes.is_coordinator)
        options: dict[str, Any] = {}
        if "kwargs" in inspect.signature(storage_reader.set_up_storage_reader).parameters:
            options = {"rank": processes.rank, "use_collectives": together}
        storage_reader.set_up_storage_reader(metadata, processes.is_coordinator, **options)
        return storage_reader.prepare_local_plan(chosen.create_local_plan())

    def global_step(plans: list[LoadPlan]) -> list[LoadPlan]:
        return storage_reader.prepare_global_plan(chosen.create_global_plan(plans))

    def read() -> None:
        storage_reader.read_data(chosen.finish_plan(plan), chosen).wait()

    if together:
        plan = processes.reduce_scatter("plan", local_step, global_step)
        processes.all_gather("read", read)
    else:
        plan = global_step([local_step()])[0]
        read()
        processes.barrier()


def _read_metadata(reader: StorageReader, rank: int) -> tuple[Metadata | None, bool, list[str]]:
    """Return the metadata, whether it is that of all processes, and why it could not be read."""
    reasons: list[str] = []
    try:
        return reader.read_metadata(), True, reasons
    except Exception as error:
        logger.warning(
            "Global metadata is not found. Falling back to rank local metadata.", exc_info=True
        )
        reasons.append(f"global metadata read failed: {error}")
    if "kwargs" in inspect.signature(reader.read_metadata).parameters:
        try:
            return reader.read_metadata(rank=rank), False, reasons
        except Exception as error:
            logger.warning("Rank local metadata is not found.", exc_info=True)
            reasons.append(f"rank local metadata read failed: {error}")
    return None, True, reasons


def _load_state_dict_from_keys(
    keys: set[str] | str | None = None,
    *,
    checkpoint_id: str | os.PathLike | None = None,
    storage_reader: StorageReader | None = None,
    process_group: Any = None,
) -> dict[str, Any]:
    """Return what has certain names, or all, of a checkpoint, in this process.

    Args:
        keys: names of entries, or paths above them; ``None`` for all.
        checkpoint_id: the directory.
        storage_reader: reads from elsewhere.
        process_group: which processes take part.
    """
    no_dist = is_single_process()
    if no_dist:
        warnings.warn(
            "torch.distributed is unavailable or uninitialized, assuming the intent is to load in "
            "a single process.",
            stacklevel=2,
        )
    reader = _storage_utils._storage_setup(storage_reader, checkpoint_id, reader=True)
    loaded: dict[str, Any] = {}
    _load_state_dict(
        loaded,
        reader,
        process_group,
        no_dist=no_dist,
        planner=_EmptyStateDictLoadPlanner(keys={keys} if isinstance(keys, str) else keys),
    )
    return loaded
