"""Record PyTorch's answers anew: ``python -m tools.record_goldens [FAMILY ...]``.

A family is a recorder of this folder, or one set of expressions (``expressions.padding``; all of
them: ``expressions``). Without a family, they are listed. ``--wine`` and ``--seeds`` name the
folders of the data that ``examples`` and ``seed_blocks`` read.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

from compat_tests.helpers.expressions import families

HERE = Path(__file__).parent
EXPRESSIONS = "expressions"
#: Recorders that read data which is not in the repository: the options that name it.
DATA = {"examples": ("wine",), "seed_blocks": ("seeds", "wine")}
OPTIONAL_DATA = ("examples",)


def recorders() -> dict[str, str]:
    """Return the first line of each recorder's docstring, by its name."""
    lines = {}
    for path in sorted(HERE.glob("[!_]*.py")):
        source = path.read_text(encoding="utf-8")
        lines[path.stem] = source.removeprefix('"""').partition("\n")[0]
    return lines


def listing() -> str:
    """Return the families, one a line."""
    lines = [f"{name:12} {about}" for name, about in recorders().items()]
    lines += [f"  {EXPRESSIONS}.{family}" for family in families()]
    return "\n".join(lines)


def arguments_of(name: str, options: argparse.Namespace) -> list[str] | None:
    """Return what a recorder's ``main`` is called with, None if needed data was not named."""
    recorder, _, part = name.partition(".")
    if part:
        return [part]
    found = [getattr(options, option) for option in DATA.get(recorder, ())]
    if None in found:
        return [] if recorder in OPTIONAL_DATA else None
    return found


def main(words: Sequence[str] | None = None) -> None:
    """Record the families that the command line names, or list them."""
    parser = argparse.ArgumentParser(prog="python -m tools.record_goldens", description=__doc__)
    parser.add_argument("family", nargs="*")
    parser.add_argument("--wine", help="folder of wine-red.pt")
    parser.add_argument("--seeds", help="folder of the documents")
    options = parser.parse_args(words)
    if not options.family:
        print(listing())
        return
    known = [*recorders(), *(f"{EXPRESSIONS}.{family}" for family in families())]
    if unknown := [name for name in options.family if name not in known]:
        parser.error(f"no family {', '.join(unknown)}; there are:\n{listing()}")
    arguments = {name: arguments_of(name, options) for name in options.family}
    if lacking := [name for name, given in arguments.items() if given is None]:
        parser.error(f"{', '.join(lacking)}: --seeds and --wine name the data")
    for name, given in arguments.items():
        importlib.import_module(f"tools.record_goldens.{name.partition('.')[0]}").main(*given)
        print(f"recorded: {name}")


if __name__ == "__main__":
    main()
