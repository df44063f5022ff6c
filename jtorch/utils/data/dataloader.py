"""``DataLoader``: batches of a dataset, made in this process or by workers."""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import multiprocessing as _processes
import os
import queue
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from math import ceil
from typing import Any, Generic, TypeVar

from ... import cuda, multiprocessing
from ..._runtime.generator import Generator
from ..._utils import ExceptionWrapper
from . import _utils
from ._pipes import SHARDING_PRIORITIES, IterDataPipe
from ._utils.collate import default_collate, default_convert
from ._utils.worker import NextEpoch, StreamEnded, get_worker_info, make_fetcher, worker_loop
from .dataset import Dataset, IterableDataset
from .graph_settings import apply_random_seed, apply_sharding, apply_shuffle_settings
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, random_seed

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)


class _DatasetKind:
    Map = 0
    Iterable = 1


class _InfiniteConstantSampler(Sampler):
    """Asks a stream for its next samples, without end."""

    def __iter__(self) -> Iterator:
        while True:
            yield None


class DataLoader(Generic[T_co]):
    """Batches of a dataset.

    Args:
        dataset: a map from keys to samples, or an ``IterableDataset``.
        batch_size: samples in a batch; ``None`` gives samples one by one, not collated.
        shuffle: whether the order is random, and another one each epoch.
        sampler: the order of the samples, instead of ``shuffle``.
        batch_sampler: the keys of each batch, instead of ``batch_size``, ``shuffle``, ``sampler``
            and ``drop_last``.
        num_workers: processes that make batches; 0 makes them in this one.
        collate_fn: makes a batch of a list of samples.
        pin_memory: whether batches are put in pinned memory; without an accelerator, a warning.
        drop_last: whether to leave out a last batch that is smaller.
        timeout: seconds to wait for a worker's batch; 0 waits as long as the workers are alive.
        worker_init_fn: called with the number of each worker when it starts.
        multiprocessing_context: how workers are started: a name or a context.
        generator: what the order and the workers' seeds are drawn from.
        prefetch_factor: batches that each worker makes ahead, 2 by default.
        persistent_workers: whether workers stay for the next epoch.
        pin_memory_device: deprecated.
        in_order: whether batches come in the order of their keys, or as they are ready.
    Raises:
        ValueError: options exclude each other.
    """

    __initialized = False

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler | Iterable | None = None,
        batch_sampler: Sampler[list] | Iterable[list] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ):
        prefetch_factor = _checked_workers(
            num_workers, timeout, prefetch_factor, persistent_workers
        )
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        stream = isinstance(dataset, IterableDataset)
        self._dataset_kind = _DatasetKind.Iterable if stream else _DatasetKind.Map
        if isinstance(dataset, IterDataPipe):
            self.dataset = dataset = apply_shuffle_settings(dataset, shuffle)
            shuffle = None
        if stream:
            _refuse_order_of_stream(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive "
                    "with batch_size, shuffle, sampler, and "
                    "drop_last"
                )
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching "
                "and is mutually exclusive with drop_last"
            )
        if sampler is None:
            if stream:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)  # type: ignore[arg-type]
            else:
                sampler = SequentialSampler(dataset)  # type: ignore[arg-type]
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self.__initialized = True
        self._IterableDataset_len_called: int | None = None
        self._iterator: Any = None
        self.check_worker_number_rationality()

    @property
    def multiprocessing_context(self) -> Any:
        """How workers are started; ``None`` for Python's default."""
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            if self.num_workers <= 0:
                raise ValueError(
                    "multiprocessing_context can only be used with "
                    "multi-process loading (num_workers > 0), but got "
                    f"num_workers={self.num_workers}"
                )
            if isinstance(context, str):
                known = _processes.get_all_start_methods()
                if context not in known:
                    raise ValueError(
                        "multiprocessing_context option "
                        f"should specify a valid start method in {known!r}, but got "
                        f"multiprocessing_context={context!r}"
                    )
                context = _processes.get_context(context)
            if not isinstance(context, _processes.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context "
                    "object or a string specifying the start method, but got "
                    f"multiprocessing_context={context}"
                )
        self.__multiprocessing_context = context

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__initialized and name in (
            "batch_size",
            "batch_sampler",
            "sampler",
            "drop_last",
            "dataset",
            "persistent_workers",
        ):
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    def __iter__(self) -> Any:
        if not self.persistent_workers or self.num_workers == 0:
            return self._get_iterator()
        if self._iterator is None:
            self._iterator = self._get_iterator()
        else:
            self._iterator._reset(self)
        return self._iterator

    def _get_iterator(self) -> _BaseDataLoaderIter:
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        self.check_worker_number_rationality()
        return _MultiProcessingDataLoaderIter(self)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __len__(self) -> int:
        if self._dataset_kind == _DatasetKind.Map:
            return len(self._index_sampler)
        dataset: Any = self.dataset
        length = self._IterableDataset_len_called = len(dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else ceil(length / self.batch_size)

    def check_worker_number_rationality(self) -> None:
        """Warn of more workers than there are processors for this process."""
        if not self.num_workers:
            return
        affinity = getattr(os, "sched_getaffinity", None)
        count = len(affinity(0)) if affinity else os.cpu_count()
        if count is not None and self.num_workers <= count:
            return
        suggested = "DataLoader is not able to compute a suggested max number of worker in current "
        suggested += "system."
        if count is not None:
            suggested = (
                f"Our suggested max number of worker in current system is {count}"
                f"{'' if affinity else ' (`cpuset` is not taken into account)'}, which is smaller "
                "than what this DataLoader is going to create."
            )
        warnings.warn(
            f"This DataLoader will create {self.num_workers} worker processes in total. "
            f"{suggested} Please be aware that excessive worker creation might get DataLoader "
            "running slow or even freeze, lower the worker number to avoid potential "
            "slowness/freeze if necessary.",
            stacklevel=2,
        )


def _checked_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent: bool
) -> int | None:
    """Check what concerns workers; return how far they work ahead."""
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; "
            "use num_workers=0 to disable multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing."
            "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if num_workers > 0 and prefetch_factor is None:
        prefetch_factor = 2
    elif prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    return prefetch_factor


