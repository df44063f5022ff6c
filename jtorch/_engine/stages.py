"""The general backward pass: stages between the places where Python has to be called."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from .._core import messages
from . import tape
from .cones import cone_of
from .op import REGISTRY
from .record import record, reference_of, wrap
from .storage import STALE, current_value, extra_of
from .trace import Segment, Trace, closing_times, flush, local, materialise
from .trie import Instruction, Node
from .values import LEAF, NO_GRAD, RESULT, Meta, Value, make_meta, ready


class _GradientOp:
    """Stands in an instruction where an ``Op`` would: the gradient of a stretch."""

    name = "backward"
    differentiable = True


GRADIENT = _GradientOp()

#: Plans that one place of the trie remembers.
_REMEMBERED_PLANS = 1000

#: A place that a gradient flows through: a segment and a slot.
SegmentPlace = tuple[Any, int]


class NodeHooks:
    """Hooks of one ``grad_fn``: before it runs, and after."""

    __slots__ = ("before", "after")

    def __init__(self) -> None:
        self.before: OrderedDict[int, Callable] = OrderedDict()
        self.after: OrderedDict[int, Callable] = OrderedDict()


class FunctionSegment:
    """The results of one call of a Python ``autograd.Function``, as a segment of its own.

    Attributes:
        metas: of the results, by slot.
        edges: for each tensor argument what its gradient flows to: a weak reference to a leaf,
            ``(segment, slot)``, or ``None``.
        run: ``(gradients of the results, create_graph) -> gradients of the arguments``, tensors or
            ``None``.
        node_name: class name of ``grad_fn``.
    """

    __slots__ = (
        "metas",
        "edges",
        "run",
        "node_name",
        "node_object",
        "sequence",
        "freed",
        "stale",
        "nodes",
        "hooks",
        "retained",
        "node_hooks",
        "materialise_grads",
        "__weakref__",
    )
    trace = None
    end = None

    def __init__(self, metas: tuple[Meta, ...], edges: list[Any], run: Callable, node_name: str):
        self.metas = metas
        self.edges = edges
        self.run = run
        self.node_name = node_name
        self.node_object: Any = None
        self.sequence: float = next(closing_times)
        self.freed: frozenset[int] = frozenset()
        self.stale: set[int] = set()
        self.nodes: Any = None
        self.hooks: dict[int, Any] | None = None
        self.retained: dict[int, Any] | None = None
        self.node_hooks: dict[int, NodeHooks] | None = None
        self.materialise_grads = True


def extend(
    trace: Trace,
    key: tuple,
    run: Callable,
    operands: list[Any],
    metas: tuple[Meta, ...],
    plan: tape.GradientPlan,
    retain_graph: bool,
    create_graph: bool,
    identity: Any = None,
) -> Node:
    """Add a gradient to the trie."""
    node = trace.node
    gradient_operands: tuple[int, ...] = ()
    if create_graph:
        gradient_operands = tuple(
            [
                position
                for position, reference in enumerate(operands)
                if isinstance(reference, int) and _meta_of(trace, reference).grad != NO_GRAD
            ]
        )
        if gradient_operands:
            metas = tuple([meta.with_grad(RESULT) for meta in metas])
    instruction = Instruction(
        GRADIENT,
        run,
        tuple(operands),
        metas,
        gradient_operands=gradient_operands,
        saves=tuple(range(len(operands))) if gradient_operands else (),
        node_name="MulBackward0",
        identity=identity,
    )
    entered = tuple([value.meta for value in trace.inputs[node.n_inputs :]])
    child = node.extend(key, instruction, entered, len(trace.floats), len(trace.ints))
    if not retain_graph:
        child.freed = node.freed | {i.slot for level, i in plan.order if level == 0}
    return child


def own_cone(trace: Trace, slots: Sequence[int]) -> tuple[Node | None, dict[int, int]]:
    """Name the graph behind some results of the trace under way by what it is, not where."""
    cone = cone_of(trace.node, slots) if slots else None
    return (None, {}) if cone is None else (cone.end, cone.place)


def _meta_of(trace: Trace, reference: int) -> Meta:
    if reference < 0:
        return trace.inputs[-reference - 1].meta
    return trace.values[reference].meta


def gradient_meta(meta: Meta) -> Meta:
    """Return the meta of the gradient of something."""
    return make_meta(meta.shape, meta.dtype, meta.device, meta.strides)


class OnePass:
    """One backward pass over everything behind some roots."""

    def __init__(
        self,
        inputs: Sequence[Any] | None,
        retain_graph: bool,
        create_graph: bool,
        accumulate: bool,
        deliver: Callable[[Any, Value, bool], None],
        anomaly: Any,
    ):
        self.inputs = inputs
        self.retain_graph = retain_graph
        self.create_graph = create_graph
        self.accumulate = accumulate
        self.deliver = deliver
        self.anomaly = anomaly
        self.pending: dict[SegmentPlace, Value] = {}
        self.leaves: dict[int, tuple[Any, Value]] = {}
        self.captured: dict[SegmentPlace, Value] = {}
        self.hooked: set[SegmentPlace] = set()
        self.used: list[tuple[Any, list[int]]] = []

    # The pass

    def run(
        self, roots: Sequence[Value], cotangents: Sequence[Value | None]
    ) -> list[Value | None]:
        behind = _segments_behind([(r.segment, 0) for r in roots if r.meta.grad == RESULT], local.trace)
        if self.anomaly.enabled or any(_calls_python(segment) for segment in behind):
            # What Python does may flush the trace, which numbers its results anew: do it first.
            flush(local.trace, "hooks of a backward pass")
        places = [_place_of(tensor_value) for tensor_value in self._input_values()]
        self.wanted_places = {place for place in places if place[0] is not None}
        self.wanted_leaves = (
            None
            if self.inputs is None
            else {
                id(tensor)
                for tensor in self.inputs
                if current_value(tensor).meta.grad == LEAF
            }
        )
        for root, cotangent in zip(roots, cotangents, strict=True):
            self._start(root, cotangent)
        while self.pending:
            special = self._latest_special()
            self._flow(special)
            if special is not None:
                self._at(special)
        if not self.retain_graph:
            for segment, slots in self.used:
                _free(segment, slots)
        return self._finish(places)

    def _input_values(self) -> list[Value]:
        return [] if self.inputs is None else [current_value(t) for t in self.inputs]

    def _start(self, root: Value, cotangent: Value | None) -> None:
        if root.meta.grad == NO_GRAD:
            raise messages.no_grad_fn()
        if cotangent is None:
            cotangent = ready(
                _ones(root.meta), make_meta(root.meta.shape, root.meta.dtype, root.meta.device)
            )
        if root.meta.grad == LEAF:
            self._to_leaf(root.owner(), cotangent)
        else:
            self._to_place((root.segment, root.slot), cotangent)

    def _to_place(self, place: SegmentPlace, gradient: Value) -> None:
        before = self.pending.get(place)
        self.pending[place] = gradient if before is None else _add(before, gradient)

    def _to_leaf(self, leaf: Any, gradient: Value) -> None:
        if leaf is None or (self.wanted_leaves is not None and id(leaf) not in self.wanted_leaves):
            return
        before = self.leaves.get(id(leaf))
        total = gradient if before is None else _add(before[1], gradient)
        self.leaves[id(leaf)] = (leaf, total)

    # Where Python has to be called

    def _is_special(self, place: SegmentPlace) -> bool:
        segment, slot = place
        if place in self.hooked:
            return False
        return (
            isinstance(segment, FunctionSegment)
            or (segment.hooks is not None and slot in segment.hooks)
            or (segment.retained is not None and slot in segment.retained)
            or (segment.node_hooks is not None and _first_slot(place) in segment.node_hooks)
            or place in self.wanted_places
            or self.anomaly.enabled
        )

    def _latest_special(self) -> SegmentPlace | None:
        """Return the latest place behind the pending ones where the pass must stop."""
        segments = _segments_behind(list(self.pending), local.trace)
        if not (
            self.wanted_places
            or self.anomaly.enabled
            or any(_calls_python(segment) for segment in segments)
        ):
            return None
        latest: SegmentPlace | None = None
        seen: set[SegmentPlace] = set()
        pending = list(self.pending)
        while pending:
            place = pending.pop()
            if place in seen:
                continue
            seen.add(place)
            if self._is_special(place):
                if latest is None or _order(place) > _order(latest):
                    latest = place
                continue
            pending.extend(_behind(place))
        return latest

    def _flow(self, special: SegmentPlace | None) -> None:
        """Record the gradient from the pending places down to ``special``, or to the leaves."""
        bound = None if special is None else _order(special)
        above = [p for p in self.pending if bound is None or _order(p) > bound]
        if not above:
            return
        gradients = [self.pending.pop(place) for place in above]
        for target, value in self._record_stage(above, gradients, bound):
            if isinstance(target, tuple):
                self._to_place(target, value)
            else:
                self._to_leaf(target, value)

    def _at(self, place: SegmentPlace) -> None:
        """Call what waits at a place whose gradient is complete."""
        if isinstance(place[0], FunctionSegment):
            self._call_function(place[0])
            return
        self.hooked.add(place)
        if place not in self.pending:
            return
        self.pending[place] = self._run_hooks(place, self.pending.pop(place))
        segment, slot = place
        hooked = segment.node_hooks is not None and _first_slot(place) in segment.node_hooks
        if self.anomaly.enabled or hooked:
            self._run_alone(place)

    def _run_alone(self, place: SegmentPlace) -> None:
        """Run one instruction as a stage of its own, with its hooks and the check for NaN."""
        segment, _ = place
        first = _first_slot(place)
        instruction = end_of(segment).by_slot()[first]
        slots = range(first, first + len(instruction.metas))
        if any(
            (segment, slot) not in self.hooked and self._is_special((segment, slot))
            for slot in slots
        ):
            return  # another output's gradient is still to come
        above = [(segment, slot) for slot in slots if (segment, slot) in self.pending]
        gradients = [self.pending.pop(each) for each in above]
        hooks = None if segment.node_hooks is None else segment.node_hooks.get(first)
        if hooks is not None:
            gradients = _call_node_hooks(hooks.before.values(), gradients)
        results = self._record_stage(above, gradients, (segment.sequence, first - 1), instruction)
        if self.anomaly.enabled:
            self._check_nan(instruction, results)
        if hooks is not None:
            values = [value for _, value in results]
            for hook in list(hooks.after.values()):
                given = tuple([wrap(value) for value in values])
                changed = hook(given, tuple([wrap(g) for g in gradients]))
                if changed is not None:
                    changed = changed if isinstance(changed, tuple) else (changed,)
                    values = [current_value(tensor) for tensor in changed]
            results = [(t, v) for (t, _), v in zip(results, values, strict=True)]
        for target, value in results:
            if isinstance(target, tuple):
                self._to_place(target, value)
            else:
                self._to_leaf(target, value)

    def _run_hooks(self, place: SegmentPlace, gradient: Value) -> Value:
        segment, slot = place
        hooks = None if segment.hooks is None else segment.hooks.get(slot)
        if hooks:
            for hook in list(hooks.values()):
                gradient = _call_hook(hook, gradient)
        if place in self.wanted_places:
            self.captured[place] = gradient
        retained = None if segment.retained is None else segment.retained.get(slot)
        if retained is not None and (self.accumulate and self.inputs is None):
            tensor = retained()
            if tensor is not None:
                self.deliver(tensor, gradient, self.create_graph)
        return gradient

    def _call_function(self, segment: FunctionSegment) -> None:
        gradients: list[Any] = []
        node_hooks = None if segment.node_hooks is None else segment.node_hooks.get(0)
        for slot, meta in enumerate(segment.metas):
            place = (segment, slot)
            value = self.pending.pop(place, None)
            if value is not None:
                value = self._run_hooks(place, value)
            elif meta.grad != NO_GRAD and segment.materialise_grads:
                value = ready(jnp.zeros(meta.shape, meta.dtype._numpy), gradient_meta(meta))
            gradients.append(None if value is None else wrap(value))
        if node_hooks is not None:
            for before in list(node_hooks.before.values()):
                changed = before(tuple(gradients))
                if changed is not None:
                    gradients = list(changed) if isinstance(changed, tuple) else [changed]
        results = segment.run(gradients, self.create_graph)
        if node_hooks is not None:
            for after in list(node_hooks.after.values()):
                changed = after(tuple(results), tuple(gradients))
                if changed is not None:
                    results = list(changed) if isinstance(changed, tuple) else [changed]
        for edge, result in zip(segment.edges, results, strict=True):
            if edge is None or result is None:
                continue
            value = current_value(result)
            if isinstance(edge, tuple):
                self._to_place(edge, value)
            else:
                self._to_leaf(edge(), value)
        self.used.append((segment, list(range(len(segment.metas)))))

    def _check_nan(self, instruction: Instruction, results: list[tuple[Any, Value]]) -> None:
        if not self.anomaly.check_nan:
            return
        for index, (_, gradient) in enumerate(results):
            if gradient.meta.dtype.is_floating_point and bool(
                jnp.isnan(materialise(gradient, "anomaly mode")).any()
            ):
                warnings.warn(
                    f"Error detected in {instruction.node_name}. No forward pass information "
                    "available. Enable detect anomaly during forward pass for more information.",
                    stacklevel=2,
                )
                raise messages.nan_in_backward(instruction.node_name, index)

    # One stage

    def _record_stage(
        self,
        above: list[SegmentPlace],
        gradients: list[Value],
        bound: tuple[float, int] | None,
        alone: Instruction | None = None,
    ) -> list[tuple[Any, Value]]:
        trace = local.trace
        segments = _segments_behind(above, trace)
        index_of = {id(segment): index for index, segment in enumerate(segments)}
        roots = [(index_of[id(segment)], slot) for segment, slot in above]
        ends = tuple([None if segment.trace is not None else segment.end for segment in segments])
        edges = tuple([_level_edges(segment, index_of) for segment in segments])
        signature = (
            ends,
            tuple([segment.freed for segment in segments]),
            tuple([tuple(sorted(each.items())) for each in edges]),
            tuple(roots),
            None if bound is None else self._bound_key(bound, segments),
            self._wanted_key(segments, trace),
            self.retain_graph,
            self.create_graph,
            alone is not None,
        )
        start = trace.node
        plan = start.backwards.get(signature)
        if plan is None:
            plan = self._plan(segments, edges, roots, bound, trace, alone)
            if len(start.backwards) > _REMEMBERED_PLANS:
                start.backwards.clear()
            start.backwards[signature] = plan
        for level_index, segment in enumerate(segments):
            check_level(segment, plan, level_index)
        if not plan.targets:
            return []
        operands, parts = self._enter(trace, segments, plan, gradients)
        key = (GRADIENT, signature, parts)
        node = start.children.get(key)
        if node is None:
            count = len(gradients)
            gradient = plan.function

            def run(*arrays):
                return tuple(gradient(arrays[:count], *arrays[count:]))

            metas = tuple([gradient_meta(meta) for meta in plan.metas])
            identity = None
            if self.create_graph:
                end, place = own_cone(trace, [slot for level, slot in roots if level == 0])
                identity = (
                    GRADIENT,
                    end,
                    ends,
                    signature[1],
                    tuple([tuple(sorted(each.items())) for each in edges[1:]]),
                    tuple([(lvl, place.get(slot, slot) if lvl == 0 else slot) for lvl, slot in roots]),
                    tuple([(lvl, place.get(ref, ref) if lvl == 0 else ref) for lvl, ref in plan.targets]),
                    len(operands),
                    alone is not None,
                )
            node = extend(
                trace,
                key,
                run,
                operands,
                metas,
                plan,
                self.retain_graph,
                self.create_graph,
                identity,
            )
        trace.node = node
        self._note_used(segments, plan)
        results = []
        for offset, target in enumerate(plan.targets):
            slot = node.slot + offset
            value = Value(trace.base + slot, node.metas[offset], trace.segment, slot)
            trace.values.append(value)
            segment = segments[target[0]]
            if plan.metas[offset].grad == LEAF:
                results.append((_leaf(segment, target[1], trace), value))
            else:
                results.append(((segment, target[1]), value))
        return results

    def _plan(
        self,
        segments: list[Any],
        edges: tuple[dict, ...],
        roots: list[tape.Place],
        bound: tuple[float, int] | None,
        trace: Trace,
        alone: Instruction | None,
    ) -> tape.GradientPlan:
        levels = [
            _level(segment, trace, own) for segment, own in zip(segments, edges, strict=True)
        ]
        if alone is not None:
            return tape.plan_alone(levels, roots, alone)

        def stop(place: tape.Place) -> bool:
            return bound is not None and _order((segments[place[0]], place[1])) <= bound

        def wanted(place: tape.Place, meta: Meta) -> bool:
            if meta.grad == LEAF:
                return self.wanted_leaves is None or (
                    id(_leaf(segments[place[0]], place[1], trace)) in self.wanted_leaves
                )
            return stop(place)

        return tape.plan_gradient(levels, roots, wanted, stop)

    @staticmethod
    def _bound_key(bound: tuple[float, int], segments: list[Any]) -> tuple:
        return tuple([_order_in(segment, bound) for segment in segments])

    def _wanted_key(self, segments: list[Any], trace: Trace) -> tuple | None:
        """Say which leaves are wanted without naming tensors."""
        if self.wanted_leaves is None:
            return None
        found = []
        for index, segment in enumerate(segments):
            for reference, owner in _leaves_of(segment, trace):
                if id(owner()) in self.wanted_leaves:
                    found.append((index, reference))
        return tuple(found)

    def _enter(
        self,
        trace: Trace,
        segments: list[Any],
        plan: tape.GradientPlan,
        gradients: list[Value],
    ) -> tuple[list[Any], tuple]:
        """Make operands of the cotangents and of what the gradient needs."""
        operands: list[Any] = []
        parts: list[Any] = []

        def take(value: Value) -> None:
            parts.append(reference_of(trace, value))
            operands.append(value.place - trace.base)

        for value in gradients:
            take(value)
        for level_index, reference in plan.needs:
            segment = segments[level_index]
            packed = getattr(segment, "packed", None)
            if packed is not None and reference in packed:
                what, unpack = packed[reference]
                take(current_value(unpack(what)))
            elif segment.trace is not None:
                operands.append(reference)
                parts.append(reference)
            elif isinstance(reference, int):
                take(self._saved(segment, reference))
            else:
                kind, index = reference
                if kind == "f":
                    operands.append(("f", len(trace.floats)))
                    trace.floats.append(segment.floats[index])
                else:
                    operands.append(("i", len(trace.ints)))
                    trace.ints.append(segment.ints[index])
                parts.append(kind)
        return operands, tuple(parts)

    def _saved(self, segment: Segment, reference: int) -> Value:
        saved = segment.saved.get(reference)
        if saved is None:
            raise messages.backward_twice()
        if isinstance(saved, Value):
            return saved
        meta = _closed_meta(segment, reference)
        value = ready(saved, meta if self.create_graph else gradient_meta(meta))
        if self.create_graph and meta.grad == RESULT:
            value.segment, value.slot = segment, reference
        return value

    def _note_used(self, segments: list[Any], plan: tape.GradientPlan) -> None:
        by_level: dict[int, list[int]] = {}
        for level_index, instruction in plan.order:
            by_level.setdefault(level_index, []).append(instruction.slot)
        for level_index, slots in by_level.items():
            if segments[level_index].trace is None:
                self.used.append((segments[level_index], slots))

    # The end

    def _finish(self, places: list[Any]) -> list[Value | None]:
        totals: dict[int, Value] = {}
        for leaf, gradient in list(self.leaves.values()):
            extra = leaf._extra
            if extra is not None and extra.hooks:
                for hook in list(extra.hooks.values()):
                    gradient = _call_hook(hook, gradient)
            totals[id(leaf)] = gradient
            if self.accumulate:
                self.deliver(leaf, gradient, self.create_graph)
                extra = leaf._extra
                if extra is not None and extra.post_hooks:
                    for post_hook in list(extra.post_hooks.values()):
                        post_hook(leaf)
        if self.inputs is None:
            return []
        found: list[Value | None] = []
        for tensor, place in zip(self.inputs, places, strict=True):
            if current_value(tensor).meta.grad == LEAF:
                found.append(totals.get(id(tensor)))
            else:
                gradient = self.captured.get(place)
                found.append(gradient)
                if self.accumulate and gradient is not None:
                    self.deliver(tensor, gradient, self.create_graph)
        return found


def _calls_python(segment: Any) -> bool:
    """Return whether a gradient through a segment may call hooks or Python functions."""
    return isinstance(segment, FunctionSegment) or segment.hooks is not None


def _first_slot(place: SegmentPlace) -> int:
    """Return the slot of the first result of the instruction that fills a place."""
    segment, slot = place
    return 0 if isinstance(segment, FunctionSegment) else end_of(segment).by_slot()[slot].slot


def _call_node_hooks(hooks: Any, gradients: list[Value]) -> list[Value]:
    for hook in list(hooks):
        changed = hook(tuple([wrap(gradient) for gradient in gradients]))
        if changed is not None:
            changed = changed if isinstance(changed, tuple) else (changed,)
            gradients = [current_value(tensor) for tensor in changed]
    return gradients


def _place_of(value: Value) -> SegmentPlace:
    return (value.segment, value.slot) if value.meta.grad == RESULT else (None, id(value))


def _order(place: SegmentPlace) -> tuple[float, int]:
    return (place[0].sequence, place[1])


def _ones(meta: Meta) -> Any:
    return jnp.ones(meta.shape, meta.dtype._numpy)


def _add(left: Value, right: Value) -> Value:
    return record(REGISTRY["add"], (wrap(left), wrap(right)), {})


def _call_hook(hook: Callable, gradient: Value) -> Value:
    tensor = wrap(gradient)
    result = hook(tensor)
    if result is None:
        return current_value(tensor)
    if not hasattr(result, "_value"):
        name = getattr(hook, "__name__", type(hook).__name__)
        raise TypeError(
            f"hook '{name}' has returned an incorrect value (expected Tensor or None, but got "
            f"{type(result).__name__})"
        )
    value = current_value(result)
    if value.meta.shape != gradient.meta.shape:
        raise messages.hook_changed_size(gradient.meta.shape, value.meta.shape)
    return value


def _order_in(segment: Any, bound: tuple[float, int]) -> int:
    """Return the last slot of a segment that is not later than ``bound`` (-1: all are later)."""
    if segment.sequence == bound[0]:
        return bound[1]
    return -1 if segment.sequence > bound[0] else 1 << 30


def _leaves_of(segment: Any, trace: Trace) -> list[tuple[int, Any]]:
    """Return the leaves that a segment's gradients may flow to, by reference."""
    if isinstance(segment, FunctionSegment):
        return []
    if segment.trace is None:
        return [(r, edge) for r, edge in segment.edges.items() if not isinstance(edge, tuple)]
    leaves = [(-i, v.owner) for i, v in enumerate(trace.inputs, 1) if v.meta.grad == LEAF]
    return leaves + [(i, v.owner) for i, v in enumerate(trace.values) if v.meta.grad == LEAF]


