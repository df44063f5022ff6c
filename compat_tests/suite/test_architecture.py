"""Files and folders that the documents name exist, and ARCHITECTURE.md stays short."""

from __future__ import annotations

import re

import pytest

from compat_tests.helpers.paths import ROOT

DOCUMENTS = ["ARCHITECTURE.md", "CONTRIBUTING.md"]
#: A path in code quotes or as the target of a link; ``<family>`` stands for any name.
PATH = re.compile(r"[`(]([\w./*<>-]+(?:\.(?:py|md|toml)|/))[`)]")

#: Folders that a path of a page begins with where it names a file of the project.
PROJECT = ("jtorch/", "compat_tests/", "benchmarks/", "examples/", "tools/")


def exists(path: str) -> bool:
    """Tell whether a path stands in the project; a bare file name, whether one in jtorch has it."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    return any(ROOT.glob(pattern)) or (
        "/" not in pattern and any((ROOT / "jtorch").rglob(pattern))
    )  # fmt: skip


def test_each_path_that_a_page_of_the_site_names_exists():
    pages = sorted((ROOT / "docs").glob("*.md"))
    assert pages
    named = {path for page in pages for path in PATH.findall(page.read_text(encoding="utf-8"))}
    # Pages name each other, what the build makes, and the files of their own blocks.
    ours = {path for path in named if path.startswith(PROJECT)}
    assert sorted(path for path in ours if not exists(path)) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_path_named_exists(document):
    paths = set(PATH.findall((ROOT / document).read_text(encoding="utf-8")))
    assert len(paths) > 5
    assert sorted(path for path in paths if not exists(path)) == []


def test_path_that_is_missing_is_noticed():
    assert not exists("jtorch/ops/no_such_file.py")
    assert not exists("no_such_file.py")


def test_architecture_is_at_most_four_pages():
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 200
