"""Parameters of which each process keeps a shard, and their layout in what is sent.

A dimension of ``n`` elements over ``k`` processes is cut into pieces of ``ceil(n / k)``. What is
gathered has pieces of that size from all, the last ones padded with zeros.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jtorch as torch

from ....nn.modules.module import Module
from ....nn.parameter import Parameter
from ...device_mesh import DeviceMesh
from ...tensor import DTensor, Replicate, Shard


class MeshAxes:
    """The dimensions of a mesh that shard parameters and that replicate them.

    Args:
        mesh: of one dimension, or of two: the first replicates, the second shards.
    Raises:
        ValueError: it has another number of dimensions.
    """

    def __init__(self, mesh: DeviceMesh):
        if mesh.ndim not in (1, 2):
            raise ValueError(f"fully_shard expects a 1D or 2D DeviceMesh but got {mesh}")
        if mesh.ndim == 2 and mesh.mesh_dim_names is None:
            raise AssertionError("Please init the 2D mesh for HSDP with mesh_dim_names specified")
        axis = mesh.ndim - 1
        self.mesh = mesh
        self.size = mesh.size(axis)
        self.rank = mesh.get_local_rank(axis)
        self.group = mesh.get_group(axis)
        self.replicas = mesh.size(0) if mesh.ndim == 2 else 1
        self.replicate_group = mesh.get_group(0) if mesh.ndim == 2 else None

    def placements(self, dim: int) -> tuple[Any, ...]:
        """Return how a parameter lies that is sharded in a dimension."""
        return (Shard(dim),) if self.mesh.ndim == 1 else (Replicate(), Shard(dim))


@dataclass
class Owner:
    """A module that has a parameter, and what it calls it."""

    module: Module
    name: str


class ShardedParameter:
    """A parameter of which this process keeps a shard.

    Args:
        parameter: whole; it is cut.
        owners: who has it, more than one where it is shared.
        axes: of the mesh.
        dim: that is cut.
    Attributes:
        sharded: the parameter that the module has outside of its forward pass, a ``DTensor``.
        accumulated: the sum of gradients of this process that were not sent yet.
    """

    def __init__(self, parameter: Any, owners: list[Owner], axes: MeshAxes, dim: int):
        self.owners = owners
        self.axes = axes
        self.dim = dim
        self.shape = parameter.size()
        self.dtype = parameter.dtype
        self.requires_grad = parameter.requires_grad
        self.accumulated: torch.Tensor | None = None
        length = self.shape[dim]
        if dim != 0 and length % axes.size:
            raise NotImplementedError(
                f"FSDP does not support uneven sharding on dim {dim}: "
                f"{parameter.size()} (world size: {axes.size})"
            )
        piece = -(-length // axes.size)
        #: Of a padded shard, with the cut dimension first.
        self.padded = torch.Size((piece, *self._rest()))
        self.sharded: Any = self._as_parameter(self.cut(parameter.detach()))
        for other in owners:
            other.module._parameters[other.name] = self.sharded

    def cut(self, whole: torch.Tensor) -> torch.Tensor:
        """Return a copy of this process' shard of the whole parameter."""
        piece, length = self.padded[0], self.shape[self.dim]
        start = min(self.axes.rank * piece, length)
        return whole.narrow(self.dim, start, min(piece, length - start)).clone()

    def _rest(self) -> tuple[int, ...]:
        return (*self.shape[: self.dim], *self.shape[self.dim + 1 :])

    def distributed(self, local: torch.Tensor) -> DTensor:
        """Return a shard as a distributed tensor."""
        strides: list[int] = []
        step = 1
        for length in reversed(self.shape):
            strides.insert(0, step)
            step *= max(length, 1)
        return DTensor.from_local(
            local,
            self.axes.mesh,
            self.axes.placements(self.dim),
            run_check=False,
            shape=self.shape,
            stride=tuple(strides),
        )

    def _as_parameter(self, local: torch.Tensor) -> Any:
        return Parameter(self.distributed(local), requires_grad=self.requires_grad)

    def refresh(self) -> None:
        """Take the parameter that the module has now: it may have been replaced."""
        owner = self.owners[0]
        current: Any = owner.module._parameters[owner.name]
        if current is self.sharded:
            self.requires_grad = current.requires_grad
            return
        if not isinstance(current, DTensor):
            current = self._as_parameter(current.detach())
        self.sharded = current
        self.requires_grad = current.requires_grad
        self.dtype = current.dtype
        self.register(current)

    def register(self, tensor: Any) -> None:
        """Let the modules have a tensor as the parameter."""
        for owner in self.owners:
            owner.module._parameters[owner.name] = tensor
            flat = getattr(owner.module, "_flat_weights", None)
            if flat is not None:
                # Recurrent modules keep a list of their weights.
                names = owner.module._flat_weights_names
                owner.module._flat_weights = [owner.module._parameters.get(n) for n in names]

    def local(self) -> torch.Tensor:
        """Return this process' shard."""
        return self.sharded.to_local().detach()

    def to_send(self, dtype: torch.dtype | None) -> torch.Tensor:
        """Return this process' shard, padded and flat."""
        local = self.local()
        if dtype is not None:
            local = local.to(dtype)
        return self._padded(local.movedim(self.dim, 0), self.padded[0]).reshape(-1)

    @staticmethod
    def _padded(tensor: torch.Tensor, length: int) -> torch.Tensor:
        missing = length - tensor.size(0)
        if not missing:
            return tensor
        return torch.cat([tensor, tensor.new_zeros((missing, *tensor.shape[1:]))])

    def whole(self, received: torch.Tensor) -> torch.Tensor:
        """Return the parameter made of what was gathered.

        Args:
            received: of shape ``(processes, elements of a padded shard)``.
        """
        stacked = received.reshape(-1, *self._rest())[: self.shape[self.dim]]
        return stacked.movedim(0, self.dim).contiguous()

    def gradient_to_send(self, gradient: torch.Tensor) -> torch.Tensor:
        """Return a gradient of the whole parameter, padded, a row for each process."""
        moved = self._padded(gradient.movedim(self.dim, 0), self.padded[0] * self.axes.size)
        return moved.reshape(self.axes.size, -1)

    def accumulate(self, received: torch.Tensor) -> None:
        """Add what was reduced for this process to the gradient of the shard.

        Args:
            received: flat, padded.
        """
        parameter = self.sharded
        local = parameter.to_local()
        length = local.size(self.dim)
        shard = received.view(self.padded)[:length].movedim(0, self.dim)
        shard = shard.to(local.dtype).contiguous()
        if parameter.grad is None:
            parameter.grad = self.distributed(shard)
        else:
            parameter.grad = self.distributed(parameter.grad.to_local() + shard)

    @property
    def sent(self) -> int:
        """How many elements a padded shard has."""
        return math.prod(self.padded)
