"""What a collective is while it runs: ``Work``, and the thread that runs those of a group in order.

Each group has a thread of its own, which runs the group's collectives one after another. The thread
that calls one waits for it, with the group's time limit, or goes on where it asked for
``async_op=True``. Tensors get their new elements in the thread that waits, never behind its back.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from .._engine.execution.failures import MismatchError
from ..futures import Future

#: Seconds in a collective after which a process tells the others where it waits, and asks them.
PATIENCE = 10.0


class Work:
    """A collective under way, or done.

    Made by collectives with ``async_op=True``, ``isend`` and ``irecv``. What it computes is in the
    tensors once ``wait`` has returned, or ``is_completed`` has said so.
    """

    def __init__(self) -> None:
        self._done = threading.Event()
        self._error: BaseException | None = None
        self._delivered = True
        self._call: Callable[[], Any] | None = None
        self._take: Callable[[Any], Any] | None = None
        self._found: Any = None
        self._result: Any = None
        self._lane: Lane | None = None
        self._future: Future | None = None
        self.describe: Callable[[], str] = lambda: "a collective"

    # In the group's thread

    def _run(self) -> None:
        assert self._call is not None
        try:
            self._found = self._call()
        except BaseException as error:
            self._error = error
        self._call = None
        self._done.set()

    # In the thread of whoever called it

    def is_completed(self) -> bool:
        """Return whether it is done; if so, the tensors have their new elements."""
        if not self._done.is_set():
            return False
        if self._error is None:
            self._deliver()
        return True

    def is_success(self) -> bool:
        """Return whether it is done and did not fail."""
        return self.is_completed() and self._error is None

    def exception(self) -> BaseException | None:
        """Return why it failed, ``None`` where it did not."""
        return self._error

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Wait until it is done, and give the tensors their new elements.

        Args:
            timeout: how long at most; the group's limit unless given.
        Returns:
            ``True``.

        Raises:
            RuntimeError: it failed, or took too long.
        """
        limit = None if timeout is None else timeout.total_seconds()
        self._wait(limit if limit else None)
        return True

    def synchronize(self) -> None:
        """Wait until it is done, as ``wait`` does."""
        self._wait(None)

    def result(self) -> list[Any]:
        """Return the tensors that it filled."""
        self._wait(None)
        return _as_list(self._result)

    def source_rank(self) -> int:
        """Return the rank that a message came from."""
        self._wait(None)
        return self._source

    _source = 0

    def get_future(self) -> Future:
        """Return a future whose value are the tensors that it fills."""
        future = self._future
        if future is None:
            future = self._future = _FutureOfWork(self)
        return future

    def _wait(self, limit: float | None) -> None:
        if not self._done.is_set():
            assert self._lane is not None
            self._lane.wait_for(self, limit)
        if self._error is not None:
            if self._lane is not None:
                self._lane.name_mismatch(self)
            raise self._error.with_traceback(None)
        self._deliver()

    def _deliver(self) -> None:
        if not self._delivered:
            self._delivered = True
            found, self._found = self._found, None
            assert self._take is not None
            self._result = self._take(found)
            self._take = None


def _as_list(result: Any) -> list[Any]:
    if result is None:
        return []
    return list(result) if isinstance(result, (list, tuple)) else [result]


class _FutureOfWork(Future):
    """The future of a collective: who waits for it waits for the collective."""

    def __init__(self, work: Work):
        super().__init__()
        self._work = work

    def done(self) -> bool:
        self._settle(self._work.is_completed())
        return super().done()

    def wait(self) -> Any:
        self._settle(True)
        return super().wait()

    def value(self) -> Any:
        self._settle(True)
        return super().value()

    def then(self, callback: Callable[[Any], Any]) -> Future:
        # Collectives end in order, so to wait here cannot wait for what comes later.
        self._settle(True)
        return super().then(callback)

    def _settle(self, now: bool) -> None:
        if not now or super().done():
            return
        try:
            self.set_result(self._work.result())
        except RuntimeError as error:
            self.set_exception(error)