def _segments_behind(above: list[SegmentPlace], trace: Trace) -> list[Any]:
    """Return the segments that lie behind some places, the latest first.

    Level 0 is the trace under way, whether or not anything lies in it.
    """
    found: dict[int, Any] = {}
    pending = [segment for segment, _ in above]
    while pending:
        segment = pending.pop()
        if id(segment) in found:
            continue
        if segment.trace is not None and segment.trace is not trace:
            flush(segment.trace, "differentiated by another thread")
        found[id(segment)] = segment
        pending.extend([source for source, _ in _edges_of(segment).values()])
    segments = sorted(found.values(), key=lambda segment: -segment.sequence)
    if not segments or segments[0] is not trace.segment:
        segments.insert(0, trace.segment)
    return segments


def _edges_of(segment: Any) -> dict[int, Any]:
    """Return what flows into a segment: results of other segments, by reference."""
    if isinstance(segment, FunctionSegment):
        return {-i: e for i, e in enumerate(segment.edges, 1) if isinstance(e, tuple)}
    if segment.trace is None:
        return {r: e for r, e in segment.edges.items() if isinstance(e, tuple)}
    return {
        -index: (value.segment, value.slot)
        for index, value in enumerate(segment.trace.inputs, 1)
        if value.meta.grad == RESULT
    }


