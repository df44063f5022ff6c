"""Run the blocks of a page of documentation, and compare what they print with what it shows.

``python -m compat_tests.pages docs/install.md`` from the repository root. A page is Markdown; what
stands in a fence is run by its language, in the order of the page and in one scratch folder:

- ``python``: in one session. A block with ``>>>`` shows its output, which is compared; one without
  prints nothing.
- ``{code-block} python`` with a ``:caption:``: kept as the file that the caption names.
- ``console``: what follows a ``$`` is run by the shell; the lines below it are its output.
- ``shell``: commands that set a machine up. They are not run, and stand on few pages (``SET_UP``).

White space does not count, and ``...`` stands for anything, as everywhere in doctests.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from compat_tests.helpers.paths import ROOT

OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
#: Pages whose ``shell`` blocks install something, or run what a session of nox runs.
SET_UP = ("README.md", "docs/install.md", "docs/gpus.md", "docs/contributing.md")
_FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1[ ]*$", re.MULTILINE | re.DOTALL)
_OPTION = re.compile(r"\A(?::[\w-]+:[^\n]*\n)+\n?")
_CAPTION = re.compile(r"^:caption:[ ]*(\S+)[ ]*$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """What stands in one fence.

    Attributes:
        kind: ``python``, ``console``, ``shell`` or ``file``; ``directive`` is text for the
            generator of the site, ``unknown`` is none of these.
        text: without the fence and its options.
        name: of the file that it is kept as.
        line: of the page, where the text begins.
    """

    kind: str
    text: str
    name: str
    line: int


def all_pages() -> list[Path]:
    """Return the README and the pages of docs/ that are written by hand, decisions left out."""
    found = (ROOT / "docs").glob("*.md")
    return [ROOT / "README.md", *sorted(found)]


def blocks(text: str) -> list[Block]:
    """Return what stands in the fences of a page, in their order."""
    found = []
    for match in _FENCE.finditer(text):
        info, body = match[2].strip(), match[3]
        options = _OPTION.match(body) if info.startswith("{") else None
        caption = _CAPTION.search(options[0]) if options else None
        body = body[options.end() :] if options else body
        kind, name = info, ""
        if info.startswith("{code-block}") and caption:
            kind, name = "file", caption[1]
        elif info.startswith("{") and not info.startswith("{code-block}"):
            kind = "directive"
        elif info not in ("python", "console", "shell"):
            kind = "unknown"
        line = text.count("\n", 0, match.end() - len(match[1]) - len(body)) + 1
        found.append(Block(kind, body, name, line))
    return found


class Page:
    """Runs the blocks of one page in the working folder.

    Attributes:
        failed: how many were wrong; what was is printed.
    """

    def __init__(self, label: str):
        self.label = label
        self.failed = 0
        self._names: dict[str, object] = {"__name__": "__main__"}
        self._parser = doctest.DocTestParser()

    def run(self, block: Block) -> None:
        """Run one block."""
        where = f"{self.label}, line {block.line}"
        if block.kind == "file":
            Path(block.name).write_text(block.text, encoding="utf-8")
        elif block.kind == "console":
            self._run_console(block, where)
        elif block.kind == "python":
            self._run_python(block, where)
        elif block.kind == "unknown" or (block.kind == "shell" and self.label not in SET_UP):
            self.failed += 1
            print(f"{where}: a block that nothing runs")

    def _run_python(self, block: Block, where: str) -> None:
        if ">>>" not in block.text:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(block.text, where, "exec"), self._names)
            if printed.getvalue():
                self.failed += 1
                print(f"{where}: prints what is not shown:\n{printed.getvalue()}")
            return
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        above = block.line - 1
        session = self._parser.get_doctest(block.text, self._names, where, self.label, above)
        session.globs = self._names  # the parser copies them, but later blocks build on this one
        runner.run(session, clear_globs=False)
        self.failed += runner.failures

    def _run_console(self, block: Block, where: str) -> None:
        for command, shown in commands(block.text):
            finished = subprocess.run(
                command,
                shell=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                encoding="utf-8",
            )
            if not same(shown, finished.stdout):
                self.failed += 1
                print(f"{where}: $ {command}\nshown:\n{shown}\nprinted:\n{finished.stdout}")


def commands(text: str) -> list[tuple[str, str]]:
    """Return each command of a ``console`` block with the output below it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:].rstrip("\n"), []))
        elif found and found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0] + "\n" + line.rstrip("\n"), [])
        elif found:
            found[-1][1].append(line)
        else:
            raise ValueError(f"a console block begins with a command, not with {line!r}")
    return [(command, "".join(lines)) for command, lines in found]


def same(shown: str, printed: str) -> bool:
    """Tell whether a command printed what a page shows."""
    return doctest.OutputChecker().check_output(shown, printed, OPTIONS)


def set_environment(scratch: str) -> None:
    """Give a page this Python, an empty cache folder, and no settings of the caller's."""
    for name in [name for name in os.environ if name.startswith("JTORCH_")]:
        del os.environ[name]
    paths = [os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]
    os.environ["PATH"] = os.pathsep.join(paths)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    os.environ["PYTHONIOENCODING"] = "utf-8"
    os.environ["JTORCH_CACHE_DIR"] = os.path.join(scratch, "cache")


def run_page(label: str, text: str) -> Page:
    """Run a page in the working folder."""
    page = Page(label)
    for block in blocks(text):
        page.run(block)
    return page


def main(label: str) -> int:
    """Run one page in a scratch folder and return the exit status."""
    text = (ROOT / label).read_text(encoding="utf-8")
    with TemporaryDirectory() as scratch:
        set_environment(scratch)
        os.chdir(scratch)
        page = run_page(label, text)
        os.chdir(ROOT)
    print(f"{label}: {len(blocks(text))} blocks, {page.failed} failed")
    return 1 if page.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
