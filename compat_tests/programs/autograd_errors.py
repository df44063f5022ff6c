"""What autograd refuses, and how accumulation, freed graphs and overwritten values behave."""

import torch


def attempt(action):
    try:
        print(action())
    except (RuntimeError, TypeError) as error:
        print(type(error).__name__, error)


x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = (x * x).sum()
y.backward()
print(x.grad)
attempt(lambda: y.backward())

# Looked at before it is differentiated.
y = (x * x).sum()
print(y)
y.backward()
print(x.grad)
attempt(lambda: y.backward())

y = (x * x).sum()
y.backward(retain_graph=True)
y.backward()
print(x.grad)

attempt(lambda: torch.autograd.grad(x.sum(), torch.tensor([1.0], requires_grad=True)))
attempt(lambda: (x * 2).backward())
attempt(lambda: torch.tensor([1.0]).backward())
attempt(lambda: torch.autograd.grad(x.sum(), [x], torch.tensor([1.0, 2.0])))
attempt(lambda: torch.tensor([1], requires_grad=True))
attempt(lambda: torch.tensor([1]).requires_grad_())
attempt(lambda: setattr(x * 2, "requires_grad", False))
attempt(lambda: torch.autograd.grad((x * 2).sum(), torch.tensor([1, 2])))

# Values written in place after they were saved.
a = torch.tensor([1.0, 2.0], requires_grad=True)
b = a * 2
c = b * b
b.add_(1.0)
attempt(lambda: c.sum().backward())
d = a.exp()
d.add_(1.0)
attempt(lambda: d.sum().backward())
loss = (a * a).sum()
with torch.no_grad():
    a.mul_(2.0)
attempt(lambda: loss.backward())
attempt(lambda: a[0].add_(1))
attempt(lambda: a.add_(1))

# Writes that the history joins.
w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
v = w * 1
v[0] = 5.0
v.sum().backward()
print(w.grad)
v = w * 2
part = v[1:]
part.mul_(3.0)
print(v, part, v.grad_fn.name(), part.grad_fn.name(), part.grad_fn.next_functions[0][0].name())
w.grad = None
v.sum().backward()
print(w.grad)

# Several roots, and roots that were looked at apart.
w.grad = None
one, two = (w * w).sum(), (w * 3).sum()
print(one.item())
torch.autograd.backward([one, two])
print(w.grad)
w.grad = None
u = w * 2
print(u)
t = u * w
print(t)
t.sum().backward()
print(w.grad)
print(torch.autograd.grad((w * 2).sum(), [w, a], allow_unused=True))

bad = torch.tensor([0.0, 4.0], requires_grad=True)
with torch.autograd.set_detect_anomaly(True):
    (bad * bad).sum().backward()
    print(bad.grad)
