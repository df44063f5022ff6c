"""DTensors of two or four processes: placements, parts, gradients and refusals."""

# ruff: noqa: B023, E501, F401  (expressions stand in strings and are run at once)

import copy
import warnings

import torch
import torch.distributed as dist
import torch.nn.functional as F
from _cases import show
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import (
    DTensor,
    Partial,
    Placement,
    Replicate,
    Shard,
    distribute_tensor,
    full,
    ones,
    zeros,
)  # fmt: skip
from torch.distributed.tensor.debug import CommDebugMode

warnings.simplefilter("ignore")
dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
mesh = init_device_mesh("cpu", (2,)) if size == 2 else init_device_mesh("cpu", (2, 2))
R, P = Replicate(), Partial()
more = [R] * (mesh.ndim - 1)
torch.manual_seed(0)
X, W, B = torch.randn(4, 6), torch.randn(6, 6), torch.randn(4, 6, 8)
Q = torch.randn(2, 4, 6, 8)
T = torch.tensor([0, 5, 2, 3])
ROW = torch.randn(6)


def S(dim):
    return Shard(dim)


def D(tensor, *placements, grad=False):
    made = distribute_tensor(tensor.clone(), mesh, [*placements, *more[len(placements) - 1 :]])
    return made.requires_grad_() if grad else made


def terms(tensor=X):
    return DTensor.from_local(tensor.clone(), mesh, [P, *more])


def shown(value):
    if isinstance(value, DTensor):
        return [str(value.placements), list(value.shape), value.to_local()]
    if isinstance(value, (tuple, list)) and any(isinstance(v, DTensor) for v in value):
        return [shown(each) for each in value]
    if isinstance(value, Placement):
        return repr(value)
    return value


def counted(expression):
    with CommDebugMode() as mode:
        value = shown(eval(expression))
    return [value, {str(k).split(".")[-1]: n for k, n in sorted(mode.comm_counts.items(), key=str)}]


def gradients(function, *tensors):
    function(*tensors).sum().backward()
    return [each.grad.full_tensor() for each in tensors]


