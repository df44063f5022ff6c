"""Saving the state of many processes: ``save``, ``async_save``."""

from __future__ import annotations

import contextlib
import inspect
import os
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import Any

from . import _storage_utils
from .default_planner import DefaultSavePlanner
from .metadata import STATE_DICT_TYPE, Metadata
from .planner import SavePlan, SavePlanner
from .staging import AsyncStager, DefaultStager, StagingOptions
from .stateful import Stateful
from .storage import StorageWriter
from .utils import _api_bc_check, _DistWrapper, is_single_process

__all__ = [
    "AsyncCheckpointerType",
    "AsyncSaveResponse",
    "async_save",
    "save",
    "save_state_dict",
]


class AsyncCheckpointerType(Enum):
    """Who writes what ``async_save`` copied."""

    THREAD = "thread"
    PROCESS = "process"


def save_state_dict(
    state_dict: STATE_DICT_TYPE,
    storage_writer: StorageWriter,
    process_group: Any = None,
    coordinator_rank: int = 0,
    no_dist: bool = False,
    planner: SavePlanner | None = None,
) -> Metadata:
    """Save a state dict: the older name of ``save``."""
    warnings.warn(
        "`save_state_dict` is deprecated and will be removed in future versions."
        "Please use `save` instead.",
        FutureWarning,
        stacklevel=2,
    )
    storage_writer.reset()
    return _save_state_dict(
        state_dict, storage_writer, process_group, coordinator_rank, no_dist, planner
    )


@_api_bc_check
def save(
    state_dict: STATE_DICT_TYPE,
    *,
    checkpoint_id: str | os.PathLike | None = None,
    storage_writer: StorageWriter | None = None,
    planner: SavePlanner | None = None,
    process_group: Any = None,
    no_dist: bool = False,
    use_collectives: bool = True,
) -> Metadata:
    """Save a state dict whose tensors may be distributed; each process writes what it holds.

    Args:
        state_dict: dicts and lists of tensors, objects, and what has ``state_dict``.
        checkpoint_id: the directory.
        storage_writer: writes elsewhere, or with other options.
        planner: decides what is written.
        process_group: which processes take part; all of them call this.
        no_dist: whether this process is alone.
        use_collectives: whether there is one file of metadata; else each process writes its own.
    Returns:
        The metadata.
    Raises:
        CheckpointException: on all processes, if any failed.
        RuntimeError: neither a place nor a writer is given.
    """
    no_dist = is_single_process(no_dist)
    if no_dist:
        warnings.warn(
            "torch.distributed is disabled, unavailable or uninitialized, assuming the intent is "
            "to save in a single process.",
            stacklevel=3,
        )
    return _save_state_dict(
        _stateful_to_state_dict(state_dict),
        _storage_utils._storage_setup(storage_writer, checkpoint_id, reader=False),
        process_group,
        no_dist=no_dist,
        planner=planner,
        use_collectives=use_collectives,
    )


@dataclass
class AsyncSaveResponse:
    """What ``async_save`` returns where the copy is made in the background, too.

    Attributes:
        staging_completion: done when the copy is made: training may go on.
        upload_completion: done when the checkpoint is written.
    """

    staging_completion: Future
    upload_completion: Future


