"""Look at what a convolutional net attends to: hooks, one gradient for each image and class."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU()),
        )
        self.classifier = nn.Linear(64, 10)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


model = Net().eval()
kept = {}


def keep(module, arguments, output):
    kept["activations"] = output
    output.register_hook(lambda gradient: kept.__setitem__("gradients", gradient))


model.features[-1].register_forward_hook(keep)
for number, size in enumerate((32, 40, 48, 56, 64, 48, 40, 32)):
    axis = torch.linspace(-1, 1, size)
    image = torch.exp(-4 * ((axis[:, None] - 0.1 * number) ** 2 + axis**2)).expand(1, 3, -1, -1)
    scores = model(image + 0.1 * torch.randn(1, 3, size, size))
    order = scores[0].argsort(descending=True)[:3]
    for label in order.tolist():
        model.zero_grad()
        scores[0, label].backward(retain_graph=True)
        weights = kept["gradients"].mean((2, 3), keepdim=True)
        heat = F.relu((weights * kept["activations"]).sum(1, keepdim=True))
        heat = F.interpolate(heat, size=(size, size), mode="bilinear", align_corners=False)
        heat = (heat - heat.min()) / (heat.max() - heat.min() + 1e-8)
        share = (heat > 0.5).float().mean().item()
        place = heat.flatten().argmax().item()
        print(
            f"image {number}, class {label}: score {scores[0, label].item():.4f}, hot {share:.3f}"
        )
        print(f"roughly the hottest row {place // size}")
