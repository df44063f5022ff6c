"""What happens around the forward and the backward pass of a sharded module."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jtorch as torch

from ....nn.modules.module import Module
from ....utils._pytree import tree_map
from ._fsdp_api import MixedPrecisionPolicy
from ._group import ParameterGroup, _Gathered


def cast(value: Any, dtype: torch.dtype) -> Any:
    """Return containers with their floating-point tensors in a dtype."""

    def of(item: Any) -> Any:
        if isinstance(item, torch.Tensor) and item.is_floating_point() and item.dtype != dtype:
            return item.to(dtype)
        return item

    return tree_map(of, value)


class State:
    """What ``fully_shard`` keeps of the modules of one call.

    Args:
        modules: whose parameters are gathered together.
        group: these parameters; ``None`` where there are none.
        policy: in which types they are used.
        automatic: whether the root keeps its parameters after the forward pass.
    """

    def __init__(
        self,
        modules: tuple[Module, ...],
        group: ParameterGroup | None,
        policy: MixedPrecisionPolicy,
        automatic: bool,
    ):
        self.modules = modules
        self.group = group
        self.policy = policy
        self.automatic = automatic
        self.is_root: bool | None = None
        self._waiting: set[Module] = set()
        for module in modules:
            module._fsdp_state = self
            module.register_forward_pre_hook(self._before, prepend=True, with_kwargs=True)
            module.register_forward_hook(self._after, prepend=False)

    def _find_root(self, module: Module) -> None:
        """The module whose forward pass runs first is the root of those within it."""
        if self.is_root is not None:
            return
        self.is_root = True
        for state in states_of(module):
            if state is not self:
                state.is_root = False
        if self.automatic and self.group is not None:
            self.group.reshard_after_forward = False

    def _before(self, module: Module, args: tuple, kwargs: dict[str, Any]) -> Any:
        self._find_root(module)
        if self.group is not None and not self._waiting:
            self._check_memory()
            self.group.begin_forward()
            self._waiting = set(self.modules)
        if self.policy.cast_forward_inputs and self.policy.param_dtype:
            args, kwargs = cast((args, kwargs), self.policy.param_dtype)
        return args, kwargs

    def _check_memory(self) -> None:
        assert self.group is not None
        names = [
            owner.name
            for parameter in self.group.parameters
            for owner in parameter.owners[:1]
            if owner.module._parameters[owner.name].device.type == "meta"  # type: ignore[union-attr]
        ]
        if names:
            raise RuntimeError(
                "FSDP parameters should be materialized from meta device before training, "
                f"but the following were still on meta device: {names}\n"
                "For example, call module.to_empty(device) to materialize to device and "
                "call module.reset_parameters() on each module to initialize values."
            )

    def _after(self, module: Module, args: tuple, output: Any) -> Any:
        gathered: _Gathered | None = None
        if self.group is not None:
            gathered = self.group.current
            self._waiting.discard(module)
            if not self._waiting:
                self.group.end_forward()
        if gathered is not None:
            output = before_backward(output, gathered)
        if self.policy.output_dtype is not None:
            output = cast(output, self.policy.output_dtype)
        return output


def before_backward(output: Any, gathered: _Gathered) -> Any:
    """Let the backward pass gather parameters when it comes to the results of a module."""
    if not torch.is_grad_enabled():
        return output

    def refill(gradient: torch.Tensor) -> None:
        if gathered.group.unshard_in_backward:
            gathered.refill()

    def hook(item: Any) -> Any:
        if isinstance(item, torch.Tensor) and item.requires_grad and item.grad_fn is not None:
            item.register_hook(refill)
        return item

    tree_map(hook, output)
    return output


def state_of(module: Module) -> State | None:
    """Return what ``fully_shard`` keeps of a module, ``None`` where it was not called on it."""
    return module.__dict__.get("_fsdp_state")


def states_of(module: Module) -> list[State]:
    """Return what ``fully_shard`` keeps of a module and those within, each once."""
    found = {id(s): s for s in map(state_of, module.modules()) if s is not None}
    return list(found.values())


def as_forward(module: Module, method: Callable) -> Callable:
    """Return a method of a module that gathers parameters as its forward pass does."""

    @functools.wraps(method)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        state = state_of(module)
        assert state is not None
        args, kwargs = state._before(module, args, kwargs)
        return state._after(module, args, method(*args, **kwargs))

    return wrapped