def end_of(segment: Any) -> Node:
    return segment.end if segment.trace is None else segment.trace.node


def _behind(place: SegmentPlace) -> list[SegmentPlace]:
    """Return the places that a place's gradient flows to directly."""
    segment, slot = place
    if isinstance(segment, FunctionSegment):
        return [edge for edge in segment.edges if isinstance(edge, tuple)]
    end = end_of(segment)
    instruction = end.by_slot()[slot]
    edges = _edges_of(segment)
    found = []
    for position in instruction.gradient_operands:
        reference = instruction.operands[position]
        if reference < 0:
            if reference in edges:
                found.append(edges[reference])
        elif end.meta_of(reference).grad == RESULT:
            found.append((segment, reference))
    return found


class _FakeInstruction:
    """A result of a Python function, where a level wants an instruction."""

    __slots__ = ("slot", "metas")

    def __init__(self, slot: int, meta: Meta):
        self.slot = slot
        self.metas = (meta,)


def _level_edges(segment: Any, index_of: dict[int, int]) -> dict[int, tuple[int, int]]:
    return {
        reference: (index_of[id(source)], slot)
        for reference, (source, slot) in _edges_of(segment).items()
        if id(source) in index_of
    }


def _level(segment: Any, trace: Trace, edges: dict[int, tuple[int, int]]) -> tape.Level:
    if isinstance(segment, FunctionSegment):
        results: Any = {s: _FakeInstruction(s, m) for s, m in enumerate(segment.metas)}
        return tape.Level(results, (), frozenset(), {})
    end = end_of(segment)
    metas = (
        end.input_metas()
        if segment.trace is None
        else tuple([value.meta for value in trace.inputs])
    )
    return tape.Level(end.by_slot(), metas, end.freed | segment.freed, edges)


