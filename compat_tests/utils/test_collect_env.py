"""What is said of the machine in a report."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import jtorch as torch
from compat_tests.helpers.paths import ROOT
from jtorch.utils import collect_env


def test_it_says_what_jtorch_runs_on() -> None:
    found = collect_env.get_env_info()
    assert found.torch_version.startswith(torch.__version__) and "jtorch" in found.torch_version
    assert found.is_cuda_available == str(torch.cuda.is_available())
    assert f"jax=={importlib.metadata.version('jax')}" in found.pip_packages.split("\n")
    text = collect_env.get_pretty_env_info()
    assert f"PyTorch version: {found.torch_version}\n" in text
    assert f"[pip3] numpy=={importlib.metadata.version('numpy')}\n" in text
    assert f"OS: {collect_env.get_os()}\n" in text and "CPU(s): " in text


def test_it_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jtorch.utils.collect_env"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert done.stdout.startswith("Collecting environment information...\nPyTorch version: ")
