"""``DistributedDataParallel`` where processes run out of inputs at different times.

Those that have none left take part in each collective of a step with nothing: that which asks
whether gradients are to be averaged, the broadcast of buffers, and the sums of gradients.
"""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .. import _module_states
from .. import distributed_c10d as dist
from .join import Join, JoinHook


def begin_step(model: Any) -> None:
    """Tell the others that this process has inputs, before a forward pass in a ``Join`` block."""
    work = Join.notify_join_context(model)
    if work is not None:
        work.wait()
        alive = int(work.result()[0].item())
        whole = model._join_divides_by_initial_size
        model._reducer.divisor = None if whole else alive
    is_reduced_by_any(model, model.require_backward_grad_sync)


def is_reduced_by_any(model: Any, own: bool) -> bool:
    """Return whether the gradients of a step are averaged: whether a process wants that."""
    wanted = torch.tensor([float(own)], device=model.device)
    dist.all_reduce(wanted, group=model.process_group)
    return bool(wanted.item())


def synchronise_buffers(model: Any, has_inputs: bool) -> None:
    """Give all processes the buffers of one that has inputs."""
    source = _common_rank(model, has_inputs)
    _module_states.broadcast_tensors(list(model.module.buffers()), model.process_group, source)


def _common_rank(model: Any, may_be: bool) -> int:
    """Return the highest rank of those that may be it."""
    rank = torch.tensor([model.process_group.rank() if may_be else -1], device=model.device)
    dist.all_reduce(rank, dist.ReduceOp.MAX, model.process_group)
    found = int(rank.item())
    if found < 0:
        raise ValueError(
            "BUG! Expected rank_cond to be true for at least one process. This indicates a bug in "
            "PyTorch, please report an issue."
        )
    return found


class _DDPJoinHook(JoinHook):
    def __init__(self, model: Any):
        self.model = model

    def main_hook(self) -> None:
        """Take part in one step of the others."""
        model = self.model
        reduces = is_reduced_by_any(model, False)
        model.require_forward_param_sync = reduces
        if model.will_sync_module_buffers():
            synchronise_buffers(model, False)
        if reduces:
            model._reducer.reduce_nothing()

    def post_hook(self, is_last_joiner: bool) -> None:
        """Give all processes the parameters and buffers of one that was last."""
        model = self.model
        source = _common_rank(model, is_last_joiner)
        tensors = [*model.module.parameters(), *model.module.buffers()]
        _module_states.broadcast_tensors(tensors, model.process_group, source)


def hook_of(model: Any, **kwargs: Any) -> JoinHook:
    """Return what a model does in a ``Join`` block after its inputs have ended.

    Args:
        model: a ``DistributedDataParallel``.
        kwargs: ``divide_by_initial_world_size``, see ``DistributedDataParallel.join``.
    """
    model._join_divides_by_initial_size = kwargs.get("divide_by_initial_world_size", True)
    return _DDPJoinHook(model)
