"""Train a small convolutional net on drawn bars; arguments: steps, rows of a batch."""

import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
steps, batch = int(sys.argv[1]), int(sys.argv[2])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc1 = nn.Linear(16 * 7 * 7, 64)
        self.fc2 = nn.Linear(64, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


def draw(count):
    """Return noisy images of 28 x 28 with a bar at the top, the bottom, the left or the right."""
    labels = torch.randint(0, 4, (count,))
    images = 0.5 * torch.randn(count, 1, 28, 28)
    for image, label in zip(images, labels.tolist()):
        half = image[0] if label < 2 else image[0].t()
        start = 3 if label % 2 == 0 else 20
        half[start : start + 4] += 1
    return images, labels


images, labels = draw(512)
model = Net()
optimiser = torch.optim.Adam(model.parameters(), lr=3e-4)
for step in range(steps):
    rows = torch.randint(0, 512, (batch,))
    loss = F.cross_entropy(model(images[rows]), labels[rows])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step in (0, 1, 2, 5, 10, 20):
        print(f"step {step}: loss {loss.item():.3f}")
with torch.no_grad():
    right = (model(images).argmax(1) == labels).float().mean().item()
print(f"roughly right of a hundred: {100 * right:.0f}")
