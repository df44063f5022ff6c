"""Train a perceptron with two hidden layers on blobs; the argument is the number of steps."""

import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
steps = int(sys.argv[1])

centres = 0.3 * torch.randn(10, 784)
labels = torch.randint(0, 10, (4096,))
images = centres[labels] + torch.randn(4096, 784)

model = nn.Sequential(
    nn.Linear(784, 256),
    nn.ReLU(),
    nn.Dropout(0.1),
    nn.Linear(256, 128),
    nn.ReLU(),
    nn.Linear(128, 10),
)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
for step in range(steps):
    rows = torch.randint(0, 4096, (64,))
    loss = F.cross_entropy(model(images[rows]), labels[rows])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step in (0, 1, 2, 5, 10, 20):
        print(f"step {step}: loss {loss.item():.3f}")
model.eval()
with torch.no_grad():
    predictions = model(images).argmax(1)
print(f"roughly right of a hundred: {100 * (predictions == labels).float().mean().item():.0f}")
