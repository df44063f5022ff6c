"""Weak references to tensors, and dicts by what an object is: ``torch.utils.weak``.

Tensors compare element by element, so a dict of the standard library cannot hold them by equality;
here two keys are equal where they are one object.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import jtorch as torch

__all__ = ["TensorWeakRef", "WeakIdKeyDictionary", "WeakIdRef", "WeakTensorKeyDictionary"]

WeakRef = weakref.ref


class WeakIdRef(weakref.ref):
    """A weak reference that is equal to another one to the same object, and hashes as its id.

    Args:
        key: the object.
        callback: called when it is gone.
    """

    __slots__ = ("_id",)

    def __init__(self, key: Any, callback: Callable | None = None):
        super().__init__(key, callback)  # type: ignore[call-arg]
        self._id = id(key)

    def __call__(self) -> Any:
        """Return the object, or ``None`` where it is gone."""
        return super().__call__()

    def __hash__(self) -> int:
        return self._id

    def __eq__(self, other: object) -> bool:
        ours = self()
        theirs = other() if isinstance(other, weakref.ref) else None
        if ours is not None and theirs is not None:
            return ours is theirs
        return self is other

    def __ne__(self, other: object) -> bool:
        return not self == other


class _WeakHashRef(weakref.ref):
    """A weak reference that hashes as its object did, and compares the objects."""

    __slots__ = ("_hash",)

    def __init__(self, key: Any, callback: Callable | None = None):
        super().__init__(key, callback)  # type: ignore[call-arg]
        self._hash = hash(key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        ours = self()
        theirs = other() if isinstance(other, weakref.ref) else None
        if ours is not None and theirs is not None:
            return bool(ours == theirs)
        return self is other


class WeakIdKeyDictionary(MutableMapping):
    """A dict whose keys are held weakly and are equal where they are one object.

    Args:
        dict: its first entries.
        ref_type: the class of the references.
    """

    def __init__(self, dict: Any = None, ref_type: type = WeakIdRef):
        self.data: Any = {}
        self.ref_type = ref_type
        own = weakref.ref(self)

        def remove(reference: Any) -> None:
            there = own()
            if there is not None:
                there.data.pop(reference, None)

        self._remove = remove
        if dict is not None:
            self.update(dict)

    def __getitem__(self, key: Any) -> Any:
        return self.data[self.ref_type(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.data[self.ref_type(key, self._remove)] = value

    def __delitem__(self, key: Any) -> None:
        del self.data[self.ref_type(key)]

    def __len__(self) -> int:
        return len(self.keyrefs())

    def __iter__(self) -> Iterator[Any]:
        for reference in list(self.data):
            key = reference()
            if key is not None:
                yield key

    def __contains__(self, key: object) -> bool:
        try:
            return self.ref_type(key) in self.data
        except TypeError:
            return False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x}>"

    def keyrefs(self) -> list[Any]:
        """Return references to the keys that are left."""
        return [reference for reference in list(self.data) if reference() is not None]

    def items(self) -> Any:
        """Return the pairs of keys that are left and their values."""
        return [(key, self.data[self.ref_type(key)]) for key in self]

    def keys(self) -> Any:
        """Return the keys that are left."""
        return list(self)

    def values(self) -> Any:
        """Return the values of the keys that are left."""
        return [value for _, value in self.items()]

    def popitem(self) -> tuple[Any, Any]:
        """Take away one pair, and return it."""
        while True:
            reference, value = self.data.popitem()
            key = reference()
            if key is not None:
                return key, value

    def copy(self) -> Any:
        """Return a dict of the same keys and values."""
        made = type(self)(None, self.ref_type)
        made.update(self)
        return made

    __copy__ = copy

    def __deepcopy__(self, memo: dict) -> Any:
        made = type(self)(None, self.ref_type)
        made.update([(key, copy.deepcopy(value, memo)) for key, value in self.items()])
        return made

    def update(self, dict: Any = None, /, **kwargs: Any) -> None:  # type: ignore[override]
        """Add the entries of another dict."""
        found = {} if dict is None else dict
        for key, value in found.items() if hasattr(found, "items") else found:
            self[key] = value
        for name, value in kwargs.items():
            self[name] = value

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __or__(self, other: Any) -> Any:
        if not hasattr(other, "items"):
            return NotImplemented
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: Any) -> Any:
        if not hasattr(other, "items"):
            return NotImplemented
        made = type(self)(None, self.ref_type)
        made.update(other)
        made.update(self)
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WeakIdKeyDictionary):
            return NotImplemented
        ours = {id(key): value for key, value in self.items()}
        return ours == {id(key): value for key, value in other.items()}

    __hash__ = None  # type: ignore[assignment]


WeakTensorKeyDictionary = WeakIdKeyDictionary


class TensorWeakRef:
    """A weak reference to a tensor.

    Args:
        tensor: the tensor.
    """

    def __init__(self, tensor: Any):
        if not isinstance(tensor, torch.Tensor):
            raise AssertionError(f"expected torch.Tensor, got {type(tensor)}.")
        self.ref = weakref.ref(tensor)

    def __call__(self) -> Any:
        """Return the tensor, or ``None`` where it is gone."""
        return self.ref()
