"""What PyTorch's ``__torch_dispatch__`` sees of the statements whose operators are written down."""

from __future__ import annotations

import pytest

from compat_tests.utils import backward_cases
from compat_tests.utils.test_flop_counter import COUNTS, operands
from compat_tests.utils.test_python_dispatch import STATEMENTS
from compat_tests.utils.test_seen_backward import RECORD


@pytest.mark.oracle
@pytest.mark.parametrize("statement", STATEMENTS)
def test_pytorch_sees_these_operators(statement: str) -> None:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Names(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.seen.append(str(func))
            return func(*args, **(kwargs or {}))

    names = {
        "x": torch.randn(3, 4),
        "image": torch.randn(2, 3, 8, 8),
        "filter": torch.randn(4, 3, 3, 3),
        "labels": torch.tensor([0, 1, 2]),
        "F": torch.nn.functional,
        "torch": torch,
    }
    with Names() as mode:
        eval(statement, names)
    assert mode.seen == [f"aten.{name}" for name in STATEMENTS[statement].split()]


@pytest.mark.oracle
@pytest.mark.parametrize("program", COUNTS)
def test_pytorch_counts_these_operations(program: str) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as mode:
        eval(program, operands(torch))
    found = mode.get_flop_counts().get("Global", {})
    assert {str(name).removeprefix("aten."): n for name, n in found.items()} == COUNTS[program]


def _seen(library: str, program: str) -> list[str]:
    """Return the operators that a mode sees of a program over a layer."""
    import importlib

    torch = importlib.import_module(library)
    base = importlib.import_module(f"{library}.utils._python_dispatch").TorchDispatchMode

    class Names(base):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    seen: list[str] = []
    layer = torch.nn.Linear(2, 2)
    loss = layer(torch.ones(1, 2)).sum()
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1, foreach=False)
    if program == "step":
        loss.backward()
    with Names():
        loss.backward() if program == "backward" else optimiser.step()
    return [name for name in seen if name.startswith("aten.") and "detach" not in name]


@pytest.mark.oracle
@pytest.mark.parametrize("program", ["backward", "step"])
def test_a_mode_sees_what_training_does(program: str) -> None:
    expected = _seen("torch", program)
    assert expected and _seen("jtorch", program) == expected


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["conv2d", "batch_norm", "slice"])
def test_a_node_has_all_that_it_saved(name: str) -> None:
    import torch

    import jtorch

    def saved(torch) -> list[str]:
        image = torch.ones(2, 3, 4, 4, requires_grad=True)
        results = {
            "conv2d": lambda: torch.nn.functional.conv2d(image, torch.ones(1, 3, 2, 2)),
            "batch_norm": lambda: torch.nn.BatchNorm2d(3)(image),
            "slice": lambda: image[1:],
        }
        node = results[name]().grad_fn
        return [each for each in dir(node) if each.startswith("_saved_")]

    assert saved(jtorch) == saved(torch)


@pytest.mark.oracle
@pytest.mark.parametrize("statement", RECORD["nodes"])
def test_pytorch_calls_this_in_a_backward_pass(statement: str) -> None:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    found = backward_cases.of_statement(torch, TorchDispatchMode, statement)
    assert found == RECORD["nodes"][statement]


@pytest.mark.oracle
@pytest.mark.parametrize("name", RECORD["programs"])
def test_pytorch_calls_this_in_training(name: str) -> None:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    found = backward_cases.of_program(torch, TorchDispatchMode, name, True)
    assert found == RECORD["programs"][name]
