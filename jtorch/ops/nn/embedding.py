"""Look-ups in tables of embeddings, one by one and in bags."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes
from ..._core.dtypes import is_inexact
from ..._engine.declare import NN_FUNCTIONS, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import Meta, is_tensor, make_meta
from ..._engine.recording.kinds.base import Custom
from ..._engine.recording.trace import local
from .._shared.data_checks import elements
from .._shared.on_host import added_rows
from .._shared.widening import widen
from ..creation.ranges import arange
from ..reduce.vector_norms import vector_norm_of
from . import _messages_embedding

_POSITIONS = (dtypes.int64, dtypes.int32)
_MODES = ("sum", "mean", "max")


def _elements(tensor: Any) -> np.ndarray | None:
    """Return positions, to look whether they are rows; ``None`` off the CPU.

    They usually come from data and are at hand. Those that are pending are computed first: PyTorch
    raises at the call.
    """
    if tensor._value.meta.dtype not in _POSITIONS:
        return None
    return elements(tensor, "embedding")


def _check_positions(position: int, meta: Meta, function: str) -> None:
    if meta.dtype not in _POSITIONS:
        raise _messages_embedding.argument_types(
            position, "indices", ("Long", "Int"), meta.dtype._legacy_name, function
        )


def _rows(table: Any, positions: Any) -> Any:
    """Return rows of a table; every position was found to be one."""
    return jnp.take(table, positions, 0, mode="clip")


def _scattered(updates: Any, positions: Any, shape: tuple[int, ...]) -> Any:
    """Add rows up in a table of zeros, each at its position."""
    table = jnp.zeros(shape, updates.dtype)
    return table.at[positions.reshape(-1)].add(
        updates.reshape(-1, shape[1]), mode="drop", wrap_negative_indices=False
    )


def _frequencies(positions: Any, rows: int) -> Any:
    """Return how often each position's row is named."""
    flat = positions.reshape(-1)
    counts = jnp.zeros(rows, jnp.int32).at[flat].add(1, mode="drop")
    return counts[flat].reshape(positions.shape)


def _bag_frequencies(positions: Any, rows: int) -> Any:
    """Return what ``embedding_bag`` divides the gradient of each position by.

    torch 2.13 takes the n-th different row's number from the n-th of all sorted positions, which is
    another row's where rows are named more than once.
    """
    order = jnp.argsort(positions)
    ordered = positions[order]
    new = jnp.concatenate([jnp.zeros(1, bool), ordered[1:] != ordered[:-1]])
    counts = jnp.zeros(rows, jnp.int32).at[positions].add(1, mode="drop")
    divisors = counts[ordered[jnp.cumsum(new)]]
    return jnp.zeros_like(divisors).at[order].set(divisors)


def _table_gradient(
    updates: Any, positions: Any, shape: tuple[int, ...], padding: int, counts: Any = None
) -> Any:
    """Return the gradient of a table for the gradients of rows taken from it.

    Args:
        updates: gradients of the rows, of the positions' shape with one more dimension.
        positions: of the rows.
        shape: of the table.
        padding: row that gets none, -1 for none.
        counts: what to divide the gradient of each row by.
    """
    if counts is not None:
        updates = updates / counts[..., None].astype(updates.dtype)
    if padding >= 0:
        positions = jnp.where(positions == padding, shape[0], positions)
    return _scattered(updates, positions, shape)


def _embedding_spec(operation, bound, mode) -> Spec:
    table, positions = bound["weight"], bound["indices"]
    meta, positions_meta = table.meta, positions.meta
    if meta.ndim != 2:
        raise _messages_embedding.weight_rank()
    _check_positions(1, positions_meta, "embedding")
    padding, by_frequency = bound["padding_idx"], bound["scale_grad_by_freq"]

    def vjp(cotangents, results, operands):
        shape = operands[0].shape
        counts = _frequencies(operands[1], shape[0]) if by_frequency else None
        return [_table_gradient(cotangents[0], operands[1], shape, padding, counts)]

    result = make_meta((*positions_meta.shape, meta.shape[1]), meta.dtype, meta.device)
    params = {"padding": padding, "by_frequency": by_frequency}
    return Spec([table, positions], (result,), params, saves=(1,), vjp=vjp)


