"""Libraries that train in two processes: the losses are those that PyTorch's processes print."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from compat_tests.helpers.paths import ROOT
from compat_tests.helpers.processes import run_processes

pytestmark = pytest.mark.distributed

ACCELERATE = """
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object, set_seed

accelerator = Accelerator(cpu=True)
set_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
data = torch.utils.data.TensorDataset(torch.randn(40, 4), torch.randint(0, 2, (40,)))
loader = torch.utils.data.DataLoader(data, batch_size=4, shuffle=True)
net, optimizer, loader = accelerator.prepare(net, optimizer, loader)
print(accelerator.num_processes, accelerator.process_index, type(net).__name__, len(loader))
for epoch in range(2):
    total = 0
    for x, y in loader:
        with accelerator.accumulate(net):
            loss = torch.nn.functional.cross_entropy(net(x), y)
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            total += loss.item()
    print([round(each, 4) for each in accelerator.gather(torch.tensor([total])).tolist()])
print(gather_object([accelerator.process_index]))
accelerator.end_training()
"""

LIGHTNING = """
import logging, warnings
warnings.filterwarnings("ignore")
import torch
import lightning

class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net, self.seen = torch.nn.Linear(4, 2), []

    def training_step(self, batch, index):
        loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("loss", loss, sync_dist=True)
        self.seen.append(round(loss.item(), 5))
        return loss

    def validation_step(self, batch, index):
        loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("validation", loss, sync_dist=True)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

lightning.seed_everything(0, verbose=False)
data = torch.utils.data.TensorDataset(torch.randn(32, 4), torch.randint(0, 2, (32,)))
model = Model()
trainer = lightning.Trainer(
    max_epochs=2, accelerator="cpu", devices=2, strategy="ddp", logger=False,
    enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
)
trainer.fit(
    model, torch.utils.data.DataLoader(data, batch_size=4),
    torch.utils.data.DataLoader(data, batch_size=8),
)
found = round(float(trainer.callback_metrics["validation"]), 5)
print(f"\\nrank {trainer.global_rank} of {trainer.world_size}: {model.seen} {found}\\n", flush=True)
"""


def needs(library):
    # Not ``importorskip``: what is built on PyTorch cannot be imported here without it.
    return pytest.mark.skipif(find_spec(library) is None, reason=f"{library} is missing")


@needs("accelerate")
def test_accelerate():
    results = run_processes(ACCELERATE, 2)
    for rank, result in enumerate(results):
        assert result.exit_code == 0, result.stderr
        lines = [line for line in result.lines if not line.startswith("[Gloo]")]
        assert lines[0] == f"2 {rank} DistributedDataParallel 5"
        assert lines[1:] == ["[3.6551, 3.7823]", "[3.4019, 3.7433]", "[0, 1]"]


@needs("lightning")
def test_lightning_starts_its_second_process(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(LIGHTNING, encoding="utf-8")
    found = subprocess.run(
        [sys.executable, "-m", "jtorch", str(program)],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert found.returncode == 0, found.stderr
    ranks = sorted(line for line in found.stdout.splitlines() if line.startswith("rank"))
    assert ranks == [
        "rank 0 of 2: "
        "[0.60805, 0.70518, 1.45658, 0.76475, 0.85724, 0.66783, 0.60285, 1.05936] 0.73408",
        "rank 1 of 2: "
        "[0.58873, 0.77293, 0.57007, 1.0498, 0.98861, 0.73947, 0.55284, 0.77352] 0.73408",
    ]
