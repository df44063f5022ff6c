"""Record the graphs that ``make_fx`` and ``functionalize`` give into ``operator_graphs.json``.

``python -m tools.record_goldens.operator_graphs``, where PyTorch is installed.
"""

from __future__ import annotations

import json

import torch

from compat_tests.helpers import operator_graph_cases
from compat_tests.helpers.paths import GOLDEN


def main() -> None:
    """Write the record."""
    text = json.dumps(operator_graph_cases.answers(torch), indent=1)
    (GOLDEN / "operator_graphs.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
