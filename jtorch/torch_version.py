"""``TorchVersion``: a text that compares as a version does."""

from __future__ import annotations

import functools
import re
from typing import Any

from ._version import TORCH_VERSION

__all__ = ["TorchVersion"]

_PATTERN = re.compile(r"\s*v?(\d+(?:\.\d+)*)[-_.]?((?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?"
                      r"[-_.]?((?:post|r|rev)[-_.]?\d*)?[-_.]?((?:dev)[-_.]?\d*)?"
                      r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*", re.IGNORECASE)  # fmt: skip
_PHASES = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}


def _numbered(text: str) -> tuple[str, int]:
    word = text.rstrip("0123456789")
    number = int(text[len(word) :] or 0)
    word = word.strip("-_.").lower()
    return _PHASES.get(word, word), number


@functools.cache
def _key(text: str) -> tuple | None:
    """Return what orders versions as PEP 440 does; ``None`` for what is none."""
    found = _PATTERN.fullmatch(text)
    if found is None:
        return None
    release, pre, post, dev, local = found.groups()
    numbers = [int(part) for part in release.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    # Development releases come before pre-releases, these before the release, then what follows.
    first: tuple = ("~",)
    if pre:
        first = _numbered(pre)
    elif dev and not post:
        first = ("",)
    after = _numbered(post)[1] if post else -1
    unfinished = (0, _numbered(dev)[1]) if dev else (1,)
    parts = re.split(r"[-_.]", local.lower()) if local else []
    suffix = tuple([(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts])
    return tuple(numbers), first, after, unfinished, suffix


def _text_of(other: Any) -> str:
    if isinstance(other, (tuple, list)):
        return ".".join(str(part) for part in other)
    if isinstance(other, str):
        return str.__str__(other)
    return str(other)


class TorchVersion(str):
    """A text of a version; compared with a text, a tuple of numbers or a version, it is ordered.

    Example:
        >>> from jtorch.torch_version import TorchVersion
        >>> TorchVersion("1.10.0a") > "1.2", TorchVersion("2.13.0+jtorch") >= (2, 13)
        (True, True)
    """

    __slots__ = ()

    def _compare(self, other: Any, method: str) -> Any:
        own, others = _key(str.__str__(self)), _key(_text_of(other))
        if own is None or others is None:
            return getattr(str, method)(str.__str__(self), other)
        return getattr(tuple, method)(own, others)

    def __gt__(self, other: Any) -> bool:
        return self._compare(other, "__gt__")

    def __lt__(self, other: Any) -> bool:
        return self._compare(other, "__lt__")

    def __eq__(self, other: Any) -> bool:
        return self._compare(other, "__eq__")

    def __ge__(self, other: Any) -> bool:
        return self._compare(other, "__ge__")

    def __le__(self, other: Any) -> bool:
        return self._compare(other, "__le__")

    def __ne__(self, other: Any) -> bool:
        return not self == other

    __hash__ = str.__hash__


__version__ = TorchVersion(TORCH_VERSION)
