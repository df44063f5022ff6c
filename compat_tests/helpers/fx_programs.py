"""Programs over ``torch.fx``, after the sorts of examples that PyTorch's documentation has.

Each is a function of the library that returns a text; PyTorch's answers are recorded in
``compat_tests/golden/fx_texts.json``.
"""

from __future__ import annotations

import copy
import importlib
import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

PROGRAMS: dict[str, Callable[[Any], Any]] = {}


def program(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Add a function to the programs."""
    PROGRAMS[function.__name__] = function
    return function


def module_of(torch: Any, name: str) -> Any:
    """Import a module below the library's name."""
    return importlib.import_module(f"{torch.__name__}.{name}")


def network(torch: Any) -> Any:
    """Return a module with submodules, a parameter and a method call, and an input."""
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 4)
            self.rest = nn.Sequential(nn.ReLU(), nn.Linear(4, 2))
            self.scale = nn.Parameter(torch.ones(2))

        def forward(self, x: Any) -> Any:
            return self.rest(self.first(x)).sigmoid() * self.scale

    torch.manual_seed(0)
    module = Net()
    del Net.forward.__annotations__["x"], Net.forward.__annotations__["return"]
    return module, torch.linspace(-1, 1, 6).reshape(2, 3)


@program
def results_are_those_of_the_module(torch: Any) -> Any:
    module, x = network(torch)
    traced = torch.fx.symbolic_trace(module)
    run = torch.fx.Interpreter(traced).run(x)
    return torch.equal(traced(x), module(x)), torch.equal(run, module(x))


@program
def replace_an_operation(torch: Any) -> Any:
    module, x = network(torch)
    graph = copy.deepcopy(torch.fx.symbolic_trace(module).graph)
    for node in graph.nodes:
        if node.op == "call_method" and node.target == "sigmoid":
            with graph.inserting_after(node):
                node.replace_all_uses_with(graph.call_function(torch.tanh, node.args))
            graph.erase_node(node)
    made = torch.fx.GraphModule(module, graph)
    expected = torch.tanh(module.rest(module.first(x))) * module.scale
    return made.code, torch.equal(made(x), expected)


@program
def invert_a_function(torch: Any) -> Any:
    inverse = {torch.exp: torch.log, torch.tan: torch.atan}
    traced = torch.fx.symbolic_trace(lambda x: torch.exp(torch.tan(x)))
    graph, place = torch.fx.Graph(), {}
    for node in reversed(traced.graph.nodes):
        if node.op == "output":
            place[node.args[0].name] = graph.placeholder("result")
        elif node.op == "call_function":
            made = graph.call_function(inverse[node.target], (place[node.name],))
            place[node.args[0].name] = made
        else:
            graph.output(place[node.name])
    graph.lint()
    back = torch.fx.GraphModule(traced, graph)
    x = torch.tensor([0.25])
    return back.code, torch.allclose(back(traced(x)), x)


@program
def wrap_the_output(torch: Any) -> Any:
    module, _ = network(torch)
    graph = torch.fx.symbolic_trace(module).graph
    output = next(iter(reversed(graph.nodes)))
    with graph.inserting_before(output):
        wrapped = torch.relu(torch.fx.Proxy(output.args[0])) + 1
    output.args = (wrapped.node,)
    return torch.fx.GraphModule(module, graph).code


@program
def tracer_that_keeps_containers(torch: Any) -> Any:
    class Tracer(torch.fx.Tracer):
        def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
            own = isinstance(m, torch.nn.Sequential)
            return own or super().is_leaf_module(m, module_qualified_name)

    module, _ = network(torch)
    return torch.fx.GraphModule(module, Tracer().trace(module)).code


@program
def tracer_that_marks_nodes(torch: Any) -> Any:
    class Tracer(torch.fx.Tracer):
        def create_node(self, kind: str, *args: Any, **kwargs: Any) -> Any:
            node = super().create_node(kind, *args, **kwargs)
            node.tag = kind
            return node

    return [node.tag for node in Tracer().trace(network(torch)[0]).nodes]


