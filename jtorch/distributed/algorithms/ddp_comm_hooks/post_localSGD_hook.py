"""Post-local SGD: gradients are averaged by all at first, then only within a part of them.

T. Lin et al.: Don't use large mini-batches, use local SGD. arXiv:1808.07217.
"""

from __future__ import annotations

import logging
from typing import Any

from .... import distributed as dist
from . import debugging_hooks, default_hooks

logger = logging.getLogger(__name__)


class PostLocalSGDState:
    """The state of ``post_localSGD_hook``.

    Args:
        process_group: that averages at first; ``None`` for all.
        subgroup: that averages later; ``None`` for the processes of one computer.
        start_localSGD_iter: the iteration from which it does.
        post_local_gradient_allreduce: whether it averages later at all.
    """

    def __init__(
        self,
        process_group: Any,
        subgroup: Any,
        start_localSGD_iter: int,
        post_local_gradient_allreduce: bool = True,
    ):
        self.process_group = process_group
        self.subgroup = subgroup
        self.start_localSGD_iter = start_localSGD_iter
        self.post_local_gradient_allreduce = post_local_gradient_allreduce
        self.iter = 0

    def maybe_increase_iter(self, bucket: Any) -> None:
        """Count an iteration with its last bucket."""
        if bucket.is_last():
            self.iter += 1
        if self.iter == self.start_localSGD_iter:
            logger.info("Start to apply local SGD after %s iterations.", self.iter)


def post_localSGD_hook(state: PostLocalSGDState, bucket: dist.GradBucket) -> Any:
    """Average gradients by all processes at first, later within the subgroup.

    Use it with ``PeriodicModelAverager``.

    Args:
        state: who averages, and when.
        bucket: of gradients.
    """
    if state.iter < state.start_localSGD_iter:
        state.maybe_increase_iter(bucket)
        return default_hooks._allreduce_fut(state.process_group, bucket.buffer())
    if not state.post_local_gradient_allreduce:
        return debugging_hooks.noop_hook(None, bucket)
    if state.subgroup is None:
        state.subgroup, _ = dist.new_subgroups()
    return default_hooks._allreduce_fut(state.subgroup, bucket.buffer())
