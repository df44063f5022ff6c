"""The parts of the operator database's runner that need no PyTorch."""

from __future__ import annotations

import pytest

from compat_tests.oracle.database import docstrings, gaps, tables
from compat_tests.oracle.database.driver import Store, merge


def test_statements_go_on_behind_dots_and_leave_out_output():
    text = """
        >>> a = 1
        >>> for i in range(2):
        ...     print(i)
        0
        1
        >>> # a remark
        >>> print(a)
    """
    assert docstrings.statements(text) == ["a = 1", "for i in range(2):\n    print(i)", "print(a)"]


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        ("tensor([0.1234, 2.])", "tensor([0.1235, 2.])", True),
        ("tensor([0.1234])", "tensor([0.1236])", False),
        ("tensor([1.234e-05])", "tensor([1.235e-05])", True),
        ("tensor([1, 2])", "tensor([1, 3])", False),
        ("tensor([0.1])", "tensor( [0.1])", False),
    ],
)
def test_the_last_printed_digit_may_differ(expected, actual, equal):
    assert docstrings.equal_but_for_the_last_digit(expected, actual) is equal


def test_gaps_are_strict_both_ways(tmp_path, monkeypatch):
    monkeypatch.setattr(gaps, "HERE", tmp_path)
    (tmp_path / "gaps.toml").write_text('["add"]\n"out" = "for a reason"\n', encoding="utf-8")
    listed = gaps.Gaps("gaps.toml")
    assert listed.problems({"add": {"out": "wrong", "forward": None}}) == []
    assert len(listed.problems({"add": {"out": None}})) == 1
    assert len(listed.problems({"add": {"forward": "wrong"}})) == 1
    assert listed.unknown({"mul"}) == ["add: no such entry"]


def test_a_gap_needs_a_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(gaps, "HERE", tmp_path)
    (tmp_path / "gaps.toml").write_text('["add"]\n"out" = " "\n', encoding="utf-8")
    with pytest.raises(SystemExit, match="needs a reason"):
        gaps.Gaps("gaps.toml")


def test_an_update_keeps_reasons_that_hold_and_drops_what_is_right(tmp_path, monkeypatch):
    monkeypatch.setattr(gaps, "HERE", tmp_path)
    text = '["add"]\n"forward" = "gone"\n"out" = "for a reason"\n'
    (tmp_path / "gaps.toml").write_text(text, encoding="utf-8")
    gaps.Gaps("gaps.toml").update({"add": {"forward": None, "out": "x"}, "mul": {"half": "y"}})
    assert gaps.Gaps("gaps.toml").reasons == {
        "add": {"out": "for a reason"},
        "mul": {"half": "Not done yet. y"},
    }


def _result(count, failed):
    return {"count": count, "failed": failed, "skipped": 0, "soft": 0, "failures": ["w"] * failed}


def test_results_add_up_and_survive_a_line_that_was_cut_off(tmp_path):
    results = {"forward": _result(2, 0)}
    merge(results, {"forward": _result(3, 1), "out": _result(1, 0)})
    assert results["forward"]["count"] == 5 and results["forward"]["failed"] == 1
    store = Store(tmp_path / "ops.jsonl")
    store.add({"entry": "add", "results": results})
    with store.path.open("a", encoding="utf-8") as file:
        file.write('{"entry": "mul", "res')
    assert list(store.read()) == ["add"]
    assert tables.outcome(store.read()) == {"add": {"forward": "w", "out": None}}


def test_an_entry_is_right_only_if_every_category_is():
    assert tables.is_right({"forward": None, "grad_fn": "another name"})
    assert not tables.is_right({"forward": None, "out": "wrong"})
    assert not tables.is_right({})
