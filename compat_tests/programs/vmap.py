"""``vmap``: what functions under it print, draw, write and may not do."""

import torch
from torch import vmap
from torch.func import functional_call, grad, jvp, vjp
from torch.nn import functional as F

x = torch.arange(6.0).reshape(2, 3)
weight = torch.ones(3, requires_grad=True)
model = torch.nn.Linear(3, 1)


def show(*cases):
    for case in cases:
        torch.manual_seed(0)
        try:
            print(case())
        except Exception as error:
            print(f"{type(error).__name__}: {error}")


def printed(a):
    print(a)
    print(a * 2, a.sum())
    return (a * a).sum()


# Tensors inside
print(vmap(printed)(x))
print(vmap(printed, in_dims=1)(x))
print(vmap(lambda a: (print(torch.ones(2) * 2), a)[1])(x))
print(vmap(vmap(lambda a: (print(a), a)[1]))(x))
print(grad(printed)(x))
print(vmap(grad(printed))(x))
print(grad(grad(lambda a: (print(a), a**3)[1]))(torch.tensor(2.0)))
print(vjp(printed, x)[0])

# Dimensions and structures
show(
    lambda: vmap(lambda a: a, out_dims=1)(x),
    lambda: vmap(lambda a: a, out_dims=-1)(x),
    lambda: vmap(lambda a: (a, a), out_dims=(0, 1))(x),
    lambda: vmap(lambda a: {"a": a}, out_dims={"a": 1})(x),
    lambda: vmap(lambda a: (a, 1), out_dims=(0, None))(x),
    lambda: vmap(lambda a: torch.ones(2), out_dims=None)(x),
    lambda: vmap(lambda a: torch.ones(2))(x),
    lambda: vmap(lambda a: 1, out_dims=None)(x),
    lambda: vmap(lambda a: None, out_dims=None)(x),
    lambda: vmap(lambda a: a[0] + a[1]["k"].sum(), in_dims=([0, {"k": None}],))([x, {"k": x}]),
    lambda: vmap(lambda a: a * 2, chunk_size=1)(x),
    lambda: vmap(lambda a: (a * 2, a), chunk_size=1, out_dims=(0, 1))(x),
)
show(
    lambda: vmap(lambda a: a, in_dims=2)(x),
    lambda: vmap(lambda a: a, in_dims=1.0)(x),
    lambda: vmap(lambda a: a, in_dims=(0, 0))(x),
    lambda: vmap(lambda a: a, in_dims=([0, 0],))((x, x)),
    lambda: vmap(lambda a: a, in_dims=None)(x),
    lambda: vmap(lambda a: a)(1),
    lambda: vmap(lambda a: a)(),
    lambda: vmap(lambda a, b: a)(x, x.t()),
    lambda: vmap(lambda a: a, out_dims=2)(x),
    lambda: vmap(lambda a: a, out_dims=(0, 0))(x),
    lambda: vmap(lambda a: (a, a), out_dims=(0, 1, 0))(x),
    lambda: vmap(lambda a: a, out_dims="a")(x),
    lambda: vmap(lambda a: a, out_dims=None)(x),
    lambda: vmap(lambda a: 1)(x),
    lambda: vmap(lambda a: a, randomness="other")(x),
    lambda: vmap(lambda a: a, chunk_size=0)(x),
)

# What looks at elements
show(
    lambda: vmap(lambda a: a if a.sum() > 0 else -a)(x),
    lambda: vmap(lambda a: a.sum().item())(x),
    lambda: vmap(lambda a: float(a.sum()))(x),
    lambda: vmap(lambda a: a.tolist())(x),
    lambda: vmap(lambda a: a.numpy())(x),
    lambda: vmap(lambda a: torch.nonzero(a))(x),
    lambda: vmap(lambda a: a[a > 0])(x),
    lambda: vmap(lambda a: torch.masked_select(a, a > 0))(x),
    lambda: vmap(lambda a: torch.unique(a))(x),
    lambda: vmap(lambda a: torch.equal(a, a))(x),
    lambda: vmap(lambda a: a.requires_grad_())(x),
    lambda: vmap(lambda a: a.backward())(x),
)
show(
    lambda: vmap(lambda a: a * torch.ones(2).sum().item())(x),
    lambda: vmap(lambda a: a if torch.ones(1) > 0 else -a)(x),
    lambda: vmap(vmap(lambda a: a * (weight * 2).sum().item()))(x),
    lambda: jvp(lambda a: a * 2 if a.sum() > 0 else a, (x,), (x,)),
    lambda: torch.func.jacrev(lambda a: a * 2 if a.sum() > 0 else a)(x[0]),
    lambda: torch.func.jacfwd(lambda a: a * 2 if a.sum() > 0 else a)(x[0]),
)

# Writes
fixed = torch.zeros(3)
half = torch.full((3,), 0.5)
show(
    lambda: vmap(lambda a: fixed.mul_(a))(x),
    lambda: vmap(lambda a: fixed.copy_(a))(x),
    lambda: vmap(lambda a: fixed.fill_(a[0]))(x),
    lambda: vmap(lambda a: a.clone().mul_(a))(x),
    lambda: vmap(lambda a: torch.zeros_like(a).add_(a))(x),
    lambda: vmap(vmap(lambda a: torch.zeros_like(a).add_(a)))(x),
    lambda: vmap(lambda a: a.new_zeros(3).add_(a))(x),
)
print(fixed)

# Random numbers
for randomness in ("error", "same", "different"):
    print(randomness)
    show(
        lambda: vmap(lambda a: torch.rand(3), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.rand_like(a), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.randn(20), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.randint(0, 10, (3,)), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.randperm(4), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: F.dropout(a, 0.5), randomness=randomness)(x + 1),  # noqa: B023
        lambda: vmap(lambda a: torch.bernoulli(a), randomness=randomness)(x / 6),  # noqa: B023
        lambda: vmap(lambda a: torch.bernoulli(half), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.normal(a, 1.0), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.normal(0.0, a), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.poisson(a), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.multinomial(a + 1, 2), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: a.clone().uniform_(), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.empty(3).uniform_(), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: a.clone().exponential_(), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: F.gumbel_softmax(a), randomness=randomness)(x),  # noqa: B023
        lambda: vmap(lambda a: torch.rand(3), randomness=randomness, chunk_size=1)(x),  # noqa: B023
    )
    print(torch.rand(2))
for outer in ("same", "different"):
    for inner in ("error", "same", "different"):
        show(lambda: vmap(vmap(lambda a: torch.rand(()), randomness=inner), randomness=outer)(x))  # noqa: B023
show(
    lambda: torch.func.jacfwd(lambda a: a * torch.rand(3), randomness="same")(x[0]),
    lambda: grad(lambda a: vmap(torch.nn.Dropout(), randomness="different")(a).sum())(x),
)
drawn = vmap(lambda a: a * weight * torch.rand(3), randomness="different")(x)
drawn.sum().backward()
print(drawn.shape, weight.grad.shape)
weight.grad = None

# Gradients of what functions close over
inner = grad(lambda a: (a * a * weight).sum())(x)
inner.sum().backward()
print(inner.requires_grad, weight.grad)
(grad(lambda a: model(a).tanh().sum())(x) ** 2).sum().backward()
print(model.weight.grad is not None)
named = dict(model.named_parameters())
found = grad(lambda p: functional_call(model, p, (x,)).sum())(named)
print({name: value.requires_grad for name, value in found.items()})


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a):
        return a * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


show(lambda: vmap(Doubled.apply)(x), lambda: grad(lambda a: Doubled.apply(a).sum())(x))
