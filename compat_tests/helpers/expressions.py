"""Expressions whose results were recorded from PyTorch: ``golden/expressions_<family>.json``.

``python -m tools.record_goldens.expressions <family>...`` records them with the installed PyTorch.
"""

from __future__ import annotations

import copy
import json
import math
import warnings
from types import ModuleType
from typing import Any

import numpy as np

from compat_tests.helpers.paths import GOLDEN

PREFIX = "expressions_"


def outcome(torch: ModuleType, expression: str) -> str:
    """Return what an expression gives, raises and warns of, as text.

    Args:
        torch: the library that the expression calls ``torch``.
        expression: may also use ``np``, ``math``, ``copy``, ``a`` (a NumPy array of 2 by 3), ``x``
            (four floats) and ``w`` (two that require grad).
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        names: dict[str, Any] = {
            "torch": torch,
            "np": np,
            "math": math,
            "copy": copy,
            "a": np.arange(6.0).reshape(2, 3),
            "x": torch.arange(4.0),
            "w": torch.ones(2, requires_grad=True),
        }
        torch.manual_seed(0)
        try:
            result = eval(expression, names)
            text = repr(result)
            if isinstance(result, torch.Tensor):
                text += f" {result.dtype} {tuple(result.shape)} {result.stride()}"
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
    for warning in caught:
        words = str(warning.message).split(" (Triggered internally")[0]
        if words.startswith("__array_wrap__ must accept"):
            continue  # NumPy's, of the older form that PyTorch's method has
        if words.startswith("`torch.jit.script` is deprecated"):
            continue  # PyTorch's own, of rules that it loads with the first forward derivative
        text += f" [{warning.category.__name__}: {words}]"
    return text


def families() -> list[str]:
    """Return the names of the recorded families."""
    return sorted(path.stem.removeprefix(PREFIX) for path in GOLDEN.glob(f"{PREFIX}*.json"))


def read(family: str) -> dict[str, str]:
    """Return the recorded outcomes of a family, by expression."""
    return json.loads((GOLDEN / f"{PREFIX}{family}.json").read_text(encoding="utf-8"))


def record(family: str) -> None:
    """Record a family again with the installed PyTorch."""
    import torch

    torch.set_num_threads(1)  # which of two bad indices is named depends on the threads
    outcomes = {expression: outcome(torch, expression) for expression in read(family)}
    text = json.dumps(outcomes, indent=1, ensure_ascii=False)
    (GOLDEN / f"{PREFIX}{family}.json").write_text(text + "\n", encoding="utf-8")
