"""A perceptron whose layers are cut over processes: tensor parallelism.

    jtorchrun --nproc-per-node 2 examples/distributed/tensor_parallel.py

Each process holds half of both weights. The first layer is cut by its outputs and the second by its
inputs, so that one sum over the processes is all that a pass forwards sends.
"""

import argparse

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor.debug import CommDebugMode
from torch.distributed.tensor.parallel import ColwiseParallel, RowwiseParallel, parallelize_module


class Perceptron(nn.Module):
    """Two layers with a kink between them."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.up = nn.Linear(inputs, hidden)
        self.down = nn.Linear(hidden, 1)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return a number for each point."""
        return self.down(torch.relu(self.up(points))).squeeze(1)


def main() -> None:
    """Train the perceptron and print what each process holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--hidden", type=int, default=64)
    options = parser.parse_args()

    dist.init_process_group("gloo")
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    first = dist.get_rank() == 0
    torch.manual_seed(0)  # every process makes the same numbers
    points = torch.rand(256, 2) * 4 - 2
    target = torch.sin(points[:, 0]) * torch.cos(points[:, 1])

    model = Perceptron(2, options.hidden)
    parallelize_module(model, mesh, {"up": ColwiseParallel(), "down": RowwiseParallel()})
    if first:
        for name, parameter in model.named_parameters():
            part = tuple(parameter.to_local().shape)
            print(f"{name}: {tuple(parameter.shape)}, of which {part} here", flush=True)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(options.steps + 1):
        optimiser.zero_grad()
        loss = nn.functional.mse_loss(model(points), target)
        loss.backward()
        optimiser.step()
        if first and step % 50 == 0:
            print(f"step {step}: loss {loss.item():.4f}", flush=True)
    with CommDebugMode() as counter:
        model(points)
    if first:
        print(f"Collectives in a pass forwards: {counter.get_total_counts()}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
