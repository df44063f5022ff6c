"""What a user may choose for ``FullyShardedDataParallel``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import jtorch as torch

from ...nn.modules.batchnorm import _BatchNorm

__all__ = [
    "BackwardPrefetch",
    "CPUOffload",
    "FullOptimStateDictConfig",
    "FullStateDictConfig",
    "LocalOptimStateDictConfig",
    "LocalStateDictConfig",
    "MixedPrecision",
    "OptimStateDictConfig",
    "OptimStateKeyType",
    "ShardedOptimStateDictConfig",
    "ShardedStateDictConfig",
    "ShardingStrategy",
    "StateDictConfig",
    "StateDictSettings",
    "StateDictType",
]


class ShardingStrategy(Enum):
    """What is spread over processes, and when parameters are let go.

    ``FULL_SHARD``: parameters, gradients and state, let go after the forward pass.
    ``SHARD_GRAD_OP``: the same, let go after the backward pass.
    ``NO_SHARD``: nothing. ``HYBRID_SHARD``, ``_HYBRID_SHARD_ZERO2``: the first two within groups of
    processes, which hold the same.
    """

    FULL_SHARD = auto()
    SHARD_GRAD_OP = auto()
    NO_SHARD = auto()
    HYBRID_SHARD = auto()
    _HYBRID_SHARD_ZERO2 = auto()


class BackwardPrefetch(Enum):
    """When the next parameters of a backward pass are gathered; has no effect."""

    BACKWARD_PRE = auto()
    BACKWARD_POST = auto()


@dataclass
class MixedPrecision:
    """In which types parameters and buffers are used and gradients added up.

    Attributes:
        param_dtype, reduce_dtype, buffer_dtype: of these; ``None`` for their own.
        keep_low_precision_grads: has no effect: gradients have the parameters' type.
        cast_forward_inputs: whether arguments of each wrapped module are cast.
        cast_root_forward_inputs: whether those of the root are.
        _module_classes_to_ignore: of modules that keep their types.
    """

    param_dtype: torch.dtype | None = None
    reduce_dtype: torch.dtype | None = None
    buffer_dtype: torch.dtype | None = None
    keep_low_precision_grads: bool = False
    cast_forward_inputs: bool = False
    cast_root_forward_inputs: bool = True
    _module_classes_to_ignore: Sequence[type[torch.nn.Module]] = (_BatchNorm,)


@dataclass
class CPUOffload:
    """Whether shards are kept on the CPU."""

    offload_params: bool = False


class StateDictType(Enum):
    """What a state dict holds: whole tensors, this process' shards, or distributed tensors."""

    FULL_STATE_DICT = auto()
    LOCAL_STATE_DICT = auto()
    SHARDED_STATE_DICT = auto()


@dataclass
class StateDictConfig:
    """Whether the tensors of a state dict are on the CPU."""

    offload_to_cpu: bool = False


@dataclass
class FullStateDictConfig(StateDictConfig):
    """Besides, whether only rank 0 gets whole tensors."""

    rank0_only: bool = False


@dataclass
class LocalStateDictConfig(StateDictConfig):
    """Of shards."""


@dataclass
class ShardedStateDictConfig(StateDictConfig):
    """Of distributed tensors, which are ``DTensor``s in any case."""

    _use_dtensor: bool = False


@dataclass
class OptimStateDictConfig:
    """Whether the tensors of the state of an optimiser are on the CPU."""

    offload_to_cpu: bool = True


@dataclass
class FullOptimStateDictConfig(OptimStateDictConfig):
    """Besides, whether only rank 0 gets whole tensors."""

    rank0_only: bool = False


@dataclass
class LocalOptimStateDictConfig(OptimStateDictConfig):
    """Of shards."""

    offload_to_cpu: bool = False


@dataclass
class ShardedOptimStateDictConfig(OptimStateDictConfig):
    """Of distributed tensors, which are ``DTensor``s in any case."""

    _use_dtensor: bool = False


@dataclass
class StateDictSettings:
    """What state dicts of a module and of its optimiser hold."""

    state_dict_type: StateDictType
    state_dict_config: StateDictConfig
    optim_state_dict_config: OptimStateDictConfig


class OptimStateKeyType(Enum):
    """What the state of an optimiser is by: names of parameters, or their numbers."""

    PARAM_NAME = auto()
    PARAM_ID = auto()
