"""Run the examples in jtorch's public docstrings, and every block of the README and of docs/.

``python -m compat_tests.documentation`` from the repository root; ends with 1 where one fails.
Names of pages (``docs/install.md``) run those alone. How the blocks of a page are run stands in
``compat_tests.pages``.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from tempfile import TemporaryDirectory

import jtorch
from compat_tests import pages
from compat_tests.helpers.paths import ROOT


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
    runner = doctest.DocTestRunner(optionflags=pages.OPTIONS)
    parser = doctest.DocTestParser()
    for name, docstring in documented_objects():
        names = {"torch": jtorch, "jtorch": jtorch}
        runner.run(parser.get_doctest(docstring, names, name, name, 0))
    return doctest.TestResults(runner.failures, runner.tries)


def run_page(name: str) -> bool:
    """Run the blocks of one page in a process of its own; return whether all are right."""
    finished = subprocess.run([sys.executable, "-m", "compat_tests.pages", name], cwd=ROOT)
    return finished.returncode == 0


def main(names: list[str]) -> int:
    """Run the named pages, or all of them and the docstrings; return the exit status."""
    chosen = names or [path.relative_to(ROOT).as_posix() for path in pages.all_pages()]
    wrong = [name for name in chosen if not run_page(name)]
    if not names:
        with TemporaryDirectory() as scratch:
            os.chdir(scratch)
            found = run_docstrings()
            os.chdir(ROOT)
        print(f"docstrings: {found.attempted} examples, {found.failed} failed")
        wrong += ["docstrings"] * bool(found.failed)
    print(f"wrong: {', '.join(wrong)}" if wrong else "every block is right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
