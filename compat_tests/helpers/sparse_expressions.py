"""Expressions of sparse tensors whose results were recorded: ``golden/sparse_expressions.json``.

``python -m tools.record_goldens.sparse_expressions`` records them with the installed PyTorch. The
expressions are the keys of the file: add one there, then record it.
"""

from __future__ import annotations

import json
import math
import warnings
from types import ModuleType
from typing import Any

from compat_tests.helpers.paths import GOLDEN

PATH = GOLDEN / "sparse_expressions.json"


def names_for(torch: ModuleType) -> dict[str, Any]:
    """Return the names that expressions may use.

    Args:
        torch: the library that they call ``torch``.
    """
    x = torch.tensor([[1.0, 0, 2], [0, 3, 0]]).to_sparse()

    def leaf(indices: Any = ((0, 1, 1), (2, 0, 2)), layout: str = "coo") -> Any:
        tensor = torch.sparse_coo_tensor(
            torch.tensor(indices), torch.tensor([3.0, 4.0, 5.0]), (2, 3)
        )
        tensor = tensor if layout == "coo" else tensor.to_sparse(layout=getattr(torch, layout))
        return tensor.requires_grad_()

    def grad(function: Any, tensor: Any) -> Any:
        result = function(tensor)
        node = type(result.grad_fn).__name__
        dense = result if result.layout is torch.strided else result.to_dense()
        (dense * torch.arange(1.0, dense.numel() + 1).reshape(dense.shape)).sum().backward()
        found = tensor.grad
        dense = found if found.layout is torch.strided else found.to_dense()
        rounded = [[round(number, 4) for number in row] for row in dense.tolist()]
        return found.layout, rounded, node

    return {
        "torch": torch,
        "math": math,
        "F": torch.nn.functional,
        "x": x,
        "u": torch.sparse_coo_tensor([[0, 0, 1], [0, 0, 1]], [1.0, 2.0, 3.0], (2, 3)),
        "h": torch.arange(24.0).reshape(2, 3, 4).to_sparse(2),
        "c": x.to_sparse_csr(),
        "csc": x.to_sparse_csc(),
        "b": torch.arange(16.0).reshape(4, 4).to_sparse_bsr((2, 2)),
        "bc": torch.arange(16.0).reshape(4, 4).to_sparse_bsc((2, 2)),
        "d": torch.arange(6.0).reshape(2, 3),
        "e": torch.arange(6.0).reshape(3, 2),
        "m": torch.ones(2, 2),
        "v": torch.arange(3.0),
        "leaf": leaf,
        "grad": grad,
        "S": lambda data: torch.tensor(data).to_sparse(),
        "tensor": torch.tensor,
        "coo": torch.sparse_coo_tensor,
        "csr": torch.sparse_csr_tensor,
    }


def outcome(torch: ModuleType, expression: str) -> str:
    """Return what an expression gives or raises, as text: of refusals the first sentence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(expression, names_for(torch))
            text = repr(result)
            if isinstance(result, torch.Tensor):
                text += f" {result.dtype}"
                if result.layout is torch.sparse_coo:
                    text += f" {'coalesced' if result.is_coalesced() else 'uncoalesced'}"
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
    return text.split(" This could be because")[0].split("\n\nOperator")[0]


def read() -> dict[str, str]:
    """Return the recorded outcomes, by expression."""
    return json.loads(PATH.read_text(encoding="utf-8"))


def write(outcomes: dict[str, str]) -> None:
    """Write the outcomes."""
    text = json.dumps(outcomes, indent=1, ensure_ascii=False)
    PATH.write_text(text + "\n", encoding="utf-8")
