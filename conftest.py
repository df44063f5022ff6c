"""The options of the suite. They stand here so that pytest knows them before it looks for tests."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose a device."""
    parser.addoption(
        "--device",
        choices=("stand-in", "cuda"),
        help="run compat_tests/device: on a second device of the host, or on a GPU",
    )
    parser.addoption(
        "--reduced",
        action="store_true",
        help="run some cases of each test function, evenly spread",
    )
