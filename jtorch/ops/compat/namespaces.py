"""``torch.ops.NAMESPACE``: operators that programs define, by namespace."""

from __future__ import annotations

import os
from typing import Any, NoReturn


class OpNamespace:
    """The operators of one namespace, as attributes.

    Args:
        name: of the namespace.
    """

    def __init__(self, name: str):
        self.name = name

    def __getattr__(self, op_name: str) -> NoReturn:
        raise AttributeError(f"'_OpNamespace' '{self.name}' object has no attribute '{op_name}'")

    def __repr__(self) -> str:
        return f"<module 'torch.ops.{self.name}'>"


NAMESPACES: dict[str, OpNamespace] = {}
#: Libraries that were asked for; none can be loaded.
loaded_libraries: set[str] = set()


def namespace(name: str) -> OpNamespace:
    """Return a namespace, made where it is new."""
    return NAMESPACES.setdefault(name, OpNamespace(name))


def load_library(path: Any) -> NoReturn:
    """Refuse to load an extension, which is written for PyTorch's own memory.

    Args:
        path: of a shared library.
    Raises:
        OSError: always; PyTorch's words for a library that cannot be loaded.
    """
    raise OSError(f"Could not load this library: {os.path.realpath(path)}")
