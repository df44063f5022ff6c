"""Hooks: functions called with a gradient on its way, and the handle that removes them."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import Any


class RemovableHandle:
    """Removes the hook that it was returned for, by ``remove()`` or at the end of a ``with``.

    Attributes:
        id: number of the hook.

    Args:
        hooks_dict: the hooks by number, a dict that can be referred to weakly.
        extra_dict: a dict, or a list of dicts, that note something about the hook by its number.
    """

    __module__ = "torch.utils.hooks"

    id: int
    next_id = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None):
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        notes = [extra_dict] if isinstance(extra_dict, dict) else extra_dict or ()
        self.extra_dict_ref = tuple([weakref.ref(note) for note in notes])

    def remove(self) -> None:
        """Forget the hook; doing so twice is allowed."""
        for reference in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = reference()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple:
        return self.hooks_dict_ref(), self.id, tuple([note() for note in self.extra_dict_ref])

    def __setstate__(self, state: tuple) -> None:
        hooks, self.id = state[:2]
        # A reference to a new dict is dead at once: there is nothing left to remove from.
        self.hooks_dict_ref = weakref.ref(OrderedDict() if hooks is None else hooks)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)
        notes = state[2] if len(state) > 2 and state[2] is not None else ()
        self.extra_dict_ref = tuple([weakref.ref(note) for note in notes])

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()


def add_hook(hooks: MutableMapping[int, Any], hook: Any) -> RemovableHandle:
    """Add a hook to a dict of them."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle
