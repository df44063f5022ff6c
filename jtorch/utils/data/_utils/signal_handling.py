"""Noticing at once that a worker died, instead of waiting for its data for ever."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

#: The workers of each loader's iterator, by its id.
_workers: dict[int, tuple[int, ...]] = {}
_handler_set = False


def set_worker_pids(key: int, pids: tuple[int, ...]) -> None:
    """Watch the processes."""
    _workers[key] = pids


def remove_worker_pids(key: int) -> None:
    """Watch them no longer."""
    _workers.pop(key, None)


def error_if_any_worker_fails() -> None:
    """Raise for a watched process that was killed or ended with an exit code.

    Raises:
        RuntimeError: one was.
    """
    for key, pids in list(_workers.items()):
        for pid in pids:
            try:
                status = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                continue
            if status is None or (status.si_code == os.CLD_EXITED and status.si_status == 0):
                continue
            _workers[key] = ()  # said once
            if status.si_code == os.CLD_EXITED:
                raise RuntimeError(
                    f"DataLoader worker (pid {pid}) exited unexpectedly with exit code "
                    f"{status.si_status}. Details are lost due to multiprocessing. Rerunning with "
                    "num_workers=0 may give better error trace."
                )
            signal_name = signal.strsignal(status.si_status)
            raise RuntimeError(
                f"DataLoader worker (pid {pid}) is killed by signal: {signal_name}. "
            )


def set_handler() -> None:
    """Look at the workers whenever a child process ends; the handler there was is called too."""
    global _handler_set
    if _handler_set or not hasattr(signal, "SIGCHLD"):
        return
    if threading.current_thread() is not threading.main_thread():
        return
    previous: Any = signal.getsignal(signal.SIGCHLD)

    def handler(number: int, frame: Any) -> None:
        error_if_any_worker_fails()
        if callable(previous):
            previous(number, frame)

    signal.signal(signal.SIGCHLD, handler)
    _handler_set = True
