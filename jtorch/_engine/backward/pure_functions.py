"""``torch.autograd.Function`` inside of a pure function of JAX.

Its ``forward`` is recorded as everything else is. Its ``backward`` cannot wait until a gradient is
asked for, since JAX does that: it is captured at once, as a function of the gradients of the
results, of the results and of what it takes from outside. Both together are one operator, which
returns the results and whose gradient rule is what was captured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..._core.dtypes import is_inexact
from ..declare import op
from ..graph.op import Spec
from ..graph.values import LEAF, NO_GRAD, is_tensor, make_meta
from ..recording.kinds.base import Custom
from ..recording.record import wrap
from ..recording.storage import current_value
from .capture import Capture, as_tuple, capture
from .pure import PureTrace
from .rules import on_tape


class _BackwardTrace(PureTrace):
    """The trace of a ``backward``: what it draws belongs to the function around."""

    __slots__ = ()

    def keyed(self) -> Any:
        """Return the trace around."""
        return self.outer.keyed()  # type: ignore[attr-defined]


class _Rule:
    """What a ``backward`` computes.

    Attributes:
        made: what was captured: a function of the gradients, the results and what is outside.
        slots: for each argument that is a tensor, which result of the function is its gradient.
        arguments, results: how many tensors there are of each.
        once: whether it must not be differentiated itself.
    """

    def __init__(
        self, made: Capture, slots: list[int | None], arguments: int, results: int, once: bool
    ):
        self.made, self.slots = made, slots
        self.arguments, self.results, self.once = arguments, results, once
        self._run = made.captured.of(on_tape, stops=True)
        self._floats = np.array(made.floats) if made.floats else None
        self._ints = np.array(made.ints, np.int64) if made.ints else None

    def gradients(
        self, cotangents: list[Any], results: list[Any], operands: list[Any]
    ) -> list[Any]:
        """Return the gradient of each argument that is a tensor, ``None`` where there is none."""
        outside = operands[self.arguments + self.results :]
        found = self._run([*cotangents, *results, *outside], self._floats, self._ints)
        if self.once:
            found = [_refusing(gradient, (cotangents, operands)) for gradient in found]
        return [None if slot is None else found[slot] for slot in self.slots]


@jax.custom_vjp
def _refusing(array: Any, given: Any) -> Any:
    """Return an array that cannot be differentiated by what was given."""
    return array


def _refuse(_: Any, cotangent: Any) -> Any:
    raise RuntimeError(
        "trying to differentiate twice a function that was marked with @once_differentiable"
    )


_refusing.defvjp(lambda array, given: (array, None), _refuse)


def _spec(operation: Any, bound: dict[str, Any], mode: Any) -> Spec:
    rule, operands = bound["rule"], list(bound["tensors"])
    returned = operands[rule.arguments : rule.arguments + rule.results]
    wanted = [at for at, operand in enumerate(operands) if operand.meta.grad != NO_GRAD]

    def vjp(cotangents: list[Any], results: list[Any], arrays: list[Any]) -> list[Any]:
        found = rule.gradients(cotangents, results, arrays)
        return [found[at] if at < rule.arguments else None for at in wanted]

    metas = [operand.meta.with_grad(NO_GRAD) for operand in returned]
    return Spec(operands, metas, {"rule": rule}, vjp=vjp)


@op(
    "_with_backward(PyObject* rule, TensorList tensors)",
    kind=Custom(_spec),
    method=False,
    function=False,
    node_name="FunctionBackward",
)
def with_backward(*arrays: Any, rule: _Rule) -> tuple[Any, ...]:
    """Return the results of a function that has a gradient of its own."""
    return arrays[rule.arguments : rule.arguments + rule.results]


def attach(
    arguments: Sequence[Any],
    outputs: Sequence[Any],
    backward: Callable[[list[Any], list[Any]], list[Any]],
    once: bool,
) -> list[Any]:
    """Return tensors that stand for results and have a gradient of their own.

    Args:
        arguments: what the function took, tensors and others.
        outputs: its results, recorded without gradients.
        backward: ``(gradients of the results, results) -> gradients``, one for each argument.
        once: whether ``backward`` must not be differentiated.
    """
    tensors = [argument for argument in arguments if is_tensor(argument)]
    count = len(outputs)
    metas = []
    for output in (*outputs, *outputs):
        meta = current_value(output).meta
        grad = LEAF if is_inexact(meta.dtype) else NO_GRAD
        metas.append(make_meta(meta.shape, meta.dtype, meta.device, None, grad))

    def run(*given: Any) -> list[Any]:
        gradients = backward(list(given[:count]), list(given[count:]))
        return [g for g, argument in zip(gradients, arguments) if is_tensor(argument)]

    def find(found: list[Any]) -> list[Any]:
        return [gradient for gradient in found if gradient is not None]

    made = capture(run, [None] * len(metas), metas, find, "functional", kind=_BackwardTrace)
    places = iter(made.positions)
    slots = [None if gradient is None else next(places) for gradient in made.result]
    rule = _Rule(made, slots, len(tensors), count, once)
    operands = [*tensors, *outputs, *map(wrap, made.values)]
    return list(as_tuple(with_backward.call(rule, operands)))
