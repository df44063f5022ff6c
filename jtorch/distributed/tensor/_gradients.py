"""Gradients of DTensors: they flow along the local tensors, and this says how they lie.

The gradient of a shard is a shard, and that of a term of a sum is the gradient of the sum. The
gradient of a replicated tensor is either replicated, too, or each process has a term of it: where
the others of an operator's operands were sharded. Which of the two is settled by the first use that
says so (``Kind``); a use that yields the other one converts. So the terms of several uses are added
up before they are reduced, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...autograd.function import Function
from ._redistribute import redistribute_local, reduce_terms, share_of_term
from .placement_types import Partial, Placement, Replicate, Shard, _NormPartial

REPLICATED, TERMS = "replicated", "terms"


class Kind:
    """How the gradient of a replicated tensor lies along one dimension of a mesh.

    Tensors whose gradients lie alike share one kind, whichever of them settles it.
    """

    __slots__ = ("_kind", "_same_as")

    def __init__(self) -> None:
        self._same_as: Kind | None = None
        self._kind: str | None = None

    def root(self) -> Kind:
        """Return the kind that all which are alike share."""
        if self._same_as is None:
            return self
        self._same_as = found = self._same_as.root()
        return found

    def settled(self) -> str | None:
        """Return ``REPLICATED``, ``TERMS``, or ``None`` where nothing has settled it."""
        return self.root()._kind

    def settle(self, kind: str) -> str:
        """Settle it where it is not; return what it is."""
        root = self.root()
        if root._kind is None:
            root._kind = kind
        return root._kind

    def join(self, other: Kind) -> None:
        """Make two kinds one; not both are settled otherwise."""
        mine, theirs = self.root(), other.root()
        if mine is not theirs:
            theirs._kind = theirs._kind or mine._kind
            mine._same_as = theirs

    def placement(self) -> Placement:
        """Return the placement of the gradient."""
        return Partial() if self.settled() == TERMS else Replicate()


Kinds = tuple["Kind | None", ...]


def kinds_of(placements: Sequence[Placement]) -> Kinds:
    """Return new kinds for the replicated dimensions."""
    return tuple([Kind() if isinstance(each, Replicate) else None for each in placements])


def gradient_placements(placements: Sequence[Placement], kinds: Kinds) -> list[Placement]:
    """Return how the gradient of a tensor lies."""
    found: list[Placement] = []
    for placement, kind in zip(placements, kinds, strict=True):
        if isinstance(placement, Shard):
            found.append(placement)
        else:
            found.append(Replicate() if kind is None else kind.placement())
    return found


class _Convert(Function):
    """The identity; its gradient comes in one kind and leaves in another."""

    @staticmethod
    def forward(ctx: Any, local: Any, shape: Any, mesh: Any, source: Any, target: Any) -> Any:  # type: ignore[override]
        """Return the tensor."""
        ctx.rest = shape, mesh, source, target
        return local.view_as(local)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return the gradient in the other kind."""
        return redistribute_local(gradient, *ctx.rest), None, None, None, None


def use(local: Any, tensor: Any, yields: Sequence[str | None]) -> Any:
    """Return a local tensor for a use whose gradients are of given kinds.

    Args:
        local: the part of ``tensor``, or what was made of it.
        tensor: the DTensor.
        yields: for each dimension of the mesh the kind; ``None`` where it is not replicated.
    """
    source: list[Placement] = []
    target: list[Placement] = []
    for placement, kind, wanted in zip(tensor.placements, tensor._kinds, yields, strict=True):
        if kind is None or wanted is None:
            settled = wanted = None
        else:
            settled = kind.settle(wanted)
        here: Placement = placement if isinstance(placement, Shard) else Replicate()
        source.append(Partial() if wanted == TERMS else here)
        target.append(Partial() if settled == TERMS else here)
    if source == target:
        return local
    return _Convert.apply(local, tensor.shape, tensor.device_mesh, source, target)