@program
def interpreter_that_notes_nodes(torch: Any) -> Any:
    class Noting(torch.fx.Interpreter):
        def __init__(self, module: Any) -> None:
            super().__init__(module)
            self.notes: list[Any] = []

        def run_node(self, n: Any) -> Any:
            result = super().run_node(n)
            self.notes.append((n.op, n.name, tuple(result.shape)))
            return result

    module, x = network(torch)
    interpreter = Noting(torch.fx.symbolic_trace(module))
    interpreter.run(x)
    return interpreter.notes


@program
def interpreter_that_swaps_operations(torch: Any) -> Any:
    class Swapping(torch.fx.Interpreter):
        def call_function(self, target: Any, args: tuple, kwargs: dict) -> Any:
            target = torch.neg if target is torch.sigmoid else target
            return super().call_function(target, args, kwargs)

        def call_method(self, target: Any, args: tuple, kwargs: dict) -> Any:
            return super().call_method("abs" if target == "neg" else target, args, kwargs)

    traced = torch.fx.symbolic_trace(lambda x: torch.sigmoid(x).neg())
    return Swapping(traced).run(torch.tensor([-1.0, 2.0])).tolist()


@program
def transformer(torch: Any) -> Any:
    class Changing(torch.fx.Transformer):
        def call_function(self, target: Any, args: tuple, kwargs: dict) -> Any:
            target = operator.add if target is operator.mul else target
            return super().call_function(target, args, kwargs)

        def call_method(self, target: Any, args: tuple, kwargs: dict) -> Any:
            return super().call_method("tanh" if target == "sigmoid" else target, args, kwargs)

    traced = torch.fx.symbolic_trace(network(torch)[0])
    defaults = torch.fx.symbolic_trace(lambda x, y=3: x + y)
    return [
        Changing(traced).transform().code,
        torch.fx.Transformer(traced).transform().code,
        torch.fx.Transformer(defaults).transform().code,
    ]


@program
def subgraphs_rewritten(torch: Any) -> Any:
    functional = torch.nn.functional
    cases = [
        (
            lambda x, a, b: torch.cat([a, b]).sum() + torch.cat([b, a]).sum() + x,
            lambda a, b: torch.cat([a, b]).sum(),
            lambda a, b: torch.stack([a, b]),
        ),
        (
            lambda x: torch.neg(x) + torch.relu(x),
            lambda x: torch.neg(x) + torch.relu(x),
            lambda x: torch.relu(torch.neg(x)),
        ),
        (
            lambda x: torch.relu(torch.relu(torch.relu(x))),
            lambda x: torch.relu(x),
            lambda x: torch.sigmoid(torch.relu(x)),
        ),
        (lambda x, y: (x + y) * (x + y), lambda a, b: a + b, lambda a, b: a - b),
        (lambda x: x.sigmoid() * 2 + x, lambda a: a.sigmoid() * 2, lambda a: a.tanh()),
        (lambda x: x + 1, lambda a: a * 3, lambda a: a),
        (
            lambda x: torch.add(x, 3) + torch.add(x, 4),
            lambda x: torch.add(x, 3),
            lambda x: torch.mul(x, 3),
        ),
        (network(torch)[0], lambda x: x.sigmoid(), lambda x: functional.relu(x)),
    ]
    found = []
    for root, pattern, replacement in cases:
        traced = torch.fx.symbolic_trace(root)
        matches = torch.fx.replace_pattern(traced, pattern, replacement)
        traced.graph.lint()
        found.append((len(matches), traced.code))
    return found


