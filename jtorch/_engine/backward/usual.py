"""Running a backward pass: which stretch, with which cotangents, and where the gradients go.

``backward`` first tries the usual path, where one scalar is differentiated and all that is behind
it is in the trace under way: the trie then knows the plan. ``differentiate`` is the general path:
closed segments, several roots, hooks, Python functions. It runs the pass in *stages*, each of which
is one recorded operator; a stage ends at the latest place where Python has to be called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from ..graph import tape
from ..graph.values import LEAF, NO_GRAD, RESULT, Value
from ..recording import dispatch_modes
from ..recording.kinds.base import broadcast_shapes
from ..recording.overrides import NotPlain
from ..recording.record import reference_of, wrap
from ..recording.storage import Extra, ReadAgain, current_value, overwrite
from ..recording.trace import REACH, Trace, local
from .accumulation import accumulation, keep_differentiable
from .overwritten import check_open_level, needs_another_value
from .seen import NodeByNode, SeenPass
from .stages import GRADIENT, OnePass, extend, gradient_meta, own_cone


def backward(value: Value, retain_graph: bool, create_graph: bool) -> list[Any] | None:
    """Take the usual path: one scalar, all of whose stretch is in the trace under way.

    Returns:
        The leaves that got gradients (``None`` for one that is gone), ``None`` if it was not taken.
    """
    if local.several:
        with accumulation:
            return _backward(value, retain_graph, create_graph)
    return _backward(value, retain_graph, create_graph)


def _backward(value: Value, retain_graph: bool, create_graph: bool) -> list[Any] | None:
    trace = local.trace
    segment = trace.segment
    slot = value.place - trace.base
    if not 0 <= slot < REACH or segment.hooks is not None or anomaly.alone:
        return None
    options = (slot, retain_graph, create_graph)
    start = trace.node
    plan = start.backwards.get(options)
    if plan is None:
        plan = _usual_plan(trace, slot)
        start.remember_backward(options, plan)
    if plan is _UNUSUAL or (segment.renewed and needs_another_value(trace, plan)):
        return None
    try:
        leaves = []
        keys: list[Any] = [GRADIENT, options]
        inputs, values = trace.inputs, trace.values
        for _, reference in plan.targets:
            holder = inputs[-reference - 1] if reference < 0 else values[reference]
            leaf = holder.owner()
            leaves.append(leaf)
            if leaf is None:
                keys.append(0)
                continue
            extra = leaf._extra
            if extra is None:
                extra = leaf._extra = Extra()
            elif extra.hooks is not None or extra.post_hooks is not None:
                trace.rollback()
                return None
            grad = extra.grad
            if grad is None or create_graph:
                keys.append(None)
                continue
            before = current_value(grad)
            if before.meta.grad != NO_GRAD:
                trace.rollback()
                return None  # a gradient with a history
            if before.array is None and before.segment is not segment:
                accumulation.note(before)
            keys.append(reference_of(trace, before))
        key = tuple(keys)
        node = start.children.get(key)
        if node is None:
            node = _extend_usual(trace, key, plan, slot, leaves, retain_graph, create_graph)
    except ReadAgain:
        return _backward(value, retain_graph, create_graph)
    except NotPlain:  # a gradient that is sparse, to which this one is added
        trace.rollback()
        return None
    except BaseException:
        trace.repair()
        raise
    trace.node = node
    slot = node.slot
    base = trace.base
    results = []
    try:
        for meta in node.metas:
            results.append(Value(base + slot, meta, segment, slot))
            slot += 1
        values += results
    except BaseException:
        trace.repair()
        raise
    # All are held here: to write to memory that NumPy shares runs the trace in between.
    for leaf, result in zip(leaves, results, strict=True):
        if leaf is not None:
            extra = leaf._extra
            if create_graph:
                keep_differentiable(extra, result)
            elif extra.grad is None:
                extra.grad = wrap(result)
            else:
                overwrite(extra.grad, result)
    return leaves


def leaves_behind(value: Value) -> list[Any] | None:
    """Return the leaves that the gradient of a result flows to.

    ``None`` where not all that is behind it is in the trace under way.
    """
    trace = local.trace
    slot = value.place - trace.base
    if not 0 <= slot < REACH:
        return None
    node = trace.node
    plan = node.backwards.get((slot, "leaves"))
    if plan is None:
        plan = node.remember_backward((slot, "leaves"), _usual_plan(trace, slot))
    if plan is _UNUSUAL:
        return None
    inputs, values = trace.inputs, trace.values
    holders = [inputs[-at - 1] if at < 0 else values[at] for _, at in plan.targets]
    return [holder.owner() for holder in holders]


class _Anomaly:
    """Whether gradients are checked for NaN, one operator at a time.

    Attributes:
        alone: whether operators run one at a time, for this or because modes see them.
        watched: how many modes that see operators are active, in all threads.
    """

    check_nan = True
    alone = False
    _enabled = False
    _watched = 0

    @property
    def enabled(self) -> bool:
        return self._enabled

    @enabled.setter
    def enabled(self, wanted: bool) -> None:
        self._enabled = wanted
        self.alone = bool(wanted or self._watched)

    @property
    def watched(self) -> int:
        return self._watched

    @watched.setter
    def watched(self, count: int) -> None:
        self._watched = count
        self.alone = bool(count or self._enabled)


anomaly = _Anomaly()

_UNUSUAL: Any = object()


def _usual_plan(trace: Trace, slot: int) -> Any:
    node = trace.node
    if node.meta_of(slot).grad != RESULT:
        return _UNUSUAL
    level = tape.Level(node.by_slot(), node.input_metas(), node.freed, {})
    plan = tape.plan_gradient([level], [(0, slot)], lambda place, meta: meta.grad == LEAF)
    reached = tape.plan_gradient([level], [(0, slot)], lambda place, meta: True)
    for _, instruction in reached.order:
        for position in instruction.gradient_operands:
            reference = instruction.operands[position]
            if reference < 0 and level.meta(reference).grad == RESULT:
                return _UNUSUAL
    check_open_level(node, plan, 0)
    return plan


def _extend_usual(
    trace: Trace,
    key: tuple,
    plan: tape.GradientPlan,
    slot: int,
    leaves: list[Any],
    retain_graph: bool,
    create_graph: bool,
) -> Any:
    root_meta = trace.node.meta_of(slot)
    operands: list[Any] = [reference for _, reference in plan.needs]
    count = len(operands)
    accumulate: list[int | None] = []
    for leaf, meta in zip(leaves, plan.metas, strict=True):
        grad = None if leaf is None else leaf._extra.grad
        if grad is None or create_graph:
            accumulate.append(None)
        else:
            before = current_value(grad)
            broadcast_shapes([before.meta.shape, meta.shape])  # after ``leaf.data = other``
            accumulate.append(len(operands))
            operands.append(trace.reference_of_known(before))
    gradient = plan.function
    dtype = root_meta.dtype._numpy
    shape = root_meta.shape

    def run(*arrays: Any) -> Any:
        gradients = gradient([jnp.ones(shape, dtype)], *arrays[:count])
        return tuple(
            [
                g if place is None else arrays[place] + g
                for g, place in zip(gradients, accumulate, strict=True)
            ]
        )

    metas = tuple([gradient_meta(meta) for meta in plan.metas])
    identity = None
    if create_graph:
        end, place = own_cone(trace, [slot])
        identity = (
            GRADIENT,
            end,
            place[slot],
            tuple(accumulate),
            tuple([place.get(reference, reference) for _, reference in plan.targets]),
        )
    parts = tape.Gradient(plan, 0, accumulate)
    return extend(
        trace, key, run, operands, metas, plan, retain_graph, create_graph, parts, identity
    )


def differentiate(
    roots: Sequence[Value],
    cotangents: Sequence[Value | None],
    *,
    inputs: Sequence[Any] | None,
    retain_graph: bool,
    create_graph: bool,
    accumulate: bool,
    deliver: Callable[[Any, Value, bool], None],
) -> list[Value | None]:
    """Run a backward pass of any shape.

    Args:
        roots: what is differentiated.
        cotangents: the gradient at each root; ``None`` is 1 for a scalar.
        inputs: the tensors whose gradients are wanted, ``None`` for every leaf.
        retain_graph, create_graph: as in PyTorch.
        accumulate: whether gradients are added to ``.grad``; otherwise they are returned.
        deliver: adds a gradient to a tensor's ``.grad``: ``(tensor, value, create_graph)``.
    Returns:
        The gradient of each of ``inputs``, ``None`` where nothing flows to it.

    Raises:
        RuntimeError: nothing requires grad, the graph was freed, or a value was overwritten.
    """
    options = (inputs, retain_graph, create_graph, accumulate, deliver)
    if anomaly.watched and not anomaly.enabled and dispatch_modes.is_seen(()):
        return SeenPass(*options, NodeByNode()).run(roots, cotangents)
    one_pass = OnePass(*options, anomaly)
    return one_pass.run(roots, cotangents)