def _embedding_vjp_on_host(cotangents, results, operands, wanted, padding, by_frequency):
    shape = operands[0].shape
    flat, rows = operands[1].reshape(-1), cotangents[0].reshape(-1, shape[1])
    if by_frequency:
        counts = np.bincount(flat, minlength=shape[0])[flat]
        rows = rows / counts[:, None].astype(rows.dtype)
    if padding >= 0:
        kept = flat != padding
        flat, rows = flat[kept], rows[kept]
    return (added_rows(shape, flat, rows),)


@op(
    "_embedding(Tensor weight, Tensor indices, SymInt padding_idx, bool scale_grad_by_freq)",
    kind=Custom(_embedding_spec),
    method=False,
    function=False,
    node_name="EmbeddingBackward0",
    host=lambda table, positions, **_: np.take(table, positions, 0, mode="clip"),
    host_vjp=_embedding_vjp_on_host,
)
def _embedding(table: Any, positions: Any, *, padding: int, by_frequency: bool) -> Any:
    """Return rows of a table; the other arguments are the gradient's."""
    return _rows(table, positions)


#: How rows are looked up whose gradient is sparse: of an embedding, and of bags.
_sparse_lookup: list[Callable[..., Any]] = []


def set_sparse_lookup(rows: Callable[..., Any], rows_of_bags: Callable[..., Any]) -> None:
    """Tell how rows are looked up whose gradient is sparse.

    Args:
        rows: of the arguments of ``embedding`` the rows.
        rows_of_bags: of the same arguments the rows as a table of their own, the positions in it,
            and the one that does not count.
    """
    _sparse_lookup[:] = [rows, rows_of_bags]


def _has_sparse_gradient(sparse: bool, weight: Any) -> bool:
    return sparse and local.trace.mode.grad and weight.requires_grad


def _look_up(weight: Any, indices: Any, padding_idx: int, by_frequency: bool) -> Any:
    known = _elements(indices)
    if (
        known is not None
        and known.size
        and weight._value.meta.ndim == 2
        and (known.min() < 0 or known.max() >= weight._value.meta.shape[0])
    ):
        raise _messages_embedding.index_out_of_range()
    return _embedding.call(weight, indices, padding_idx, by_frequency)


@op(
    "embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, "
    "bool scale_grad_by_freq=False, bool sparse=False)",
    method=False,
)
def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """Embedding lookup: ``weight[indices]``, the rows of a table.

    Args:
        weight: the table, of shape (rows, features).
        indices: positions (int64 or int32) of any shape.
        padding_idx: row that gets no gradient; none where it is negative.
        scale_grad_by_freq: whether to divide gradients by how often a row is named.
        sparse: whether the gradient has the layout ``torch.sparse_coo``.
    Returns:
        Tensor of the positions' shape with one more dimension, of the features.
    """
    if _has_sparse_gradient(sparse, weight):
        return _sparse_lookup[0](weight, indices, padding_idx, bool(scale_grad_by_freq))
    return _look_up(weight, indices, padding_idx, bool(scale_grad_by_freq))


def _renorm_spec(operation, bound, mode) -> Spec:
    table, positions = bound["input"], bound["indices"]
    meta = table.meta
    if meta.ndim != 2:
        raise _messages_embedding.renorm_rank(meta.ndim)
    _check_positions(2, positions.meta, "embedding_renorm_")
    if not is_inexact(meta.dtype):
        raise _messages_embedding.renorm_dtype(meta.dtype._legacy_name)
    order = float(bound["norm_type"])
    limit = float(bound["max_norm"])

    return Spec([table, positions], (meta,), {"order": order, "limit": limit})


@op(
    "_embedding_renorm(Tensor input, Tensor indices, double max_norm, double norm_type)",
    kind=Custom(_renorm_spec),
    method=False,
    function=False,
    inplace=True,
    differentiable=False,
)
def _embedding_renorm(table: Any, positions: Any, *, order: Any, limit: Any) -> Any:
    """Return a table whose named rows have no norm above a limit."""
    flat = positions.reshape(-1)
    rows = table[flat]
    wide = widen(rows)
    norms = vector_norm_of(wide, order, (1,), True)
    scale = jnp.where(norms > limit, limit / (norms + 1e-7), 1)
    # A row that is named twice gets the same elements twice.
    return table.at[flat].set((wide * scale).astype(table.dtype))


