"""Gradients of sparse tensors: those of their values; sparse gradients of dense tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jtorch as torch

from .. import autograd
from .._engine.backward.stages import set_sparse_sum
from ..autograd import set_sparse_route
from ..ops.nn.embedding import set_sparse_lookup
from . import _messages
from ._conversion import at_elements_of
from ._table import implements
from ._tensor import SparseTensor, gradient_like, make_coo


@implements("backward")
def _backward(
    self: Any,
    gradient: Any = None,
    retain_graph: Any = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    autograd.backward(
        self, gradient, retain_graph=retain_graph, create_graph=create_graph, inputs=inputs
    )


def _dense_ends(outputs: Sequence[Any], gradients: Sequence[Any]) -> tuple[tuple, tuple]:
    """Return the values of sparse outputs, and the gradients at these."""
    ends, cotangents = [], []
    for index, (output, gradient) in enumerate(zip(outputs, gradients, strict=True)):
        if isinstance(output, SparseTensor):
            if gradient is None:
                if output.numel() != 1:
                    raise RuntimeError("grad can be implicitly created only for scalar outputs")
                gradient = torch.ones(output.shape, dtype=output.dtype, device=output.device)
            if gradient.shape != output.shape:
                raise _messages.cotangent_shape(index, gradient.shape, output.shape)
            gradient = at_elements_of(gradient, output)
            output = output._elements
        elif isinstance(gradient, SparseTensor):
            gradient = gradient.to_dense()
        ends.append(output)
        cotangents.append(gradient)
    return tuple(ends), tuple(cotangents)


def _route(
    run: Callable, outputs: tuple, gradients: tuple, inputs: tuple | None, *rest: Any
) -> list[Any]:
    """Run a backward pass some of whose ends are sparse tensors."""
    ends, cotangents = _dense_ends(outputs, gradients)
    wanted = inputs
    if inputs is not None:
        wanted = tuple([t._elements if isinstance(t, SparseTensor) else t for t in inputs])
    results = run(ends, cotangents, wanted, *rest)
    if inputs is None:
        return results
    return [
        gradient_like(tensor, autograd.as_tensor(value))
        if isinstance(tensor, SparseTensor) and value is not None
        else value
        for tensor, value in zip(inputs, results, strict=True)
    ]


set_sparse_route(_route)


def _sum(left: Any, right: Any) -> Any:
    """Return the sum of two gradients of one tensor, at least one of which is sparse."""
    if isinstance(left, SparseTensor) and not isinstance(right, SparseTensor):
        return right + left
    return left + right


set_sparse_sum(_sum)


@implements("register_hook")
def _register_hook(self: Any, hook: Callable) -> Any:
    def on_values(gradient: Any) -> Any:
        changed = hook(gradient_like(self, gradient))
        return None if changed is None else at_elements_of(changed, self)

    return self._elements.register_hook(on_values)


@implements("register_post_accumulate_grad_hook")
def _register_post_hook(self: Any, hook: Callable) -> Any:
    return self._elements.register_post_accumulate_grad_hook(lambda values: hook(self))


# Embeddings


class _EmbeddingBackward(autograd.Function):
    """Rows of a table, whose gradient is sparse: each row's gradient, where the row was named."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, weight: Any, indices: Any, padding_idx: int, by_frequency: bool
    ) -> Any:
        """Return ``weight[indices]``."""
        ctx.indices, ctx.padding_idx, ctx.by_frequency = indices, padding_idx, by_frequency
        ctx.size = weight.shape
        return torch.embedding(weight, indices, padding_idx)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:  # type: ignore[override]
        """Return the rows of the gradient with their indices."""
        if ctx.by_frequency:
            raise _messages.frequency_of_sparse()
        named = ctx.indices.reshape(-1)
        rows = gradient.reshape(-1, *ctx.size[1:])
        if ctx.padding_idx >= 0:
            kept = (named != ctx.padding_idx).nonzero().squeeze(1)
            if len(kept) != len(named):
                named, rows = named.index_select(0, kept), rows.index_select(0, kept)
        indices = named.to(torch.int64).unsqueeze(0)
        return make_coo(indices, rows, ctx.size), None, None, None


_EmbeddingBackward._backward_cls.__name__ = "EmbeddingBackward0"  # type: ignore[attr-defined]
_EmbeddingBackward._backward_cls.__qualname__ = "EmbeddingBackward0"  # type: ignore[attr-defined]


def _look_up(weight: Any, indices: Any, padding_idx: int, by_frequency: bool) -> Any:
    return _EmbeddingBackward.apply(weight, indices, padding_idx, by_frequency)


def _rows_of_bags(weight: Any, indices: Any, padding_idx: int, by_frequency: bool) -> tuple:
    """Return the rows that bags name as a table, the positions in it, and that of the padding."""
    rows = _look_up(weight, indices, padding_idx, by_frequency)
    count = len(indices)
    positions = torch.arange(count, dtype=indices.dtype, device=indices.device)
    if padding_idx < 0:
        return rows, positions, padding_idx
    positions = torch.where(indices == padding_idx, count, positions)
    return torch.cat([rows, rows.new_zeros(1, rows.shape[1])]), positions, count


set_sparse_lookup(_look_up, _rows_of_bags)
