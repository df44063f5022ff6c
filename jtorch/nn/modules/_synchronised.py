"""Batch normalisation by what the batches of many processes have in common."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from ... import distributed
from ..._core.dtypes import working_dtype
from ...autograd import Function


class _Gathered(Function):
    """The rows of all processes; the gradient of each is the sum of what all made of it."""

    @staticmethod
    def forward(ctx: Any, row: Any, group: Any) -> Any:
        ctx.group = group
        rows = row.new_zeros(distributed.get_world_size(group), row.numel())
        distributed.all_gather_single(rows.view(-1), row.contiguous(), group)
        return rows

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        gradient = gradient.contiguous().clone()
        distributed.all_reduce(gradient, group=ctx.group)
        return gradient[distributed.get_rank(ctx.group)], None


def normalised(layer: Any, input: Any) -> Any:
    """Return an input normalised over all processes, and update running statistics.

    With counts ``n``, means ``m`` and biased variances ``v`` of each process, the mean of all is
    ``sum(n m) / sum(n)`` and the variance ``sum(n (v + (m - mean)^2)) / sum(n)``.

    Args:
        layer: a ``SyncBatchNorm``.
        input: its channels are the second dimension.
    """
    axes = [axis for axis in range(input.dim()) if axis != 1]
    count = input.numel() // input.shape[1]
    wide = input.to(working_dtype(input.dtype))
    own_mean = wide.mean(axes)
    own_variance = wide.var(axes, unbiased=False)
    row = torch.cat([own_mean, own_variance, wide.new_full((1,), float(count))])
    rows = _Gathered.apply(row, layer.process_group)
    channels = input.shape[1]
    means, variances = rows[:, :channels], rows[:, channels : 2 * channels]
    counts = rows[:, 2 * channels :].detach()
    total = counts.sum()
    mean = (means * counts).sum(0) / total
    variance = ((variances + (means - mean) ** 2) * counts).sum(0) / total
    shape = [1, -1, *([1] * (input.dim() - 2))]
    result = (wide - mean.view(shape)) * torch.rsqrt(variance + layer.eps).view(shape)
    if layer.weight is not None:
        result = result * layer.weight.view(shape)
    if layer.bias is not None:
        result = result + layer.bias.view(shape)
    if layer.track_running_stats and layer.running_mean is not None:
        _update(layer, mean.detach(), variance.detach(), total)
    return result.to(input.dtype)


def _update(layer: Any, mean: Any, variance: Any, total: Any) -> None:
    with torch.no_grad():
        layer.num_batches_tracked.add_(1)
        share = layer.momentum
        if share is None:
            share = 1.0 / float(layer.num_batches_tracked)
        unbiased = variance * (total / (total - 1))
        layer.running_mean.mul_(1 - share).add_(mean.to(layer.running_mean.dtype), alpha=share)
        layer.running_var.mul_(1 - share).add_(unbiased.to(layer.running_var.dtype), alpha=share)
