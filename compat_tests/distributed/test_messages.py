"""Messages that are received of any process: ``recv`` and ``irecv`` without a sender."""

from __future__ import annotations

import pytest

from compat_tests.helpers.processes import run_processes

_BEGIN = """
import os, sys, time
from datetime import timedelta
import torch
import torch.distributed as dist

dist.init_process_group("gloo", timeout=timedelta(seconds=4))
rank = dist.get_rank()
"""


def run(body, count=2):
    results = run_processes(_BEGIN + body, count, time_limit=60)
    for result in results:
        assert not result.timed_out, result.stderr[-2000:]
    return results


def test_a_message_is_received_from_any_process():
    body = """
if rank == 0:
    dist.send(torch.ones(2), 1)
else:
    received = torch.zeros(2)
    print("from", dist.recv(received), received.tolist())
"""
    assert "from 0 [1.0, 1.0]" in run(body)[1].lines


@pytest.mark.distributed
def test_messages_of_several_processes_come_in_the_order_of_each():
    body = """
if rank:
    for number in range(3):
        dist.send(torch.tensor([rank, number]), 0)
    dist.send(torch.full((2000,), rank), 0, tag=6)
    dist.send(torch.tensor([10 * rank]), 0, tag=5)
else:
    received, pair, tagged = [], torch.tensor([0, 0]), torch.tensor([0])
    for _ in range(6):
        source = dist.recv(pair)
        received.append([source, *pair.tolist()])
    for source in (1, 2):
        print("of", source, [row for row in received if row[0] == source])
    source = dist.recv(tagged, tag=5)
    print("tagged", tagged.item() == 10 * source)
    dist.recv(tagged, src=3 - source, tag=5)
    print("named", tagged.item() == 10 * (3 - source))
    large = torch.zeros(2000, dtype=torch.int64)
    works = [dist.irecv(large, tag=6) for _ in range(2)]
    total = 0
    for work in works:
        work.wait()
        total += large.sum().item()
    print("total", total)
dist.barrier()
dist.destroy_process_group()
"""
    results = run(body, 3)
    assert [result.exit_code for result in results] == [0, 0, 0], results[0].stderr
    for line in (
        "of 1 [[1, 1, 0], [1, 1, 1], [1, 1, 2]]",
        "of 2 [[2, 2, 0], [2, 2, 1], [2, 2, 2]]",
        "tagged True",
        "named True",
        "total 6000",
    ):
        assert line in results[0].lines, results[0].stdout


@pytest.mark.distributed
def test_who_receives_from_nobody_gets_an_error_in_time():
    body = """
if rank == 0:
    try:
        dist.recv(torch.zeros(2))
    except RuntimeError as error:
        print(error)
    begun = time.monotonic()
    dist.barrier()
    dist.destroy_process_group()
    print("ended", time.monotonic() - begun < 3)
else:
    time.sleep(5)
    dist.barrier()
"""
    results = run(body)
    assert "Timed out waiting 4000ms for recv operation to complete" in results[0].stdout
    assert "ended True" in results[0].lines
    assert results[0].exit_code == 0, results[0].stderr


def test_none_sends_in_a_world_of_one():
    body = """
try:
    dist.recv(torch.zeros(2))
except RuntimeError as error:
    print(error)
"""
    (result,) = run(body, 1)
    assert "Timed out waiting 4000ms for recv operation to complete" in result.stdout


@pytest.mark.distributed
def test_processes_that_are_gone_send_nothing():
    body = """
if rank == 1:
    dist.send(torch.ones(1), 0)
    sys.exit(0)
received = torch.zeros(1)
print("from", dist.recv(received), received.item())
time.sleep(1)
try:
    dist.recv(received)
except RuntimeError as error:
    print("error", error)
"""
    results = run(body)
    assert "from 1 1.0" in results[0].lines
    assert "error" in results[0].stdout
    assert results[0].exit_code == 0, results[0].stderr
