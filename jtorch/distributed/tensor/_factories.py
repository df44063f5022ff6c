"""Functions that make DTensors of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch

from ..device_mesh import DeviceMesh, _mesh_resources
from ._api import DTensor, normalised, wrap
from ._dtensor_spec import DTensorSpec, TensorMeta
from ._redistribute import cut, shard_size_and_offset
from .placement_types import Placement, Replicate, Shard


def _size_of(size: tuple) -> torch.Size:
    if len(size) == 1 and isinstance(size[0], (list, tuple)):
        size = tuple(size[0])
    return torch.Size(size)


def _make(
    make: Callable[[Sequence[int]], torch.Tensor],
    size: torch.Size,
    device_mesh: DeviceMesh | None,
    placements: Sequence[Placement] | None,
    layout: Any,
    requires_grad: bool,
    whole_first: bool = False,
) -> DTensor:
    """Return a tensor whose parts a function makes.

    Args:
        make: returns a plain tensor of a shape.
        size: of the whole tensor.
        device_mesh, placements, layout, requires_grad: as given.
        whole_first: whether the whole tensor is made and then cut.
    """
    mesh = device_mesh or _mesh_resources.get_current_mesh()
    given = placements or [Replicate() for _ in range(mesh.ndim)]
    if mesh.ndim != len(given):
        raise AssertionError("mesh dimension does not match the length of placements")
    if layout is not torch.strided:
        raise AssertionError("layout value not supported!")
    found = normalised(given, len(size))
    if whole_first:
        local = make(size)
        for index, placement in enumerate(found):
            if isinstance(placement, Shard):
                local = cut(local, placement, mesh, index)
        local = local.clone()
    else:
        local = make(shard_size_and_offset(size, mesh, found)[0])
    stride: list[int] = []
    step = 1
    for length in reversed(size):
        stride.insert(0, step)
        step *= max(length, 1)
    spec = DTensorSpec(mesh, found, TensorMeta(size, tuple(stride), local.dtype))
    return wrap(local.requires_grad_(requires_grad), spec)


def _factory(name: str, line: str, whole_first: bool = False) -> Callable:
    plain = getattr(torch, name)

    def make(
        *size: Any,
        dtype: Any = None,
        layout: Any = torch.strided,
        requires_grad: bool = False,
        device_mesh: DeviceMesh | None = None,
        placements: Sequence[Placement] | None = None,
    ) -> DTensor:
        return _make(
            lambda shape: plain(shape, dtype=dtype),
            *(_size_of(size), device_mesh, placements, layout, requires_grad, whole_first),
        )

    make.__name__ = make.__qualname__ = name
    make.__module__ = "torch.distributed.tensor"
    make.__doc__ = f"""{line}

    Args:
        *size: the shape of the whole tensor.
        dtype: dtype; the default one unless given.
        layout: ``torch.strided``.
        requires_grad: whether gradients flow to it.
        device_mesh: the mesh; by default the one that was entered.
        placements: how it shall lie; replicated by default.
    """
    return make


zeros = _factory("zeros", "Return a tensor of zeros.")
ones = _factory("ones", "Return a tensor of ones.")
empty = _factory("empty", "Return a tensor of any numbers.")
rand = _factory("rand", "Return uniform random numbers: the whole is that of ``torch.rand``.", True)
randn = _factory(
    "randn", "Return normal random numbers: the whole is that of ``torch.randn``.", True
)


def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    layout: Any = torch.strided,
    requires_grad: bool = False,
    device_mesh: DeviceMesh | None = None,
    placements: Sequence[Placement] | None = None,
) -> DTensor:
    """Return a tensor of one number.

    Args:
        size: the shape of the whole tensor.
        fill_value: the number.
        dtype, layout, requires_grad, device_mesh, placements: as for ``zeros``.
    """
    return _make(
        lambda shape: torch.full(shape, fill_value, dtype=dtype),
        *(_size_of((size,)), device_mesh, placements, layout, requires_grad),
    )


full.__module__ = "torch.distributed.tensor"
