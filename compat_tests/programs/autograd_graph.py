"""What the graph behind a tensor shows, and what it does."""

import torch

x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = (x * 2 + 1).relu().pow(2)
total = y.sum()
print(total, total.grad_fn.name(), y.grad_fn.name(), x.grad_fn, x.is_leaf, y.is_leaf)
print([function[0].name() for function in total.grad_fn.next_functions])
print(torch.autograd.grad(total, x, retain_graph=True))
total.backward()
print(x.grad)
for again in (total.backward, lambda: y.sum().backward()):
    try:
        again()
    except RuntimeError as error:
        print(error)

x.grad = None
(first,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
print(first)
(second,) = torch.autograd.grad(first.sum(), x, create_graph=True)
(third,) = torch.autograd.grad(second.sum(), x)
print(second, third)

seen = []
h = x * 3
h.register_hook(lambda grad: seen.append(grad.tolist()) or grad * 10)
h.retain_grad()
(h**2).sum().backward()
print(seen, h.grad, x.grad)

x.grad.zero_()
(x * torch.tensor([1.0, 0.0, 1.0])).backward(torch.tensor([1.0, 1.0, 5.0]))
print(x.grad)


class Clipped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, limit):
        ctx.save_for_backward(value)
        ctx.limit = limit
        return value.clamp(-limit, limit)

    @staticmethod
    def backward(ctx, grad):
        (value,) = ctx.saved_tensors
        return grad * (value.abs() <= ctx.limit) + 0.5, None


clipped = Clipped.apply(x, 2.0)
print(clipped, clipped.grad_fn.name())
x.grad = None
clipped.sum().backward()
print(x.grad)

with torch.no_grad():
    print((x * 2).requires_grad, torch.is_grad_enabled())
    with torch.enable_grad():
        print((x * 2).requires_grad)
with torch.inference_mode():
    quiet = x * 2
print(quiet.is_inference(), quiet.requires_grad)
print(x.detach().requires_grad, x.detach().requires_grad_().is_leaf)


def attempt(mistake):
    """Print what a mistake raises, or returns."""
    try:
        print(mistake())
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


attempt(lambda: torch.tensor([1, 2], requires_grad=True))
attempt(lambda: (x * 2).backward())
attempt(lambda: torch.ones(2).sum().backward())
attempt(lambda: torch.autograd.grad((x * 2).sum(), torch.ones(2, requires_grad=True)))
attempt(lambda: x.numpy())
attempt(lambda: x.add_(1))
attempt(lambda: (x * 2).requires_grad_(False))

a = torch.ones(2, requires_grad=True)
b = a * 2
c = b * b
b.add_(1)
try:
    c.sum().backward()
except RuntimeError as error:
    print(error)

unused = torch.ones(2, requires_grad=True)
print(torch.autograd.grad((a * 2).sum(), [a, unused], allow_unused=True))
print(torch.autograd.functional.jacobian(lambda v: v**2, torch.tensor([1.0, 2.0])))
print(torch.autograd.functional.hessian(lambda v: (v**3).sum(), torch.tensor([1.0, 2.0])))
