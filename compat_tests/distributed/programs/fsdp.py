"""FullyShardedDataParallel: losses of training, options, state dicts."""

import functools
import warnings
from datetime import timedelta

import torch
import torch.distributed as dist
from _cases import show
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_state_dict, set_state_dict
from torch.distributed.fsdp import (
    BackwardPrefetch,
    FullyShardedDataParallel,
    MixedPrecision,
    ShardingStrategy,
    StateDictType,
)
from torch.distributed.fsdp.wrap import ModuleWrapPolicy, size_based_auto_wrap_policy

warnings.simplefilter("ignore")
dist.init_process_group("gloo", timeout=timedelta(seconds=60))
rank, size = dist.get_rank(), dist.get_world_size()


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(12, 8)
        self.blocks = nn.ModuleList(Block(8) for _ in range(2))
        self.head = nn.Linear(8, 12, bias=False)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def wrapped(seed=0, **options):
    torch.manual_seed(seed)
    options = {"auto_wrap_policy": ModuleWrapPolicy({Block}), **options}
    return FullyShardedDataParallel(
        Net(), use_orig_params=True, device_id=torch.device("cpu"), **options
    )


def batch():
    return torch.randint(0, 12, (4, 5))


def loss_of(made, tokens):
    return nn.functional.cross_entropy(made(tokens).float().flatten(0, 1), tokens.flatten())


def train(made, optimizer=None, steps=20, clip=None):
    optimizer = optimizer or torch.optim.AdamW(made.parameters(), lr=1e-2)
    torch.manual_seed(100 + rank)
    losses, norms = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(made, batch())
        loss.backward()
        if clip is not None:
            norms.append(round(made.clip_grad_norm_(clip).item(), 5))
        optimizer.step()
        losses.append(loss.item())
    return losses, norms


def whole(made):
    with FullyShardedDataParallel.summon_full_params(made):
        return [[name, list(p.shape), p.sum().item()] for name, p in made.named_parameters()]


show("losses", lambda: train(wrapped()))
for strategy in ("SHARD_GRAD_OP", "NO_SHARD"):
    show(
        f"losses with {strategy}",
        lambda strategy=strategy: train(
            wrapped(sharding_strategy=ShardingStrategy[strategy]), steps=4
        ),
    )
show("losses with a clip", lambda: train(wrapped(), steps=4, clip=0.1))
show(
    "losses by size",
    lambda: train(
        wrapped(
            auto_wrap_policy=functools.partial(size_based_auto_wrap_policy, min_num_params=100),
            backward_prefetch=BackwardPrefetch.BACKWARD_POST,
        ),
        steps=4,
    ),
)
show("losses of one wrapper", lambda: train(wrapped(auto_wrap_policy=None), steps=4))
show("whole parameters", lambda: whole(wrapped()))
show("wrappers", lambda: str(wrapped()).replace("\n", ""))
show(
    "bfloat16",
    lambda: [
        round(each, 1)
        for each in train(
            wrapped(mixed_precision=MixedPrecision(torch.bfloat16, torch.float32)), steps=4
        )[0]
    ],
)


def accumulated():
    made = wrapped()
    torch.manual_seed(rank)
    with made.no_sync():
        loss_of(made, batch()).backward()
    loss_of(made, batch()).backward()
    optimizer = torch.optim.SGD(made.parameters(), lr=1.0)
    optimizer.step()
    return whole(made)


show("no_sync", accumulated)


def changed():
    made = wrapped()
    with FullyShardedDataParallel.summon_full_params(made), torch.no_grad():
        made.head.weight.fill_(0.5)
    with FullyShardedDataParallel.summon_full_params(made, writeback=False), torch.no_grad():
        made.head.weight.fill_(9.0)
    return whole(made)[-1]


show("parameters written while whole", changed)


def states():
    made = wrapped()
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-2)
    train(made, optimizer, 2)
    full = made.state_dict()
    with FullyShardedDataParallel.state_dict_type(made, StateDictType.FULL_STATE_DICT):
        steps = FullyShardedDataParallel.optim_state_dict(made, optimizer)
    again = wrapped(seed=3)
    again.load_state_dict(full)
    its_optimizer = torch.optim.AdamW(again.parameters(), lr=1.0)
    with FullyShardedDataParallel.state_dict_type(again, StateDictType.FULL_STATE_DICT):
        its_optimizer.load_state_dict(
            FullyShardedDataParallel.optim_state_dict_to_load(again, its_optimizer, steps)
        )
    return (
        {key: value.sum().item() for key, value in full.items()},
        [[key, list(value["exp_avg"].shape)] for key, value in steps["state"].items()],
        steps["param_groups"][0]["params"],
        [group["lr"] for group in its_optimizer.param_groups],
    )


show("state dicts", states)


def by_names():
    made = wrapped()
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-2)
    train(made, optimizer, 2)
    options = StateDictOptions(full_state_dict=True)
    model_state, optimizer_state = get_state_dict(made, optimizer, options=options)
    again = wrapped(seed=4)
    its_optimizer = torch.optim.AdamW(again.parameters(), lr=1.0)
    set_state_dict(
        again,
        its_optimizer,
        model_state_dict=model_state,
        optim_state_dict=optimizer_state,
        options=options,
    )
    return list(model_state), list(optimizer_state["state"]), train(again, its_optimizer, 3)


show("state dicts by names", by_names)
dist.destroy_process_group()
