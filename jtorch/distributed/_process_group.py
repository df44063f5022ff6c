"""A group of processes.

A group is a communicator (``_engine/execution/communicator.py``) that is connected when the group
runs its first collective, and a thread that runs the collectives in order (``_work.py``). All that
is small goes by the store: addresses, and what processes say of themselves when they wait too long.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np

from .._core.device import Device
from .._core.traceback_filter import hidden_folders
from . import _debugging, _fake
from ._backends import Backend, BackendConfig, DebugLevel
from ._messages import Mailbox, MessageLane
from ._stores import Store
from ._work import Lane, Work
from .constants import default_pg_timeout


class ProcessGroup:
    """Processes that run collectives together.

    Made by ``init_process_group`` and ``new_group``.
    """

    __module__ = "torch.distributed.distributed_c10d"

    def __init__(self, store: Store, rank: int, size: int):
        self._set_up(store, list(range(size)), rank, default_pg_timeout, "gloo", "", "undefined")

    def _set_up(
        self,
        store: Store,
        ranks: list[int],
        rank: int,
        timeout: timedelta,
        backend: str,
        name: str,
        description: str,
    ) -> None:
        self._store = store
        self._ranks = ranks
        self._rank = rank
        self._timeout = timeout
        self._backend = backend
        self.group_name = name
        self.group_desc = description
        self.bound_device_id: Device | None = None
        self._calls = 0
        self._warned = False
        self._communicator: Any = None
        self._lane = Lane(
            f"jtorch-group-{name}", timeout.total_seconds(), self._report, self._mismatch
        )
        self._message_lanes: dict[tuple[int, int], MessageLane] = {}
        self._lanes_lock = threading.Lock()
        self._mailbox: Mailbox | None = None

    def rank(self) -> int:
        """Return the rank of this process in the group."""
        return self._rank

    def size(self) -> int:
        """Return how many processes it has."""
        return len(self._ranks)

    def name(self) -> str:
        """Return the name of its backend."""
        return str(self._backend)

    def get_group_store(self) -> Store:
        """Return the store that its processes share."""
        return self._store

    def set_timeout(self, timeout: timedelta) -> None:
        """Set how long a collective may take."""
        self._timeout = timeout
        self._lane.timeout = timeout.total_seconds()

    _set_default_timeout = set_timeout

    @property
    def _device_types(self) -> list[Device]:
        kinds = BackendConfig(self._backend).get_device_backend_map()
        return [Device(kind) for kind in kinds if kind in ("cpu", "cuda")]

    def _get_backend_name(self) -> str:
        return self.name()

    def _get_backend(self, device: Any) -> ProcessGroup:
        return self

    def _get_sequence_number_for_group(self) -> int:
        return self._calls

    # Running a collective

    def collective(
        self,
        name: str,
        kind: str,
        array: np.ndarray,
        form: tuple,
        take: Callable[[np.ndarray], Any],
        async_op: bool,
    ) -> Work | None:
        """Take part in a collective of the group.

        Args:
            name: PyTorch's.
            kind, array, form: as a communicator runs it.
            take: puts what this process gets into tensors; what it returns is the work's result.
            async_op: whether to return at once.
        Returns:
            The work where ``async_op``, else ``None``.

        Raises:
            RuntimeError: a process is gone, or did not come in time.
        """
        call, describe = self._next(name, kind, array, form)
        if async_op:
            return self._lane.remember(self._lane.submit(call, take, describe))
        self._lane.run(call, take, describe)
        return None

    def received(self, name: str, kind: str, array: np.ndarray, *form: Any) -> np.ndarray:
        """Take part in a collective, wait for it, and return what this process gets."""
        call, describe = self._next(name, kind, array, form)
        return self._lane.run(call, lambda got: got, describe)

    def _next(
        self, name: str, kind: str, array: np.ndarray, form: tuple
    ) -> tuple[Callable[[], np.ndarray], Callable[[], str]]:
        self._calls += 1
        number = self._calls
        if _debugging.level() is DebugLevel.DETAIL:
            self._compare(name, number, array)

        def call() -> np.ndarray:
            return self._connected().run(kind, array, *form)

        def describe() -> str:
            return f"{name}({array.dtype}{list(array.shape)}) #{number}"

        return call, describe

    def _connected(self) -> Any:
        """Return the communicator; the first collective connects it."""
        if self._communicator is None:
            self._communicator = self._connect(
                self._rank, len(self._ranks), "address", self._timeout.total_seconds()
            )
        return self._communicator

    def _connect(self, rank: int, size: int, key: str, seconds: float) -> Any:
        if size == 1 or self._backend == Backend.FAKE:
            return _fake.Communicator(rank, size, self)
        from .._engine.execution.communicator import Communicator

        store = self._store
        return Communicator(
            rank,
            size,
            publish=lambda address: store.set(key, address),
            look_up=lambda: store.get(key).decode(),
            host=own_address(store),
            timeout=seconds,
        )

    def message_lane(self, source: int, target: int) -> MessageLane:
        """Return what carries messages from one process of the group to another."""
        with self._lanes_lock:
            found = self._message_lanes.get((source, target))
            if found is None:
                found = MessageLane(self, source, target)
                self._message_lanes[source, target] = found
        return found

    def mailbox(self) -> Mailbox:
        """Return what receives messages of any process."""
        if self._mailbox is None:
            self._mailbox = Mailbox(self)
        return self._mailbox

    # What it says where processes do not come together

    def _report(self, work: Work) -> str:
        """Tell the others where this process waits; say, and warn once, where they do."""
        own = f"{work.describe()} at {_users_line()}"
        others = []
        try:
            self._store.set(f"waits/{self._rank}", f"{work.describe()}\n{own}")
            for rank in range(len(self._ranks)):
                if rank != self._rank and self._store.check([f"waits/{rank}"]):
                    where = self._store.get(f"waits/{rank}").decode().partition("\n")
                    if where[0] != work.describe():
                        others.append(f"rank {self._ranks[rank]} in {where[2]}")
        except RuntimeError:  # the store is gone: the collective says the rest
            return ""
        if not others:
            return ""
        told = f"rank {self._ranks[self._rank]} waits in {own}; {'; '.join(others)}"
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"processes wait for each other in different collectives: {told}", stacklevel=2
            )
        return told

    def _mismatch(self, work: Work) -> RuntimeError:
        """Return the error of processes that have met in different collectives."""
        own = f"{work.describe()} at {_users_line()}"
        told = [(self._ranks[self._rank], own)]
        with contextlib.suppress(RuntimeError):  # without the store there is less to say
            self._store.set(f"differs/{self._rank}", own)
            end = time.monotonic() + _MISMATCH_WAIT
            while len(told) == 1 and time.monotonic() < end:
                for rank, name in enumerate(self._ranks):
                    if rank != self._rank and self._store.check([f"differs/{rank}"]):
                        other = self._store.get(f"differs/{rank}").decode()
                        told.append((name, other))
                time.sleep(0.01)
        self._wait_for_all_to_see("differs")
        return _mismatch_of(told)

    def _compare(self, name: str, number: int, array: np.ndarray) -> None:
        """Raise where another process runs another collective (``TORCH_DISTRIBUTED_DEBUG``)."""
        own = (
            f"CollectiveFingerPrint(SequenceNumber={number}, OpType={name.upper().replace('_', '')}"
            f", TensorShape={list(array.shape)}, TensorDtypes={array.dtype}, TensorDeviceTypes=cpu)"
        )
        self._store.set(f"print/{number}/{self._rank}", own)
        for rank in range(len(self._ranks)):
            if rank == self._rank:
                continue
            other = self._store.get(f"print/{number}/{rank}").decode()
            if other != own:
                self._wait_for_all_to_see(str(number))
                raise _mismatch_of([(self._rank, own), (rank, other)])
        if number > 2:  # all have read that one, as they have come to this
            self._store.delete_key(f"print/{number - 2}/{self._rank}")

    def _wait_for_all_to_see(self, what: str) -> None:
        """Let no process end, and the store with it, that another one still asks."""
        with contextlib.suppress(RuntimeError):
            self._store.set(f"seen/{what}/{self._rank}", "1")
            seen = [f"seen/{what}/{rank}" for rank in range(len(self._ranks))]
            self._store.wait(seen, timedelta(seconds=_MISMATCH_WAIT))

    # Ends

    def _end(self) -> None:
        self._end_messages(LAST_WAIT)
        self._lane.end(LAST_WAIT)
        self._communicator = None

    def _end_messages(self, seconds: float) -> None:
        if self._mailbox is not None:
            self._mailbox.end()
        for each in self._message_lanes.values():
            each.end(seconds)
        self._message_lanes.clear()

    def shutdown(self) -> None:
        """End the group in this process."""
        self._end()

    abort = shutdown


#: Seconds that a process waits to be told what the others run instead.
_MISMATCH_WAIT = 2.0
#: Seconds that messages under way get when a process ends or leaves a group.
LAST_WAIT = 5.0


def _mismatch_of(told: list[tuple[int, str]]) -> RuntimeError:
    """Processes do not run the same collective; ``told`` is which runs what."""
    parts = [f"Rank {rank} is running collective: {what}" for rank, what in told]
    return RuntimeError(f"Detected mismatch between collectives on ranks. {', but '.join(parts)}.")


def own_address(store: Store) -> str:
    """Return the address of this process that others reach it at: of the way to the store."""
    base: Any = store
    while getattr(base, "underlying_store", None) is not None:
        base = base.underlying_store
    host, port = getattr(base, "host", None), getattr(base, "port", None)
    if not host or not port:
        return _address_of_host_name()
    kind = socket.AF_INET
    try:
        kind, _, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(kind, socket.SOCK_DGRAM) as probe:
            probe.connect(target)
            return probe.getsockname()[0]
    except OSError:
        return "127.0.0.1"


def _address_of_host_name() -> str:
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"


def _users_line() -> str:
    """Return the file and line of the user's that called what runs now."""
    hidden = hidden_folders()
    frame: Any = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith((*hidden, "<frozen")) and os.sep + "threading.py" not in file:
            return f"{os.path.basename(file)}:{frame.f_lineno}"
        frame = frame.f_back
    return "?"
