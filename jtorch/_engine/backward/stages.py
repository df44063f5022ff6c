"""The general backward pass: stages between the places where Python has to be called."""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._core import messages
from ..graph import primitives, tape
from ..graph.cones import cone_of
from ..graph.memory import Written
from ..graph.trie import Instruction, Node
from ..graph.values import (
    LEAF,
    NO_GRAD,
    RESULT,
    Meta,
    SparseBase,
    Value,
    is_tensor,
    make_meta,
    ready,
)
from ..memory.chains import with_history
from ..recording.record import record, switch_device, wrap
from ..recording.saved_hooks import Packed
from ..recording.storage import OWN_DTYPE, current_value
from ..recording.trace import REACH, Segment, Trace, flush, local, materialise
from .graph import (
    FunctionSegment,
    SegmentPlace,
    calls_python,
    end_of,
    first_slot,
    leaf_at,
    leaves_of,
    level_edges,
    level_of,
    order_in,
    order_of,
    place_of,
    places_behind,
    segments_behind,
)
from .hook_calls import call_before, call_behind, check_hook, edges_of
from .overwritten import check_level, check_size, present_value


class _GradientOp:
    """Stands in an instruction where an ``Op`` would: the gradient of a stretch."""

    name = "backward"
    differentiable = True


GRADIENT = _GradientOp()

#: Plans that one place of the trie remembers.
_REMEMBERED_PLANS = 1000


def extend(
    trace: Trace,
    key: tuple,
    run: Callable,
    operands: list[Any],
    metas: tuple[Meta, ...],
    plan: tape.GradientPlan,
    retain_graph: bool,
    create_graph: bool,
    parts: tape.Gradient,
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
        gradient=parts,
    )
    entered = tuple([value.meta for value in trace.inputs[node.n_inputs :]])
    child = node.extend(key, instruction, entered, len(trace.floats), len(trace.ints))
    if not retain_graph:
        child.freed_here = tuple([i.slot for level, i in plan.order if level == 0])
    return child


def _renumbered(place: tape.Place, numbers: dict[int, int]) -> tape.Place:
    level, reference = place
    return (level, numbers.get(reference, reference) if level == 0 else reference)


def own_cone(trace: Trace, slots: Sequence[int]) -> tuple[Node | None, dict[int, int]]:
    """Name the graph behind some results of the trace under way by what it is, not where."""
    cone = cone_of(trace.node, slots) if slots else None
    return (None, {}) if cone is None else (cone.end, cone.place)


def _meta_of(trace: Trace, reference: int) -> Meta:
    if reference < 0:
        return trace.inputs[-reference - 1].meta
    return trace.values[reference].meta


