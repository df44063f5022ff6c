"""Workers that a launcher starts together, as commands or as functions."""

from __future__ import annotations

import abc
import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from ._cores import give_cores
from ._streams import DefaultLogsSpecs, LogsDest, LogsSpecs, Std, TailLog, to_map
from .errors import ProcessFailure, record

__all__ = [
    "DefaultLogsSpecs",
    "LogsDest",
    "LogsSpecs",
    "MultiprocessContext",
    "PContext",
    "RunProcsResult",
    "SignalException",
    "Std",
    "SubprocessContext",
    "start_processes",
    "to_map",
]

logger = logging.getLogger(__name__)

#: Seconds that workers have to end after they were asked to.
GRACE = 30
_PAUSE = 0.05


class SignalException(Exception):
    """The launcher got a signal; ``sigval`` is which."""

    def __init__(self, msg: str, sigval: signal.Signals):
        super().__init__(msg)
        self.sigval = sigval


def raise_signal(signum: int, frame: FrameType | None) -> None:
    """Raise ``SignalException``: the handler of the signals that a launcher passes on."""
    received = signal.Signals(signum)
    raise SignalException(f"Process {os.getpid()} got signal: {received}", sigval=received)


@dataclass
class RunProcsResult:
    """How workers ended: what functions returned, who failed, and where the output lies."""

    return_values: dict[int, Any] = field(default_factory=dict)
    failures: dict[int, ProcessFailure] = field(default_factory=dict)
    stdouts: dict[int, str] = field(default_factory=dict)
    stderrs: dict[int, str] = field(default_factory=dict)

    def is_failed(self) -> bool:
        """Return whether a worker failed."""
        return len(self.failures) > 0


class PContext(abc.ABC):
    """Workers by local rank, watched together: the first failure ends the others.

    Args:
        name: of the program, for messages.
        entrypoint: what each worker runs.
        args, envs: the arguments and the environment of each.
        logs: where the output goes.
        prefixes: what stands before the lines of each that are shown from files.
    """

    def __init__(
        self,
        name: str,
        entrypoint: Callable[..., Any] | str,
        args: Mapping[int, tuple[Any, ...]],
        envs: Mapping[int, Mapping[str, str]],
        logs: LogsDest,
        prefixes: Mapping[int, str],
    ):
        self.name, self.entrypoint = name, entrypoint
        self.args, self.nprocs = args, len(envs)
        self.envs = {
            rank: {**env, "TORCHELASTIC_ERROR_FILE": logs.error_files[rank]}
            for rank, env in envs.items()
        }
        self.logs = logs
        self._codes: dict[int, int] = {}
        self._failures: dict[int, ProcessFailure] = {}
        self._prefixes = prefixes
        self._shown: list[TailLog] = []
        self.grace: float = GRACE

    def start(self) -> None:
        """Start the workers."""
        self._shown = [
            TailLog(self.logs.tee_stdouts, sys.stdout, self._prefixes),
            TailLog(self.logs.tee_stderrs, sys.stderr, self._prefixes),
        ]
        try:
            for rank in range(self.nprocs):
                self._start(rank)
                give_cores(self._pid(rank), rank, self.nprocs)
        except BaseException:
            self.close()
            raise

    def wait(self, timeout: float = -1, period: float = 1) -> RunProcsResult | None:
        """Wait until all workers have ended or one has failed, which ends the others.

        Args:
            timeout: seconds to wait at most; 0 looks once, a negative number has no limit.
            period: seconds between looks.
        Returns:
            How they ended, or ``None`` where they still run.
        """
        end = None if timeout < 0 else time.monotonic() + timeout
        while True:
            result = self._poll()
            if result is not None or (end is not None and time.monotonic() >= end):
                return result
            time.sleep(min(period, _PAUSE))

    def pids(self) -> dict[int, int]:
        """Return the processes by local rank."""
        return {rank: self._pid(rank) for rank in range(self.nprocs)}

    def close(self, death_sig: signal.Signals | None = None, timeout: float | None = None) -> None:
        """End the workers that still run.

        Args:
            death_sig: what they are asked with, ``SIGTERM`` where it is not given.
            timeout: seconds that they have to end before they are killed.
        """
        death_sig = death_sig or signal.SIGTERM
        running = [rank for rank in range(self.nprocs) if self._code(rank) is None]
        for rank in running:
            pid = self._pid(rank)
            if pid:
                logger.warning("Sending process %s closing signal %s", pid, death_sig.name)
                self._send(rank, death_sig)
        end = time.monotonic() + (self.grace if timeout is None else timeout)
        while any(self._code(rank) is None for rank in running) and time.monotonic() < end:
            time.sleep(_PAUSE)
        for rank in running:
            if self._code(rank) is None and self._pid(rank):
                logger.warning(
                    "Unable to shutdown process %s via %s, forcefully exiting via %s",
                    self._pid(rank),
                    death_sig.name,
                    signal.SIGKILL.name,
                )
                self._send(rank, signal.SIGKILL)
        for rank in running:
            self._join(rank)
        for shown in self._shown:
            shown.stop()
        self._shown = []

    def failures(self) -> dict[int, ProcessFailure]:
        """Return who has failed, also of those that were ended."""
        for rank in range(self.nprocs):
            code = self._code(rank)
            if code and rank not in self._failures:
                path = self.logs.error_files[rank]
                self._failures[rank] = ProcessFailure(rank, self._pid(rank), code, path)
        return self._failures

    def _poll(self) -> RunProcsResult | None:
        codes = [self._code(rank) for rank in range(self.nprocs)]
        stdouts, stderrs = self.logs.stdouts, self.logs.stderrs
        if any(codes):
            first = min(self.failures().values(), key=lambda failure: failure.timestamp)
            self.close()
            logger.error(
                "failed (exitcode: %s) local_rank: %s (pid: %s) of %s",
                first.exitcode,
                first.local_rank,
                first.pid,
                self._what(),
            )
            return RunProcsResult({}, dict(self.failures()), stdouts, stderrs)
        if None in codes:
            return None
        self.close()
        values = {rank: self._value(rank) for rank in range(self.nprocs)}
        return RunProcsResult(values, {}, stdouts, stderrs)

    @abc.abstractmethod
    def _start(self, rank: int) -> None: ...

    @abc.abstractmethod
    def _pid(self, rank: int) -> int: ...

    @abc.abstractmethod
    def _code(self, rank: int) -> int | None: ...

    @abc.abstractmethod
    def _join(self, rank: int) -> None: ...

    @abc.abstractmethod
    def _what(self) -> str: ...

    def _value(self, rank: int) -> Any:
        return None

    def _send(self, rank: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid(rank), number)


