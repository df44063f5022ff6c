"""Steps of DistributedDataParallel and collectives in several processes, beside PyTorch's gloo.

Each process is kept on a core of its own. Those of jtorch and of PyTorch take turns, a few steps
each, so that what else the machine does falls on both; the others wait meanwhile.

    python benchmarks/distributed.py [--processes 2] [--rounds 7] [--only mlp_small,all_reduce]
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
from pathlib import Path

from _children import environment_with

#: Steps of a round, and steps before the first one is timed: until all is compiled.
_STEPS = {
    "mlp_small": (60, 400),
    "mlp_large": (8, 60),
    "cnn": (20, 150),
    "transformer": (6, 40),
}
_SIZES = {8: (300, 50), 4096: (300, 50), 4 << 20: (20, 10), 100 << 20: (3, 3)}


class Group:
    """The processes of one library."""

    def __init__(self, library: str, size: int):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        worker = str(Path(__file__).with_name("_distributed_worker.py"))
        self.children = [
            subprocess.Popen(
                [sys.executable, worker, library],
                env=environment_with(
                    {
                        "RANK": str(rank),
                        "WORLD_SIZE": str(size),
                        "MASTER_ADDR": "127.0.0.1",
                        "MASTER_PORT": str(port),
                        "OMP_NUM_THREADS": "1",
                    }
                ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for rank in range(size)
        ]
        self.seconds_to_begin = max(self._answers(), key=lambda answer: answer[0])[0]

    def _answers(self) -> list[list[float]]:
        found = []
        for child in self.children:
            line = child.stdout.readline()
            while line.startswith("[Gloo]"):
                line = child.stdout.readline()
            found.append([float(word) for word in line.split()])
        return found

    def run(self, name: str, steps: int) -> tuple[float, float]:
        """Return the wall and processor time of a step, of the slowest process."""
        for child in self.children:
            child.stdin.write(f"{name} {steps}\n")
            child.stdin.flush()
        answers = self._answers()
        return max(a[0] for a in answers), max(a[1] for a in answers)

    def end(self) -> None:
        for child in self.children:
            child.stdin.close()
        for child in self.children:
            child.wait(60)


def main() -> None:
    """Print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    names = [
        *[f"{name}{kind}" for name in _STEPS for kind in ("", ":alone")],
        *[f"all_reduce:{size}" for size in _SIZES],
    ]
    if options.only:
        names = [name for name in names if name.partition(":")[0] in options.only.split(",")]
    groups = {library: Group(library, options.processes) for library in ("torch", "jtorch")}
    ratio = groups["jtorch"].seconds_to_begin / groups["torch"].seconds_to_begin
    print(
        f"{options.processes} processes on {os.cpu_count()} cores; to begin: "
        f"torch {groups['torch'].seconds_to_begin:.2f} s, "
        f"jtorch {groups['jtorch'].seconds_to_begin:.2f} s ({ratio:.2f})"
    )
    print("| what | torch, ms | jtorch, ms | wall / torch | processor / torch |")
    print("|---|---|---|---|---|")
    walls: dict[str, dict[str, float]] = {}
    for name in names:
        kind, _, size = name.partition(":")
        steps, before = _SIZES[int(size)] if kind == "all_reduce" else _STEPS[kind]
        times: dict[str, list[tuple[float, float]]] = {library: [] for library in groups}
        for group in groups.values():
            group.run(name, before)
        for _ in range(options.rounds):
            for library, group in groups.items():
                times[library].append(group.run(name, steps))
        wall = {library: statistics.median(t[0] for t in found) for library, found in times.items()}
        walls[name] = wall
        cpu = {library: statistics.median(t[1] for t in found) for library, found in times.items()}
        print(
            f"| {name} | {wall['torch'] * 1e3:.3f} | {wall['jtorch'] * 1e3:.3f} | "
            f"{wall['jtorch'] / wall['torch']:.2f} | {cpu['jtorch'] / cpu['torch']:.2f} |",
            flush=True,
        )
    for group in groups.values():
        group.end()
    trained = [name for name in walls if f"{name}:alone" in walls]
    if trained:
        print("\nEfficiency: a step of one process, over the same step with its gradients sent")
        print("| what | torch | jtorch |\n|---|---|---|")
    for name in trained:
        torch, jtorch = (walls[f"{name}:alone"][key] / walls[name][key] for key in groups)
        print(f"| {name} | {torch:.2f} | {jtorch:.2f} |")


if __name__ == "__main__":
    main()
