"""What a step costs many processes: its collectives and their bytes, read from compiled programs.

A group of the backend ``fake`` notes the collectives of a step; each is then compiled for as many
virtual devices, and what XLA made of it is read from the program. Nothing runs on them.
"""

from __future__ import annotations

import json

import pytest

from compat_tests.helpers.processes import run_processes

_PROGRAM = r"""
import json, re, sys
import jax
import numpy as np
from jax.sharding import Mesh
import torch
import torch.distributed as dist
from jtorch._engine.execution.collectives import compiled, rows_of

size, how = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("fake", rank=0, world_size=size, store=dist.HashStore())
log = dist.group.WORLD.fake_log = []


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = torch.nn.Linear(256, 1024), torch.nn.Linear(1024, 256)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(x)))


torch.manual_seed(0)
net = torch.nn.Sequential(*[Block() for _ in range(4)])
if how == "ddp":
    model = torch.nn.parallel.DistributedDataParallel(net)
else:
    from torch.distributed.fsdp import fully_shard
    for block in net:
        fully_shard(block, reshard_after_forward=how == "resharded")
    model = fully_shard(net)
optimizer = torch.optim.AdamW(model.parameters())
for step in range(2):
    log.clear()  # the construction gives all processes the same parameters
    optimizer.zero_grad()
    model(torch.ones(8, 256)).square().mean().backward()
    optimizer.step()
mesh = Mesh(np.array(jax.devices()[:size]), ("rank",))
KINDS = "all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute"
found = []
for kind, form, shape, dtype in log:
    rows = jax.ShapeDtypeStruct(rows_of(kind, shape, size), dtype)
    text = compiled(kind, form, mesh).lower(rows).compile().as_text()
    for line in text.splitlines():
        made = re.search(rf"= \(?([a-z]+)(\d+)\[([\d,]*)\]\S* ({KINDS})\(", line)
        if made:
            elements = np.prod([int(n) for n in made[3].split(",") if n] or [1])
            found.append([made[4], int(elements) * int(made[2]) // 8])
size_of_all = sum(parameter.numel() * 4 for parameter in net.parameters())
print(json.dumps({"collectives": found, "parameters": size_of_all}))
"""
#: Four blocks of 256-1024-256 with biases, in float32.
_BYTES = 4 * 4 * (256 * 1024 + 1024 + 1024 * 256 + 256)


def collectives(size, how):
    """Return the collectives of a step, each with the bytes of its result."""
    flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={size}"}
    (result,) = run_processes(_PROGRAM, 1, arguments=[str(size), how], environment=flags)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.lines[-1])


@pytest.mark.distributed
@pytest.mark.parametrize("size", [8, 64])
def test_data_parallel_reduces_the_gradients_once(size):
    found = collectives(size, "ddp")
    assert found["parameters"] == _BYTES
    assert found["collectives"] == [["all-reduce", _BYTES]]


@pytest.mark.distributed
@pytest.mark.parametrize("size", [8, 64])
@pytest.mark.parametrize(("how", "times"), [("sharded", 1), ("resharded", 2)])
def test_shards_are_gathered_and_gradients_scattered_once_a_module(size, how, times):
    """A module that gives up its parameters after the forward pass gathers them once more."""
    found = collectives(size, how)["collectives"]
    block = _BYTES // 4
    assert found.count(["all-gather", block]) == 4 * times
    assert found.count(["reduce-scatter", block // size]) == 4
    assert len(found) == 4 * times + 4
