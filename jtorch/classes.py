"""``torch.classes``: classes of extensions in C++, of which jtorch can load none."""

from __future__ import annotations

from typing import Any, NoReturn

from .ops.compat.namespaces import load_library as load_library

__all__ = ["load_library"]


class _ClassNamespace:
    """The classes of one extension: there are none."""

    def __init__(self, name: str):
        self.name = name

    def __getattr__(self, attribute: str) -> NoReturn:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        raise RuntimeError(
            f"Tried to instantiate class '{self.name}.{attribute}', but it does not exist! "
            "Ensure that it is registered via torch::class_"
        )


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'torch.classes' has no attribute '{name}'")
    return _ClassNamespace(name)