@op(
    "embedding_renorm_(Tensor input, Tensor indices, double max_norm, double norm_type)",
    method=False,
)
def embedding_renorm_(input, indices, max_norm, norm_type):
    """Renormalise rows of an embedding table in place so that no norm is above a limit.

    Args:
        input: the table.
        indices: positions of the rows.
        max_norm: the limit.
        norm_type: order of the norm.
    """
    known = _elements(indices)
    if known is not None and known.size and input.dim() == 2:
        rows = input.shape[0]
        wrong = known[(known < -rows) | (known >= rows)]
        if wrong.size:
            raise _messages_embedding.renorm_index(int(wrong.flat[0]), input.shape)
    return _embedding_renorm.inplace_twin.call(input, indices, max_norm, norm_type)


def _nn_embedding(
    input,
    weight,
    padding_idx=None,
    max_norm=None,
    norm_type=2.0,
    scale_grad_by_freq=False,
    sparse=False,
):
    """Embedding lookup: ``weight[indices]``, the rows of a table.

    Args:
        input: positions (int64 or int32) of any shape.
        weight: the table, of shape (rows, features).
        padding_idx: row that gets no gradient.
        max_norm: limit of the norms of the rows that are named; the table is written to.
        norm_type: order of that norm.
        scale_grad_by_freq: whether to divide gradients by how often a row is named.
        sparse: whether the gradient has the layout ``torch.sparse_coo``.
    """
    if padding_idx is None:
        padding_idx = -1
    else:
        rows = weight.size(0)
        if not -rows <= padding_idx < rows and padding_idx:
            raise _messages_embedding.padding_index()
        padding_idx = padding_idx + rows if padding_idx < 0 else padding_idx
    if max_norm is not None:
        input = input.contiguous()
        embedding_renorm_(weight.detach(), input, max_norm, norm_type)
    if sparse or not is_tensor(input) or not is_tensor(weight):
        return embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)
    return _look_up(weight, input, padding_idx, bool(scale_grad_by_freq))


_nn_embedding.__name__ = _nn_embedding.__qualname__ = "embedding"
publish("embedding", _nn_embedding, registry=NN_FUNCTIONS)


# Bags