def async_save(
    state_dict: STATE_DICT_TYPE,
    *,
    checkpoint_id: str | os.PathLike | None = None,
    storage_writer: StorageWriter | None = None,
    planner: SavePlanner | None = None,
    process_group: Any = None,
    async_checkpointer_type: AsyncCheckpointerType = AsyncCheckpointerType.THREAD,
    async_stager: AsyncStager | None = None,
    no_dist: bool = False,
    use_collectives: bool = True,
) -> Future | AsyncSaveResponse:
    """Copy a state dict, then save the copy in another thread.

    Args:
        state_dict, checkpoint_id, storage_writer, planner, process_group: as for ``save``.
        async_checkpointer_type: ``THREAD``; a process is refused.
        async_stager: makes the copy.
        no_dist, use_collectives: as for ``save``.
    Returns:
        A future of the metadata; an ``AsyncSaveResponse`` where the stager returns a future.
    """
    if async_checkpointer_type is AsyncCheckpointerType.PROCESS:
        raise NotImplementedError("async_save writes in a thread, not in a process of its own")
    owned = None
    if async_stager is None:
        if isinstance(storage_writer, AsyncStager):
            async_stager = storage_writer
        else:
            async_stager = owned = DefaultStager(StagingOptions(False, False, False, False))
    with contextlib.ExitStack() as stack:
        if owned is not None:
            stack.callback(owned.close)
        staged = async_stager.stage(_stateful_to_state_dict(state_dict))
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="async_save")

    def write() -> Metadata:
        ready = staged.result() if isinstance(staged, Future) else staged
        with warnings.catch_warnings():
            # The same warning that ``save`` gives was given by the first of these threads.
            return save(
                ready,
                checkpoint_id=checkpoint_id,
                storage_writer=storage_writer,
                planner=planner,
                process_group=process_group,
                no_dist=no_dist,
                use_collectives=use_collectives,
            )

    written = executor.submit(write)
    written.add_done_callback(lambda _: executor.shutdown(wait=False))
    if isinstance(staged, Future):
        done: Future = Future()
        staged.add_done_callback(lambda copy: _pass_on(copy, done))
        return AsyncSaveResponse(staging_completion=done, upload_completion=written)
    if async_stager.should_synchronize_after_execute:
        async_stager.synchronize_staging()
    return written


def _pass_on(copy: Future, done: Future) -> None:
    error = copy.exception()
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


def _stateful_to_state_dict(state_dict: STATE_DICT_TYPE) -> STATE_DICT_TYPE:
    """Return a dict with the states of what has one."""
    return {
        key: value.state_dict() if isinstance(value, Stateful) else value
        for key, value in state_dict.items()
    }


def _save_state_dict(
    state_dict: STATE_DICT_TYPE,
    storage_writer: StorageWriter,
    process_group: Any = None,
    coordinator_rank: int = 0,
    no_dist: bool = False,
    planner: SavePlanner | None = None,
    use_collectives: bool = True,
) -> Metadata:
    """Plan here, plan together, write, write the metadata."""
    processes = _DistWrapper(process_group, not no_dist, coordinator_rank)
    chosen = planner if planner is not None else DefaultSavePlanner()
    metadata: Any = None

    def local_step() -> SavePlan:
        _set_up_planner(chosen, state_dict, storage_writer, processes.is_coordinator)
        options: dict[str, Any] = {}
        if "kwargs" in inspect.signature(storage_writer.set_up_storage_writer).parameters:
            options = {"rank": processes.rank, "use_collectives": use_collectives}
        storage_writer.set_up_storage_writer(processes.is_coordinator, **options)
        return storage_writer.prepare_local_plan(chosen.create_local_plan())

    def global_step(plans: list[SavePlan]) -> list[SavePlan]:
        nonlocal metadata
        plans, metadata = chosen.create_global_plan(plans)
        return storage_writer.prepare_global_plan(plans)

    def write() -> Any:
        written = storage_writer.write_data(chosen.finish_plan(plan), chosen)
        written.wait()
        return written.value()

    def finish(results: list[Any]) -> Metadata:
        storage_writer.finish(metadata=metadata, results=results)
        return metadata

    if use_collectives:
        plan = processes.reduce_scatter("plan", local_step, global_step)
        return processes.all_reduce("write", write, finish)
    plan = global_step([local_step()])[0]
    finish([write()])
    processes.barrier()
    return metadata


def _set_up_planner(
    planner: Any, state_dict: STATE_DICT_TYPE, writer: StorageWriter, is_coordinator: bool
) -> None:
    storage_meta = writer.storage_meta()
    if "storage_meta" in inspect.signature(planner.set_up_planner).parameters:
        planner.set_up_planner(
            state_dict=state_dict, storage_meta=storage_meta, is_coordinator=is_coordinator
        )
        return
    warnings.warn(
        "The function definition for SavePlanner.set_up_planner has been updated"
        " to include the storage_meta argument. Please update your implementation"
        " to include this parameter.",
        stacklevel=2,
    )
    planner.set_up_planner(state_dict, is_coordinator)
