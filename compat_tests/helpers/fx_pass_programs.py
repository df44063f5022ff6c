"""Programs over the passes of ``torch.fx``, for the record of what PyTorch says of them."""

from __future__ import annotations

import operator
import re
import time
from typing import Any

from .fx_programs import PROGRAMS as PROGRAMS
from .fx_programs import answers as answers
from .fx_programs import module_of, network, program


@program
def supported_parts_fused(torch: Any) -> Any:
    partitioner = module_of(torch, "fx.passes.infra.partitioner")
    support = module_of(torch, "fx.passes.operator_support")
    utils = module_of(torch, "fx.passes.utils.fuser_utils")

    def diamond(a, b, c):  # type: ignore[no-untyped-def]  # annotations would be traced
        first = a + b
        second = torch.relu(first)
        left = second + c
        right = second.sigmoid() + 1
        pair = torch.split(left * right, 1)
        return pair[0] + first, torch.tanh(right) + left

    def chain(x):  # type: ignore[no-untyped-def]
        x = x + 1
        x = torch.relu(x) + x
        return torch.relu(x * 2) * x

    found = []
    for function in (diamond, chain):
        for names in (("add",), ("add", "mul"), ("add", "mul", "relu", "split", "getitem")):
            for options in ({}, {"allows_single_node_partition": True},
                            {"skip_horizontal_fusion": True}):  # fmt: skip
                traced = torch.fx.symbolic_trace(function)
                chosen = support.create_op_support(
                    lambda modules, node, names=names: (
                        node.op == "call_function" and node.target.__name__ in names
                    )
                )
                made = partitioner.CapabilityBasedPartitioner(traced, chosen, **options)
                parts = made.propose_partitions()
                found.append([[node.name for node in part.nodes] for part in parts])
                if options:
                    continue
                fused = made.fuse_partitions(parts)
                found.append(fused.code)
                found.append([getattr(fused, f"fused_{n}").code for n in range(len(parts))])
                inputs = [torch.full((2,), float(n)) for n in range(function.__code__.co_argcount)]
                found.append(repr(fused(*inputs)) == repr(function(*inputs)))
    traced = torch.fx.symbolic_trace(diamond)
    nodes = {node.name: node for node in traced.graph.nodes}
    circle = [nodes["add"], nodes["add_1"]]
    found.append([utils.validate_partition(part) for part in (circle, [*circle, nodes["relu"]])])
    found.append([node.name for node in utils.topo_sort([nodes["relu"], nodes["add"]])])
    return found


@program
def ends_that_do_not_compute(torch: Any) -> Any:
    partitioner = module_of(torch, "fx.passes.infra.partitioner")
    support = module_of(torch, "fx.passes.operator_support")
    traced = torch.fx.symbolic_trace(
        lambda x: torch.t(torch.relu(torch.t(torch.relu(torch.t(torch.t(x))))))
    )
    every = support.create_op_support(lambda modules, node: node.op == "call_function")
    names = {node.target for node in traced.graph.nodes if node.op == "call_function"}
    light = [f"torch.{target.__name__}" for target in names if target.__name__ != "relu"]
    made = partitioner.CapabilityBasedPartitioner(traced, every, non_compute_ops=light)
    parts = made.propose_partitions()
    before = [[node.name for node in part.nodes] for part in parts]
    made.remove_bookend_non_compute_ops(parts)
    return before, [[node.name for node in part.nodes] for part in parts]


