"""A plugin of pytest that writes the outcome of each test to the file that OUTCOMES names."""

from __future__ import annotations

import json
import os
from typing import Any


def pytest_runtest_logreport(report: Any) -> None:
    """Note what became of a test: of its call, or of what was to come before it."""
    if report.when == "call" or report.outcome != "passed":
        words = "" if report.outcome != "failed" else str(report.longrepr)[-1500:]
        outcome = "expected" if hasattr(report, "wasxfail") else report.outcome
        line = {"test": report.nodeid.rpartition("site-packages/")[2], "outcome": outcome}
        with open(os.environ["OUTCOMES"], "a", encoding="utf-8") as file:
            file.write(json.dumps({**line, "words": words}) + "\n")
