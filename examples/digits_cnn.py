"""Read handwritten digits with a small convolutional network.

The 1,797 pictures of 8 x 8 pixels that come with scikit-learn are learnt with batch normalisation,
dropout, a ``DataLoader`` and a learning rate that rises and falls once. The picture shows
the confusion matrix of the rows held back, and the misclassified digits.

    python examples/digits_cnn.py                  # PyTorch
    python -m jtorch examples/digits_cnn.py        # jtorch
"""

import argparse
from pathlib import Path

import matplotlib
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from tqdm import tqdm

matplotlib.use("Agg")
from matplotlib import pyplot

HELD_BACK = 360


class DigitReader(nn.Module):
    """Three convolutions, of which the second halves the picture, and a linear layer.

    Args:
        channels: how many maps the first convolution makes; the others make more of them.
    """

    def __init__(self, channels: int = 16):
        super().__init__()
        self.features = nn.Sequential(
            self.block(1, channels),
            self.block(channels, 2 * channels),
            nn.MaxPool2d(2),
            self.block(2 * channels, 4 * channels),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.classify = nn.Sequential(nn.Dropout(0.25), nn.Linear(16 * channels, 10))

    @staticmethod
    def block(inputs: int, outputs: int) -> nn.Sequential:
        """Return a convolution that keeps the size, normalised and rectified."""
        convolution = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return scores of shape (pictures, 10) for pictures of shape (pictures, 1, 8, 8)."""
        return self.classify(self.features(images))


def load(seed: int) -> tuple[TensorDataset, TensorDataset]:
    """Return the rows to train on and those held back."""
    digits = load_digits()
    images = torch.from_numpy(digits.images).float().unsqueeze(1) / 16
    data = TensorDataset(images, torch.from_numpy(digits.target))
    generator = torch.Generator().manual_seed(seed)
    train, test = random_split(data, [len(data) - HELD_BACK, HELD_BACK], generator)
    return TensorDataset(*data[train.indices]), TensorDataset(*data[test.indices])


def train_epoch(
    model: nn.Module,
    batches: DataLoader,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> float:
    """Go over the training rows once and return the mean loss."""
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    model.train()
    total = 0.0
    for images, labels in batches:
        loss = loss_of(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        total += loss.item()
    return total / len(batches)


@torch.no_grad()
def read(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return the digit that the model takes each picture for."""
    model.eval()
    return model(images).argmax(dim=1)


def confusion_matrix(labels: torch.Tensor, predicted: torch.Tensor) -> torch.Tensor:
    """Return the confusion matrix: true digits are its rows, predicted digits its columns."""
    return torch.bincount(10 * labels + predicted, minlength=100).reshape(10, 10)


def draw(
    matrix: torch.Tensor,
    images: torch.Tensor,
    labels: torch.Tensor,
    predicted: torch.Tensor,
    path: Path,
) -> None:
    """Draw the confusion matrix, and beside it up to twelve misclassified pictures."""
    figure = pyplot.figure(figsize=(10.5, 5.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.35, 1))

    axes = left.subplots()
    # Right answers outnumber mistakes by far: the root lets a single mistake show.
    axes.imshow(matrix.sqrt().numpy(), cmap="Blues", vmin=0)
    for row in range(10):
        for column in range(10):
            count = int(matrix[row, column])
            if count:
                colour = "white" if row == column else "#7b1e3a"
                axes.text(column, row, count, ha="center", va="center", color=colour)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_xlabel("predicted digit")
    axes.set_ylabel("true digit")
    accuracy = (labels == predicted).float().mean().item()
    axes.set_title(f"Confusion matrix, accuracy {accuracy:.1%} on {len(labels)} test pictures")

    wrong = (labels != predicted).nonzero().flatten().tolist()[:12]
    right.suptitle(f"Misclassified ({len(wrong)} shown)" if wrong else "None misclassified")
    for place, axes in enumerate(right.subplots(4, 3).flat):
        axes.axis("off")
        if place < len(wrong):
            row = wrong[place]
            axes.imshow(images[row, 0].numpy(), cmap="gray_r")
            axes.set_title(f"true {labels[row]}, predicted {predicted[row]}", fontsize=9)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rate", type=float, default=0.01, help="the highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("digits_cnn.png"), help="the picture")
    options = parser.parse_args()
    torch.manual_seed(options.seed)

    train, test = load(options.seed)
    images, labels = test.tensors
    model = DigitReader()
    weights = sum(parameter.numel() for parameter in model.parameters())
    print(f"Data: {len(train)} pictures to train on, {len(test)} held back")
    print(f"Network: {weights} weights")

    batches = DataLoader(train, batch_size=options.batch_size, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=options.rate, epochs=options.epochs, steps_per_epoch=len(batches)
    )
    bar = tqdm(range(1, options.epochs + 1), desc="Training", unit="epoch", disable=None)
    for epoch in bar:
        rate = schedule.get_last_lr()[0]
        loss = train_epoch(model, batches, optimizer, schedule)
        bar.write(f"Epoch {epoch:2d}   begins at rate {rate:.5f}   mean loss {loss:.2f}")

    predicted = read(model, images)
    matrix = confusion_matrix(labels, predicted)
    print("\nDigit      true    predicted   precision   recall")
    for digit in range(10):
        true_count, predicted_count = matrix[digit].sum().item(), matrix[:, digit].sum().item()
        hits = matrix[digit, digit].item()
        precision, recall = hits / max(predicted_count, 1), hits / max(true_count, 1)
        print(f"{digit:5d} {true_count:9d} {predicted_count:12d} {precision:11.3f} {recall:8.3f}")
    print(f"Accuracy: {(predicted == labels).float().mean().item():.3f}")

    draw(matrix, images, labels, predicted, options.output)
    print(f"Picture: {options.output}")


if __name__ == "__main__":
    main()
