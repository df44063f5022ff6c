"""What all collectives ask of their arguments."""

from __future__ import annotations

from typing import Any

from .._engine.graph.values import is_tensor
from ._groups import get_group_rank
from ._process_group import ProcessGroup


def check_tensor(value: Any, name: str) -> None:
    """Raise where an argument is no tensor."""
    if not is_tensor(value):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type torch.Tensor\n"
            f"             but got {type(value)} instead."
        )


def check_tensors(values: Any, name: str) -> None:
    """Raise where an argument is no list of tensors."""
    if not isinstance(values, list):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor]\n"
            f"             but got {type(values)} instead."
        )
    if not all(is_tensor(value) for value in values):
        raise TypeError(
            f"Invalid function argument. Expected parameter `{name}` of type List[torch.Tensor]\n"
            f"             but got {type(values)} with elements of type "
            f"{[type(value) for value in values]}."
        )


def check_dtypes(*tensors: Any) -> None:
    flat: list[Any] = []
    for each in tensors:
        flat += each if isinstance(each, (list, tuple)) else [each]
    first = flat[0].dtype
    for each in flat:
        if each.dtype != first:
            raise ValueError(
                f"Invalid usage of tensors with different dtypesFound {first} and  {each.dtype}"
            )


def member_rank(group: ProcessGroup, global_rank: Any, group_rank: Any, default: Any = None) -> int:
    """Return a rank within a group that is given in the world or in the group.

    Raises:
        ValueError: both are given, or none.
    """
    if global_rank is not None and group_rank is not None:
        raise ValueError("Can't specify both group_rank and global_rank")
    if group_rank is not None:
        return int(group_rank)
    if global_rank is None:
        if default is None:
            raise ValueError("Must specify global_rank or group_rank")
        global_rank = default
    return get_group_rank(group, int(global_rank))


def check_root_list(name: str, given: Any, own: bool, role: str) -> None:
    """Raise where the list of tensors of the root is missing there, or given elsewhere."""
    if own and not given:
        raise ValueError(f"Argument ``{name}`` must be specified on {role} rank.")
    if not own and given:
        raise ValueError(f"Argument ``{name}`` must NOT be specified on non-{role} ranks.")


def check_root(name: str, root: int, group: ProcessGroup) -> None:
    if not 0 <= root < group.size():
        raise RuntimeError(f"ProcessGroupGloo::{name}: invalid root rank: {root}")
