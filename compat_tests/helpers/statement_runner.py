"""Run programs statement by statement in one process and write down what each one printed.

Started as a script, ``statement_runner.py [--device DEVICE] RESULTS.json PROGRAM.py...``, in the
way that a user of the library would start it; a device becomes the default one. A statement that
raises does not stop its program: those after it are held to their output all the same.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
import traceback
from pathlib import Path


def run_program(path: Path) -> list[dict[str, str]]:
    """Execute a file as ``__main__``; return source, output and exception of its statements."""
    source = path.read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "__main__", "__file__": str(path)}
    results = []
    for statement in ast.parse(source).body:
        code = compile(ast.Module([statement], []), str(path), "exec")
        printed, error = io.StringIO(), ""
        with contextlib.redirect_stdout(printed):
            try:
                exec(code, names)
            except Exception as raised:
                error = "".join(traceback.format_exception_only(raised)).strip()
        results.append(
            {
                "code": ast.get_source_segment(source, statement) or "",
                "stdout": printed.getvalue(),
                "error": error,
            }
        )
    return results


def main(results_path: str, *programs: str) -> None:
    """Run each program and write all results to one file."""
    if results_path == "--device":
        import torch

        device, results_path, *programs = programs
        torch.set_default_device(device)
    results = {Path(program).stem: run_program(Path(program)) for program in programs}
    Path(results_path).write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
