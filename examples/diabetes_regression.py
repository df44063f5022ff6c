"""Predict how diabetes progresses, and stop before the network learns the patients by heart.

Ten measurements of 442 patients (B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, *Least Angle
Regression*, 2004; the data comes with scikit-learn) are learnt by a small network. Training ends
when the patients set aside for that have not gained for a while, and the best weights are put back.
Least squares, solved at once, stands beside it.

    python examples/diabetes_regression.py            # PyTorch
    python -m jtorch examples/diabetes_regression.py  # jtorch
"""

import argparse
import copy
from pathlib import Path

import matplotlib
import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

matplotlib.use("Agg")
from matplotlib import pyplot

TRAIN_ROWS, STOP_ROWS = 265, 88


class EarlyStopping:
    """Keep the best weights seen so far, and tell when patience is at an end.

    Args:
        patience: how many epochs without a gain are borne.
    """

    def __init__(self, patience: int):
        self.patience = patience
        self.best_loss = float("inf")
        self.best_epoch = 0
        self.best_state: dict[str, torch.Tensor] = {}

    def is_over(self, epoch: int, loss: float, model: nn.Module) -> bool:
        """Take note of the loss of an epoch; return whether training should end."""
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            self.best_state = copy.deepcopy(model.state_dict())
        return epoch - self.best_epoch >= self.patience


class Scale:
    """The shift and the stretch that give the training rows mean 0 and deviation 1."""

    def __init__(self, rows: torch.Tensor):
        self.mean, self.deviation = rows.mean(0), rows.std(0)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        return (rows - self.mean) / self.deviation

    def undo(self, rows: torch.Tensor) -> torch.Tensor:
        return rows * self.deviation + self.mean


def scores(predicted: torch.Tensor, truth: torch.Tensor) -> tuple[float, float, float]:
    """Return mean absolute deviation, root of the mean square, and share of variance explained."""
    error = predicted - truth
    explained = 1 - (error**2).sum() / ((truth - truth.mean()) ** 2).sum()
    return error.abs().mean().item(), (error**2).mean().sqrt().item(), explained.item()


def least_squares(X: torch.Tensor, y: torch.Tensor, X_new: torch.Tensor) -> torch.Tensor:
    """Fit a plane through the rows and return what it says about new ones."""

    def with_ones(rows: torch.Tensor) -> torch.Tensor:
        return torch.cat([rows, torch.ones(len(rows), 1)], dim=1)

    return with_ones(X_new) @ torch.linalg.lstsq(with_ones(X), y).solution


def draw(
    losses: list[tuple[float, float]],
    best_epoch: int,
    truth: torch.Tensor,
    predictions: dict[str, torch.Tensor],
    path: Path,
) -> None:
    """Draw both losses over the epochs, and the predictions against the truth."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    epochs = range(1, len(losses) + 1)
    train, held_back = zip(*losses)
    left.plot(epochs, train, color="#9aa5b1", label="training rows")
    left.plot(epochs, held_back, color="#7b1e3a", linewidth=2, label="rows set aside for stopping")
    left.axvline(best_epoch, color="black", linestyle=":", label=f"best: epoch {best_epoch}")
    left.set_ylim(0, min(1.1 * max(train + held_back), 2.0))
    left.set_xlabel("epoch")
    left.set_ylabel("mean squared error (scaled)")
    left.set_title("Training ends when nothing is gained")
    left.legend()

    low, high = truth.min().item(), truth.max().item()
    right.plot([low, high], [low, high], color="black", linewidth=0.8, label="truth")
    for (name, predicted), marker, colour in zip(
        predictions.items(), "ox", ("#1f5f8b", "#d98c21"), strict=True
    ):
        _, _, explained = scores(predicted, truth)
        label = f"{name}, R² = {explained:.2f}"
        right.scatter(
            truth.numpy(), predicted.numpy(), s=24, marker=marker, color=colour, alpha=0.8,
            label=label,
        )  # fmt: skip
    right.set_xlabel("progression measured after a year")
    right.set_ylabel("progression predicted")
    right.set_title(f"{len(truth)} patients never seen in training")
    right.legend(loc="upper left")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=150, help="the largest number of epochs")
    parser.add_argument("--patience", type=int, default=15)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.003)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, default=Path("diabetes_regression.png"), help="the picture"
    )
    options = parser.parse_args()
    torch.manual_seed(options.seed)

    study = load_diabetes(scaled=False)
    order = torch.randperm(len(study.target))
    X = torch.tensor(study.data, dtype=torch.float32)[order]
    y = torch.tensor(study.target, dtype=torch.float32)[order, None]
    sizes = [TRAIN_ROWS, STOP_ROWS, len(X) - TRAIN_ROWS - STOP_ROWS]
    print(f"Data: {sizes[0]} patients to train on, {sizes[1]} to stop by, {sizes[2]} to test on")
    X_train, X_stop, X_test = X.split(sizes)
    y_train, y_stop, y_test = y.split(sizes)
    scale_X, scale_y = Scale(X_train), Scale(y_train)
    X_train, X_stop, X_test = scale_X(X_train), scale_X(X_stop), scale_X(X_test)
    y_train, y_stop = scale_y(y_train), scale_y(y_stop)

    model = nn.Sequential(
        nn.Linear(10, options.hidden), nn.SiLU(), nn.Dropout(0.2),
        nn.Linear(options.hidden, options.hidden), nn.SiLU(), nn.Linear(options.hidden, 1),
    )  # fmt: skip
    print(model)
    loss_of = nn.MSELoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.05)
    batches = DataLoader(TensorDataset(X_train, y_train), batch_size=53, shuffle=True)
    stopping = EarlyStopping(options.patience)
    losses = []
    bar = tqdm(range(1, options.epochs + 1), desc="Training", unit="epoch", disable=None)
    for epoch in bar:
        model.train()
        total = 0.0
        for rows, targets in batches:
            optimizer.zero_grad()
            loss = loss_of(model(rows), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            held_back = loss_of(model(X_stop), y_stop).item()
        losses.append((total / len(batches), held_back))
        if epoch == 1 or epoch % 10 == 0:
            bar.write(
                f"Epoch {epoch:3d}   training {losses[-1][0]:.3f}   set aside {held_back:.3f}"
            )
        if stopping.is_over(epoch, held_back, model):
            break
    bar.close()
    print(f"Stopped after epoch {epoch}; the weights of epoch {stopping.best_epoch} are put back")
    model.load_state_dict(stopping.best_state)

    model.eval()
    with torch.no_grad():
        network = scale_y.undo(model(X_test))
    plane = scale_y.undo(least_squares(X_train, y_train, X_test))
    everybody = scale_y.mean.expand_as(y_test)
    print("\nTest patients           deviation      RMSE        R2")
    rows = {"network": network, "least squares": plane}
    for name, predicted in {**rows, "mean of the others": everybody}.items():
        absolute, root, explained = scores(predicted, y_test)
        print(f"  {name:<20}{absolute:11.2f}{root:10.2f}{explained:10.3f}")

    draw(losses, stopping.best_epoch, y_test, rows, options.output)
    print(f"Picture: {options.output}")


if __name__ == "__main__":
    main()
