"""What the two kinds of ``DataLoader`` iterators are made of."""

from __future__ import annotations

import atexit

#: Seconds after which a process that waits for another looks whether that one is alive.
MP_STATUS_CHECK_INTERVAL = 5.0
#: Whether the interpreter is ending: the queues may be gone by then.
python_exit_status = False


def _set_python_exit_flag() -> None:
    global python_exit_status
    python_exit_status = True


atexit.register(_set_python_exit_flag)

from . import collate, fetch, pin_memory, signal_handling, worker  # noqa: E402, F401