class SubprocessContext(PContext):
    """Workers that are commands."""

    def __init__(self, *args: Any):
        super().__init__(*args)
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def _start(self, rank: int) -> None:
        with contextlib.ExitStack() as files:
            out, err = (
                files.enter_context(open(path, "wb")) if path else None
                for path in (self.logs.stdouts[rank], self.logs.stderrs[rank])
            )
            self._processes[rank] = subprocess.Popen(
                [str(self.entrypoint), *map(str, self.args[rank])],
                env={**os.environ, **self.envs[rank]},
                stdout=out,
                stderr=err,
            )

    def _pid(self, rank: int) -> int:
        process = self._processes.get(rank)
        return 0 if process is None else process.pid

    def _code(self, rank: int) -> int | None:
        process = self._processes.get(rank)
        return None if process is None else process.poll()

    def _join(self, rank: int) -> None:
        if rank in self._processes:
            self._processes[rank].wait()

    def _what(self) -> str:
        return f"binary: {self.entrypoint}"


class MultiprocessContext(PContext):
    """Workers that are calls of a function, in processes of ``multiprocessing``."""

    def __init__(self, *args: Any, start_method: str = "spawn"):
        super().__init__(*args)
        self._context: Any = multiprocessing.get_context(start_method)
        self._processes: dict[int, Any] = {}

    def _result_file(self, rank: int) -> str:
        return os.path.join(os.path.dirname(self.logs.error_files[rank]), "result.pickle")

    def _start(self, rank: int) -> None:
        described = (
            self.entrypoint,
            self.args[rank],
            self.envs[rank],
            self.logs.stdouts[rank],
            self.logs.stderrs[rank],
            self._result_file(rank),
        )
        process = self._context.Process(target=_call, args=described, daemon=True)
        process.start()
        self._processes[rank] = process

    def _pid(self, rank: int) -> int:
        process = self._processes.get(rank)
        return 0 if process is None else process.pid

    def _code(self, rank: int) -> int | None:
        process = self._processes.get(rank)
        return None if process is None else process.exitcode

    def _join(self, rank: int) -> None:
        if rank in self._processes:
            self._processes[rank].join()

    def _what(self) -> str:
        name = getattr(self.entrypoint, "__qualname__", self.entrypoint)
        return f"fn: {name} (start_method: {self._context.get_start_method()})"

    def _value(self, rank: int) -> Any:
        with open(self._result_file(rank), "rb") as file:
            value = pickle.load(file)
        os.remove(self._result_file(rank))
        return value


def _call(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    env: dict[str, str],
    stdout: str,
    stderr: str,
    result: str,
) -> None:
    """Run a worker's function in its process."""
    os.environ.update(env)
    for path, stream in ((stdout, sys.stdout), (stderr, sys.stderr)):
        if path:
            stream.flush()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(descriptor, stream.fileno())
            os.close(descriptor)
    value = record(function)(*args)
    with open(result, "wb") as file:
        pickle.dump(value, file)


def start_processes(
    name: str,
    entrypoint: Callable[..., Any] | str,
    args: dict[int, tuple[Any, ...]],
    envs: dict[int, dict[str, str]],
    logs_specs: LogsSpecs,
    log_line_prefixes: dict[int, str] | None = None,
    start_method: str = "spawn",
) -> PContext:
    """Start workers, by local rank.

    Args:
        name: of the program.
        entrypoint: a function, or a command.
        args: the arguments of each.
        envs: what the environment of each has besides this one's.
        logs_specs: where the output goes.
        log_line_prefixes: what stands before the lines that are shown from files.
        start_method: how the process of a function is started: one of Python's ways.
    Returns:
        The workers, to wait for.
    Raises:
        RuntimeError: arguments and environments are of other ranks.
    """
    ranks = set(range(len(envs)))
    if set(args) != ranks or set(envs) != ranks:
        raise RuntimeError(
            "the local ranks of args and envs must be 0 to n - 1: "
            f"args has {sorted(args)}, envs {sorted(envs)}"
        )
    logs = logs_specs.reify(envs)
    prefixes = {rank: f"[{name}{rank}]:" for rank in ranks} | (log_line_prefixes or {})
    described = (name, entrypoint, args, envs, logs, prefixes)
    context: PContext
    if isinstance(entrypoint, str):
        context = SubprocessContext(*described)
    else:
        context = MultiprocessContext(*described, start_method=start_method)
    context.start()
    return context
