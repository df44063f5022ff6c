"""The examples in the docstrings of the installed PyTorch, run by both libraries.

They are read when they are run; none is kept here. PyTorch runs each docstring twice, in two
processes, from the same seed: a statement that raises there, or prints something else the second
time, is left out. jtorch runs it in a process without PyTorch, where ``import torch`` gives jtorch.

Beside ``torch``, a namespace holds what PyTorch's examples take for granted: ``nn``, ``F``,
``optim``, ``np`` and ``math``.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib
import inspect
import io
import json
import math
import os
import random
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

MODULES = (
    "torch", "torch.linalg", "torch.fft", "torch.special", "torch.signal.windows", "torch.masked",
    "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.utils",
    "torch.nn.utils.parametrizations", "torch.nn.utils.parametrize", "torch.nn.utils.prune",
    "torch.nn.utils.rnn", "torch.nn.utils.stateless", "torch.nn.attention", "torch.optim",
    "torch.optim.lr_scheduler", "torch.optim.swa_utils", "torch.autograd",
    "torch.autograd.functional", "torch.autograd.forward_ad", "torch.autograd.graph",
    "torch.autograd.profiler", "torch.func", "torch.random", "torch.amp", "torch.distributions",
    "torch.utils.data", "torch.utils.checkpoint", "torch.utils.dlpack", "torch.testing",
    "torch.serialization", "torch.futures",
)  # fmt: skip
#: Examples that must not be run: they wait for other processes or for the network.
LEFT_OUT = re.compile(r"torch\.hub\.|init_process_group|torch\.cuda\.|torch\.xpu\.|input\(")
_PROMPT = re.compile(r"^(\s*)>>>( (.*))?$")
_NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?")


def documented() -> dict[str, str]:
    """Return PyTorch's docstrings that have an example, by qualified name, each text once."""
    found: dict[str, str] = {}
    seen: set[str] = set()

    def add(name: str, item: Any) -> None:
        text = getattr(item, "__doc__", None)
        if isinstance(text, str) and ">>>" in text and text not in seen:
            seen.add(text)
            found[name] = text

    for path in MODULES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = importlib.import_module(path)
            add(path, module)
            # torch.Tensor comes before the old classes by dtype, which have its docstrings too.
            for name in sorted(_public(module), key=lambda name: (name != "Tensor", name)):
                item = getattr(module, name, None)
                if item is None or inspect.ismodule(item):
                    continue
                add(f"{path}.{name}", item)
                if inspect.isclass(item):
                    for member in sorted(vars(item)):
                        if not member.startswith("_"):
                            add(f"{path}.{name}.{member}", inspect.getattr_static(item, member))
                    if item.__name__ == "Tensor":
                        for member in sorted(dir(item)):
                            if not member.startswith("_"):
                                add(f"{path}.{name}.{member}", getattr(item, member, None))
    return {name: text for name, text in found.items() if not LEFT_OUT.search(text)}


def _public(module: ModuleType) -> set[str]:
    names = {name for name in dir(module) if not name.startswith("_")}
    return names | set(getattr(module, "__all__", ()))


def statements(docstring: str) -> list[str]:
    """Return the statements of a docstring's examples; what follows no prompt is output."""
    found: list[str] = []
    lines = docstring.expandtabs().splitlines()
    position = 0
    while position < len(lines):
        start = _PROMPT.match(lines[position])
        position += 1
        if start is None:
            continue
        indent, source = start[1], [start[3] or ""]
        while position < len(lines) and lines[position].startswith(f"{indent}..."):
            source.append(lines[position][len(indent) + 4 :])
            position += 1
        # A definition may go on behind further prompts, as some of PyTorch's do.
        while position < len(lines) and not _is_whole("\n".join(source)):
            more = _PROMPT.match(lines[position])
            if more is None:
                break
            source.append(more[3] or "")
            position += 1
        found.append("\n".join(source))
    return [source for source in found if source.strip() and not source.strip().startswith("#")]