@program
def pickled_and_copied(torch: Any) -> Any:
    module, x = network(torch)
    traced = torch.fx.symbolic_trace(module)
    loaded = pickle.loads(pickle.dumps(traced))
    copied = copy.deepcopy(traced)
    return [
        (each.code == traced.code, torch.equal(each(x), traced(x)), each.scale is traced.scale)
        for each in (loaded, copied)
    ] + [str(loaded.graph) == str(traced.graph), list(traced.state_dict())]


@program
def graphs_built_and_edited(torch: Any) -> Any:
    found: list[Any] = []
    graph = torch.fx.Graph()
    a = graph.placeholder("a")
    b = graph.call_function(torch.relu, (a,))
    graph.call_method("neg", (b,))
    d = graph.call_function(torch.add, (a, b), {"alpha": 2})
    graph.output((d, [d, {"key": a}]))
    found += [graph.eliminate_dead_code(), str(graph)]
    with graph.inserting_before(d):
        graph.call_function(torch.sin, (b,), name="mine")
    with graph.inserting_after(a):
        graph.placeholder("second", default_value=None)
    found.append(str(graph))
    d.update_arg(0, b)
    d.update_kwarg("alpha", a)
    d.insert_arg(1, a)
    found += [str(d.args), str(d.kwargs), str(list(a.users)), str(list(b.users))]
    found += [str(d.all_input_nodes), str(graph.find_nodes(op="call_function", target=torch.sin))]
    other, values = torch.fx.Graph(), {}
    other.output(other.graph_copy(graph, values))
    other.lint()
    found += [str(other), graph.python_code("self").src]
    found.append(sorted(graph.python_code("self").globals))
    return found


@program
def concrete_arguments(torch: Any) -> Any:
    trace, hole = torch.fx.symbolic_trace, torch.fx.PH
    nested = {"a": [hole], "b": hole}
    several = trace(lambda x, d: {"r": x + d["a"][0] * d["b"]}, concrete_args={"d": nested})
    one = torch.ones(1)
    return [
        trace(lambda x, flag: x + 1 if flag else x - 1, concrete_args={"flag": True}).code,
        trace(lambda x, n: x + n, concrete_args={"n": 2}).code,
        trace(lambda x, y=None: x if y is None else y, concrete_args={"y": None}).code,
        several.code,
        str(several(one, {"a": [one], "b": 2})),
    ]


@program
def shapes(torch: Any) -> Any:
    module, x = network(torch)
    traced = torch.fx.symbolic_trace(module)
    module_of(torch, "fx.passes.shape_prop").ShapeProp(traced).propagate(x)
    found = []
    for node in traced.graph.nodes:
        meta = node.meta["tensor_meta"]
        found.append((node.name, tuple(meta.shape), str(meta.dtype), meta.stride))
    return [*found, traced.print_readable(print_output=False)]


@program
def a_module_split(torch: Any) -> Any:
    nn = torch.nn

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)
            self.weight = nn.Parameter(torch.ones(2, 2))

    def forward(self, x, y):  # type: ignore[no-untyped-def]  # annotations would be traced
        z = self.layer(x + self.weight).relu()
        return torch.sum(z, dim=0) * y, z - 1

    Whole.forward = forward  # type: ignore[method-assign, assignment]
    traced = torch.fx.symbolic_trace(Whole())
    count = 0

    def part(node: Any) -> int:
        nonlocal count
        count += 1
        return 0 if count <= 3 else 1

    names: dict[str, str] = {}
    split = module_of(torch, "fx.passes.split_module").split_module(traced, traced, part, names)
    x = torch.ones(2, 2)
    same = [torch.equal(a, b) for a, b in zip(split(x, 2.0), traced(x, 2.0), strict=True)]
    return split.code, split.submod_0.code, split.submod_1.code, sorted(names.items()), same


@program
def convolutions_fused(torch: Any) -> Any:
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout()),
        *(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)),
    )
    model(torch.randn(4, 1, 5, 5))
    model.eval()
    optimization = module_of(torch, "fx.experimental.optimization")
    fused, x = optimization.fuse(model), torch.ones(1, 1, 5, 5)
    without = optimization.remove_dropout(model)
    close = [torch.allclose(each(x), model(x), atol=1e-5) for each in (fused, without)]
    return fused.code, without.code, close


