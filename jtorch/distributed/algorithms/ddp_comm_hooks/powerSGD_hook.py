"""PowerSGD: the average of gradients of low rank.

A gradient ``M`` of ``n x m`` is sent as ``P`` of ``n x r`` and ``Q`` of ``m x r``: ``P`` is the
sum of the processes' ``M Q``, made orthogonal, ``Q`` the mean of their ``M^T P``, and ``P Q^T`` is
what is applied. What it misses is added to the next gradient.

T. Vogels, S. P. Karimireddy, M. Jaggi: PowerSGD: practical low-rank gradient compression for
distributed optimization. arXiv:1905.13727.
"""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np

import jtorch as torch

from .... import distributed as dist
from ...._core.dtypes import HALVES
from ....futures import Future
from . import default_hooks

__all__ = ["PowerSGDState", "batched_powerSGD_hook", "powerSGD_hook"]

logger = logging.getLogger(__name__)


def _orthogonalize(matrices: torch.Tensor, epsilon: float = 0) -> None:
    """Make the columns of each matrix of a batch orthonormal, in place.

    Args:
        matrices: of shape ``(batch, rows, columns)``, no more columns than rows.
        epsilon: added to norms.
    """
    if matrices.dim() != 3 or matrices.size(2) > matrices.size(1):
        raise AssertionError
    columns = matrices.size(2)
    if columns > 2 and matrices.dtype not in HALVES:
        matrices.copy_(torch.linalg.qr(matrices)[0])
        return
    for place in range(columns):
        column = matrices[:, :, place : place + 1]
        column /= torch.norm(column, dim=1, keepdim=True) + epsilon
        if place + 1 < columns:
            rest = matrices[:, :, place + 1 :]
            rest -= torch.sum(column * rest, dim=1, keepdim=True) * column


def _should_compress(
    num_rows: int, num_cols: int, matrix_approximation_rank: int, min_compression_rate: float
) -> tuple[bool, int, int]:
    """Return whether a matrix is worth compressing, and its elements without and with it."""
    whole = num_rows * num_cols
    compressed = (num_rows + num_cols) * matrix_approximation_rank
    return compressed * min_compression_rate < whole, whole, compressed


