"""A training script that type checkers read; it says jtorch where a user's says torch."""

from __future__ import annotations

import jtorch as torch
from jtorch import Tensor, nn


class Regression(nn.Module):
    """Two linear layers with a ReLU between them."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, 1)

    def forward(self, batch: Tensor) -> Tensor:
        return self.output(torch.relu(self.hidden(batch)))


def train(model: nn.Module, inputs: Tensor, targets: Tensor, steps: int) -> float:
    """Fit the model by full-batch gradient descent and return the last loss."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    criterion = nn.MSELoss()
    loss = torch.zeros(())
    for _ in range(steps):
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
    return float(loss.item())


def main() -> None:
    torch.manual_seed(0)
    inputs = torch.randn(64, 3)
    targets = inputs @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.25
    print(f"loss: {train(Regression(3, 8), inputs, targets, 100):.4f}")


if __name__ == "__main__":
    main()
