"""Give an image the texture of another: a random convolutional net, Gram matrices and LBFGS."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
size = 48

grid = torch.linspace(0, 12, size)
content = torch.stack([(grid[:, None] * k).sin() * grid.cos() for k in (0.3, 0.6, 0.9)])[None]
style = torch.stack([torch.sin(3 * (grid[:, None] + k * grid)) for k in (0.5, 1.0, 1.5)])[None]
net = nn.Sequential(
    *(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()),
    *(nn.AvgPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU()),
    *(nn.AvgPool2d(2), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
).requires_grad_(False)


def gram(features):
    flat = features.flatten(2)[0]
    return flat @ flat.T / flat.numel()


def activations(image):
    found = []
    for layer in net:
        image = layer(image)
        if isinstance(layer, nn.ReLU):
            found.append(image)
    return found


content_target = activations(content)[2]
style_targets = [gram(features) for features in activations(style)]
image = content.clone().requires_grad_(True)
optimiser = torch.optim.LBFGS([image])
run = [0]
while run[0] < 60:

    def closure():
        with torch.no_grad():
            image.clamp_(-1, 1)
        optimiser.zero_grad()
        features = activations(image)
        style_loss = sum(F.mse_loss(gram(f), target) for f, target in zip(features, style_targets))
        content_loss = F.mse_loss(features[2], content_target)
        loss = 1e4 * style_loss + content_loss
        loss.backward()
        run[0] += 1
        if run[0] in (1, 2, 3, 5, 8):
            print(f"run {run[0]}: style {1e4 * style_loss.item():.3f}")
            print(f"run {run[0]}: content {content_loss.item():.4f}")
        elif run[0] % 20 == 0:  # without a line search, rounding decides how far it came
            print(f"run {run[0]}: finite {loss.isfinite().item()}")
        return loss

    optimiser.step(closure)