def completed(result: Any = None) -> Work:
    """Return the work of something that is done already."""
    work = Work()
    work._result = result
    work._done.set()
    return work


class Lane:
    """The thread of a group, and what it has been given.

    Args:
        name: what the thread is called.
        timeout: seconds that one may take.
        report: called when one takes longer than ``PATIENCE``; returns where processes wait, where
            they wait in different collectives.
        mismatch: called when processes have met in different collectives; returns what is raised.
    """

    def __init__(
        self,
        name: str,
        timeout: float,
        report: Callable[[Work], str] | None = None,
        mismatch: Callable[[Work], BaseException] | None = None,
    ):
        self.name = name
        self.timeout = timeout
        self.report = report
        self.mismatch = mismatch
        self.failure: BaseException | None = None
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._undelivered: list[Work] = []

    def submit(
        self,
        call: Callable[[], Any],
        take: Callable[[Any], Any],
        describe: Callable[[], str],
    ) -> Work:
        """Run a call after all that were submitted before.

        Args:
            call: in the thread of the group.
            take: with what it returned, in the thread that waits.
            describe: what it is, in a few words.
        """
        work = Work()
        work._call = self._guarded(call)
        work._take, work._delivered, work._lane = take, False, self
        work.describe = describe
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name=self.name, daemon=True)
            self._thread.start()
        self._queue.put(work)
        return work

    def run(
        self, call: Callable[[], Any], take: Callable[[Any], Any], describe: Callable[[], str]
    ) -> Any:
        """Run a call and wait for it; return what ``take`` returned."""
        work = self.submit(call, take, describe)
        work._wait(None)
        self.deliver()
        return work._result

    def remember(self, work: Work) -> Work:
        """Give a work's tensors their elements at the next call that waits, if not before."""
        self._undelivered.append(work)
        return work

    def deliver(self) -> None:
        """Give the tensors of all that is done their elements."""
        if self._undelivered:
            self._undelivered = [each for each in self._undelivered if not each.is_completed()]

    def _guarded(self, call: Callable[[], Any]) -> Callable[[], Any]:
        def guarded() -> Any:
            if self.failure is not None:
                raise self.failure.with_traceback(None)
            try:
                return call()
            except Exception as error:
                self.failure = explained(error)
                raise self.failure from None

        return guarded

    def _serve(self) -> None:
        while True:
            work = self._queue.get()
            if work is None:
                return
            work._run()
            del work

    def wait_for(self, work: Work, limit: float | None) -> None:
        """Wait until a work is done.

        Raises:
            RuntimeError: it took longer than the limit.
        """
        limit = self.timeout if limit is None else limit
        end = time.monotonic() + limit
        if work._done.wait(min(limit, PATIENCE)):
            return
        while not work._done.is_set():
            told = self.report(work) if self.report is not None else ""
            left = end - time.monotonic()
            if left <= 0:
                failure = timed_out(limit, told)
                if self.failure is None:
                    self.failure = failure
                raise failure
            work._done.wait(min(left, 1.0))

    def name_mismatch(self, work: Work) -> None:
        """Let a work's error say what the processes run that have met in different collectives."""
        if isinstance(work._error, MismatchError) and self.mismatch is not None:
            named = self.mismatch(work)
            if self.failure is work._error:
                self.failure = named
            work._error = named

    def end(self, limit: float) -> None:
        """Let the thread finish what it was given, for some seconds."""
        if self._thread is not None:
            self._queue.put(None)
            if self.failure is None:
                self._thread.join(limit)


def timed_out(seconds: float, told: str = "") -> RuntimeError:
    """A collective took longer than its limit; ``told`` is where processes wait."""
    milliseconds = math.ceil(seconds * 1000)
    words = f"Timed out waiting {milliseconds}ms for recv operation to complete"
    return RuntimeError(f"{words}\n{told}" if told else words)


def explained(error: Exception) -> Exception:
    """Return what PyTorch raises where XLA raised an error of its network layer."""
    words = str(error)
    _, found, rest = words.partition("failed: ")
    if "Gloo" in words and found:
        return RuntimeError(rest)
    return error
