"""Loaders with workers: what needs no PyTorch to be judged."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest

import jtorch as torch
from compat_tests.helpers import data_programs as programs
from jtorch._engine.recording import forking

data = torch.utils.data


def test_workers_make_the_same_batches():
    alone = [batch["row"].tolist() for batch in data.DataLoader(programs.samples_of(torch), 4)]
    loader = data.DataLoader(programs.samples_of(torch), 4, num_workers=2)
    assert [batch["row"].tolist() for batch in loader] == alone


def test_large_batches_arrive_whole():
    rows = torch.arange(400_000.0).reshape(4, 100_000)
    (batch,) = data.DataLoader(data.TensorDataset(rows), 4, num_workers=1)
    assert torch.equal(batch[0], rows)


def test_a_dead_worker_is_noticed():
    loader = data.DataLoader(programs.samples_of(torch, "die"), num_workers=1)
    with pytest.raises(RuntimeError, match="DataLoader worker") as raised:
        list(loader)
    words = f"{raised.value} {raised.value.__cause__}"
    assert re.search(r"DataLoader worker \(pid \d+\) exited unexpectedly with exit code 7\.", words)


def test_a_slow_worker_is_given_up():
    loader = data.DataLoader(programs.samples_of(torch, "sleep"), num_workers=1, timeout=0.3)
    with pytest.raises(RuntimeError, match=r"^DataLoader timed out after 0\.3 seconds$"):
        list(loader)


def test_workers_are_told_who_they_are():
    seen = []

    class Told(data.Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            info = data.get_worker_info()
            return info.id, info.num_workers, info.seed - info.id, len(info.dataset)

    for batch in data.DataLoader(Told(), num_workers=2):
        seen.append([int(each) for each in batch])
    assert [row[:2] for row in seen] == [[0, 2], [1, 2], [0, 2], [1, 2]]
    assert len({row[2] for row in seen}) == 1 and seen[0][3] == 4
    assert data.get_worker_info() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_computes():
    left = torch.randn(300, 300)
    pending = (left @ left).sin()
    expected = float((pending * 2).sum())
    leaf = torch.ones(3, requires_grad=True)
    loss = (leaf * 3).sum()
    for _ in range(3):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                loss.backward()
                total = float((pending * 2).sum())
                right = np.isclose(total, expected, rtol=1e-4) and leaf.grad.tolist() == [3.0] * 3
                status = 0 if right and forking.is_forked() else 2
            finally:
                os._exit(status)
        os.close(read)
        os.close(write)
        assert os.waitpid(child, 0)[1] == 0
    assert leaf.grad is None and not forking.is_forked()
