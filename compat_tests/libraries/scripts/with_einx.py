"""einx: operations by named axes."""

import einx
import torch
from programs import run_programs


def functions():
    x, w = torch.randn(2, 4, 6), torch.randn(6, 3)
    print(einx.id("a (b c) d -> (a b) c d", x, b=2).shape)
    print(einx.mean("a [b] d", x), einx.sum("a [b d]", x))
    print(einx.dot("a b [d], [d] e -> a b e", x, w)[0])
    print(einx.add("a b d, d", x, torch.arange(6.0))[0, 0])
    print(einx.softmax("a b [d]", x)[0, 0])


def gradients():
    x = torch.randn(2, 4, 6, requires_grad=True)
    y = einx.multiply("a b d, a d", x, torch.randn(2, 6))
    y.square().sum().backward()
    print(x.grad[0])
    table, index = torch.randn(10, 3), torch.randint(0, 10, (5,))
    print(einx.get_at("[v] c, i -> i c", table, index))


run_programs()