@functools.lru_cache(maxsize=1000)
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
        #: Gradients are values, or sparse tensors.
        self.leaves: dict[int, tuple[Any, Any]] = {}
        self.captured: dict[SegmentPlace, Value] = {}
        self.hooked: set[SegmentPlace] = set()
        self.used: list[tuple[Any, frozenset[int]]] = []
        #: Whether Python is called nowhere on the way.
        self.plain = False
        #: The segments behind the roots, until they are used.
        self.behind: list[Any] | None = None

    # The pass

    def run(self, roots: Sequence[Value], cotangents: Sequence[Value | None]) -> list[Value | None]:
        results = [(root.segment, 0) for root in roots if root.meta.grad == RESULT]
        behind = segments_behind(results, local.trace)
        self.plain = not self.anomaly.enabled and not any(map(calls_python, behind))
        if not self.plain:
            # What Python does may flush the trace, which renumbers its results: do it first.
            flush(local.trace, "hooks of a backward pass")
        places = [place_of(tensor_value) for tensor_value in self._input_values()]
        self.wanted_places = {place for place in places if place[0] is not None}
        self.wanted_leaves = (
            None
            if self.inputs is None
            else {id(tensor) for tensor in self.inputs if current_value(tensor).meta.grad == LEAF}
        )
        self.plain = self.plain and not self.wanted_places
        self.behind = behind if self.plain else None
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

    def _to_leaf(self, leaf: Any, gradient: Any) -> None:
        if leaf is None or (self.wanted_leaves is not None and id(leaf) not in self.wanted_leaves):
            return
        if current_value(leaf).meta.grad != LEAF:
            return  # it does not require grad any more
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
            or (segment.node_hooks is not None and first_slot(place) in segment.node_hooks)
            or place in self.wanted_places
            or self.anomaly.enabled
        )

    def _latest_special(self) -> SegmentPlace | None:
        """Return the latest place behind the pending ones where the pass must stop."""
        if self.plain:
            return None
        segments = segments_behind(list(self.pending), local.trace)
        if not (
            self.wanted_places
            or self.anomaly.enabled
            or any(calls_python(segment) for segment in segments)
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
                if latest is None or order_of(place) > order_of(latest):
                    latest = place
                continue
            pending.extend(places_behind(place))
        return latest

    def _flow(self, special: SegmentPlace | None) -> None:
        """Record the gradient from the pending places down to ``special``, or to the leaves."""
        bound = None if special is None else order_of(special)
        above = [
            place
            for place in self.pending
            if special is None
            or (order_of(place) > order_of(special) and not _is_one_node(place, special))
        ]
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
        segment = place[0]
        hooked = segment.node_hooks is not None and first_slot(place) in segment.node_hooks
        if self.anomaly.enabled or hooked:
            self._run_alone(place)

    def _run_alone(self, place: SegmentPlace) -> None:
        """Run one instruction as a stage of its own, with its hooks and the check for NaN."""
        segment, _ = place
        first = first_slot(place)
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
            gradients = call_before(hooks.before.values(), gradients)
        results = self._record_stage(above, gradients, (segment.sequence, first - 1), instruction)
        if self.anomaly.enabled:
            self._check_nan(instruction, results)
        if hooks is not None:
            values = [value for _, value in results]
            edges = edges_of(instruction, len(values))
            for hook in list(hooks.after.values()):
                given = tuple([wrap(g) for g in gradients])
                values = call_behind(hook, edges, values, given)
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
        if retained is not None:
            tensor = retained()
            if tensor is not None and not (self.accumulate and place in self.wanted_places):
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
            elif segment.materialise_grads:
                value = ready(np.zeros(meta.shape, meta.dtype._numpy), gradient_meta(meta))
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
        for index, (edge, result) in enumerate(zip(segment.edges, results, strict=True)):
            if edge is None or result is None:
                continue
            if isinstance(result, SparseBase):
                self._take_sparse(segment, index, result, edge)
                continue
            value = _fitted(segment, index, result)
            if isinstance(edge, tuple):
                self._to_place(edge, value)
            else:
                self._to_leaf(edge(), value)
        self.used.append((segment, frozenset(range(len(segment.metas)))))

    def _take_sparse(self, segment: FunctionSegment, index: int, gradient: Any, edge: Any) -> None:
        """Take a sparse gradient: as it is for a leaf, else as a dense one."""
        meta = segment.arguments[index]
        assert meta is not None
        if gradient.shape != meta.shape:
            number = sum(each is not None for each in segment.arguments[:index])
            raise messages.invalid_gradient(segment.node_name, number, gradient.shape, meta.shape)
        if isinstance(edge, tuple):
            self._to_place(edge, current_value(gradient.to_dense()))
        else:
            self._to_leaf(edge(), gradient)

    def _check_nan(self, instruction: Instruction, results: list[tuple[Any, Value]]) -> None:
        if not self.anomaly.check_nan:
            return
        for index, (_, gradient) in enumerate(results):
            if gradient.meta.dtype.is_floating_point and bool(
                np.isnan(np.asarray(materialise(gradient, "anomaly mode"))).any()
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
        if gradients and gradients[0].meta.device is not trace.device:
            switch_device(gradients[0].meta.device)
        segments, self.behind = self.behind, None
        if segments is None or segments[0] is not trace.segment:
            segments = segments_behind(above, trace, bound)
        index_of = {id(segment): index for index, segment in enumerate(segments)}
        roots = [(index_of[id(segment)], slot) for segment, slot in above]
        ends = tuple([None if segment.trace is not None else segment.end for segment in segments])
        edges = tuple([level_edges(segment, index_of) for segment in segments])
        signature = (
            ends,
            tuple([segment.freed for segment in segments]),
            tuple([segment.remakes for segment in segments]),
            tuple([tuple(sorted(each.items())) if each else () for each in edges]),
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
            start.remember_backward(signature, plan, _REMEMBERED_PLANS)
        written = [
            check_level(segment, plan, level_index, trace)
            for level_index, segment in enumerate(segments)
        ]
        if not plan.targets:
            return []
        operands, parts = self._enter(trace, segments, plan, gradients, written)
        start = trace.node  # later than before where memory was read again
        receivers, sums = self._receivers(segments, plan, trace)
        key = (GRADIENT, signature, parts, sums)
        node = start.children.get(key)
        if node is None:
            count = len(gradients)
            run = _run_of(plan.function, count, sums)
            metas = tuple([gradient_meta(meta) for _, meta in receivers])
            identity = None
            if self.create_graph:
                end, place = own_cone(trace, [slot for level, slot in roots if level == 0])
                identity = (
                    GRADIENT,
                    end,
                    ends,
                    signature[1:3],
                    tuple([tuple(sorted(each.items())) for each in edges[1:]]),
                    tuple([_renumbered(root, place) for root in roots]),
                    tuple([_renumbered(target, place) for target in plan.targets]),
                    len(operands),
                    alone is not None,
                    sums,
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
                tape.Gradient(plan, count, sums=sums),
                identity,
            )
        trace.node = node
        self._note_used(segments, plan)
        results = []
        slot = node.slot
        for (receiver, _), meta in zip(receivers, node.metas, strict=True):
            value = Value(trace.base + slot, meta, trace.segment, slot)
            trace.values.append(value)
            results.append((receiver, value))
            slot += 1
        return results

    @staticmethod
    def _receivers(
        segments: list[Any], plan: tape.GradientPlan, trace: Trace
    ) -> tuple[list[tuple[Any, Meta]], tuple[int, ...] | None]:
        """Say where the gradients of a plan go, what goes to one leaf as one sum.

        Returns:
            Leaves (or ``None`` for one that is gone) and places, each with a meta; and for each of
            the plan's targets which of them it goes to, ``None`` where each goes to its own.
        """
        receivers: list[tuple[Any, Meta]] = []
        sums: list[int] = []
        known: dict[tuple[int, Meta], int] = {}
        for (level_index, reference), meta in zip(plan.targets, plan.metas, strict=True):
            segment = segments[level_index]
            at = len(receivers)
            if meta.grad != LEAF:
                receivers.append(((segment, reference), meta))
            else:
                leaf = leaf_at(segment, reference, trace)
                if leaf is not None:
                    at = known.setdefault((id(leaf), meta), at)
                if at == len(receivers):
                    receivers.append((leaf, meta))
            sums.append(at)
        return receivers, None if len(receivers) == len(sums) else tuple(sums)

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
            level_of(segment, trace, own) for segment, own in zip(segments, edges, strict=True)
        ]
        if alone is not None:
            return tape.plan_alone(levels, roots, alone)

        def stop(place: tape.Place) -> bool:
            return bound is not None and order_of((segments[place[0]], place[1])) <= bound

        def wanted(place: tape.Place, meta: Meta) -> bool:
            if meta.grad == LEAF:
                return self.wanted_leaves is None or (
                    id(leaf_at(segments[place[0]], place[1], trace)) in self.wanted_leaves
                )
            return stop(place)

        return tape.plan_gradient(levels, roots, wanted, stop)

    @staticmethod
    def _bound_key(bound: tuple[float, int], segments: list[Any]) -> tuple:
        return tuple([order_in(segment, bound) for segment in segments])

    def _wanted_key(self, segments: list[Any], trace: Trace) -> tuple | None:
        """Say which leaves are wanted without naming tensors."""
        if self.wanted_leaves is None:
            return None
        found = []
        for index, segment in enumerate(segments):
            for reference, owner in leaves_of(segment, trace):
                if id(owner()) in self.wanted_leaves:
                    found.append((index, reference))
        return tuple(found)

    def _enter(
        self,
        trace: Trace,
        segments: list[Any],
        plan: tape.GradientPlan,
        gradients: list[Value],
        written: list[dict[int, Written]],
    ) -> tuple[list[Any], tuple]:
        """Make operands of the cotangents and of what the gradient needs."""
        operands: list[Any] = []
        parts: list[Any] = []

        # What is recorded is recorded before anything enters the trace for the gradient.
        present = {}
        for level_index, each in enumerate(written):
            segment = segments[level_index]
            for reference, found in each.items():
                value = present_value(found)
                check_size(segment, reference, value)
                value = self._with_history(trace, segment, reference, value)
                present[level_index, reference] = value
        if any(getattr(segment, "packed", None) is not None for segment in segments):
            for level_index, reference in plan.needs:
                segment = segments[level_index]
                packed = getattr(segment, "packed", None)
                if packed is not None and reference in packed:
                    present[level_index, reference] = self._with_history(
                        trace, segment, reference, _unpacked(packed[reference])
                    )
        base = trace.base  # not before: what unpacks may end the trace

        def take(value: Value) -> None:
            reference = value.place - base
            if -REACH < reference < REACH:
                parts.append(reference)
            else:
                parts.append(trace.enter(value))
                reference = trace.reference_of_known(value)
            operands.append(reference)

        for value in gradients:
            take(value)
        for level_index, reference in plan.needs:
            segment = segments[level_index]
            if present and (level_index, reference) in present:
                take(present[level_index, reference])
                continue
            if segment.trace is not None:
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

    def _with_history(self, trace: Trace, segment: Any, reference: int, present: Value) -> Value:
        """Give what memory holds now the part in differentiation of the value that was saved."""
        if not self.create_graph or present.meta.grad != NO_GRAD:
            return present
        if segment.trace is None:
            before = self._saved(segment, reference)
        else:
            before = trace.inputs[-reference - 1] if reference < 0 else trace.values[reference]
        return present if before.meta.grad == NO_GRAD else with_history(before, present)

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
        for level_index, slots in plan.slots_used().items():
            if segments[level_index].trace is None:
                self.used.append((segments[level_index], slots))

    # The end

    def _finish(self, places: list[Any]) -> list[Value | None]:
        totals = {id(leaf): self._deliver(leaf, g) for leaf, g in list(self.leaves.values())}
        if self.inputs is None:
            return []
        found: list[Value | None] = []
        for tensor, place in zip(self.inputs, places, strict=True):
            if current_value(tensor).meta.grad == LEAF:
                found.append(totals.get(id(tensor)))
            else:
                captured = self.captured.get(place)
                found.append(captured)
                if self.accumulate and captured is not None:
                    self.deliver(tensor, captured, self.create_graph)
        return found

    def _deliver(self, leaf: Any, gradient: Any) -> Any:
        """Call what waits for the gradient of a leaf, store it, and return it."""
        extra = leaf._extra
        if extra is not None and extra.hooks is not None:
            gradient = _in_dtype(gradient, extra.grad_dtype)
            for hook in list(extra.hooks.values()):
                gradient = _call_hook(hook, gradient)
        if self.accumulate:
            self._store(leaf, gradient)
            extra = leaf._extra
            if extra is not None and extra.post_hooks:
                for post_hook in list(extra.post_hooks.values()):
                    post_hook(leaf)
        return gradient

    def _store(self, leaf: Any, gradient: Any) -> None:
        self.deliver(leaf, gradient, self.create_graph)


def _is_one_node(place: SegmentPlace, other: SegmentPlace) -> bool:
    """Tell whether two results are of one node, which runs when all their gradients are there."""
    return place[0] is other[0] and first_slot(place) == first_slot(other)


def _ones(meta: Meta) -> Any:
    return np.ones(meta.shape, meta.dtype._numpy)


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, SparseBase) or isinstance(right, SparseBase):
        return as_gradient(_sum_of_sparse(as_tensor(left), as_tensor(right)))
    return record(primitives.add, (wrap(left), wrap(right)), {})


def _no_sparse_sum(left: Any, right: Any) -> Any:
    raise AssertionError("set_sparse_sum names it")


_sum_of_sparse: Callable[[Any, Any], Any] = _no_sparse_sum


def set_sparse_sum(function: Callable[[Any, Any], Any]) -> None:
    """Tell how two gradients are added up of which one is sparse."""
    global _sum_of_sparse
    _sum_of_sparse = function


def as_tensor(gradient: Any) -> Any:
    """Return a gradient as a tensor: a value is wrapped, a sparse tensor is one."""
    return gradient if isinstance(gradient, SparseBase) else wrap(gradient)


def as_gradient(tensor: Any) -> Any:
    """Return a tensor as what a pass carries: its value, or a sparse tensor itself."""
    return tensor if isinstance(tensor, SparseBase) else current_value(tensor)


def _in_dtype(gradient: Any, dtype: Any) -> Any:
    """Return the gradient of a leaf in the dtype that the leaf asks for (``grad_dtype``)."""
    if dtype is OWN_DTYPE or dtype is None or isinstance(gradient, SparseBase):
        return gradient
    return current_value(primitives.to(wrap(gradient), dtype))


def _call_hook(hook: Callable, gradient: Any) -> Any:
    tensor = as_tensor(gradient)
    result = hook(tensor)
    if result is None:
        return as_gradient(tensor)
    if isinstance(result, SparseBase) or isinstance(gradient, SparseBase):
        return as_gradient(result)
    if not is_tensor(result):
        raise messages.hook_gave_no_tensor(result)
    value = current_value(result)
    check_hook(hook, gradient, value)
    return value


def _fitted(segment: FunctionSegment, index: int, gradient: Any) -> Value:
    """Return what a Python function gives as the gradient of an argument, in its shape and dtype.

    Raises:
        RuntimeError: the argument does not expand to it, or it is complex and the argument is not.
    """
    arguments = segment.arguments
    meta, given = arguments[index], current_value(gradient).meta
    assert meta is not None
    if given.shape != meta.shape:
        if not _expands(meta.shape, given.shape):
            number = sum(each is not None for each in arguments[:index])
            raise messages.invalid_gradient(segment.node_name, number, given.shape, meta.shape)
        gradient = primitives.sum_to_size(gradient, meta.shape)
    if given.dtype is not meta.dtype:
        if given.dtype.is_complex and not meta.dtype.is_complex:
            raise messages.complex_gradient()
        gradient = primitives.to(gradient, meta.dtype)
    return current_value(gradient)


def _expands(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    pairs = zip(reversed(shape), reversed(wanted), strict=False)
    return len(shape) <= len(wanted) and all(own in (1, other) for own, other in pairs)


def _run_of(gradient: Callable, count: int, sums: tuple[int, ...] | None) -> Callable:
    """Return the function of a gradient: of cotangents and what it needs, in one row."""

    def run(*arrays: Any) -> Any:
        gradients = gradient(arrays[:count], *arrays[count:])
        return tuple(gradients if sums is None else tape.added_up(gradients, sums, operator.add))

    return run


def _unpacked(packed: Packed) -> Value:
    """Return the elements of a packed tensor; the history is that of what was packed."""
    tensor = packed.unpack(packed.what)
    if not is_tensor(tensor):
        raise messages.unpacked_no_tensor(tensor)
    return current_value(tensor.detach())


def _closed_meta(segment: Segment, reference: int) -> Meta:
    return end_of(segment).meta_of(reference)


def _free(segment: Any, slots: frozenset[int]) -> None:
    """Drop what the gradients of these instructions had saved."""
    segment.freed = segment.freed | slots if segment.freed else slots
    if isinstance(segment, FunctionSegment):
        segment.node_object._saved = None
        return
    end = segment.end
    key = (segment.freed, segment.remakes)
    kept = end.backwards.get(key)
    if kept is None:
        kept = end.remember_backward(key, _still_needed(end, *key))
    if kept:
        segment.saved = {r: saved for r, saved in segment.saved.items() if r in kept}
        segment.lies = {r: memory for r, memory in segment.lies.items() if r in kept}
    else:
        segment.saved, segment.lies = {}, {}


def _still_needed(end: Node, freed: frozenset[int], remakes: bool) -> frozenset[int]:
    kept: set[Any] = set()
    by_slot = end.by_slot()
    for instruction in end.instructions():
        if instruction.slot in freed or not instruction.gradient_operands:
            continue
        kept.update(instruction.operands[position] for position in instruction.saves)
        if instruction.saves_result:
            kept.update(range(instruction.slot, instruction.slot + len(instruction.metas)))
    if remakes:
        views = [by_slot[r] for r in kept if isinstance(r, int) and r >= 0]
        sources = [view.made_again_from(by_slot) for view in views]
        kept.update([source for source in sources if source is not None])
    return frozenset(kept)
