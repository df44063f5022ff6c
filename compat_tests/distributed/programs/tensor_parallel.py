"""Modules cut over two or four processes: outputs, gradients, placements and collectives."""

# ruff: noqa: E501, F401  (expressions stand in strings and are run at once)

import warnings

import torch
import torch.distributed as dist
import torch.nn.functional as F
from _cases import show
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import (
    DTensor,
    Replicate,
    Shard,
    distribute_module,
    distribute_tensor,
)  # fmt: skip
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.experimental import implicit_replication, local_map
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    PrepareModuleInput,
    PrepareModuleInputOutput,
    PrepareModuleOutput,
    RowwiseParallel,
    SequenceParallel,
    loss_parallel,
    parallelize_module,
)  # fmt: skip

warnings.simplefilter("ignore")
dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
if size == 2:
    mesh = init_device_mesh("cpu", (2,), mesh_dim_names=("tp",))
else:
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("dp", "tp"))["tp"]
place = mesh.get_local_rank()
R = Replicate()
torch.manual_seed(0)
X = torch.randn(4, 6, 8)
LABELS = torch.arange(6)


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x):
        return self.second(F.relu(self.first(x)))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = [nn.Linear(8, 8, bias=False) for _ in range(3)]
        self.output = nn.Linear(8, 8, bias=False)

    def forward(self, x):
        heads = [
            layer(x).view(x.shape[0], x.shape[1], -1, 2).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        ]
        mixed = F.scaled_dot_product_attention(*heads, is_causal=True)
        return self.output(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(8), Attention()
        self.last_norm, self.mlp = nn.LayerNorm(8), Perceptron()

    def forward(self, x):
        x = x + self.attention(self.norm(x))
        return x + self.mlp(self.last_norm(x))


class Two(nn.Module):
    def forward(self, a, b=None):
        return a, b


def seeded(kind):
    torch.manual_seed(1)
    return kind()


def cut(module):
    return parallelize_module(
        module, mesh, {"first": ColwiseParallel(), "second": RowwiseParallel()}
    )


def told(module):
    return {
        name: [str(p.placements), str(p.grad.placements), p.grad.full_tensor()]
        for name, p in module.named_parameters()
        if isinstance(p, DTensor)
    }


def counts(mode):
    return {str(k).split(".")[-1]: n for k, n in sorted(mode.comm_counts.items(), key=str)}


def perceptron():
    module = cut(seeded(Perceptron))
    with CommDebugMode() as mode:
        output = module(X)
        output.pow(2).sum().backward()
    return [output, counts(mode), told(module)]


def sequence():
    plan = {
        "norm": SequenceParallel(),
        "attention": PrepareModuleInput(input_layouts=(Shard(1),), desired_input_layouts=(R,)),
        "attention.query": ColwiseParallel(),
        "attention.key": ColwiseParallel(),
        "attention.value": ColwiseParallel(),
        "attention.output": RowwiseParallel(output_layouts=Shard(1)),
        "last_norm": SequenceParallel(),
        "mlp": PrepareModuleInput(input_layouts=(Shard(1),), desired_input_layouts=(R,)),
        "mlp.first": ColwiseParallel(),
        "mlp.second": RowwiseParallel(output_layouts=Shard(1)),
    }
    module = parallelize_module(seeded(Block), mesh, plan)
    part = X.chunk(2, 1)[place].clone().requires_grad_()
    with CommDebugMode() as mode:
        output = module(part)
        output.pow(2).sum().backward()
    return [output, part.grad, counts(mode), told(module)]


def classes(parallel):
    torch.manual_seed(2)
    weight = distribute_tensor(torch.randn(8, 10), mesh, [Shard(1)]).requires_grad_()
    logits = distribute_tensor(X[0], mesh, [R]) @ weight
    labels = distribute_tensor(LABELS, mesh, [R])
    if parallel:
        with loss_parallel():
            loss = F.cross_entropy(logits, labels)
            loss.backward()
    else:
        loss = F.cross_entropy(logits, labels)
        loss.backward()
    return [str(loss.placements), loss.full_tensor(), weight.grad.full_tensor()]


def embedding(style):
    module = parallelize_module(seeded(lambda: nn.Embedding(10, 8)), mesh, style)
    output = module(LABELS)
    (output * X[0]).sum().backward()
    return [output, str(module.weight.placements), module.weight.grad.full_tensor()]


def trained(kind, **options):
    module = cut(seeded(Perceptron))
    optimiser = kind(module.parameters(), **options)
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = (module(X) - X).pow(2).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    state = optimiser.state[module.first.weight]
    kinds = {
        name: str(value.placements) if isinstance(value, DTensor) else type(value).__name__
        for name, value in state.items()
    }
    return [losses, kinds, {n: p.full_tensor() for n, p in module.named_parameters()}]


def states():
    module = cut(seeded(Perceptron))
    saved = module.state_dict()
    module.load_state_dict(saved)
    return {n: [type(v).__name__, str(v.placements), v.requires_grad] for n, v in saved.items()}


def whole(module):
    return distribute_module(module, mesh)


def distributed():
    module = distribute_module(
        seeded(lambda: nn.Linear(8, 4)),
        mesh,
        lambda name, m, mesh: m.register_parameter(
            "weight", nn.Parameter(distribute_tensor(m.weight.data, mesh, [Shard(0)]))
        ),
        lambda m, inputs, mesh: DTensor.from_local(inputs[0], mesh, [R]),
        lambda m, outputs, mesh: outputs.redistribute(mesh, [R]).to_local(),
    )
    return [module(X), str(module.weight.placements), str(module.bias.placements)]


def multiply(a, b):
    return a @ b


def D(tensor, placement):
    return distribute_tensor(tensor, mesh, [placement])


mapped = local_map(multiply, out_placements=[Shard(0)], in_placements=([Shard(0)], [R]))
moved = local_map(multiply, out_placements=[R], in_placements=([R], [R]), redistribute_inputs=True)


def shown(value):
    if isinstance(value, DTensor):
        return [str(value.placements), value.to_local()]
    if isinstance(value, (tuple, list)):
        return [shown(each) for each in value]
    return value


def prepared(style, *inputs, **named):
    return shown(parallelize_module(Two(), mesh, style)(*inputs, **named))


def into(**options):
    return PrepareModuleInput(**options)


def out_of(**options):
    return PrepareModuleOutput(**options)


S0, x = Shard(0), X[0]
for name, case in {
    "perceptron": perceptron,
    "sequence": sequence,
    "classes": lambda: classes(False),
    "classes in parallel": lambda: classes(True),
    "embedding by rows": lambda: embedding(RowwiseParallel(input_layouts=R)),
    "embedding by columns": lambda: embedding(ColwiseParallel(output_layouts=R)),
    "sgd": lambda: trained(torch.optim.SGD, lr=0.1),
    "sgd with momentum": lambda: trained(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda: trained(torch.optim.Adam, lr=0.01),
    "adamw": lambda: trained(torch.optim.AdamW, lr=0.01, amsgrad=True),
    "states": states,
    "distribute_module": distributed,
    "distribute_module twice": lambda: whole(whole(nn.Linear(2, 2))),
}.items():
    show(name, case)
for expression in """ColwiseParallel()
RowwiseParallel()
SequenceParallel()
into(input_layouts=(S0,), desired_input_layouts=(R,))
out_of(output_layouts=R, desired_output_layouts=R)
PrepareModuleInputOutput(input_layouts=S0, desired_input_layouts=R, output_layouts=R, desired_output_layouts=S0)
into(input_layouts=(S0,))
into(input_layouts=(S0,), desired_input_layouts=(R, R))
into(input_kwarg_layouts={"x": R})
out_of(output_layouts=(S0,), desired_output_layouts=(R, R))
prepared(into(input_layouts=(S0,), desired_input_layouts=(R,)), x, x)
prepared(into(input_layouts=(S0, None), desired_input_layouts=(R, None)), x, x)
prepared(into(input_layouts=(S0, S0), desired_input_layouts=(R, R)), x, 5)
prepared(into(input_layouts=S0, desired_input_layouts=R, use_local_output=True), x)
prepared(into(input_layouts=S0, desired_input_layouts=R, input_kwarg_layouts={"b": S0}, desired_input_kwarg_layouts={"b": R}), x, b=x)
prepared(out_of(output_layouts=(S0, S0), desired_output_layouts=(R, R)), x, x)
prepared(out_of(output_layouts=(S0, None), desired_output_layouts=(R, None)), x, x)
prepared(out_of(output_layouts=(S0,), desired_output_layouts=(R,)), x, x)
prepared(PrepareModuleInputOutput(input_layouts=S0, desired_input_layouts=R, output_layouts=(R, None), desired_output_layouts=(S0, None)), x)
parallelize_module(Perceptron(), mesh, {"f*": ColwiseParallel()}).first.weight.placements
parallelize_module(Perceptron(), mesh, {"nothing": ColwiseParallel()}).first.bias.shape
parallelize_module(Perceptron(), mesh, ColwiseParallel())
parallelize_module(nn.ReLU(), mesh, RowwiseParallel())
parallelize_module(Perceptron(), mesh, 5)
parallelize_module(Perceptron(), None, {"first": ColwiseParallel()})
parallelize_module(nn.LayerNorm(8), mesh, SequenceParallel())([x])
mapped(D(x, S0), D(x.t(), R))
mapped(D(x, R), D(x.t(), R))
moved(D(x, S0), D(x.t(), S0))
local_map(multiply, out_placements=[R])(x, x.t())
local_map(multiply, out_placements=[R], in_placements=([R],))(D(x, R), D(x.t(), R))
local_map(multiply, out_placements=([R], [R]), in_placements=([R], [R]))(D(x, R), D(x.t(), R))
local_map(multiply, out_placements=[R], in_placements=(None, [R]))(D(x, R), D(x.t(), R))
local_map(lambda a: 3, out_placements=[R])(D(x, R))""".splitlines():
    show(expression, lambda e=expression: shown(eval(e)))


def replicated():
    with implicit_replication():
        return shown(D(x, S0) + x)


show("implicit_replication", replicated)
