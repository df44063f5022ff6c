"""Names that libraries use at import: ``torch.jit``, ``distributed``, ``types`` and ``_C``."""

from __future__ import annotations

import warnings

import pytest

import jtorch as torch


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
        yield


def double(x: torch.Tensor, times: int = 2) -> torch.Tensor:
    return x * times


def test_scripts_run_as_python():
    assert torch.jit.script(double)(torch.ones(2)).tolist() == [2, 2]
    assert torch.jit.script_if_tracing(double)(torch.ones(1), 3).tolist() == [3]
    module = torch.nn.Linear(2, 3)
    assert torch.jit.script(module) is module
    assert torch.jit.trace(module, torch.ones(1, 2)) is module
    assert torch.jit.trace(double, (torch.ones(1), 4))(torch.ones(1)).tolist() == [2]
    assert torch.jit.freeze(module.eval()) is module
    assert not torch.jit.is_scripting()
    assert not torch.jit.is_tracing()


def test_decorators_give_back_what_they_get():
    for decorator in (torch.jit.unused, torch.jit.ignore, torch.jit.export, torch.jit.interface):
        assert decorator(double) is double
    assert torch.jit.ignore()(double) is double
    with pytest.warns(FutureWarning, match=r"ignore\(True\) has been deprecated"):
        assert torch.jit.ignore(drop=True)(double) is double


def test_scripts_are_deprecated():
    with pytest.warns(DeprecationWarning, match=r"`torch.jit.script` is deprecated. Please switch"):
        torch.jit.script(double)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: torch.jit.script(5), TypeError, "<class 'int'> is a built-in class"),
        (lambda: torch.jit.load("model.pt"), NotImplementedError, "torch.jit.load: jtorch has no"),
        (lambda: torch.jit.CompilationUnit(), NotImplementedError, "jtorch has no TorchScript"),
        (lambda: torch.jit.freeze(torch.nn.Linear(1, 1)), RuntimeError, "modules in eval mode"),
        (lambda: torch.distributed.get_rank(), ValueError, "Default process group has not been"),
        (lambda: torch.jit.nothing, AttributeError, "module 'torch.jit' has no attribute"),
    ],
)
def test_what_there_is_not_is_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


def test_forks_have_their_results():
    assert torch.jit.wait(torch.jit.fork(double, torch.ones(1))).tolist() == [2]


@pytest.mark.parametrize(
    ("obj", "of", "expected"),
    [
        ([1], list[int], True),
        ([1, "a"], list[int], False),
        ({"a": 1.0}, dict[str, float], True),
        ((1, "a"), tuple[int, str], True),
        ((1,), tuple[int, str], False),
        (None, int | None, True),
        (1.0, int | str, False),
        (1, (str, int), True),
    ],
)
def test_types_with_parameters(obj, of, expected):
    assert torch.jit.isinstance(obj, of) is expected


def test_types_for_annotations():
    assert isinstance(1.5, torch.types.Number)
    assert isinstance(torch.Size((1,)), torch.types._size)
    assert torch._C._get_tracing_state() is None
    assert torch.Tensor.__mro__[1] is torch._C.TensorBase
    assert repr(torch._C.TensorBase) == "<class 'torch._C.TensorBase'>"
