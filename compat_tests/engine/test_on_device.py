"""An accelerator (the stand-in device): storms of combinations run operator by operator."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

STORM = """
import random
import jtorch as torch
random.seed(0)
torch.manual_seed(0)
device = torch.device("cuda")
cell = torch.nn.GRUCell(3, 4).to(device)
memory = [torch.randn(1, 3, device=device) for _ in range(6)]
losses = []
for episode in range(40):
    state = torch.zeros(1, 4, device=device)
    for _ in range(random.randint(2, 9)):
        state = cell(memory[random.randrange(6)], state)
    loss = (state ** 2).sum() + torch.cat([memory[random.randrange(6)] for _ in range(3)]).mean()
    loss.backward()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter -= 0.1 * parameter.grad
            parameter.grad = None
    losses.append(loss.item())
print(*[f"{each:.4f}" for each in losses[::4]])
print(torch.compiler.stats().programs_compiled, torch.compiler.stats().runs_interpreted)
print(parameter.device, loss.dtype, state.device)
"""


def run(script: str, execution: str) -> list[str]:
    environment = {**os.environ, "JTORCH_FAKE_CUDA": "1", "JTORCH_EXECUTION": execution}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_storm_of_combinations_is_bounded():
    losses, counts, devices = run(STORM, "auto")
    compiled, interpreted = map(int, counts.split())
    expected, all_counts, _ = run(STORM, "compile")
    assert losses == expected
    assert devices == "cuda:0 torch.float32 cuda:0"
    assert interpreted > 0
    assert compiled < int(all_counts.split()[0]) / 2
