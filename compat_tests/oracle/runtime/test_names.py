"""The record of PyTorch's public modules and names, held against the installed PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from compat_tests.helpers.paths import ROOT
from compat_tests.launch.test_names import RECORDED, is_listed

#: Modules that need packages which are not installed beside PyTorch.
NEED_OTHERS = (
    "torch.utils.tensorboard", "torch.distributed", "torch.utils.data.datapipes.gen_pyi",
)  # fmt: skip


@pytest.mark.oracle
def test_the_record_is_what_pytorch_has() -> None:
    code = (
        "import json, sys; from tools.record_goldens import public_names as p;"
        "r = {n: p.record(n) for n in ['torch', *p.public_modules()]};"
        "print(json.dumps(r))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    comparable = [name for name in found if not name.startswith(NEED_OTHERS)]
    differing = [name for name in comparable if found[name] != RECORDED.get(name)]
    unlisted = [name for name in differing if not is_listed("module", name)]
    assert unlisted == []
