"""What programs of two and of four processes yield, as PyTorch's gloo processes do."""

from __future__ import annotations

import json

import pytest

from compat_tests.helpers import process_cases

ALL = [
    pytest.param(name, size, marks=pytest.mark.distributed) if size > 2 else (name, size)
    for name, sizes in process_cases.RECORDED.items()
    for size in sizes
]


def _differences(found: list[dict], expected: list[dict]) -> list[tuple]:
    return [
        (rank, name, one.get(name), other[name])
        for rank, (one, other) in enumerate(zip(found, expected, strict=True))
        for name in other
        if process_cases.differs(one.get(name), other[name])
    ]


@pytest.mark.parametrize(("program", "processes"), ALL)
def test_processes_print_what_pytorch_prints(program, processes):
    expected = json.loads(process_cases.golden(program, processes).read_text(encoding="utf-8"))
    found = process_cases.cases_of(program, processes, "jtorch")
    assert [list(each) for each in found] == [list(each) for each in expected]
    assert _differences(found, expected) == []


@pytest.mark.oracle
@pytest.mark.parametrize(("program", "processes"), ALL)
def test_the_recorded_outputs_are_those_of_pytorch(program, processes):
    expected = json.loads(process_cases.golden(program, processes).read_text(encoding="utf-8"))
    assert _differences(process_cases.cases_of(program, processes, "torch"), expected) == []


def test_a_difference_is_seen():
    assert not process_cases.differs([{"a": 1.0}], [{"a": 1.000001}])
    assert process_cases.differs([{"a": 1.0}], [{"a": 1.0001}])
    assert process_cases.differs([1], [1.0])
    assert process_cases.differs({"error": "ValueError"}, {"error": "TypeError"})