def _start_of_workers(loader: DataLoader) -> Callable[[int], None] | None:
    """Return what each worker calls first: data pipes share their samples among the workers."""
    if not isinstance(loader.dataset, IterDataPipe):
        return loader.worker_init_fn
    return functools.partial(_share_samples, loader.worker_init_fn)


def _share_samples(then: Callable[[int], None] | None, worker: int) -> None:
    info: Any = get_worker_info()
    group = SHARDING_PRIORITIES.MULTIPROCESSING
    apply_sharding(info.dataset, info.num_workers, worker, group)
    if then is not None:
        then(worker)


def _refuse_order_of_stream(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    if shuffle not in {False, None}:
        raise ValueError(
            "DataLoader with IterableDataset: expected unspecified shuffle option, "
            f"but got shuffle={shuffle}"
        )
    if sampler is not None:
        raise ValueError(
            "DataLoader with IterableDataset: expected unspecified sampler option, "
            f"but got sampler={sampler}"
        )
    if batch_sampler is not None:
        raise ValueError(
            "DataLoader with IterableDataset: expected unspecified "
            f"batch_sampler option, but got batch_sampler={batch_sampler}"
        )


class _BaseDataLoaderIter:
    """One pass over a loader's batches."""

    def __init__(self, loader: DataLoader):
        self._dataset = loader.dataset
        self._dataset_kind = loader._dataset_kind
        self._IterableDataset_len_called = loader._IterableDataset_len_called
        self._auto_collation = loader._auto_collation
        self._drop_last = loader.drop_last
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        accelerated = cuda.is_available()
        if loader.pin_memory and loader.pin_memory_device:
            warnings.warn(
                "pin_memory_device is deprecated, the current accelerator will be used as the "
                f"device,ignore pin_memory_device='{loader.pin_memory_device}'.",
                stacklevel=4,
            )
        if loader.pin_memory and not accelerated:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, "
                "then device pinned memory won't be used.",
                stacklevel=4,
            )
        self._pin_memory = loader.pin_memory and accelerated
        self._timeout = loader.timeout
        self._collate_fn = loader.collate_fn
        self._sampler_iter = iter(self._index_sampler)
        if isinstance(self._dataset, IterDataPipe):
            shared = Generator()
            shared.manual_seed(random_seed(loader.generator))
            self._dataset = apply_random_seed(self._dataset, shared)
        self._base_seed = random_seed(loader.generator)
        self._persistent_workers = loader.persistent_workers
        self._num_yielded = 0

    def __iter__(self) -> _BaseDataLoaderIter:
        return self

    def _reset(self, loader: DataLoader, first_iter: bool = False) -> None:
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._IterableDataset_len_called = loader._IterableDataset_len_called

    def _next_index(self) -> Any:
        return next(self._sampler_iter)

    def _next_data(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        data = self._next_data()
        self._num_yielded += 1
        expected = self._IterableDataset_len_called
        if expected is not None and self._num_yielded > expected and self._dataset_kind == 1:
            message = (
                f"Length of IterableDataset {self._dataset} was reported to be {expected}"
                f"(when accessing len(dataloader)), but {self._num_yielded} samples have been "
                "fetched. "
            )
            if self._num_workers > 0:
                message += (
                    "For multiprocessing data-loading, this could be caused by not properly "
                    "configuring the IterableDataset replica at each worker. Please see "
                    "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset "
                    "for examples."
                )
            warnings.warn(message, stacklevel=2)
        return data

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self) -> Any:
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Makes each batch when it is asked for."""

    def __init__(self, loader: DataLoader):
        super().__init__(loader)
        if self._timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._dataset_fetcher = make_fetcher(
            self._dataset_kind,
            self._dataset,
            self._auto_collation,
            self._collate_fn,
            self._drop_last,
        )

    def _next_data(self) -> Any:
        data = self._dataset_fetcher.fetch(self._next_index())
        return _utils.pin_memory.pin_memory(data) if self._pin_memory else data


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Lets workers make batches ahead, and hands them out in order.

    Each worker has a queue of requests; answers come through one queue. Worker ``n`` is asked for
    batches ``n, n + workers, ...``, each working at most ``prefetch_factor`` batches ahead.
    Workers are daemons, told to end when the iterator is used up or goes; one that dies is
    noticed by a signal handler, and by looking whenever nothing arrives for a while.
    """

    _shutdown = True  # until there is something to take down
    _failed = False  # whether a worker died or did not answer

    def __init__(self, loader: DataLoader):
        super().__init__(loader)
        self._prefetch_factor = loader.prefetch_factor or 0
        self._in_order = loader.in_order
        if self._prefetch_factor <= 0:
            raise AssertionError(
                "prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter"
            )
        context: Any = loader.multiprocessing_context or multiprocessing
        self._worker_result_queue = context.Queue()
        self._workers_done_event = context.Event()
        self._index_queues: list[Any] = []
        self._workers: list[Any] = []
        self._workers_status = [True] * self._num_workers
        self._shutdown = False
        for number in range(self._num_workers):
            requests = context.Queue()
            requests.cancel_join_thread()
            worker = context.Process(
                target=worker_loop,
                args=(
                    self._dataset_kind,
                    self._dataset,
                    requests,
                    self._worker_result_queue,
                    self._workers_done_event,
                    self._auto_collation,
                    self._collate_fn,
                    self._drop_last,
                    self._base_seed,
                    _start_of_workers(loader),
                    number,
                    self._num_workers,
                ),
                daemon=True,
            )
            worker.start()
            self._index_queues.append(requests)
            self._workers.append(worker)
        self._data_queue: Any = self._worker_result_queue
        if self._pin_memory:
            self._start_pinning()
        pids = tuple(worker.pid for worker in self._workers)
        _utils.signal_handling.set_worker_pids(id(self), pids)
        _utils.signal_handling.set_handler()
        self._reset(loader, first_iter=True)

    def _start_pinning(self) -> None:
        """Pin batches, which starts their way to the device, while the step before runs."""
        self._data_queue = queue.Queue()
        self._pinning_done = threading.Event()

        def pin() -> None:
            while not self._pinning_done.is_set():
                try:
                    number, data = self._worker_result_queue.get(
                        timeout=_utils.MP_STATUS_CHECK_INTERVAL
                    )
                except queue.Empty:
                    continue
                if not isinstance(data, ExceptionWrapper):
                    try:
                        data = _utils.pin_memory.pin_memory(data)
                    except Exception:
                        data = ExceptionWrapper(where="in pin memory thread")
                self._data_queue.put((number, data))

        self._pinning = threading.Thread(target=pin, daemon=True)
        self._pinning.start()

    def _reset(self, loader: DataLoader, first_iter: bool = False) -> None:
        super()._reset(loader, first_iter)
        self._send_idx = 0  # number of the next request
        self._rcvd_idx = 0  # number of the next batch to hand out
        # Requests not handed out yet: (worker,), or (worker, batch) where it came out of order.
        self._task_info: dict[int, tuple] = {}
        self._tasks_outstanding = 0
        self._workers_status = [True] * self._num_workers
        self._workers_num_tasks = [0] * self._num_workers
        self._next_worker = itertools.cycle(range(self._num_workers))
        if not first_iter:
            self._refuse_dead_workers()
            for requests in self._index_queues:
                requests.put(NextEpoch())
            waiting = self._num_workers
            while waiting:
                number, _ = self._get_data()
                waiting -= isinstance(number, NextEpoch)
        for _ in range(self._prefetch_factor * self._num_workers):
            self._try_put_index()

    def _try_get_data(self, timeout: float = _utils.MP_STATUS_CHECK_INTERVAL) -> tuple[bool, Any]:
        try:
            return True, self._data_queue.get(timeout=timeout)
        except Exception as error:
            self._refuse_dead_workers(error)
            if isinstance(error, queue.Empty):
                return False, None
            _refuse_lack_of_files()
            raise

    def _refuse_dead_workers(self, cause: Exception | None = None) -> None:
        failed = []
        for number, worker in enumerate(self._workers):
            if self._workers_status[number] and not worker.is_alive():
                failed.append(str(worker.pid))
                self._mark_worker_as_unavailable(number)
        if failed:
            self._failed = True
            raise RuntimeError(
                f"DataLoader worker (pid(s) {', '.join(failed)}) exited unexpectedly"
            ) from cause

    def _get_data(self) -> Any:
        if self._timeout > 0:
            arrived, data = self._try_get_data(self._timeout)
            if arrived:
                return data
            self._failed = True
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        while True:
            if self._pin_memory and not self._pinning.is_alive():
                raise RuntimeError("Pin memory thread exited unexpectedly")
            arrived, data = self._try_get_data()
            if arrived:
                return data

    def _next_data(self) -> Any:
        while True:
            # Requests to a worker whose stream has ended will not be answered.
            while self._rcvd_idx < self._send_idx:
                info = self._task_info.get(self._rcvd_idx)
                if info is not None:
                    if len(info) == 2 or self._workers_status[info[0]]:
                        break
                    del self._task_info[self._rcvd_idx]
                self._rcvd_idx += 1
            else:
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            if len(self._task_info[self._rcvd_idx]) == 2:
                worker, data = self._task_info.pop(self._rcvd_idx)
                self._rcvd_idx += 1
                return self._process_data(data, worker)
            if self._shutdown or self._tasks_outstanding <= 0:
                raise AssertionError(
                    "Invalid iterator state: shutdown or no outstanding tasks when fetching next "
                    "data"
                )
            number, data = self._get_data()
            self._tasks_outstanding -= 1
            if isinstance(data, StreamEnded):
                if self._persistent_workers:
                    self._workers_status[data.worker_id] = False
                else:
                    self._mark_worker_as_unavailable(data.worker_id)
                self._try_put_index()
                continue
            if number == self._rcvd_idx:
                self._rcvd_idx += 1
            elif self._in_order:
                self._task_info[number] += (data,)
                continue
            return self._process_data(data, self._task_info.pop(number)[0])

    def _try_put_index(self) -> None:
        most = self._prefetch_factor * self._num_workers
        try:
            index = self._next_index()
        except StopIteration:
            return
        for _ in range(self._num_workers):
            worker = next(self._next_worker)
            if self._workers_status[worker] and (
                self._in_order
                or self._workers_num_tasks[worker] < most // sum(self._workers_status)
            ):
                break
        else:
            return
        self._index_queues[worker].put((self._send_idx, index))
        self._task_info[self._send_idx] = (worker,)
        self._workers_num_tasks[worker] += 1
        self._tasks_outstanding += 1
        self._send_idx += 1

    def _process_data(self, data: Any, worker: int) -> Any:
        self._workers_num_tasks[worker] -= 1
        self._try_put_index()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    def _mark_worker_as_unavailable(self, worker: int, shutdown: bool = False) -> None:
        self._index_queues[worker].put(None)
        self._workers_status[worker] = False

    def _shutdown_workers(self) -> None:
        if self._shutdown or _utils is None or _utils.python_exit_status:
            return  # the interpreter ends: daemons end with it
        self._shutdown = True
        try:
            if self._pin_memory:
                self._pinning_done.set()
                self._worker_result_queue.put((None, None))
                self._pinning.join()
                self._worker_result_queue.cancel_join_thread()
                self._worker_result_queue.close()
            self._workers_done_event.set()
            for number in range(len(self._workers)):
                if self._persistent_workers or self._workers_status[number]:
                    self._mark_worker_as_unavailable(number, shutdown=True)
            # Together they get as long as one would; where one has failed, none is waited for, nor
            # where the garbage collector closed the queues first: no worker hears of the end.
            unheard = any(
                requests._close and not requests._close.still_active()
                for requests in self._index_queues
            )
            wait = 0 if self._failed or unheard else _utils.MP_STATUS_CHECK_INTERVAL
            end = time.monotonic() + wait
            for worker in self._workers:
                worker.join(timeout=max(0, end - time.monotonic()))
            for requests in self._index_queues:
                requests.cancel_join_thread()
                requests.close()
        finally:
            _utils.signal_handling.remove_worker_pids(id(self))
            alive = [worker for worker in self._workers if worker.is_alive()]
            for worker in alive:
                worker.terminate()
            for worker in alive:
                worker.join(timeout=_utils.MP_STATUS_CHECK_INTERVAL)

    def __del__(self) -> None:
        self._shutdown_workers()


def _refuse_lack_of_files() -> None:
    """Say so where an error came of too many open files."""
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(10):  # one file may still open
                stack.enter_context(tempfile.NamedTemporaryFile())
    except OSError as error:
        if error.errno == errno.EMFILE:
            raise RuntimeError(
                "Too many open files. Communication with the"
                " workers is no longer possible. Please increase the"
                " limit using `ulimit -n` in the shell or change the"
                " sharing strategy by calling"
                " `torch.multiprocessing.set_sharing_strategy('file_system')`"
                " at the beginning of your code"
            ) from None
