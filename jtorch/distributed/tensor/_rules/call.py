"""What a rule is asked and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .._dtensor_spec import DTensorSpec, TensorMeta
from ..placement_types import Placement, Replicate, Shard


class Strategy(NamedTuple):
    """Placements along one dimension of a mesh with which an operator can run on the parts.

    Attributes:
        outs: one for each tensor that it returns.
        ins: one for each DTensor among its arguments, in their order.
    """

    outs: tuple[Placement, ...]
    ins: tuple[Placement, ...]


class Call:
    """A call of an operator, as rules see it: specs stand for DTensors.

    Attributes:
        operator: the overload.
        args, kwargs: the arguments, with a ``DTensorSpec`` in the place of each DTensor.
        specs: those specs, in the order of the arguments.
        outs: shape, stride and dtype of each tensor that it returns.
        index: the dimension of the mesh that strategies are asked for.
    """

    def __init__(
        self,
        operator: Any,
        args: tuple,
        kwargs: dict[str, Any],
        specs: Sequence[DTensorSpec],
        outs: Sequence[TensorMeta],
    ):
        self.operator = operator
        self.args, self.kwargs = args, kwargs
        self.specs, self.outs = list(specs), list(outs)
        self.index = 0

    @property
    def count(self) -> int:
        """How many processes the dimension of the mesh has."""
        return self.specs[0].mesh.size(self.index)

    def pieces(self, dim: int) -> int:
        """Return into how many pieces a dimension of the first DTensor is cut, if it is here."""
        spec = self.specs[0]
        count = self.count
        for index, placement in enumerate(spec.placements):
            if index != self.index and placement == Shard(dim):
                count *= spec.mesh.size(index)
        return count

    def is_cut_elsewhere(self, dims: Sequence[int]) -> bool:
        """Return whether another dimension of the mesh cuts one of the first DTensor's."""
        return any(
            index != self.index and isinstance(placement, Shard) and placement.dim in dims
            for index, placement in enumerate(self.specs[0].placements)
        )

    @property
    def current(self) -> list[Placement]:
        """The placements of the arguments along the dimension of the mesh."""
        return [spec.placements[self.index] for spec in self.specs]

    def argument(self, at: int, name: str, default: Any = None) -> Any:
        """Return an argument that is given by place or by name."""
        if at < len(self.args):
            return self.args[at]
        return self.kwargs.get(name, default)

    def same(self, placement: Placement) -> Strategy:
        """Return the strategy that has one placement for all."""
        return Strategy((placement,) * len(self.outs), (placement,) * len(self.specs))

    def replicated(self) -> Strategy:
        """Return the strategy in which each process has everything."""
        return self.same(Replicate())

    def allows(self, strategy: Strategy) -> bool:
        """Return whether no piece would be empty that is not so already."""
        for spec, now, wanted in zip(self.specs, self.current, strategy.ins, strict=True):
            if not isinstance(wanted, Shard) or now == wanted:
                continue
            if spec.shape[wanted.dim] < self.count:
                return False
        return True


class Rule(NamedTuple):
    """How an operator treats DTensors.

    Attributes:
        strategies: returns the ways along one dimension of a mesh.
        localise: returns arguments for the parts, where these are not those for the whole:
            ``(call, args, kwargs, out_shapes, target) -> (args, kwargs)``.
        run: runs on the parts in the operator's place: ``(call, target, *args, **kwargs)``.
        searches: whether what is replicated along a dimension of the mesh may be cut there, so
            that less is sent along the others; else it stays as it is.
    """

    strategies: Callable[[Call], list[Strategy]]
    localise: Callable[..., tuple[tuple, dict[str, Any]]] | None = None
    run: Callable[..., Any] | None = None
    searches: bool = False


def dims_of(value: Any, ndim: int) -> list[int]:
    """Return dimensions counted from the front; all for ``None`` or an empty list."""
    if value is None or (isinstance(value, (list, tuple)) and not value):
        return list(range(ndim))
    values = value if isinstance(value, (list, tuple)) else [value]
    return [dim % max(ndim, 1) for dim in values]
