"""The example of tensor parallelism. What styles and losses yield stands in test_programs."""

from __future__ import annotations

import re

import pytest

from compat_tests.helpers.paths import ROOT
from compat_tests.helpers.processes import run_processes

EXAMPLE = ROOT / "examples" / "distributed" / "tensor_parallel.py"
#: What PyTorch 2.13 prints with gloo.
PRINTED = """\
up.weight: (64, 2), of which (32, 2) here
up.bias: (64,), of which (32,) here
down.weight: (1, 64), of which (1, 32) here
down.bias: (1,), of which (1,) here
step 0: loss 0.2554
step 50: loss 0.0058
step 100: loss 0.0008
Collectives in a pass forwards: 1"""


@pytest.mark.distributed
@pytest.mark.parametrize("library", ["jtorch", pytest.param("torch", marks=pytest.mark.oracle)])
def test_the_example_prints_what_pytorch_prints(library):
    first, second = run_processes(EXAMPLE, library=library, arguments=["--steps", "100"])
    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr
    found = re.findall(r"^(?:up|down|step|Collectives).*$", first.stdout, re.M)
    assert "\n".join(found) == PRINTED
    assert not re.search(r"^step", second.stdout, re.M)
