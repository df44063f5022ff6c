"""Calling the hooks of tensors and nodes in a backward pass, and checking what they return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._core import messages
from ..graph.trie import Instruction
from ..graph.values import Value, is_tensor
from ..recording.record import wrap
from ..recording.storage import current_value


def call_before(hooks: Any, gradients: list[Value]) -> list[Value]:
    """Call the hooks of a node with the gradients of its outputs, and return those to use."""
    for hook in list(hooks):
        changed = hook(tuple([wrap(gradient) for gradient in gradients]))
        if changed is not None:
            changed = changed if isinstance(changed, tuple) else (changed,)
            gradients = [current_value(tensor) for tensor in changed]
    return gradients


def check_hook(hook: Callable, before: Value, after: Value) -> None:
    """Raise where a hook gave a gradient of another dtype or shape."""
    name = getattr(hook, "__name__", type(hook).__name__)
    if after.meta.dtype is not before.meta.dtype:
        raise messages.hook_changed_type(
            name, before.meta.dtype._legacy_name, after.meta.dtype._legacy_name
        )
    if after.meta.shape != before.meta.shape:
        raise messages.hook_changed_size(name)


def edges_of(instruction: Instruction, count: int) -> list[int | None]:
    """Return which of the computed gradients each edge of an instruction's node gets, if any.

    Args:
        instruction: the instruction.
        count: the number of gradients.
    """
    if count != len(instruction.gradient_operands):
        return list(range(count))  # one tensor at several places has one gradient here
    place = {position: at for at, position in enumerate(instruction.gradient_operands)}
    numbers = tensor_operands(instruction)
    return [
        place.get(position)
        for position, reference in enumerate(instruction.operands)
        if isinstance(reference, int) or position in numbers
    ]


def call_behind(
    hook: Callable, edges: list[int | None], values: list[Value], above: tuple
) -> list[Value]:
    """Call a hook with the gradients that a node gave, and return those to use."""
    given = tuple([None if at is None else wrap(values[at]) for at in edges])
    changed = hook(given, above)
    if changed is None:
        return values
    changed = changed if isinstance(changed, tuple) else (changed,)
    name = getattr(hook, "__name__", type(hook).__name__)
    if len(changed) != len(edges):
        raise messages.hook_gave_other_number(name, len(changed), len(edges))
    values = list(values)
    for at, tensor in zip(edges, changed):
        if at is None or tensor is None:
            continue
        if not is_tensor(tensor):
            raise messages.hook_gave_no_tensor(tensor)
        check_hook(hook, values[at], current_value(tensor))
        values[at] = current_value(tensor)
    return values


#: Operators of which PyTorch makes a number a tensor: ``x * 2`` has an edge for it.
_WITH_NUMBERS = frozenset(("add", "add_", "div", "div_", "mul", "mul_", "sub", "sub_"))


def tensor_operands(instruction: Any) -> set[int]:
    """Return the positions of numbers that PyTorch makes tensors of."""
    if instruction.op.name not in _WITH_NUMBERS:
        return set()
    return {at for at, each in enumerate(instruction.operands[:2]) if not isinstance(each, int)}
