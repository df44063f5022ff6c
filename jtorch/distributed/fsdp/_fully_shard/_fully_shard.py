"""``fully_shard``: each process keeps a shard of parameters, gradients and state of optimisers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import jtorch as torch

from .... import distributed as dist
from ....nn.modules.container import ModuleDict, ModuleList
from ....nn.modules.module import Module
from ....nn.parameter import Parameter
from ...device_mesh import DeviceMesh, init_device_mesh
from ...tensor import Shard
from ._fsdp_api import (
    CPUOffloadPolicy,
    DataParallelMeshDims,
    MixedPrecisionPolicy,
    OffloadPolicy,
)
from ._group import ParameterGroup
from ._parameters import MeshAxes, Owner, ShardedParameter
from ._state import State, as_forward, state_of, states_of

__all__ = [
    "CPUOffloadPolicy",
    "DataParallelMeshDims",
    "FSDPModule",
    "MixedPrecisionPolicy",
    "OffloadPolicy",
    "UnshardHandle",
    "fully_shard",
    "register_fsdp_forward_method",
    "share_comm_ctx",
]

_classes: dict[type, type] = {}
_OWN_TYPES = MixedPrecisionPolicy()
_NOT_OFFLOADED = OffloadPolicy()


def fully_shard(
    module: Any,
    *,
    mesh: DeviceMesh | None = None,
    reshard_after_forward: bool | int | None = None,
    shard_placement_fn: Callable[[Parameter], Any] | None = None,
    mp_policy: MixedPrecisionPolicy = _OWN_TYPES,
    offload_policy: OffloadPolicy = _NOT_OFFLOADED,
    ignored_params: set[Parameter] | None = None,
    dp_mesh_dims: DataParallelMeshDims | None = None,
) -> Any:
    """Let each process keep a shard of the parameters of a module.

    Parameters are ``DTensor``s outside of the forward pass. Before it they are gathered, all those
    of one call by one collective, and let go after it; so again in the backward pass, which
    reduces and scatters their gradients by one. Call it on the modules within a model first.

    Args:
        module: or a list of modules whose parameters are gathered together.
        mesh: of one dimension, or of two: the first replicates, the second shards.
        reshard_after_forward: whether parameters are let go after the forward pass. Unless given,
            they are, but those of the root. A number of processes to which they could be resharded
            counts as ``True``.
        shard_placement_fn: takes a parameter and returns ``Shard(dim)``, or ``None`` for dim 0.
        mp_policy: in which types parameters are used and gradients added up.
        offload_policy: whether shards are kept on the CPU.
        ignored_params: left alone.
        dp_mesh_dims: refused.
    Returns:
        The module, whose class now derives from ``FSDPModule``, too.
    Raises:
        ValueError: for a container without a forward pass, a mesh of other dimensions, a parameter
            without dimensions.
    """
    modules = (module,) if isinstance(module, Module) else tuple(module)
    for each in modules:
        _check_module(each)
    if dp_mesh_dims is not None:
        raise NotImplementedError("fully_shard: dp_mesh_dims is not supported; give a submesh")
    axes = MeshAxes(mesh if mesh is not None else _default_mesh())
    reshard = _checked_reshard(reshard_after_forward, axes.size)
    owners = _owners(modules, ignored_params or set())
    for parameter, found in owners.items():
        if parameter.dim() == 0:
            raise ValueError(
                "fully_shard doesn't support scalar parameters. "
                f"Change {found[0].name} to a 1D tensor with numel equal to 1."
            )
    group = None
    if owners:
        sharded = [
            ShardedParameter(parameter, found, axes, _dim(parameter, shard_placement_fn))
            for parameter, found in owners.items()
        ]
        group = ParameterGroup(sharded, axes, mp_policy)
        group.reshard_after_forward = reshard
    State(modules, group, mp_policy, reshard_after_forward is None)
    for each in modules:
        each.__class__ = _class_of(type(each))
    return module


def _check_module(module: Module) -> None:
    if isinstance(module, (ModuleList, ModuleDict)) and type(module).forward is Module.forward:
        raise ValueError(
            f"fully_shard does not support containers that do not implement forward: {module}"
        )
    if state_of(module) is not None:
        raise AssertionError(
            "Each distinct composable distributed API can only be applied to a module once. "
            f"fully_shard has already been applied to the following module:\n{module}"
        )


def _default_mesh() -> DeviceMesh:
    if not dist.is_initialized():
        dist.init_process_group()
    device = torch.accelerator.current_accelerator()
    kind = "cpu" if device is None else device.type
    return init_device_mesh(kind, (dist.get_world_size(),))


def _checked_reshard(value: Any, size: int) -> bool:
    if value is None:
        return True
    if not isinstance(value, (bool, int)):
        raise ValueError(
            "reshard_after_forward should be a bool or an int representing the "
            f"group size to reshard to, not {value}"
        )
    if isinstance(value, bool):
        return value
    if value < 1 or value > size or size % value:
        raise ValueError(
            "If passing reshard_after_forward as an int, it should be a "
            f"factor of {size}, not {value}"
        )
    return value != 1


def _dim(parameter: Parameter, choose: Callable[[Parameter], Any] | None) -> int:
    placement = None if choose is None else choose(parameter)
    if placement is None:
        return 0
    if not isinstance(placement, Shard):
        raise AssertionError(f"Expected Shard, got {type(placement)}: {placement}")
    return placement.dim % parameter.dim()


def _owners(modules: tuple[Module, ...], ignored: set[Parameter]) -> dict[Parameter, list[Owner]]:
    """Return the parameters that no inner call has taken, with all modules that have them."""
    found: dict[Parameter, list[Owner]] = {}
    seen: set[Module] = set()

    def visit(module: Module) -> None:
        if module in seen or (module not in modules and state_of(module) is not None):
            return
        seen.add(module)
        for child in module.children():
            visit(child)
        for name, parameter in module._parameters.items():
            if parameter is not None and parameter not in ignored:
                found.setdefault(parameter, []).append(Owner(module, name))

    for module in modules:
        visit(module)
    return found


def _class_of(cls: type) -> type:
    """Return the class of a sharded module, named as PyTorch's."""
    if cls not in _classes:
        members = {"__deepcopy__": _refuse_copy}
        _classes[cls] = type(f"FSDP{cls.__name__}", (FSDPModule, cls), members)
    return _classes[cls]


