"""Collectives of all sorts, for any number of processes."""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from _cases import show

dist.init_process_group("gloo", timeout=timedelta(seconds=60))
rank, size = dist.get_rank(), dist.get_world_size()
following, before = (rank + 1) % size, (rank - 1) % size
DTYPES = [
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16,
    torch.bfloat16, torch.float32, torch.float64, torch.complex64,
]  # fmt: skip
REDUCTIONS = ["SUM", "AVG", "PRODUCT", "MIN", "MAX", "BAND", "BOR", "BXOR"]


def reduced(dtype, op):
    tensor = torch.tensor([1, 2 + rank]).to(dtype)
    dist.all_reduce(tensor, getattr(dist.ReduceOp, op))
    return tensor


def scattered(dtype, op):
    output = torch.zeros(2).to(dtype)
    given = (torch.arange(2 * size) + rank).to(dtype)
    dist.reduce_scatter_single(output, given, getattr(dist.ReduceOp, op))
    return output


for dtype in DTYPES:
    for op in REDUCTIONS:
        show(f"all_reduce {dtype} {op}", lambda d=dtype, o=op: reduced(d, o))
for dtype in (torch.float32, torch.int64):
    for op in ("SUM", "AVG", "PRODUCT", "MIN", "MAX"):
        show(f"reduce_scatter {dtype} {op}", lambda d=dtype, o=op: scattered(d, o))


def unseen_by_autograd():
    leaf = torch.ones(2, requires_grad=True)
    result = leaf * 2
    counts = leaf._version, result._version
    dist.all_reduce(leaf)
    dist.all_reduce(result)
    result.sum().backward()
    moved = leaf._version - counts[0], result._version - counts[1]
    return leaf, leaf.is_leaf, result, moved, leaf.grad


def saved_for_backward():
    x, w = torch.ones(2) * (rank + 1), torch.ones(2, requires_grad=True)
    y = (x * w).sum()
    dist.all_reduce(x)
    y.backward()
    return w.grad


def seen_through_views():
    base = torch.ones(2, 3) * (rank + 1)
    row = base[1]
    dist.all_reduce(base)
    return row, base


def gathered():
    parts = [torch.empty(2, 2) for _ in range(size)]
    dist.all_gather(parts, torch.ones(2, 2) * (rank + 1))
    return parts


def gathered_in_one():
    output = torch.empty(2 * size)
    dist.all_gather_single(output, torch.arange(2.0) + rank)
    return output


def of_the_root():
    tensor = torch.ones(2) * (rank + 1)
    dist.reduce(tensor, 1)
    parts = [torch.empty(2) for _ in range(size)] if rank == 0 else None
    dist.gather(torch.ones(2) * (rank + 1), parts, 0)
    given = [torch.ones(2) * at for at in range(size)] if rank == 0 else None
    part = torch.ones(2)
    dist.scatter(part, given, 0)
    return tensor if rank == 1 else None, parts, part


def exchanged():
    parts = [torch.empty(2) for _ in range(size)]
    dist.all_to_all(parts, [torch.ones(2) * rank * 10 + at for at in range(size)])
    whole = torch.empty(2 * size)
    dist.all_to_all_single(whole, torch.arange(2.0 * size) + 10 * rank)
    lengths = [at + 1 for at in range(size)]
    own = [rank + 1] * size
    uneven = torch.empty(sum(own))
    dist.all_to_all_single(uneven, torch.arange(float(sum(lengths))) + 100 * rank, own, lengths)
    return parts, whole, uneven


def broadcasts():
    found = []
    for dtype in (torch.bool, torch.float32, torch.int64, torch.bfloat16, torch.complex64):
        for source in range(size):
            tensor = torch.tensor([rank + 1, -0.0, rank]).to(dtype)
            dist.broadcast(tensor, source)
            found.append(tensor)
    return found


def works():
    first, second = torch.ones(2), torch.ones(2)
    work = dist.all_reduce(first, async_op=True)
    other = dist.all_reduce(second, async_op=True)
    answers = [type(work).__name__, work.wait(), work.is_completed(), other.wait()]
    doubled = dist.all_reduce(first, async_op=True).get_future()
    return answers, first, second, doubled.then(lambda future: future.value()[0] * 2).wait()


def objects():
    everything = [None] * size
    dist.all_gather_object(everything, {"rank": rank, "text": "x" * rank})
    given = [{"a": 1}, 2] if rank == 0 else [None, None]
    dist.broadcast_object_list(given, 0)
    own = [None]
    dist.scatter_object_list(own, [{"at": at} for at in range(size)] if rank == 0 else None, 0)
    found = [None] * size if rank == 1 else None
    dist.gather_object(f"rank {rank}", found, 1)
    return everything, given, own, found


def messages():
    received = torch.zeros(2)
    works = dist.batch_isend_irecv(
        [
            dist.P2POp(dist.isend, torch.ones(2) * rank, following),
            dist.P2POp(dist.irecv, received, before),
        ]
    )
    for work in works:
        work.wait()
    if rank == 0:
        dist.send(torch.arange(3.0), 1)
        dist.send_object_list([1, "a"], 1)
        return received
    if rank == 1:
        numbers, things = torch.zeros(3), [None, None]
        sender = dist.recv(numbers, 0)
        dist.recv_object_list(things, 0)
        return received, sender, numbers, things
    return received


def groups():
    part = dist.new_group([size - 1, 0])
    tensor = torch.ones(1) * (rank + 1)
    if rank in (0, size - 1):
        dist.all_reduce(tensor, group=part)
    return dist.get_rank(part), dist.get_world_size(part), tensor


def many_sizes():
    total = 0.0
    for at in range(20):
        tensor = torch.ones(10 + at * 7) * rank
        dist.all_reduce(tensor)
        total += float(tensor.sum())
    return total


show("unseen by autograd", unseen_by_autograd)
show("saved for backward", saved_for_backward)
show("seen through views", seen_through_views)
show("all_gather", gathered)
show("all_gather_single", gathered_in_one)
show("reduce, gather, scatter", of_the_root)
show("all_to_all", exchanged)
show("broadcast", broadcasts)
show("works", works)
show("objects", objects)
show("messages", messages)
show("groups", groups)
show("many sizes", many_sizes)
show("no list", lambda: dist.all_reduce([1]))
show("no tensors", lambda: dist.all_gather([1, 2], torch.ones(1)))
show("two dtypes", lambda: dist.all_gather([torch.ones(1).long()] * size, torch.ones(1)))
show("two ranks", lambda: dist.broadcast(torch.ones(1), src=0, group_src=0))
show("no rank", lambda: dist.broadcast(torch.ones(1)))
show("to itself", lambda: dist.send(torch.ones(1), rank))
show("group out of range", lambda: dist.new_group([0, 7]))
show("group with one twice", lambda: dist.new_group([0, 0]))
show("a world within", lambda: dist.init_process_group("gloo"))
show(
    "who",
    lambda: [dist.get_backend(), dist.get_backend_config(), dist.get_process_group_ranks(None)],
)
dist.barrier()
dist.destroy_process_group()
show("after the end", lambda: dist.barrier())
dist.init_process_group(
    "gloo",
    init_method=f"tcp://127.0.0.1:{int(os.environ['MASTER_PORT']) + 1}",
    rank=rank,
    world_size=size,
)
show("again", lambda: reduced(torch.int32, "SUM"))
dist.barrier()
dist.destroy_process_group()
