"""Operators on DTensors, however these are cut, against the same operators on whole tensors.

Each case prints the placements with which a value or a gradient is another one: none.
"""

import itertools
import sys
import warnings

import torch
import torch.distributed as dist
import torch.nn.functional as F
from _cases import show
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor

warnings.simplefilter("ignore")
dist.init_process_group("gloo")
size = dist.get_world_size()
mesh = init_device_mesh("cpu", (2,) if size == 2 else (2, 2))
whole = [Replicate()] * mesh.ndim
#: How many combinations of placements of a case are tried.
MOST = int(sys.argv[1])

torch.manual_seed(0)
x, y, w, b, v = (
    torch.randn(4, 6),
    torch.randn(4, 6),
    torch.randn(6, 8),
    torch.randn(8),
    torch.randn(6),
)
deep, heads, odd = torch.randn(4, 4, 6), torch.randn(2, 4, 4, 8), torch.randn(5, 3)
table, wide = torch.randn(6, 4), torch.randn(8, 6)
labels, places = torch.arange(4), torch.tensor([[0, 3], [2, 1]])
CASES = {
    "add": (lambda a, c: a + c, x, y),
    "mul": (lambda a, c: a * c, x, y),
    "broadcast": (lambda a, c: a * c + c, x, v),
    "div": (lambda a, c: a / (c.abs() + 1), x, v),
    "mm": (lambda a, c: a @ c, x, w),
    "addmm": (lambda a, c, e: torch.addmm(e, a, c), x, w, b),
    "linear": (F.linear, deep, wide, b),
    "linear without bias": (F.linear, deep, wide),
    "bmm": (lambda a, c: a @ c.transpose(1, 2), deep, deep.flip(0)),
    "einsum": (lambda a, c: torch.einsum("bij,bkj->bik", a, c), deep, deep.flip(0)),
    "sum": (lambda a: a.sum(), x),
    "sum of rows": (lambda a: a.sum(0), x),
    "mean": (lambda a: a.mean(), x),
    "mean of columns": (lambda a: (a * a).mean(1, keepdim=True), x),
    "max": (lambda a: a.max(), x),
    "amax": (lambda a: a.amax(0), x),
    "min": (lambda a: a.min(1)[0], x),
    "prod": (lambda a: a.prod(), x),
    "var": (lambda a: a.var(0), x),
    "std": (lambda a: a.std(), x),
    "vector_norm": (torch.linalg.vector_norm, x),
    "norm": (lambda a: a.norm(p=3, dim=0), x),
    "softmax": (lambda a: a.softmax(-1), x),
    "softmax of rows": (lambda a: a.softmax(0), x),
    "log_softmax": (lambda a: F.log_softmax(a, 1), x),
    "layer_norm": (lambda a, g, h: F.layer_norm(a, [6], g, h), deep, v, v.flip(0)),
    "rms_norm": (lambda a, g: F.rms_norm(a, [6], g), deep, v),
    "view": (lambda a: a.view(16, 6) * 2, deep),
    "view apart": (lambda a: a.view(4, 4, 2, 3).transpose(1, 2), deep),
    "view and back": (lambda a: a.view(16, 6).relu().view(4, 4, 6), deep),
    "flatten": (lambda a: a.flatten(), x),
    "reshape": (lambda a: a.reshape(2, 2, 4, 6), deep),
    "t": (lambda a: a.t(), x),
    "permute": (lambda a: a.permute(2, 0, 1), deep),
    "unsqueeze": (lambda a: a.unsqueeze(1).squeeze(1), x),
    "expand": (lambda a: a.unsqueeze(0).expand(3, 4, 6), x),
    "cat": (lambda a, c: torch.cat([a, c], 1), x, y),
    "cat of rows": (lambda a, c: torch.cat([a, c]), x, y),
    "stack": (lambda a, c: torch.stack([a, c], 1), x, y),
    "split": (lambda a: a.split(2, 1)[1], x),
    "chunk": (lambda a: a.chunk(2, 0)[0], x),
    "select": (lambda a: a[1], x),
    "slice": (lambda a: a[:, 1:3], x),
    "gelu": (F.gelu, x),
    "silu": (lambda a: F.silu(a) * a, x),
    "where": (lambda a, c: torch.where(a > 0, a, c), x, y),
    "clamp": (lambda a: a.clamp(-0.5, 0.5), x),
    "masked_fill": (lambda a: a.masked_fill(a > 0, 0.0), x),
    "cumsum": (lambda a: a.cumsum(0), x),
    "sort": (lambda a: a.sort(1)[0], x),
    "topk": (lambda a: a.topk(2)[0], x),
    "tril": (lambda a: a.tril(), x),
    "logsumexp": (lambda a: a.logsumexp(1), x),
    "flip": (lambda a: a.flip(1), x),
    "causal attention": (
        lambda a, c, e: F.scaled_dot_product_attention(a, c, e, is_causal=True),
        *(heads, heads.flip(0), heads.flip(1)),
    ),
    "attention": (lambda a: F.scaled_dot_product_attention(a, a, a), heads),
    "mse_loss": (F.mse_loss, x, y),
    "mse_loss summed": (lambda a, c: F.mse_loss(a, c, reduction="sum"), x, y),
    "several uses": (lambda a, c: (a @ c).sum() + (c * c).sum() + c.sum(), x, w),
    "chain": (lambda a, c: F.softmax(F.relu(a @ c), -1).sum(0).pow(2).mean(), x, w),
    "in place": (lambda a, c: (a * 1).add_(c).mul_(2), x, y),
    "conv2d": (F.conv2d, heads, torch.randn(3, 4, 1, 1)),
    "gather": (lambda a: a.gather(1, given(places.repeat(2, 1))), x),
    "index": (lambda a: a[given(torch.tensor([0, 2]))], x),
    "embedding": (lambda t: F.embedding(given(places), t), table),
    "embedding of cut indices": (lambda t: F.embedding(given(places, Shard(0)), t), table),
    "cross_entropy": (lambda a: F.cross_entropy(a, given(labels)), x),
    "cross_entropy summed": (
        lambda a: F.cross_entropy(a, given(labels, Shard(0)), reduction="sum"),
        x,
    ),
    "uneven": (lambda a: (a * 2 + 1).sum(0), odd),
    "uneven product": (lambda a, c: a @ c, odd, odd.t().contiguous()),
    "uneven mean": (lambda a: a.mean(), odd),
    "uneven view": (lambda a: a.view(-1), odd),
    "uneven transposed": (lambda a: a.t().contiguous().sum(1), odd),
}
distributing = False


