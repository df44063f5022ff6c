"""Hooks of DDP, averages of models, ZeroRedundancyOptimizer, Join."""

import io
from collections import OrderedDict
from datetime import timedelta

import torch
import torch.distributed as dist
from _cases import show
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import (
    DDPCommHookType,
    default_hooks,
    post_localSGD_hook,
    powerSGD_hook,
    register_ddp_comm_hook,
)
from torch.distributed.algorithms.join import Join
from torch.distributed.algorithms.model_averaging.averagers import PeriodicModelAverager
from torch.distributed.algorithms.model_averaging.hierarchical_model_averager import (
    HierarchicalModelAverager,
)
from torch.distributed.optim import PostLocalSGDOptimizer, ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo", timeout=timedelta(seconds=60))
rank, size = dist.get_rank(), dist.get_world_size()


def model(wrapped=True):
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 5, bias=False))
    return DistributedDataParallel(made) if wrapped else made


def train(made, optimizer, steps=6):
    torch.manual_seed(10 + rank)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = made(torch.randn(4, 6)).square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [parameter.sum().item() for parameter in made.parameters()]


def with_hook(register, lr=0.05):
    made = model()
    register(made)
    return train(made, torch.optim.SGD(made.parameters(), lr=lr))


for kind in ("ALLREDUCE", "NOOP", "FP16_COMPRESS"):
    show(
        f"hook {kind}",
        lambda kind=kind: [
            round(each, 2 if "COMPRESS" in kind else 5)
            for each in with_hook(
                lambda made: register_ddp_comm_hook(DDPCommHookType[kind], made, None)
            )[0]
        ],
    )


def power(hook, **options):
    state = powerSGD_hook.PowerSGDState(
        None, start_powerSGD_iter=2, min_compression_rate=0.5, **options
    )
    losses = with_hook(lambda made: made.register_comm_hook(state, hook), lr=0.01)[0]
    return [round(each, 3) for each in losses], state.compression_stats(), state.iter


show("PowerSGD", lambda: power(powerSGD_hook.powerSGD_hook, matrix_approximation_rank=2))
show(
    "PowerSGD by shape",
    lambda: power(
        powerSGD_hook.powerSGD_hook,
        matrix_approximation_rank=1,
        batch_tensors_with_same_shape=True,
        orthogonalization_epsilon=1e-8,
    ),
)
show(
    "PowerSGD without memory",
    lambda: power(powerSGD_hook.powerSGD_hook, use_error_feedback=False, warm_start=False),
)
show("PowerSGD of rank 3", lambda: power(powerSGD_hook.powerSGD_hook, matrix_approximation_rank=3))
show("PowerSGD too early", lambda: powerSGD_hook.PowerSGDState(None, start_powerSGD_iter=1))


def wrapper():
    hook = default_hooks.fp16_compress_wrapper(default_hooks.allreduce_hook)
    losses = with_hook(lambda made: made.register_comm_hook(None, hook))[0]
    return hook.__name__, [round(each, 2) for each in losses]


show("a wrapped hook", wrapper)


def post_local(allreduce):
    made = model()
    state = post_localSGD_hook.PostLocalSGDState(
        None, dist.new_group([rank], use_local_synchronization=True), 2, allreduce
    )
    made.register_comm_hook(state, post_localSGD_hook.post_localSGD_hook)
    averager = PeriodicModelAverager(period=2, warmup_steps=2)
    optimizer = PostLocalSGDOptimizer(torch.optim.SGD(made.parameters(), lr=0.05), averager)
    found = train(made, optimizer)
    state = optimizer.state_dict()
    other = PostLocalSGDOptimizer(
        torch.optim.SGD(made.parameters(), lr=1.0), PeriodicModelAverager(period=2)
    )
    other.load_state_dict(state)
    return found, sorted(state), other.averager.step, other.param_groups[0]["lr"]


show("post-local SGD", lambda: post_local(True))
show("post-local SGD without reduction", lambda: post_local(False))


