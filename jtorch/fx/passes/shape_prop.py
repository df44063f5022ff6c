"""Shapes and dtypes of all values of a graph, found by running it."""

from __future__ import annotations

from typing import Any, NamedTuple

import jtorch as torch

from ..._runtime import absent as _absent
from ..interpreter import Interpreter
from ..node import Node, map_aggregate

__all__ = ["ShapeProp", "TensorMetadata"]


class TensorMetadata(NamedTuple):
    """What is known of a tensor.

    Attributes:
        shape, dtype, requires_grad, stride: as of the tensor.
        memory_format: the first of PyTorch's formats that its strides fit.
        is_quantized: ``False``.
        qparams: nothing.
    """

    shape: torch.Size
    dtype: torch.dtype
    requires_grad: bool
    stride: tuple[int, ...]
    memory_format: Any
    is_quantized: bool
    qparams: dict[str, Any]


_FORMATS = (torch.contiguous_format, torch.channels_last, torch.channels_last_3d)


def _extract_tensor_metadata(result: Any, include_contiguity: bool = True) -> TensorMetadata:
    """Return what is known of a tensor."""
    fits = None
    if include_contiguity:
        for each in _FORMATS:
            if each is not torch.contiguous_format and result.dim() != (
                4 if each is torch.channels_last else 5
            ):
                continue
            if result.is_contiguous(memory_format=each):
                fits = each
                break
    return TensorMetadata(
        result.shape, result.dtype, result.requires_grad, result.stride(), fits, False, {}
    )


class ShapeProp(Interpreter):
    """Runs a module and notes shapes and dtypes in ``node.meta["tensor_meta"]``.

    Args:
        gm: the module.
        fake_mode: not supported: the graph is run.
    """

    def __init__(self, gm: Any, fake_mode: Any = None):
        super().__init__(gm)
        if fake_mode is not None:
            raise NotImplementedError("jtorch has no fake tensors; ShapeProp runs the graph.")

    def run_node(self, n: Node) -> Any:
        """Return the value of a node, and note what is known of it."""
        try:
            result = super().run_node(n)
        except Exception as error:
            raise RuntimeError(
                f"ShapeProp error for: node={n.format_node()} with meta={n.meta}"
            ) from error
        found = False

        def describe(value: Any) -> Any:
            nonlocal found
            if isinstance(value, torch.Tensor):
                found = True
                return _extract_tensor_metadata(value)
            return value

        described = map_aggregate(result, describe)
        if found:
            n.meta["tensor_meta"] = described
        n.meta["type"] = type(result)
        return result

    def propagate(self, *args: Any) -> Any:
        """Run the module with arguments and return its result."""
        return super().run(*args)


__getattr__ = _absent.attributes(__name__)
