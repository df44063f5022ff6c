"""Ctrl-C, and handlers of other signals that raise, are heard while jtorch is at work."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from compat_tests.helpers.paths import ROOT

# Prints how many traces ran between the signal and its exception in the user's code. A loader's
# waits are long: what is heard only at the end of one is not heard at all.
SCRIPT = """
import os, signal, sys, threading, time
import jtorch as torch
from jtorch._engine.execution import stats
from jtorch.utils.data.dataloader import _MultiProcessingDataLoaderIter as Iterator
Iterator._try_get_data.__defaults__ = (1000.0,)

class Waiting(torch.utils.data.Dataset):
    def __len__(self):
        return 10
    def __getitem__(self, index):
        time.sleep(1000)

def interpreted():
    x = torch.ones(100_000)
    while True:
        for _ in range(200):
            x = (x * 1.0001).sin()
        x.sum().item()

def training():
    model = torch.nn.Linear(50, 50)
    optimizer = torch.optim.Adam(model.parameters())
    while True:
        optimizer.zero_grad()
        model(torch.ones(8, 50)).square().mean().backward()
        optimizer.step()

def loader():
    list(torch.utils.data.DataLoader(Waiting(), num_workers=2))

def alarm(number, frame):
    raise TimeoutError

signal.signal(signal.SIGALRM, alarm)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
before = 0
def send():
    global before
    time.sleep(2)
    before = stats.counters.flushes
    os.kill(os.getpid(), getattr(signal, sys.argv[2]))

(torch.ones(2) + 1).tolist()
threading.Thread(target=send, daemon=True).start()
try:
    globals()[sys.argv[1]]()
except (KeyboardInterrupt, TimeoutError) as error:
    print(type(error).__name__, stats.counters.flushes - before)
"""


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGALRM"])
@pytest.mark.parametrize(
    ("work", "execution"),
    [
        ("interpreted", "interpret"),
        ("training", "interpret"),
        ("loader", "compile"),
    ],
)
def test_a_signal_is_heard_before_the_next_trace_but_one(work, execution, signal_name):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JTORCH_EXECUTION": execution}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, work, signal_name],
        env=environment, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    name, flushes = done.stdout.split()
    assert name == {"SIGINT": "KeyboardInterrupt", "SIGALRM": "TimeoutError"}[signal_name]
    # One is under way, and Python hears a signal between two of its instructions.
    assert int(flushes) <= 2
