"""Connectionist temporal classification: ``ctc_loss``.

A. Graves, S. Fernández, F. Gomez, J. Schmidhuber: *Connectionist temporal classification: labelling
unsegmented sequence data with recurrent neural networks*, 2006. The forward and backward variables
(there alpha and beta) are kept as logarithms and computed for a whole batch, one step in time after
the other.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...._core import dtypes
from ...._core.device import META
from ...._core.dtypes import is_inexact
from ...._engine.declare import NN_FUNCTIONS, Autocast, op, publish
from ...._engine.graph.op import Op, Spec
from ...._engine.graph.values import is_tensor, make_meta
from ...._engine.memory.from_host import fresh_tensor
from ...._engine.recording.kinds.base import Custom
from ...._engine.recording.trace import materialise
from ...creation.creation import zeros
from ...pointwise.select import where
from . import _messages_ctc
from .classification import checked_reduction


def _add_logarithms(*terms: Any) -> Any:
    """Return the logarithm of a sum of exponentials, -inf for that of nothing."""
    largest = terms[0]
    for term in terms[1:]:
        largest = jnp.maximum(largest, term)
    largest = jnp.where(largest == -jnp.inf, 0, largest)
    total = jnp.exp(terms[0] - largest)
    for term in terms[1:]:
        total = total + jnp.exp(term - largest)
    return jnp.log(total) + largest


def _delayed(states: Any, count: int) -> Any:
    """Return states moved towards the end, -inf where nothing moves in."""
    count = min(count, states.shape[1])
    start = jnp.full((states.shape[0], count), -jnp.inf, states.dtype)
    return jnp.concatenate([start, states[:, : states.shape[1] - count]], axis=1)


def _advanced(states: Any, count: int) -> Any:
    return _delayed(states[:, ::-1], count)[:, ::-1]


def _with_blanks(targets: Any, blank: int, classes: int) -> Any:
    """Return the labels with a blank before, between and after them."""
    batch, length = targets.shape
    labels = jnp.full((batch, 2 * length + 1), blank, targets.dtype)
    # What lies beyond a target's length may be anything.
    return labels.at[:, 1::2].set(jnp.clip(targets, 0, classes - 1))


def _may_skip(labels: Any) -> Any:
    """Return which states may follow the one before the one before them."""
    differs = labels[:, 2:] != labels[:, :-2]
    return jnp.pad(differs, ((0, 0), (2, 0)))[:, : labels.shape[1]]


def _of_labels(log_probs: Any, labels: Any) -> Any:
    """Return the log probabilities of the states, of shape (time, batch, states)."""
    index = jnp.broadcast_to(labels[None], (log_probs.shape[0], *labels.shape))
    return jnp.take_along_axis(log_probs, index, axis=2)


def _forward_variables(emitted: Any, labels: Any, input_lengths: Any, target_lengths: Any) -> Any:
    """Return alpha for every time, and -log of the likelihood."""
    time, batch, states = emitted.shape
    skip = _may_skip(labels)
    place = jnp.arange(states)
    begins = (place == 0) | ((place == 1) & (target_lengths[:, None] > 0))

    def step(alpha: Any, now: Any) -> tuple[Any, Any]:
        t, emission = now
        skipped = jnp.where(skip, _delayed(alpha, 2), -jnp.inf)
        following = _add_logarithms(alpha, _delayed(alpha, 1), skipped) + emission
        following = jnp.where(t == 0, jnp.where(begins, emission, -jnp.inf), following)
        following = jnp.where((t < input_lengths)[:, None], following, alpha)
        return following, following

    nothing = jnp.full((batch, states), -jnp.inf, emitted.dtype)
    last, alphas = jax.lax.scan(step, nothing, (jnp.arange(time), emitted))
    end = 2 * target_lengths[:, None]
    ending = jnp.take_along_axis(last, end, axis=1)[:, 0]
    before = jnp.take_along_axis(last, jnp.maximum(end - 1, 0), axis=1)[:, 0]
    before = jnp.where(target_lengths > 0, before, -jnp.inf)
    loss = -_add_logarithms(ending, before)
    of_nothing = jnp.where(target_lengths == 0, 0.0, jnp.inf)
    return alphas, jnp.where(input_lengths == 0, of_nothing, loss).astype(emitted.dtype)


def _backward_variables(emitted: Any, labels: Any, input_lengths: Any, target_lengths: Any) -> Any:
    """Return beta for every time."""
    time, batch, states = emitted.shape
    skip = _advanced(jnp.where(_may_skip(labels), 0.0, -jnp.inf).astype(emitted.dtype), 2)
    place = jnp.arange(states)
    end = 2 * target_lengths[:, None]
    ends = (place == end) | (place == end - 1)

    def step(beta: Any, now: Any) -> tuple[Any, Any]:
        t, emission = now
        skipped = _advanced(beta, 2) + skip
        earlier = _add_logarithms(beta, _advanced(beta, 1), skipped) + emission
        last = (t == input_lengths - 1)[:, None]
        earlier = jnp.where(last, jnp.where(ends, emission, -jnp.inf), earlier)
        earlier = jnp.where((t < input_lengths)[:, None], earlier, -jnp.inf)
        return earlier, earlier

    nothing = jnp.full((batch, states), -jnp.inf, emitted.dtype)
    _, betas = jax.lax.scan(step, nothing, (jnp.arange(time), emitted), reverse=True)
    return betas


@jax.custom_jvp
def _once(gradient: Any) -> Any:
    """Return a gradient that cannot be differentiated."""
    return gradient


@_once.defjvp
def _refuse(primals: Any, tangents: Any) -> Any:
    raise _messages_ctc.no_second_gradient()


def _spec(operation: Op, bound: dict[str, Any], mode: Any) -> Spec:
    names = ("log_probs", "targets", "input_lengths", "target_lengths")
    operands = [bound[name] for name in names]
    blank, zero_infinity = bound["blank"], bound["zero_infinity"]
    meta = operands[0].meta
    if meta.dtype not in (dtypes.float32, dtypes.float64):
        raise _messages_ctc.not_implemented("ctc_loss_cpu", meta.dtype._legacy_name)
    time, batch, classes = meta.shape
    states = 2 * operands[1].meta.shape[1] + 1

    def vjp(cotangents, results, operands):
        log_probs, targets, input_lengths, target_lengths = operands
        loss, alphas = results[0], results[1].transpose(1, 0, 2)
        labels = _with_blanks(targets, blank, classes)
        emitted = _of_labels(log_probs, labels)
        betas = _backward_variables(emitted, labels, input_lengths, target_lengths)
        both = alphas + betas
        share = jnp.exp(jnp.where(both == -jnp.inf, -jnp.inf, both - emitted + loss[None, :, None]))
        rows = jnp.arange(batch)[:, None]
        by_class = jnp.zeros((time, batch, classes), share.dtype).at[:, rows, labels].add(share)
        # torch 2.13: what is impossible has no gradient that is a number.
        impossible = jnp.isinf(loss)[None, :, None] | (log_probs == -jnp.inf)
        by_class = jnp.where(impossible, jnp.nan, by_class)
        gradient = (jnp.exp(log_probs) - by_class) * cotangents[0][None, :, None]
        inside = jnp.arange(time)[:, None] < input_lengths
        if zero_infinity:
            inside = inside & ~jnp.isinf(loss)
        return [_once(jnp.where(inside[:, :, None], gradient, 0).astype(log_probs.dtype))]

    metas = (
        make_meta((batch,), meta.dtype, meta.device),
        make_meta((batch, time, states), meta.dtype, meta.device),
    )
    return Spec(operands, metas, {"blank": blank, "classes": classes}, vjp=vjp)


@op(
    "_ctc(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, "
    "int64_t blank, bool zero_infinity)",
    kind=Custom(_spec),
    method=False,
    function=False,
    node_name="CtcLossBackward0",
    saves=("log_probs", "targets", "input_lengths", "target_lengths", "result"),
)
def _ctc(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    *,
    blank: Any,
    classes: Any,
) -> Any:
    """Return the losses of a batch and its forward variables."""
    labels = _with_blanks(targets, blank, classes)
    emitted = _of_labels(log_probs, labels)
    alphas, loss = _forward_variables(emitted, labels, input_lengths, target_lengths)
    return loss, alphas.transpose(1, 0, 2)


def _numbers(lengths: Any) -> np.ndarray | None:
    """Return lengths that are known without waiting."""
    if not is_tensor(lengths):
        return np.asarray(lengths, np.int64)
    value = lengths._value
    return None if value.array is None else np.asarray(value.array)


def _lengths_tensor(lengths: Any, device: Any) -> Any:
    if is_tensor(lengths):
        return lengths.to(device, dtypes.int64)
    return fresh_tensor(np.array(lengths, np.int64), dtypes.int64, device)


def _check(log_probs: Any, targets: Any, inputs: Any, labels: Any, blank: int) -> None:
    """Raise what PyTorch raises for arguments that do not fit.

    Args:
        log_probs, targets: tensors.
        inputs, labels: the lengths as arrays, ``None`` where they are pending.
        blank: the class that is no label.
    """
    time, batch, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise _messages_ctc.blank_range()
    if targets.dim() not in (1, 2):
        raise _messages_ctc.targets_ndim(targets.dim())
    for name, numbers in (("input_lengths", inputs), ("target_lengths", labels)):
        if numbers is not None and numbers.size != batch:
            raise _messages_ctc.lengths_size(name)
    if labels is not None and labels.size:
        if labels.min() < 0:
            raise _messages_ctc.length_at_least("target_lengths", int(labels[labels < 0][0]))
        if targets.dim() == 1 and targets.shape[0] != labels.sum():
            raise _messages_ctc.targets_size(int(labels.sum()), 0, targets.shape[0])
    if targets.dim() == 2:
        if targets.shape[0] != batch:
            raise _messages_ctc.targets_size(batch, 0, targets.shape[0])
        if labels is not None and labels.size and targets.shape[1] < labels.max():
            raise _messages_ctc.targets_size_least(int(labels.max()), targets.shape[1])
    if inputs is not None and inputs.size:
        if inputs.min() < 0:
            raise _messages_ctc.length_at_least("input_lengths", int(inputs[inputs < 0][0]))
        if inputs.max() > time:
            raise _messages_ctc.length_at_most(time, int(inputs[inputs > time][0]))


def _padded(targets: Any, labels: np.ndarray) -> Any:
    """Return targets that follow each other in one row as one row each."""
    most = int(labels.max()) if labels.size else 0
    if not most:
        return zeros((labels.size, 0), dtype=dtypes.int64, device=targets.device)
    labels = labels.astype(np.int64)
    starts = np.cumsum(labels) - labels
    index = np.minimum(starts[:, None] + np.arange(most), max(targets.shape[0] - 1, 0))
    positions = fresh_tensor(index.reshape(-1), dtypes.int64, targets.device)
    return targets.index_select(0, positions).view(labels.size, most)


@op(
    "ctc_loss(Tensor log_probs, Tensor targets, IntArrayRef input_lengths, "
    "IntArrayRef target_lengths, int64_t blank=0, int64_t reduction=at::Reduction::Mean, "
    "bool zero_infinity=False)",
    "ctc_loss(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, "
    "int64_t blank=0, int64_t reduction=at::Reduction::Mean, bool zero_infinity=False)",
    method=False,
    autocast=Autocast(cpu="float32"),
)
def ctc_loss(
    log_probs,
    targets,
    input_lengths,
    target_lengths,
    blank=0,
    reduction=0,
    zero_infinity=False,
):
    """Connectionist temporal classification loss: ``-log p(labels)``, over all alignments.

    Args:
        log_probs: log probabilities of shape ``(T, N, C)`` or ``(T, C)``.
        targets: labels of shape ``(N, S)``, or those of all sequences in one row.
        input_lengths, target_lengths: of each sequence, at most T and S.
        blank: the class that is no label.
        reduction: PyTorch's number of the reduction; the mean is that of losses by label.
        zero_infinity: whether infinite losses, and their gradients, are zero.
    Returns:
        Tensor of shape ``(N,)``, or without dimensions.
    """
    for name, lengths in (("input_lengths", input_lengths), ("target_lengths", target_lengths)):
        if is_tensor(lengths) and is_inexact(lengths.dtype):
            raise _messages_ctc.lengths_integral(name)
    batched = log_probs.dim() == 3
    rows = log_probs if batched else log_probs.unsqueeze(1)
    if rows.dim() != 3:
        raise _messages_ctc.log_probs_ndim(rows.dim())
    if rows.dtype not in (dtypes.float32, dtypes.float64):
        raise _messages_ctc.not_implemented("ctc_loss_cpu", rows.dtype._legacy_name)
    inputs, labels = _numbers(input_lengths), _numbers(target_lengths)
    if labels is None and targets.dim() == 1 and target_lengths.device is not META:
        labels = np.asarray(materialise(target_lengths._value, "ctc_loss"))
    inputs = None if inputs is None else inputs.reshape(-1)
    labels = None if labels is None else labels.reshape(-1)
    _check(rows, targets, inputs, labels, blank)
    device = rows.device
    targets = targets.to(device, dtypes.int64)
    if targets.dim() == 1:
        assert labels is not None
        targets = _padded(targets, labels)
    counts = _lengths_tensor(target_lengths, device).reshape(-1)
    times = _lengths_tensor(input_lengths, device).reshape(-1)
    loss, _ = _ctc.call(rows, targets, times, counts, blank, bool(zero_infinity))
    if zero_infinity:
        zero = zeros((), dtype=loss.dtype, device=device)
        loss = where.call(loss == float("inf"), zero, loss)
    if reduction == 1:
        return (loss / counts.clamp(min=1).to(loss.dtype)).mean()
    if reduction == 2:
        return loss.sum()
    return loss if batched else loss.squeeze(0)


def ctc_loss_function(
    log_probs,
    targets,
    input_lengths,
    target_lengths,
    blank=0,
    reduction="mean",
    zero_infinity=False,
):
    """Connectionist temporal classification loss: ``-log p(labels)``, over all alignments.

    Args:
        log_probs: log probabilities of shape ``(T, N, C)`` or ``(T, C)``.
        targets: labels of shape ``(N, S)``, or those of all sequences in one row.
        input_lengths, target_lengths: of each sequence, at most T and S.
        blank: the class that is no label.
        reduction: ``"mean"`` (of losses by label), ``"sum"`` or ``"none"``.
        zero_infinity: whether infinite losses, and their gradients, are zero.
    """
    number = {"none": 0, "mean": 1, "sum": 2}[checked_reduction(reduction)]
    return ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, number, zero_infinity)


ctc_loss_function.__name__ = ctc_loss_function.__qualname__ = "ctc_loss"
publish("ctc_loss", ctc_loss_function, registry=NN_FUNCTIONS)