class _Redistribute(Function):
    """Another placement; the gradient is redistributed back."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any,
        local: Any,
        shape: Any,
        mesh: Any,
        source: Any,
        target: Any,
        before: Any,
        after: Any,
    ) -> Any:
        """Return the local part under the other placements."""
        ctx.rest = shape, mesh, source, target, before, after
        result = redistribute_local(local, shape, mesh, source, target)
        return result.view_as(result) if result is local else result

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return the gradient's part under the first placements."""
        shape, mesh, source, target, before, after = ctx.rest
        now = gradient_placements(target, after)
        then = gradient_placements(source, before)
        result = redistribute_local(gradient.contiguous(), shape, mesh, now, then)
        return result, None, None, None, None, None, None


def redistribute(
    tensor: Any, target: Sequence[Placement], joined: bool = True
) -> tuple[Any, Kinds]:
    """Return the local part of a DTensor under other placements, differentiably, and its kinds.

    Args:
        tensor: the DTensor.
        target: the placements.
    """
    source, before = tensor.placements, tensor._kinds
    after = kinds_of(target)
    yields: list[str | None] = []
    for mine, kind in zip(before, after, strict=True):
        if mine is None:
            yields.append(None)
        elif kind is not None:
            kind.join(mine)
            yields.append(None)
        else:
            yields.append(REPLICATED)
    local = use(tensor._local, tensor, yields)
    settled = tuple([_settled(k, y) for k, y in zip(before, yields, strict=True)])
    made = _Redistribute.apply(
        local, tensor.shape, tensor.device_mesh, source, tuple(target), settled, after
    )
    return made, after


class ReduceTerms(Function):
    """Terms reduced otherwise than by a sum; each gets its share of the gradient."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, local: Any, placement: Any, mesh: Any, index: int, kind: Kind
    ) -> Any:
        """Return what the terms are together."""
        whole = reduce_terms(local, placement, mesh, index)
        ctx.rest = placement, mesh, index, kind
        ctx.save_for_backward(local, whole)
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return the gradient of this process's term."""
        placement, mesh, index, kind = ctx.rest
        local, whole = ctx.saved_tensors
        if kind.settled() == TERMS:
            gradient = reduce_terms(gradient, Partial(), mesh, index)
        share = share_of_term(local, whole, placement, mesh, index)
        return gradient * share, None, None, None, None


def is_plain_sum(placement: Placement) -> bool:
    """Return whether the gradient of the whole is that of each term."""
    return not isinstance(placement, Partial) or (
        placement.reduce_op == "sum" and not isinstance(placement, _NormPartial)
    )


def _settled(kind: Kind | None, wanted: str | None) -> Kind | None:
    """Return the kind in which a redistribution hands the gradient back."""
    if kind is None or wanted is None:
        return kind
    own = Kind()
    own.settle(wanted)
    return own


class FromLocal(Function):
    """The identity; the gradient of the DTensor is redistributed and its part handed on."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, local: Any, shape: Any, mesh: Any, placements: Any, kinds: Any, wanted: Any
    ) -> Any:
        """Return the part."""
        ctx.rest = shape, mesh, placements, kinds, wanted
        return local.view_as(local)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return this process's part of the gradient."""
        shape, mesh, placements, kinds, wanted = ctx.rest
        now = gradient_placements(placements, kinds)
        result = redistribute_local(gradient.contiguous(), shape, mesh, now, tuple(wanted))
        return result, None, None, None, None, None


def use_with_gradient(local: Any, tensor: Any, placements: Sequence[Placement]) -> Any:
    """Return a local tensor whose gradients lie as given placements say."""
    source: list[Placement] = []
    target: list[Placement] = []
    for placement, kind, given in zip(tensor.placements, tensor._kinds, placements, strict=True):
        if kind is None:
            source.append(given)
            target.append(placement if isinstance(placement, Shard) else Replicate())
        else:
            wanted = TERMS if isinstance(given, Partial) else REPLICATED
            settled = kind.settle(wanted)
            target.append(Partial() if settled == TERMS else Replicate())
            source.append(Partial() if wanted == TERMS else Replicate())
    if target == source:
        return local
    return _Convert.apply(local, tensor.shape, tensor.device_mesh, source, target)