def hierarchical():
    made = model(wrapped=False)
    periods = OrderedDict([(1, 2), (3, size)]) if size > 2 else OrderedDict([(2, size)])
    averager = HierarchicalModelAverager(periods, warmup_steps=1)
    optimizer = torch.optim.SGD(made.parameters(), lr=0.02)
    torch.manual_seed(rank)
    sums = []
    for _ in range(5):
        optimizer.zero_grad()
        made(torch.randn(4, 6)).square().sum().backward()
        optimizer.step()
        averager.average_parameters(made.parameters())
        sums.append(sum(parameter.sum().item() for parameter in made.parameters()))
    return sums


show("averages of groups", hierarchical)
show("periods that are none", lambda: HierarchicalModelAverager(OrderedDict([(0, size)])))
show("another size", lambda: HierarchicalModelAverager(OrderedDict([(2, size + 1)])))
show("a period that is none", lambda: PeriodicModelAverager(period=0))


def zero(optimizer_class, **options):
    made = model()
    optimizer = ZeroRedundancyOptimizer(made.parameters(), optimizer_class, **options)
    found = train(made, optimizer)
    mine = [[tuple(p.shape) for p in group["params"]] for group in optimizer.optim.param_groups]
    optimizer.consolidate_state_dict(to=0)
    state = None
    if rank == 0:
        state = optimizer.state_dict()
        state = [
            sorted(state["state"]),
            [round(v["exp_avg"].sum().item(), 5) for v in state["state"].values()]
            if optimizer_class is not torch.optim.SGD
            else sorted(state["state"][0]),
            [group["params"] for group in state["param_groups"]],
        ]
    return found, mine, state


show("ZeRO SGD", lambda: zero(torch.optim.SGD, lr=0.05, momentum=0.9))
show("ZeRO Adam", lambda: zero(torch.optim.Adam, lr=0.01))
show("ZeRO buckets", lambda: zero(torch.optim.Adam, lr=0.01, parameters_as_bucket_view=True))


def zero_groups():
    made = model()
    parameters = list(made.parameters())
    groups = [{"params": parameters[:2]}, {"params": parameters[2:], "lr": 0.002}]
    optimizer = ZeroRedundancyOptimizer(groups, torch.optim.AdamW, lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    found = train(made, optimizer, 2)
    scheduler.step()
    rates = [group["lr"] for group in optimizer.param_groups]
    extra = nn.Parameter(torch.ones(3))
    optimizer.add_param_group({"params": [extra], "lr": 0.5})
    extra.grad = torch.ones(3)
    optimizer.step()
    return found, rates, extra.tolist()


show("ZeRO groups", zero_groups)


def zero_reloaded():
    made = model()
    optimizer = ZeroRedundancyOptimizer(made.parameters(), torch.optim.Adam, lr=0.01)
    train(made, optimizer, 2)
    optimizer.consolidate_state_dict(to=0)
    file = io.BytesIO()
    if rank == 0:
        torch.save(optimizer.state_dict(), file)
    cell = [file.getvalue()]
    dist.broadcast_object_list(cell, src=0)
    other = model()
    other.load_state_dict(made.state_dict())
    again = ZeroRedundancyOptimizer(other.parameters(), torch.optim.Adam, lr=0.5)
    again.load_state_dict(torch.load(io.BytesIO(cell[0])))
    return train(other, again, 2), again.param_groups[0]["lr"]


show("ZeRO loaded", zero_reloaded)


def not_consolidated():
    return ZeroRedundancyOptimizer(model().parameters(), torch.optim.SGD, lr=0.1).state_dict()


show("ZeRO not consolidated", not_consolidated)
for name, given in {
    "a tensor": torch.ones(1),
    "a number": 3,
    "nothing": [],
    "both": [torch.ones(1), {"params": []}],
    "a group without": [{"lr": 0.1}],
}.items():
    show(f"ZeRO of {name}", lambda given=given: ZeroRedundancyOptimizer(given, torch.optim.SGD))


def uneven():
    made = model()
    optimizer = ZeroRedundancyOptimizer(made.parameters(), torch.optim.SGD, lr=0.05)
    torch.manual_seed(rank)
    with Join([made, optimizer]):
        for _ in range(2 + rank):
            optimizer.zero_grad()
            made(torch.randn(4, 6)).square().sum().backward()
            optimizer.step()
    return [parameter.sum().item() for parameter in made.parameters()]


show("uneven inputs", uneven)
show("nothing to join", lambda: Join([]))
dist.destroy_process_group()