class _Bags:
    """The arithmetic of one ``embedding_bag``.

    Attributes:
        count: number of bags.
        through_end: whether positions behind the last offset belong to the last bag.
    """

    def __init__(self, bound: dict[str, Any], mode: Any):
        self.table, self.positions = bound["weight"], bound["indices"]
        self.offsets = bound["offsets"]
        self.weights = bound["per_sample_weights"]
        self.mode = _MODES[bound["mode"]]
        self.padding = bound["padding_idx"]
        self.by_frequency = bound["scale_grad_by_freq"]
        self.last = bound["include_last_offset"]
        self.operands = [self.table, self.positions, self.offsets]
        if self.weights is not None:
            self.operands.append(self.weights)
        self.count = self.offsets.meta.shape[0] - (1 if self.last else 0)
        self.wanted = [bool(mode.grad and o.meta.grad) for o in self.operands]
        # torch 2.13 stops adding at the last offset, yet means divide by the whole last bag.
        self.stops = self.last and self.mode != "max" and self.padding < 0

    def numbers(self, positions: Any, offsets: Any) -> tuple[Any, Any]:
        """Return each position's bag, and whether it counts."""
        order = jnp.arange(positions.shape[0], dtype=offsets.dtype)
        starts = offsets[: self.count]
        bags = jnp.searchsorted(starts, order, side="right") - 1
        counts = (positions != self.padding) if self.padding >= 0 else order >= 0
        return bags, counts

    def added(self, counts: Any, offsets: Any) -> Any:
        """Return which positions are added up."""
        if not self.stops:
            return counts
        return counts & (jnp.arange(counts.shape[0], dtype=offsets.dtype) < offsets[-1])

    def sizes(self, bags: Any, counts: Any) -> Any:
        return jax.ops.segment_sum(counts.astype(jnp.int64), bags, self.count)

    def reduced(self, table: Any, positions: Any, offsets: Any, *weights: Any) -> Any:
        """Return the sums, means or maxima."""
        dtype = table.dtype
        if not self.count or not positions.shape[0]:
            return jnp.zeros((self.count, table.shape[1]), dtype)
        bags, counts = self.numbers(positions, offsets)
        if self.mode == "max":
            return self.at_largest(table, positions, bags, counts)[0]
        rows = widen(_rows(table, positions))
        if weights:
            rows = rows * weights[0][:, None].astype(rows.dtype)
        rows = jnp.where(self.added(counts, offsets)[:, None], rows, 0)
        total = jax.ops.segment_sum(rows, bags, self.count)
        if self.mode == "mean":
            sizes = jnp.maximum(self.sizes(bags, counts), 1)
            total = total / sizes[:, None].astype(total.dtype)
        return total.astype(dtype)

    def at_largest(self, table: Any, positions: Any, bags: Any, counts: Any) -> tuple[Any, Any]:
        """Return the largest elements of each bag, and the rows that they are in."""
        rows = jnp.where(counts[:, None], _rows(table, positions), -jnp.inf)
        top = jax.ops.segment_max(jax.lax.stop_gradient(rows), bags, self.count)
        order = jnp.arange(positions.shape[0])[:, None]
        is_top = (rows == top[bags]) & counts[:, None]
        none = positions.shape[0]
        first = jax.ops.segment_min(jnp.where(is_top, order, none), bags, self.count)
        empty = first >= none
        chosen = jnp.where(empty, 0, positions[jnp.where(empty, 0, first)])
        largest = jnp.take_along_axis(table, chosen.astype(jnp.int64), 0)
        return jnp.where(empty, 0, largest), chosen

    def vjp(self, cotangents: list, results: list, operands: list) -> list:
        table, positions, offsets = operands[:3]
        upstream = cotangents[0]
        if not self.count or not positions.shape[0]:
            return [
                jnp.zeros_like(operand)
                for operand, wanted in zip(operands, self.wanted, strict=True)
                if wanted
            ]
        bags, counts = self.numbers(positions, offsets)
        shape = table.shape
        if self.mode == "max":
            _, chosen = self.at_largest(table, positions, bags, counts)
            filled = self.sizes(bags, counts) > 0
            columns = jnp.broadcast_to(jnp.arange(shape[1]), chosen.shape)
            updates = jnp.where(filled[:, None], upstream, 0)
            return [jnp.zeros(shape, upstream.dtype).at[chosen, columns].add(updates)]
        spread = upstream[bags]
        if self.mode == "mean":
            sizes = jnp.maximum(self.sizes(bags, counts), 1)
            spread = spread / sizes[bags][:, None].astype(spread.dtype)
        # torch 2.13: behind the last offset means have gradients, though nothing was added there.
        counts = counts if self.mode == "mean" else self.added(counts, offsets)
        spread = jnp.where(counts[:, None], spread, 0)
        gradients = []
        if self.wanted[0]:
            updates = spread
            if self.weights is not None:
                updates = spread * operands[3][:, None].astype(spread.dtype)
            divisors = _bag_frequencies(positions, shape[0]) if self.by_frequency else None
            gradients.append(_table_gradient(updates, positions, shape, self.padding, divisors))
        if self.weights is not None and self.wanted[3]:
            products = spread * _rows(table, positions).astype(spread.dtype)
            gradients.append(jnp.sum(products, 1).astype(operands[3].dtype))
        return gradients


def _bag_spec(operation, bound, mode) -> Spec:
    bags = _Bags(bound, mode)
    meta = bags.table.meta
    result = make_meta((bags.count, meta.shape[1]), meta.dtype, meta.device)
    needs_table = bags.mode == "max" or (bags.weights is not None and bags.wanted[3])
    saves = tuple(range(0 if needs_table else 1, len(bags.operands)))
    return Spec(bags.operands, (result,), {"bags": bags}, saves=saves, vjp=bags.vjp)


@op(
    "_embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, "
    "int64_t mode, Tensor? per_sample_weights, bool include_last_offset, int64_t padding_idx)",
    kind=Custom(_bag_spec),
    method=False,
    function=False,
    node_name="EmbeddingBagBackward0",
)
def _embedding_bag(table: Any, positions: Any, offsets: Any, *weights: Any, bags: _Bags) -> Any:
    """Reduce the rows of each bag."""
    return bags.reduced(table, positions, offsets, *weights)


