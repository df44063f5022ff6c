"""Find the Python blocks of the documents that jtorch is held against, with their output.

Four kinds of page are known, told apart by how they write code: Markdown fences followed by a
fence of output, a ``<pre>`` session with the output between the statements, a course page whose
scraper lost the line breaks, and a scanned book page with a table of inputs and outputs.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# The book's table starts after its first input, which stands on the page before with the helper
# that both inputs call. This is our reading of that page: what it prints is Output[1].
BOOK_FIRST_INPUT = """
import torch

def describe(x):
    print(f"Type: {x.type()}")
    print(f"Shape/size: {x.shape}")
    print(f"Values:\\n{x}")

x = torch.ones(2, 2, requires_grad=True)
y = (x + 2) * (x + 5) + 3
describe(y)
print(x.grad is None)
"""


@dataclass(frozen=True)
class Block:
    """A piece of code from a document.

    Attributes:
        key: the kind of document and the block's number in it, such as ``tutorial-07``.
        session: blocks of one session share their names and run in order.
        code: the source, unmodified.
        documented: the output shown with it, or None where the document shows none.
    """

    key: str
    session: str
    code: str
    documented: str | None


def read_blocks(folder: Path) -> list[Block]:
    """Return the blocks of every document in a folder, each document's in their order."""
    blocks: list[Block] = []
    for path in sorted(folder.iterdir()):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            for marker, reader in READERS.items():
                if marker in text:
                    blocks += reader(text)
                    break
    return blocks


def fenced(text: str) -> list[Block]:
    """Read Markdown: a python fence, and the fence after it as its output if it follows at once."""
    fences: list[tuple[str, str, int, int]] = []  # info string, content, first and last line
    opened: tuple[str, str, int] | None = None
    content: list[str] = []
    for number, line in enumerate(text.splitlines()):
        stripped = line.strip()
        if opened is None and stripped.startswith("```"):
            indent = line[: len(line) - len(line.lstrip())]
            opened, content = (stripped[3:], indent, number), []
        elif opened is not None and stripped == "```":
            info, indent, first = opened
            body = "\n".join(row.removeprefix(indent) for row in content)
            fences.append((info, body, first, number))
            opened = None
        elif opened is not None:
            content.append(line)
    blocks = []
    following: list[tuple[str, str, int, int] | None] = [*fences[1:], None]
    for (info, body, _, last), after in zip(fences, following, strict=True):
        if not info.startswith("python"):
            continue
        shown = after is not None and after[2] == last + 1 and not after[0].startswith("python")
        key = f"tutorial-{len(blocks):02d}"
        blocks.append(Block(key, key, body + "\n", after[1] if after and shown else None))
    return blocks


def interleaved(text: str) -> list[Block]:
    """Read ``<pre>`` sessions, in which what follows a print up to the next gap is its output."""
    blocks: list[Block] = []
    seen: set[str] = set()
    for session in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL):
        for chunk in re.split(r"\n\s*\n", html.unescape(session).strip("\n")):
            lines = chunk.split("\n")
            printing = [at for at, line in enumerate(lines) if line.startswith("print(")]
            end = printing[-1] + 1 if printing else len(lines)
            code, output = "\n".join(lines[:end]), "\n".join(lines[end:])
            # The page goes through its session again, statement by statement, to explain it; run
            # again in one session, the gradient would be added to the first one.
            if code.strip() and code not in seen:
                seen.add(code)
                key = f"article-{len(blocks):02d}"
                blocks.append(Block(key, "article", code + "\n", output or None))
    return blocks


def flattened(text: str) -> list[Block]:
    """Read a page that lost its line breaks; the line numbers it kept say how many there were."""
    statement = r" (?=import |# |print\(|[a-z]+ = |[a-z]+\.backward\()"
    blocks: list[Block] = []
    seen: set[str] = set()
    for numbers, line in re.findall(r"^(\d+)\n(import torch .*)\ncopy$", text, re.MULTILINE):
        if line in seen:  # the page holds its lesson twice
            continue
        seen.add(line)
        lines = re.split(statement, line)
        counted = "".join(str(number) for number in range(1, len(lines) + 1))
        if counted != numbers:
            raise ValueError(f"{len(lines)} lines, but the page numbers {numbers}: {line}")
        key = f"course-{len(blocks):02d}"
        blocks.append(Block(key, key, "\n".join(lines) + "\n", None))
    return blocks


def tabled(text: str) -> list[Block]:
    """Read a table of ``Input[n]`` and ``Output[n]`` rows; the first input is ours."""
    cells: dict[str, str] = {
        name: html.unescape(re.sub(r"<br\s*/?>", "\n", cell))
        for name, cell in re.findall(
            r"<th>((?:In|Out)put\[\d+\])</th>\s*<td>(.*?)</td>", text, re.DOTALL
        )
    }
    cells.setdefault("Input[1]", BOOK_FIRST_INPUT)
    return [
        Block(
            key=f"book-{number - 1:02d}",
            session="book",
            code=cells[f"Input[{number}]"] + "\n",
            documented=cells[f"Output[{number}]"],
        )
        for number in range(1, len(cells) // 2 + 1)
    ]


READERS: dict[str, Callable[[str], list[Block]]] = {
    "```python": fenced,
    "<pre>import torch": interleaved,
    "<th>Input[": tabled,
    "\ncopy\n": flattened,
}
