"""The names of parameters and buffers without what wrappers around modules add to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._runtime.compile import OptimizedModule
from ...nn.modules.module import Module
from ...nn.parallel import DistributedDataParallel

#: What ``get_extra_state`` of a module is called in its state dict.
EXTRA_STATE = "_extra_state"
_CHECKPOINT_WRAPPED = "_checkpoint_wrapped_module"
_FSDP_WRAPPED = "_fsdp_wrapped_module"


class ExtraState:
    """Stands for the extra state of a module among the values of a model."""


def clean_name(
    model: Module, name: str, *, keep_ddp: bool = False, keep_compiled: bool = False
) -> str:
    """Return a name without the steps that lead through wrappers.

    Args:
        model: that has something of this name.
        name: with dots.
        keep_ddp: whether the step into ``DistributedDataParallel`` stays.
        keep_compiled: whether the step into a compiled module stays.
    """
    kept = []
    current: Any = model
    for step in name.split("."):
        following = getattr(current, step, None)
        hidden = step in (_CHECKPOINT_WRAPPED, _FSDP_WRAPPED)
        if isinstance(current, DistributedDataParallel) and step == "module":
            hidden = not keep_ddp
        elif isinstance(current, OptimizedModule) and step == "_orig_mod":
            hidden = not keep_compiled
        if not hidden:
            kept.append(step)
        current = following
    return ".".join(kept)


def values_of(model: Module) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of what a state dict of a model holds, modules within first."""
    seen: set[Module] = set()

    def visit(module: Module, prefix: str) -> Iterator[tuple[str, Any]]:
        seen.add(module)
        for name, child in module.named_children():
            if child not in seen:
                yield from visit(child, f"{prefix}{name}.")
        for name, value in (
            *module.named_buffers(recurse=False),
            *module.named_parameters(recurse=False),
        ):
            if name not in module._non_persistent_buffers_set:
                yield f"{prefix}{name}", value
        if type(module).get_extra_state is not Module.get_extra_state:
            yield f"{prefix}{EXTRA_STATE}", ExtraState()

    yield from visit(model, "")
