"""Tensors and modules distributed over a mesh."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch
import jtorch.distributed as dist

from .._collective_counts import runs
from ..device_mesh import DeviceMesh, _mesh_resources
from . import _messages
from ._api import DTensor, normalised, wrap
from ._dtensor_spec import DTensorSpec, TensorMeta
from ._redistribute import _as_terms, _padded, cut
from .placement_types import Partial, Placement, Replicate, Shard, _StridedShard


def _scattered(tensor: Any, placement: Shard, mesh: DeviceMesh, index: int, source: Any) -> Any:
    """Return this process's piece of the tensor that one process along a dimension has."""
    piece = cut(tensor, placement, mesh, index)
    if source is None:
        return piece.clone()
    group = mesh.get_group(index)
    count = mesh.size(index)
    runs("scatter_", "c10d")
    if isinstance(placement, _StridedShard):
        dist.broadcast(tensor, dist.get_global_rank(group, source), group=group)
        return cut(tensor, placement, mesh, index).clone()
    longest = Shard.local_shard_size_and_offset(tensor.size(placement.dim), count, 0)[0]
    shape = list(tensor.shape)
    shape[placement.dim] = longest
    result = tensor.new_empty(shape)
    pieces = None
    if dist.get_rank(group) == source:
        pieces = [
            _padded(each, placement.dim, longest).contiguous()
            for each in _pieces(tensor, placement.dim, count)
        ]
    dist.scatter(result, pieces, dist.get_global_rank(group, source), group=group)
    return result.narrow(placement.dim, 0, piece.size(placement.dim)).clone()


def _pieces(tensor: Any, dim: int, count: int) -> list[Any]:
    sizes = [
        Shard.local_shard_size_and_offset(tensor.size(dim), count, rank) for rank in range(count)
    ]
    return [tensor.narrow(dim, begin, size) for size, begin in sizes]


def distribute_tensor(
    tensor: torch.Tensor,
    device_mesh: DeviceMesh | None = None,
    placements: Sequence[Placement] | None = None,
    *,
    src_data_rank: int | None = 0,
) -> DTensor:
    """Return a leaf tensor distributed over a mesh.

    Args:
        tensor: the whole tensor; that of one process is taken.
        device_mesh: the mesh; by default the one that was entered.
        placements: how it shall lie; replicated by default.
        src_data_rank: whose tensor is taken, along each dimension; with ``None`` each process cuts
            its own tensor and nothing is sent.
    Raises:
        ValueError: there are not as many placements as the mesh has dimensions, or the tensor is a
            ``DTensor`` that lies otherwise.
        RuntimeError: the tensor is no leaf.
    """
    mesh = device_mesh or _mesh_resources.get_current_mesh()
    if not tensor.is_leaf:
        raise RuntimeError(
            "`distribute_tensor` should be used to distribute leaf tensors! but found non-leaf "
            "tensor!"
        )
    given = [Replicate() for _ in range(mesh.ndim)] if placements is None else list(placements)
    if len(given) != mesh.ndim:
        raise ValueError(
            "`placements` must have the same length as `device_mesh.ndim`! Found placements "
            f"length: {len(given)}, and device_mesh.ndim: {mesh.ndim}."
        )
    if isinstance(tensor, DTensor):
        if tensor.device_mesh != mesh:
            raise ValueError(
                f"Cannot distribute a DTensor with device mesh {tensor.device_mesh} to a different "
                f"device mesh {mesh}."
            )
        if tensor.placements != normalised(given, tensor.ndim):
            raise ValueError(
                f"Cannot distribute a DTensor with placements {tensor.placements} to a different "
                f"placements {given}. do you want to call `redistribute` instead?"
            )
        return tensor
    wanted = normalised(given, tensor.ndim)
    _messages.check_shards(wanted, tensor.ndim)
    local = tensor.detach()
    if mesh.get_coordinate() is None:
        local = local.new_empty(0)
    else:
        if tensor.device.type == "meta":
            src_data_rank = None  # there is nothing to send
        for index, placement in enumerate(wanted):
            if isinstance(placement, Shard):
                local = _scattered(local, placement, mesh, index, src_data_rank)
                continue
            if src_data_rank is not None:
                group = mesh.get_group(index)
                local = local.clone(memory_format=torch.contiguous_format)
                runs("broadcast_", "c10d")
                dist.broadcast(local, dist.get_global_rank(group, src_data_rank), group=group)
            if isinstance(placement, Partial):
                local = _as_terms(local, placement, mesh, index)
    if local is tensor or not wanted:
        local = local.clone()
    spec = DTensorSpec(
        mesh, wanted, TensorMeta(torch.Size(tensor.shape), tuple(tensor.stride()), tensor.dtype)
    )
    return wrap(local.requires_grad_(tensor.requires_grad), spec)


