"""How ``pickle`` itself, outside ``save``, writes objects whose classes bear PyTorch's names.

It would look for the class in PyTorch. ``save`` writes the name, for PyTorch to read.
"""

from __future__ import annotations

import copyreg
import sys
from typing import Any

from ._names import resolve


def new_object(module: str, name: str) -> Any:
    """Return an object, not initialised, of a class of this library by PyTorch's name for it."""
    cls = resolve(module, name)
    return cls.__new__(cls)


def reduce_by_name(self: Any, protocol: Any) -> Any:
    """Return what ``__reduce_ex__`` of an object returns: its class by name, and its state."""
    reduced = object.__reduce_ex__(self, protocol)
    cls = type(self)
    if not cls.__module__.startswith("torch.") or cls is getattr(
        sys.modules.get(cls.__module__), cls.__qualname__, None
    ):
        return reduced
    if reduced[0] is not copyreg.__newobj__:  # type: ignore[attr-defined, index]
        return reduced
    return (new_object, (cls.__module__, cls.__qualname__), *reduced[2:])
