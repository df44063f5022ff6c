"""Hooks of DDP that average gradients, as they are or in half precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jtorch as torch

from .... import distributed as dist
from ....futures import Future

__all__ = [
    "allreduce_hook",
    "bf16_compress_hook",
    "bf16_compress_wrapper",
    "fp16_compress_hook",
    "fp16_compress_wrapper",
]

Hook = Callable[[Any, Any], Future]


def _group(process_group: Any) -> Any:
    return process_group if process_group is not None else dist.group.WORLD


def _allreduce_fut(process_group: Any, tensor: torch.Tensor) -> Future:
    """Return a future of the average of a tensor, which is written to."""
    group = _group(process_group)
    tensor.div_(group.size())
    work = dist.all_reduce(tensor, group=group, async_op=True)
    assert work is not None
    return work.get_future().then(lambda future: future.value()[0])


def allreduce_hook(process_group: Any, bucket: dist.GradBucket) -> Future:
    """Average gradients: what DDP does without a hook.

    Args:
        process_group: of which processes; ``None`` for all.
        bucket: of gradients.
    """
    return _allreduce_fut(process_group, bucket.buffer())


def _compress_hook(dtype: torch.dtype, process_group: Any, bucket: dist.GradBucket) -> Future:
    group = _group(process_group)
    buffer = bucket.buffer()
    compressed = buffer.to(dtype).div_(group.size())
    work = dist.all_reduce(compressed, group=group, async_op=True)
    assert work is not None
    return work.get_future().then(lambda future: buffer.copy_(future.value()[0]))


def fp16_compress_hook(process_group: Any, bucket: dist.GradBucket) -> Future:
    """Average gradients in float16: divided first, then added up.

    Args:
        process_group: of which processes; ``None`` for all.
        bucket: of gradients.
    """
    return _compress_hook(torch.float16, process_group, bucket)


def bf16_compress_hook(process_group: Any, bucket: dist.GradBucket) -> Future:
    """Average gradients in bfloat16; as ``fp16_compress_hook`` otherwise."""
    return _compress_hook(torch.bfloat16, process_group, bucket)


def _compress_wrapper(dtype: torch.dtype, hook: Hook, name: str) -> Hook:
    def wrapped(state: Any, bucket: dist.GradBucket) -> Future:
        original = bucket.buffer()
        bucket.set_buffer(original.to(dtype))
        return hook(state, bucket).then(lambda future: bucket.buffer().copy_(future.value()))

    wrapped.__name__ = wrapped.__qualname__ = name
    return wrapped


def fp16_compress_wrapper(hook: Hook) -> Hook:
    """Return a hook that calls another with gradients in float16.

    Args:
        hook: the other.
    """
    return _compress_wrapper(torch.float16, hook, "fp16_compress_wrapper_hook")


def bf16_compress_wrapper(hook: Hook) -> Hook:
    """Return a hook that calls another with gradients in bfloat16."""
    return _compress_wrapper(torch.bfloat16, hook, "bf16_compress_wrapper_hook")
