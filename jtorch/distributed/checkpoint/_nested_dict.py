"""State dicts of nested dicts and lists as flat dicts whose keys are paths joined by dots."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import jtorch as torch

from .metadata import STATE_DICT_TYPE

OBJ_PATH = tuple[str | int, ...]
FLATTEN_MAPPING = dict[str, OBJ_PATH]


def _is_traversed(value: Any) -> bool:
    """Tell whether the parts of a value are entries of their own: of dicts, always.

    A list is saved as one object unless it holds a tensor, a dict, or such a list.
    """
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list) and any(
        isinstance(item, torch.Tensor) or _is_traversed(item) for item in value
    )


def _was_traversed(value: Any) -> bool:
    """Tell the same for files of PyTorch before 2.4: there a dict was taken as lists are."""
    if not isinstance(value, (Mapping, list)):
        return False
    items = value.values() if isinstance(value, Mapping) else value
    return any(isinstance(item, torch.Tensor) or _was_traversed(item) for item in items)


def flatten_state_dict(
    state_dict: STATE_DICT_TYPE, *, before_2_4: bool = False
) -> tuple[STATE_DICT_TYPE, FLATTEN_MAPPING]:
    """Return a flat state dict, and the path of each of its keys.

    Args:
        state_dict: nested dicts and lists.
        before_2_4: whether to take dicts without tensors as one object.
    Raises:
        ValueError: two paths are the same when joined.
    """
    flat: STATE_DICT_TYPE = {}
    paths: FLATTEN_MAPPING = {}
    traversed = _was_traversed if before_2_4 else _is_traversed

    def visit(path: OBJ_PATH, value: Any) -> None:
        if traversed(value):
            if isinstance(value, Mapping):
                for key, item in value.items():
                    visit((*path, str(key)), item)
            else:
                for place, item in enumerate(value):
                    visit((*path, place), item)
            return
        key = ".".join(map(str, path))
        if key in flat:
            raise ValueError(f"duplicated flatten key {key}")
        flat[key] = value
        paths[key] = path

    for key, value in state_dict.items():
        visit((str(key),), value)
    return flat, paths


def set_element(root: Any, path: OBJ_PATH, value: Any) -> None:
    """Put a value at a path, making the dicts and lists that lead there."""
    container = root
    for key, following in itertools.pairwise(path):
        make: Callable[[], Any] = dict if type(following) is str else list
        if isinstance(container, Mapping):
            container = container.setdefault(key, make())  # type: ignore[attr-defined]
            continue
        _extend(container, key)
        if container[key] is None:
            container[key] = make()
        container = container[key]
    if type(path[-1]) is int:
        _extend(container, path[-1])
    container[path[-1]] = value


def _extend(items: Any, place: Any) -> None:
    if isinstance(items, list):
        items.extend([None] * (place + 1 - len(items)))


def unflatten_state_dict(state_dict: STATE_DICT_TYPE, mapping: FLATTEN_MAPPING) -> STATE_DICT_TYPE:
    """Return the nested state dict that was flattened: the inverse of ``flatten_state_dict``."""
    nested: STATE_DICT_TYPE = {}
    for key, value in state_dict.items():
        set_element(nested, mapping[key], value)
    return nested
