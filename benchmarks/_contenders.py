"""Contenders in processes of their own, and how their turns are timed."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from _children import environment_with

HERE = Path(__file__).resolve().parent
_MOST_WARM_UPS = 15
UNSTEADY = 1.5  # a median so many times the fastest run says that something else had the machine


class Contender:
    """A worker process and what became of it.

    Args:
        name: one of ``CONTENDERS``.
        python: the interpreter it runs in.
        workloads: the module that holds what it runs.
        environment: variables to set for it.
    """

    def __init__(
        self,
        name: str,
        python: str,
        workloads: str = "_workloads",
        environment: dict[str, str] | None = None,
    ):
        self.name = name
        self.troubles: dict[str, str] = {}
        self.interpreted = -1
        self.process = subprocess.Popen(
            [python, str(HERE / "_worker.py"), name, workloads],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment_with(environment or {}),
        )

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Send a request and return the answer, which holds "error" where it failed."""
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else {"error": "the process ended"}

    def close(self) -> None:
        """Let the process end by itself."""
        self.process.stdin.close()
        self.process.wait(timeout=60)


def time_loop(
    workload: str, steps: int, contenders: list[Contender], rounds: int, warm_up: float
) -> dict[str, Any]:
    """Time one workload on every contender, their turns interleaved.

    Args:
        workload: a key of ``LOOPS``.
        steps: steps of one timed run.
        contenders: who takes part.
        rounds: timed runs of each.
        warm_up: seconds that each runs before the first timed run, for a compiler to use. jtorch,
            which interprets a step until that has cost as much as compiling it, runs on until it
            has compiled it, at most ``_MOST_WARM_UPS`` times as long.
    Returns:
        Samples in microseconds a step by contender, jtorch's counters over the warm-up and over
        the timed runs, and the troubles of those that dropped out.
    """
    samples: dict[str, list[float]] = {}
    troubles: dict[str, str] = {}
    warming: dict[str, Any] = {}
    taking_part = []
    for contender in contenders:
        before = contender.ask("stats")
        end, runs = time.monotonic() + warm_up, 0
        last = time.monotonic() + _MOST_WARM_UPS * warm_up
        while (
            runs < 3
            or time.monotonic() < end
            or (contender.name == "jtorch" and time.monotonic() < last and _interprets(contender))
        ):
            answer = contender.ask("time", workload=workload, steps=steps)
            runs += 1
            if "error" in answer:
                troubles[contender.name] = answer["error"]
                break
        else:
            taking_part.append(contender)
            samples[contender.name] = []
        if contender.name == "jtorch":
            warming = difference(before, contender.ask("stats"))

    timed: dict[str, Any] = {}
    before = {contender.name: contender.ask("stats") for contender in taking_part}
    for turn in range(rounds):
        # Each round begins with another contender, so that none always follows the same one.
        shift = turn % max(1, len(taking_part))
        for contender in taking_part[shift:] + taking_part[:shift]:
            answer = contender.ask("time", workload=workload, steps=steps)
            if "error" in answer:
                troubles[contender.name] = answer["error"]
            else:
                samples[contender.name].append(answer["microseconds"])
    for contender in taking_part:
        if contender.name == "jtorch":
            timed = difference(before["jtorch"], contender.ask("stats"))
    return {
        "samples": samples,
        "medians": {name: statistics.median(runs) for name, runs in samples.items() if runs},
        "troubles": troubles,
        "jtorch_warm_up": warming,
        "jtorch_timed": timed,
        "timed_steps": steps * rounds,
    }


def _interprets(contender: Contender) -> bool:
    """Return whether jtorch has run anything by its interpreter since this was asked last."""
    now = contender.ask("stats").get("runs_interpreted", 0)
    before, contender.interpreted = contender.interpreted, now
    return now != before


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, float]:
    """Return by how much each number grew."""
    return {
        key: value - before.get(key, 0)
        for key, value in after.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def verdict(value: float, limit: float) -> str:
    """Return whether a value keeps its limit, in a word."""
    return "kept" if value <= limit else "**missed**"


def pin_to_two_cores() -> int:
    """Keep this process and its children on two cores; return on how many they are."""
    return pin_to_cores(2)


def pin_to_cores(count: int) -> int:
    """Keep this process and its children on some cores; return on how many they are."""
    if not hasattr(os, "sched_setaffinity"):
        return os.cpu_count() or 1
    cores = sorted(os.sched_getaffinity(0))[:count]
    os.sched_setaffinity(0, cores)
    return len(cores)
