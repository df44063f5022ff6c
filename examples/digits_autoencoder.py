"""Learn to draw digits with a variational auto-encoder of two latent numbers.

An encoder turns each 8 x 8 picture of scikit-learn's digits into a small cloud on a plane, and a
decoder draws a picture from any point of that plane (D. Kingma and M. Welling, *Auto-Encoding
Variational Bayes*, 2014). The picture shows where the digits lie, digits that were taken apart and
put together again, and a walk over the plane, where one digit turns into the next.

    python examples/digits_autoencoder.py            # PyTorch
    python -m jtorch examples/digits_autoencoder.py  # jtorch
"""

import argparse
from pathlib import Path

import matplotlib
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

matplotlib.use("Agg")
from matplotlib import pyplot

PIXELS, SIDE = 64, 8


class AutoEncoder(nn.Module):
    """A variational auto-encoder with one hidden layer on either side.

    Args:
        hidden: width of the hidden layers.
        latent: how many numbers stand for a picture.
    """

    def __init__(self, hidden: int = 256, latent: int = 2):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(PIXELS, hidden), nn.GELU(), nn.Linear(hidden, 2 * latent)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(),
            nn.Linear(hidden, PIXELS),
        )  # fmt: skip

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and logarithm of the variance, each of shape (pictures, latent)."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Draw a point from each picture's cloud and decode it.

        Args:
            images: brightness between 0 and 1, (pictures, 64).
        Returns:
            Logits of the pixels, and mean and logarithm of the variance of the cloud.
        """
        mean, log_variance = self.encode(images)
        point = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decoder(point), mean, log_variance


def loss_parts(
    logits: torch.Tensor, images: torch.Tensor, mean: torch.Tensor, log_variance: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return reconstruction error and divergence from a normal distribution, per picture."""
    error = F.binary_cross_entropy_with_logits(logits, images, reduction="sum")
    divergence = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).sum()
    return error / len(images), divergence / len(images)


def tiled(images: torch.Tensor) -> torch.Tensor:
    """Lay pictures out as one, (rows, columns, 8, 8) to (rows * 10, columns * 10)."""
    framed = F.pad(images, (1, 1, 1, 1))
    return framed.permute(0, 2, 1, 3).reshape(len(images) * (SIDE + 2), -1)


@torch.no_grad()
def walk(model: AutoEncoder, steps: int) -> torch.Tensor:
    """Decode a grid of points that lie as densely as a normal distribution, as one picture."""
    ticks = torch.erfinv(torch.linspace(-0.96, 0.96, steps)) * 2**0.5
    # Rows of a picture run downwards and the second latent number upwards.
    points = torch.stack(torch.meshgrid(ticks, ticks.flip(0), indexing="xy"), dim=-1)
    images = model.decoder(points.reshape(-1, 2)).sigmoid()
    return tiled(images.reshape(steps, steps, SIDE, SIDE))


@torch.no_grad()
def draw(
    model: AutoEncoder,
    images: torch.Tensor,
    labels: torch.Tensor,
    samples: torch.Tensor,
    path: Path,
) -> None:
    """Draw the plane of latent numbers, rebuilt digits, new digits and the walk."""
    figure = pyplot.figure(figsize=(11.5, 7.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(4, 1))

    mean, _ = model.encode(images)
    axes = figure.add_subplot(grid[0, 0])
    for digit in range(10):
        across, up = mean[labels == digit].T.numpy()
        axes.scatter(across, up, s=9, color=pyplot.cm.tab10(digit), label=str(digit), alpha=0.75)
    axes.set_xlabel("first latent number")
    axes.set_ylabel("second latent number")
    axes.set_title("Where the digits lie")
    axes.legend(title="digit", ncols=2, fontsize=8, markerscale=2, loc="best")
    axes.set_aspect("equal", adjustable="datalim")

    axes = figure.add_subplot(grid[0, 1])
    axes.imshow(walk(model, 12).numpy(), cmap="gray_r", vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("first latent number, -2 to 2")
    axes.set_ylabel("second latent number, -2 to 2")
    axes.set_title("A walk over the plane")

    chosen = torch.stack([(labels == digit).nonzero()[0, 0] for digit in range(10)])
    rebuilt = model.decoder(model.encode(images[chosen])[0]).sigmoid()
    pairs = torch.stack([images[chosen], rebuilt]).reshape(2, 10, SIDE, SIDE)
    blocks = ((pairs, "A digit of each kind (above) and rebuilt (below)"),
              (samples.reshape(2, 10, SIDE, SIDE), "Digits drawn from random points"))  # fmt: skip
    for column, (block, title) in enumerate(blocks):
        axes = figure.add_subplot(grid[1, column])
        axes.imshow(tiled(block).numpy(), cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(title)
        axes.axis("off")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.003)
    parser.add_argument("--every", type=int, default=5, help="epochs between two printed lines")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, default=Path("digits_autoencoder.png"), help="the picture"
    )
    options = parser.parse_args()
    torch.manual_seed(options.seed)

    digits = load_digits()
    images = torch.from_numpy(digits.data).float() / 16
    labels = torch.from_numpy(digits.target)
    print(f"Data: {len(images)} pictures of {SIDE} x {SIDE} pixels")

    model = AutoEncoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=options.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=options.epochs)
    batches = DataLoader(TensorDataset(images), options.batch_size, shuffle=True, drop_last=True)

    bar = tqdm(range(1, options.epochs + 1), desc="Training", unit="epoch", disable=None)
    for epoch in bar:
        errors, divergences = 0.0, 0.0
        for (batch,) in batches:
            logits, mean, log_variance = model(batch)
            error, divergence = loss_parts(logits, batch, mean, log_variance)
            optimizer.zero_grad()
            (error + divergence).backward()
            optimizer.step()
            errors += error.item() / len(batches)
            divergences += divergence.item() / len(batches)
        schedule.step()
        if epoch == 1 or epoch % options.every == 0:
            bar.write(
                f"Epoch {epoch:2d}   reconstruction {errors:.1f}   divergence {divergences:.1f}"
            )

    model.eval()
    with torch.no_grad():
        mean, log_variance = model.encode(images)
        rebuilt = model.decoder(mean).sigmoid()
        samples = model.decoder(torch.randn(20, 2)).sigmoid()
        spread = (0.5 * log_variance).exp().mean(0)
        rows = [
            ("mean deviation of a pixel", (rebuilt - images).abs().mean()),
            ("the same, of the mean picture", (images.mean(0) - images).abs().mean()),
            ("spread of the first latent", mean[:, 0].std()),
            ("spread of the second latent", mean[:, 1].std()),
            ("width of a cloud, first", spread[0]),
            ("width of a cloud, second", spread[1]),
        ]
    print("\nAfter training")
    for name, value in rows:
        print(f"  {name:<32}{value.item():8.2f}")

    draw(model, images, labels, samples, options.output)
    print(f"Picture: {options.output}")


if __name__ == "__main__":
    main()
