"""Event files for TensorBoard: ``torch.utils.tensorboard``, over the package ``tensorboard``."""

from __future__ import annotations

import tensorboard  # noqa: F401  (without it, importing this says so)
from tensorboard.summary.writer.record_writer import RecordWriter

from .writer import FileWriter, SummaryWriter

__all__ = ["FileWriter", "RecordWriter", "SummaryWriter"]
