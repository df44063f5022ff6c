"""What editors and type checkers know of jtorch: the stubs, and the signatures at run time."""

from __future__ import annotations

import ast
import importlib
import inspect
import pydoc
import sys

import pytest

import jtorch
from compat_tests.helpers.paths import ROOT

UPDATE = "run: nox -s stubs (or python tools/make_stubs.py)"


@pytest.fixture(scope="module")
def make_stubs():
    path = list(sys.path)
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        yield importlib.import_module("make_stubs")
    finally:
        sys.path[:] = path


@pytest.fixture(scope="module")
def printed(make_stubs):
    return {path.relative_to(ROOT).as_posix(): text for path, text in make_stubs.stubs().items()}


def test_the_stubs_are_those_that_the_operators_give(printed):
    behind = [name for name, text in printed.items() if (ROOT / name).read_text() != text]
    assert behind == [], UPDATE


def test_printing_twice_gives_the_same(make_stubs, printed):
    again = make_stubs.stubs()
    assert list(again.values()) == list(printed.values())


def names_in(body):
    """Return what the statements of a stub define: names, once each."""
    found = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            found.add(node.target.id)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets)
        elif isinstance(node, ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
    return found


def stub_body(name):
    return ast.parse((ROOT / name).read_text()).body


@pytest.mark.parametrize(
    ("module", "stub"),
    [("jtorch", "jtorch/__init__.pyi"), ("jtorch.nn.functional", "jtorch/nn/functional.pyi")],
)
def test_every_public_name_has_a_stub(make_stubs, module, stub):
    public = make_stubs.public_names(importlib.import_module(module))
    assert "relu" in public
    assert sorted(set(public) - names_in(stub_body(stub))) == [], UPDATE


def test_every_member_of_tensor_has_a_stub():
    body = stub_body("jtorch/_tensor/tensor.pyi")
    (cls,) = (node for node in body if isinstance(node, ast.ClassDef) and node.name == "Tensor")
    known = names_in(cls.body)
    members = {name for name in dir(jtorch.Tensor) if not name.startswith("_")}
    assert {"add", "add_", "shape", "view"} <= members
    assert sorted(members - known) == [], UPDATE
    assert {"__add__", "__eq__", "__getitem__", "__matmul__"} <= known


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: jtorch.add, "(input, other, *, alpha=1, out=None)"),
        (lambda: jtorch.Tensor.add, "(self, other, *, alpha=1)"),
        (lambda: jtorch.tensor(1.0).add, "(other, *, alpha=1)"),
        (lambda: jtorch.Tensor.add_, "(self, other, *, alpha=1)"),
        (lambda: jtorch.exp_, "(input)"),
        (lambda: jtorch.sum, "(input, dim=..., keepdim=False, *, dtype=None, out=None)"),
        (lambda: jtorch.flatten, "(input, start_dim=0, end_dim=-1)"),
        (lambda: jtorch.Tensor.permute, "(self, *dims)"),
        (lambda: jtorch.Tensor.reshape, "(self, *shape)"),
        (lambda: jtorch.matmul, "(input, other, *, out=None)"),
    ],
)
def test_signatures_are_those_of_pytorch(function, expected):
    assert str(inspect.signature(function())) == expected


def test_a_signature_binds_and_compares():
    signature = inspect.signature(jtorch.add)
    bound = signature.bind(1, 2, alpha=3)
    assert bound.arguments == {"input": 1, "other": 2, "alpha": 3}
    with pytest.raises(TypeError, match="missing a required argument: 'other'"):
        signature.bind(1)
    assert signature == inspect.signature(jtorch.add)
    assert signature != inspect.signature(jtorch.mul)


def test_help_shows_the_signature_and_says_what_it_does():
    text = pydoc.plain(pydoc.render_doc(jtorch.add))
    assert "add(input, other, *, alpha=1, out=None)\n    Add" in text
