"""Which modules are running: ``torch.utils.module_tracker``."""

from __future__ import annotations

import weakref
from typing import Any

import jtorch as torch

from .weak import WeakIdKeyDictionary

__all__ = ["ModuleTracker"]


class ModuleTracker:
    """A block in which ``parents`` holds the names of the modules whose ``forward`` runs.

    A module is called after its class, and one within after its attribute too: ``"Net.body.0"``.
    ``"Global"`` is always there. A backward pass is one program here: no module runs in it.
    """

    def __init__(self) -> None:
        self.parents = {"Global"}
        self._known: WeakIdKeyDictionary = WeakIdKeyDictionary(ref_type=weakref.ref)
        self.is_bw = False

    def __enter__(self) -> Any:
        hooks = torch.nn.modules.module
        self._handles = [
            hooks.register_module_forward_pre_hook(self._enter_module),
            hooks.register_module_forward_hook(self._leave_module, always_call=True),
        ]
        return self

    def __exit__(self, *exception: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _name(self, module: Any) -> str:
        name = self._known.get(module)
        if name is None:
            name = self._known[module] = type(module).__name__
        for child_name, child in module.named_children():
            self._known.setdefault(child, f"{name}.{child_name}")
        return name

    def _enter_module(self, module: Any, inputs: Any) -> None:
        self.parents.add(self._name(module))

    def _leave_module(self, module: Any, inputs: Any, outputs: Any) -> None:
        self.parents.discard(self._name(module))