def _refuse_copy(*args: Any, **kwargs: Any) -> NoReturn:
    raise AssertionError("FSDP does not support deepcopy. Please use state dict for serialization.")


class UnshardHandle:
    """What ``unshard(async_op=True)`` returns."""

    def wait(self) -> None:
        """Do nothing: parameters are gathered at the call."""


class FSDPModule:
    """What a module that ``fully_shard`` was called on can do besides."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        # A slice of a sharded ``Sequential`` is an ordinary one.
        original: Any = cls.__mro__[2]
        made = original.__new__(original, *args, **kwargs)
        made.__init__(*args, **kwargs)
        return made

    def _state(self) -> State:
        state = state_of(self)  # type: ignore[arg-type]
        if state is None:
            raise AssertionError(f"No FSDP state found on {self}")
        return state

    _get_fsdp_state = _state

    def _groups(self, recurse: bool) -> list[ParameterGroup]:
        states = states_of(self) if recurse else [self._state()]  # type: ignore[arg-type]
        return [state.group for state in states if state.group is not None]

    def reshard(self) -> None:
        """Let whole parameters go, and have the shards again; not those of modules within."""
        for group in self._groups(recurse=False):
            group.reshard()

    def unshard(self, async_op: bool = False) -> UnshardHandle | None:
        """Gather parameters; not those of modules within.

        Args:
            async_op: whether to return a handle to wait for.
        """
        for group in self._groups(recurse=False):
            group.unshard()
        return UnshardHandle() if async_op else None

    def reset_iter_state(self) -> None:
        """Forget a pass that an exception ended, with its gradients; on the root.

        Raises:
            RuntimeError: on a module within.
        """
        if self._state().is_root is False:
            raise RuntimeError("reset_iter_state must be called on the root FSDP module")
        for state in states_of(self):  # type: ignore[arg-type]
            state._waiting.clear()
            if state.group is not None:
                state.group.forget()

    def set_is_last_backward(self, is_last_backward: bool) -> None:
        """Say whether the next backward pass is the last; nothing is left to wait for."""

    def set_requires_gradient_sync(
        self, requires_gradient_sync: bool, *, recurse: bool = True
    ) -> None:
        """Say whether backward passes send gradients, rather than add them up here.

        Args:
            requires_gradient_sync: whether.
            recurse: whether for modules within, too.
        """
        for group in self._groups(recurse):
            group.reduce_grads = group.all_reduce_grads = requires_gradient_sync

    def set_requires_all_reduce(self, requires_all_reduce: bool, *, recurse: bool = True) -> None:
        """Say whether backward passes add gradients up over the replicas of a mesh."""
        for group in self._groups(recurse):
            group.all_reduce_grads = requires_all_reduce

    def set_reshard_after_forward(self, reshard_after_forward: bool, recurse: bool = True) -> None:
        """Say whether parameters are let go after the forward pass.

        Raises:
            ValueError: for what is no bool.
        """
        if not isinstance(reshard_after_forward, bool):
            raise ValueError(
                f"reshard_after_forward should be a bool, got {type(reshard_after_forward)}"
            )
        for state in states_of(self) if recurse else [self._state()]:  # type: ignore[arg-type]
            state.automatic = False
            if state.group is not None:
                state.group.reshard_after_forward = reshard_after_forward

    def set_reshard_after_backward(
        self, reshard_after_backward: bool, *, recurse: bool = True
    ) -> None:
        """Say whether parameters are let go after the backward pass."""
        for group in self._groups(recurse):
            group.reshard_after_backward = reshard_after_backward

    def set_modules_to_forward_prefetch(self, modules: list[FSDPModule]) -> None:
        """Check the modules; nothing is gathered before its time."""
        _check_all(modules)

    def set_modules_to_backward_prefetch(self, modules: list[FSDPModule]) -> None:
        """Check the modules; nothing is gathered before its time."""
        _check_all(modules)

    def set_all_reduce_hook(self, hook: Callable[[torch.Tensor], None], **kwargs: Any) -> None:
        """Call a function with what was reduced, flat, before it becomes gradients."""
        for group in self._groups(recurse=False):
            group.all_reduce_hook = hook

    def set_gradient_divide_factor(self, factor: float) -> None:
        """Divide gradients by this, not by the number of processes."""
        for group in self._groups(recurse=False):
            group.divide_factor = factor

    set_reduce_scatter_divide_factor = set_gradient_divide_factor

    def set_force_sum_reduction_for_comms(self, enable: bool) -> None:
        """Do nothing: gradients are always added up, and divided by themselves."""

    def set_unshard_in_backward(self, unshard_in_backward: bool) -> None:
        """Say whether the backward pass gathers parameters that were let go."""
        for group in self._groups(recurse=False):
            group.unshard_in_backward = unshard_in_backward

    def set_post_optim_event(self, event: Any) -> None:
        """Do nothing: a forward pass waits for the optimiser anyhow."""

    def set_allocate_memory_from_process_group_for_comm(self, enable: bool) -> None:
        """Do nothing: XLA has its own memory."""

    def _apply(self, *args: Any, **kwargs: Any) -> Any:
        self.reshard()
        result = super()._apply(*args, **kwargs)  # type: ignore[misc]
        for group in self._groups(recurse=True):
            group._refresh()
        return result


def _check_all(modules: Iterable[Any]) -> None:
    for module in modules:
        if not isinstance(module, FSDPModule):
            raise ValueError(f"Expects FSDPModule but got {type(module)}: {module}")


def register_fsdp_forward_method(module: Module, method_name: str) -> None:
    """Let a method of a module gather parameters as its forward pass does.

    Args:
        module: nothing is done where ``fully_shard`` was not called on it.
        method_name: of the method.
    Raises:
        ValueError: it has no such method.
    """
    if not isinstance(module, FSDPModule):
        return
    if not hasattr(module, method_name):
        raise ValueError(f"{type(module)} does not have a method {method_name}")
    setattr(module, method_name, as_forward(module, getattr(module, method_name)))


def share_comm_ctx(modules: list[FSDPModule]) -> None:
    """Check the modules: their collectives run one after another anyhow."""
    _check_all(modules)
