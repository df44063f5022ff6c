"""Logs for TensorBoard: ``torch.utils.tensorboard``. It is there where TensorBoard is installed.

jtorch writes none. The classes are there for libraries that name them in their signatures; making
an object of one is refused.
"""

from __future__ import annotations

from typing import Any

import tensorboard as tensorboard

__all__ = ["FileWriter", "RecordWriter", "SummaryWriter"]


class _Writer:
    def __init__(self, *args: Any, **kwargs: Any):
        raise NotImplementedError(
            f"torch.utils.tensorboard.{type(self).__name__}: jtorch writes no logs for "
            "TensorBoard; use a writer of the package tensorboard"
        )


class FileWriter(_Writer):
    """A writer of a file of events, refused.

    Raises:
        NotImplementedError: it is made.
    """


class RecordWriter(_Writer):
    """A writer of records into a file, refused.

    Raises:
        NotImplementedError: it is made.
    """


class SummaryWriter(_Writer):
    """A writer of numbers, images and graphs of a run, refused.

    Raises:
        NotImplementedError: it is made.
    """
