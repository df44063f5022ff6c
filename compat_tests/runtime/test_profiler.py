"""``torch.profiler`` and ``torch.autograd.profiler``: operators by calls, programs by seconds."""

from __future__ import annotations

import gzip
import json

import pytest

import jtorch as torch
from jtorch._engine.execution import observing, programs
from jtorch.profiler import ProfilerAction, profile, record_function, schedule


def by_name(recorded) -> dict:
    return {event.key: event for event in recorded.key_averages()}


def test_operators_programs_and_spans_are_recorded() -> None:
    layer = torch.nn.Linear(3, 2)
    with profile(record_shapes=True) as recorded:
        with record_function("mine"):
            y = layer(torch.ones(4, 3)).exp()
        z = y.sum()
        z.backward()
    events = by_name(recorded)
    assert events["aten::exp"].count == 1 and events["aten::sum"].count == 1
    assert events["mine"].cpu_time_total > 0 and events["jtorch::program"].cpu_time_total > 0
    (span,) = [e for e in recorded.events() if e.name == "mine"]
    assert [child.name for child in span.cpu_children] == ["jtorch::program"]
    assert span.cpu_time_total >= span.cpu_children[0].cpu_time_total
    (exp,) = [e for e in recorded.events() if e.name == "aten::exp"]
    assert exp.input_shapes == [[4, 2]] and exp.cpu_parent.name == "jtorch::program"
    assert programs.run is observing._run  # nothing stays in the way


def test_the_table() -> None:
    with torch.autograd.profiler.profile() as recorded:
        (torch.ones(2) + 1).sum().item()
    table = recorded.key_averages().table(sort_by="cpu_time_total", row_limit=2)
    lines = table.splitlines()
    assert lines[1].split("  ")[-2].strip() == "# of Calls" and "jtorch::program" in lines[3]
    assert lines[-1].startswith("Self CPU time total: ") and len(lines) == 7
    assert recorded.total_average().key == "Total" and recorded.self_cpu_time_total > 0
    with pytest.raises(AttributeError, match="no attribute 'speed'"):
        recorded.table(sort_by="speed")


def test_a_schedule() -> None:
    action = schedule(wait=1, warmup=1, active=2, repeat=1)
    N, W, R, S = (ProfilerAction(n) for n in range(4))
    assert [action(step) for step in range(7)] == [N, W, R, S, N, N, N]
    assert [schedule(wait=0, warmup=0, active=1, skip_first=2)(s) for s in range(3)] == [N, N, S]
    with pytest.raises(AssertionError, match="Invalid profiler schedule arguments"):
        schedule(wait=-1, warmup=0, active=1)
    seen = []
    with profile(
        schedule=action, on_trace_ready=lambda p: seen.append((p.step_num, by_name(p)))
    ) as p:
        for _ in range(6):
            (torch.ones(2) * 3).sum().item()
            p.step()
    assert [step for step, _ in seen] == [4]
    assert seen[0][1]["aten::mul"].count == 2 and "ProfilerStep#3" in seen[0][1]


def test_traces_for_a_browser(tmp_path) -> None:
    with profile(on_trace_ready=torch.profiler.tensorboard_trace_handler(str(tmp_path / "t"))) as p:
        p.add_metadata("who", "me")
        torch.ones(2).exp().tolist()
    p.export_chrome_trace(str(tmp_path / "trace.json"))
    p.export_chrome_trace(str(tmp_path / "trace.json.gz"))
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert {"aten::exp", "jtorch::program"} <= {event["name"] for event in trace["traceEvents"]}
    assert trace["who"] == "me"
    with gzip.open(tmp_path / "trace.json.gz", "rt") as file:
        assert json.load(file) == trace
    assert len(list((tmp_path / "t").glob("*.pt.trace.json"))) == 1


def test_one_profiler_at_a_time_and_none_after_an_error() -> None:
    with pytest.raises(RuntimeError, match="Profiler is already enabled"), profile(), profile():
        pass
    with pytest.raises(ValueError, match="mine"), profile(), record_function("x"):
        raise ValueError("mine")
    assert programs.run is observing._run

    @record_function("decorated")
    def f() -> float:
        return torch.ones(2).sum().item()

    assert f() == 2.0
    with profile() as p:
        f()
    assert by_name(p)["decorated"].count == 1
