"""Train a classifier of pictures in several processes, each with its own part of the data.

The pictures are drawn by the program: discs, rings and crosses in noise. A ``DistributedSampler``
deals them out, another way in each epoch; running statistics are those of rank 0; the answers for
the pictures held back are counted over all processes. Rank 0 prints and writes a checkpoint after
every epoch; ``--resume`` goes on from there.

    torchrun --standalone --nproc-per-node 2 examples/distributed/shapes_classifier.py   # PyTorch
    jtorchrun --standalone --nproc-per-node 2 examples/distributed/shapes_classifier.py  # jtorch
"""

import argparse
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset, DistributedSampler

SHAPES = ("disc", "ring", "cross")
SIDE = 16


class Drawings(Dataset):
    """Pictures of shape (1, 16, 16), each of one shape at a random place and of a random size.

    Args:
        count: how many.
        seed: chooses the places, sizes and noise.
        noise: standard deviation of what is added to every pixel.
    """

    def __init__(self, count: int, seed: int, noise: float = 0.3):
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(len(SHAPES), (count,), generator=generator)
        radius = 3 + 2 * torch.rand(count, 1, 1, generator=generator)
        centres = 5 + 6 * torch.rand(2, count, 1, 1, generator=generator)
        rows = (torch.arange(SIDE)[None, :, None] - centres[0]).abs()
        columns = (torch.arange(SIDE)[None, None, :] - centres[1]).abs()
        distance = (rows**2 + columns**2).sqrt()
        disc, ring = distance <= radius, (distance - radius).abs() <= 0.8
        cross = (torch.minimum(rows, columns) <= 0.5 * radius) & (rows + columns <= 1.5 * radius)
        drawn = torch.stack([disc, ring, cross], 1).float()
        drawn = drawn[torch.arange(count), self.labels]
        self.pictures = (drawn + noise * torch.randn(drawn.shape, generator=generator)).unsqueeze(1)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.pictures[index], self.labels[index]


def network() -> nn.Module:
    """Return a small convolutional network with batch normalisation."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32)),
        *(nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, len(SHAPES))),
    )


@torch.no_grad()
def confusion_matrix(model: nn.Module, batches: DataLoader) -> torch.Tensor:
    """Return how often each shape (row) was taken for each (column), counted by all processes."""
    model.eval()
    matrix = torch.zeros(len(SHAPES), len(SHAPES), dtype=torch.int64)
    for pictures, labels in batches:
        answers = model(pictures).argmax(dim=1)
        matrix += torch.bincount(len(SHAPES) * labels + answers, minlength=9).view_as(matrix)
    dist.all_reduce(matrix)
    model.train()
    return matrix


def main() -> None:
    """Run the example from the command line, under a launcher."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=32, help="of all processes together")
    parser.add_argument("--checkpoint", type=Path, default=Path("shapes.pt"))
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    dist.init_process_group("gloo")
    rank, world_size = dist.get_rank(), dist.get_world_size()
    size = options.batch_size // world_size

    train, held_back = Drawings(960, seed=1), Drawings(240, seed=2)
    sampler = DistributedSampler(train, shuffle=True, drop_last=True)
    batches = DataLoader(train, batch_size=size, sampler=sampler)
    test_batches = DataLoader(
        held_back, batch_size=60, sampler=DistributedSampler(held_back, shuffle=False)
    )

    torch.manual_seed(rank)  # the model of rank 0 is what all begin with
    model = DistributedDataParallel(network())
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    first_epoch = 0
    if options.resume:
        saved = torch.load(options.checkpoint, weights_only=True)
        model.module.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        first_epoch = saved["epoch"]

    loss_of = nn.CrossEntropyLoss()
    for epoch in range(first_epoch + 1, options.epochs + 1):
        sampler.set_epoch(epoch)
        total = torch.zeros(())
        for pictures, labels in batches:
            loss = loss_of(model(pictures), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach()
        schedule.step()
        dist.all_reduce(total)
        matrix = confusion_matrix(model, test_batches)
        if rank == 0:
            mean = total.item() / (len(batches) * world_size)
            accuracy = (matrix.diag().sum() / matrix.sum()).item()
            print(f"epoch {epoch}  loss {mean:.2f}  accuracy {accuracy:.2f}", flush=True)
            parts = {"model": model.module, "optimizer": optimizer, "schedule": schedule}
            states = {name: part.state_dict() for name, part in parts.items()}
            torch.save({**states, "epoch": epoch}, options.checkpoint)
        dist.barrier()  # nobody reads the checkpoint before it is whole
    if rank == 0:
        for name, row in zip(SHAPES, matrix.tolist(), strict=True):
            print(f"{name:6s} taken for {dict(zip(SHAPES, row, strict=True))}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