@program
def operators_supported(torch: Any) -> Any:
    traced = torch.fx.symbolic_trace(network(torch)[0])
    modules = dict(traced.named_modules())
    support = module_of(torch, "fx.passes.operator_support")
    common = module_of(torch, "fx.passes.tools_common")
    linear = support.OperatorSupport({"torch.nn.modules.linear.Linear": None})
    both = support.chain(linear, support.OpSupports.decline_if_node_in_names({"first"}))
    return [
        [linear.is_node_supported(modules, node) for node in traced.graph.nodes],
        [both.is_node_supported(modules, node) for node in traced.graph.nodes],
        [
            common.get_node_target(modules, node)
            for node in traced.graph.nodes
            if node.op.startswith("call")
        ],
    ]


@program
def functions_of_math_are_wrapped(torch: Any) -> Any:
    return torch.fx.symbolic_trace(lambda x: math.sqrt(x) + math.floor(x)).code


@program
def lines_of_code_changed(torch: Any) -> Any:
    traced = torch.fx.symbolic_trace(lambda x: x + 1)
    found = []
    with traced.graph.on_generate_code(lambda before: lambda body: ["mark = 1\n", *body]):
        traced.recompile()
        found.append(traced.code)
    traced.recompile()
    return [*found, traced.code]


@program
def submodules_added_and_deleted(torch: Any) -> Any:
    traced = torch.fx.symbolic_trace(network(torch)[0])
    found: list[Any] = [traced.add_submodule("new.inner", torch.nn.Linear(1, 1))]
    found.append([name for name, _ in traced.named_modules()])
    traced.delete_all_unused_submodules()
    return [*found, [name for name, _ in traced.named_modules()]]


@program
def modules_of_nodes(torch: Any) -> Any:
    traced = torch.fx.symbolic_trace(network(torch)[0])
    return [(node.name, list(node.meta.get("nn_module_stack", {}))) for node in traced.graph.nodes]


@program
def sequences_unpacked(torch: Any) -> Any:
    def unpack(x):  # type: ignore[no-untyped-def]
        a, b = x.chunk(2)
        (c, _), _ = a, b
        return a + b + c

    return torch.fx.symbolic_trace(unpack).code


@program
def misuse(torch: Any) -> Any:
    fx = torch.fx
    graph, other = fx.Graph(), fx.Graph()
    x = graph.placeholder("x")
    y = graph.call_function(torch.relu, (x,))
    graph.output(y)
    lonely = fx.Graph()
    lonely.output(lonely.call_module("nosuch", (lonely.placeholder("x"),)))
    two = fx.symbolic_trace(lambda x, y: x)
    trials: list[Callable[[], Any]] = [
        lambda: graph.erase_node(x),
        lambda: other.create_node("foo", "x"),
        lambda: graph.inserting_before(other.placeholder("z")),
        lambda: fx.immutable_collections.immutable_list([1]).append(2),
        lambda: fx.immutable_collections.immutable_dict(a=1).pop("a"),
        lambda: fx.wrap(3),
        lambda: fx.wrap("nosuch"),
        lambda: fx.GraphModule({}, lonely),
        lambda: fx.Interpreter(two).run(1),
        lambda: len(fx.Proxy(x)),
        lambda: bool(fx.Proxy(x)),
        lambda: list(fx.Proxy(x)),
        lambda: fx.symbolic_trace(lambda x, n: x + n, concrete_args={"n": 2})(1, 3),
    ]
    found = []
    for trial in trials:
        try:
            found.append(str(trial()))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


def answers(torch: Any) -> dict[str, Any]:
    """Return what each program answers."""
    return {name: run(torch) for name, run in PROGRAMS.items()}
