"""``__torch_function__``: what is dispatched, to whom, and what comes back, as PyTorch recorded."""

from __future__ import annotations

import dis
import json

import pytest

import jtorch as torch
import jtorch.overrides
from compat_tests.helpers import dispatch_programs
from compat_tests.helpers.dispatch_statements import logs
from compat_tests.helpers.paths import GOLDEN
from jtorch._engine.recording import overrides as engine
from jtorch._tensor.subclasses import Overriding

RECORDED = json.loads((GOLDEN / "dispatch_logs.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def noted() -> dict:
    """Return the logs of all statements."""
    return json.loads(json.dumps(logs(torch)))


@pytest.mark.parametrize("statement", RECORDED["statements"])
def test_the_same_calls_are_dispatched_as_in_pytorch(statement, noted):
    assert noted[statement] == RECORDED["statements"][statement]


@pytest.mark.parametrize("name", RECORDED["programs"])
def test_programs_answer_as_under_pytorch(name):
    answer = json.loads(json.dumps(dispatch_programs.PROGRAMS[name](torch)))
    assert answer == RECORDED["programs"][name]


class _Object:
    """Overrides every function, and notes which."""

    seen: list = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.seen.append(func)
        return "taken"


def _required(function) -> int:
    """Return how many arguments by position a function needs."""
    parameters = jtorch.overrides.get_testing_overrides()[function].__signature__.parameters
    return sum(
        each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
        for each in parameters.values()
    )


@pytest.mark.parametrize("space", ["torch", "nn.functional", "linalg", "fft", "special"])
def test_every_function_is_overridden_by_an_object(space):
    module = torch
    for part in space.split(".")[space == "torch" :]:
        module = getattr(module, part)
    missed = []
    for function in jtorch.overrides.get_overridable_functions()[module]:
        _Object.seen.clear()
        count = max(1, _required(function))
        try:
            result = function(*[_Object() for _ in range(count)])
        except Exception as error:
            result = error
        if result != "taken" or _Object.seen != [function]:
            missed.append((function.__name__, result))
    assert missed == []


def test_plain_tensors_run_the_code_that_they_ran_before():
    """A recorder reads one slot under another name: no instruction more than for ``_value``."""
    slot = torch.Tensor.__dict__["_value"]
    assert torch.Tensor.__dict__["_operand"] is slot
    recorders = [torch.Tensor.__add__, torch.add, torch.exp, torch.Tensor.add_]
    for recorder in recorders:
        names = {each.argval for each in dis.get_instructions(recorder)}
        assert "state" not in names and "modes" not in names
    assert Overriding not in torch.Tensor.__mro__
    assert Overriding not in torch.nn.Parameter.__mro__


def test_a_mode_leaves_nothing_behind():
    class Mode(jtorch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return func(*args, **(kwargs or {}))

    zeros, getitem = torch.zeros, torch.Tensor.__getitem__
    with pytest.raises(KeyError), Mode():
        assert torch.zeros == zeros
        raise KeyError
    assert torch.zeros is zeros
    assert torch.Tensor.__getitem__ is getitem
    assert "__getattribute__" not in torch.Tensor.__dict__
    assert torch.Tensor.__dict__["_operand"] is torch.Tensor.__dict__["_value"]
    assert engine.state.modes == () and int in engine.PLAIN


def test_an_error_of_an_implementation_shows_no_machinery():
    class Failing(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        torch.add(torch.ones(1), torch.ones(1).as_subclass(Failing))
    assert caught.value.__context__ is None


def test_a_method_of_a_subclass_may_call_that_of_the_tensor():
    class Doubling(torch.Tensor):
        def sum(self, *args, **kwargs):
            return super().sum(*args, **kwargs) * 2

    x = torch.ones(3).as_subclass(Doubling)
    assert x.sum().item() == 6.0
    assert type(x.sum()) is Doubling
    assert torch.sum(x).item() == 3.0


def test_modes_see_calls_of_autograd() -> None:
    """Under torch 2.13 they see ``torch.autograd.grad`` and ``backward``, and all arguments."""
    seen = []

    class Mode(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append((func.__name__, len(args), sorted(kwargs or {})))
            return func(*args, **(kwargs or {}))

    x = torch.ones(3, requires_grad=True)
    y, z = (x * x).sum(), (x * 2).sum()
    with Mode():
        (gradient,) = torch.autograd.grad(y, x)
        torch.autograd.backward(z)
    assert gradient.tolist() == [2, 2, 2] and x.grad.tolist() == [2, 2, 2]
    options = ["create_graph", "retain_graph"]
    of_grad = ["allow_unused", "grad_outputs", "is_grads_batched", "materialize_grads"]
    assert seen == [
        ("grad", 2, sorted([*options, *of_grad, "only_inputs"])),
        ("backward", 1, sorted([*options, "grad_tensors", "inputs"])),
    ]
