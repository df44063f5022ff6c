"""The parameters of one call of ``fully_shard``: gathered together, reduced together."""

from __future__ import annotations

import threading
from typing import Any

import jtorch as torch

from .... import distributed as dist
from ...._engine.memory import given_up
from ....autograd.function import Function
from ....nn.parameter import Parameter
from ._fsdp_api import MixedPrecisionPolicy
from ._parameters import MeshAxes, ShardedParameter

_ANCHORS = threading.local()


def _anchor() -> torch.Tensor:
    """Return a leaf that makes the results of a function without other inputs differentiable."""
    found = getattr(_ANCHORS, "leaf", None)
    if found is None:
        found = _ANCHORS.leaf = torch.zeros((), requires_grad=True)
    return found


class _Gathered:
    """The whole parameters of one forward pass, which may be given up until its backward pass.

    Attributes:
        tensors: the modules' parameters while the pass runs.
        values: what gradients keep of them.
    """

    def __init__(self, group: ParameterGroup):
        self.group = group
        self.tensors: list[torch.Tensor] = []
        self.values: list[Any] = []

    def keep(self, tensors: list[torch.Tensor]) -> None:
        """Take tensors that were gathered."""
        self.tensors = tensors
        self.values = given_up.values_of(tensors)

    def give_up(self) -> None:
        """Let the memory go."""
        self.tensors = []
        given_up.give_up(
            self.values,
            RuntimeError(
                "the whole parameter was given up after the forward pass: its module is sharded "
                "by fully_shard; call unshard() before using it outside of forward and backward"
            ),
        )

    def refill(self) -> None:
        """Gather again, if the memory was let go."""
        if given_up.is_given_up(self.values):
            given_up.fill(self.values, self.group.gather())


