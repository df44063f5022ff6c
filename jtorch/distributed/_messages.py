"""What carries messages from one process to another, and receives them of any."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from typing import Any

import numpy as np

from ._work import Lane, Work, timed_out

_FROM_FIRST = ((0, 1),)
#: Seconds between two looks for a message of any process: at first, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 1e-4, 1e-2


class MessageLane:
    """Carries messages from one process to another, in their order, whatever their tags.

    A message is its tag, dtype and length, and then its elements: who receives it knows of both.
    """

    def __init__(self, group: Any, source: int, target: int):
        self.group, self.source, self.target = group, source, target
        self.lane = Lane(f"jtorch-messages-{source}-{target}", group._timeout.total_seconds(), None)
        self._communicator: Any = None
        self._kept: dict[int, deque[np.ndarray]] = {}
        self._listening: Work | None = None

    @property
    def _key(self) -> str:
        return f"messages/{self.source}/{self.target}"

    def _connected(self) -> Any:
        if self._communicator is None:
            group = self.group
            self._communicator = group._connect(
                int(group._rank == self.target),
                2,
                self._key,
                group._timeout.total_seconds(),
            )
        return self._communicator

    def send(self, array: np.ndarray, tag: int) -> None:
        """Send a message; in the lane's thread."""
        communicator = self._connected()
        content = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        communicator.run("permute", np.array([tag, content.size], np.int64), _FROM_FIRST)
        if content.size:
            communicator.run("permute", content, _FROM_FIRST)

    def receive(self, tag: int) -> np.ndarray:
        """Return the bytes of the next message with a tag; in the lane's thread."""
        while (found := self.taken(tag)) is None:
            self._keep_next()
        return found

    def _keep_next(self) -> None:
        communicator = self._connected()
        head = communicator.run("permute", np.zeros(2, np.int64), _FROM_FIRST)
        content = np.zeros(int(head[1]), np.uint8)
        if content.size:
            content = communicator.run("permute", content, _FROM_FIRST)
        self._kept.setdefault(int(head[0]), deque()).append(content)

    # For who receives from any process

    def announced(self) -> bool:
        """Return whether the source has ever sent something, or this process asked it to."""
        connected = self._communicator is not None
        return connected or self.group.get_group_store().check([self._key])

    def taken(self, tag: int) -> np.ndarray | None:
        """Return the bytes of a message with a tag that is here already, if there is one."""
        with contextlib.suppress(KeyError, IndexError):
            return self._kept[tag].popleft()
        return None

    def listen(self) -> None:
        """Have the next message brought here, whatever its tag."""
        if self._listening is None or self._listening._done.is_set():
            self._listening = self.lane.submit(
                self._keep_next, lambda _: None, lambda: f"a message of rank {self.source}"
            )

    def end(self, seconds: float) -> None:
        """Give what is under way some seconds, and none to a message that may never come."""
        listens = self._listening is not None and not self._listening._done.is_set()
        if listens and self._communicator is not None:
            self._communicator.abort()
        self.lane.end(seconds)


class Mailbox:
    """Receives the messages of a group that no sender was named for.

    XLA's collectives name both ends of a message. So one is awaited of each process that has ever
    sent one to this process, and what has come is kept until it is asked for.
    """

    def __init__(self, group: Any):
        self.group = group
        self.lane = Lane("jtorch-messages", group._timeout.total_seconds(), None)
        self._ended = False

    def receive(self, tag: int) -> tuple[int, np.ndarray]:
        """Return who sent the next message with a tag, and its bytes; in the mailbox's thread.

        Raises:
            RuntimeError: none came in time, or all who have sent one are gone.
        """
        own = self.group.rank()
        lanes = [
            self.group.message_lane(source, own)
            for source in range(self.group.size())
            if source != own
        ]
        end = time.monotonic() + self.lane.timeout
        pause = _FIRST_PAUSE
        while not self._ended and time.monotonic() < end:
            gone = []
            for lane in lanes:
                content = lane.taken(tag)
                if content is not None:
                    return lane.source, content
                if lane.lane.failure is not None:
                    gone.append(lane.lane.failure)
                elif lane.announced():
                    lane.listen()
            if gone and len(gone) == len(lanes):
                raise gone[0].with_traceback(None)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise timed_out(self.lane.timeout)

    def end(self) -> None:
        """Stop receiving."""
        self._ended = True
        self.lane.end(0.0)
