"""What remains of ``distutils.version`` under the hook, where the real one is gone (Python 3.12).

Packages made for older Pythons compare versions with it: torchviz 0.0.2 does when it is imported.
"""

from __future__ import annotations

import functools
import re

_COMPONENT = re.compile(r"\d+|[a-z]+", re.IGNORECASE)


@functools.total_ordering
class LooseVersion:
    """A version number of any shape, compared number by number and word by word.

    Attributes:
        vstring: the text it was made from.
        version: its components, such as ``[1, 5, "a", 2]``.
    """

    def __init__(self, vstring: str | None = None):
        if vstring:
            self.parse(vstring)

    def parse(self, vstring: str) -> None:
        """Split ``vstring`` into its components."""
        self.vstring = vstring
        self.version = [
            int(part) if part.isdigit() else part for part in _COMPONENT.findall(vstring)
        ]

    def __str__(self) -> str:
        return self.vstring

    def __repr__(self) -> str:
        return f"LooseVersion ('{self.vstring}')"

    def __eq__(self, other: object) -> bool:
        other = LooseVersion(other) if isinstance(other, str) else other
        return self.version == other.version if isinstance(other, LooseVersion) else NotImplemented

    def __lt__(self, other: object) -> bool:
        other = LooseVersion(other) if isinstance(other, str) else other
        return self.version < other.version if isinstance(other, LooseVersion) else NotImplemented

    __hash__ = None  # type: ignore[assignment]
