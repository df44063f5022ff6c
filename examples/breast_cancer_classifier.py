"""Tell benign from malignant tumours, with logistic regression and with a small network.

Thirty measurements of the cell nuclei of 569 tumours (W. Street, W. Wolberg and O. Mangasarian,
1993; the data comes with scikit-learn). Logistic regression is fitted with L-BFGS, the network with
AdamW. The picture shows the receiver operating characteristic of both on the rows held back: how
many malignant tumours are found at each rate of false alarms.

    python examples/breast_cancer_classifier.py            # PyTorch
    python -m jtorch examples/breast_cancer_classifier.py  # jtorch
"""

import argparse
from pathlib import Path

import matplotlib
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

matplotlib.use("Agg")
from matplotlib import pyplot

HELD_BACK = 190


def load(seed: int) -> list[torch.Tensor]:
    """Return X and y to train on, and X and y held back; y is 1 where the tumour is malignant."""
    study = load_breast_cancer()
    X = torch.tensor(study.data, dtype=torch.float32)
    y = torch.tensor(study.target == 0, dtype=torch.float32)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    X, y = X[order], y[order]
    X_train, X_test = X[:-HELD_BACK], X[-HELD_BACK:]
    mean, deviation = X_train.mean(0), X_train.std(0)
    return [
        (X_train - mean) / deviation, y[:-HELD_BACK],
        (X_test - mean) / deviation, y[-HELD_BACK:],
    ]  # fmt: skip


def fit_logistic(X: torch.Tensor, y: torch.Tensor, decay: float = 0.01) -> nn.Module:
    """Fit one linear layer with L-BFGS, which takes all rows at once."""
    model = nn.Linear(X.shape[1], 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=30, history_size=6, line_search_fn="strong_wolfe"
    )
    loss_of = nn.BCEWithLogitsLoss()

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = loss_of(model(X).squeeze(1), y) + decay * model.weight.square().sum()
        loss.backward()
        return loss

    first = closure().item()
    optimizer.step(closure)
    print(f"Logistic regression: loss {first:.3f} before, {closure().item():.3f} after L-BFGS")
    return model


def fit_network(X: torch.Tensor, y: torch.Tensor, epochs: int, rate: float) -> nn.Module:
    """Fit a network of two hidden layers in batches; malignant rows weigh more, being fewer."""
    model = nn.Sequential(
        nn.Linear(X.shape[1], 32), nn.LayerNorm(32), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1),
    )  # fmt: skip
    loss_of = nn.BCEWithLogitsLoss(pos_weight=(1 - y).sum() / y.sum())
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    batches = DataLoader(TensorDataset(X, y), batch_size=64, shuffle=True, drop_last=True)
    bar = tqdm(range(1, epochs + 1), desc="Training", unit="epoch", disable=None)
    for epoch in bar:
        total = 0.0
        for rows, targets in batches:
            optimizer.zero_grad()
            loss = loss_of(model(rows).squeeze(1), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
        schedule.step()
        if epoch == 1 or epoch % 5 == 0:
            bar.write(f"Network: epoch {epoch:2d}   loss {total / len(batches):.3f}")
    return model.eval()


def operating_curve(scores: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return rates of false alarms and of hits as the threshold falls, each from 0 to 1."""
    hits = y[scores.argsort(descending=True)].cumsum(0) / y.sum()
    alarms = (1 - y)[scores.argsort(descending=True)].cumsum(0) / (1 - y).sum()
    start = torch.zeros(1)
    return torch.cat([start, alarms]), torch.cat([start, hits])


def summary(scores: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    """Return the figures of the table for one model's logits."""
    alarms, hits = operating_curve(scores, y)
    predicted = (scores > 0).float()
    return {
        "accuracy": (predicted == y).float().mean().item(),
        "hits": (predicted * y).sum().item() / y.sum().item(),
        "false alarms": (predicted * (1 - y)).sum().item() / (1 - y).sum().item(),
        "hits at 5 % alarms": hits[alarms <= 0.05].max().item(),
        "area": torch.trapezoid(hits, alarms).item(),
    }


def draw(curves: dict[str, torch.Tensor], y: torch.Tensor, path: Path) -> None:
    """Draw the operating curves, and how far apart each model puts the two kinds of tumour."""
    figure = pyplot.figure(figsize=(11, 5), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 1.1))
    axes = figure.add_subplot(grid[:, 0])
    for (name, scores), colour in zip(curves.items(), ("#1f5f8b", "#7b1e3a")):
        alarms, hits = operating_curve(scores, y)
        area = torch.trapezoid(hits, alarms).item()
        axes.plot(
            alarms.numpy(), hits.numpy(), color=colour, linewidth=2, drawstyle="steps-post",
            label=f"{name}, area {area:.4f}",
        )  # fmt: skip
        specificity = ((scores <= 0) & (y == 0)).sum() / (y == 0).sum()
        sensitivity = ((scores > 0) & (y == 1)).sum() / (y == 1).sum()
        axes.plot(1 - specificity.item(), sensitivity.item(), "o", color=colour)
    axes.plot([], [], "o", color="grey", label="at a probability of one half")
    # Everything happens in the upper left corner.
    axes.set_xlim(-0.005, 0.3)
    axes.set_ylim(0.7, 1.005)
    axes.set_xlabel("false positive rate (benign tumours)")
    axes.set_ylabel("true positive rate (malignant tumours)")
    axes.set_title("Receiver operating characteristic (upper left corner)")
    axes.legend(loc="lower right")
    axes.grid(color="#dddddd")

    for row, (name, scores) in enumerate(curves.items()):
        axes = figure.add_subplot(grid[row, 1])
        edges = torch.linspace(0, 1, 21).tolist()
        chances = scores.sigmoid()
        axes.hist(
            [chances[y == 0].numpy(), chances[y == 1].numpy()], bins=edges, stacked=True,
            color=["#8fb339", "#c8553d"], label=["benign", "malignant"],
        )  # fmt: skip
        axes.axvline(0.5, color="black", linestyle=":")
        axes.set_title(name)
        axes.set_ylabel("tumours")
        axes.legend(loc="upper center")
    axes.set_xlabel("probability of being malignant, as the model says")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20, help="of the network")
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, default=Path("breast_cancer_classifier.png"), help="the picture"
    )
    options = parser.parse_args()
    torch.manual_seed(options.seed)

    X_train, y_train, X_test, y_test = load(options.seed)
    print(f"Data: {len(y_train)} tumours to train on, {len(y_test)} held back,", end=" ")
    print(f"{int(y_test.sum())} of them malignant")
    models = {
        "logistic regression": fit_logistic(X_train, y_train),
        "network": fit_network(X_train, y_train, options.epochs, options.rate),
    }
    with torch.no_grad():
        scores = {name: model(X_test).squeeze(1) for name, model in models.items()}

    columns = [summary(logits, y_test) for logits in scores.values()]
    print(f"\n{'Rows held back':<22}" + "".join(f"{name:>22}" for name in scores))
    for figure in columns[0]:
        print(f"  {figure:<20}" + "".join(f"{column[figure]:22.3f}" for column in columns))

    draw(scores, y_test, options.output)
    print(f"Picture: {options.output}")


if __name__ == "__main__":
    main()
