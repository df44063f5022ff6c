"""Shapes by name."""

import torch
from einops import einsum, pack, rearrange, reduce, repeat
from einops.layers.torch import Rearrange

torch.manual_seed(0)
x = torch.randn(2, 3, 4, 5, requires_grad=True)
print(rearrange(x, "b c (h a) w -> b (h w) (c a)", a=2).shape)
print(reduce(x, "b c h w -> b c", "mean"))
print(repeat(x, "b c h w -> b c h w k", k=2).shape, einsum(x, x, "b c h w, b d h w -> b c d").shape)
packed, shapes = pack([torch.ones(2, 3), torch.ones(2, 4, 3)], "b * c")
print(packed.shape, shapes)
model = torch.nn.Sequential(Rearrange("b c h w -> b (c h w)"), torch.nn.Linear(60, 3))
model(x).sum().backward()
print(x.grad[0, 0], model)
