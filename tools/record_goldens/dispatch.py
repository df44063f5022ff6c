"""Record what ``__torch_function__`` is asked into ``dispatch_logs.json``.

``python -m tools.record_goldens.dispatch``, where PyTorch is installed.
"""

from __future__ import annotations

import json

import torch

from compat_tests.helpers import dispatch_programs
from compat_tests.helpers.dispatch_statements import logs
from compat_tests.helpers.paths import GOLDEN


def record() -> dict:
    """Return PyTorch's logs of the statements and answers of the programs."""
    return {"statements": logs(torch), "programs": dispatch_programs.answers(torch)}


def main() -> None:
    """Write the record."""
    text = json.dumps(record(), indent=0)
    (GOLDEN / "dispatch_logs.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
