"""``torch.cond``: one of two functions, chosen by a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._engine.recording import record


def cond(
    pred: bool | int | float | Any,
    true_fn: Callable,
    false_fn: Callable,
    operands: tuple | list = (),
) -> Any:
    """Call one of two functions, which here is done at once: no program holds both.

    Args:
        pred: a number, or a tensor of one element.
        true_fn, false_fn: what is called where it is true and where it is false.
        operands: the arguments; where ``pred`` is a tensor, tensors in tuples, lists and dicts.
    Returns:
        What the function returns.

    Raises:
        RuntimeError: an argument is of another kind.
    """
    if isinstance(pred, (bool, int, float)):
        return true_fn(*operands) if pred else false_fn(*operands)
    if not isinstance(pred, record.Tensor):
        raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    if pred.numel() != 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, (tuple, list)) or not _of_tensors(operands):
        raise RuntimeError(
            "Expect operands to be a tuple of possibly nested dict/list/tuple that only consists "
            f"of tensor leaves, but got {operands}."
        )
    return (true_fn if pred.item() else false_fn)(*operands)


def _of_tensors(tree: Any) -> bool:
    if isinstance(tree, (tuple, list)):
        return all(_of_tensors(child) for child in tree)
    if isinstance(tree, dict):
        return all(_of_tensors(child) for child in tree.values())
    return isinstance(tree, record.Tensor)


cond.__module__ = "torch"
