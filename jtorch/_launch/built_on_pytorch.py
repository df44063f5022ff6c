"""Which installed distributions build on PyTorch, and whether jtorch is what they will find.

Metadata and shared objects are read; nothing is imported.
"""

from __future__ import annotations

import importlib.metadata
import mmap
import re
from collections.abc import Iterator
from typing import NamedTuple

from .._version import TORCH_VERSION

_THEIRS = "torch"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: The least version of a requirement: ``torch>=2.14``, ``torch (==2.14.*)``.
_AT_LEAST = re.compile(r"(?:>=|==|~=|>)\s*(\d+(?:\.\d+)*)")
#: The beginnings of the names of PyTorch's own libraries, which a compiled extension is linked to.
_LIBRARIES = (b"libtorch", b"libc10")
_EXTENSIONS = (".so", ".dylib", ".pyd")


class Built(NamedTuple):
    """A distribution that requires PyTorch.

    Attributes:
        name: of the distribution.
        version: of the distribution.
        requirement: what it asks for, ``torch>=2.0``.
        newer: whether that is newer than the PyTorch that jtorch answers for.
        compiled: its files that are linked to PyTorch's C++ libraries, which jtorch does not have.
    """

    name: str
    version: str
    requirement: str
    newer: bool
    compiled: tuple[str, ...]


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_of_pytorch(requirements: list[str] | None) -> str | None:
    """Return what a distribution asks of PyTorch, without its marker; ``None`` where nothing.

    Args:
        requirements: its ``Requires-Dist``. What an extra asks for does not count.
    """
    for text in requirements or ():
        wanted, _, marker = text.partition(";")
        name = _NAME.match(wanted.strip())
        if name and _normalised(name[0]) == _THEIRS and "extra" not in marker:
            return wanted.strip()
    return None


def asks_for_newer(requirement: str) -> bool:
    """Tell whether a requirement asks for a newer PyTorch than jtorch answers for."""
    have = [int(part) for part in TORCH_VERSION.partition("+")[0].split(".")]
    wanted = ([int(part) for part in text.split(".")] for text in _AT_LEAST.findall(requirement))
    return any(version > have for version in wanted)


def _is_linked_to_pytorch(path: str) -> bool:
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            return any(text.find(name) >= 0 for name in _LIBRARIES)
    except (OSError, ValueError):  # an empty file cannot be mapped
        return False


def _compiled(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    for file in distribution.files or ():
        if file.name.endswith(_EXTENSIONS) and _is_linked_to_pytorch(str(file.locate())):
            yield str(file)


def find() -> list[Built]:
    """Return what is installed and requires PyTorch, by name."""
    found: dict[str, Built] = {}
    for distribution in importlib.metadata.distributions():
        requirement = requirement_of_pytorch(distribution.requires)
        name = distribution.metadata["Name"]
        if requirement is None or name is None or _normalised(name) in found:
            continue
        found[_normalised(name)] = Built(
            name,
            distribution.version,
            requirement,
            asks_for_newer(requirement),
            tuple(sorted(_compiled(distribution))),
        )
    return [found[name] for name in sorted(found)]


def installed_pytorch() -> str | None:
    """Return the version of PyTorch that is installed beside jtorch, ``None`` where none is.

    Asked while the import hook is not installed, since that knows a distribution ``torch`` itself.
    """
    for distribution in importlib.metadata.distributions(name=_THEIRS):
        if "jtorch" not in distribution.version:
            return distribution.version
    return None
