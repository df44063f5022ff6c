"""How a sparse tensor prints."""

from __future__ import annotations

from typing import Any

from .._core import layout as layouts
from .._core.device import current_index
from .._engine.recording.trace import local
from .._tensor import printing
from .._tensor.conversion import default_tensor_device, host_array
from ._table import implements
from ._tensor import COMPRESSED

#: Names of the index tensors by which dimension is compressed.
_NAMES = (("crow_indices", "col_indices"), ("ccol_indices", "row_indices"))


def _part(name: str, tensor: Any, indent: int) -> str:
    prefix = f"{name}=tensor("
    detached = tensor.detach()
    if detached.is_meta:
        text = "..."
    else:
        array = host_array(detached.resolve_conj(), "print")
        text = printing.format_elements(array, detached.dtype, indent + len(prefix))
    if detached.numel() == 0 or detached.is_meta:
        text += f", size={tuple(detached.shape)}"
    return f"{prefix}{text})"


@implements("__repr__", "__str__")
def _repr(self: Any, *, tensor_contents: Any = None) -> str:
    prefix = "tensor("
    indent = len(prefix)
    if self.layout is layouts.sparse_coo:
        names: tuple[str, ...] = ("indices",)
    else:
        names = _NAMES[COMPRESSED[self.layout][0]]
    parts = [
        _part(name, tensor, indent) for name, tensor in zip(names, self._index_tensors, strict=True)
    ]
    parts.append(_part("values", self._elements, indent))
    default_dtype = local.trace.mode.default_dtype
    text = prefix + (",\n" + " " * indent).join(parts)
    suffixes = []
    if printing._shows_device(str(self.device), default_tensor_device[0], current_index()):
        suffixes.append(f"device='{self.device}'")
    suffixes.append(f"size={tuple(self.shape)}")
    if not self.is_meta:
        suffixes.append(f"nnz={self.nnz()}")
    if not printing.is_shown_without_dtype(self.dtype, default_dtype):
        suffixes.append(f"dtype={self.dtype!r}")
    suffixes.append(f"layout={self.layout!r}")
    node = self.grad_fn if self.requires_grad and not self.is_leaf else None
    if node is not None:
        suffixes.append(f"grad_fn=<{type(node).__name__}>")
    elif self.requires_grad:
        suffixes.append("requires_grad=True")
    forced = self.layout is layouts.sparse_coo
    return printing._with_suffixes(text, suffixes, indent, forced)


@implements("__format__")
def _format(self: Any, spec: str) -> str:
    if spec:
        raise TypeError("unsupported format string passed to Tensor.__format__")
    return str(self)
