"""The public names: what jtorch offers, PyTorch has too, with the same parameters and defaults."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

import pytest

from compat_tests.helpers.signatures import parameters

torch = pytest.importorskip("torch")

MODULES = [
    "",
    ".amp",
    ".autograd",
    ".autograd.functional",
    ".cuda",
    ".distributions",
    ".fft",
    ".func",
    ".linalg",
    ".nn",
    ".nn.functional",
    ".nn.init",
    ".nn.utils",
    ".optim",
    ".optim.lr_scheduler",
    ".random",
    ".special",
    ".utils.data",
]
# What jtorch has of its own, each for a reason that its docstring gives.
OURS = {
    "jtorch": {
        "install",
        "uninstall",
        "installed",
        "synchronize",
        "func",
        "interop",
        "ops",
        "stats",
    },
    "jtorch.optim": {"Optax"},
}


# Modules whose names only help to write a module, such as ``Any``.
IMPORTED = ("typing", "contextlib", "collections.abc", "functools", "itertools")


def both_modules(suffix: str) -> tuple[ModuleType, ModuleType]:
    """Return PyTorch's and jtorch's module, or skip where jtorch has none."""
    try:
        ours = importlib.import_module(f"jtorch{suffix}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("jtorch."):
            raise
        pytest.skip(f"jtorch has no {suffix.removeprefix('.')}")
    return importlib.import_module(f"torch{suffix}"), ours


def public_names(holder: Any) -> set[str]:
    """Return the names that a module or class offers: ``__all__``, else what is not imported."""
    listed = getattr(holder, "__all__", None)
    if listed is not None:
        return set(listed)
    return {
        name
        for name in dir(holder)
        if not name.startswith("_")
        and name not in ("annotations", "TYPE_CHECKING")
        and not _is_imported(getattr(holder, name))
    }


def _is_imported(value: Any) -> bool:
    if isinstance(value, ModuleType):
        return not value.__name__.startswith(("torch", "jtorch"))
    return getattr(value, "__module__", "torch") in IMPORTED


@pytest.mark.parametrize("suffix", MODULES, ids=lambda suffix: f"torch{suffix}")
def test_every_public_name_is_pytorchs(suffix, record_property):
    theirs, ours = both_modules(suffix)
    offered = public_names(ours) - OURS.get(f"jtorch{suffix}", set())
    missing = set(getattr(theirs, "__all__", public_names(theirs))) - public_names(ours)
    record_property("missing_names", len(missing))
    assert sorted(name for name in offered if not hasattr(theirs, name)) == []


def test_every_tensor_attribute_is_pytorchs():
    """In-place twins above all: PyTorch has them for some operators and not for others."""
    ours = importlib.import_module("jtorch")
    extra = public_names(ours.Tensor) - public_names(torch.Tensor)
    assert sorted(extra) == []


@pytest.mark.parametrize(
    "suffix",
    [".nn", ".nn.functional", ".nn.init", ".nn.utils", ".optim", ".optim.lr_scheduler"],
    ids=lambda suffix: f"torch{suffix}",
)
def test_signatures_are_pytorchs(suffix):
    """Of what PyTorch writes in Python; what it writes in C++ has no signature to compare."""
    theirs, ours = both_modules(suffix)
    different = []
    for name in sorted(public_names(ours)):
        expected = getattr(theirs, name, None)
        actual = getattr(ours, name)
        if not (inspect.isclass(expected) or inspect.isfunction(expected)):
            continue
        wanted, got = parameters(expected), parameters(actual)
        if wanted is not None and got != wanted:
            different.append(f"{name}\n  jtorch  {got}\n  PyTorch {wanted}")
    assert not different, "\n".join(different)
