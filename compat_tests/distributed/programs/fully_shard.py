"""fully_shard: losses of training, layouts, options, state dicts."""

import os
import tempfile
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from _cases import show
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    get_state_dict,
    set_model_state_dict,
    set_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import (
    FSDPModule,
    MixedPrecisionPolicy,
    fully_shard,
    register_fsdp_forward_method,
)
from torch.distributed.tensor import DTensor, Shard

dist.init_process_group("gloo", timeout=timedelta(seconds=60))
rank, size = dist.get_rank(), dist.get_world_size()
plain_mesh = init_device_mesh("cpu", (size,))


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width + 1), nn.Linear(2 * width + 1, width)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))

    def other(self, x):
        return self.down(self.up(x))


class Net(nn.Module):
    def __init__(self, tied=False):
        super().__init__()
        self.embedding = nn.Embedding(11, 7)
        self.blocks = nn.ModuleList(Block(7) for _ in range(3))
        self.head = nn.Linear(7, 11, bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def net(seed=0, tied=False, **options):
    torch.manual_seed(seed)
    made = Net(tied)
    for block in made.blocks:
        fully_shard(block, **options)
    return fully_shard(made, **options)


def batch():
    return torch.randint(0, 11, (4, 5))


def loss_of(made, tokens):
    return nn.functional.cross_entropy(made(tokens).float().flatten(0, 1), tokens.flatten())


def train(made, optimizer=None, steps=20, clip=None):
    optimizer = optimizer or torch.optim.AdamW(made.parameters(), lr=1e-2)
    torch.manual_seed(100 + rank)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(made, batch())
        loss.backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(made.parameters(), clip)
        optimizer.step()
        losses.append(loss.item())
    return losses


def layout():
    made = net()
    found = [
        [name, list(p.shape), list(p.to_local().shape), str(p.placements), isinstance(p, DTensor)]
        for name, p in made.named_parameters()
    ]
    return found, type(made).__name__, type(made.blocks[0]).__name__, isinstance(made, FSDPModule)


show("layout", layout)
show("losses", lambda: train(net()))
show("losses of SGD", lambda: train(net(), torch.optim.SGD(net().parameters(), lr=0.1), 2))


def sgd():
    made = net()
    return train(made, torch.optim.SGD(made.parameters(), lr=0.2, momentum=0.9))


show("losses of momentum", sgd)
show("losses of tied weights", lambda: train(net(tied=True)))
show("losses without resharding", lambda: train(net(reshard_after_forward=False), steps=4))
show("losses with resharding", lambda: train(net(reshard_after_forward=True), steps=4))
show("losses with a clip", lambda: train(net(), steps=4, clip=0.1))


def gradients():
    made = net()
    torch.manual_seed(rank)
    loss_of(made, batch()).backward()
    return [[p.grad.full_tensor(), str(p.grad.placements)] for p in made.parameters()]


show("gradients", gradients)


def mixed(**types):
    policy = MixedPrecisionPolicy(**types)
    made = net(mp_policy=policy)
    losses = [round(each, 1) for each in train(made, steps=4)]
    torch.manual_seed(0)
    out = made(batch())
    return losses, str(out.dtype), {str(p.dtype) for p in made.parameters()} == {"torch.float32"}


show("bfloat16", lambda: mixed(param_dtype=torch.bfloat16))
show(
    "bfloat16 reduced in float32",
    lambda: mixed(param_dtype=torch.bfloat16, reduce_dtype=torch.float32),
)
show("results cast", lambda: mixed(param_dtype=torch.bfloat16, output_dtype=torch.float32))


def accumulation(sync):
    made = net()
    torch.manual_seed(rank)
    for step in range(3):
        made.set_requires_gradient_sync(sync or step == 2)
        made.set_is_last_backward(step == 2)
        (loss_of(made, batch()) / 3).backward()
    return [p.grad.full_tensor().sum().item() for p in made.parameters()]


show("accumulation", lambda: accumulation(True))
show("accumulation without sending", lambda: accumulation(False))


def two_passes():
    made = net()
    torch.manual_seed(rank)
    (loss_of(made, batch()) + loss_of(made, batch())).backward()
    return [round(p.grad.full_tensor().sum().item(), 5) for p in made.parameters()]


show("two forward passes, one backward pass", two_passes)


def by_hand():
    made = net()
    block = made.blocks[0]
    before = type(block.up.weight).__name__
    handle = block.unshard(async_op=True)
    handle.wait()
    whole = block.up.weight
    found = [type(whole).__name__, list(whole.shape), whole.sum().item()]
    block.reshard()
    return before, found, type(block.up.weight).__name__


show("unshard and reshard", by_hand)


def after_forward():
    made = net()
    made(batch())
    return [
        list(made.head.weight.shape),
        isinstance(made.head.weight, DTensor),
        isinstance(made.blocks[0].up.weight, DTensor),
    ]


show("parameters after a forward pass", after_forward)


def other_method():
    made = net()
    block = made.blocks[0]
    register_fsdp_forward_method(block, "other")
    out = block.other(torch.ones(2, 7))
    out.sum().backward()
    return out, block.up.weight.grad.full_tensor(), block.norm.weight.grad


show("another method", other_method)


def frozen():
    made = net()
    for block in made.blocks[:2]:
        block.up.requires_grad_(False)
    losses = train(made, torch.optim.SGD([p for p in made.parameters() if p.requires_grad], 0.1), 3)
    return losses, [p.grad is None for p in made.parameters()]


show("frozen parameters", frozen)


def no_grad():
    made = net()
    torch.manual_seed(rank)
    with torch.no_grad():
        first = made(batch())
    return first, made(batch()).requires_grad


show("without gradients", no_grad)


def two_dimensional():
    mesh = init_device_mesh("cpu", (size // 2, 2), mesh_dim_names=("replicate", "shard"))
    made = net(mesh=mesh)
    weight = made.blocks[0].up.weight
    return str(weight.placements), list(weight.to_local().shape), train(made, steps=5)


show("replicas of shards", two_dimensional)


def other_dimension():
    torch.manual_seed(0)
    made = fully_shard(
        nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 3)),
        shard_placement_fn=lambda p: Shard(1) if p.dim() == 2 else None,
    )
    torch.manual_seed(rank)
    made(torch.randn(2, 8)).sum().backward()
    return [
        [str(p.placements), list(p.to_local().shape), p.grad.full_tensor()]
        for p in made.parameters()
    ]


show("another dimension", other_dimension)


def group_of_modules():
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))
    fully_shard([made[0], made[2]])
    fully_shard(made)
    torch.manual_seed(rank)
    made(torch.randn(2, 4)).sum().backward()
    return [p.grad.full_tensor() for p in made.parameters()]


