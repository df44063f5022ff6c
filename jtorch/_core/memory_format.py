"""``torch.memory_format``: in which order the dimensions of a tensor lie in memory."""

from __future__ import annotations

from inspect import Signature


class memory_format:
    """A memory format, such as ``torch.channels_last``; compare with ``is`` or ``==``."""

    __slots__ = ("_name",)
    __module__ = "torch"

    __signature__ = Signature()
    _name: str

    def __new__(cls, *args: object, **kwargs: object) -> memory_format:
        raise TypeError("cannot create 'torch.memory_format' instances")

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name

    def __copy__(self) -> memory_format:
        return self

    def __deepcopy__(self, memo: dict) -> memory_format:
        return self


def _make(name: str) -> memory_format:
    made = object.__new__(memory_format)
    made._name = name
    return made


contiguous_format = _make("contiguous_format")
preserve_format = _make("preserve_format")
channels_last = _make("channels_last")
channels_last_3d = _make("channels_last_3d")
