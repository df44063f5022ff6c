"""Files of the ``safetensors`` package: it finds jtorch where it asks for PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors")

SCRIPT = """
import sys
import torch
from safetensors.torch import load, load_file, load_model, save, save_file, save_model

path = sys.argv[1]
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
state = model.state_dict()
save_file(state, path, metadata={"format": "pt"})
found = load_file(path)
print(sorted(found), all(torch.equal(found[name], state[name]) for name in state))
other = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
print(load_model(other, path), torch.equal(other[0].weight, model[0].weight))
save_model(other, path + ".2")
other[0].weight.data.mul_(2)  # after its address was asked for
again = load(save({"half": torch.ones(2, dtype=torch.bfloat16), "weight": other[0].weight.data}))
print(again["half"], torch.equal(again["weight"], model[0].weight * 2))
try:
    save_file({"a": torch.arange(6).view(2, 3).t()}, path)
except ValueError as error:
    print(str(error)[:52])
"""


def test_files_go_both_ways(tmp_path: Path):
    (tmp_path / "script.py").write_text(SCRIPT)
    path = tmp_path / "model.safetensors"
    done = subprocess.run(
        [sys.executable, "-m", "jtorch", str(tmp_path / "script.py"), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    names = ["0.bias", "0.weight", "1.bias", "1.num_batches_tracked", "1.running_mean"]
    assert done.stdout.splitlines() == [
        f"{[*names, '1.running_var', '1.weight']} True",
        "(set(), []) True",
        "tensor([1., 1.], dtype=torch.bfloat16) True",
        "You are trying to save a non contiguous tensor: `a` ",
    ]
    from safetensors.numpy import load_file

    assert load_file(path)["0.weight"].shape == (4, 3)
    assert load_file(path)["1.running_var"].tolist() == np.ones(4).tolist()
