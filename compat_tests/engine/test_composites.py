"""Functions made of several operators are recorded by one look-up, and nothing shows it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import jtorch as torch
from jtorch._engine.execution import growth
from jtorch._engine.recording import composites
from jtorch._engine.recording.trace import local
from jtorch.nn import functional as F
from jtorch.nn.attention import SDPBackend, sdpa_kernel
from jtorch.overrides import TorchFunctionMode


@pytest.fixture(autouse=True)
def fresh():
    growth.forget_everything()
    local.trace.begin()


@pytest.fixture
def called(monkeypatch):
    """The names of the functions that had to be called, where one look-up did not do."""
    names = []
    first_call = composites._first_call

    def counted(function, *args):
        names.append(function.__name__)
        return first_call(function, *args)

    monkeypatch.setattr(composites, "_first_call", counted)
    return names


def turns(function, count=4):
    """Return what each of several equal traces gives."""
    found = []
    for _ in range(count):
        torch.synchronize()
        result = function()
        found.append(np.asarray(result.detach() if isinstance(result, torch.Tensor) else result))
    return found


def test_a_function_is_called_for_the_first_traces_alone(called):
    weight, bias, x = torch.ones(3, 4), torch.ones(3), torch.ones(2, 5, 4)
    for result in turns(lambda: F.linear(x, weight, bias), 6):
        np.testing.assert_array_equal(result, np.full((2, 5, 3), 5.0))
    assert called == ["linear"]  # the first of all found an empty place, where nothing is kept


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 5, 4)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_results_and_gradients_stay_the_same(shape, with_bias):
    weight = torch.arange(12.0).reshape(3, 4).requires_grad_()
    bias = torch.tensor([1.0, 2.0, 3.0], requires_grad=True) if with_bias else None
    x = torch.linspace(0, 1, int(np.prod(shape))).reshape(shape).requires_grad_()
    expected = x.detach().numpy() @ weight.detach().numpy().T
    expected = expected + (bias.detach().numpy() if with_bias else 0)
    names = set()
    for _ in range(4):
        torch.synchronize()
        weight.grad = x.grad = None
        result = F.linear(x, weight, bias)
        names.add(type(result.grad_fn).__name__)
        result.sum().backward()
        np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-6)
        rows = x.detach().numpy().reshape(-1, 4).sum(0)
        np.testing.assert_allclose(weight.grad.numpy(), np.tile(rows, (3, 1)), rtol=1e-6)
        columns = weight.detach().numpy().sum(0)
        np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(columns, shape), rtol=1e-6)
    assert len(names) == 1


def test_a_result_lies_as_it_does_when_the_function_is_called():
    weight, bias, x = torch.ones(3, 4), torch.ones(3), torch.ones(2, 5, 4)
    for _ in range(4):
        torch.synchronize()
        result = F.linear(x, weight, bias)
        assert result._is_view() and result._base.shape == (10, 3)
        result.mul_(2)
        assert result._version == 1 and result._base._version == 1
        assert result._base.tolist() == [[10.0] * 3] * 10


def test_the_same_tensor_twice_is_another_call_than_two():
    a, b = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 5.0]])
    for _ in range(4):
        torch.synchronize()
        assert F.linear(a, a).item() == 5.0
        torch.synchronize()
        assert F.linear(a, b).item() == 13.0


def test_inputs_that_the_trace_knows_are_told_from_new_ones():
    a, b, bias = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 5.0]]), torch.tensor([1.0])
    for order in ("ab", "ba", "ab", "ba", "ab", "ba"):
        torch.synchronize()
        known = (a if order[0] == "a" else b) + 0
        other = b if order[0] == "a" else a
        assert F.linear(known, other, bias).item() == 14.0
        assert F.linear(other, known, bias).item() == 14.0


def test_under_no_grad_and_with_grad_are_two_places():
    weight = torch.ones(2, 2, requires_grad=True)
    for _ in range(4):
        torch.synchronize()
        with torch.no_grad():
            assert not F.linear(torch.ones(1, 2), weight).requires_grad
        torch.synchronize()
        assert F.linear(torch.ones(1, 2), weight).requires_grad


def test_a_view_made_under_no_grad_says_so_later():
    weight, bias = torch.ones(3, 4, requires_grad=True), torch.ones(3)
    for _ in range(4):
        torch.synchronize()
        with torch.no_grad():
            view = F.linear(torch.ones(2, 5, 4), weight, bias)
        assert not view.requires_grad
        with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
            view.mul_(torch.ones((), requires_grad=True))


def test_drawn_masks_differ_from_call_to_call(called):
    torch.manual_seed(0)
    q = torch.ones(1, 1, 8, 4)
    seen = {tuple(turn.ravel()) for turn in turns(
        lambda: F.scaled_dot_product_attention(q, q, q, dropout_p=0.5), 5)}  # fmt: skip
    assert len(seen) == 5
    assert called.count("scaled_dot_product_attention") == 4  # nothing was kept


def test_a_setting_that_functions_look_at_ends_what_is_remembered():
    q = torch.ones(1, 1, 2, 4)
    turns(lambda: F.scaled_dot_product_attention(q, q, q))
    with (
        sdpa_kernel(SDPBackend.EFFICIENT_ATTENTION),
        pytest.raises(RuntimeError, match="No viable backend"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        torch.synchronize()
        F.scaled_dot_product_attention(q, q, q)
    turns(lambda: F.scaled_dot_product_attention(q, q, q))


def test_modes_see_every_call():
    class Names(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            seen.append(function.__name__)
            return function(*args, **(kwargs or {}))

    weight, x = torch.ones(3, 4), torch.ones(2, 4)
    seen = []
    turns(lambda: F.linear(x, weight))
    with Names():
        turns(lambda: F.linear(x, weight))
    assert seen.count("linear") == 4


def test_autocast_still_converts():
    weight, x = torch.ones(3, 4), torch.ones(2, 4)
    for _ in range(4):
        torch.synchronize()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert F.linear(x, weight).dtype is torch.bfloat16
        torch.synchronize()
        assert F.linear(x, weight).dtype is torch.float32


def test_wrong_arguments_raise_each_time():
    for _ in range(4):
        torch.synchronize()
        x = torch.ones(2, 4) + 0
        with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
            F.linear(x, torch.ones(3, 5))


def test_several_results_and_lists_of_operands():
    cell = torch.nn.LSTMCell(2, 3)
    x = torch.ones(4, 2)
    first = None
    for _ in range(4):
        torch.synchronize()
        hidden, memory = torch.lstm_cell(x, (torch.zeros(4, 3), torch.ones(4, 3)),
                                         *cell.parameters())  # fmt: skip
        found = (hidden.tolist(), memory.tolist())
        first = first or found
        assert found == first


def test_a_network_records_the_same_graph_each_time():
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
    x = torch.ones(2, 3, 8)

    def names(node, found):
        if node is not None:
            found.append(type(node).__name__)
            for following, _ in node.next_functions:
                names(following, found)
        return found

    graphs = []
    for _ in range(4):
        torch.synchronize()
        graphs.append(names(layer(x).grad_fn, []))
    assert graphs[0] and all(graph == graphs[0] for graph in graphs)
