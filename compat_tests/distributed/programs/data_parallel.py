"""DistributedDataParallel: losses of training, and what its options do."""

from datetime import timedelta

import torch
import torch.distributed as dist
from _cases import show
from torch import nn
from torch.nn.parallel import DistributedDataParallel

dist.init_process_group("gloo", timeout=timedelta(seconds=60))
rank, size = dist.get_rank(), dist.get_world_size()


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)

    def forward(self, x, both=False):
        return self.second(self.first(x)) if both else self.first(x)


def model(**options):
    torch.manual_seed(rank)
    return DistributedDataParallel(Two(), **options)


def gradients(wrapped):
    return [parameter.grad for parameter in wrapped.parameters()]


def unused():
    wrapped = model()
    for _ in range(2):
        wrapped(torch.ones(3, 2)).sum().backward()


def found_unused(**options):
    wrapped = model(**options)
    for _ in range(2):
        wrapped(torch.ones(3, 2) * (rank + 1)).sum().backward()
    return gradients(wrapped)


def used_by_one():
    wrapped = model(find_unused_parameters=True)
    wrapped(torch.ones(3, 2), both=rank == 1).sum().backward()
    return gradients(wrapped)


def twice_backward():
    wrapped = model()
    loss = wrapped(torch.ones(3, 2) * (rank + 1), True).sum()
    loss.backward(retain_graph=True)
    first = [gradient.clone() for gradient in gradients(wrapped)]
    loss.backward()
    return first, gradients(wrapped)


def added_up():
    wrapped = model()
    x = torch.ones(3, 2) * (rank + 1)
    with wrapped.no_sync():
        wrapped(x, True).sum().backward()
    alone = [gradient.clone() for gradient in gradients(wrapped)]
    wrapped(x, True).sum().backward()
    return alone, gradients(wrapped)


def hooked():
    wrapped, seen = model(), []

    def hook(state, bucket):
        seen.append([bucket.index(), len(bucket.gradients()), bucket.is_last()])
        work = dist.all_reduce(bucket.buffer(), async_op=True)
        return work.get_future().then(lambda future: future.value()[0] * 10)

    wrapped.register_comm_hook(None, hook)
    wrapped(torch.ones(3, 2), True).sum().backward()
    return seen, gradients(wrapped)


def names():
    wrapped = model()
    return repr(wrapped), list(wrapped.state_dict()), str(wrapped.device), wrapped.device_ids


def losses(make, optimizer_of, batch, target, steps=20):
    torch.manual_seed(0)
    net = make()
    wrapped = DistributedDataParallel(net)
    optimizer = optimizer_of(wrapped.parameters())
    torch.manual_seed(100 + rank)
    found = []
    for step in range(steps):
        x, y = batch(), target()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(wrapped(x), y)
        loss.backward()
        optimizer.step()
        if rank == 0 or step % 5 == 0:  # ranks look at different times
            found.append(loss.item())
    # Not of biases: that of the keys of attention has no gradient but rounding, which Adam scales.
    weights = [parameter for parameter in net.parameters() if parameter.dim() > 1]
    return found, [float(weight.detach().double().norm()) for weight in weights]


def convolutions():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 4)
    )


def layers():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 16)
        block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 4)

    def forward(self, tokens):
        return self.head(self.blocks(self.embedding(tokens)).mean(1))


def images():
    return torch.randn(8, 1, 8, 8)


def classes():
    return torch.randint(0, 4, (8,))


def joined(buffers, unused=False, **options):
    """Processes with three, five, ... batches."""
    torch.manual_seed(0)
    middle = nn.BatchNorm1d(3) if buffers else nn.Identity()
    net = nn.Sequential(nn.Linear(3, 3), middle, nn.Linear(3, 1))
    wrapped = DistributedDataParallel(net, find_unused_parameters=unused)
    optimizer = torch.optim.SGD(wrapped.parameters(), 0.1)
    torch.manual_seed(5 + rank)
    with wrapped.join(**options):
        for _ in range(3 + 2 * rank):
            optimizer.zero_grad()
            (wrapped(torch.randn(4, 3)) ** 2).mean().backward()
            optimizer.step()
    return list(wrapped.parameters()), list(wrapped.buffers())


show("unused", unused)
show("found unused", lambda: found_unused(find_unused_parameters=True))
show("static graph", lambda: found_unused(static_graph=True))
show("used by one", used_by_one)
show("twice backward", twice_backward)
show("no_sync", added_up)
show("hook", hooked)
show("names", names)
show("no parameters", lambda: DistributedDataParallel(nn.ReLU()))
show(
    "SGD",
    lambda: losses(convolutions, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9), images, classes),
)
show("Adam", lambda: losses(layers, torch.optim.Adam, images, classes))
show(
    "AdamW",
    lambda: losses(Attention, torch.optim.AdamW, lambda: torch.randint(0, 11, (8, 6)), classes),
)
show("join", lambda: joined(False))
show("join with buffers", lambda: joined(True))
show("join of those that are left", lambda: joined(False, divide_by_initial_world_size=False))
show("join with unused", lambda: joined(False, unused=True))
show("join that ends", lambda: joined(False, throw_on_early_termination=True))
show("sampler", lambda: list(torch.utils.data.DistributedSampler(range(11))))
dist.barrier()
dist.destroy_process_group()
