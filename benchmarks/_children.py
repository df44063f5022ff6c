"""Run a process to its end under a time limit, with its wall time and its peak memory."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

#: The folder that holds the package.
ROOT = Path(__file__).resolve().parent.parent


def environment_with(variables: dict[str, str]) -> dict[str, str]:
    """Return the environment of a process that finds the package here, with some variables set.

    It may keep bytecode, since what pip installs has it, PyTorch as well: without, each process
    would compile half a megabyte of the package's own source, a second.
    """
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | variables
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


@dataclasses.dataclass
class Run:
    """What became of a process.

    Attributes:
        seconds: wall time from its start to its exit.
        cpu_seconds: what all its threads computed, in user and in system mode.
        peak_mib: the most resident memory it ever had.
        output: its standard output.
        trouble: why it counts as failed, else ``None``.
        timed_out: whether it was stopped at the time limit.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str
    trouble: str | None = None
    timed_out: bool = False


def run_child(
    command: list[str], folder: Path, environment: dict[str, str], time_limit: float
) -> Run:
    """Run a command and wait for its exit, or stop it and all it started at the time limit.

    The memory is the kernel's own account (``ru_maxrss``), which needs no watching. It begins with
    that of the process which started the child, so that this one should stay small.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
        expired = threading.Event()

        def stop() -> None:
            expired.set()
            with contextlib.suppress(ProcessLookupError):  # it ended at the same moment
                os.killpg(child.pid, signal.SIGKILL)

        alarm = threading.Timer(time_limit, stop)
        alarm.start()
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            stop()
            raise
        finally:
            alarm.cancel()
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        run = Run(
            seconds,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 2**10,
            _text(output),
        )
        if expired.is_set():
            run.trouble, run.timed_out = f"not done in {time_limit:g} s", True
        elif child.returncode:
            last = _text(errors).strip().splitlines()[-1:] or [f"exit status {child.returncode}"]
            run.trouble = last[0][:200]
    return run


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