show("modules gathered together", group_of_modules)


def states():
    made = net()
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-2)
    train(made, optimizer, 2)
    state = made.state_dict()
    whole = get_model_state_dict(made, options=StateDictOptions(full_state_dict=True))
    on_first = get_model_state_dict(
        made, options=StateDictOptions(full_state_dict=True, cpu_offload=True)
    )
    steps = get_optimizer_state_dict(
        made, optimizer, options=StateDictOptions(full_state_dict=True)
    )
    return (
        [[key, type(value).__name__, list(value.shape)] for key, value in state.items()],
        {key: [type(value).__name__, value.sum().item()] for key, value in whole.items()},
        len(on_first),
        {
            key: [round(value["exp_avg"].sum().item(), 6), value["step"].item()]
            for key, value in steps["state"].items()
        },
    )


show("state dicts", states)


def from_rank0():
    made = net(seed=1)
    torch.manual_seed(5)
    source = Net().state_dict() if rank == 0 else {}
    options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
    set_model_state_dict(made, source, options=options)
    return [p.full_tensor().sum().item() for p in made.parameters()]


show("a state dict from rank 0", from_rank0)


def through_files():
    made = net()
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-2)
    train(made, optimizer, 2)
    cell = [tempfile.mkdtemp() if rank == 0 else None]
    dist.broadcast_object_list(cell, src=0)
    model_state, optimizer_state = get_state_dict(made, optimizer)
    dcp.save({"model": model_state, "optimizer": optimizer_state}, checkpoint_id=cell[0])
    again = net(seed=2)
    its_optimizer = torch.optim.AdamW(again.parameters(), lr=1.0)
    model_state, optimizer_state = get_state_dict(again, its_optimizer)
    loaded = {"model": model_state, "optimizer": optimizer_state}
    dcp.load(loaded, checkpoint_id=cell[0])
    set_state_dict(
        again,
        its_optimizer,
        model_state_dict=loaded["model"],
        optim_state_dict=loaded["optimizer"],
    )
    whole = {"model": Net().state_dict()}
    dcp.load(whole, checkpoint_id=cell[0], no_dist=True)
    return (
        train(again, its_optimizer, 3),
        len(os.listdir(cell[0])),
        sum(value.sum().item() for value in whole["model"].values()),
    )


show("checkpoints", through_files)


class Scalar(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))


for name, action in {
    "a list without a forward pass": lambda: fully_shard(nn.ModuleList([nn.Linear(1, 1)])),
    "a scalar": lambda: fully_shard(Scalar()),
    "a number of processes": lambda: fully_shard(nn.Linear(2, 2), reshard_after_forward=3),
    "no number": lambda: fully_shard(nn.Linear(2, 2), reshard_after_forward="yes"),
    "no bool": lambda: fully_shard(nn.Linear(2, 2)).set_reshard_after_forward(1),
    "a copy": lambda: __import__("copy").deepcopy(fully_shard(nn.Linear(2, 2))),
    "an uneven dimension": lambda: fully_shard(
        nn.Linear(3, 2), shard_placement_fn=lambda p: Shard(p.dim() - 1)
    ),
    "no module to prefetch": lambda: fully_shard(nn.Linear(2, 2)).set_modules_to_forward_prefetch(
        [nn.Linear(1, 1)]
    ),
    "memory that is not there": lambda: fully_shard(
        nn.Linear(2, 2, device="meta"), mesh=plain_mesh
    )(torch.ones(1, 2)),
}.items():
    show(f"refused: {name}", action)
dist.destroy_process_group()
