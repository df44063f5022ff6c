"""Arguments of modules in the other library: what the operator database has, and modules."""

from __future__ import annotations

import io
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence

import jtorch
from compat_tests.oracle.database.conversion import Converter, ours


class ModuleConverter(Converter):
    """Converts constructor and call arguments; modules travel as files do."""

    def __call__(self, value: Any) -> Any:
        """Return the counterpart of a value of PyTorch, containers included."""
        if isinstance(value, PackedSequence):
            parts = [self(part) for part in value]
            return ours("nn.utils.rnn.PackedSequence")(*parts)
        if isinstance(value, type) and value.__module__.startswith("torch.nn"):
            return ours(f"nn.{value.__name__}")
        return super().__call__(value)

    def _module(self, module: torch.nn.Module) -> Any:
        return crossed(module, torch, jtorch)

    def leaves(self) -> list[tuple[Any, Any]]:
        """Return the tensors met that require grad, in both libraries."""
        return [
            (theirs, mine)
            for theirs, mine in self._tensors.values()
            if theirs.requires_grad and theirs.is_leaf
        ]


def crossed(value: Any, source: Any, target: Any) -> Any:
    """Return what one library loads of what the other has saved."""
    file = io.BytesIO()
    source.save(value, file)
    file.seek(0)
    return target.load(file, weights_only=False)


def flat(result: Any) -> list[Any]:
    """Return the tensors of a result, in order."""
    if isinstance(result, (torch.Tensor, jtorch.Tensor)):
        return [result]
    if isinstance(result, (tuple, list)):
        return [tensor for item in result for tensor in flat(item)]
    if isinstance(result, dict):
        return [tensor for item in result.values() for tensor in flat(item)]
    return []
