"""Run a script under jtorch as ``python -m jtorch`` does, and write jtorch's counters at its exit.

``python _program_runner.py COUNTERS script.py [argument] ...`` leaves the counters in the file
COUNTERS as JSON. The script is not changed and does not notice.
"""

from __future__ import annotations

import atexit
import dataclasses
import json
import sys
from pathlib import Path


def write_counters(path: Path) -> None:
    """Write the counters of ``jtorch.compiler.stats()``, if the script came to import it."""
    jtorch = sys.modules.get("jtorch")
    if jtorch is not None and hasattr(jtorch, "compiler"):
        path.write_text(json.dumps(dataclasses.asdict(jtorch.compiler.stats())))


if __name__ == "__main__":
    # Registered before jtorch registers anything, so that this comes last.
    atexit.register(write_counters, Path(sys.argv[1]).resolve())
    from jtorch.__main__ import main

    main(sys.argv[2:])