def _bag_numbers_spec(operation, bound, mode) -> Spec:
    bags = _Bags(bound, mode)
    table, positions = bags.table.meta, bags.positions.meta
    plain = bags.mode == "sum" and bags.padding < 0

    dtype = bags.offsets.meta.dtype
    chosen_shape = (bags.count, table.shape[1]) if bags.mode == "max" else (bags.count,)
    shapes = ((0,) if plain else positions.shape, (bags.count,), chosen_shape)
    metas = tuple([make_meta(shape, dtype, table.device) for shape in shapes])
    return Spec(bags.operands, metas, {"plain": plain, "bags": bags, "chosen_shape": chosen_shape})


@op(
    "_bag_numbers(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, "
    "int64_t mode, Tensor? per_sample_weights, bool include_last_offset, int64_t padding_idx)",
    kind=Custom(_bag_numbers_spec),
    method=False,
    function=False,
    differentiable=False,
)
def _bag_numbers(
    table: Any,
    positions: Any,
    offsets: Any,
    *weights: Any,
    plain: Any,
    bags: Any,
    chosen_shape: Any,
) -> Any:
    """Return each position's bag, the bags' sizes, and the rows of the largest elements."""
    count = (bags.count,)
    if not positions.shape[0] or not bags.count:
        numbers = jnp.zeros(positions.shape, positions.dtype)
        sizes, chosen = jnp.zeros(count), jnp.zeros(chosen_shape)
    else:
        numbers, counts = bags.numbers(positions, offsets)
        sizes = bags.sizes(numbers, counts)
        if bags.mode == "max":
            chosen = bags.at_largest(table, positions, numbers, counts)[1]
        else:
            chosen = sizes
        if bags.mode == "sum":
            sizes = chosen = jnp.zeros(count)
    if plain:
        numbers = numbers[:0]
    dtype = offsets.dtype
    return numbers.astype(dtype), sizes.astype(dtype), chosen.astype(dtype)


def _check_bags(weight, indices, offsets, mode, weights, last, padding_idx) -> int:
    """Check what PyTorch checks of bags, and return the padding row, -1 for none."""
    rows = weight.shape[0] if weight.dim() else 0
    if padding_idx is None:
        padding = -1
    elif not -rows <= padding_idx < rows:
        raise _messages_embedding.bag_padding(rows, padding_idx)
    else:
        padding = padding_idx % rows
    if weight.dim() != 2:
        raise _messages_embedding.bag_weight_rank(weight.dim(), RuntimeError)
    for tensor in (indices, offsets):
        _check_positions(1, tensor._value.meta, "embedding_bag")
    name = weight.dtype._legacy_name
    if not weight.dtype.is_floating_point:
        known = ("Half", "BFloat16", "Float", "Double")
        raise _messages_embedding.argument_types(1, "weight", known, name, "embedding_bag")
    starts, count = _elements(offsets), indices.shape[0]
    if starts is not None and starts.size:
        if starts[0] != 0:
            raise _messages_embedding.bag_first_offset(int(starts[0]), offsets.dtype._legacy_name)
        if starts[-1] > count:
            raise _messages_embedding.bag_last_offset(count, int(starts[-1]))
    if weights is not None:
        if mode != 0:
            raise _messages_embedding.bag_weights_mode()
        if weights.dtype is not weight.dtype:
            other = weights.dtype._legacy_name
            raise _messages_embedding.same_types(
                "weight", "per_sample_weights", name, other, "embedding_bag"
            )
    if last and offsets.shape[0] < 1:
        raise _messages_embedding.bag_no_offset()
    if mode not in (0, 1, 2):
        raise _messages_embedding.bag_mode()
    known_positions = _elements(indices)
    if known_positions is not None and known_positions.size:
        wrong = np.flatnonzero((known_positions < 0) | (known_positions >= rows))
        if wrong.size:
            first = int(wrong[0])
            raise _messages_embedding.bag_index(first, int(known_positions[first]), rows)
    return padding


