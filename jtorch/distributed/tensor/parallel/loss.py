"""Cross entropy of logits that are cut along the classes, without gathering them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import jtorch as torch

from ... import _functional_collectives as collectives
from .. import _dispatch
from .._api import DTensor, wrap
from .._dtensor_spec import DTensorSpec, TensorMeta
from .._gradients import kinds_of
from .._redistribute import shard_size_and_offset
from ..placement_types import Partial, Replicate, Shard


@contextlib.contextmanager
def loss_parallel() -> Iterator[None]:
    """Keep logits cut along the classes in ``cross_entropy``, forwards and backwards.

    The logits are DTensors cut along the dimension of the classes, the true classes are replicated.
    """
    before = _dispatch.state.overriding
    _dispatch.state.overriding = {
        **before,
        "_log_softmax": _log_softmax,
        "nll_loss_forward": _nll_loss,
        "nll_loss2d_forward": _nll_loss,
    }
    try:
        yield
    finally:
        _dispatch.state.overriding = before


def _class_dim_of_mesh(spec: DTensorSpec, dim: int) -> int:
    """Return along which dimension of the mesh the classes are cut.

    Raises:
        ValueError: they are not, or the tensor is cut otherwise, too.
    """
    found = [index for index, each in enumerate(spec.placements) if each == Shard(dim)]
    others = [each for each in spec.placements if not each.is_replicate() and each != Shard(dim)]
    if len(found) != 1 or others:
        raise ValueError(
            "loss_parallel() should be enabled only when the input tensor is sharded on exactly "
            "one mesh dimension."
        )
    return found[0]


def _log_softmax(operator: Any, tensor: DTensor, dim: int, half_to_float: bool) -> DTensor:
    """Return the logarithms of the probabilities of the classes that this process has."""
    dim = dim % tensor.ndim
    index = _class_dim_of_mesh(tensor._spec, dim)
    group = (tensor.device_mesh, index)
    local = tensor._local
    highest = collectives.all_reduce(local.detach().amax(dim, keepdim=True), "max", group)
    shifted = local - highest
    total = collectives.all_reduce(shifted.exp().sum(dim, keepdim=True), "sum", group)
    return wrap(shifted - total.log(), tensor._spec, kinds_of(tensor.placements))


def _nll_loss(
    operator: Any, tensor: DTensor, target: DTensor, weight: Any, reduction: int, ignored: int
) -> tuple[DTensor, DTensor]:
    """Return the loss of logarithms of probabilities, of which this process has some classes."""
    dim = 0 if tensor.ndim < 2 else 1
    index = _class_dim_of_mesh(tensor._spec, dim)
    mesh = tensor.device_mesh
    whole = [Replicate()] * mesh.ndim
    if not isinstance(target, DTensor):
        target = DTensor.from_local(target, mesh, whole, run_check=False)
    classes = _dispatch.redistributed(target, whole)._local
    size, offset = shard_size_and_offset(tensor.shape, mesh, tensor.placements)
    kept = classes != ignored
    here = (classes >= offset[dim]) & (classes < offset[dim] + size[dim]) & kept
    own = torch.where(here, classes - offset[dim], 0)
    picked = tensor._local.gather(dim, own.unsqueeze(dim)).squeeze(dim).masked_fill(~here, 0.0)
    terms: list[Any] = [Replicate()] * mesh.ndim
    terms[index] = Partial()
    meta = TensorMeta(torch.Size(classes.shape), tuple(classes.stride()), picked.dtype)
    logs = _dispatch.redistributed(wrap(picked, DTensorSpec(mesh, terms, meta)), whole)
    weights = kept.to(picked.dtype)
    if weight is not None:
        plain = weight.full_tensor() if isinstance(weight, DTensor) else weight
        weights = weights * plain[torch.where(kept, classes, 0)]
    losses = -logs._local * weights
    total = weights.sum()
    if reduction == 1:
        losses = losses.sum() / total
    elif reduction == 2:
        losses = losses.sum()

    def replicated(value: Any, kinds: Any = None) -> DTensor:
        own = TensorMeta(torch.Size(value.shape), tuple(value.stride()), value.dtype)
        return wrap(value, DTensorSpec(mesh, whole, own), kinds)

    return replicated(losses, logs._kinds), replicated(total.detach())
