"""Linear regression on the diabetes data: full batches, SGD with momentum, then L-BFGS."""

import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(0)
features, target = load_diabetes(return_X_y=True)
x = torch.tensor(features, dtype=torch.float32)
y = torch.tensor(target, dtype=torch.float32).unsqueeze(1)
x = (x - x.mean(0)) / x.std(0)
y = (y - y.mean()) / y.std()

model = nn.Linear(10, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
for step in range(40):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    print("loss", step, loss.item())

optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = nn.functional.huber_loss(model(x), y)
    loss.backward()
    return loss


for step in range(40, 50):
    print("loss", step, optimizer.step(closure).item())
with torch.no_grad():
    residual = y - model(x)
    print("metric r2", (1 - residual.var() / y.var()).item())
