"""What the site shows that is not written by hand: made from the project's own files and counts.

``conf.py`` calls ``generate`` before it reads the pages; the results lie in ``docs/generated`` and
``docs/reference``, which git ignores.
"""

from __future__ import annotations

from pathlib import Path


def generate(docs: Path) -> None:
    """Write everything that the pages include.

    Args:
        docs: the folder of the pages.
    """
    (docs / "generated").mkdir(exist_ok=True)
