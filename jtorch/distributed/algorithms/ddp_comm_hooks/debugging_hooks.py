"""A hook of DDP that does nothing, to measure what the others cost."""

from __future__ import annotations

from typing import Any

from .... import distributed as dist
from ....futures import Future

__all__ = ["noop_hook"]


def noop_hook(_: Any, bucket: dist.GradBucket) -> Future:
    """Leave gradients as each process computed them.

    Args:
        bucket: of gradients.
    """
    future = Future()
    future.set_result(bucket.buffer())
    return future
