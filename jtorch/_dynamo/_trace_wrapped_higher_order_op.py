"""A context that attention by score functions is called in: indexing as it always is."""

from __future__ import annotations

from .._runtime import absent as _absent


class TransformGetItemToIndex:
    """A context that changes nothing: indexing by a tensor of one element reads no value here."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: object) -> None:
        return None


__getattr__ = _absent.attributes(__name__)
