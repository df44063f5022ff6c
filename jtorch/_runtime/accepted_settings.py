"""Modules of settings that PyTorch's compiler reads: they are kept, and nothing here reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from . import absent


def accept(namespace: dict[str, Any]) -> None:
    """Make a module one of settings: PyTorch's names with their defaults, ``patch`` and the rest.

    Args:
        namespace: the ``globals()`` of the module.
    """
    read = absent.attributes(namespace["__name__"])

    @contextlib.contextmanager
    def patch(*args: Any, **changes: Any) -> Iterator[None]:
        """Change settings inside a ``with`` block or a function.

        Args:
            *args: a name and its value, or a dict of them.
            **changes: more of them.
        """
        if len(args) == 2:
            changes[args[0]] = args[1]
        elif args:
            changes.update(args[0])
        before = {name: namespace[name] for name in changes if name in namespace}
        namespace.update(changes)
        try:
            yield
        finally:
            for name in changes:
                namespace.pop(name, None)
            namespace.update(before)

    def save_config() -> bytes:
        """Return the settings that were changed, for ``load_config``."""
        import pickle

        return pickle.dumps(get_config_copy())

    def load_config(maybe_pickled_config: Any) -> None:
        """Change settings to what ``save_config`` returned."""
        import pickle

        given = maybe_pickled_config
        namespace.update(pickle.loads(given) if isinstance(given, bytes) else given)

    def get_config_copy() -> dict[str, Any]:
        """Return the settings that were changed."""
        own = (bool, int, float, str, type(None))
        return {k: v for k, v in namespace.items() if k[0] != "_" and isinstance(v, own)}

    made: tuple[Callable, ...] = (patch, save_config, load_config, get_config_copy)
    namespace.update({function.__name__: function for function in made})
    namespace["__getattr__"] = read
