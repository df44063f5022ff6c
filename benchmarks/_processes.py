"""Measures of whole processes: from the shell's prompt to the exit, as a user waits for them."""

from __future__ import annotations

import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from _children import environment_with

ROWS, COLUMNS = 1599, 12


def made_up_wine(path: Path) -> None:
    """Write a table of the red wine data's size, for a machine where the data is not."""
    generator = random.Random(0)
    lines = [",".join(f"column {column}" for column in range(COLUMNS))]
    for _ in range(ROWS):
        cells = [generator.gauss(0, 1) for _ in range(COLUMNS - 1)]
        cells.append(5 + sum(cells) / 4 + generator.gauss(0, 0.5))
        lines.append(",".join(f"{cell:.5f}" for cell in cells))
    path.write_text("\n".join(lines) + "\n")


def hundred_prints() -> str:
    """Return a script of a hundred prints, each of another expression or shape, none twice."""
    unary = ["exp", "sin", "cos", "tanh", "abs", "sqrt", "square", "sigmoid", "log1p", "floor"]
    forms = [
        "print(torch.{name}(torch.arange({size}.0)))",
        "print((torch.ones({size}, 3) * {size}.5).{name}().sum())",
        "print(torch.{name}(torch.ones({size})) + torch.arange({size}))",
        "print(torch.full((2, {size}), 0.5).{name}().mean(0))",
        "print(torch.{name}(torch.linspace(0, 1, {size})).reshape(-1, 1) * 2 - 1)",
        "print((torch.arange({size}.0) / {size}).{name}()[1:])",
        "print(torch.{name}(torch.eye({size})) @ torch.ones({size}))",
        "print(torch.arange({size}.0).{name}().max())",
        "print(torch.{name}(torch.zeros({size}, 2)).T)",
        "print((torch.{name}(torch.ones({size})) > 0.5).sum().item())",
    ]
    lines = ["import torch"]
    for row, form in enumerate(forms):
        for column, name in enumerate(unary):
            lines.append(form.format(name=name, size=2 + (row + column) % 7))
    return "\n".join(lines) + "\n"


def wall_seconds(command: list[str], folder: Path, cache: Path) -> tuple[float, str]:
    """Run a command and return the seconds until its exit, and what it printed.

    Args:
        command: what to run.
        folder: working folder.
        cache: stands for the user's cache folder, so that a first run can be told from a later one.
    Raises:
        RuntimeError: the command failed.
    """
    environment = environment_with({"XDG_CACHE_HOME": str(cache)})
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"{' '.join(command[:3])}: {last[0]}")
    return seconds, done.stdout


def compare_script(
    command: list[str], torch_python: list[str], jtorch_python: list[str], repeats: int
) -> dict[str, object]:
    """Time one script under PyTorch, and under jtorch with an empty cache and with a filled one.

    Args:
        command: the script and its arguments.
        torch_python: interpreter that has PyTorch.
        jtorch_python: interpreter, and what makes it run a script under jtorch.
        repeats: rounds; each is a cold jtorch run, a PyTorch run and a warm jtorch run.
    Returns:
        Medians in seconds as "torch", "cold" and "warm", every sample, and whether the printed
        output was the same.
    """
    samples: dict[str, list[float]] = {"torch": [], "cold": [], "warm": []}
    same = True
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            folder, cache = Path(name), Path(name) / "cache"
            cold, cold_text = wall_seconds([*jtorch_python, *command], folder, cache)
            usual, usual_text = wall_seconds([*torch_python, *command], folder, cache)
            warm, warm_text = wall_seconds([*jtorch_python, *command], folder, cache)
            same = same and cold_text == usual_text == warm_text
        for key, seconds in (("torch", usual), ("cold", cold), ("warm", warm)):
            samples[key].append(seconds)
    medians = {key: statistics.median(values) for key, values in samples.items()}
    return {**medians, "samples": samples, "same_output": same}
