"""The arithmetic of recurrent layers: one loop over time for each layer and direction.

What makes a layer fast: the products with the inputs are one product before the loop, all gates go
through one ``tanh`` (``sigmoid(x) = tanh(x / 2) / 2 + 1 / 2``, so a scale and an offset for each
column), the gates are kept for the gradient, whatever in the gradient does not depend on the
gradient of the next step is computed for all steps at once, and so are the weights' gradients.

A cell is described by three functions: ``plain``, which JAX can differentiate any number of times,
``run``, the same in the fast form, and ``pull``, its gradient. The first returns
``(outputs, last states)``, the second also what the gradient wants kept, if ``keep`` says so. They
take ``(input, states, weights, mask, reverse)``:

- ``input``: of shape (time, batch, features);
- ``states``: a tuple of arrays of shape (batch, size);
- ``weights``: ``(w_ih, w_hh, b_ih, b_hh, w_hr)``, the last three ``None`` where they are missing;
- ``mask``: of shape (time, batch, 1), 1 where a sequence has a step, 0 behind its end; ``None``
  where all of them are equally long. States stand still where it is 0;
- ``reverse``: whether time runs backwards.

Sources: Hochreiter and Schmidhuber, "Long short-term memory" (1997); Cho et al., "Learning phrase
representations using RNN encoder-decoder" (2014); Sak et al., "Long short-term memory based
recurrent neural network architectures" (2014) for the projection.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..._shared.dot_precision import of_products


def _times(left: Any, right: Any) -> Any:
    return jnp.matmul(left, right, precision=of_products())


def _hoisted(array: Any) -> Any:
    """Return a transpose that is made once: inside a loop it would be made in every step."""
    return jax.lax.optimization_barrier(array.T)


def projected_rows(input: Any, weight: Any, *biases: Any) -> Any:
    """Return the products of all steps with the weight of the input."""
    result = _times(input, weight.T)
    given = [bias for bias in biases if bias is not None]
    return result + sum(given[1:], given[0]) if given else result


def _weight_gradients(upstream: Any, *rows: Any) -> list[Any]:
    """Return the gradients of weights whose products with these rows have one gradient.

    It is transposed once, beforehand: XLA's products that read columns are slow where rows are a
    multiple of 2 kB apart (sets of the cache), as those of 512 gates are: 0.6 to 0.8 of the rate.
    """
    columns = _hoisted(upstream.reshape(-1, upstream.shape[-1]))
    return [_times(columns, each.reshape(-1, each.shape[-1])) for each in rows]


def _before(states: Any, first: Any, reverse: bool) -> Any:
    """Return, for every step, the state that it started from."""
    if reverse:
        return jnp.concatenate((states[1:], first[None]))
    return jnp.concatenate((first[None], states[:-1]))


def columns(values: tuple[float, ...], size: int, dtype: Any) -> Any:
    """Return a row that holds one value for each block of ``size`` columns.

    ``jnp.repeat`` would be a scatter, two running sums and a gather on every cell.
    """
    blocks = jnp.broadcast_to(jnp.asarray(values, dtype)[:, None], (len(values), size))
    return blocks.reshape(-1)


def _loop(step: Callable, carry: Any, steps: Any, reverse: bool) -> tuple[Any, Any]:
    return jax.lax.scan(step, carry, steps, reverse=reverse)


def _loop_in_place(step: Callable, carry: Any, rows: Any, steps: tuple, reverse: bool) -> tuple:
    """Run a loop that overwrites what it reads, which spares filling an array with zeros.

    Args:
        step: ``(carry, (row, *steps)) -> (carry, (what takes the row's place, *results))``.
        rows: of shape (time, ...); not used afterwards.
        steps: whatever else a step reads.
    Returns:
        The last carry, and ``(what took the place of rows, *results)``.
    """

    def turn(state, now):
        carry, rows = state
        at, others = now
        row = jax.lax.dynamic_index_in_dim(rows, at, 0, False)
        carry, (made, *results) = step(carry, (row, *others))
        return (carry, jax.lax.dynamic_update_index_in_dim(rows, made, at, 0)), results

    numbers = jnp.arange(rows.shape[0], dtype=jnp.int32)
    (carry, rows), results = _loop(turn, (carry, rows), (numbers, steps), reverse)
    return carry, (rows, *results)


def _chosen(mask: Any, new: Any, old: Any) -> Any:
    return new if mask is None else jnp.where(mask != 0, new, old)


def _plain_loop(cell: Callable, input: Any, states: tuple, mask: Any, reverse: bool) -> tuple:
    """Run a cell over time; return its outputs and last states."""

    def step(carry, now):
        row, here = now
        new = cell(row, carry)
        kept = tuple([_chosen(here, n, o) for n, o in zip(new, carry, strict=True)])
        return kept, kept[0]

    last, outputs = _loop(step, states, (input, mask), reverse)
    return outputs, last


# Long short-term memory


def _plain_lstm(input: Any, states: Any, weights: Any, mask: Any, reverse: bool) -> tuple:
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    projected = projected_rows(input, w_ih, b_ih, b_hh)

    def cell(row, carry):
        hidden, memory = carry
        i, f, g, o = jnp.split(row + _times(hidden, w_hh.T), 4, -1)
        memory = jax.nn.sigmoid(f) * memory + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(memory)
        return (hidden if w_hr is None else _times(hidden, w_hr.T)), memory

    return _plain_loop(cell, projected, tuple(states), mask, reverse)


def _lstm(
    input: Any, states: Any, weights: Any, mask: Any, reverse: bool, keep: bool = True
) -> tuple:
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    size = w_hh.shape[0] // 4
    scale = columns((0.5, 0.5, 1.0, 0.5), size, input.dtype)
    offset = columns((0.5, 0.5, 0.0, 0.5), size, input.dtype)
    projected = projected_rows(input, w_ih, b_ih, b_hh) * scale
    recurrent = _hoisted(w_hh * scale[:, None])
    projection = None if w_hr is None else _hoisted(w_hr)

    def step(carry, now):
        hidden, memory = carry
        row, here = now
        gates = jnp.tanh(row + _times(hidden, recurrent)) * scale + offset
        i, f, g, o = jnp.split(gates, 4, -1)
        memory = _chosen(here, f * memory + i * g, memory)
        new = o * jnp.tanh(memory)
        if projection is not None:
            new = _times(new, projection)
        hidden = _chosen(here, new, hidden)
        return (hidden, memory), ((gates, hidden, memory) if keep else hidden)

    if not keep:
        last, outputs = _loop(step, tuple(states), (projected, mask), reverse)
        return outputs, last, ()
    last, (gates, outputs, memories) = _loop_in_place(
        step, tuple(states), projected, (mask,), reverse
    )
    return outputs, last, (gates, memories)


def _pull_lstm(
    cotangents: Any, outputs: Any, saved: Any, arrays: Any, mask: Any, reverse: bool
) -> tuple:
    input, (hidden, memory), (w_ih, w_hh, b_ih, b_hh, w_hr) = arrays
    upstream, (d_hidden, d_memory) = cotangents
    gates, memories = saved
    i, f, g, o = jnp.split(gates, 4, -1)
    squashed = jnp.tanh(memories)
    into_memory = o * (1 - squashed * squashed)
    # Of the gates: three in the gradient of the memory, the last in that of the hidden state.
    slopes = jnp.concatenate(
        (
            g * i * (1 - i),
            _before(memories, memory, reverse) * f * (1 - f),
            i * (1 - g * g),
            squashed * o * (1 - o),
        ),
        -1,
    )
    if mask is not None:
        into_memory, slopes = into_memory * mask, slopes * mask
        f = _chosen(mask, f, 1.0)

    def step(carry, now):
        d_hidden, d_memory = carry
        slope, given, through, forget, here = now
        d_hidden = given + d_hidden
        inner = d_hidden if w_hr is None else _times(d_hidden, w_hr)
        d_memory = d_memory + inner * through
        d_gates = jnp.concatenate((d_memory, d_memory, d_memory, inner), -1) * slope
        back = _times(d_gates, w_hh)
        if here is not None:
            back = back + d_hidden * (1 - here)
        return (back, d_memory * forget), (d_gates, None if w_hr is None else d_hidden)

    steps = (upstream, into_memory, f, mask)
    (d_first, d_first_memory), (d_gates, d_outputs) = _loop_in_place(
        step, (d_hidden, d_memory), slopes, steps, not reverse
    )
    d_w_hr = None
    if w_hr is not None:
        if mask is not None:
            d_outputs = d_outputs * mask
        (d_w_hr,) = _weight_gradients(d_outputs, o * squashed)
    d_bias = None if b_ih is None else d_gates.sum((0, 1))
    return (
        _times(d_gates, w_ih),
        (d_first, d_first_memory),
        (
            *_weight_gradients(d_gates, input, _before(outputs, hidden, reverse)),
            d_bias,
            None if b_hh is None else d_bias,
            d_w_hr,
        ),
    )


# Gated recurrent unit


def _plain_gru(input: Any, states: Any, weights: Any, mask: Any, reverse: bool) -> tuple:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    projected = projected_rows(input, w_ih, b_ih)

    def cell(row, carry):
        (hidden,) = carry
        x_r, x_z, x_n = jnp.split(row, 3, -1)
        h_r, h_z, h_n = jnp.split(projected_rows(hidden, w_hh, b_hh), 3, -1)
        reset, update = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
        new = jnp.tanh(x_n + reset * h_n)
        return ((hidden - new) * update + new,)

    return _plain_loop(cell, projected, tuple(states), mask, reverse)


def _gru(
    input: Any, states: Any, weights: Any, mask: Any, reverse: bool, keep: bool = True
) -> tuple:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    size = w_hh.shape[0] // 3
    scale = columns((0.5, 0.5, 1.0), size, input.dtype)
    projected = projected_rows(input, w_ih, b_ih) * scale
    recurrent = _hoisted(w_hh * scale[:, None])
    of_new = 0
    if b_hh is not None:
        shift = b_hh * scale
        of_new = shift[2 * size :]
        projected = projected + jnp.concatenate((shift[: 2 * size], jnp.zeros_like(of_new)))

    def step(carry, now):
        (hidden,) = carry
        row, here = now
        product = _times(hidden, recurrent)
        gates = jnp.tanh(row[:, : 2 * size] + product[:, : 2 * size]) * 0.5 + 0.5
        reset, update = jnp.split(gates, 2, -1)
        inner = product[:, 2 * size :] + of_new
        new = jnp.tanh(row[:, 2 * size :] + reset * inner)
        hidden = _chosen(here, (hidden - new) * update + new, hidden)
        if not keep:
            return (hidden,), hidden
        return (hidden,), (jnp.concatenate((gates, new), -1), hidden, inner)

    if not keep:
        last, outputs = _loop(step, tuple(states), (projected, mask), reverse)
        return outputs, last, ()
    last, (gates, outputs, inner) = _loop_in_place(step, tuple(states), projected, (mask,), reverse)
    return outputs, last, (gates, inner)


def _pull_gru(
    cotangents: Any, outputs: Any, saved: Any, arrays: Any, mask: Any, reverse: bool
) -> tuple:
    input, (hidden,), (w_ih, w_hh, b_ih, b_hh, _) = arrays
    upstream, (d_hidden,) = cotangents
    gates, inner = saved
    reset, update, new = jnp.split(gates, 3, -1)
    before = _before(outputs, hidden, reverse)
    of_new = (1 - update) * (1 - new * new)
    # Blocks of the gradient of the recurrent product, each linear in that of the new state.
    blocks = jnp.concatenate(
        (
            of_new * inner * reset * (1 - reset),
            (before - new) * update * (1 - update),
            of_new * reset,
        ),
        -1,
    )
    kept = update
    if mask is not None:
        blocks, of_new, kept = blocks * mask, of_new * mask, _chosen(mask, update, 1.0)

    def step(carry, now):
        (d_hidden,) = carry
        block, given, keep = now
        d_hidden = given + d_hidden
        d_product = jnp.concatenate((d_hidden,) * 3, -1) * block
        return (_times(d_product, w_hh) + d_hidden * keep,), (d_product, d_hidden)

    (d_first,), (d_product, d_outputs) = _loop_in_place(
        step, (d_hidden,), blocks, (upstream, kept), not reverse
    )
    size = new.shape[-1]
    d_input = jnp.concatenate((d_product[..., : 2 * size], d_outputs * of_new), -1)
    return (
        _times(d_input, w_ih),
        (d_first,),
        (
            *_weight_gradients(d_input, input),
            *_weight_gradients(d_product, before),
            None if b_ih is None else d_input.sum((0, 1)),
            None if b_hh is None else d_product.sum((0, 1)),
            None,
        ),
    )


# Elman's network


def _plain_simple(
    activation: Callable, input: Any, states: Any, weights: Any, mask: Any, reverse: bool
) -> tuple:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    projected = projected_rows(input, w_ih, b_ih, b_hh)

    def cell(row, carry):
        return (activation(row + _times(carry[0], w_hh.T)),)

    return _plain_loop(cell, projected, tuple(states), mask, reverse)


def _simple(
    activation: Callable,
    input: Any,
    states: Any,
    weights: Any,
    mask: Any,
    reverse: bool,
    keep: bool = True,
) -> tuple:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    projected = projected_rows(input, w_ih, b_ih, b_hh)
    recurrent = _hoisted(w_hh)

    def step(carry, now):
        (hidden,) = carry
        row, here = now
        hidden = _chosen(here, activation(row + _times(hidden, recurrent)), hidden)
        return (hidden,), (hidden,)

    last, (outputs,) = _loop_in_place(step, tuple(states), projected, (mask,), reverse)
    return outputs, last, ()


def _pull_simple(
    slope: Callable,
    cotangents: Any,
    outputs: Any,
    saved: Any,
    arrays: Any,
    mask: Any,
    reverse: bool,
) -> tuple:
    input, (hidden,), (w_ih, w_hh, b_ih, b_hh, _) = arrays
    upstream, (d_hidden,) = cotangents
    slopes = slope(outputs)
    if mask is not None:
        slopes = slopes * mask

    def step(carry, now):
        (d_hidden,) = carry
        slope_here, given, here = now
        d_hidden = given + d_hidden
        inner = d_hidden * slope_here
        back = _times(inner, w_hh)
        if here is not None:
            back = back + d_hidden * (1 - here)
        return (back,), (inner,)

    (d_first,), (inner,) = _loop_in_place(step, (d_hidden,), slopes, (upstream, mask), not reverse)
    d_bias = None if b_ih is None else inner.sum((0, 1))
    return (
        _times(inner, w_ih),
        (d_first,),
        (
            *_weight_gradients(inner, input, _before(outputs, hidden, reverse)),
            d_bias,
            None if b_hh is None else d_bias,
            None,
        ),
    )


def rectified(array: Any) -> Any:
    # Not jax.nn.relu: that has the same gradient, but loses NaN in a maximum with 0.
    return jnp.where(array > 0, array, jnp.where(jnp.isnan(array), array, 0))


class Cell:
    """A kind of recurrent cell: its functions, see the module's text.

    Attributes:
        blocks: how many blocks of rows, one for each gate, its weights have.
        n_states: how many states it carries.
        kept: for each array that the gradient wants kept, how many blocks of columns it has.
    """

    def __init__(
        self,
        blocks: int,
        n_states: int,
        kept: tuple[int, ...],
        plain: Callable,
        run: Callable,
        pull: Callable,
    ):
        self.blocks = blocks
        self.n_states = n_states
        self.kept = kept
        self.plain = plain
        self.run = run
        self.gradient = _make_gradient(plain, pull)


def _make_gradient(plain: Callable, pull: Callable) -> Callable:
    """Return ``(cotangents, outputs, saved, arrays, mask, reverse) -> gradients of the arrays``.

    It uses what the forward pass kept. Its own derivative does not: it is that of the plain
    gradient for the arrays, so ``outputs`` and ``saved``, which follow from them, get zeros.
    """

    @functools.partial(jax.custom_vjp, nondiff_argnums=(5,))
    def gradient(cotangents, outputs, saved, arrays, mask, reverse):
        return pull(cotangents, outputs, saved, arrays, mask, reverse)

    def forward(cotangents, outputs, saved, arrays, mask, reverse):
        result = gradient(cotangents, outputs, saved, arrays, mask, reverse)
        return result, (cotangents, outputs, saved, arrays, mask)

    def backward(reverse, kept, upstream):
        cotangents, outputs, saved, arrays, mask = kept

        def plain_gradient(cotangents, arrays):
            _, back = jax.vjp(lambda *given: plain(*given, mask, reverse), *arrays)
            return back(cotangents)

        _, back = jax.vjp(plain_gradient, cotangents, arrays)
        of_cotangents, of_arrays = back(upstream)
        zeros = jax.tree_util.tree_map(jnp.zeros_like, (outputs, saved, mask))
        return of_cotangents, zeros[0], zeros[1], of_arrays, zeros[2]

    gradient.defvjp(forward, backward)
    return gradient


LSTM = Cell(4, 2, (4, 1), _plain_lstm, _lstm, _pull_lstm)
GRU = Cell(3, 1, (3, 1), _plain_gru, _gru, _pull_gru)
RNN_TANH = Cell(
    1,
    1,
    (),
    functools.partial(_plain_simple, jnp.tanh),
    functools.partial(_simple, jnp.tanh),
    functools.partial(_pull_simple, lambda outputs: 1 - outputs * outputs),
)
RNN_RELU = Cell(
    1,
    1,
    (),
    functools.partial(_plain_simple, rectified),
    functools.partial(_simple, rectified),
    functools.partial(_pull_simple, lambda outputs: (outputs > 0).astype(outputs.dtype)),
)
