"""Functions of tensors as pure functions of JAX, to be run by JAX.

A function is called with stand-ins, as ``capture`` does for ``torch.func``, and what it recorded
becomes a function of arrays. Here JAX decides what is made of that (``jit``, ``grad``, ``vmap``,
``scan``), so gradients have to flow exactly where the tape would let them: not through ``detach``,
``no_grad`` and operands without a gradient, and by PyTorch's rules where those differ from JAX's.
Random numbers are drawn from a key of JAX. Whatever cannot be part of a pure function is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..._core.device import Device
from ..._core.dtypes import is_inexact
from ..graph.tracing import tracing_for_jax
from ..graph.values import LEAF, NO_GRAD, Meta, Value, make_meta
from ..recording.trace import materialise
from . import _messages_pure as messages
from .capture import Capture, CapturingTrace, StandIn, capture
from .rules import cut_where_known, on_tape


class Draw(NamedTuple):
    """Numbers that a pure function draws.

    Attributes:
        number: how many draws were made before it.
        distribution: its name and its parameters.
        shape, dtype: of the numbers.
    """

    number: int
    distribution: tuple
    shape: tuple[int, ...]
    dtype: Any


class PureTrace(CapturingTrace):
    """The trace of a function that JAX will run.

    Attributes:
        draws: how many times numbers were drawn.
    """

    __slots__ = ("draws",)
    is_level = False

    def __init__(self, transform: str, random: str, *others: Any):
        self.draws = 0
        super().__init__(transform, random, *others)

    def keyed(self) -> PureTrace:
        """Return itself: numbers are drawn from a key."""
        return self

    def draw(self, draw: Any, shape: tuple[int, ...], meta: Meta) -> StandIn:
        """Return what stands for drawn numbers.

        Args:
            draw: how they are drawn elsewhere; its ``distribution`` says what they are.
            shape: of all numbers, for every slice of ``vmap`` within the function.
            meta: of the tensor that they are for.
        """
        if self.random == "error":
            raise messages.no_key(self.transform)
        distribution = getattr(draw, "distribution", None)
        if distribution is None:
            raise messages.no_such_draw(self.transform)
        number, self.draws = self.draws, self.draws + 1
        drawn: Any = Draw(number, distribution, shape, meta.dtype._numpy)
        return StandIn(self, drawn)

    def drawing_sizes(self) -> tuple[int, ...]:
        """Return no sizes: transforms around the function are JAX's."""
        return ()

    def drawn(self, array: Any, meta: Meta) -> Any:
        """Return what stands for drawn numbers as it is."""
        return array

    def alike(self, tensor: Any, other: Any) -> Any:
        """Return the tensor: transforms around the function are JAX's."""
        return tensor

    def for_all_slices(self, tensor: Any) -> Any:
        """Return the tensor."""
        return tensor

    def refuse_randomness(self) -> None:
        """Let numbers be drawn."""

    def all_slices(self, value: Value) -> Any:
        """Refuse to draw by elements that are not known."""
        if self.follows(value):
            raise messages.no_such_draw(self.transform)
        return self.read(value, "random")

    def adopt_draws(self) -> None:
        """Make arguments of the numbers that were drawn and are used."""
        known = {id(value) for value in self.own}
        for value in self.inputs:
            array = value.array
            if array.__class__ is not StandIn or array.trace is not self or id(value) in known:
                continue
            if array.drawn is not None:
                self.own.append(value)
                self.arguments.append(array.drawn)

    def read(self, value: Value, reason: str) -> Any:
        """Return the array of a value that does not depend on the arguments.

        Raises:
            RuntimeError: it depends on them.
        """
        if self.finished:
            raise messages.escaped()
        if value.array is None or isinstance(value.array, StandIn):
            if value.array is not None or self.follows(value):
                raise messages.looked_at(self.transform, reason)
            # A constant: computed by what has been recorded, once, now.
            return self._constant(value)
        return value.array

    def _constant(self, value: Value) -> Any:
        found = self.evaluate(value)[0]
        with self.outside():
            return materialise(found, "constant")

    def refuse_to_run(self) -> None:
        """Refuse what would run the trace."""
        raise messages.escaped() if self.finished else messages.looked_at(self.transform, "run")

    def is_forward(self) -> bool:
        """Return ``False``: how it will be differentiated is not known."""
        return False


