"""Run the examples in jtorch's public docstrings, and the Python blocks of the README.

``python -m compat_tests.documentation`` from the repository root; ends with 1 where one fails.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec

import jtorch
from compat_tests.helpers.paths import ROOT

README = ROOT / "README.md"
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def public_modules() -> Iterator[object]:
    """Yield jtorch and each of its modules that has no private name on its path."""
    yield jtorch
    for found in pkgutil.walk_packages(jtorch.__path__, "jtorch."):
        if found.name == "jtorch.utils.tensorboard" and find_spec("tensorboard") is None:
            continue  # it is there for those who have that package
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield importlib.import_module(found.name)


def documented_objects() -> Iterator[tuple[str, str]]:
    """Yield (name, docstring) once for each public object whose docstring has an example."""
    seen: set[int] = set()
    for module in public_modules():
        if ">>>" in (module.__doc__ or ""):
            yield module.__name__, module.__doc__
        for name, item in vars(module).items():
            if name.startswith("_") or inspect.ismodule(item) or id(item) in seen:
                continue
            seen.add(id(item))
            origin = getattr(item, "__module__", None)
            if isinstance(origin, str) and origin.partition(".")[0] not in ("jtorch", "torch"):
                continue  # a tool that a module imports
            full_name = f"{module.__name__}.{name}"
            members = vars(item).items() if inspect.isclass(item) else ()
            described = [(full_name, item)]
            described += [(f"{full_name}.{key}", member) for key, member in members]
            for label, target in described:
                docstring = getattr(target, "__doc__", None)
                if isinstance(docstring, str) and ">>>" in docstring:
                    yield label, inspect.cleandoc(docstring)


def run_docstrings() -> doctest.TestResults:
    """Run each documented example, with jtorch known as both torch and jtorch."""
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    parser = doctest.DocTestParser()
    for name, docstring in documented_objects():
        names = {"torch": jtorch, "jtorch": jtorch}
        runner.run(parser.get_doctest(docstring, names, name, name, 0))
    return doctest.TestResults(runner.failures, runner.tries)


def run_readme(text: str) -> doctest.TestResults:
    """Run the README's Python blocks in order, as one session; ``>>>`` blocks compare output."""
    names: dict[str, object] = {"__name__": "__main__"}
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    parser = doctest.DocTestParser()
    blocks = PYTHON_BLOCK.findall(text)
    for number, block in enumerate(blocks, 1):
        label = f"README block {number}"
        if ">>>" in block:
            session = parser.get_doctest(block, names, label, label, 0)
            session.globs = names  # the parser copies them, but later blocks build on this one
            runner.run(session, clear_globs=False)
        else:
            exec(compile(block, label, "exec"), names)
    return doctest.TestResults(runner.failures, len(blocks))


def main() -> int:
    """Run everything in a scratch folder and return the exit status."""
    readme = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        from_readme = run_readme(readme)
        from_docstrings = run_docstrings()
        os.chdir(README.parent)
    print(f"README: {from_readme.attempted} blocks, {from_readme.failed} failed")
    print(f"docstrings: {from_docstrings.attempted} examples, {from_docstrings.failed} failed")
    return 1 if from_readme.failed or from_docstrings.failed else 0


if __name__ == "__main__":
    sys.exit(main())
