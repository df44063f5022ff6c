"""einops: shapes by name."""

import torch
from einops import einsum, pack, rearrange, reduce, repeat, unpack
from einops.layers.torch import EinMix, Rearrange, Reduce
from programs import run_programs


def functions():
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    print(rearrange(x, "b c (h a) w -> b (h w) (c a)", a=2).shape)
    print(reduce(x, "b c h w -> b c", "mean"), reduce(x, "b c (h a) w -> b h", "max", a=2))
    print(repeat(x, "b c h w -> b c h w k", k=2).shape)
    print(einsum(x, x, "b c h w, b d h w -> b c d"))
    packed, shapes = pack([torch.ones(2, 3), torch.ones(2, 4, 3)], "b * c")
    print(packed.shape, shapes, [part.shape for part in unpack(packed, shapes, "b * c")])


def layers():
    x = torch.randn(2, 3, 4, 5, requires_grad=True)
    model = torch.nn.Sequential(Rearrange("b c h w -> b (c h w)"), torch.nn.Linear(60, 3))
    model(x).sum().backward()
    print(x.grad[0, 0], model)
    mix = EinMix("b c h w -> b h w d", weight_shape="c d", bias_shape="d", c=3, d=2)
    print(
        Reduce("b h w d -> b d", "mean")(mix(x)), {k: v.shape for k, v in mix.state_dict().items()}
    )


run_programs()
