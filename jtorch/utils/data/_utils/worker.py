"""The loop that a worker process of a ``DataLoader`` runs."""

from __future__ import annotations

import os
import queue
import random
import signal
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...._utils import ExceptionWrapper
from ....compiler import synchronize
from ....random import manual_seed
from . import MP_STATUS_CHECK_INTERVAL
from .fetch import IterableFetcher, MapFetcher


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker knows of itself.

    Attributes:
        id: its number, from 0.
        num_workers: how many there are.
        seed: what its generators were seeded with.
        dataset: its own copy of the dataset.
        rng: not used by processes, which have their generators to themselves.
        worker_method: how it came about.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


@dataclass(frozen=True)
class StreamEnded:
    """Sent by a worker whose stream has ended."""

    worker_id: int


@dataclass(frozen=True)
class NextEpoch:
    """Sent to a persistent worker, and back, when another epoch begins."""


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return what this worker process is told of itself; ``None`` in any other process."""
    return _worker_info


def numpy_seed(base_seed: int, worker_id: int) -> np.ndarray:
    """Return the words that NumPy's generator of a worker is seeded with.

    They are hashed (O'Neill's seed sequence, as NumPy has it), so that this generator and Python's,
    seeded with the sum, do not run alike.
    """
    entropy = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    return np.random.SeedSequence(entropy).generate_state(4)


def _generate_state(base_seed: int, worker_id: int) -> list[int]:
    """Return the words of ``numpy_seed`` as numbers, as tensordict asks for them."""
    return numpy_seed(base_seed, worker_id).tolist()


def make_fetcher(kind: int, *arguments: Any) -> Any:
    """Return what gets batches out of a dataset of a kind (0: by key, 1: a stream)."""
    return (MapFetcher if kind == 0 else IterableFetcher)(*arguments)


def worker_loop(
    kind: int,
    dataset: Any,
    index_queue: Any,
    data_queue: Any,
    done_event: Any,
    auto_collation: bool,
    collate_fn: Any,
    drop_last: bool,
    base_seed: int,
    init_fn: Any,
    worker_id: int,
    num_workers: int,
) -> None:
    """Answer requests for batches until told to end, or until the loader's process is gone.

    Args:
        kind: see ``make_fetcher``.
        index_queue: requests ``(number, index)``, ``NextEpoch``, and ``None`` at the end.
        data_queue: answers ``(number, batch)``, where the batch may be an ``ExceptionWrapper`` or
            ``StreamEnded``.
        done_event: set when the loader is no longer interested.
        base_seed: what the loader drew for the epoch.
        init_fn: called with the worker's number first.
    """
    global _worker_info
    # Sent by the loader's process when it ends: no failure.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the loader's handler watches its own workers
    try:
        seed = base_seed + worker_id
        random.seed(seed)
        manual_seed(seed)
        np.random.seed(numpy_seed(base_seed, worker_id))
        _worker_info = WorkerInfo(worker_id, num_workers, seed, dataset)
        where = f"in DataLoader worker process {worker_id}"
        arguments = (kind, dataset, auto_collation, collate_fn, drop_last)
        fetcher: Any = None
        failure: Any = None
        try:
            if init_fn is not None:
                init_fn(worker_id)
            fetcher = make_fetcher(*arguments)
        except Exception:
            failure = ExceptionWrapper(where=where)
        ended = False
        parent = os.getppid()
        while os.getppid() == parent:
            try:
                request = index_queue.get(timeout=MP_STATUS_CHECK_INTERVAL)
            except queue.Empty:
                continue
            if isinstance(request, NextEpoch):
                data_queue.put((request, None))
                ended = False
                fetcher = make_fetcher(*arguments)
                continue
            if request is None:
                break
            if done_event.is_set() or ended:
                continue  # until told to end
            number, index = request
            answer: Any
            if failure is not None:
                answer, failure = failure, None
            else:
                try:
                    answer = fetcher.fetch(index)
                    synchronize()  # here, not on the thread that feeds the queue
                except Exception as error:
                    if isinstance(error, StopIteration) and kind == 1:
                        answer = StreamEnded(worker_id)
                        ended = True
                    else:
                        answer = ExceptionWrapper(where=where)
            data_queue.put((number, answer))
            del answer, index, request
    except KeyboardInterrupt:
        pass  # the loader's process is interrupted too
    if done_event.is_set():
        data_queue.cancel_join_thread()
        data_queue.close()
