"""The reference: a page for each public module, from docstrings and the record of PyTorch's names.

Each name says how it stands to PyTorch's: ``compat_tests/golden/public_signatures.json`` holds what
PyTorch takes, the lists of gaps why something differs. Docstrings are taken as text: what would be
markup in it is escaped, since ``*`` means itself there.
"""

from __future__ import annotations

import collections
import fnmatch
import importlib
import inspect
import json
import re
import tomllib
import warnings
from pathlib import Path
from typing import Any, NamedTuple

from compat_tests.helpers.paths import GOLDEN, PACKAGE, ROOT
from compat_tests.helpers.signatures import parameters, shown
from jtorch._runtime import absent

#: What only jtorch has, by module.
OURS = {
    "jtorch": ("install", "installed", "uninstall"),
    "jtorch.interop": None,  # everything in its __all__
}
#: Modules of the operator database's comparison, which looks at parameters of C++ functions too.
_COMPARED = (
    "torch", "torch.Tensor", "torch.nn.functional", "torch.linalg", "torch.fft", "torch.special",
    "torch.signal.windows", "torch.masked",
)  # fmt: skip
_MARKUP = re.compile(r"(?<!\\)([*|`]|(?<=\w)_(?!\w))")


class Status(NamedTuple):
    """How a name stands to PyTorch's.

    Attributes:
        sort: a few words that are counted.
        why: a sentence, where there is more to say.
    """

    sort: str
    why: str = ""


SAME, SAME_DOCUMENTED = "same parameters", "same as documented"
DIFFERS, REFUSES, ABSENT = "differs", "refuses", "absent"
NOT_COMPARED, OWN = "not compared", "jtorch's own"
#: In the order of the table of modules.
SORTS = (SAME, SAME_DOCUMENTED, DIFFERS, REFUSES, ABSENT, NOT_COMPARED, OWN)


class _Record:
    """What is known of PyTorch's names, and of those that differ."""

    def __init__(self) -> None:
        path = GOLDEN / "public_signatures.json"
        recorded = json.loads(path.read_text(encoding="utf-8"))
        self.names = {module: found["public"] for module, found in recorded.items()}
        self._beside = {module: found["beside"] for module, found in recorded.items()}
        database = ROOT / "compat_tests" / "oracle" / "database" / "surface_gaps.toml"
        self._gaps = tomllib.loads(database.read_text(encoding="utf-8"))
        lists = ROOT / "compat_tests" / "absent_names.toml"
        self._absent = tomllib.loads(lists.read_text(encoding="utf-8"))["name"]
        reasons = PACKAGE / "_runtime" / "absent" / "reasons.toml"
        self._sentences = tomllib.loads(reasons.read_text(encoding="utf-8"))["reasons"]

    def _why_absent(self, name: str) -> str:
        gap = self._gaps.get(name, {}).get("name")
        listed = (
            entry["reason"]
            for entry in self._absent
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in entry["names"])
        )
        return gap or next(listed, "not written yet")

    def _sentence(self, module: str) -> str:
        parts = [part for part in self._sentences if f"{module}.".startswith(f"{part}.")]
        return self._sentences[max(parts, key=len)]

    def status(self, module: str, name: str, value: Any) -> Status:
        """Say how a name of a module stands to PyTorch's.

        Args:
            module: by PyTorch's name.
            name: within it.
            value: jtorch's, ``absent`` itself where there is none.
        """
        full = f"{module}.{name}"
        if name in self._beside.get(module, ()):
            return Status(NOT_COMPARED)
        if name not in self.names.get(module, {}):
            return Status(OWN)
        if value is absent:
            return Status(ABSENT, self._why_absent(full))
        refused = re.match(r"Refuse the call.*always; (.*)\.\s*\Z", value.__doc__ or "", re.DOTALL)
        if refused:
            return Status(REFUSES, refused[1])
        if name in absent.names().get(module, {}) and not inspect.ismodule(value):
            return Status(REFUSES, self._sentence(module))
        gap = self._gaps.get(full, {}).get("signature")
        if gap:
            return Status(DIFFERS, gap)
        known = self.names[module][name]
        if known is None:
            compared = module in _COMPARED and callable(value)
            return Status(SAME_DOCUMENTED if compared else NOT_COMPARED)
        got = parameters(value)
        if got is not None and [list(each) for each in got] == known:
            return Status(SAME)
        return Status(DIFFERS, f"PyTorch takes ``{shown(known)}``")


def escaped(docstring: str) -> str:
    """Return a docstring in which only double backquotes, lists and sections are markup."""
    lines = []
    in_example = False
    for line in docstring.split("\n"):
        text = line.strip()
        in_example = bool(text) and (in_example or text.startswith(">>>"))
        if in_example:
            lines.append(line)
            continue
        parts = line.split("``")
        # What stands between double backquotes is literal; an odd one is text.
        for number, part in enumerate(parts):
            if number % 2 == 0 or number == len(parts) - 1:
                bullet = re.match(r"\s*[*-] ", part) if number == 0 else None
                start = bullet.end() if bullet else 0
                parts[number] = part[:start] + _MARKUP.sub(r"\\\1", part[start:])
        lines.append("``".join(parts))
    return "\n".join(lines)


