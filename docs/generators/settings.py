"""The table of settings, from the docstring of the module that reads them."""

from __future__ import annotations

import re
from pathlib import Path

from jtorch._core import config

from .gaps import table

_ROW = re.compile(r"^``(JTORCH_\w+)``\s+(.*(?:\n {8,}.*)*)", re.MULTILINE)


def settings() -> list[tuple[str, str]]:
    """Return the name of each environment variable and what it does."""
    found = [(name, " ".join(text.split())) for name, text in _ROW.findall(config.__doc__ or "")]
    return [(name, text.replace("``", "`")) for name, text in found]


def generate(folder: Path) -> None:
    """Write the table that ``install.md`` includes.

    Args:
        folder: to write it to.
    """
    rows = ((f"`{name}`", text) for name, text in settings())
    (folder / "settings.md").write_text(table(("variable", "what it does"), rows), encoding="utf-8")
