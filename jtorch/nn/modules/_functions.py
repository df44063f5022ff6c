"""Python functions of the graph that modules use."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from ...autograd import Function


class BackwardHookFunction(Function):
    """Return its arguments; its node is where a module's backward hooks see the gradients."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        ctx.mark_non_differentiable(*[arg for arg in args if not arg.requires_grad])
        return args

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        return args


class CrossMapLRN2d(Function):
    """Divide by a power of a constant plus the mean of squares over neighbouring channels."""

    @staticmethod
    def forward(
        ctx: Any, input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1
    ) -> Any:
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        ctx.size, ctx.alpha, ctx.beta = size, alpha, beta
        channels = input.size(1)
        reach = int((size - 1) / 2 + 1)
        squares = input.pow(2)
        sums = []
        for channel in range(channels):
            # torch 2.13 never takes channel 0 away again, once the neighbours have moved on.
            first = max(channel - reach + 1, 1)
            last = min(channel + reach, channels)
            near = squares[:, :1].sum(1)
            sums.append(near + squares[:, first:last].sum(1) if first < last else near)
        ctx.scale = torch.stack(sums, 1).mul_(alpha / size).add_(k)
        output = ctx.scale.pow(-beta).mul_(input)
        ctx.save_for_backward(input, output)
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Any) -> Any:
        input, output = ctx.saved_tensors
        channels, size = input.size(1), ctx.size
        before = int(size - (size - 1) / 2)
        ratio = grad_output * output / ctx.scale
        sums = []
        for channel in range(channels):
            first, last = max(channel - before, 0), min(channel - before + size, channels)
            near = ratio[:, max(first, 0) : max(last, first)]
            sums.append(near.sum(1))
        shared = torch.stack(sums, 1) * (-2 * ctx.alpha * ctx.beta / size)
        return ctx.scale.pow(-ctx.beta) * grad_output + input * shared, None, None, None, None
