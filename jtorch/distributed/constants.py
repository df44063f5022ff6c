"""The time limit of groups that are given none: ``torch.distributed.constants``."""

from __future__ import annotations

from datetime import timedelta

__all__ = ["default_pg_timeout", "default_pg_nccl_timeout"]

#: Of every backend; PyTorch's is shorter for NCCL.
default_pg_timeout: timedelta = timedelta(minutes=30)
default_pg_nccl_timeout: timedelta | None = None
