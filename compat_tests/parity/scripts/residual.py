"""A residual network on made images: blocks, strided shortcuts, adaptive pooling, OneCycleLR."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.layers = nn.Sequential(Block(8, 8), Block(8, 16, 2), Block(16, 32, 2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(32, 4)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.layers(F.relu(self.bn(self.stem(x))))
        return self.fc(self.pool(x).flatten(1))


def make_images(count):
    """Return images of four kinds: stripes across, stripes along, a disc, noise alone."""
    kinds = torch.randint(4, (count,))
    grid = torch.linspace(-1, 1, 16)
    rows, columns = torch.meshgrid(grid, grid, indexing="ij")
    patterns = torch.stack(
        [torch.sin(8 * rows), torch.sin(8 * columns), (rows**2 + columns**2 < 0.4) * 1.0, 0 * rows]
    )
    images = patterns[kinds].unsqueeze(1).expand(-1, 3, -1, -1)
    return images + 0.8 * torch.randn(count, 3, 16, 16), kinds


torch.manual_seed(3)
model = ResNet()
print(sum(p.numel() for p in model.parameters()), "parameters")
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=50)
for step in range(50):
    images, kinds = make_images(16)
    loss = F.cross_entropy(model(images), kinds)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    scheduler.step()
    print("loss", step, loss.item())
model.eval()
with torch.no_grad():
    images, kinds = make_images(256)
    print("metric accuracy", (model(images).argmax(1) == kinds).float().mean().item())
