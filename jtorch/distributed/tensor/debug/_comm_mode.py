"""Counting of collectives."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import jtorch as torch

from ..._collective_counts import listen, stop_listening
from .._api import DTensor


class CommDebugMode:
    """A block in which collectives are counted, in forward and backward passes.

    Attributes:
        comm_counts: how often each collective ran, by its operator
            (``torch.ops.c10d_functional.all_reduce``).
    """

    def __init__(self) -> None:
        self.comm_counts: dict[Any, int] = defaultdict(int)
        self._parameters: dict[str, dict[str, Any]] = {}
        self._names: dict[torch.nn.Module, str] = {}
        self._hook: Any = None

    def __enter__(self) -> CommDebugMode:
        self.comm_counts.clear()
        self._parameters.clear()
        self._names.clear()
        listen(self._count)
        self._hook = torch.nn.modules.module.register_module_forward_pre_hook(self._enter_module)
        return self

    def __exit__(self, *exception: object) -> None:
        self._hook.remove()
        stop_listening(self._count)

    def _count(self, packet: Any) -> None:
        self.comm_counts[packet] += 1

    def _enter_module(self, module: torch.nn.Module, inputs: Any) -> None:
        if module not in self._names:
            root = type(module).__name__
            for name, each in module.named_modules():
                self._names[each] = f"{root}.{name}" if name else root
        found = dict(module.named_parameters(recurse=False))
        if found:
            self._parameters[self._names[module]] = found

    def get_total_counts(self) -> int:
        """Return how many collectives ran."""
        return sum(self.comm_counts.values())

    def get_comm_counts(self) -> dict[Any, int]:
        """Return how often each collective ran."""
        return self.comm_counts

    def get_parameter_info(self) -> dict[str, dict[str, Any]]:
        """Return the parameters of the modules that ran, by the modules' names."""
        return self._parameters

    def get_sharding_info(self) -> dict[str, tuple[Any, ...]]:
        """Return the placements of the parameters that are DTensors, by their names."""
        return {
            f"{module}.{name}": parameter.placements
            for module, parameters in self._parameters.items()
            for name, parameter in parameters.items()
            if isinstance(parameter, DTensor)
        }

    def __repr__(self) -> str:
        return f"CommDebugMode(get_total_counts()={self.get_total_counts()})"


CommDebugMode.__module__ = "torch.distributed.tensor.debug"
