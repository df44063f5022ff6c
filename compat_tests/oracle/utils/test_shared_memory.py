"""Tensors in memory that processes share, as scripts train one model from several of them."""

from __future__ import annotations

import subprocess
import sys

from compat_tests.helpers.paths import ROOT

PROGRAM = """
import torch
import torch.multiprocessing as processes


def add_one(tensor):
    tensor += 1


if __name__ == "__main__":
    tensor = torch.zeros(3).share_memory_()
    worker = processes.get_context("fork").Process(target=add_one, args=(tensor,))
    worker.start()
    worker.join()
    print(worker.exitcode, tensor.is_shared(), tensor.tolist())
"""


def test_what_another_process_writes_is_seen(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    printed = [
        subprocess.run(
            [sys.executable, *launcher, "program.py"],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
        for launcher in ([], ["-m", "jtorch"])
    ]
    assert printed[0] == "0 True [1.0, 1.0, 1.0]\n"
    assert printed[1] == printed[0]
