"""Train a small transformer of which each process holds a part, and go on with other processes.

Parameters, gradients and the state of the optimiser are spread over processes by `fully_shard`. A
checkpoint is written by all of them, and read by any number:

    jtorchrun --standalone --nproc-per-node 4 examples/distributed/fully_sharded.py --out /tmp/run
    jtorchrun --standalone --nproc-per-node 2 examples/distributed/fully_sharded.py --out /tmp/run

(`torchrun` with PyTorch.)
"""

import argparse
import os
import tempfile
import warnings

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.fsdp import fully_shard

SYMBOLS, LENGTH, WIDTH, LAYERS = 16, 12, 32, 3


class Model(nn.Module):
    """A transformer that says each sequence backwards."""

    def __init__(self):
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.0, batch_first=True)
            for _ in range(LAYERS)
        )
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, tokens):
        x = self.symbols(tokens) + self.places.weight
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


class Training:
    """The state of a training: `save` and `load` call both methods."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer, self.step = model, optimizer, 0

    def state_dict(self):
        model, optimizer = get_state_dict(self.model, self.optimizer)
        return {"model": model, "optimizer": optimizer, "step": self.step}

    def load_state_dict(self, state):
        set_state_dict(
            self.model,
            self.optimizer,
            model_state_dict=state["model"],
            optim_state_dict=state["optimizer"],
        )
        self.step = state["step"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--out", default=None, help="directory of the checkpoint")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)

    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    place = [options.out or (tempfile.mkdtemp() if rank == 0 else None)]
    dist.broadcast_object_list(place, src=0)

    torch.manual_seed(0)
    model = Model()
    for layer in model.layers:
        fully_shard(layer)
    fully_shard(model)
    training = Training(model, torch.optim.AdamW(model.parameters(), lr=3e-3))
    whole = sum(parameter.numel() for parameter in model.parameters())
    mine = sum(parameter.to_local().numel() for parameter in model.parameters())
    if os.path.exists(os.path.join(place[0], ".metadata")):
        dcp.load({"training": training}, checkpoint_id=place[0])
    if rank == 0:
        print(f"{size} processes: {mine} of {whole} parameters here, from step {training.step}")

    torch.manual_seed(1000 * training.step + rank)
    for _ in range(options.steps):
        tokens = torch.randint(0, SYMBOLS, (16, LENGTH))
        loss = nn.functional.cross_entropy(model(tokens).flatten(0, 1), tokens.flip(1).flatten())
        training.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        training.optimizer.step()
        training.step += 1
        if training.step % 20 == 0:
            mean = loss.detach().clone()
            dist.all_reduce(mean)
            if rank == 0:
                print(f"step {training.step}: loss {mean.item() / size:.3f}")
    dcp.save({"training": training}, checkpoint_id=place[0])
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