class Pure:
    """A function of tensors as JAX runs it.

    Attributes:
        made: what was captured.
        random: whether it draws numbers.
    """

    def __init__(self, made: Capture, count: int, forward: bool):
        self.made = made
        self.count = count
        self._draws: list[Draw] = made.arguments[count:]
        self._outside = [materialise(value, "constant") for value in made.values]
        self._run = made.captured.of(cut_where_known if forward else on_tape, stops=True)

    def __call__(self, arrays: Sequence[Any], key: Any) -> list[Any]:
        """Return the arrays of all tensors in the result.

        Args:
            arrays: of the arguments.
            key: of JAX, to draw from; ``None`` where nothing is drawn.
        """
        made = self.made
        drawn = [drawn_numbers(key, draw) for draw in self._draws]
        floats = np.array(made.floats) if made.floats else None
        ints = np.array(made.ints, np.int64) if made.ints else None
        with tracing_for_jax():
            results = self._run([*arrays, *drawn, *self._outside], floats, ints)
        return [results[position] for position in made.positions]


def purify(
    function: Callable,
    metas: Sequence[Meta],
    find: Callable[[Any], list[Any]],
    name: str,
    *,
    random: bool,
    forward: bool = False,
) -> Pure:
    """Capture a function as one of arrays.

    Args:
        function: of a tensor for each meta.
        metas: of the tensors.
        find: the tensors in what the function returns.
        name: what the user called, for messages.
        random: whether there is a key to draw from.
        forward: whether JAX is to differentiate forwards too. Where PyTorch's rules differ from
            JAX's, these are used then.
    """
    mode = "different" if random else "error"
    arguments = [None] * len(metas)
    # JAX may be tracing what is around: arrays that are made on the way are no part of that.
    with jax.ensure_compile_time_eval():
        made = capture(function, arguments, metas, find, name, mode, kind=PureTrace)
        return Pure(made, len(metas), forward)


def argument_meta(shape: tuple[int, ...], dtype: Any, device: Device, grad: bool) -> Meta:
    """Return the meta of an argument; gradients flow to it where its dtype has any."""
    return make_meta(shape, dtype, device, None, LEAF if grad and is_inexact(dtype) else NO_GRAD)


# Random numbers


def drawn_numbers(key: Any, draw: Draw) -> Any:
    """Draw from a key of JAX, each draw of a function from a key of its own."""
    name, *parameters = draw.distribution
    return _DRAWS[name](jax.random.fold_in(key, draw.number), draw.shape, draw.dtype, *parameters)


def _working(dtype: Any) -> Any:
    """Return the dtype to draw in: that of the numbers, or float32 for those that are no floats."""
    return dtype if np.dtype(dtype).kind in "fV" else np.dtype(np.float32)


def _uniform(key: Any, shape: tuple, dtype: Any, low: float, high: float) -> Any:
    if np.dtype(dtype).kind == "c":
        real, imaginary = jax.random.uniform(key, (2, *shape), np.finfo(dtype).dtype)
        return (low + (high - low) * jax.lax.complex(real, imaginary)).astype(dtype)
    return jax.random.uniform(key, shape, _working(dtype), low, high).astype(dtype)


def _normal(key: Any, shape: tuple, dtype: Any, mean: float, std: float) -> Any:
    complex_ = np.dtype(dtype).kind == "c"
    drawn = jax.random.normal(key, shape, dtype if complex_ else _working(dtype))
    return (drawn * jnp.asarray(std, drawn.dtype) + jnp.asarray(mean, drawn.dtype)).astype(dtype)


def _bernoulli(key: Any, shape: tuple, dtype: Any, probability: float) -> Any:
    return jax.random.bernoulli(key, np.float32(probability), shape).astype(dtype)


def _integers(key: Any, shape: tuple, dtype: Any, low: int, high: int) -> Any:
    return jax.random.randint(key, shape, low, high, np.int64).astype(dtype)


def _permutation(key: Any, shape: tuple, dtype: Any) -> Any:
    rows = jnp.broadcast_to(jnp.arange(shape[-1], dtype=np.int64), shape)
    return jax.random.permutation(key, rows, axis=-1, independent=True).astype(dtype)


def _exponential(key: Any, shape: tuple, dtype: Any, rate: float) -> Any:
    return (jax.random.exponential(key, shape, _working(dtype)) / rate).astype(dtype)


def _geometric(key: Any, shape: tuple, dtype: Any, probability: float) -> Any:
    return jax.random.geometric(key, probability, shape, np.int64).astype(dtype)


def _cauchy(key: Any, shape: tuple, dtype: Any, median: float, sigma: float) -> Any:
    return (median + sigma * jax.random.cauchy(key, shape, _working(dtype))).astype(dtype)


def _log_normal(key: Any, shape: tuple, dtype: Any, mean: float, std: float) -> Any:
    return jnp.exp(_normal(key, shape, _working(dtype), mean, std)).astype(dtype)


_DRAWS: dict[str, Callable] = {
    "uniform": _uniform,
    "normal": _normal,
    "bernoulli": _bernoulli,
    "integers": _integers,
    "permutation": _permutation,
    "exponential": _exponential,
    "geometric": _geometric,
    "cauchy": _cauchy,
    "log_normal": _log_normal,
}
