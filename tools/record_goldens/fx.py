"""Record the graphs, codes and texts of ``torch.fx`` into ``fx_texts.json``.

``python -m tools.record_goldens.fx``, where PyTorch is installed.
"""

from __future__ import annotations

import json
import warnings

import torch
import torch.fx

from compat_tests.helpers import fx_cases, fx_pass_programs
from compat_tests.helpers.paths import GOLDEN


def record() -> dict:
    """Return every answer of PyTorch, by what was traced or run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {"texts": fx_cases.texts(torch), "programs": fx_pass_programs.answers(torch)}


def main() -> None:
    """Write the record."""
    text = json.dumps(record(), indent=1)
    (GOLDEN / "fx_texts.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
