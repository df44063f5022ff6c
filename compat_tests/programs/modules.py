"""Modules: parameters, buffers, hooks, modes, state."""

import io

import torch
from torch import nn


class Block(nn.Module):
    """A layer with a parameter, a buffer, and a submodule that may be absent."""

    def __init__(self, size, deep=False):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(size))
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.register_buffer("scratch", torch.ones(1), persistent=False)
        self.inner = Block(size) if deep else None
        self.layers = nn.ModuleList([nn.Linear(size, size), nn.ReLU()])

    def forward(self, x):
        self.calls += 1
        for layer in self.layers:
            x = layer(x)
        return x * self.scale if self.inner is None else self.inner(x * self.scale)


torch.manual_seed(0)
block = Block(2, deep=True)
print(block)
print([name for name, _ in block.named_parameters()])
print([name for name, _ in block.named_modules()])
print(list(block.state_dict()))
print(sum(p.numel() for p in block.parameters()), len(list(block.buffers())))
print(block(torch.ones(1, 2)).shape, block.calls, block.inner.calls)

stream = io.BytesIO()
torch.save(block.state_dict(), stream)
stream.seek(0)
other = Block(2, deep=True)
print(other.load_state_dict(torch.load(stream)))
print(torch.equal(other.inner.layers[0].weight, block.inner.layers[0].weight), other.calls)
print(other.load_state_dict({"scale": torch.zeros(2)}, strict=False))
try:
    other.load_state_dict({"scale": torch.zeros(3), "extra": torch.zeros(1)})
except RuntimeError as error:
    print(error)

events = []
handle = block.layers[0].register_forward_hook(lambda m, a, out: events.append(tuple(out.shape)))
block.register_forward_pre_hook(lambda m, args: events.append("pre"))
block(torch.ones(3, 2))
handle.remove()
block(torch.ones(3, 2))
print(events)

print(block.training, block.eval().layers[0].training, block.train().inner.training)
print(block.double().scale.dtype, block.calls.dtype, block.float().scale.dtype)
print([p.requires_grad for p in block.requires_grad_(False).parameters()][:2])


def attempt(mistake):
    """Print what a mistake raises, or returns."""
    try:
        print(mistake())
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


attempt(lambda: block.missing)
attempt(lambda: setattr(block, "scale", torch.ones(2)))
attempt(lambda: block.register_buffer("calls", torch.zeros(1)))
attempt(lambda: block.get_submodule("inner.nothing"))

batch_norm = nn.BatchNorm1d(2)
batch_norm(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))
print(batch_norm.running_mean, batch_norm.running_var, batch_norm.num_batches_tracked)
print(batch_norm.eval()(torch.tensor([[1.0, 2.0]])))
shared = nn.Linear(2, 2)
print(len(list(nn.Sequential(shared, shared).parameters())))
sequence = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
print(sequence[0], len(sequence), sequence[:2], sequence[-1].weight.shape)
print(nn.ParameterList([torch.ones(1), torch.ones(2)]))
