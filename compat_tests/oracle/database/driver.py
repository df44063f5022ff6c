"""Give entries to worker processes, keep what they find, survive their crashes and hangs."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
#: A worker that has grown to this many megabytes is replaced by a fresh one.
_LARGEST = 3000
_STARTING_SECONDS = 180.0


class Store:
    """Results as JSON lines, one for each entry; a later line replaces an earlier one."""

    def __init__(self, path: Path):
        self.path = path
        self._lock = threading.Lock()

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the results by entry."""
        found: dict[str, dict[str, Any]] = {}
        if self.path.is_file():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):  # a line that was cut off
                    record = json.loads(line)
                    found[record["entry"]] = record
        return found

    def clear(self) -> None:
        """Forget what an earlier run found."""
        self.path.unlink(missing_ok=True)

    def add(self, record: dict[str, Any]) -> None:
        """Append the results of one entry."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def run(
    kind: str,
    jobs: list[dict[str, Any]],
    store: Store,
    *,
    shards: int,
    timeout: float,
    report: Callable[[int, int, dict[str, Any]], None],
    arguments: tuple[str, ...] = (),
) -> None:
    """Run jobs in worker processes.

    Args:
        kind: what the workers examine, ``ops`` or ``docs``.
        jobs: one dictionary for each entry, with its name under ``entry``.
        store: where the results go.
        shards: number of worker processes.
        timeout: seconds that one step of an entry may take.
        report: called with (entries done, entries in all, the record) after each.
        arguments: further words of the workers' command line.
    """
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    done = 0
    lock = threading.Lock()

    def finished(record: dict[str, Any]) -> None:
        nonlocal done
        store.add(record)
        with lock:
            done += 1
            report(done, len(jobs), record)

    folder = store.path.parent
    shard = [
        threading.Thread(
            target=_serve, args=((kind, *arguments), waiting, finished, timeout, folder)
        )
        for _ in range(min(shards, max(1, len(jobs))))
    ]
    for thread in shard:
        thread.start()
    for thread in shard:
        thread.join()


def _serve(
    command: tuple[str, ...],
    waiting: queue.SimpleQueue[dict[str, Any]],
    finished: Callable[[dict[str, Any]], None],
    timeout: float,
    folder: Path,
) -> None:
    worker: Worker | None = None
    try:
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            started = time.monotonic()
            record: dict[str, Any] = {"entry": job["entry"], "results": {}}
            left = dict(job)
            while True:
                if worker is None:
                    worker = Worker(command, folder)
                ended = worker.examine(left, record, timeout)
                if ended == "done":
                    if worker.megabytes > _LARGEST:
                        worker.stop()
                        worker = None
                    break
                worker.stop()
                worker = None
                step = record.pop("step", None)
                broken = {"count": 1, "failed": 1, "skipped": 0, "soft": 0, "failures": [ended]}
                merge(record["results"], {step or "forward": broken})
                if step is None or "categories" not in left:
                    break
                order = job["steps"]
                rest = order[order.index(step) + 1 :]
                if not rest:
                    break
                left = {**left, "categories": rest}
            record.pop("step", None)
            record["seconds"] = round(time.monotonic() - started, 2)
            finished(record)
    finally:
        if worker is not None:
            worker.stop()


def merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    """Add the counts of one step to those of the steps before it."""
    for category, result in more.items():
        if category not in into or "count" not in result:
            into[category] = result
            continue
        for key in ("count", "failed", "skipped", "soft"):
            into[category][key] += result[key]
        into[category]["failures"] = (into[category]["failures"] + result["failures"])[:12]


class Worker:
    """One worker process."""

    def __init__(self, command: tuple[str, ...], folder: Path):
        environment = dict(os.environ)
        environment.setdefault("JTORCH_CACHE_DIR", str(folder / "programs"))
        environment.setdefault("JTORCH_CACHE_MB", "8192")
        environment["JTORCH_RECOMPILE_WARNING"] = "0"
        environment.setdefault("JTORCH_MAX_PROGRAMS", "300")
        # Where an operation was traced is of no use here, and a third of the time of lowering it.
        environment.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(ROOT), environment.get("PYTHONPATH", "")])
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "compat_tests.oracle.database.worker", *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.megabytes = 0
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self._ready = self._answers.get(timeout=_STARTING_SECONDS) is not None
        except queue.Empty:
            self._ready = False

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                self._answers.put(json.loads(line))
        self._answers.put(None)

    def examine(self, job: dict[str, Any], record: dict[str, Any], timeout: float) -> str:
        """Run one job; return ``done``, or what went wrong."""
        if not self._ready:
            return "the worker process did not start"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
        except OSError:
            return "the process ended before the entry"
        while True:
            try:
                message = self._answers.get(timeout=timeout)
            except queue.Empty:
                return f"no answer within {timeout:.0f} seconds"
            if message is None:
                return f"the process ended with status {self._process.wait()}"
            if "done" in message:
                self.megabytes = message["megabytes"]
                return "done"
            if "results" in message:
                merge(record["results"], message["results"])
            else:
                record["step"] = message["step"]

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
