"""Hooks: functions called with a gradient on its way, and the handle that removes them."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import MutableMapping
from typing import Any

_ids = itertools.count()


class RemovableHandle:
    """Removes the hook that it was returned for, by ``remove()`` or at the end of a ``with``.

    Attributes:
        id: number of the hook.
    """

    __module__ = "torch.utils.hooks"

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None):
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = next(_ids)

    def remove(self) -> None:
        """Forget the hook; doing so twice is allowed."""
        hooks = self.hooks_dict_ref()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.remove()


def add_hook(hooks: MutableMapping[int, Any], hook: Any) -> RemovableHandle:
    """Add a hook to a dict of them."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle
