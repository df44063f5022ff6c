"""Record what PyTorch prints for the documents' random and undocumented blocks, under a seed.

``python -m tools.record_goldens.seed_blocks SEEDS WINE``, with the folders of the documents
and of ``wine-red.pt``, where PyTorch is installed. Long outputs keep their first and last lines.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from compat_tests.documents import execution, expectations, extraction, printed_text


def main(seeds: str, wine: str) -> None:
    """Write golden/seed_blocks.json."""
    blocks = extraction.read_blocks(Path(seeds))
    with tempfile.TemporaryDirectory() as scratch:
        results, _ = execution.run_blocks(blocks, "torch", Path(wine), Path(scratch))
    recorded = sorted({*expectations.RANDOM, *expectations.UNDOCUMENTED})
    golden = {
        "torch": results["library"],
        "blocks": {key: printed_text.elide(results["blocks"][key]["stdout"]) for key in recorded},
    }
    text = json.dumps(golden, indent=1, ensure_ascii=False)
    execution.GOLDEN.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
