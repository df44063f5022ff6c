"""One of several processes that time steps of DistributedDataParallel and collectives.

It reads commands from its standard input, so that the groups of two libraries can take turns: the
name of a workload and a number of steps; it answers with the seconds of wall time and of processor
time that one step took.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any


def _mlp(torch: Any, sizes: tuple[int, ...], batch: int, ddp: bool) -> Callable[[], None]:
    nn = torch.nn
    layers: list[Any] = []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    x, y = torch.randn(batch, sizes[0]), torch.randint(0, sizes[-1], (batch,))
    return _step(torch, net, x, lambda out: nn.functional.cross_entropy(out, y), ddp)


def _cnn(torch: Any, ddp: bool) -> Callable[[], None]:
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip
    x, y = torch.randn(32, 1, 28, 28), torch.randint(0, 10, (32,))
    return _step(torch, net, x, lambda out: nn.functional.cross_entropy(out, y), ddp)


def _transformer(torch: Any, ddp: bool) -> Callable[[], None]:
    nn = torch.nn
    layer = nn.TransformerEncoderLayer(128, 4, 512, dropout=0.0, batch_first=True)
    net = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    x, y = torch.randn(8, 64, 128), torch.randn(8, 64, 128)
    return _step(torch, net, x, lambda out: ((out - y) ** 2).mean(), ddp)


def _step(torch: Any, net: Any, x: Any, loss_of: Callable, ddp: bool) -> Callable[[], None]:
    model = torch.nn.parallel.DistributedDataParallel(net) if ddp else net
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        loss = loss_of(model(x))
        loss.backward()
        optimizer.step()
        loss.item()

    return step


def _all_reduce(torch: Any, length: int) -> Callable[[], None]:
    tensor = torch.zeros(length)
    return lambda: torch.distributed.all_reduce(tensor)


def _made(torch: Any, name: str) -> Callable[[], None]:
    kind, _, size = name.partition(":")
    torch.manual_seed(0)
    if kind == "all_reduce":
        return _all_reduce(torch, int(size) // 4)
    ddp = size != "alone"
    if kind == "mlp_small":
        return _mlp(torch, (784, 256, 128, 10), 64, ddp)
    if kind == "mlp_large":
        return _mlp(torch, (784, 1024, 1024, 10), 512, ddp)
    return {"cnn": _cnn, "transformer": _transformer}[kind](torch, ddp)


def main() -> None:
    """Answer commands until there are no more."""
    rank = int(os.environ["RANK"])
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[rank % os.cpu_count()]})
    torch = importlib.import_module(sys.argv[1])
    if sys.argv[1] == "torch":
        torch.set_num_threads(1)
    start = time.perf_counter()
    torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=120))
    torch.distributed.barrier()
    print(time.perf_counter() - start, flush=True)
    steps: dict[str, Callable[[], None]] = {}
    for line in sys.stdin:
        name, count = line.split()
        if name not in steps:
            steps[name] = _made(torch, name)
        step = steps[name]
        torch.distributed.barrier()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(int(count)):
            step()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(wall / int(count), cpu / int(count), flush=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
