"""Train a small GPT in several processes, which add up their gradients.

The text is sums, ``17+25=42``, one a line. Every process reads other pieces of it; each step is
made of several small batches, of which only the last one sends gradients. Rank 0 prints, and writes
a checkpoint whenever the loss on text held back has fallen; ``--resume`` goes on from there.

    torchrun --standalone --nproc-per-node 2 examples/distributed/tiny_gpt.py   # PyTorch
    jtorchrun --standalone --nproc-per-node 2 examples/distributed/tiny_gpt.py  # jtorch
    python -m jtorch examples/distributed/tiny_gpt.py                           # one process
"""

import argparse
import math
import os
from contextlib import nullcontext
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

LETTERS = "\n+=0123456789"
WINDOW = 36


class Block(nn.Module):
    """Attention to earlier letters, then a network for each letter."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width, bias=False)
        self.projection = nn.Linear(width, width, bias=False)
        self.norm_network = nn.LayerNorm(width)
        self.network = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        parts = self.attention(self.norm_attention(x)).split(width, dim=2)
        q, k, v = (part.view(batch, length, self.heads, -1).transpose(1, 2) for part in parts)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.projection(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.network(self.norm_network(x))


class GPT(nn.Module):
    """A language model of letters; the last layer shares its weight with the first."""

    def __init__(self, width: int = 48, heads: int = 4, layers: int = 2):
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), width)
        self.places = nn.Embedding(WINDOW, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, len(LETTERS), bias=False)
        self.output.weight = self.letters.weight
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.06)

    def forward(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        x = self.letters(x) + self.places.weight
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.output(self.norm(x)).flatten(0, 1), target.flatten())


def sums(count: int) -> torch.Tensor:
    """Return a text of sums as numbers of letters, the same in every process."""
    generator = torch.Generator().manual_seed(1)
    pairs = torch.randint(0, 50, (count, 2), generator=generator).tolist()
    text = "".join(f"{a}+{b}={a + b}\n" for a, b in pairs)
    return torch.tensor([LETTERS.index(letter) for letter in text])


def batch_of(text: torch.Tensor, size: int, generator: torch.Generator) -> tuple:
    """Return windows of a text, and the letters that follow each of theirs."""
    starts = torch.randint(len(text) - WINDOW - 1, (size,), generator=generator)
    windows = text[starts[:, None] + torch.arange(WINDOW + 1)]
    return windows[:, :-1], windows[:, 1:]


@torch.no_grad()
def mean_loss(model: nn.Module, text: torch.Tensor, rank: int, world_size: int) -> float:
    """Return the loss on a text, of which each process reads a part."""
    model.eval()
    generator = torch.Generator().manual_seed(100 + rank)
    loss = model(*batch_of(text, 32, generator))
    model.train()
    if world_size > 1:
        dist.all_reduce(loss)
    return loss.item() / world_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=32, help="windows of a step, all processes")
    parser.add_argument("--accumulate", type=int, default=2, help="small batches of a step")
    parser.add_argument("--checkpoint", type=Path, default=Path("tiny_gpt.pt"))
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()

    distributed = "RANK" in os.environ
    if distributed:
        dist.init_process_group("gloo")
    rank = dist.get_rank() if distributed else 0
    world_size = dist.get_world_size() if distributed else 1
    assert options.batch % (world_size * options.accumulate) == 0
    small_batch = options.batch // (world_size * options.accumulate)

    text = sums(2000)
    train, held_back = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
    torch.manual_seed(0)
    plain = GPT()
    first_step, best = 0, math.inf
    optimizer = torch.optim.AdamW(plain.parameters(), lr=1e-2, weight_decay=0.01)
    if options.resume:
        saved = torch.load(options.checkpoint, weights_only=True)
        plain.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first_step, best = saved["step"], saved["loss"]
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 + 0.5 * math.cos(math.pi * (first_step + step) / 200)
    )
    model = DistributedDataParallel(plain) if distributed else plain
    if rank == 0:
        count = sum(parameter.numel() for parameter in plain.parameters())
        print(f"{count} parameters in {world_size} processes", flush=True)

    generator = torch.Generator().manual_seed(10 + rank + 1000 * first_step)
    for step in range(first_step + 1, options.steps + 1):
        for small in range(options.accumulate):
            last = small == options.accumulate - 1
            # Gradients add up here, and are sent with the last small batch.
            with nullcontext() if last or not distributed else model.no_sync():
                loss = model(*batch_of(train, small_batch, generator)) / options.accumulate
                loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 20 == 0:
            validation = mean_loss(plain, held_back, rank, world_size)
            if rank == 0:
                print(f"step {step:3d}  loss {validation:.2f}  gradient {norm:.1f}", flush=True)
                if validation < best:
                    state = {"model": plain.state_dict(), "optimizer": optimizer.state_dict()}
                    torch.save({**state, "step": step, "loss": validation}, options.checkpoint)
            best = min(best, validation)  # the same number in every process
    if distributed:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
