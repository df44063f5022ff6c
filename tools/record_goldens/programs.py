"""Record what PyTorch prints for each statement of the programs.

``python -m tools.record_goldens.programs``, where PyTorch is installed.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from compat_tests.end_to_end import test_programs
from compat_tests.helpers.paths import GOLDEN


def main() -> None:
    """Write golden/programs.json, and stop where a statement of a program raises."""
    with tempfile.TemporaryDirectory() as scratch:
        results, warned = test_programs.run_programs("torch", Path(scratch))
    for program, statements in results.items():
        for statement in statements:
            if error := statement.pop("error"):
                raise SystemExit(f"{program}: {statement['code']}\nraised {error}")
    if warned:
        raise SystemExit(f"the programs warn:\n{warned}")
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (GOLDEN / "programs.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
