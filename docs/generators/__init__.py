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
    from compat_tests import pages

    from . import gaps, pictures, reference, settings

    folder = docs / "generated"
    folder.mkdir(exist_ok=True)
    gaps.generate(folder)
    settings.generate(folder)
    reference.generate(docs / "reference")
    first_page = (docs / "first_steps.md").read_text(encoding="utf-8")
    (example,) = [block.text for block in pages.blocks(first_page) if block.name == "train.py"]
    pictures.generate(folder, example)
