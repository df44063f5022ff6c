"""Run one program in several processes that find each other, and collect what each one did."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from compat_tests.helpers.paths import ROOT

#: Seconds that the processes of a test have.
TIME_LIMIT = 120.0


@dataclasses.dataclass
class Result:
    """How one process ended."""

    rank: int
    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool

    @property
    def lines(self) -> list[str]:
        """The lines of its standard output."""
        return self.stdout.splitlines()


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def child_environment(**settings: str) -> dict[str, str]:
    """Return the environment of a process of a test: this one's, with the project importable."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
        and not name.startswith("TORCHELASTIC_")
    }
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**inherited, "PYTHONPATH": path, "TORCH_CPP_LOG_LEVEL": "FATAL", **settings}


def command_of(library: str) -> list[str]:
    """Return the beginning of the command line that runs a program on ``jtorch`` or ``torch``."""
    return [sys.executable, *(["-m", "jtorch"] if library == "jtorch" else [])]


def run_processes(
    script: str | Path,
    processes: int = 2,
    *,
    library: str = "jtorch",
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    time_limit: float = TIME_LIMIT,
    grace: float | None = None,
) -> list[Result]:
    """Run a program in several processes at once, as ``torchrun`` would start them.

    Args:
        script: the text of the program, in which ``import torch`` gives the library; or its file.
        processes: how many; each has RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE, MASTER_ADDR
            and MASTER_PORT.
        library: ``"jtorch"`` or ``"torch"``.
        arguments: of the program.
        environment: settings besides.
        time_limit: seconds after which those that still run are killed.
        grace: seconds that the others have after one has failed, where that is less.
    Returns:
        The results by rank. Nothing raises: a failure is for the test to look at.
    """
    with tempfile.TemporaryDirectory(prefix="jtorch-processes-") as folder:
        if isinstance(script, str):
            path = Path(folder) / "program.py"
            path.write_text(textwrap.dedent(script), encoding="utf-8")
        else:
            path = script
        world = {
            "WORLD_SIZE": str(processes),
            "LOCAL_WORLD_SIZE": str(processes),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(free_port()),
            "OMP_NUM_THREADS": "1",
            **(environment or {}),
        }
        command = [*command_of(library), str(path), *arguments]
        started = [
            subprocess.Popen(
                command,
                env=child_environment(RANK=str(rank), LOCAL_RANK=str(rank), **world),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            for rank in range(processes)
        ]
        return _collect(started, time_limit, grace)


def _collect(
    started: list[subprocess.Popen[str]], time_limit: float, grace: float | None
) -> list[Result]:
    outputs: list[tuple[str, str]] = [("", "")] * len(started)
    over = threading.Event()

    def read(rank: int) -> None:
        outputs[rank] = started[rank].communicate()
        if started[rank].returncode != 0:
            over.set()

    readers = [threading.Thread(target=read, args=(rank,)) for rank in range(len(started))]
    for reader in readers:
        reader.start()
    if grace is not None:
        threading.Thread(target=_join_all, args=(readers, over), daemon=True).start()
        if over.wait(time_limit):
            time_limit = grace
    _wait_for(readers, time_limit)
    killed = {rank for rank, reader in enumerate(readers) if reader.is_alive()}
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with what it has started itself
    for reader in readers:
        reader.join()
    return [
        Result(rank, process.returncode, *outputs[rank], timed_out=rank in killed)
        for rank, process in enumerate(started)
    ]


def _join_all(readers: list[threading.Thread], over: threading.Event) -> None:
    for reader in readers:
        reader.join()
    over.set()


def _wait_for(readers: list[threading.Thread], seconds: float) -> None:
    end = time.monotonic() + seconds
    for reader in readers:
        reader.join(max(0.0, end - time.monotonic()))


def succeed(results: Sequence[Result]) -> list[list[str]]:
    """Return the lines that each process has printed.

    Raises:
        AssertionError: one has failed; all standard errors are shown.
    """
    if any(result.exit_code != 0 or result.timed_out for result in results):
        told = "\n".join(
            f"--- rank {result.rank}: exit code {result.exit_code}"
            f"{', killed at the time limit' if result.timed_out else ''}\n"
            f"{result.stdout}{result.stderr}"
            for result in results
        )
        raise AssertionError(f"a process has failed\n{told}")
    return [result.lines for result in results]
