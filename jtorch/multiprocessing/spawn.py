"""Several processes of one function, which fail together: ``torch.multiprocessing.spawn``."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .._core import traceback_filter

__all__ = [
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "SpawnContext",
    "spawn",
    "start_processes",
]

#: Seconds that the processes left over have to end after they were asked to.
_GRACE = 30.0


class ProcessException(Exception):
    """A started process failed; ``error_index`` and ``error_pid`` say which."""

    def __init__(self, msg: str, error_index: int, error_pid: int):
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.error_pid = error_pid

    def __reduce__(self) -> tuple:
        return type(self), (self.msg, self.error_index, self.error_pid)


class ProcessRaisedException(ProcessException):
    """The function raised; the message holds its traceback."""


class ProcessExitedException(ProcessException):
    """A process ended by a signal or with an exit code."""

    def __init__(
        self,
        msg: str,
        error_index: int,
        error_pid: int,
        exit_code: int,
        signal_name: str | None = None,
    ):
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name

    def __reduce__(self) -> tuple:
        described = (self.msg, self.error_index, self.error_pid, self.exit_code, self.signal_name)
        return type(self), described


#: Of ``prctl``: send this process a signal when its parent ends.
_PARENT_DEATH_SIGNAL = 1


def _end_with(parent: int) -> None:
    """Let the kernel interrupt this process when its parent is killed; Linux alone can."""
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGINT))
    if os.getppid() != parent:  # it had ended before
        os.kill(os.getpid(), signal.SIGINT)


def _run(
    function: Callable, index: int, args: tuple, error_file: str, parent: int | None = None
) -> None:
    if parent is not None:
        _end_with(parent)
    try:
        function(index, *args)
    except KeyboardInterrupt:
        pass  # the parent was interrupted too, and says so
    except Exception as error:
        traceback_filter.strip(error)
        with open(error_file, "wb") as stream:
            pickle.dump(traceback.format_exc(), stream)
        sys.exit(1)


class ProcessContext:
    """Processes that were started together."""

    def __init__(self, processes: Sequence[Any], error_files: Sequence[str]):
        self.processes = processes
        self.error_files = error_files
        self.sentinels = {process.sentinel: index for index, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """Return the ids of the processes."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait for the processes; when one fails, end the others and raise.

        Args:
            timeout: seconds to wait at most.
            grace_period: seconds that the others have to end by themselves after a failure, and
                again after they were asked to.
        Returns:
            Whether all have ended.
        Raises:
            ProcessRaisedException: the function raised in a process.
            ProcessExitedException: a process ended by a signal or with an exit code.
        """
        if not self.sentinels:
            return True
        failed = None
        for sentinel in multiprocessing.connection.wait(list(self.sentinels), timeout):
            index = self.sentinels.pop(sentinel)  # type: ignore[index]
            self.processes[index].join()
            if self.processes[index].exitcode != 0:
                failed = index
                break
        if failed is None:
            return not self.sentinels
        self._end_all(grace_period)
        raise self._failure(failed)

    def _end_all(self, grace_period: float | None) -> None:
        if grace_period is not None:
            self._wait(grace_period)
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        self._wait(_GRACE if grace_period is None else grace_period)
        for process in self.processes:
            if process.is_alive():
                process.kill()
            process.join()

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, end - time.monotonic()))

    def _failure(self, index: int) -> ProcessException:
        process = self.processes[index]
        code = process.exitcode
        if os.access(self.error_files[index], os.R_OK):
            with open(self.error_files[index], "rb") as stream:
                trace = pickle.load(stream)
            message = f"\n\n-- Process {index:d} terminated with the following error:\n{trace}"
            return ProcessRaisedException(message, index, process.pid)
        if code >= 0:
            message = f"process {index:d} terminated with exit code {code:d}"
            return ProcessExitedException(message, index, process.pid, code)
        name = f"<Unknown signal {-code}>"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
        message = f"process {index:d} terminated with signal {name}"
        return ProcessExitedException(message, index, process.pid, code, name)


class SpawnContext(ProcessContext):
    """The former name of ``ProcessContext``."""

    def __init__(self, processes: Sequence[Any], error_files: Sequence[str]):
        warnings.warn("SpawnContext is renamed to ProcessContext since 1.4 release.", stacklevel=2)
        super().__init__(processes, error_files)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def start_processes(
    fn: Callable,
    args: tuple = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Start processes that call ``fn(index, *args)``.

    Args:
        fn: the function, importable by name unless the start method is ``"fork"``.
        args: its further arguments.
        nprocs: how many processes.
        join: whether to wait for them.
        daemon: whether they end with this process.
        start_method: one of Python's.
    Returns:
        ``None``, or the processes where they are not waited for.
    Raises:
        ProcessException: a process failed.
    """
    context: Any = multiprocessing.get_context(start_method)
    processes, files = [], []
    # The kernel counts the end of the thread that starts them, and a forkserver is in between.
    directly = start_method != "forkserver" and _is_main_thread()
    parent = os.getpid() if directly else None
    for index in range(nprocs):
        with tempfile.NamedTemporaryFile(prefix="jtorch-error-", suffix=".pickle") as file:
            name = file.name
        process = context.Process(target=_run, args=(fn, index, args, name, parent), daemon=daemon)
        process.start()
        processes.append(process)
        files.append(name)
    started = ProcessContext(processes, files)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable,
    args: tuple = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Start processes by ``spawn``; see ``start_processes``."""
    if start_method != "spawn":
        message = (
            f"This method only supports start_method=spawn (got: {start_method}).\n"
            "To use a different start_method use:\n\t\t"
            " torch.multiprocessing.start_processes(...)"
        )
        warnings.warn(message, FutureWarning, stacklevel=2)
    return start_processes(fn, args, nprocs, join, daemon, start_method="spawn")
