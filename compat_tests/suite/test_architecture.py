"""Files and folders that the documents name exist, and ARCHITECTURE.md stays short."""

from __future__ import annotations

import re

import pytest

from compat_tests.helpers.paths import ROOT

DOCUMENTS = ["ARCHITECTURE.md", "CONTRIBUTING.md"]
#: A path in code quotes or as the target of a link; ``<family>`` stands for any name.
PATH = re.compile(r"[`(]([\w./*<>-]+(?:\.(?:py|md|toml)|/))[`)]")


def exists(path: str) -> bool:
    """Tell whether a path stands in the project; a bare file name, whether one in jtorch has it."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    return any(ROOT.glob(pattern)) or (
        "/" not in pattern and any((ROOT / "jtorch").rglob(pattern))
    )  # fmt: skip


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
