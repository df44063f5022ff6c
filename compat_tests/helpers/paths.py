"""Folders of the project, by name, so that a test can move without a search."""

from __future__ import annotations

from pathlib import Path

SUITE = Path(__file__).resolve().parents[1]
ROOT = SUITE.parent
PACKAGE = ROOT / "jtorch"
GOLDEN = SUITE / "golden"
#: Programs whose statements are compared one by one.
PROGRAMS = SUITE / "programs"
