"""FSDP1: a wrapper around a module, on the mechanism of ``fully_shard``.

Parameters keep their names and shapes, as with ``use_orig_params=True`` in PyTorch: each is a
``DTensor`` by itself, not a part of one flat parameter.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jtorch as torch

from ... import distributed as dist
from ...nn.modules.module import Module
from ...nn.parameter import Parameter
from ...nn.utils.clip_grad import clip_grad_norm_
from ..device_mesh import DeviceMesh, init_device_mesh
from . import _full_state
from ._fully_shard._fsdp_api import MixedPrecisionPolicy
from ._fully_shard._fully_shard import _owners
from ._fully_shard._group import ParameterGroup
from ._fully_shard._parameters import MeshAxes, ShardedParameter
from ._fully_shard._state import State, states_of
from .api import (
    BackwardPrefetch,
    CPUOffload,
    FullOptimStateDictConfig,
    FullStateDictConfig,
    LocalOptimStateDictConfig,
    LocalStateDictConfig,
    MixedPrecision,
    OptimStateDictConfig,
    ShardedOptimStateDictConfig,
    ShardedStateDictConfig,
    ShardingStrategy,
    StateDictConfig,
    StateDictSettings,
    StateDictType,
)
from .wrap import _Policy, _recursive_wrap, wrap_chosen

__all__ = ["FullyShardedDataParallel"]

_PREFIX = "_fsdp_wrapped_module."
_HYBRID = (ShardingStrategy.HYBRID_SHARD, ShardingStrategy._HYBRID_SHARD_ZERO2)
_KEEPS = (ShardingStrategy.SHARD_GRAD_OP, ShardingStrategy._HYBRID_SHARD_ZERO2)
_CONFIGS: dict[StateDictType, tuple[Callable, Callable]] = {
    StateDictType.FULL_STATE_DICT: (FullStateDictConfig, FullOptimStateDictConfig),
    StateDictType.LOCAL_STATE_DICT: (LocalStateDictConfig, LocalOptimStateDictConfig),
    StateDictType.SHARDED_STATE_DICT: (ShardedStateDictConfig, ShardedOptimStateDictConfig),
}


def _mesh_of(group: Any, strategy: ShardingStrategy) -> DeviceMesh:
    """Return the mesh of a process group; of two for a hybrid: the one that shards comes first."""
    if strategy in _HYBRID:
        if not isinstance(group, tuple):
            raise ValueError(
                "Manual wrapping with ShardingStrategy.HYBRID_SHARD requires explicit "
                "specification of process group or device_mesh."
            )
        shard, replicate = group
        ranks = torch.arange(dist.get_world_size()).view(
            dist.get_world_size(replicate), dist.get_world_size(shard)
        )
        return DeviceMesh("cpu", ranks, mesh_dim_names=("replicate", "shard"))
    if group is None:
        return init_device_mesh("cpu", (dist.get_world_size(),))
    return DeviceMesh.from_group(group, "cpu")


def _replicated(mesh: DeviceMesh) -> DeviceMesh:
    """Return a mesh that only replicates."""
    return DeviceMesh("cpu", mesh.mesh.view(-1, 1), mesh_dim_names=("replicate", "shard"))


class FullyShardedDataParallel(Module):
    """Wraps a module so that each process keeps a shard of its parameters.

    Args:
        module: to wrap; modules within may be wrapped already.
        process_group: of which processes; for a hybrid strategy a pair: shards, replicas.
        sharding_strategy: see ``ShardingStrategy``.
        cpu_offload: whether shards are kept on the CPU; has no effect on the CPU.
        auto_wrap_policy: which modules within are wrapped first; see ``fsdp.wrap``.
        mixed_precision: in which types parameters are used.
        ignored_modules: whose parameters are left alone; ``ignored_states`` too.
        param_init_fn: gives modules on the meta device their elements.
        sync_module_states: whether all begin with the parameters and buffers of rank 0.
        use_orig_params: has no effect: parameters always keep their names and shapes.
        device_mesh: instead of the group.
        backward_prefetch, forward_prefetch, limit_all_gathers, device_id: have no effect.
    """

    def __init__(
        self,
        module: Module,
        process_group: Any = None,
        sharding_strategy: ShardingStrategy | None = None,
        cpu_offload: CPUOffload | None = None,
        auto_wrap_policy: Any = None,
        backward_prefetch: BackwardPrefetch | None = BackwardPrefetch.BACKWARD_PRE,
        mixed_precision: MixedPrecision | None = None,
        ignored_modules: Iterable[Module] | None = None,
        param_init_fn: Callable[[Module], None] | None = None,
        device_id: Any = None,
        sync_module_states: bool = False,
        forward_prefetch: bool = False,
        limit_all_gathers: bool = True,
        use_orig_params: bool = False,
        ignored_states: Iterable[Any] | None = None,
        device_mesh: DeviceMesh | None = None,
    ):
        super().__init__()
        strategy = sharding_strategy or ShardingStrategy.FULL_SHARD
        ignored = self._ignored(ignored_modules, ignored_states)
        options = {
            "process_group": process_group,
            "sharding_strategy": strategy,
            "cpu_offload": cpu_offload,
            "backward_prefetch": backward_prefetch,
            "mixed_precision": mixed_precision,
            "param_init_fn": param_init_fn,
            "sync_module_states": sync_module_states,
            "use_orig_params": use_orig_params,
            "ignored_states": ignored[1],
            "device_mesh": device_mesh,
        }
        if auto_wrap_policy is not None:
            self._wrap_within(module, auto_wrap_policy, ignored, options)
        mesh = device_mesh if device_mesh is not None else _mesh_of(process_group, strategy)
        if strategy is ShardingStrategy.NO_SHARD:
            mesh = _replicated(mesh)
        self._fsdp_wrapped_module = module
        self.sharding_strategy = strategy
        self.mixed_precision = mixed_precision or MixedPrecision()
        self._settings = StateDictSettings(
            StateDictType.FULL_STATE_DICT, FullStateDictConfig(), FullOptimStateDictConfig()
        )
        self._summoned = False
        _materialise(module, param_init_fn)
        axes = MeshAxes(mesh)
        self.process_group = axes.group if axes.size > 1 else axes.replicate_group
        if sync_module_states:
            _send_from_first(module, set(ignored[1]))
        owners = _owners((self,), set(ignored[1]))
        group = None
        policy = MixedPrecisionPolicy(
            self.mixed_precision.param_dtype,
            self.mixed_precision.reduce_dtype,
            cast_forward_inputs=self.mixed_precision.cast_root_forward_inputs,
        )
        if owners:
            parameters = [ShardedParameter(p, found, axes, 0) for p, found in owners.items()]
            group = ParameterGroup(parameters, axes, policy)
            group.reshard_after_forward = strategy not in _KEEPS
        State((self,), group, policy, strategy not in _KEEPS)
        self._register_state_dict_hook(_full_state.after_state_dict)
        self.register_load_state_dict_pre_hook(_full_state.before_load)

    @staticmethod
    def _ignored(modules: Any, states: Any) -> tuple[set[Module], list[Parameter]]:
        if modules is not None and states is not None:
            raise ValueError(
                "Cannot pass both ignored_modules and ignored_states at the same time. "
                "Please just pass ignored_states."
            )
        found = list(modules if modules is not None else states or ())
        inner = {each for each in found if isinstance(each, Module)}
        parameters = [each for each in found if isinstance(each, Parameter)]
        for module in inner:
            parameters += module.parameters()
        return {m for each in inner for m in each.modules()}, parameters

    @staticmethod
    def _wrap_within(module: Module, policy: Any, ignored: Any, options: dict[str, Any]) -> None:
        if isinstance(policy, _Policy):
            chosen = policy._run_policy(module, ignored[0], options)
            chosen.pop(module, None)
            wrap_chosen(module, chosen, FullyShardedDataParallel)
            return
        _recursive_wrap(
            module,
            policy,
            FullyShardedDataParallel,
            ignored[0],
            set(ignored[1]),
            only_wrap_children=True,
            **options,
        )

    @property
    def module(self) -> Module:
        """The module that is wrapped."""
        return self._fsdp_wrapped_module

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self._fsdp_wrapped_module, name)

    def __getitem__(self, key: int) -> Any:
        inner: Any = self._fsdp_wrapped_module
        return inner[key]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module."""
        return self._fsdp_wrapped_module(*args, **kwargs)

    def named_parameters(self, *args: Any, **kwargs: Any) -> Iterator[tuple[str, Any]]:
        """Yield names and parameters; while they are whole, without what wrappers add."""
        for name, parameter in super().named_parameters(*args, **kwargs):
            yield (name.replace(_PREFIX, "") if self._summoned else name), parameter

    @staticmethod
    def fsdp_modules(module: Module, root_only: bool = False) -> list[FullyShardedDataParallel]:
        """Return the wrappers within a module, itself too.

        Args:
            module: any module.
            root_only: whether only those within no other.
        """
        found = [each for each in module.modules() if isinstance(each, FullyShardedDataParallel)]
        if not root_only:
            return found
        inner = {each for outer in found for each in outer.modules() if each is not outer}
        return [each for each in found if each not in inner]

    def check_is_root(self) -> bool:
        """Tell whether this is the wrapper whose forward pass runs first."""
        state: Any = self._fsdp_state
        state._find_root(self)
        return bool(state.is_root)

    def _groups(self) -> list[ParameterGroup]:
        return [state.group for state in states_of(self) if state.group is not None]

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """A block whose backward passes add gradients up here, without sending them."""
        before = [(group, group.reduce_grads) for group in self._groups()]
        for group, _ in before:
            group.reduce_grads = False
        try:
            yield
        finally:
            for group, reduces in before:
                group.reduce_grads = reduces

    @torch.no_grad()
    def clip_grad_norm_(self, max_norm: float, norm_type: float = 2.0) -> torch.Tensor:
        """Scale gradients so that the norm of all, over all processes, is at most a limit.

        Args:
            max_norm: the limit.
            norm_type: which norm.
        Returns:
            The norm before.
        """
        norm: Any = clip_grad_norm_(list(self.parameters()), max_norm, norm_type)
        return norm.full_tensor() if hasattr(norm, "full_tensor") else norm

    @staticmethod
    @contextlib.contextmanager
    def summon_full_params(
        module: Module,
        recurse: bool = True,
        writeback: bool = True,
        rank0_only: bool = False,
        offload_to_cpu: bool = False,
        with_grads: bool = False,
    ) -> Iterator[None]:
        """A block in which the parameters are whole.

        Args:
            module: whose wrappers.
            recurse: whether those within, too.
            writeback: whether changes are kept.
            rank0_only: has no effect but that changes are not kept.
            offload_to_cpu: has no effect on the CPU.
            with_grads: refused.
        """
        if with_grads:
            raise NotImplementedError("summon_full_params: gradients stay sharded")
        if writeback and rank0_only:
            raise NotImplementedError("writeback=True and rank0_only=True is not supported yet.")
        wrappers = FullyShardedDataParallel.fsdp_modules(module)
        if not recurse:
            wrappers = wrappers[:1]
        groups = [each._fsdp_state.group for each in wrappers if each._fsdp_state.group is not None]
        for group in groups:
            group.reshard()
            group.unshard()
        for each in wrappers:
            each._summoned = True
        try:
            yield
        finally:
            for each in wrappers:
                each._summoned = False
            for group in groups:
                if writeback:
                    group.write_back()
                group.reshard()

    def apply(self, fn: Callable[[Module], None]) -> FullyShardedDataParallel:
        """Call a function with each module within, while parameters are whole."""
        with self.summon_full_params(self):
            super().apply(fn)
        return self

    # State dicts

    @staticmethod
    def set_state_dict_type(
        module: Module,
        state_dict_type: StateDictType,
        state_dict_config: StateDictConfig | None = None,
        optim_state_dict_config: OptimStateDictConfig | None = None,
    ) -> StateDictSettings:
        """Say what the state dicts of the wrappers within a module hold.

        Args:
            module: any module.
            state_dict_type: which.
            state_dict_config, optim_state_dict_config: how.
        Returns:
            What was said before.
        Raises:
            RuntimeError: a configuration is that of another type.
        """
        kinds = _CONFIGS[state_dict_type]
        config = state_dict_config or kinds[0]()
        optimizer_config = optim_state_dict_config or kinds[1]()
        for given, kind in ((config, kinds[0]), (optimizer_config, kinds[1])):
            if type(given) is not kind:
                raise RuntimeError(
                    f"Expected state_dict_config of type {kind} but got {type(given)}"
                )
        before = FullyShardedDataParallel.get_state_dict_type(module)
        for each in FullyShardedDataParallel.fsdp_modules(module):
            each._settings = StateDictSettings(state_dict_type, config, optimizer_config)
        return before

    @staticmethod
    def get_state_dict_type(module: Module) -> StateDictSettings:
        """Return what the state dicts of the wrappers within a module hold."""
        found = FullyShardedDataParallel.fsdp_modules(module)
        if found:
            return found[0]._settings
        return StateDictSettings(
            StateDictType.FULL_STATE_DICT, FullStateDictConfig(), FullOptimStateDictConfig()
        )

    @staticmethod
    @contextlib.contextmanager
    def state_dict_type(
        module: Module,
        state_dict_type: StateDictType,
        state_dict_config: StateDictConfig | None = None,
        optim_state_dict_config: OptimStateDictConfig | None = None,
    ) -> Iterator[None]:
        """A block in which state dicts hold something else; see ``set_state_dict_type``."""
        before = FullyShardedDataParallel.set_state_dict_type(
            module, state_dict_type, state_dict_config, optim_state_dict_config
        )
        try:
            yield
        finally:
            FullyShardedDataParallel.set_state_dict_type(
                module,
                before.state_dict_type,
                before.state_dict_config,
                before.optim_state_dict_config,
            )

    @staticmethod
    def _sharded_state_dicts(module: Module) -> Any:
        """Return a block in which state dicts hold distributed tensors."""
        return FullyShardedDataParallel.state_dict_type(module, StateDictType.SHARDED_STATE_DICT)

    @staticmethod
    def optim_state_dict(
        model: Module,
        optim: Any,
        optim_state_dict: dict[str, Any] | None = None,
        group: Any = None,
    ) -> dict[str, Any]:
        """Return the state of an optimiser by names of parameters, as the model's type says.

        Args:
            model: whose parameters it has.
            optim: the optimiser.
            optim_state_dict: what it returned, if that was asked already.
            group: has no effect.
        """
        settings = FullyShardedDataParallel.get_state_dict_type(model)
        return _full_state.optimizer_state(model, optim, optim_state_dict, settings)

    @staticmethod
    def optim_state_dict_to_load(
        model: Module,
        optim: Any,
        optim_state_dict: dict[str, Any],
        is_named_optimizer: bool = False,
        load_directly: bool = False,
        group: Any = None,
    ) -> dict[str, Any]:
        """Return what the optimiser of this process loads of the state of all.

        Args:
            model: whose parameters it has.
            optim: the optimiser.
            optim_state_dict: by names, whole or distributed.
            load_directly: whether to load it, too.
            is_named_optimizer, group: have no effect.
        """
        state = _full_state.to_load(model, optim, optim_state_dict)
        if load_directly:
            optim.load_state_dict(state)
        return state

    @staticmethod
    def full_optim_state_dict(
        model: Module,
        optim: Any,
        optim_input: Any = None,
        rank0_only: bool = True,
        group: Any = None,
    ) -> dict[str, Any]:
        """Return the whole state of an optimiser by names, on rank 0 or on all."""
        settings = StateDictSettings(
            StateDictType.FULL_STATE_DICT,
            FullStateDictConfig(),
            FullOptimStateDictConfig(rank0_only=rank0_only),
        )
        return _full_state.optimizer_state(model, optim, None, settings)

    @staticmethod
    def shard_full_optim_state_dict(
        full_optim_state_dict: dict[str, Any],
        model: Module,
        optim_input: Any = None,
        optim: Any = None,
    ) -> dict[str, Any]:
        """Return what the optimiser of this process loads of a whole state."""
        return _full_state.to_load(model, optim, full_optim_state_dict)


def _materialise(module: Module, init: Callable[[Module], None] | None) -> None:
    """Give modules on the meta device their elements."""
    for each in module.modules():
        if any(p is not None and p.device.type == "meta" for p in each._parameters.values()):
            if init is not None:
                init(each)
            else:
                each.to_empty(device="cpu", recurse=False)
                reset: Any = getattr(each, "reset_parameters", None)
                if reset is not None:
                    with torch.no_grad():
                        reset()


@torch.no_grad()
def _send_from_first(module: Module, ignored: set[Parameter]) -> None:
    """Let all processes have the parameters and buffers of rank 0, one collective a dtype."""
    by_dtype: dict[torch.dtype, list[torch.Tensor]] = {}
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor not in ignored and not hasattr(tensor, "placements"):
            by_dtype.setdefault(tensor.dtype, []).append(tensor)
    for tensors in by_dtype.values():
        together = torch.cat([each.detach().reshape(-1) for each in tensors])
        dist.broadcast(together, src=0)
        for each, part in zip(tensors, together.split([each.numel() for each in tensors])):
            each.copy_(part.view_as(each))
