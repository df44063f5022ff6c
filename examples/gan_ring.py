"""Teach a generator to place points like eight clouds on a ring, by playing against a critic.

Two small networks train against each other (I. Goodfellow and others, *Generative Adversarial
Nets*, 2014). The generator moves points of a normal distribution, the discriminator tells them from
true ones. Leaving clouds out is the known weakness of such a game, so the table counts the clouds
that are reached.

    python examples/gan_ring.py            # PyTorch
    python -m jtorch examples/gan_ring.py  # jtorch
"""

import argparse
import math
from pathlib import Path

import matplotlib
import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

matplotlib.use("Agg")
from matplotlib import pyplot

CLOUDS, RADIUS, SPREAD, NOISE = 8, 2.0, 0.1, 4


def centres() -> torch.Tensor:
    """Return the middle of each cloud, (clouds, 2)."""
    angles = torch.arange(CLOUDS) * (2 * math.pi / CLOUDS)
    return RADIUS * torch.stack([angles.cos(), angles.sin()], dim=1)


def true_points(count: int) -> torch.Tensor:
    """Draw points of the clouds, (count, 2)."""
    return centres()[torch.randint(CLOUDS, (count,))] + SPREAD * torch.randn(count, 2)


def network(inputs: int, outputs: int, hidden: int) -> nn.Sequential:
    """Return a network of two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, hidden), nn.LeakyReLU(0.2),
        nn.Linear(hidden, outputs),
    )  # fmt: skip


def coverage(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Say which cloud each point belongs to, and whether it lies within four deviations of it."""
    distances, nearest = torch.cdist(points, centres()).min(dim=1)
    return nearest, distances < 4 * SPREAD


@torch.no_grad()
def draw(
    discriminator: nn.Module,
    stages: dict[int, torch.Tensor],
    losses: list[tuple[float, float]],
    path: Path,
) -> None:
    """Draw the points at some stages of the training, the last over the critic's opinion."""
    figure = pyplot.figure(figsize=(12, 7), layout="constrained")
    grid = figure.add_gridspec(2, len(stages), height_ratios=(1.5, 1))
    edge = 1.5 * RADIUS
    ticks = torch.linspace(-edge, edge, 120)
    plane = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), dim=-1)
    opinion = discriminator(plane.reshape(-1, 2)).sigmoid().reshape(120, 120)
    truth = true_points(400)
    for column, (step, points) in enumerate(stages.items()):
        axes = figure.add_subplot(grid[0, column])
        if column == len(stages) - 1:
            shown = axes.contourf(
                ticks.numpy(), ticks.numpy(), opinion.numpy(), levels=11, cmap="BrBG", alpha=0.45
            )
            figure.colorbar(shown, ax=axes, label="critic: probability of being true", shrink=0.8)
        axes.scatter(*truth.T.numpy(), s=5, color="#9aa5b1", label="true")
        axes.scatter(*points.T.numpy(), s=5, color="#7b1e3a", label="generated")
        axes.set_xlim(-edge, edge)
        axes.set_ylim(-edge, edge)
        axes.set_aspect("equal")
        axes.set_title(f"step {step}")
        axes.set_xlabel("x")
        if column == 0:
            axes.set_ylabel("y")
            axes.legend(loc="upper right", markerscale=3)

    axes = figure.add_subplot(grid[1, :])
    # Each loss swings from step to step: the mean of fifty shows where it goes.
    smooth = torch.tensor(losses).T.unfold(1, min(50, len(losses)), 1).mean(dim=2)
    steps = range(len(losses) - smooth.shape[1] + 1, len(losses) + 1)
    axes.plot(steps, smooth[0].numpy(), color="#1f5f8b", label="discriminator")
    axes.plot(steps, smooth[1].numpy(), color="#7b1e3a", label="generator")
    axes.axhline(math.log(2), color="black", linestyle=":", label="neither has the upper hand")
    axes.set_xlabel("step")
    axes.set_ylabel("loss (mean of 50 steps)")
    axes.set_title("The game")
    axes.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="of 100 steps each")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.002)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("gan_ring.png"), help="the picture")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    # A game between two networks makes much of little: in float64 rounding stays out of sight.
    torch.set_default_dtype(torch.float64)

    generator = network(NOISE, 2, options.hidden)
    discriminator = network(2, 1, options.hidden)
    betas = (0.5, 0.9)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=options.rate, betas=betas)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=options.rate, betas=betas)
    fixed_noise = torch.randn(400, NOISE)
    one, zero = torch.ones(options.batch_size, 1), torch.zeros(options.batch_size, 1)
    losses: list[tuple[float, float]] = []
    stages: dict[int, torch.Tensor] = {}
    kept = {1, max(1, options.epochs // 3), options.epochs}

    bar = tqdm(range(1, options.epochs + 1), desc="Training", unit="epoch", disable=None)
    for epoch in bar:
        for _ in range(100):
            true = true_points(options.batch_size)
            fake = generator(torch.randn(options.batch_size, NOISE))
            loss_d = F.binary_cross_entropy_with_logits(discriminator(true), one)
            loss_d = loss_d + F.binary_cross_entropy_with_logits(discriminator(fake.detach()), zero)
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()

            # The generator gains where its points are taken for true ones.
            loss_g = F.binary_cross_entropy_with_logits(discriminator(fake), one)
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
            losses.append((loss_d.item() / 2, loss_g.item()))
        with torch.no_grad():
            points = generator(fixed_noise)
        if epoch in kept:
            stages[100 * epoch] = points
        nearest, good = coverage(points)
        reached = nearest[good].unique().numel()
        loss_d, loss_g = torch.tensor(losses[-100:]).mean(0).tolist()
        bar.write(
            f"Step {100 * epoch:4d}   discriminator {loss_d:.2f}   generator {loss_g:.2f}   "
            f"clouds reached {reached}"
        )

    with torch.no_grad():
        points = generator(torch.randn(4000, NOISE))
    nearest, good = coverage(points)
    counts = torch.bincount(nearest[good], minlength=CLOUDS)
    print("\nCloud      x       y   share of 4000 points   spread")
    # Adding zero turns what would be printed as -0.00 into 0.00.
    for cloud, (x, y) in enumerate((centres().round(decimals=2) + 0.0).tolist()):
        mine = points[good & (nearest == cloud)]
        spread = f"{mine.std(0).mean().item():.2f}" if len(mine) > 1 else "none"
        print(f"{cloud + 1:5d} {x:6.2f} {y:7.2f} {counts[cloud].item() / 4000:22.3f} {spread:>8}")
    print(f"Points in a cloud: {good.double().mean().item():.3f}")

    draw(discriminator, stages, losses, options.output)
    print(f"Picture: {options.output}")


if __name__ == "__main__":
    main()
