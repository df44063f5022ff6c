"""Functions of plain tensors called on DTensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jtorch as torch

from ....utils import _pytree as pytree
from ...device_mesh import DeviceMesh
from .._api import DTensor


def local_map(
    func: Callable | None = None,
    out_placements: Any = None,
    in_placements: Any = None,
    in_grad_placements: Any = None,
    device_mesh: DeviceMesh | None = None,
    *,
    redistribute_inputs: bool = False,
) -> Callable:
    """Return a function that calls one of plain tensors on the parts of DTensors.

    Args:
        func: the function; without it a decorator is returned.
        out_placements: how the results lie: placements for all, or a tuple of those of each.
        in_placements: how each argument has to lie; ``None`` for what is no DTensor.
        in_grad_placements: how the gradient of each argument's part lies.
        device_mesh: the mesh of results where no argument tells it.
        redistribute_inputs: whether arguments that lie otherwise are redistributed instead of
            refused.
    """
    if func is None:
        return functools.partial(
            local_map,
            out_placements=out_placements,
            in_placements=in_placements,
            in_grad_placements=in_grad_placements,
            device_mesh=device_mesh,
            redistribute_inputs=redistribute_inputs,
        )

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        flat, spec = pytree.tree_flatten(args)
        if in_placements is not None and len(in_placements) != len(flat):
            raise AssertionError(
                f"in_placements length {len(in_placements)} does not match the number of input "
                f"args {len(flat)}!"
            )
        mesh = device_mesh
        found = []
        any_dtensor = False
        for at, value in enumerate(flat):
            if isinstance(value, DTensor):
                any_dtensor = True
                mesh = mesh or value.device_mesh
                wanted = None if in_placements is None else in_placements[at]
                gradient = None if in_grad_placements is None else in_grad_placements[at]
                value = _part(
                    value, wanted, gradient, in_placements is not None, redistribute_inputs
                )
            found.append(value)
        result = func(*pytree.tree_unflatten(found, spec), **kwargs)
        if not any_dtensor:
            return result
        return _wrapped(result, out_placements, mesh)

    return call


def _part(value: DTensor, wanted: Any, gradient: Any, checked: bool, may_change: bool) -> Any:
    """Return the part of an argument that lies as it has to."""
    if checked:
        if wanted is None:
            raise AssertionError(f"DTensor input {value} expects placements but received {wanted}!")
        wanted = tuple(wanted)
        if value.placements != wanted:
            if not may_change:
                raise ValueError(
                    f"arg {value} in local_map has a mismatched placements: arg placements is "
                    f"{value.placements} but the input placements is {wanted}! If "
                    "redistribute_inputs is wanted, set redistribute_inputs=True to local_map."
                )
            value = value.redistribute(placements=wanted)
    return value.to_local(grad_placements=gradient)


def _wrapped(result: Any, placements: Any, mesh: Any) -> Any:
    """Return the results as DTensors."""
    flat, spec = pytree.tree_flatten(result)
    given = placements if isinstance(placements, tuple) else (placements,) * len(flat)
    if len(flat) != len(given):
        raise AssertionError(
            "local_map requires one PlacementType be provided for each output value, received "
            f"{len(given)} out_placements but {len(flat)} is expected!"
        )
    found = []
    for value, each in zip(flat, given, strict=True):
        if isinstance(value, torch.Tensor) and not isinstance(value, DTensor):
            value = DTensor.from_local(value, mesh, each, run_check=False)
        elif each is not None and not isinstance(value, torch.Tensor):
            raise AssertionError(
                f"Non-tensor output {value} expects None placements but received {each}!"
            )
        found.append(value)
    return pytree.tree_unflatten(found, spec)


local_map.__module__ = "torch.distributed.tensor.experimental"
