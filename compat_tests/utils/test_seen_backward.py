"""The operators of a backward pass and of an optimiser's step, as modes see them.

What PyTorch 2.13 shows stands in ``golden/backward_operators.json``; the oracle asks it again.
"""

from __future__ import annotations

import json
import threading

import pytest

import jtorch as torch
from compat_tests.helpers.paths import GOLDEN
from compat_tests.utils import backward_cases
from jtorch.utils._python_dispatch import TorchDispatchMode

RECORD = json.loads((GOLDEN / "backward_operators.json").read_text())


@pytest.mark.parametrize("statement", RECORD["nodes"])
def test_a_mode_sees_what_a_node_calls(statement: str) -> None:
    found = backward_cases.of_statement(torch, TorchDispatchMode, statement)
    assert found == RECORD["nodes"][statement]


@pytest.mark.parametrize("statement", RECORD["nodes"])
def test_a_gradient_that_is_seen_is_the_same(statement: str) -> None:
    gradients = []
    for seen in (False, True):
        values = backward_cases.operands(torch)
        result = eval(statement, values)
        # Not all ones, so that no gradient of a norm vanishes.
        loss = (result * torch.arange(result.numel()).view(result.shape)).sum()
        if seen:
            with backward_cases.seeing(TorchDispatchMode):
                loss.backward()
        else:
            loss.backward()
        gradients.append({name: values[name].grad for name in backward_cases.SHAPES})
    for name, plain in gradients[0].items():
        other = gradients[1][name]
        assert (plain is None) == (other is None), name
        if plain is not None:
            torch.testing.assert_close(other, plain, rtol=2e-5, atol=2e-4, equal_nan=True)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("name", RECORD["programs"])
def test_a_mode_sees_a_step_of_training(name: str, inside: bool) -> None:
    found = backward_cases.of_program(torch, TorchDispatchMode, name, inside)
    assert found == RECORD["programs"][name]


@pytest.mark.parametrize("name", RECORD["programs"])
def test_training_under_a_mode_gives_the_same(name: str) -> None:
    make, optimiser = backward_cases.PROGRAMS[name]
    trained, gradients = [], []
    for seen in (False, True):
        torch.manual_seed(0)
        model, evaluate = make(torch)
        parameters = list(model.parameters())
        steps = optimiser(torch.optim, parameters)
        evaluate().backward()
        for _ in range(3):  # of one gradient: Adam would magnify what is rounded otherwise
            if seen:
                with backward_cases.seeing(TorchDispatchMode):
                    steps.step()
            else:
                steps.step()
        trained.append([parameter.detach().clone() for parameter in parameters])
        steps.zero_grad()
        if seen:
            with backward_cases.seeing(TorchDispatchMode):
                evaluate().backward()
        else:
            evaluate().backward()
        gradients.append([parameter.grad for parameter in parameters])
    torch.testing.assert_close(trained[1], trained[0])
    torch.testing.assert_close(gradients[1], gradients[0])


def test_a_gradient_that_is_there_is_added_to() -> None:
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    with backward_cases.seeing(TorchDispatchMode) as mode:
        (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 5.0] and mode.seen[-1] == "add_.Tensor"


def test_hooks_and_functions_are_called_once() -> None:
    calls = []

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            calls.append("function")
            return gradient * 2

    x = torch.ones(2, requires_grad=True)
    x.register_hook(lambda gradient: calls.append("leaf"))
    hidden = x.exp()
    hidden.register_hook(lambda gradient: calls.append("result"))
    a, b = (Double.apply(hidden) + 1).split(1)
    with backward_cases.seeing(TorchDispatchMode):
        (a * b).sum().backward()
    expected = x.grad
    assert calls == ["function", "result", "leaf"]
    x.grad = None
    hidden = x.exp()
    a, b = (hidden * 2 + 1).split(1)
    (a * b).sum().backward()
    torch.testing.assert_close(expected, x.grad)


def test_the_graph_is_freed_and_may_be_kept() -> None:
    x = torch.ones(2, requires_grad=True)
    loss = (x * x).sum()
    with backward_cases.seeing(TorchDispatchMode):
        loss.backward(retain_graph=True)
        loss.backward()
        assert x.grad.tolist() == [4.0, 4.0]
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            loss.backward()


def test_what_was_overwritten_is_refused() -> None:
    x = torch.ones(2, requires_grad=True)
    hidden = x * 2
    loss = (hidden * hidden).sum()
    hidden.add_(1)
    refused = pytest.raises(RuntimeError, match="modified by an inplace operation")
    with backward_cases.seeing(TorchDispatchMode), refused:
        loss.backward()


def test_gradients_of_some_tensors_and_of_gradients() -> None:
    x, w = torch.tensor([1.0, 2.0], requires_grad=True), torch.ones(2, requires_grad=True)
    with backward_cases.seeing(TorchDispatchMode):
        hidden = x * w
        loss = (hidden * hidden).sum()
        gradients = torch.autograd.grad(loss, (hidden, x), retain_graph=True)
        assert [each.tolist() for each in gradients] == [[2.0, 4.0], [2.0, 4.0]]
        assert w.grad is None
        (once,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        (twice,) = torch.autograd.grad(once.sum(), x)
    assert once.tolist() == [3.0, 12.0] and twice.tolist() == [6.0, 12.0]


def test_saved_tensors_may_be_packed() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with backward_cases.seeing(TorchDispatchMode):
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 1, lambda t: t):
            loss = (x * x).sum()
        loss.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_mode_of_another_thread_sees_nothing() -> None:
    x = torch.ones(2, requires_grad=True)
    with backward_cases.seeing(TorchDispatchMode) as mode:
        thread = threading.Thread(target=lambda: (x * x).sum().backward())
        thread.start()
        thread.join()
    assert x.grad.tolist() == [2.0, 2.0] and mode.seen == []
