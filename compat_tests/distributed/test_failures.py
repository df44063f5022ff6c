"""Processes that die, end early, hang or disagree: an error in time, and survivors that go on."""

from __future__ import annotations

import pytest

from compat_tests.helpers.processes import run_processes

_BEGIN = """
import os, signal, sys, time
from datetime import timedelta
import torch
import torch.distributed as dist

dist.init_process_group("gloo", timeout=timedelta(seconds=4))
rank, size = dist.get_rank(), dist.get_world_size()
dist.all_reduce(torch.ones(2))
began = time.monotonic()
"""
#: Seconds that a process may take from the failure to its end, and to start before.
_LIMIT, _START = 15.0, 60.0
_GONE = ("Connection closed by peer", "Connection reset by peer", "Broken pipe")


def run(body, **options):
    """Run a program whose world is up; give each process the limit after that."""
    text = _BEGIN + body + '\nprint("seconds", time.monotonic() - began)\n'
    results = run_processes(text, time_limit=_START + _LIMIT, **options)
    for result in results:
        assert not result.timed_out, result.stderr[-2000:]
        for line in result.lines:
            if line.startswith("seconds"):
                assert float(line.split()[1]) < _LIMIT
    return results


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_process_is_an_error_in_the_other(victim):
    """Also where it is the one that had hosted the service by which the group was connected."""
    body = f"""
if rank == {victim}:
    os.kill(os.getpid(), signal.SIGKILL)
for _ in range(2):
    try:
        dist.all_reduce(torch.ones(2))
    except RuntimeError as error:
        print("caught", error)
print((torch.ones(3) * 2).sum().item())
time.sleep(2)
"""
    results = run(body)
    assert results[victim].exit_code == -9
    survivor = results[1 - victim]
    assert survivor.exit_code == 0
    caught = [line for line in survivor.lines if line.startswith("caught")]
    assert len(caught) == 2 and any(words in caught[0] for words in _GONE)
    assert "6.0" in survivor.lines


@pytest.mark.distributed
@pytest.mark.parametrize(("leaving", "code"), [("raise ValueError('bad')", 1), ("sys.exit(0)", 0)])
def test_a_process_that_leaves_early_is_an_error_in_the_other(leaving, code):
    results = run(f"if rank == 1: {leaving}\ndist.all_reduce(torch.ones(2))")
    assert [result.exit_code for result in results] == [1, code]
    assert any(words in results[0].stderr for words in _GONE)
    assert "RuntimeError" in results[0].stderr


@pytest.mark.distributed
def test_who_waits_too_long_gets_an_error():
    body = """
if rank == 1:
    time.sleep(7)
else:
    try:
        dist.all_reduce(torch.ones(2))
    except RuntimeError as error:
        print(error)
"""
    results = run(body)
    assert [result.exit_code for result in results] == [0, 0]
    assert "Timed out waiting 4000ms for recv operation to complete" in results[0].stdout


@pytest.mark.distributed
@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (
            "dist.all_gather([torch.ones(2), torch.ones(2)], torch.ones(2))",
            "dist.all_reduce(torch.ones(3))",
            ["all_gather(float32[2])", "all_reduce(float32[3])"],
        ),
        (
            "dist.all_reduce(torch.ones(4))",
            "dist.all_reduce(torch.ones(4000))",
            ["all_reduce(float32[4])", "all_reduce(float32[4000])"],
        ),
        (
            "dist.all_reduce(torch.ones(4000))",
            "dist.all_reduce(torch.ones(5000))",
            ["all_reduce(float32[4000])", "all_reduce(float32[5000])"],
        ),
        (
            "dist.all_reduce(torch.ones(4))",
            "dist.all_reduce(torch.ones(4, dtype=torch.int32))",
            ["all_reduce(float32[4])", "all_reduce(int32[4])"],
        ),
        (
            "dist.all_reduce(torch.ones(4), op=dist.ReduceOp.MAX)",
            "dist.reduce_scatter(torch.ones(2), [torch.ones(2), torch.ones(2)])",
            ["all_reduce(float32[4])", "reduce_scatter(float32[2, 2])"],
        ),
    ],
)
def test_different_collectives_are_named(first, second, told):
    body = f"""
try:
    if rank == 0:
        {first}
    else:
        {second}
except RuntimeError as error:
    print(error)
"""
    results = run(body)
    told = [f"{told[0]} #2 at program.py:14", f"{told[1]} #2 at program.py:16"]
    for rank, result in enumerate(results):
        assert result.exit_code == 0, result.stderr
        assert result.stdout.count("Detected mismatch between collectives on ranks. ") == 1
        for other in (0, 1):
            assert f"Rank {other} is running collective: {told[other]}" in result.stdout, rank


