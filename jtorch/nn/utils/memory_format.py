"""How the weights of convolutions lie in memory."""

from __future__ import annotations

from typing import Any, TypeVar

from ..modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

M = TypeVar("M", bound=Module)


def _convert(module: M, memory_format: Any, names: tuple[str, str]) -> M:
    import jtorch as torch

    kinds = tuple([getattr(torch.nn, name) for name in names])
    for child in module.modules():
        if isinstance(child, kinds):
            weight = child.weight.detach().clone(memory_format=memory_format)
            child.weight.data = weight.resize_(weight.size(), memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Let the weights of all 2D convolutions in a module lie in a memory format.

    Args:
        module: the module, or a convolution.
        memory_format: such as ``torch.channels_last``.
    """
    return _convert(module, memory_format, ("Conv2d", "ConvTranspose2d"))


def convert_conv3d_weight_memory_format(module: M, memory_format: Any) -> M:
    """Let the weights of all 3D convolutions in a module lie in a memory format.

    Args:
        module: the module, or a convolution.
        memory_format: such as ``torch.channels_last_3d``.
    """
    return _convert(module, memory_format, ("Conv3d", "ConvTranspose3d"))