class _Gather(Function):
    """Gathers parameters; its gradient reduces theirs and scatters them."""

    @staticmethod
    def forward(ctx: Any, anchor: Any, gathered: _Gathered, whole: list[torch.Tensor]) -> Any:
        """Return the whole parameters."""
        ctx.gathered = gathered
        ctx.set_materialize_grads(False)
        frozen = [
            tensor
            for tensor, parameter in zip(whole, gathered.group.parameters)
            if not parameter.requires_grad
        ]
        if frozen:
            ctx.mark_non_differentiable(*frozen)
        return tuple(whole)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Give the shards their gradients."""
        ctx.gathered.group.end_backward(ctx.gathered, gradients)
        return None, None, None


class ParameterGroup:
    """The parameters of one call of ``fully_shard``.

    Args:
        parameters: cut already.
        axes: of the mesh.
        policy: in which types they are used and reduced.
    """

    def __init__(
        self, parameters: list[ShardedParameter], axes: MeshAxes, policy: MixedPrecisionPolicy
    ):
        self.parameters = parameters
        self.axes = axes
        self.policy = policy
        self.reshard_after_forward: bool = True
        self.reshard_after_backward = True
        self.reduce_grads = True
        self.all_reduce_grads = True
        self.divide_factor: float | None = None
        self.unshard_in_backward = True
        self.all_reduce_hook: Any = None
        self.partial: dict[torch.dtype, torch.Tensor] = {}
        #: What a forward pass, or ``unshard``, gathered and has not let go.
        self.current: _Gathered | None = None
        self._by_hand: list[torch.Tensor] | None = None

    # Gathering

    def _dtype_of(self, parameter: ShardedParameter) -> torch.dtype:
        wanted = self.policy.param_dtype
        return wanted if wanted and parameter.dtype.is_floating_point else parameter.dtype

    @torch.no_grad()
    def gather(self) -> list[torch.Tensor]:
        """Return the whole parameters, by one collective for each dtype."""
        whole: list[Any] = [None] * len(self.parameters)
        by_dtype: dict[torch.dtype, list[int]] = {}
        for place, parameter in enumerate(self.parameters):
            by_dtype.setdefault(self._dtype_of(parameter), []).append(place)
        for dtype, places in by_dtype.items():
            chosen = [self.parameters[place] for place in places]
            sent = torch.cat([parameter.to_send(dtype) for parameter in chosen])
            received = sent
            if self.axes.size > 1:
                received = sent.new_empty(self.axes.size * sent.numel())
                dist.all_gather_single(received, sent, group=self.axes.group)
            parts = received.view(self.axes.size, -1).split([p.sent for p in chosen], dim=1)
            for place, parameter, part in zip(places, chosen, parts):
                whole[place] = parameter.whole(part)
        return whole

    def unshard(self) -> None:
        """Gather, and let the modules have whole parameters; outside of a forward pass."""
        if self.current is not None or self._by_hand is not None:
            return
        self._refresh()
        self._by_hand = self.gather()
        for parameter, whole in zip(self.parameters, self._by_hand):
            parameter.register(Parameter(whole, requires_grad=parameter.requires_grad))

    def _refresh(self) -> None:
        for parameter in self.parameters:
            parameter.refresh()

    def begin_forward(self) -> None:
        """Gather, and let the modules have whole parameters, through which gradients flow."""
        by_hand, self._by_hand = self._by_hand, None
        if by_hand is None:
            if self.current is not None:
                self._drop_current()
            self._refresh()
        whole = by_hand or self.gather()
        gathered = _Gathered(self)
        if torch.is_grad_enabled() and any(p.requires_grad for p in self.parameters):
            whole = list(_Gather.apply(_anchor(), gathered, whole))
        gathered.keep(whole)
        self.current = gathered
        for parameter, tensor in zip(self.parameters, whole):
            parameter.register(tensor)

    def end_forward(self) -> _Gathered | None:
        """Let the modules have the shards; return what the backward pass needs again."""
        gathered = self.current
        if gathered is None:
            return None
        if self.reshard_after_forward or not torch.is_grad_enabled():
            self._drop_current()
        return gathered

    def _drop_current(self) -> None:
        if self.current is not None:
            self.current.give_up()
            self.current = None
        self._register_shards()

    def _register_shards(self) -> None:
        for parameter in self.parameters:
            parameter.register(parameter.sharded)

    @torch.no_grad()
    def write_back(self) -> None:
        """Take over what was written to parameters that ``unshard`` gathered."""
        for parameter in self.parameters:
            owner = parameter.owners[0]
            whole = owner.module._parameters[owner.name]
            assert whole is not None
            parameter.sharded.copy_(parameter.distributed(parameter.cut(whole.detach())))

    def reshard(self) -> None:
        """Let whole parameters go, now."""
        if self._by_hand is not None:
            self._by_hand = None
            self._register_shards()
        elif self.current is not None:
            self._drop_current()

    # Reducing

    def end_backward(self, gathered: _Gathered, gradients: tuple[Any, ...]) -> None:
        """Reduce the gradients of whole parameters, and let the parameters go.

        Args:
            gathered: of the forward pass.
            gradients: this process', ``None`` for a parameter that was not used.
        """
        with torch.no_grad():
            self._take(gradients)
            if self.reduce_grads:
                self._reduce()
        if self.reshard_after_backward:
            gathered.give_up()
            if self.current is gathered:
                self.current = None
                self._register_shards()

    def _take(self, gradients: tuple[Any, ...]) -> None:
        """Add gradients to those that were not sent yet."""
        for parameter, gradient in zip(self.parameters, gradients):
            if gradient is None:
                continue
            gradient = gradient.detach()
            if self.policy.reduce_dtype is not None:
                gradient = gradient.to(self.policy.reduce_dtype)
            if parameter.accumulated is not None:
                gradient = parameter.accumulated + gradient
            parameter.accumulated = gradient

    def _reduce(self) -> None:
        by_dtype: dict[torch.dtype, list[ShardedParameter]] = {}
        for parameter in self.parameters:
            if parameter.accumulated is not None:
                by_dtype.setdefault(parameter.accumulated.dtype, []).append(parameter)
        for dtype, chosen in by_dtype.items():
            sums = [p.accumulated for p in chosen if p.accumulated is not None]
            rows = torch.cat([p.gradient_to_send(each) for p, each in zip(chosen, sums)], dim=1)
            del sums
            for parameter in chosen:
                parameter.accumulated = None
            self._scatter(rows, dtype, chosen)

    def _scatter(
        self, rows: torch.Tensor, dtype: torch.dtype, chosen: list[ShardedParameter]
    ) -> None:
        """Add rows up over processes, each of which keeps its own row."""
        before, after = self._divisors(dtype)
        sent = rows.reshape(-1)
        if before != 1:
            sent = sent / before
        received = sent
        if self.axes.size > 1:
            received = sent.new_empty(rows.size(1))
            dist.reduce_scatter_single(received, sent, group=self.axes.group)
        if self.axes.replicate_group is not None:
            if dtype in self.partial:
                received = received + self.partial.pop(dtype)
            if not self.all_reduce_grads:
                self.partial[dtype] = received
                return
            if self.axes.replicas > 1:
                dist.all_reduce(received, group=self.axes.replicate_group)
        if after != 1:
            received = received / after
        if self.all_reduce_hook is not None:
            self.all_reduce_hook(received)
        for parameter, part in zip(chosen, received.split([p.sent for p in chosen])):
            parameter.accumulate(part)

    def _divisors(self, dtype: torch.dtype) -> tuple[float, float]:
        """Return by what gradients are divided before they are added up, and after.

        Half precision would overflow or underflow if all of it were done at one place.
        """
        factor = self.divide_factor
        if factor is None:
            factor = float(self.axes.size * self.axes.replicas)
        if dtype in (torch.float32, torch.bfloat16):
            return 1, factor
        before = 1
        while factor % before == 0 and factor / before > before:
            before *= 2
        return before, factor / before

    def forget(self) -> None:
        """Drop what an unfinished pass left: gradients that were not sent, whole parameters."""
        for parameter in self.parameters:
            parameter.accumulated = None
        self.partial.clear()
        self._by_hand = None
        self._drop_current()