def _leaf(segment: Any, reference: int, trace: Trace) -> Any:
    """Return the leaf tensor that a reference of a segment means."""
    if segment.trace is None:
        return segment.edges[reference]()
    values = trace.inputs if reference < 0 else trace.values
    return values[-reference - 1 if reference < 0 else reference].owner()


def _closed_meta(segment: Segment, reference: int) -> Meta:
    return segment.end.meta_of(reference)


def _free(segment: Any, slots: list[int]) -> None:
    """Drop what the gradients of these instructions had saved."""
    segment.freed = segment.freed | frozenset(slots)
    if isinstance(segment, FunctionSegment):
        segment.node_object._saved = None
        return
    kept: set[Any] = set()
    for instruction in segment.end.instructions():
        if instruction.slot in segment.freed or not instruction.gradient_operands:
            continue
        kept.update(instruction.operands[position] for position in instruction.saves)
        if instruction.saves_result:
            kept.update(range(instruction.slot, instruction.slot + len(instruction.metas)))
    segment.saved = {r: saved for r, saved in segment.saved.items() if r in kept}


# Values that a gradient needs and that were written in place


def check_level(segment: Any, plan: tape.GradientPlan, level_index: int) -> None:
    """Raise where a value that the gradient needs of a segment was overwritten since."""
    if isinstance(segment, FunctionSegment):
        return
    end = end_of(segment)
    check_open_level(end, plan, level_index)
    if segment.trace is not None:
        return
    by_slot = None
    for at, instruction in plan.order:
        if at != level_index:
            continue
        for reference, own in _needed(instruction):
            origin: Any = reference
            while isinstance(origin, int):
                saved = segment.saved.get(origin)
                if origin in segment.stale or (
                    isinstance(saved, Value) and saved.meta.grad != RESULT and saved.slot == STALE
                ):
                    raise _modified(end, origin, reference, own, extra_writes=1)
                if by_slot is None:
                    by_slot = end.by_slot()
                source = by_slot.get(origin)
                origin = None if source is None else source.view_of


