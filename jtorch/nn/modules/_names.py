"""How modules are pickled, whose classes bear PyTorch's names."""

from __future__ import annotations

import copyreg
import sys
from typing import Any

from ...serialization import _names


def new_module(module: str, name: str) -> Any:
    """Return a module, not initialised, of a class of this library by PyTorch's name for it."""
    cls = _names.resolve(module, name)
    return cls.__new__(cls)


def pickled(module: Any, reduced: Any) -> Any:
    """Return what ``__reduce_ex__`` of a module returns.

    Args:
        module: the module.
        reduced: what ``object`` says: to make it anew by its class. Where that class is one of this
            library, ``pickle`` would look for it in PyTorch, so it is named in another way.
    """
    cls = type(module)
    if not cls.__module__.startswith("torch.") or cls is getattr(
        sys.modules.get(cls.__module__), cls.__qualname__, None
    ):
        return reduced
    if reduced[0] is not copyreg.__newobj__:  # type: ignore[attr-defined]
        return reduced
    return (new_module, (cls.__module__, cls.__qualname__), *reduced[2:])
