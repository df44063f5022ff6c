"""Functions with a gradient of their own, hooks of every kind, and derivatives of functions."""

import torch
from torch.autograd.function import once_differentiable


def attempt(action):
    try:
        print(action())
    except (RuntimeError, TypeError) as error:
        print(type(error).__name__, error)


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, factor):
        ctx.save_for_backward(value)
        ctx.factor = factor
        return value * value * factor

    @staticmethod
    def backward(ctx, gradient):
        (value,) = ctx.saved_tensors
        return gradient * 2 * value * ctx.factor, None


x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
scaled = Scaled.apply(x * 2, 3.0)
print(scaled, scaled.grad_fn.name())
(scaled * scaled).sum().backward()
print(x.grad)


class Pair(torch.autograd.Function):
    @staticmethod
    def forward(left, right):
        return left * right, left + right

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, by_product, by_sum):
        left, right = ctx.saved_tensors
        return by_product * right + by_sum, by_product * left + by_sum


a = torch.tensor([2.0], requires_grad=True)
b = torch.tensor([3.0], requires_grad=True)
product, total = Pair.apply(a, b)
print(product, total)
(product * total).backward()
print(a.grad, b.grad)
product = Pair.apply(a, b)[0]
product.backward()
attempt(lambda: product.backward())
(first,) = torch.autograd.grad(Pair.apply(a, b)[0], a, create_graph=True)
print(first)
print(torch.autograd.grad(first, b))


class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        return value * 1

    @staticmethod
    def backward(ctx, gradient):
        return gradient, gradient


attempt(lambda: Wrong.apply(a).backward())


class InPlace(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        value.add_(1)
        ctx.mark_dirty(value)
        return value

    @staticmethod
    def backward(ctx, gradient):
        return gradient


t = a * 2
written = InPlace.apply(t)
print(written, written is t, t.grad_fn.name())
a.grad = None
written.sum().backward()
print(a.grad)


class Once(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value):
        ctx.save_for_backward(value)
        return value * value

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        (value,) = ctx.saved_tensors
        return gradient * 2 * value


(once,) = torch.autograd.grad(Once.apply(a), a, create_graph=True)
print(once.detach())

# Hooks.
x.grad = None
y = x * 2
z = (y * y).sum()
node = z.grad_fn.next_functions[0][0]
after = node.register_hook(lambda inputs, outputs: print(node.name(), inputs, outputs))
before = node.register_prehook(lambda outputs: (outputs[0] * 2,))
z.backward()
print(x.grad)
handle = x.register_hook(lambda gradient: print("leaf", gradient))
x.grad = None
(x * x).sum().backward()
handle.remove()
print(x.grad)
arrived = []
p = torch.tensor([1.0], requires_grad=True)
p.register_post_accumulate_grad_hook(lambda leaf: arrived.append(leaf.grad.item()))
(p * 3).backward()
print(arrived)


def pack(tensor):
    print("pack", tensor)
    return tensor * 4


def unpack(tensor):
    print("unpack", tensor)
    return tensor


factor = torch.tensor([1.0, 2.0, 3.0])
x.grad = None
with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
    y = x * factor
print(y)
y.sum().backward()
print(x.grad)

# Derivatives of functions.
F = torch.autograd.functional
point = torch.tensor([1.0, 2.0])
ones = torch.tensor([1.0, 1.0])
print(F.jacobian(lambda t: t * t, point))
print(F.hessian(lambda t: (t * t * t).sum(), point))
print(F.vjp(lambda t: t * t, point, ones))
print(F.jvp(lambda t: t * t, point, ones))
print(F.hvp(lambda t: (t * t * t).sum(), point, ones))
print(F.vhp(lambda t: (t * t * t).sum(), point, ones))
print(F.jacobian(lambda s, t: (s * t, s + t), (point, ones)))
exact = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
print(torch.autograd.gradcheck(lambda t: t * t.sin(), exact))
print(torch.autograd.gradgradcheck(lambda t: t * t.sin(), exact))