def described(value: Any) -> str:
    """Return what the docstring of a name says, as reStructuredText."""
    docstring = inspect.getdoc(value)
    is_constant = not callable(value) and docstring == inspect.getdoc(type(value))
    if not docstring or is_constant:
        return ""
    from sphinx.ext.napoleon import Config, GoogleDocstring

    config = Config(napoleon_use_param=False, napoleon_use_rtype=False)
    return str(GoogleDocstring(escaped(docstring), config)).strip()


def _holder(path: str) -> Any:
    outer, _, last = path.rpartition(".")
    if last[:1].isupper():
        return getattr(importlib.import_module(outer), last)
    return importlib.import_module(path)


def _read(holder: Any, name: str) -> Any:
    try:
        return getattr(holder, name)
    except (AttributeError, NotImplementedError):
        return absent


def _indented(text: str) -> str:
    return "\n".join(f"   {line}".rstrip() for line in text.split("\n"))


def _entry(module: str, name: str, value: Any, status: Status) -> str:
    kind = "class" if inspect.isclass(value) else "function" if callable(value) else "data"
    if inspect.isclass(value) and issubclass(value, BaseException):
        kind = "exception"
    known = parameters(value) if kind in ("class", "function") else None
    if known and inspect.isclass(_holder_of_entry(module)) and known[0][0] in ("self", "input"):
        known = known[1:]
    arguments = shown(known) if known is not None else ""
    arguments = "(...)" if kind == "function" and known is None else arguments
    lines = [f".. py:{kind}:: {module}.{name}{arguments if '<' not in arguments else '(...)'}", ""]
    words = f"*{status.sort}*" + (f": {status.why}" if status.why else "")
    lines += ["   .. container:: status", "", f"      {words}", ""]
    lines += [_indented(described(value)), ""]
    return "\n".join(lines)


def _holder_of_entry(module: str) -> Any:
    return _holder(module if module.startswith("jtorch") else "j" + module)


def _page(module: str, entries: list[tuple[str, Any, Status]]) -> str:
    counts = collections.Counter(status.sort for _, _, status in entries)
    told = ", ".join(f"{counts[sort]} {sort}" for sort in SORTS if counts[sort])
    title = f"``{module}``"
    lines = [title, "=" * len(title), "", f"{len(entries)} names: {told}.", ""]
    ordered = sorted(entries, key=lambda entry: (entry[0].lower(), entry[0]))
    lines += [_entry(module, *entry) for entry in ordered if entry[2].sort not in (REFUSES, ABSENT)]
    # A reader looks for the others; these stand together at the end.
    for sort, heading in ((REFUSES, "Names that refuse"), (ABSENT, "Names that are not there")):
        rows = [
            f"- ``{name}``" + (f": {status.why}" if status.why else "")
            for name, _, status in ordered
            if status.sort == sort
        ]
        if rows:
            lines += [heading, "-" * len(heading), "", *rows, ""]
    return "\n".join(lines)


def _index(counts: dict[str, collections.Counter[str]]) -> str:
    titles = [sort for sort in SORTS if any(count[sort] for count in counts.values())]
    lines = ["   * - module", *(f"     - {title}" for title in titles)]
    total: collections.Counter[str] = collections.Counter()
    for module, count in counts.items():
        total += count
        lines += [f"   * - :doc:`{module} <{module}>`"]
        lines += [f"     - {count[title] or ''}".rstrip() for title in titles]
    lines += ["   * - all", *(f"     - {total[title]}" for title in titles)]
    pages = "\n".join(f"   {module}" for module in counts)
    text = (Path(__file__).parent / "reference_index.rst").read_text(encoding="utf-8")
    return text.replace("@TABLE@", "\n".join(lines)).replace("@PAGES@", pages)


def entries_of(module: str, record: _Record) -> list[tuple[str, Any, Status]]:
    """Return the names of a module with jtorch's values and how they stand to PyTorch's.

    Args:
        module: by PyTorch's name, or one of jtorch's own.
        record: of PyTorch's names.
    """
    holder = _holder_of_entry(module)
    if module in OURS:
        names = OURS[module] or holder.__all__
    else:
        own = () if inspect.isclass(holder) else getattr(holder, "__all__", ())
        own = (name for name in own if not name.startswith("_"))
        names = sorted({*record.names[module], *own})
    found = []
    for name in names:
        value = _read(holder, name)
        if not inspect.ismodule(value) or value is absent:
            found.append((name, value, record.status(module, name, value)))
    return found


def generate(folder: Path) -> None:
    """Write the pages of the reference.

    Args:
        folder: to write them to.
    """
    folder.mkdir(exist_ok=True)
    record = _Record()
    counts: dict[str, collections.Counter[str]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that only warn are read too
        for module in (*record.names, *OURS):
            entries = entries_of(module, record)
            if entries:
                counts[module] = collections.Counter(status.sort for _, _, status in entries)
                (folder / f"{module}.rst").write_text(_page(module, entries), encoding="utf-8")
    (folder / "index.rst").write_text(_index(counts), encoding="utf-8")
