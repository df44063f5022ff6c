"""Processes that outlive what they depend on: none waits for ever."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from multiprocessing import process

import pytest

import jtorch as torch
from compat_tests.helpers.paths import ROOT
from jtorch._engine.execution import compilation
from jtorch.utils.data import dataloader

data = torch.utils.data

# A child connects to the process that compiles for it, another child keeps every descriptor open,
# and then that process is killed. The child says how its next compilation ended.
ORPHAN = """
import os, signal, sys, time
import jtorch as torch
(torch.ones(3) + 1).sum().item()
first = os.getpid()
said, saying = os.pipe()
if os.fork() == 0:
    if sys.argv[1] == "connected":
        (torch.ones(4) * 3).sum().item()
    os.write(saying, b"x")
    while os.getppid() == first:
        time.sleep(0.05)
    try:
        (torch.arange(7.0) * 3).cos().sum().item()
    except RuntimeError as error:
        print(error, flush=True)
    os._exit(0)
if os.fork() == 0:
    time.sleep(20)
    os._exit(0)
os.read(said, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("state", ["connected", "new"])
def test_a_child_whose_parent_was_killed_does_not_wait(state):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JTORCH_CACHE": "0"}
    environment |= {"JTORCH_EXECUTION": "compile"}
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN, state], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert "the process that it was forked from, which compiles for it, is gone" in (
            process.stdout.readline()
        )


class Numbers(data.Dataset):
    """Eight numbers, at one of which something happens."""

    def __init__(self, happens=lambda: None):
        self.happens = happens

    def __len__(self):
        return 8

    def __getitem__(self, index):
        if index == 5:
            self.happens()
        return index


def _refuse():
    raise ValueError("five")


@pytest.fixture
def expired(monkeypatch):
    """Return the names of what is waited for in vain, until the time for it has run out.

    Each wait gets a minute, which no busy machine takes to start a process or to end one.
    """
    found: list[str] = []

    def note(owner, name, ran_out):
        original = getattr(owner, name)

        def waited(*arguments, **options):
            result = original(*arguments, **options)
            if ran_out(result, *arguments, **options):
                found.append(name)
            return result

        monkeypatch.setattr(owner, name, waited)

    monkeypatch.setattr(data._utils, "MP_STATUS_CHECK_INTERVAL", 60.0)
    iterator = dataloader._MultiProcessingDataLoaderIter
    monkeypatch.setattr(iterator._try_get_data, "__defaults__", (60.0,))
    note(iterator, "_try_get_data", lambda result, *_, **__: not result[0])
    note(
        process.BaseProcess,
        "join",  # to join for no time is to ask, not to wait
        lambda _, worker, timeout=None: timeout != 0 and worker.is_alive(),
    )
    note(compilation, "wait_until_optimised", lambda done, *_, **__: not done)
    return found


@pytest.mark.parametrize(
    ("happens", "timeout", "words"),
    [
        (_refuse, 60, "Caught ValueError in DataLoader worker process 0"),
        (lambda: os._exit(3), 60, "exited unexpectedly"),
        (lambda: os.kill(os.getpid(), 9), 60, "exited unexpectedly|is killed by signal"),
        (lambda: time.sleep(600), 1, "DataLoader timed out after 1 seconds"),
    ],
)
def test_after_a_loader_that_failed_nothing_waits(happens, timeout, words, expired):
    options = {"num_workers": 2, "persistent_workers": True}
    failing = data.DataLoader(Numbers(happens), 2, timeout=timeout, **options)
    for _ in range(2):
        with pytest.raises((RuntimeError, ValueError), match=words):
            list(failing)
    expired.clear()
    del failing
    gc.collect()  # the exceptions' frames hold its iterators
    working = data.DataLoader(Numbers(), 2, **options)
    assert [batch.tolist() for batch in working] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    iterator = working._iterator
    del working
    iterator._shutdown_workers()
    assert expired == []
