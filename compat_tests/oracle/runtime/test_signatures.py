"""The record of what PyTorch's public names take, held against the installed PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from compat_tests.helpers.paths import GOLDEN, ROOT


@pytest.mark.oracle
def test_the_record_is_what_pytorch_takes() -> None:
    code = (
        "import json; from tools.record_goldens import signatures;"
        "print(json.dumps(signatures.record()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    recorded = json.loads((GOLDEN / "public_signatures.json").read_text(encoding="utf-8"))
    assert found == recorded
