"""What PyTorch's ``__torch_dispatch__`` sees of the statements whose operators are written down."""

from __future__ import annotations

import pytest

from compat_tests.utils.test_flop_counter import COUNTS, operands
from compat_tests.utils.test_python_dispatch import STATEMENTS


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