@pytest.mark.distributed
def test_processes_that_wait_in_different_collectives_are_named():
    body = """
try:
    if rank == 0:
        dist.all_to_all_single(torch.zeros(2), torch.ones(2))
    else:
        dist.all_reduce(torch.ones(3))
except RuntimeError as error:
    print(error)
"""
    results = run(body)
    told = "".join(result.stderr for result in results)
    assert "all_to_all_single(float32[2, 1]) #2 at program.py:14" in told
    assert "all_reduce(float32[3]) #2 at program.py:16" in told
    for result in results:
        assert "Timed out waiting 4000ms" in result.stdout


@pytest.mark.distributed
def test_who_reduces_while_another_broadcasts_gets_an_error():
    body = """
try:
    if rank == 0:
        dist.broadcast(torch.ones(2), 0)
        time.sleep(6)
    else:
        dist.all_reduce(torch.ones(3))
except RuntimeError as error:
    print(error)
"""
    results = run(body)
    assert [result.exit_code for result in results] == [0, 0]
    assert "Timed out waiting 4000ms" in results[1].stdout


@pytest.mark.distributed
@pytest.mark.parametrize(
    "calls",
    [
        "dist.all_reduce(torch.ones(4 + rank))",
        "dist.all_reduce(torch.ones(4)) if rank else dist.broadcast(torch.ones(4), 0)",
        "dist.all_reduce(torch.ones(4, dtype=[torch.int32, torch.float32][rank]))",
    ],
)
def test_detail_compares_collectives_before_they_run(calls):
    body = f"""
try:
    {calls}
except RuntimeError as error:
    print(error)
"""
    results = run(body, environment={"TORCH_DISTRIBUTED_DEBUG": "DETAIL"})
    for result in results:
        assert result.exit_code == 0, result.stderr
        assert "Detected mismatch between collectives on ranks. Rank" in result.stdout
        assert "SequenceNumber=2, OpType=ALLREDUCE" in result.stdout


@pytest.mark.distributed
def test_the_first_process_may_end_first():
    results = run("if rank == 0: sys.exit(0)\ntime.sleep(1)\nprint(torch.ones(2).sum().item())")
    assert [result.exit_code for result in results] == [0, 0]
    assert "2.0" in results[1].lines


@pytest.mark.distributed
def test_ranks_may_do_different_things():
    """Rank 0 looks at losses, validates and saves; the others do not."""
    body = """
torch.manual_seed(0)
net = torch.nn.Linear(4, 2)
model = torch.nn.parallel.DistributedDataParallel(net)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
torch.manual_seed(rank)
for step in range(6):
    optimizer.zero_grad()
    loss = (model(torch.randn(8, 4)) ** 2).mean()
    loss.backward()
    if rank == 0 and step % 2:
        loss.item(), net.weight.grad.norm().item()
        with torch.no_grad():
            net(torch.ones(3, 4)).sum().item()
        torch.save(net.state_dict(), os.devnull)
    optimizer.step()
print("weights", net.weight.flatten().tolist())
"""
    results = run(body)
    lines = [[s for s in result.lines if s.startswith("weights")] for result in results]
    assert len(lines[0]) == 1 and lines[0] == lines[1]


@pytest.mark.distributed
def test_processes_that_are_not_there_are_an_error():
    """A world of three of which two come."""
    body = """
try:
    dist.destroy_process_group()
    os.environ["MASTER_PORT"] = str(int(os.environ["MASTER_PORT"]) + 1)
    dist.init_process_group("gloo", world_size=3, rank=rank, timeout=timedelta(seconds=3),
                            init_method=f"tcp://127.0.0.1:{os.environ['MASTER_PORT']}")
except Exception as error:
    print(type(error).__name__, isinstance(error, RuntimeError))
"""
    results = run(body)
    for result in results:
        assert "True" in result.stdout, result.stdout + result.stderr


@pytest.mark.distributed
def test_forked_workers_of_a_loader_belong_to_no_world():
    body = """
class Numbers(torch.utils.data.Dataset):
    def __len__(self):
        return 8
    def __getitem__(self, at):
        assert not dist.is_initialized()
        return torch.ones(2) * at
loader = torch.utils.data.DataLoader(
    Numbers(), batch_size=2, num_workers=1, sampler=torch.utils.data.DistributedSampler(Numbers())
)
total = sum(batch.sum() for batch in loader)
dist.all_reduce(total)
print(total.item())
"""
    results = run(body)
    assert [result.exit_code for result in results] == [0, 0], results[0].stderr
    assert all("56.0" in result.lines for result in results)