class PowerSGDState:
    """The state of ``powerSGD_hook`` and ``batched_powerSGD_hook``.

    Args:
        process_group: of which processes; ``None`` for all.
        matrix_approximation_rank: ``r``.
        start_powerSGD_iter: the iteration from which gradients are compressed.
        min_compression_rate: times fewer elements that are worth it.
        use_error_feedback: whether what was missed is added to the next gradient.
        warm_start: whether ``Q`` begins as it ended the last time.
        orthogonalization_epsilon: added to norms, against zeros.
        random_seed: of what ``Q`` begins as otherwise.
        compression_stats_logging_frequency: iterations between two lines of the log.
        batch_tensors_with_same_shape: whether gradients of one shape are one batch.
    Raises:
        ValueError: the first two iterations would be compressed, and remembered.
    """

    __slots__ = (
        "batch_tensors_with_same_shape",
        "compression_stats_logging_frequency",
        "error_dict",
        "iter",
        "matrix_approximation_rank",
        "min_compression_rate",
        "next_stats_report",
        "orthogonalization_epsilon",
        "p_memory_dict",
        "process_group",
        "q_memory_dict",
        "rng",
        "start_powerSGD_iter",
        "total_numel_after_compression",
        "total_numel_before_compression",
        "use_error_feedback",
        "warm_start",
    )

    def __init__(
        self,
        process_group: Any,
        matrix_approximation_rank: int = 1,
        start_powerSGD_iter: int = 1_000,
        min_compression_rate: float = 2,
        use_error_feedback: bool = True,
        warm_start: bool = True,
        orthogonalization_epsilon: float = 0,
        random_seed: int = 0,
        compression_stats_logging_frequency: int = 10_000,
        batch_tensors_with_same_shape: bool = False,
    ):
        if (use_error_feedback or warm_start) and start_powerSGD_iter <= 1:
            raise ValueError(
                "Expect `start_powerSGD_iter` > 1 if `use_error_feedback` or `warm_start` is "
                "enabled, because PowerSGD can only be applied after the first two iterations in "
                "DDP."
            )
        self.process_group = process_group
        self.matrix_approximation_rank = matrix_approximation_rank
        self.start_powerSGD_iter = start_powerSGD_iter
        self.min_compression_rate = min_compression_rate
        self.use_error_feedback = use_error_feedback
        self.warm_start = warm_start
        self.orthogonalization_epsilon = orthogonalization_epsilon
        # PyTorch's generator, for its numbers: all processes draw the same.
        self.rng = np.random.RandomState(random_seed)
        self.error_dict: dict[int, torch.Tensor] = {}
        self.p_memory_dict: dict[int, torch.Tensor] = {}
        self.q_memory_dict: dict[int, torch.Tensor] = {}
        self.iter = 0
        self.total_numel_before_compression = 0
        self.total_numel_after_compression = 0
        self.compression_stats_logging_frequency = max(1, compression_stats_logging_frequency)
        self.next_stats_report = 0
        self.batch_tensors_with_same_shape = batch_tensors_with_same_shape

    def __getstate__(self) -> dict[str, Any]:
        logger.warning("NOTE: Process group is not serializable and excluded from a saved state.")
        return {name: getattr(self, name) for name in self.__slots__ if name != "process_group"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.process_group = dist.group.WORLD
        logger.warning(
            "NOTE: Process group will be set to a default group (i.e. the world size)."
            "                If a different group is desired, please set `self.process_group` "
            "after PowerSGD state is loaded."
        )
        for name, value in state.items():
            setattr(self, name, value)

    def maybe_increase_iter(self, bucket: Any) -> None:
        """Count an iteration with its last bucket."""
        if bucket.is_last():
            self.iter += 1
        if self.iter == self.start_powerSGD_iter:
            logger.info("Start to apply PowerSGD after %s iterations.", self.iter)

    def compression_stats(self) -> tuple[float, int, int]:
        """Return how many times fewer elements were sent, and the elements without and with it."""
        before, after = self.total_numel_before_compression, self.total_numel_after_compression
        return (before / after if after > 0 else 0), before, after


def _report(state: PowerSGDState, bucket: Any) -> None:
    if bucket.is_last() and state.iter >= state.next_stats_report:
        rate, before, after = state.compression_stats()
        logger.info(
            "Compression stats: iter %s, total before compression %s, total after compression %s, "
            "rate %s",
            state.iter,
            before,
            after,
            rate,
        )
        state.next_stats_report = state.iter + state.compression_stats_logging_frequency


def _with_error(state: PowerSGDState, bucket: Any, gradient: torch.Tensor) -> torch.Tensor | None:
    """Add what was missed the last time; return a copy of the sum, where it is remembered."""
    if not state.use_error_feedback:
        return None
    missed = state.error_dict.get(bucket.index())
    if missed is not None:
        gradient.add_(missed)
    return gradient.detach().clone()


def _ended(
    state: PowerSGDState, bucket: Any, wanted: torch.Tensor | None, got: torch.Tensor
) -> None:
    if wanted is not None:
        state.error_dict[bucket.index()] = wanted - got
    if not state.warm_start:
        state.p_memory_dict.clear()
        state.q_memory_dict.clear()
    state.maybe_increase_iter(bucket)


def _done(value: torch.Tensor) -> Future:
    future = Future()
    future.set_result(value)
    return future


def _randomize(state: PowerSGDState, matrices: list[torch.Tensor]) -> None:
    """Fill matrices with numbers that are the same on all processes, and others at each call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(state.rng.randint(1_000_000_000)))
        for matrix in matrices:
            matrix.copy_(torch.randn(*matrix.shape, dtype=matrix.dtype))


def _batches(state: PowerSGDState, matrices: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    if not state.batch_tensors_with_same_shape:
        return [[matrix] for matrix in matrices]
    by_shape: dict[torch.Size, list[torch.Tensor]] = {}
    for matrix in matrices:
        by_shape.setdefault(matrix.shape, []).append(matrix)
    return list(by_shape.values())


def powerSGD_hook(state: PowerSGDState, bucket: dist.GradBucket) -> Future:
    """Average gradients of low rank, each parameter's by itself; short ones as they are.

    Args:
        state: of the method.
        bucket: of gradients.
    """
    group = default_hooks._group(state.process_group)
    whole = bucket.buffer()
    if state.iter < state.start_powerSGD_iter:
        state.maybe_increase_iter(bucket)
        return default_hooks._allreduce_fut(group, whole)
    wanted = _with_error(state, bucket, whole)
    matrices: list[torch.Tensor] = []
    plain: list[torch.Tensor] = []
    for gradient in bucket.gradients():
        matrix = gradient.view(gradient.size(0), -1)
        rank = min(*matrix.shape, state.matrix_approximation_rank)
        worth, before, after = _should_compress(
            matrix.size(0), matrix.size(1), rank, state.min_compression_rate
        )
        state.total_numel_before_compression += before
        state.total_numel_after_compression += after if worth else before
        (matrices if worth else plain).append(matrix if worth else gradient)
    _report(state, bucket)
    batches = _batches(state, matrices)
    stacked = [torch.stack(batch) for batch in batches]
    ps, qs = _low_rank_memory(state, bucket, whole, stacked)
    if plain:
        together = torch.cat([gradient.reshape(-1) for gradient in plain])
        dist.all_reduce(together, group=group)
        together.div_(group.size())
        for gradient, part in zip(plain, together.split([each.numel() for each in plain])):
            gradient.copy_(part.view_as(gradient))
    for matrix, p, q in zip(stacked, ps, qs):
        p.copy_(torch.bmm(matrix, q))
    index, epsilon = bucket.index(), state.orthogonalization_epsilon
    if ps:
        dist.all_reduce(state.p_memory_dict[index], group=group)
        for matrix, p, q in zip(stacked, ps, qs):
            _orthogonalize(p, epsilon)
            q.copy_(torch.bmm(matrix.transpose(1, 2), p))
        dist.all_reduce(state.q_memory_dict[index], group=group)
        state.q_memory_dict[index].div_(group.size())
    for batch, p, q in zip(batches, ps, qs):
        for matrix, approximation in zip(batch, torch.bmm(p, q.transpose(1, 2))):
            matrix.copy_(approximation)
    _ended(state, bucket, wanted, whole)
    return _done(whole)


def _low_rank_memory(
    state: PowerSGDState, bucket: Any, whole: torch.Tensor, stacked: list[torch.Tensor]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return ``P`` and ``Q`` of each batch, parts of one tensor each; ``Q`` is orthogonal."""
    index = bucket.index()
    shapes = []
    for batch in stacked:
        count, rows, columns = batch.shape
        rank = min(rows, columns, state.matrix_approximation_rank)
        shapes.append(((count, rows, rank), (count, columns, rank)))
    fresh = index not in state.p_memory_dict
    if fresh:
        for memory, place in ((state.p_memory_dict, 0), (state.q_memory_dict, 1)):
            length = sum(math.prod(pair[place]) for pair in shapes)
            memory[index] = torch.zeros(length, dtype=whole.dtype, device=whole.device)
    ps: list[torch.Tensor] = []
    qs: list[torch.Tensor] = []
    for parts, memory, place in ((ps, state.p_memory_dict, 0), (qs, state.q_memory_dict, 1)):
        start = 0
        for pair in shapes:
            length = math.prod(pair[place])
            parts.append(memory[index][start : start + length].view(pair[place]))
            start += length
    if fresh:
        _randomize(state, qs)
    for q in qs:
        _orthogonalize(q, state.orthogonalization_epsilon)
    return ps, qs


def batched_powerSGD_hook(state: PowerSGDState, bucket: dist.GradBucket) -> Future:
    """Average gradients of low rank, all those of a bucket as one square matrix.

    Args:
        state: of the method.
        bucket: of gradients.
    """
    group = default_hooks._group(state.process_group)
    gradient = bucket.buffer()
    if state.iter < state.start_powerSGD_iter:
        state.maybe_increase_iter(bucket)
        return default_hooks._allreduce_fut(group, gradient)
    length, index = gradient.numel(), bucket.index()
    side = math.ceil(math.sqrt(length))
    state.total_numel_before_compression += length
    state.total_numel_after_compression += side * state.matrix_approximation_rank * 2
    _report(state, bucket)
    padded = torch.cat([gradient, gradient.new_zeros(side * side - length)])
    wanted = _with_error(state, bucket, padded)
    matrix = padded.view(1, side, side)
    if index not in state.p_memory_dict:
        shape = (1, side, state.matrix_approximation_rank)
        for memory in (state.p_memory_dict, state.q_memory_dict):
            memory[index] = torch.zeros(shape, dtype=gradient.dtype, device=gradient.device)
        _randomize(state, [state.q_memory_dict[index]])
    p, q = state.p_memory_dict[index], state.q_memory_dict[index]
    _orthogonalize(q)
    p.copy_(torch.bmm(matrix, q))
    dist.all_reduce(p, group=group)
    _orthogonalize(p)
    q.copy_(torch.bmm(matrix.transpose(1, 2), p))
    dist.all_reduce(q, group=group)
    q.div_(group.size())
    got = torch.bmm(p, q.transpose(1, 2)).view(-1)
    gradient.copy_(got[:length])
    _ended(state, bucket, wanted, got)
    return _done(gradient)
