"""Linear regression by gradient descent on plain tensors, the loss printed now and then."""

import torch

torch.manual_seed(0)

x = torch.randn(1000, 11)
true_weight = torch.randn(11)
y = x @ true_weight + 0.1 * torch.randn(1000)

w = torch.zeros(11, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
losses = []
for step in range(5000):
    loss = ((x @ w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
        b -= 0.01 * b.grad
        w.grad.zero_()
        b.grad.zero_()
    losses.append(loss.item())
    if step % 1000 == 0:
        print(f"step {step}: loss {losses[-1]:.5f}")
print(f"last loss {losses[-1]:.5f}, bias {b.item():.4f}")
print("largest error of a weight", f"{(w - true_weight).abs().max().item():.4f}")
