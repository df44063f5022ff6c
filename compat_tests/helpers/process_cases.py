"""Programs of several processes whose cases are held against those of PyTorch's processes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compat_tests.helpers.paths import ROOT
from compat_tests.helpers.processes import run_processes

PROGRAMS = ROOT / "compat_tests" / "distributed" / "programs"
GOLDEN = ROOT / "compat_tests" / "golden" / "distributed"
#: Programs, and the numbers of processes that they are recorded with.
RECORDED = {
    "collectives": (2, 4),
    "data_parallel": (2, 4),
    "device_mesh": (4,),
    "functional_collectives": (2, 4),
    "dtensor": (2, 4),
    "dtensor_uses": (2,),
    "tensor_parallel": (2, 4),
    "optimizers": (2, 4),
    "fully_shard": (2, 4),
    "fsdp": (2, 4),
}


def golden(program: str, processes: int) -> Path:
    """Return the file that holds what PyTorch's processes printed."""
    return GOLDEN / f"{program}_{processes}.json"


def cases_of(
    program: str, processes: int, library: str, arguments: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Run a program; return what its cases yielded, by rank and name."""
    results = run_processes(
        PROGRAMS / f"{program}.py", processes, library=library, arguments=arguments, time_limit=240
    )
    for result in results:
        assert result.exit_code == 0, (result.rank, result.stdout[-2000:], result.stderr[-4000:])
    lines = [[json.loads(s) for s in r.lines if s.startswith('{"case"')] for r in results]
    return [{line["case"]: line["value"] for line in found} for found in lines]


def record(program: str, processes: int) -> None:
    """Write what PyTorch's processes print."""
    found = cases_of(program, processes, "torch")
    text = json.dumps(found, indent=0, separators=(",", ":"))
    golden(program, processes).write_text(text + "\n", encoding="utf-8")


def differs(found: Any, expected: Any) -> bool:
    """Return whether a value is another one; numbers agree to six digits."""
    if isinstance(expected, float) and isinstance(found, float):
        return not math.isclose(found, expected, rel_tol=2e-6, abs_tol=2e-6)
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) != len(expected) or any(map(differs, found, expected))
    if isinstance(expected, dict) and isinstance(found, dict):
        return found.keys() != expected.keys() or any(differs(found[k], expected[k]) for k in found)
    return type(found) is not type(expected) or found != expected
