"""Logistic regression on the breast cancer data: weighted samples, Adagrad, averaged weights."""

import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(12)
features, labels = load_breast_cancer(return_X_y=True)
x = torch.from_numpy(features).float()
x = (x - x.mean(dim=0)) / x.std(dim=0)
y = torch.from_numpy(labels).float()
weights = torch.where(y == 1, 1 / y.sum(), 1 / (1 - y).sum())
sampler = WeightedRandomSampler(weights.tolist(), 500)
loader = DataLoader(TensorDataset(x, y), batch_size=20, sampler=sampler, drop_last=True)
model = nn.Sequential(nn.Linear(30, 8), nn.ELU(), nn.Linear(8, 1), nn.Flatten(0))
averaged = AveragedModel(model)
optimizer = torch.optim.Adagrad(
    [
        {"params": model[0].parameters(), "lr": 0.05},
        {"params": model[2].parameters(), "lr": 0.02, "weight_decay": 1e-3},
    ]
)
step = 0
for _ in range(2):
    for features, labels in loader:
        loss = nn.functional.binary_cross_entropy(torch.sigmoid(model(features)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        averaged.update_parameters(model)
        print("loss", step, loss.item())
        step += 1
with torch.no_grad():
    print("metric accuracy", ((averaged(x) > 0) == (y > 0)).float().mean().item())
