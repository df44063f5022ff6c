"""Models trained with each of the usual optimisers and schedulers, from one seed."""

import torch
from torch import nn
from torch.nn import functional

torch.manual_seed(0)
points = torch.randn(128, 4)
targets = (points @ torch.tensor([1.0, -2.0, 0.5, 0.0]) > 0.3).long()

RULES = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.5),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "decay": lambda p: torch.optim.SGD(p, lr=0.5, weight_decay=0.01),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.05),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.05, amsgrad=True),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
    "Adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
}
for name, rule in RULES.items():
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
    optimizer = rule(model.parameters())
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(points), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    correct = (model(points).argmax(1) == targets).sum().item()
    print(f"{name}: {losses[0]:.3f} {losses[9]:.3f} {losses[-1]:.3f}, {correct} of 128")

parameter = nn.Parameter(torch.zeros(1))
SCHEDULES = {
    "StepLR": lambda o: torch.optim.lr_scheduler.StepLR(o, 2, gamma=0.5),
    "ExponentialLR": lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=5),
    "LambdaLR": lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda epoch: 1 / (epoch + 1)),
    "LinearLR": lambda o: torch.optim.lr_scheduler.LinearLR(o, total_iters=4),
}
for name, schedule in SCHEDULES.items():
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    scheduler = schedule(optimizer)
    rates = []
    for _ in range(6):
        optimizer.step()
        scheduler.step()
        rates.append(f"{scheduler.get_last_lr()[0]:.4f}")
    print(name, *rates)

torch.manual_seed(2)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for batch in points.split(50):  # the last batch is smaller
    loss = model(batch).square().mean()
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()
    print(f"{len(batch)} {loss:.4f} {norm:.4f}")
print(sorted(optimizer.state_dict()), optimizer.state_dict()["param_groups"][0]["params"])
