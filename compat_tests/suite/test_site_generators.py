"""What the documentation's site is generated from: the lists of gaps and the settings."""

from __future__ import annotations

import tomllib

import pytest

from compat_tests.helpers import signatures
from compat_tests.helpers.paths import ROOT
from docs.generators import gaps, reference, settings
from jtorch._core import config


def test_table_is_markdown_and_says_where_it_is_empty():
    assert gaps.table(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |\n"
    assert gaps.table(("a",), []) == "None at present.\n"


def test_names_of_one_reason_stand_together():
    found = gaps.by_reason({"b": {"x": "often"}, "a": {"x": "often", "y": "once"}})
    assert found == {"often": {"a", "b"}, "once": {"a"}}
    assert list(found) == ["often", "once"]


def test_each_gap_of_the_tests_has_a_row():
    text = (ROOT / "compat_tests" / "known_gaps.toml").read_text(encoding="utf-8")
    listed = tomllib.loads(text).get("gap", [])
    rows = gaps.tests_that_fail().splitlines()[2:]
    assert len(rows) == len(listed)


def test_a_module_that_is_there_is_not_called_missing():
    text = gaps.missing_names()
    assert "`torch.fx`" not in text and "`torch.overrides`" not in text


def test_each_part_that_refuses_has_names():
    for row in gaps.refusals().splitlines()[2:]:
        count, sentence = row.split("|")[2:4]
        assert int(count) >= 0 and sentence.strip()


def test_libraries_are_counted():
    assert gaps.libraries().startswith("Of ")


def test_each_setting_has_a_row():
    names = {name for name, _ in settings.settings()}
    switches = {name for name in vars(config) if name.isupper() and name[0] != "_"}
    assert {f"JTORCH_{name}" for name in switches} <= names
    assert all(text and "``" not in text for _, text in settings.settings())


def test_a_docstring_keeps_its_stars():
    text = "Return *args of shape (*, n), ``a * b`` and x_.\n\nArgs:\n    a: of (*, 2).\n"
    assert reference.escaped(text).split("\n")[0] == (
        "Return \\*args of shape (\\*, n), ``a * b`` and x\\_."
    )
    example = "Say.\n\n>>> a ** b\n'*'\n\n* item"
    assert reference.escaped(example) == example


def test_a_name_says_how_it_stands_to_pytorchs():
    record = reference._Record()

    def sort_of(module: str, name: str) -> str:
        found = {key: status for key, _, status in reference.entries_of(module, record)}
        return found[name].sort

    assert sort_of("torch.nn", "Linear") == reference.SAME
    assert sort_of("torch", "add") == reference.SAME_DOCUMENTED
    assert sort_of("torch", "quantize_per_tensor") == reference.REFUSES
    assert sort_of("torch.compiler", "explain") == reference.OWN
    assert sort_of("torch", "pi") == reference.NOT_COMPARED


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda a, *, b=1: None, "(a, *, b=1)"),
        (lambda *a, b=None, **c: None, "(*a, b=None, **c)"),
        (lambda self, a=int: None, "(a=int)"),
    ],
)
def test_parameters_are_shown_as_one_reads_them(function, text):
    assert signatures.shown(signatures.parameters(function)) == text