@program
def passes_in_order(torch: Any) -> Any:
    base = module_of(torch, "fx.passes.infra.pass_base")
    manager = module_of(torch, "fx.passes.infra.pass_manager")
    notes = []

    class Replace(base.PassBase):
        def __init__(self, old: Any, new: Any):
            self.old, self.new = old, new

        def requires(self, graph_module: Any) -> None:
            notes.append(f"before {self.new.__name__}")

        def call(self, graph_module: Any) -> Any:
            found = [node for node in graph_module.graph.nodes if node.target is self.old]
            for node in found:
                node.target = self.new
            return base.PassResult(graph_module, bool(found))

    def clean(module: Any) -> None:
        module.graph.eliminate_dead_code()

    def noted(module: Any) -> None:
        notes.append(module.code.count("torch."))

    relu, tanh = Replace(torch.relu, torch.tanh), Replace(torch.tanh, torch.sigmoid)
    wrapped = manager.pass_result_wrapper(clean)
    before = manager.this_before_that_pass_constraint
    found = []
    for passes, constraints, steps in (
        ([tanh, relu], [], 1), ([tanh, relu], [before(relu, tanh)], 1), ([tanh, relu], [], 3),
        ([wrapped, tanh, relu], [before(tanh, wrapped), before(relu, tanh)], None),
    ):  # fmt: skip
        traced = torch.fx.symbolic_trace(lambda x: (torch.relu(x), torch.tanh(x))[0])
        run = manager.PassManager(passes, constraints, steps, run_checks_after_each_pass=True)
        run.add_checks(noted)
        result = run(traced)
        found.append((result.modified, result.graph_module.code))

    def failing(module: Any) -> None:
        raise ValueError("nothing works")

    def misuse(call: Any) -> str:
        try:
            call()
        except Exception as error:
            words = re.sub(r"<.*?0x\w+>", "<object>", str(error))
            return f"{type(error).__name__}: {words}: {error.__cause__!r}"
        return "nothing"

    traced = torch.fx.symbolic_trace(lambda x: torch.relu(x))
    wrong = manager.PassManager([tanh, relu], [before(relu, tanh)])
    circular = [before(relu, tanh), before(tanh, relu)]
    return [
        *found, notes, wrapped.__name__, manager.pass_result_wrapper(tanh).__name__,
        misuse(lambda: wrong.validate_constraints()),
        misuse(lambda: manager.PassManager([tanh, relu], circular).solve_constraints()),
        misuse(lambda: manager.PassManager([failing])(traced)),
        misuse(lambda: manager.PassManager([tanh, clean])(traced)),
        misuse(lambda: manager.PassManager().add_checks(lambda one, two: None)),
        misuse(lambda: base.PassBase()),
    ]  # fmt: skip


@program
def types_annotated(torch: Any) -> Any:
    annotate = module_of(torch, "fx.annotate").annotate

    def function(x):  # type: ignore[no-untyped-def]
        y = annotate(x + 1, torch.Tensor)
        return annotate(y * 2, int), annotate(3, int)

    def twice(x):  # type: ignore[no-untyped-def]
        return annotate(annotate(x, int), float)

    try:
        torch.fx.symbolic_trace(twice)
        words = ""
    except RuntimeError as error:
        words = str(error)
    return torch.fx.symbolic_trace(function).code, words


@program
def interpreter_that_measures(torch: Any) -> Any:
    module, x = network(torch)

    class Profiler(torch.fx.Interpreter):  # type: ignore[name-defined, misc]
        def __init__(self, module: Any):
            super().__init__(torch.fx.symbolic_trace(module))
            self.runs: list[float] = []
            self.seconds: dict[Any, list[float]] = {}

        def run(self, *args: Any) -> Any:
            start = time.perf_counter()
            result = super().run(*args)
            self.runs.append(time.perf_counter() - start)
            return result

        def run_node(self, n: Any) -> Any:
            start = time.perf_counter()
            result = super().run_node(n)
            self.seconds.setdefault(n, []).append(time.perf_counter() - start)
            return result

    profiler = Profiler(module)
    results = [profiler.run(x) for _ in range(3)]
    counted = [(node.op, str(node.name), len(found)) for node, found in profiler.seconds.items()]
    whole, parts = sum(profiler.runs), sum(map(sum, profiler.seconds.values()))
    return counted, len(profiler.runs), parts <= whole, torch.equal(results[0], module(x))


@program
def gradients_by_rules_of_nodes(torch: Any) -> Any:
    """Forward mode: each node gives its value and its derivative, by rules for the functions."""

    class Forward(torch.fx.Interpreter):  # type: ignore[name-defined, misc]
        def placeholder(self, target: Any, args: Any, kwargs: Any) -> Any:
            value = super().placeholder(target, args, kwargs)
            return value, torch.ones_like(value)

        def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
            pairs = [a if isinstance(a, tuple) else (a, 0.0) for a in args]
            value = target(*[each for each, _ in pairs], **kwargs)
            if target is operator.mul:
                (a, da), (b, db) = pairs
                return value, a * db + b * da
            if target is operator.add:
                return value, pairs[0][1] + pairs[1][1]
            return value, pairs[0][1] * pairs[0][0].cos()

    traced = torch.fx.symbolic_trace(lambda x: torch.sin(x * x) * 3 + x)
    x = torch.tensor([0.5, 2.0])
    value, slope = Forward(traced).run(x)
    exact = 3 * (x * x).cos() * 2 * x + 1
    return traced.code, torch.allclose(slope, exact), torch.equal(value, traced(x))