VALUES = """D(X, S(0)) + D(X, S(0))
D(X, S(0)) * D(X, R)
D(X, S(0)) + D(X, S(1))
D(X, S(0)) + D(ROW, R)
D(X, S(1)) + D(ROW, S(0))
D(X, S(0)) + torch.tensor(1.0)
D(X, S(0)) + X
X + D(X, S(0))
torch.stack([D(X, S(0)), X])
terms() + D(X, R)
D(X, R) + terms()
terms() + terms()
terms() * D(X, R)
terms() * 2
terms() + 1
-terms()
terms().relu()
terms() / D(X, R)
terms() + D(X, S(0))
terms() - D(X, R)
terms() / 2
terms() > 0
terms().clone()
terms().detach()
terms().sum(0)
terms().t()
terms().view(24)
terms().to(torch.float64)
terms() @ D(W, R)
torch.ones_like(terms())
torch.zeros_like(terms())
D(X, S(0)) @ D(W, R)
D(X, R) @ D(W, S(1))
D(X, S(1)) @ D(W, S(0))
D(X, R) @ D(W, R)
D(X, S(0)) @ D(W, S(0))
D(X, S(0)) @ D(W, S(1))
D(X, S(1)) @ D(W, R)
D(X, R) @ D(W, S(0))
torch.einsum("ij,jk->ik", D(X, S(0)), D(W, R))
torch.bmm(D(B, S(0)), D(B.transpose(1, 2), R))
F.linear(D(B, S(1)), D(W[:, :4].repeat(1, 2), R))
F.linear(D(B, S(0)), D(W[:, :4].repeat(1, 2), R))
F.linear(D(B, S(2)), D(W[:, :4].repeat(1, 2), S(1)))
F.linear(D(B, R), D(W[:, :4].repeat(1, 2), S(0)), D(ROW, S(0)))
F.linear(D(B, S(2)), D(W[:, :4].repeat(1, 2), S(1)), D(ROW, R))
D(X, S(0)).sum()
D(X, S(0)).sum(0)
D(X, S(0)).sum(1)
D(X, S(0)).sum(1, keepdim=True)
D(X, S(1)).sum(0)
D(X, S(0)).mean()
D(B, S(1)).mean(0)
D(X, S(0)).max()
D(X, S(1)).amax(1)
D(X, S(1)).min(1)
D(X, S(0)).prod()
D(X, S(0)).std()
D(X, S(0)).var(1)
D(X, S(0)).norm()
torch.linalg.vector_norm(D(X, S(0)), 3.0)
D(X, S(0)).logsumexp(0)
D(X, S(0)).cumsum(0)
D(X, S(0)).cumsum(1)
D(X, S(0)).softmax(0)
D(X, S(0)).softmax(1)
F.log_softmax(D(X, S(0)), 1)
D(X, S(0)).sort(1)
D(X, S(0)).sort(0)
D(X, S(0)).topk(2, 1)
D(X, S(0)).topk(2, 0)
D(X, S(0)).tril()
D(X, S(0)).flip(0)
D(X, S(0)).view(24)
D(X, S(0)).view(2, 2, 6)
D(X, S(1)).view(24)
D(X, S(1)).view(4, 2, 3)
D(X, S(1)).view(4, 3, 2)
D(B, S(0)).view(24, 8)
D(B, S(1)).flatten(0, 1)
D(B, S(2)).view(4, 6, 2, 4)
D(B, S(2)).unflatten(2, (4, 2)).transpose(1, 2)
D(X, S(0)).t()
D(B, S(0)).permute(2, 0, 1)
D(X, S(0)).unsqueeze(0)
D(X, S(0)).unsqueeze(0).squeeze(0)
D(X, S(0)).expand(2, 4, 6)
D(X, S(0)).repeat(2, 1)
D(X, S(0))[0]
D(X, S(0))[0:2]
D(X, S(0))[:, 0]
D(X, S(1))[:, 0]
D(X, S(0))[D(torch.tensor([0, 1]), R)]
D(X, S(0))[torch.tensor([0, 1])]
D(X, S(0)).split(2, 0)
D(X, S(0)).split(2, 1)
D(X, S(0)).chunk(2, 0)
D(X, S(0)).unbind(0)
D(X, S(0)).unbind(1)[0]
torch.cat([D(X, S(0)), D(X, S(0))], 1)
torch.cat([D(X, S(0)), D(X, S(0))], 0)
torch.cat([D(X, S(0)), D(X, R)])
torch.stack([D(X, S(0)), D(X, S(0))])
torch.where(D(X, S(0)) > 0, D(X, S(0)), D(X, R))
D(X, S(0)).masked_fill(D(X, S(0)) > 0, 0.0)
F.gelu(D(B, S(2)))
F.layer_norm(D(X, S(0)), [6])
F.layer_norm(D(X, S(1)), [6])
F.rms_norm(D(X, S(0)), [6])
F.group_norm(D(B, S(0)), 2)
F.conv2d(D(Q, S(0)), D(Q[:1, :, :1, :1], R))
F.embedding(D(T, R), D(W, S(1)))
F.embedding(D(T, S(0)), D(W, R))
F.embedding(D(T, R), D(W, S(0))).full_tensor()
F.mse_loss(D(X, S(0)), D(W[:4], S(0)))
F.mse_loss(D(X, S(0)), D(W[:4], S(0)), reduction="sum")
F.cross_entropy(D(X, S(0)), D(T, S(0)))
F.cross_entropy(D(X, S(0)), D(T, S(0)), reduction="sum")
F.cross_entropy(D(X, S(1)), T)
F.scaled_dot_product_attention(D(Q, S(0)), D(Q, S(0)), D(Q, S(0)))
F.dropout(D(X, S(0)), 0.0)
D(X, S(0)).to(torch.float64)
D(X, S(0)).add_(D(X, S(1)))
D(X, R).add_(D(X, S(1)))
D(X, S(0)).mul_(2).sub_(1)
terms().add_(1)
D(X, S(0)).zero_()
D(X, S(0)).fill_(1.0)
D(X, S(0)).copy_(D(W[:4], S(1)))
torch.zeros_like(D(X, S(0)))
torch.equal(D(X, S(0)), D(X, S(0)))
torch.equal(D(X, S(0)), D(W[:4], S(0)))
D(X, S(0)) == D(X, R)
torch.linalg.inv(D(W, S(0)))
D(X, S(0)).redistribute(mesh, [S(1), *more])
D(X, S(0)).redistribute(mesh, [R, *more])
D(X, R).redistribute(mesh, [S(0), *more])
terms().redistribute(mesh, [S(0), *more])
terms().redistribute(mesh, [R, *more])
D(X, S(0)).full_tensor()
D(torch.arange(5.0), S(0))
D(torch.arange(5.0), S(0)).full_tensor()
(D(torch.arange(5.0), S(0)) + 1).sum().full_tensor()
D(torch.arange(10.0).view(5, 2), S(0)).redistribute(mesh, [S(1), *more])
DTensor.from_local(X[:1].clone(), mesh, [S(0), *more])
DTensor.from_local(X.t(), mesh, [S(0), *more]).stride()
zeros(5, 3, device_mesh=mesh, placements=[S(0), *more])
ones(4, 2, device_mesh=mesh)
full((3,), 2.0, device_mesh=mesh)
copy.deepcopy(D(X, S(0), grad=True)).requires_grad""".splitlines()
REFUSED = """D(X, S(0)).nonzero()
torch.allclose(D(X, S(0)), D(X, S(0)))
D(X, S(0)).numpy()
D(X, S(0)).tolist()
D(X, S(0)).redistribute(mesh, [P, *more])
D(X, S(0)).redistribute()
distribute_tensor(X, mesh, [S(3), *more])
distribute_tensor(X, mesh, [S(0)] * 3)
distribute_tensor(X.clone().requires_grad_() * 2, mesh, [S(0), *more])
distribute_tensor(D(X, S(0)), mesh, [R, *more])
DTensor.from_local(X, mesh, [S(0), *more], shape=(1,))
zeros(4)
ones(4, device_mesh=mesh, placements=[S(0)] * 3)""".splitlines()
WORDS = """D(X, S(0)).shape
DTensor.from_local(X.clone() * (rank + 1), mesh, [R, *more], run_check=True)
D(X, S(0)).numel()
D(X, S(0)).stride()
D(X, S(0)).is_contiguous()
D(X, S(0)).is_leaf
D(X, S(0)).grad_fn
D(X, S(0), grad=True).mul(2).requires_grad
len(D(X, S(0)))
repr(D(X, S(0)))
repr(D(X, S(0)).sum())
str(D(X, S(0))._spec)
str(terms()._spec)
repr(D(X, S(0))._spec)
D(X, S(-1)).placements
type(D(X, S(0)).data).__name__
isinstance(torch.nn.Parameter(D(X, S(0))), torch.nn.Parameter)
repr(S(1)), str(S(1)), repr(R), str(R), repr(P), str(P), str(Partial("max")), repr(Partial("avg"))
S(0) == S(0), S(0) == S(1), hash(S(0)) == hash(S(0)), P == Partial("avg")
S(0).is_shard(), S(0).is_shard(1), R.is_replicate(), P.is_partial("sum"), P.is_partial("max")""".splitlines()
GRADIENTS = {
    "mm": (lambda a, b: a @ b, X, W),
    "mul": (lambda a, b: a * b, X, W[:4]),
    "broadcast": (lambda a, b: a * b + b, X, ROW),
    "mean": (lambda a: (a * a).mean(), X),
    "amax": (lambda a: a.amax(0), X),
    "norm": (lambda a: a.norm(), X),
    "softmax": (lambda a, b: a.softmax(-1) * b, X, W[:4]),
    "layer_norm": (lambda a, b: F.layer_norm(a, [6], b) ** 2, X, ROW),
    "view": (lambda a: a.view(2, 2, 6).transpose(0, 1).exp(), X),
    "twice": (lambda a, b: (a @ b).sum() + (b * b).sum(), X, W),
}
for expression in VALUES:
    show(expression, lambda e=expression: counted(e))
for expression in (*REFUSED, *WORDS):
    show(expression, lambda e=expression: shown(eval(e)))
for name, (function, *tensors) in GRADIENTS.items():
    for first in (R, S(0)):
        for second in (R, S(0)):
            given = [D(t, p, grad=True) for t, p in zip(tensors, (first, second))]
            show(f"gradient of {name} {first} {second}", lambda: gradients(function, *given))


def of_local(placement, target):
    part = X.clone().requires_grad_()
    made = DTensor.from_local(part, mesh, [placement, *more]).redistribute(mesh, [target, *more])
    (made * made).sum().backward()
    return part.grad


def of_to_local(grad_placement):
    whole = D(X, R, grad=True)
    part = whole.to_local(
        grad_placements=None if grad_placement is None else [grad_placement, *more]
    )
    (part * part).sum().backward()
    return [str(whole.grad.placements), whole.grad.full_tensor()]


for placement in (R, P, S(0)):
    for target in (R, S(0), S(1)):
        show(f"gradient of from_local {placement} {target}", lambda: of_local(placement, target))
for placement in (None, P, R):
    show(f"gradient of to_local {placement}", lambda: of_to_local(placement))
