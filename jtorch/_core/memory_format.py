"""``torch.memory_format``: in which order the dimensions of a tensor lie in memory."""

from __future__ import annotations


class memory_format:
    """A memory format, such as ``torch.channels_last``; compare with ``is`` or ``==``."""

    __slots__ = ("_name",)
    __module__ = "torch"

    def __init__(self, name: str):
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name

    def __copy__(self) -> memory_format:
        return self

    def __deepcopy__(self, memo: dict) -> memory_format:
        return self


contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")