def _needed(instruction: Instruction) -> list[tuple[int, bool]]:
    """Return the references whose elements a gradient needs, and whether each is its own result.

    What an in-place operator itself overwrites is left out: PyTorch keeps a copy of it.
    """
    needed = [instruction.operands[position] for position in instruction.saves]
    found = [
        (reference, False)
        for reference in needed
        if isinstance(reference, int) and reference != instruction.overwrites
    ]
    if instruction.saves_result:
        found.append((instruction.slot, True))
    return found


def check_open_level(node: Node, plan: tape.GradientPlan, level_index: int) -> None:
    """Raise where a value that the gradient needs was overwritten in the same segment."""
    overwritten = {i.overwrites for i in node.instructions() if i.overwrites is not None}
    if not overwritten:
        return
    by_slot = node.by_slot()
    for at, instruction in plan.order:
        if at != level_index:
            continue
        for reference, own in _needed(instruction):
            origin: Any = reference
            while isinstance(origin, int):
                if origin in overwritten:
                    raise _modified(node, origin, reference, own)
                source = by_slot.get(origin)
                origin = None if source is None else source.view_of


def _modified(
    node: Node, origin: int, needed: int, own_result: bool, extra_writes: int = 0
) -> RuntimeError:
    """Describe the overwritten value as PyTorch does."""
    meta = node.meta_of(needed)
    instructions = node.instructions()
    earlier = {i.slot: i.overwrites for i in instructions if i.overwrites is not None}
    later = {i.overwrites: i.slot for i in instructions if i.overwrites is not None}
    then = 0
    place: Any = origin
    while place in earlier:
        then += 1
        place = earlier[place]
    now = then + extra_writes
    place = origin
    while place in later:
        now += 1
        place = later[place]
    where = ""
    if needed >= 0 and meta.grad == RESULT:
        # PyTorch names the operator that the tensor is a result of now; for a result that its own
        # operator saved, that operator.
        source = node.by_slot()[needed]
        if not own_result:
            place = origin
            while place in later:
                place = later[place]
                source = node.by_slot()[place]
        where = f", which is output {0 if not own_result else needed - source.slot} of {_short_name(source)},"
    return messages.modified_inplace(
        f"torch.{meta.dtype._legacy_name}Tensor", meta.shape, where, now, then
    )


def _short_name(instruction: Instruction) -> str:
    """Return the operator's name as this message has it: ``Exp`` for ``ExpBackward0``."""
    return instruction.node_name.partition("Backward")[0]


def accumulate(tensor: Any, gradient: Value, create_graph: bool) -> None:
    """Add a gradient to a tensor's ``.grad``."""
    extra = extra_of(tensor)
    if extra.grad is None:
        extra.grad = wrap(gradient)
    elif create_graph:
        extra.grad = extra.grad + wrap(gradient)
    else:
        extra.grad.add_(wrap(gradient))