@op(
    "embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, "
    "int64_t mode, bool sparse, Tensor? per_sample_weights, bool include_last_offset, "
    "int64_t? padding_idx)",
    "embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, "
    "int64_t mode=0, bool sparse=False, Tensor? per_sample_weights=None, "
    "bool include_last_offset=False)",
    method=False,
)
def embedding_bag(
    weight,
    indices,
    offsets,
    scale_grad_by_freq=False,
    mode=0,
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    """Embedding bag: the sum, mean or maximum of the rows that each bag names.

    Args:
        weight: the table, of shape (rows, features).
        indices: positions of all bags, a vector.
        offsets: where each bag begins.
        scale_grad_by_freq: whether to divide gradients by how often a row is named.
        mode: 0 for sums, 1 for means, 2 for maxima.
        sparse: whether the gradient has the layout ``torch.sparse_coo``.
        per_sample_weights: what to multiply each row with, for sums.
        include_last_offset: whether the last offset is where the last bag ends.
        padding_idx: row that does not count.
    Returns:
        Tensor of shape (bags, features), each position's bag, the bags' sizes, and for maxima the
        rows that they are in.
    """
    padding = _check_bags(
        weight, indices, offsets, mode, per_sample_weights, include_last_offset, padding_idx
    )
    if indices.dtype is not offsets.dtype:
        indices, offsets = indices.to(dtypes.int64), offsets.to(dtypes.int64)
    if _has_sparse_gradient(sparse, weight):
        weight, indices, padding = _sparse_lookup[1](
            weight, indices, padding, bool(scale_grad_by_freq)
        )
    arguments = (
        weight,
        indices,
        offsets,
        bool(scale_grad_by_freq),
        mode,
        per_sample_weights,
        bool(include_last_offset),
        padding,
    )
    return (_embedding_bag.call(*arguments), *_bag_numbers.call(*arguments))


def _nn_embedding_bag(
    input,
    weight,
    offsets=None,
    max_norm=None,
    norm_type=2,
    scale_grad_by_freq=False,
    mode="mean",
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    """Embedding bag: the sum, mean or maximum of the rows that each bag names.

    Args:
        input: positions, of shape (bags, size) or, with ``offsets``, a vector.
        weight: the table, of shape (rows, features).
        offsets: where each bag begins.
        max_norm: limit of the norms of the rows that are named; the table is written to.
        norm_type: order of that norm.
        scale_grad_by_freq: whether to divide gradients by how often a row is named.
        mode: ``"sum"``, ``"mean"`` or ``"max"``.
        sparse: whether the gradient has the layout ``torch.sparse_coo``.
        per_sample_weights: what to multiply each row with, for sums.
        include_last_offset: whether the last offset is where the last bag ends.
        padding_idx: row that does not count.
    Returns:
        Tensor of shape (bags, features).
    """
    if weight.dtype is dtypes.int64 and input.is_floating_point():
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage "
            "`embedding_bag(weight, input, ...)` is deprecated, and should now be "
            "`embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        weight, input = input, weight
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise _messages_embedding.bag_weights_shape(per_sample_weights.shape, input.shape)
    if weight.dim() != 2:
        raise _messages_embedding.bag_weight_rank(weight.dim(), ValueError)
    if input.dim() == 2:
        if offsets is not None:
            raise _messages_embedding.bag_offsets_given(str(type(offsets)))
        offsets = arange(0, input.numel(), input.size(1), dtype=input.dtype, device=input.device)
        include_last_offset = False
        input = input.reshape(-1)
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
    elif input.dim() != 1:
        raise _messages_embedding.bag_input_rank(input.dim())
    elif offsets is None:
        raise _messages_embedding.bag_offsets_missing()
    elif offsets.dim() != 1:
        raise _messages_embedding.bag_offsets_rank()
    if mode not in _MODES:
        raise _messages_embedding.bag_mode_name()
    if mode == "max" and scale_grad_by_freq:
        raise _messages_embedding.bag_max_frequency()
    if mode == "max" and sparse:
        raise _messages_embedding.bag_max_sparse()
    if max_norm is not None:
        embedding_renorm_(weight.detach(), input, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise _messages_embedding.bag_weights_mode_name(mode)
    return embedding_bag(
        weight,
        input,
        offsets,
        scale_grad_by_freq,
        _MODES.index(mode),
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )[0]


_nn_embedding_bag.__name__ = _nn_embedding_bag.__qualname__ = "embedding_bag"
publish("embedding_bag", _nn_embedding_bag, registry=NN_FUNCTIONS)
