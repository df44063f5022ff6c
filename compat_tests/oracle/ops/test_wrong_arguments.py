"""Wrong arguments of every public function and method: refused as PyTorch refuses them."""

from __future__ import annotations

import pytest

from compat_tests.oracle.ops import wrong_arguments

#: How many calls are refused in other words, or by one library alone. It may only fall: whoever
#: mends some lowers it. ``python -m compat_tests.oracle.ops.wrong_arguments`` lists them by kind.
MOST = 715


@pytest.fixture(scope="module")
def walk() -> tuple[int, dict[str, tuple[str, str]]]:
    return wrong_arguments.differing()


def test_the_calls_are_found(walk):
    count, _ = walk
    assert count > 14000


def test_no_call_ends_the_process(walk):
    _, different = walk
    assert [call for call, (_, found) in different.items() if found == "the process ended"] == []


def test_no_more_calls_differ(walk):
    _, different = walk
    assert len(different) <= MOST, sorted(different)[:50]
