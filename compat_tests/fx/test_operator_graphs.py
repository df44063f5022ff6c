"""``make_fx``: the graphs are PyTorch's, and do what the functions do."""

from __future__ import annotations

import json

import pytest

from compat_tests.helpers import operator_graph_cases
from compat_tests.helpers.paths import GOLDEN

RECORDED = json.loads((GOLDEN / "operator_graphs.json").read_text(encoding="utf-8"))
CASES = operator_graph_cases.cases()


def test_every_case_is_recorded():
    assert list(RECORDED) == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_the_graph_is_pytorchs(torch, name):
    assert operator_graph_cases.code(torch, *CASES[name]) == RECORDED[name]


@pytest.mark.parametrize("name", [name for name in CASES if RECORDED[name].startswith("def ")])
def test_the_graph_does_what_the_function_does(torch, name):
    from jtorch.fx.experimental.proxy_tensor import make_fx

    torch.manual_seed(0)
    function, args = operator_graph_cases.made(torch, *CASES[name])
    graph = make_fx(function)(*args)
    results = []
    for each in (function, graph):
        args = operator_graph_cases.made(torch, *CASES[name])[1]
        torch.manual_seed(0)
        result = each(*args)
        results.append((tuple(result) if isinstance(result, tuple) else result, args))
    assert repr(results[0]) == repr(results[1])


@pytest.fixture
def make_fx(torch):
    from jtorch.fx.experimental.proxy_tensor import make_fx

    return make_fx


def test_what_no_mode_sees_is_refused(torch, make_fx):
    x = torch.randn(2, 3)
    layer = torch.nn.Linear(3, 1)
    layer(x).sum().backward()
    optimiser = torch.optim.SGD(layer.parameters())
    for function, words in (
        (lambda a: layer(a).sum().backward(), "does not see the operators"),
        (lambda a: torch.autograd.grad(layer(a).sum(), layer.weight), "of a backward pass"),
        (torch.func.grad(lambda a: (a**2).sum()), "of a backward pass"),
        (torch.func.vmap(lambda a: a.sum()), "that a transform of torch.func captures"),
        (lambda a: (optimiser.step(), a + 1)[1], "of a step of an optimiser"),
        (lambda a: a.tolist(), "that tolist is made of"),
        (lambda a: a[[0, 1]], "that __getitem__ is made of"),
    ):
        with pytest.raises(NotImplementedError, match=words):
            make_fx(function)(x)
    assert torch.autograd.grad(layer(x).sum(), layer.weight)[0].shape == (1, 3)


def test_other_modes_are_refused(torch, make_fx):
    for mode in ("fake", "symbolic"):
        with pytest.raises(NotImplementedError, match=f"tracing_mode='{mode}' is not there"):
            make_fx(torch.sin, tracing_mode=mode)
    with pytest.raises(NotImplementedError, match="below autograd's functions"):
        make_fx(torch.sin, pre_dispatch=True)
    with pytest.raises(AssertionError, match="must be real/fake/symbolic"):
        make_fx(torch.sin, tracing_mode="none")


def test_decompositions_are_traced_instead(torch, make_fx):
    table = {torch.ops.aten.sigmoid.default: lambda a: 1 / (1 + torch.exp(-a))}
    graph = make_fx(torch.sigmoid, decomposition_table=table)(torch.zeros(2))
    targets = [node.target for node in graph.graph.nodes if node.op == "call_function"]
    aten = torch.ops.aten
    assert targets == [
        *(aten.neg.default, aten.exp.default, aten.add.Tensor),
        *(aten.reciprocal.default, aten.mul.Tensor),
    ]
    assert graph(torch.zeros(2)).tolist() == [0.5, 0.5]


def test_nodes_say_what_their_results_are_like(torch, make_fx):
    graph = make_fx(lambda a: a.sum(0).double())(torch.ones(2, 3))
    _, total, double, _ = graph.graph.nodes
    assert (tuple(total.meta["val"].shape), double.meta["val"].dtype) == ((3,), torch.float64)
    assert total.meta["val"].device.type == "meta"
    assert double.meta["tensor_meta"].dtype is torch.float64


def test_writes_without_a_functional_form_are_refused(torch, make_fx):
    x, c = torch.zeros(2, 3), torch.zeros(3)
    functional = torch.func.functionalize
    with pytest.raises(RuntimeError, match="a non-functional tensor with a functional tensor is"):
        make_fx(functional(lambda a: c.add_(a[0])))(x)
    # PyTorch's graph forgets the elements that are in no window.
    with pytest.raises(NotImplementedError, match=r"a write through aten\.unfold\.default$"):
        make_fx(functional(lambda a: (a + 1).unfold(1, 2, 2).add_(1)))(x)


def test_functionalize_leaves_other_calls_alone(torch):
    x = torch.zeros(2)
    assert torch.func.functionalize(lambda a: a.add_(1))(x) is x
    assert x.tolist() == [1.0, 1.0]
    words = r"^functionalize\(f, remove='mutations'\): received invalid argument for remove=views\."
    with pytest.raises(RuntimeError, match=words):
        torch.func.functionalize(lambda a: a, remove="views")(x)


def test_a_leaf_is_made_of_a_pending_result_under_a_mode(torch):
    from jtorch.utils._python_dispatch import BaseTorchDispatchMode

    x = torch.ones(2)
    with BaseTorchDispatchMode():
        leaf = (x * 2).detach().requires_grad_()
        gradient = torch.func.grad(lambda a: (a**2).sum())(x * 2)
    assert leaf.is_leaf and leaf.requires_grad
    assert gradient.tolist() == [4.0, 4.0]


def test_resampling_runs_under_a_mode(torch):
    from jtorch.utils._python_dispatch import BaseTorchDispatchMode

    x = torch.arange(4.0).view(1, 1, 2, 2)
    with BaseTorchDispatchMode():
        result = torch.nn.functional.interpolate(x, scale_factor=2)
    assert result[0, 0, 0].tolist() == [0.0, 0.0, 1.0, 1.0]
