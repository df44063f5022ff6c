"""Values that another thread will set: ``torch.futures``."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from .._core.device import Device

__all__ = ["Future", "collect_all", "wait_all"]


class Future:
    """A value, or an exception, that is set once and may be waited for.

    Functions given to ``then`` and ``add_done_callback`` are called by the thread that sets it, in
    the order in which they were given, or at once where it is set already.

    Args:
        devices: where tensors in the value may lie; the CPU needs no mention.
    """

    __module__ = "torch.jit"

    def __init__(self, *, devices: list[Any] | None = None):
        for device in devices or ():
            Device(device)
        self._changed = threading.Condition()
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], None]] = []

    def __class_getitem__(cls, item: Any) -> type[Future]:
        return cls

    def __repr__(self) -> str:
        return f"<torch.jit.Future object at {id(self):#x}>"

    def done(self) -> bool:
        """Return whether there is a value or an exception."""
        return self._done

    def wait(self) -> Any:
        """Wait for the value and return it, or raise the exception."""
        with self._changed:
            self._changed.wait_for(lambda: self._done)
        if self._error is not None:
            raise self._error
        return self._value

    def value(self) -> Any:
        """Return the value of a future that is done, or raise its exception.

        Raises:
            RuntimeError: it is not done.
        """
        if not self._done:
            raise RuntimeError(
                "completed() INTERNAL ASSERT FAILED, please report a bug to PyTorch."
            )
        return self.wait()

    def then(self, callback: Callable[[Future], Any]) -> Future:
        """Return a future of what a function makes of this one, called when this one is done.

        Args:
            callback: takes this future; what it raises, the new one raises.
        """
        following: Future = Future()

        def call() -> None:
            try:
                result = callback(self)
            except Exception as error:
                following._finish(None, RuntimeError(_failure(error)))
            else:
                following._finish(result, None)

        self._when_done(call)
        return following

    def add_done_callback(self, callback: Callable[[Future], None]) -> None:
        """Call a function with this future when it is done; what it raises is only printed."""

        def call() -> None:
            try:
                callback(self)
            except Exception as error:
                print(_failure(error), file=sys.stderr)

        self._when_done(call)

    def set_result(self, result: Any) -> None:
        """Set the value.

        Raises:
            RuntimeError: the future is done already.
        """
        self._finish(result, None)

    def set_exception(self, result: Any) -> None:
        """Set the exception that whoever waits will see.

        Raises:
            AssertionError: it is no exception.
            RuntimeError: the future is done already.
        """
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._finish(None, result)

    def _when_done(self, call: Callable[[], None]) -> None:
        with self._changed:
            if not self._done:
                self._callbacks.append(call)
                return
        call()

    def _finish(self, value: Any, error: BaseException | None) -> None:
        with self._changed:
            if self._done:
                raise RuntimeError(
                    "Attempting to mark a completed Future as complete again. Note that a Future "
                    "can only be marked completed once."
                )
            self._value, self._error, self._done = value, error, True
            callbacks, self._callbacks = self._callbacks, []
            self._changed.notify_all()
        for call in callbacks:
            call()


def _failure(error: Exception) -> str:
    places = "\n".join(
        f"  {frame.filename}({frame.lineno}): {frame.name}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    )
    return (
        "Got the following error when running the callback: "
        f"{type(error).__name__}: {error}\n\nAt:\n{places}\n"
    )


def collect_all(futures: Sequence[Future]) -> Future:
    """Return a future of the same futures, done when all of them are.

    Where some hold exceptions it raises the first of them to be set.
    """
    together: Future = Future()
    lock = threading.Lock()
    waiting = len(futures)
    first_error: BaseException | None = None

    def one_done(each: Future) -> None:
        nonlocal waiting, first_error
        with lock:
            waiting -= 1
            first_error = first_error or each._error
            last = waiting == 0
        if last:
            together._finish(None if first_error else list(futures), first_error)

    for each in futures:
        each.add_done_callback(one_done)
    if not futures:
        together.set_result([])
    return together


def wait_all(futures: Sequence[Future]) -> list[Any]:
    """Wait for all futures and return their values, or raise the first exception."""
    return [each.wait() for each in collect_all(futures).wait()]
