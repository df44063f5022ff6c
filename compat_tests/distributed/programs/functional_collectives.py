"""Collectives that return new tensors, and their gradients."""

# ruff: noqa: E501, F401  (expressions stand in strings and are run at once)

import warnings

import torch
import torch.distributed as dist
import torch.distributed._functional_collectives as functional
import torch.distributed.nn.functional as differentiable
from _cases import show
from torch.distributed.device_mesh import init_device_mesh

warnings.simplefilter("ignore")
dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
world = dist.group.WORLD
mesh = init_device_mesh("cpu", (size // 2, 2), mesh_dim_names=("dp", "tp"))
around = [(each + 1) % size for each in range(size)]
MAX = dist.ReduceOp.MAX
#: How many rows go from each process to each.
sent = [[1 + (source + target) % 2 for target in range(size)] for source in range(size)]
received = [row[rank] for row in sent]


def tensor():
    return (torch.arange(2.0 * size).view(size, 2) + 10 * rank).requires_grad_()


def rows():
    return (torch.arange(float(sum(sent[rank]))) + 10 * rank).requires_grad_()


def with_gradient(expression):
    x, r = tensor(), rows()
    results = eval(expression, {**globals(), "x": x, "r": r})
    several = results if isinstance(results, (tuple, list)) else [results]
    weighted = [
        (index + 1) * (each * torch.arange(1.0, each.numel() + 1).view(each.shape)).sum()
        for index, each in enumerate(several)
        if each.requires_grad
    ]
    if weighted:
        sum(weighted).backward()
    gradients = [None if each.grad is None else each.grad for each in (x, r)]
    return [[each.detach().clone() for each in several], gradients]


for expression in """differentiable.all_reduce(x)
differentiable.all_reduce(x, op=MAX)
differentiable.all_gather(x)
differentiable.broadcast(x, 1)
differentiable.gather(x, 0)
differentiable.gather(x, 1)
differentiable.scatter([x * each for each in range(size)], 0)
differentiable.reduce_scatter(torch.zeros(size, 2), [x * each for each in range(size)])
differentiable.all_to_all([torch.zeros(size, 2) for _ in range(size)], [x * each for each in range(size)])
differentiable.all_to_all_single(torch.zeros(size, 2), x)
differentiable.all_to_all_single(torch.zeros(sum(received)), r, received, sent[rank])
functional.all_reduce(x.detach(), "sum", world)
functional.all_reduce(x.detach(), "avg", world)
functional.all_reduce(x.detach(), "max", mesh["tp"])
functional.all_reduce(x.detach(), "sum", (mesh, 0))
functional.all_reduce(x.detach(), "sum", mesh)
functional.all_gather_tensor(x.detach(), 0, world)
functional.all_gather_tensor(x.detach(), 1, mesh["tp"])
functional.reduce_scatter_tensor(x.detach(), "sum", 0, world)
functional.reduce_scatter_tensor(x.detach(), "avg", 1, (mesh, 1))
functional.all_to_all_single(x.detach(), None, None, world)
functional.all_to_all_single(r.detach(), received, sent[rank], world)
functional.broadcast(x.detach(), 1, world)
functional.permute_tensor(x.detach().view(-1), around, world)
functional.wait_tensor(functional.all_reduce(x.detach(), "sum", world))
functional.all_gather_tensor_autograd(x, 0, world)
functional.all_gather_tensor_autograd(x, 1, mesh["tp"])
functional.reduce_scatter_tensor_autograd(x, "sum", 0, world)
functional.reduce_scatter_tensor_autograd(x, "sum", 1, (mesh, 1))
functional.all_to_all_single_autograd(r, received, sent[rank], world)
functional.all_reduce(x, "sum", world)
functional.all_reduce_coalesced([x.detach(), x.detach() * 2], "sum", world)
functional.all_gather_into_tensor_coalesced([x.detach(), x.detach()[:1]], world)
functional.reduce_scatter_tensor_coalesced([x.detach(), x.detach()], "sum", [0, 0], world)""".splitlines():
    show(expression, lambda e=expression: with_gradient(e))