def given(tensor, placement=None):
    """Return an operand without a gradient, distributed where the others are."""
    if not distributing:
        return tensor
    return distribute_tensor(tensor, mesh, [placement or Replicate(), *whole[1:]])


def combinations(tensors):
    each = [
        list(itertools.product([Replicate(), *map(Shard, range(t.ndim))], repeat=mesh.ndim))
        for t in tensors
    ]
    every = list(itertools.product(*each))
    return every[:: max(1, len(every) // MOST)]


def wrong(function, tensors):
    global distributing
    distributing = False
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    expected = function(*leaves)
    weights = torch.cos(torch.arange(float(expected.numel()))).view(expected.shape)
    (expected * weights).sum().backward()
    distributing = True
    found = []
    for placements in combinations(tensors):
        for gathers in (True, False):
            parts = [
                distribute_tensor(tensor, mesh, list(each)).requires_grad_()
                for tensor, each in zip(tensors, placements)
            ]
            try:
                result = function(*parts)
            except RuntimeError as error:
                if "Cannot unflatten unevenly sharded tensor" not in str(error):
                    raise
                continue  # PyTorch refuses it, too
            full = result.full_tensor()
            if gathers:
                (full * weights).sum().backward()
            else:
                (result * distribute_tensor(weights, mesh, whole)).sum().backward()
            same = torch.allclose(full, expected, atol=1e-5, rtol=1e-4)
            for part, leaf in zip(parts, leaves):
                gradient = part.grad.full_tensor()
                same = same and torch.allclose(gradient, leaf.grad, atol=1e-4, rtol=1e-3)
            if not same:
                found.append([str(placements), str(result.placements), gathers])
    return found


for name, (function, *tensors) in CASES.items():
    show(name, lambda f=function, t=tensors: wrong(f, t))
