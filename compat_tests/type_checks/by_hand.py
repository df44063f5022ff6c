"""Training by hand, with autograd and functions only, as type checkers in strict mode read it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import jtorch as torch
import jtorch.nn.functional as F
from jtorch import Tensor


def parameters(features: int, hidden: int) -> list[Tensor]:
    """Return the weights and biases of two layers."""
    first = torch.randn(hidden, features) / features**0.5
    second = torch.randn((1, hidden), dtype=torch.float32).div(hidden**0.5)
    made = [first, torch.zeros(hidden), second, torch.zeros(1)]
    return [each.requires_grad_() for each in made]


def predict(weights: list[Tensor], inputs: Tensor) -> Tensor:
    """Return the predictions for a batch."""
    first, first_bias, second, second_bias = weights
    hidden = torch.tanh(inputs @ first.T + first_bias)
    return F.linear(hidden, second, second_bias).squeeze(1)


def step(weights: list[Tensor], inputs: Tensor, targets: Tensor, rate: float) -> float:
    """Descend along the gradient once and return the loss."""
    loss = F.mse_loss(predict(weights, inputs), targets)
    loss.backward()
    with torch.no_grad():
        for each in weights:
            assert each.grad is not None
            each -= rate * each.grad
            each.grad = None
    return float(loss.item())


@torch.no_grad()
def accuracy(scores: Tensor, labels: Tensor) -> float:
    """Return the share of labels that have the greatest score."""
    best, place = scores.max(dim=1)
    assert best.shape == place.shape
    values, indices = torch.topk(F.softmax(scores, dim=-1), k=1)
    hits = (scores.argmax(dim=1) == labels).to(torch.float32)
    return float(hits.mean().item()) + 0 * float(values.sum() + indices.sum())


def shapes(batch: Tensor) -> tuple[int, int, torch.Size]:
    """Return sizes in the ways that scripts ask for them."""
    rows: int = batch.shape[0]
    columns = batch.size(1)
    flat = batch.view(-1).reshape(rows, columns).permute(1, 0).contiguous().flatten()
    halves = torch.chunk(flat, 2, dim=0)
    joined = torch.cat([*halves, torch.ones(3)], dim=0)
    assert joined.dim() == 1
    return rows, columns, batch.size()


def saved(weights: list[Tensor], folder: Path) -> dict[str, Tensor]:
    """Write the weights to a file and read them back."""
    path = folder / "weights.pt"
    torch.save({str(i): each.detach() for i, each in enumerate(weights)}, path)
    found: dict[str, Tensor] = torch.load(path)
    return found


def main() -> None:
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    inputs = torch.randn(64, 3, device=device)
    targets = inputs[:, 0] - 2 * inputs[:, 1].pow(2) + 0.25
    weights = parameters(3, 8)
    for index in range(50):
        loss = step(weights, inputs, targets, 0.05)
        if index % 10 == 0:
            print(f"{index}: {loss:.4f}")
    (gradient,) = torch.autograd.grad(predict(weights, inputs).sum(), weights[0])
    print(gradient.abs().max().item(), accuracy(inputs, torch.zeros(64, dtype=torch.int64)))
    with tempfile.TemporaryDirectory() as folder:
        again = saved(weights, Path(folder))
        print(torch.equal(again["0"], weights[0]), *shapes(inputs))


if __name__ == "__main__":
    main()