def distribute_module(
    module: torch.nn.Module,
    device_mesh: DeviceMesh | None = None,
    partition_fn: Callable | None = None,
    input_fn: Callable | None = None,
    output_fn: Callable | None = None,
) -> torch.nn.Module:
    """Distribute a module's parameters and buffers, and what goes in and comes out.

    Args:
        module: changed in place.
        device_mesh: the mesh; by default the one that was entered.
        partition_fn: ``(name, submodule, mesh)`` distributes parameters; what it leaves plain is
            replicated.
        input_fn: ``(module, inputs, mesh)`` returns the inputs that the module is to see.
        output_fn: ``(module, outputs, mesh)`` returns what the module is to return.
    Raises:
        RuntimeError: the module was distributed before.
    """
    if getattr(module, "_distribute_module_applied", False):
        raise RuntimeError(
            "distribute_module should only be called once on a module, but it has already been "
            "called on this module!"
        )
    mesh = device_mesh or _mesh_resources.get_current_mesh()
    for name, submodule in module.named_modules():
        if partition_fn is not None:
            partition_fn(name, submodule, mesh)
        _replicate(submodule, mesh)
    if input_fn is not None:
        module.register_forward_pre_hook(_input_hook(input_fn, mesh))
    if output_fn is not None:
        module.register_forward_hook(_output_hook(output_fn, mesh))
    module._distribute_module_applied = True  # type: ignore[assignment]
    return module


def _replicate(module: torch.nn.Module, mesh: DeviceMesh) -> None:
    whole = [Replicate()] * mesh.ndim
    for name, parameter in list(module._parameters.items()):
        if parameter is not None and not isinstance(parameter, DTensor):
            made = distribute_tensor(parameter.data, mesh, whole)
            module.register_parameter(
                name, torch.nn.Parameter(made, requires_grad=parameter.requires_grad)
            )
    for name, buffer in list(module._buffers.items()):
        if buffer is not None and not isinstance(buffer, DTensor):
            module._buffers[name] = distribute_tensor(buffer, mesh, whole)


def _takes(function: Callable, what: str, first: str) -> int:
    """Return how many arguments a function of ``distribute_module`` takes."""
    count = len(inspect.signature(function).parameters)
    if count == 2:
        warnings.warn(
            f"Deprecating {what} that takes two arguments ({first}, device_mesh), please use "
            f"{what} that takes in (module, {first}, device_mesh) instead!",
            FutureWarning,
            stacklevel=3,
        )
    elif count != 3:
        raise ValueError(f"{what} should take in 3 arguments, but got {count} arguments!")
    return count


def _input_hook(function: Callable, mesh: DeviceMesh) -> Callable:
    if _takes(function, "input_fn", "inputs") == 2:
        return lambda module, inputs: function(inputs, mesh)
    return lambda module, inputs: function(module, inputs, mesh)


def _output_hook(function: Callable, mesh: DeviceMesh) -> Callable:
    if _takes(function, "output_fn", "outputs") == 2:
        return lambda module, inputs, outputs: function(outputs, mesh)
    return lambda module, inputs, outputs: function(module, outputs, mesh)


for _public in (distribute_tensor, distribute_module):
    _public.__module__ = "torch.distributed.tensor"
