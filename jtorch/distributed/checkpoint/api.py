"""The exception of a checkpoint that failed on some process."""

from __future__ import annotations

import traceback
from typing import Any

WRAPPED_EXCEPTION = tuple[BaseException, traceback.StackSummary]

__all__ = ["CheckpointException"]


def _wrap_exception(error: BaseException) -> WRAPPED_EXCEPTION:
    """Return an exception with where it was raised, as can be pickled."""
    summary = traceback.extract_tb(error.__traceback__)
    for frame in summary:
        # Python 3.13 keeps the code object, which cannot be pickled.
        if hasattr(frame, "_code"):
            object.__setattr__(frame, "_code", None)
    return error, summary


def _is_wrapped_exception(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], BaseException)
        and isinstance(value[1], traceback.StackSummary)
    )


class CheckpointException(BaseException):
    """Raised on every process when a checkpoint fails on one.

    Args:
        msg: the step that failed.
        failures: exceptions, with where they were raised, by rank.
    """

    def __init__(self, msg: str, failures: dict[int, WRAPPED_EXCEPTION]):
        super().__init__(msg, failures)
        self._failures = failures

    @property
    def failures(self) -> dict[int, WRAPPED_EXCEPTION]:
        """The exceptions of the ranks that failed, with where they were raised."""
        return self._failures

    def __str__(self) -> str:
        lines = [f"CheckpointException ranks:{self._failures.keys()}\n"]
        for rank, (error, frames) in self._failures.items():
            lines.append(f"Traceback (most recent call last): (RANK {rank})\n")
            if frames is not None:
                lines += traceback.format_list(frames)
            lines += traceback.format_exception_only(type(error), error)
        return "".join(lines)
