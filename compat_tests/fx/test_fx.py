"""``torch.fx``: graphs, codes and programs, with the texts that PyTorch gave for them."""

from __future__ import annotations

import json

import pytest

import jtorch as torch
from compat_tests.helpers import fx_cases, fx_pass_programs, fx_programs
from compat_tests.helpers.paths import GOLDEN

RECORDED = json.loads((GOLDEN / "fx_texts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Return the texts of all cases."""
    return fx_cases.texts(torch)


@pytest.mark.parametrize("name", RECORDED["texts"])
def test_graph_code_and_text_are_pytorchs(name, texts):
    assert texts[name] == RECORDED["texts"][name]


@pytest.mark.parametrize("name", RECORDED["programs"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_programs_answer_as_under_pytorch(name):
    answer = json.loads(json.dumps(fx_pass_programs.PROGRAMS[name](torch)))
    assert answer == RECORDED["programs"][name]


def test_gradients_flow_through_a_traced_module():
    module, x = fx_programs.network(torch)
    traced = torch.fx.symbolic_trace(module)
    traced(x).sum().backward()
    got = module.first.weight.grad.clone()
    module.zero_grad()
    module(x).sum().backward()
    assert torch.equal(got, module.first.weight.grad)


def test_a_traced_module_trains():
    module, x = fx_programs.network(torch)
    traced = torch.fx.symbolic_trace(module)
    optimizer = torch.optim.SGD(traced.parameters(), 0.5)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = (traced(x) - 1).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[1] < losses[0]


def test_wrapped_functions_become_nodes():
    traced = torch.fx.symbolic_trace(lambda x: _halved(x) + len_of(x))
    targets = [node.target for node in traced.graph.nodes if node.op == "call_function"]
    assert [getattr(each, "__name__", each) for each in targets] == ["_halved", "len_of", "add"]
    assert traced(torch.ones(4)).tolist() == [4.5] * 4
    assert traced.code.startswith('\ntorch.fx._symbolic_trace.wrap("')


@torch.fx.wrap
def _halved(x):
    return x / 2


def len_of(x):
    """Return the length, which a proxy does not tell."""
    return len(x)


torch.fx.wrap("len_of")


def test_assertions_are_traced_where_they_are_asked_for():
    class Tracer(torch.fx.Tracer):
        trace_asserts = True

    space = {}  # not written here, where pytest rewrites assertions
    exec("def checked(x):\n    assert x.sum() > 0, 'positive'\n    return x + 1\n", space)
    checked = space["checked"]
    module = torch.fx.GraphModule(torch.nn.Module(), Tracer().trace(checked))
    assert module(torch.ones(1)).tolist() == [2.0]
    with pytest.raises(AssertionError, match="positive"):
        module(-torch.ones(1))


def test_an_error_in_generated_code_shows_its_line(capsys):
    traced = torch.fx.symbolic_trace(lambda x: x.relu().nosuch())
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'nosuch'"):
        traced(torch.ones(1))
    shown = capsys.readouterr().err
    assert "Call using an FX-traced Module, line 6 of the traced Module's generated" in shown


def test_a_graph_is_drawn_as_text():
    from jtorch.fx.passes.graph_drawer import FxGraphDrawer

    traced = torch.fx.symbolic_trace(lambda x: torch.relu(x) + 1)
    text = FxGraphDrawer(traced, "mine").get_dot_graph().to_string()
    assert text.startswith('digraph "mine" {')
    assert "x -> relu;" in text and "relu -> add;" in text and "add -> output;" in text


def test_a_module_is_written_to_a_folder(tmp_path):
    traced = torch.fx.symbolic_trace(fx_programs.network(torch)[0])
    traced.to_folder(tmp_path / "out", "Written")
    source = (tmp_path / "out" / "module.py").read_text()
    assert "class Written(torch.nn.Module):" in source
    assert "def forward(self, x):" in source


def test_a_graph_out_of_order_is_found():
    graph = torch.fx.Graph()
    x = graph.placeholder("x")
    first = graph.call_function(torch.relu, (x,))
    second = graph.call_function(torch.sin, (first,))
    graph.output(second)
    second.append(first)
    with pytest.raises(RuntimeError, match="was used before it has been defined"):
        graph.lint()
    from jtorch.fx.passes.tools_common import legalize_graph

    module = torch.fx.GraphModule(torch.nn.Module(), _reversed_pair())
    assert [node.name for node in legalize_graph(module).graph.nodes][1] == "relu"


def _reversed_pair():
    graph = torch.fx.Graph()
    x = graph.placeholder("x")
    first = graph.call_function(torch.relu, (x,))
    second = graph.call_function(torch.sin, (first,))
    graph.output(second)
    second.append(first)
    return graph