def _is_whole(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError as error:
        return "expected an indented block" not in str(error) and "was never closed" not in str(
            error
        )
    return True


def execute(torch: ModuleType, docstring: str) -> list[dict[str, str]]:
    """Run a docstring's statements, in a namespace and a folder of their own.

    Returns:
        For each statement its source, what it printed, and the exception that it raised.
    """
    names: dict[str, Any] = {"__name__": "__main__", "torch": torch, "np": np, "math": math}
    for name, path in (("nn", "nn"), ("F", "nn.functional"), ("optim", "optim")):
        with contextlib.suppress(ImportError):
            names[name] = importlib.import_module(f"{torch.__name__}.{path}")
    results = []
    _reset(torch)
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            for source in statements(docstring):
                printed, error = io.StringIO(), ""
                with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
                    try:
                        exec(compile(source + "\n", "<example>", "single"), names)
                    except (Exception, SystemExit) as raised:
                        error = f"{type(raised).__name__}: {raised}"[:500]
                text = printed.getvalue()
                results.append({"source": source, "printed": text, "error": error})
        finally:
            os.chdir(before)
            vars(builtins).pop("_", None)
            _reset(torch)
    return results


def _reset(torch: ModuleType) -> None:
    """Undo what an example may have set, and seed every generator."""
    resets = (
        lambda: torch.set_default_dtype(torch.float32),
        lambda: torch.set_default_device(None),
        lambda: torch.set_grad_enabled(True),
        lambda: torch.use_deterministic_algorithms(False),
        lambda: torch.set_printoptions(profile="default"),
        lambda: torch.set_printoptions(sci_mode=None),
        lambda: torch.autograd.set_detect_anomaly(False),
        lambda: torch.set_anomaly_enabled(False),
        lambda: torch.set_flush_denormal(False),
        lambda: torch.set_float32_matmul_precision("highest"),
        lambda: torch.manual_seed(0),
    )
    for reset in resets:
        with contextlib.suppress(Exception):
            reset()
    random.seed(0)
    np.random.seed(0)


def reference(name: str) -> dict[str, Any]:
    """Run one docstring with PyTorch."""
    import torch

    return {"statements": execute(torch, documented_once()[name])}


_documented: dict[str, str] = {}


def documented_once() -> dict[str, str]:
    """Return ``documented()``, read once in this process."""
    if not _documented:
        _documented.update(documented())
    return _documented


def usable(
    first: list[dict[str, str]], second: list[dict[str, str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (position, statement) of what runs and prints the same in two processes."""
    for position, (one, other) in enumerate(zip(first, second, strict=True)):
        if not one["error"] and one == other and " at 0x" not in one["printed"]:
            yield position, one


def compare(
    name: str, first: list[dict[str, str]], second: list[dict[str, str]], docstring: str
) -> dict[str, Any]:
    """Run one docstring with jtorch and hold it to what PyTorch printed."""
    torch = importlib.import_module("jtorch")
    actual = execute(torch, docstring)
    result: dict[str, Any] = {"count": 0, "failed": 0, "skipped": 0, "soft": 0, "failures": []}
    expected = dict(usable(first, second))
    result["skipped"] = len(first) - len(expected)
    for position, wanted in expected.items():
        got = actual[position]
        result["count"] += 1
        if not got["error"] and got["printed"] == wanted["printed"]:
            continue
        if not got["error"] and equal_but_for_the_last_digit(wanted["printed"], got["printed"]):
            result["soft"] += 1
            continue
        result["failed"] += 1
        shown = got["error"] or f"prints {got['printed'][:150]!r}, not {wanted['printed'][:150]!r}"
        result["failures"].append(f"{got['source'][:120]!r}: {shown}")
    return {"docs": result}


def equal_but_for_the_last_digit(expected: str, actual: str) -> bool:
    """Tell whether two texts differ in numbers only, by one unit in the last printed digit."""
    if _NUMBER.split(expected) != _NUMBER.split(actual):
        return False
    pairs = zip(_NUMBER.findall(expected), _NUMBER.findall(actual), strict=True)
    return all(_is_close(one, other) for one, other in pairs)


def _is_close(one: str, other: str) -> bool:
    if one == other:
        return True
    if not any(mark in one + other for mark in ".eE"):
        return False
    mantissa, _, exponent = one.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    unit = 10.0 ** (int(exponent or 0) - decimals)
    return abs(float(one) - float(other)) <= 1.01 * unit


class References:
    """What PyTorch printed, kept beside the results: it is run once for each version of it."""

    def __init__(self, folder: Path, version: str):
        self.folder = folder / f"docs-{version}"
        self.docstrings = self.folder / "docstrings.json"

    def paths(self) -> list[Path]:
        """Return the files of the two runs."""
        return [self.folder / "first.jsonl", self.folder / "second.jsonl"]

    def write(self, found: dict[str, str]) -> None:
        """Keep the docstrings for the worker, which has no PyTorch to read them from."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.docstrings.write_text(json.dumps(found), encoding="utf-8")


def load(folder: Path) -> dict[str, tuple[list[dict[str, str]], list[dict[str, str]], str]]:
    """Return by name (first run, second run, docstring) from a folder of references."""
    runs = []
    for name in ("first.jsonl", "second.jsonl"):
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        records = map(json.loads, lines)
        runs.append({each["entry"]: each["results"].get("statements", []) for each in records})
    found = json.loads((folder / "docstrings.json").read_text(encoding="utf-8"))
    return {
        name: (runs[0][name], runs[1][name], text)
        for name, text in found.items()
        if name in runs[0] and name in runs[1] and len(runs[0][name]) == len(runs[1][name])
    }


def become_jtorch() -> None:
    """Make ``import torch`` give jtorch in this process."""
    importlib.import_module("jtorch").install()
    assert sys.modules["torch"] is sys.modules["jtorch"]


def summary(records: dict[str, dict[str, Any]]) -> str:
    """Return the table of the docstring examples, by module."""
    from .tables import table

    rows = [["docstring examples", "docstrings", "statements", "equal", "last digit", "right"]]
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, record in records.items():
        longest = max((path for path in MODULES if _within(name, path)), key=len)
        groups.setdefault(longest, []).append(record["results"].get("docs"))
    groups["all"] = [record["results"].get("docs") for record in records.values()]
    for path in (*MODULES, "all"):
        results = [result for result in groups.get(path, []) if result]
        if not results:
            continue
        count, failed, soft = (
            sum(result[key] for result in results) for key in ("count", "failed", "soft")
        )
        numbers = [len(results), count, count - failed - soft, soft, count - failed]
        rows.append([path, *map(str, numbers)])
    return table(rows) + "\nTarget: 3640 statements right."


def _within(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")
