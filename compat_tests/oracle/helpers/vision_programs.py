"""What comparisons of normalisation, padding, resampling and embedding share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_RANDOM = np.random.default_rng(0)
_DATA = {
    name: _RANDOM.standard_normal(shape)
    for name, shape in {
        "x": (2, 6, 5),
        "image": (2, 4, 5, 6),
        "volume": (1, 2, 3, 4, 3),
        "table": (7, 3),
        "channels": (6,),
        "features": (5,),
        "grid": (2, 3, 3, 2),
    }.items()
}


def with_gradients(expression: str, second: bool = True) -> Callable[[Any], Any]:
    """Return a program that evaluates an expression and its first and second gradients.

    Args:
        expression: may use ``F`` (``torch.nn.functional``), ``torch`` and the names of the data,
            float64 tensors that require grad.
        second: whether PyTorch has second gradients.
    """

    def program(torch: Any) -> Any:
        leaves = {name: torch.tensor(data).requires_grad_() for name, data in _DATA.items()}
        names = dict(leaves, torch=torch, F=torch.nn.functional)
        result = eval(expression, names)
        weights = torch.linspace(0.5, 1.5, result.numel(), dtype=torch.float64)
        total = (result.reshape(-1) * weights * result.reshape(-1)).sum()
        used = list(leaves.values())
        found = torch.autograd.grad(total, used, create_graph=second, allow_unused=True)
        if second:
            again = sum([(each * each).sum() for each in found if each is not None])
            found += torch.autograd.grad(again, used, allow_unused=True)
        kind = type(result.grad_fn).__name__
        return kind, result, [None if each is None else each.detach() for each in found]

    return program
