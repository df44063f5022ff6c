"""A later process finds its programs on disk without tracing them, and never finds wrong ones."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import jtorch
from jtorch._engine.execution import compilation, fingerprint, growth, programs
from jtorch._engine.recording import trace

pytestmark = pytest.mark.execution("compile")

TRAINING = """
import jtorch as torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Dropout(0.5), torch.nn.Linear(5, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
x = torch.randn(7, 3)
for step in range(3):
    optimizer.zero_grad()
    loss = model(x).square().mean()
    loss.backward()
    optimizer.step()
    print(loss.item())
print(torch.func.vmap(lambda row: row.sin() * 2)(x).sum(1))
"""
OUTSIDE = """
import jtorch as torch
x = torch.arange(9.0).reshape(3, 3).square().sin()
print(torch.linalg.eigvalsh(x @ x.T), torch.linalg.solve(x, x), torch.linalg.svdvals(x))
"""
OFTEN = """
import jtorch as torch
from jtorch._engine.execution import compilation
x = torch.arange(6.0)
for turn in range(8):
    print(((x + turn) * 2.5 - 1).tolist())
print(compilation.wait_until_optimised())
"""


def run(script, folder, **settings):
    """Return what a script prints in a new process, and how its programs came to be."""
    environment = {**os.environ, "JTORCH_CACHE": "1", "JTORCH_CACHE_DIR": str(folder)}
    environment |= {"JTORCH_LOG": "1", **settings}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout, [
        line.split()[1] for line in done.stderr.splitlines() if line.startswith("jtorch: ")
    ]


def test_a_second_process_traces_nothing(tmp_path):
    first, made = run(TRAINING, tmp_path)
    assert set(made) == {"compiled"}
    again, found = run(TRAINING, tmp_path)
    assert again == first
    assert found == ["loaded"] * len(made)


def test_programs_that_call_functions_outside_of_xla_are_lowered_each_time(tmp_path):
    first, made = run(OUTSIDE, tmp_path)
    again, found = run(OUTSIDE, tmp_path)
    assert again == first
    assert len(found) == len(made) and "compiled" in found


def test_what_was_optimised_is_found_optimised(tmp_path):
    first, made = run(OFTEN, tmp_path)
    assert made == ["compiled", "optimised"]
    assert run(OFTEN, tmp_path) == (first, ["loaded"])


def test_a_cheap_program_that_was_found_is_optimised_when_it_is_hot(tmp_path):
    once = OFTEN.replace("range(8)", "range(1)")
    assert run(once, tmp_path)[1] == ["compiled"]
    _, made = run(OFTEN, tmp_path)
    assert made == ["loaded", "optimised"]
    assert run(OFTEN, tmp_path, JTORCH_TIERS="0")[1] == ["loaded"]


@pytest.mark.parametrize("damage", ["index", "program", "emptied", "gone"])
def test_damaged_files_are_compiled_anew(tmp_path, damage):
    first, made = run(TRAINING, tmp_path)
    for path in tmp_path.glob("*/*-cache"):
        if ("index" in path.name) != (damage in ("index", "emptied")):
            continue
        content = path.read_bytes()
        if damage == "gone":
            path.unlink()
        elif damage == "emptied":
            path.write_bytes(b"")
        else:
            middle = len(content) // 2
            path.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + b"\0")
    again, found = run(TRAINING, tmp_path)
    assert again == first
    assert found == ["compiled"] * len(made)


def test_other_settings_are_other_programs(tmp_path):
    run(TRAINING, tmp_path)
    _, found = run(TRAINING, tmp_path, JTORCH_XLA_OPTIONS="0")
    assert set(found) == {"compiled"}
    _, found = run(TRAINING, tmp_path, JAX_DEFAULT_MATMUL_PRECISION="float32")
    assert set(found) == {"compiled"}


@pytest.fixture
def digests(monkeypatch):
    """Collect the digests of the programs that are compiled."""
    found = []
    compile_first = compilation.compile_first

    def watched(program, arguments, device):
        found.append(fingerprint.digest(program, arguments, device))
        return compile_first(program, arguments, device)

    monkeypatch.setattr(compilation, "compile_first", watched)
    return found


def compiled_by(make, digests):
    """Return what a function gives, and the digests of what was compiled for it."""
    X.tolist()
    growth.forget_everything()
    trace.local.trace.begin()
    digests.clear()
    return make().tolist(), list(digests)


X = jtorch.arange(16.0).reshape(4, 4) / 7
DIFFERENT = {
    "sum over rows": lambda: X.sum(0),
    "sum over columns": lambda: X.sum(1),
    "mean": lambda: X.mean(0),
    "float64": lambda: X.double().sum(0),
    "other shape": lambda: X[:3].sum(0),
    "view": lambda: X.t().sum(0),
    "slope": lambda: jtorch.nn.functional.leaky_relu(X, 0.25),
    "slope, of another kind": lambda: jtorch.nn.functional.elu(X, 0.25),
    "square": lambda: X**2,
    "cube": lambda: X**3,
    "roll": lambda: X.roll(1, 0),
    "roll further": lambda: X.roll(2, 0),
    "gelu": lambda: jtorch.nn.functional.gelu(X),
    "gelu by tanh": lambda: jtorch.nn.functional.gelu(X, approximate="tanh"),
    "vmap": lambda: jtorch.vmap(lambda row: row * 2)(X),
    "vmap, sum": lambda: jtorch.vmap(lambda row: row + row)(X),
    "padding": lambda: jtorch.nn.functional.pad(X, (1, 0)),
    "padding, other side": lambda: jtorch.nn.functional.pad(X, (0, 1)),
    "einsum": lambda: jtorch.einsum("ij,jk->ik", X, X),
    "einsum, transposed": lambda: jtorch.einsum("ij,kj->ik", X, X),
}


def gradient(function):
    x = X.clone().requires_grad_(True)
    function(x).sum().backward()
    return x.grad


GRADIENTS = {
    "of sin": lambda: gradient(jtorch.sin),
    "of cos": lambda: gradient(jtorch.cos),
    "of sin twice": lambda: gradient(lambda x: x.sin().sin()),
    "of a norm": lambda: gradient(lambda x: x.norm(dim=0)),
    "of a norm along rows": lambda: gradient(lambda x: x.norm(dim=1)),
    "of softmax": lambda: gradient(lambda x: x.softmax(0)[0]),
    "of softmax along rows": lambda: gradient(lambda x: x.softmax(1)[0]),
}


def test_different_programs_have_different_digests(digests):
    found = [
        digest
        for make in (DIFFERENT | GRADIENTS).values()
        for digest in compiled_by(make, digests)[1]
    ]
    assert None not in found
    assert len(set(found)) == len(found) >= len(DIFFERENT | GRADIENTS)


@pytest.mark.parametrize("name", DIFFERENT | GRADIENTS)
def test_the_same_program_has_the_same_digest(digests, name):
    make = (DIFFERENT | GRADIENTS)[name]
    first = compiled_by(make, digests)
    assert first[1] and compiled_by(make, digests) == first


class _Program:
    """As much of a program as a digest looks at."""

    used_inputs, returned, donated, uses_floats, uses_ints = (), (0,), (), False, False

    def __init__(self, function):
        self.instructions = [function]


def test_what_cannot_be_compared_has_no_digest():
    def users(array):
        return array

    known = programs.build
    digest = fingerprint.digest
    assert digest(_Program(known), [], jtorch.device("cpu")) is not None
    for unknown in (users, object(), jtorch.ones(2), np.array([users]), {1: users}, iter("a")):
        assert digest(_Program(unknown), [], jtorch.device("cpu")) is None


def test_numbers_that_look_alike_are_told_apart():
    values = [0, 0.0, -0.0, False, "0", b"0", (0,), [0], ((0,), ()), ((), (0,)), {0: 0}, {0}, 0j]
    values += [np.float32(0), np.float64(0), np.int64(0), np.zeros(1), np.zeros((1, 1)), None]
    values += [float("nan"), float("inf"), slice(0), slice(0, 0), range(0), np.dtype("f4"), 1 << 70]
    found = [fingerprint.digest(_Program(v), [], jtorch.device("cpu")) for v in values]
    assert None not in found
    assert len(set(found)) == len(values)
