"""Comparisons with an installed PyTorch: everything in this folder carries the oracle marker."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from compat_tests.helpers.comparison import Comparison

HERE = Path(__file__).parent
TORCH_IS_INSTALLED = importlib.util.find_spec("torch") is not None

collect_ignore_glob = [] if TORCH_IS_INSTALLED else ["test_*.py"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, so that the default selection leaves them out."""
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.oracle)


@pytest.fixture(scope="session")
def both() -> Comparison:
    """Return the comparison of PyTorch with jtorch: ``both(lambda torch: torch.ones(2) + 1)``."""
    import torch

    import jtorch

    return Comparison(torch, jtorch)
