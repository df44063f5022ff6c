"""The suite's own machinery: the comparison must fail where it should, and so must a known gap."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest

from compat_tests.conftest import matches, read_known_gaps
from compat_tests.helpers import comparison
from compat_tests.helpers.paths import SUITE


class Tensor:
    """The least that a comparison asks of a tensor."""

    def __init__(self, array, stride=None, requires_grad=False):
        self.array = np.asarray(array)
        self.dtype = f"torch.{self.array.dtype}"
        self.shape = self.array.shape
        self.strides = stride or tuple(step // self.array.itemsize for step in self.array.strides)
        self.device, self.layout = "cpu", "torch.strided"
        self.requires_grad, self.is_leaf, self.grad_fn = requires_grad, True, None

    def stride(self):
        return self.strides

    def numpy(self):
        return self.array

    def detach(self):
        return self

    cpu = resolve_conj = resolve_neg = detach


def library(result):
    """Return a stand-in for a library whose ``answer`` is the given tensor, value or exception."""

    def answer():
        if isinstance(result, Exception):
            raise result
        return result

    return types.SimpleNamespace(
        Tensor=Tensor, answer=answer, manual_seed=lambda seed: None, result=result
    )


def compare(expected, actual, **options):
    both = comparison.Comparison(library(expected), library(actual))
    both(lambda torch: torch.answer(), **options)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        pytest.param(Tensor([1.0, 2.0]), Tensor([1.0, 2.1]), id="value"),
        pytest.param(Tensor([1.0, np.nan]), Tensor([1.0, 2.0]), id="nan"),
        pytest.param(Tensor([1, 2]), Tensor([1.0, 2.0]), id="dtype"),
        pytest.param(Tensor([[1.0, 2.0]]), Tensor([1.0, 2.0]), id="shape"),
        pytest.param(Tensor([[1.0], [2.0]]), Tensor([[1.0], [2.0]], stride=(2, 1)), id="stride"),
        pytest.param(Tensor([1.0]), Tensor([1.0], requires_grad=True), id="requires_grad"),
        pytest.param(Tensor([1.0]), 1.0, id="no-tensor"),
        pytest.param([Tensor([1.0])], (Tensor([1.0]),), id="container"),
        pytest.param((1, 2), (1, 2, 3), id="length"),
        pytest.param({"a": 1}, {"b": 1}, id="keys"),
        pytest.param("tensor(1.)", "tensor(1)", id="text"),
        pytest.param(True, 1, id="bool-is-not-int"),
        pytest.param(1.0, 1.1, id="float"),
        pytest.param(ValueError("a"), ValueError("b"), id="error-words"),
        pytest.param(ValueError("a"), TypeError("a"), id="error-type"),
        pytest.param(ValueError("a"), 1, id="error-missing"),
    ],
)
def test_comparison_fails_on_a_difference(expected, actual):
    with pytest.raises(AssertionError):
        compare(expected, actual)


def test_comparison_shows_an_error_that_only_jtorch_raises():
    with pytest.raises(IndexError, match="out of range"):
        compare(1, IndexError("out of range"))


def test_a_program_with_an_unknown_name_does_not_pass():
    with pytest.raises(NameError, match="'foo' is not defined"):
        compare(NameError("'foo' is not defined"), NameError("'foo' is not defined"))


def test_comparison_accepts_what_is_equal():
    values = [Tensor([1.0, np.nan, np.inf]), "text", None, (1, 2.5, {"key": Tensor([True])})]
    compare(values, list(values))
    compare(ValueError("the same words"), ValueError("the same words"))


def test_exact_comparison_sees_the_last_bit():
    one, next_after_one = np.float32(1.0), np.nextafter(np.float32(1.0), np.float32(2.0))
    compare(Tensor(one), Tensor(next_after_one))
    with pytest.raises(AssertionError):
        compare(Tensor(one), Tensor(next_after_one), exact=True)


def test_gap_patterns_know_only_the_star():
    assert matches("tests/a.py::test[x-*]", "tests/a.py::test[x-1]")
    assert not matches("tests/a.py::test[x]", "tests/a.py::testx")
    assert not matches("tests/a.py::test", "tests/a.py::test[x]")


def test_a_gap_needs_a_reason(tmp_path):
    gaps = tmp_path / "gaps.toml"
    gaps.write_text('[[gap]]\ntests = ["a.py::b"]\nreason = " "\n')
    with pytest.raises(pytest.UsageError, match="reason"):
        read_known_gaps(gaps)


def test_a_gap_that_passes_fails_the_run(pytester_run):
    result = pytester_run(
        gap="test_closed*",
        source="def test_closed():\n    pass\n\ndef test_other():\n    pass\n",
    )
    assert "[XPASS(strict)] known" in result.stdout
    assert "1 failed, 1 passed" in result.stdout


def test_a_gap_that_fails_is_expected(pytester_run):
    result = pytester_run(gap="test_open", source="def test_open():\n    assert False\n")
    assert "1 xfailed" in result.stdout and result.returncode == 0


def test_a_gap_without_a_test_is_refused(pytester_run):
    result = pytester_run(gap="test_gone", source="def test_other():\n    pass\n")
    assert "no test matches" in result.stderr and result.returncode != 0


@pytest.fixture
def pytester_run(tmp_path):
    """Return a function that runs pytest on a test file beside a known-gaps file of one entry."""

    def run(gap, source):
        folder = tmp_path / "compat_tests"
        folder.mkdir()
        shutil.copy(SUITE / "conftest.py", folder)
        (folder / "test_sample.py").write_text(source)
        (tmp_path / "pytest.ini").write_text("[pytest]\n")  # the folders above have no say
        pattern = f"compat_tests/test_sample.py::{gap}"
        (folder / "known_gaps.toml").write_text(
            f'[[gap]]\ntests = ["{pattern}"]\nreason = "known"\n'
        )
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "compat_tests", "-rA"],
            cwd=tmp_path,
            env={**os.environ, "COMPAT_BACKEND": "jtorch", "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    return run
