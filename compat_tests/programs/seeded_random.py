"""The same seed draws the same numbers."""

import torch
from torch import nn

torch.manual_seed(42)
print(torch.rand(3), torch.randn(3), torch.randint(0, 100, (5,)))
print(torch.randperm(8), torch.rand(2, 2, dtype=torch.float64))
print(torch.randn(20)[-4:], torch.rand(20)[-4:])
print(torch.bernoulli(torch.full((6,), 0.5)), torch.normal(1.0, 2.0, (3,)))
print(torch.empty(3).uniform_(-1, 1), torch.empty(3).normal_(5, 0.1), torch.empty(3).exponential_())
print(torch.multinomial(torch.tensor([0.1, 0.2, 0.7]), 6, replacement=True))
print(torch.rand_like(torch.ones(2)), torch.randn_like(torch.ones(2)))

state = torch.get_rng_state()
first = torch.rand(2)
torch.set_rng_state(state)
print(torch.equal(first, torch.rand(2)), torch.initial_seed())

own = torch.Generator().manual_seed(7)
print(torch.rand(2, generator=own), torch.randperm(4, generator=own), own.initial_seed())
with torch.random.fork_rng():
    torch.rand(100)
print(torch.rand(1))

torch.manual_seed(0)
print(nn.functional.dropout(torch.ones(8), 0.5))
layer = nn.Linear(3, 2)
print(layer.weight, layer.bias)
print(nn.Embedding(2, 3).weight.data, nn.Conv2d(1, 1, 2).weight.data)
weights = torch.empty(2, 3)
print(nn.init.xavier_uniform_(weights), nn.init.kaiming_normal_(weights))
print(nn.init.normal_(weights, std=0.01).shape, nn.init.orthogonal_(torch.empty(2, 2)).det().abs())
torch.manual_seed(1)
dropout = nn.Dropout(0.3)
print(dropout(torch.ones(6)), dropout.eval()(torch.ones(3)))
