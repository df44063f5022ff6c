"""Python functions of the graph that modules use."""

from __future__ import annotations

from typing import Any

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
