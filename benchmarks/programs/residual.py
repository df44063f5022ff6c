"""Train a residual net with batch normalisation; arguments: steps, rows of a batch."""

import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
steps, batch = int(sys.argv[1]), int(sys.argv[2])


class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = nn.Identity()
        if stride != 1 or channels != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResidualNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 1, 1)
        self.blocks = nn.Sequential(
            *(Block(8, 8, 1), Block(8, 16, 2), Block(16, 16, 1), Block(16, 32, 2))
        )
        self.head = nn.Linear(32, 5)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


labels = torch.randint(0, 5, (256,))
colours = torch.randn(5, 3, 1, 1)
images = torch.randn(256, 3, 24, 24) + 0.3 * colours[labels]
model = ResidualNet()
optimiser = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
for step in range(steps):
    rows = torch.randint(0, 256, (batch,))
    loss = F.cross_entropy(model(images[rows]), labels[rows])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    scheduler.step()
    if step in (0, 1, 2, 4):
        print(f"step {step}: loss {loss.item():.3f}")
model.eval()
with torch.no_grad():
    right = (model(images).argmax(1) == labels).float().mean().item()
print(f"roughly right of a hundred: {100 * right:.0f}")
