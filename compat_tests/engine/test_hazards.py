"""Known ways in which libraries that record before they run have failed: recompile storms, growth,
late errors, compiled printing, threads, randomness burnt in. Gated on counts, never on time."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

import jtorch as torch
from compat_tests.helpers.paths import ROOT
from jtorch import compiler
from jtorch._core import config
from jtorch._engine.execution import compilation, disk_cache, growth, program_index
from jtorch._engine.graph import trie


@pytest.fixture(autouse=True)
def counted():
    """Begin each test with nothing pending, nothing remembered, and counters at zero."""
    compilation.wait_until_optimised()  # what another test had compiled ahead is counted, too
    compiler.reset()
    compiler.reset_stats()
    yield
    compiler.synchronize()


def compiled() -> int:
    """Return how many programs were compiled since the test began."""
    return compiler.stats().programs_compiled


def matrix(rows: int, columns: int, seed: int = 0):
    return torch.tensor(np.random.RandomState(seed).randn(rows, columns).astype("float32"))


def size_of_trie() -> tuple[int, int]:
    """Return the number of nodes and programs that are remembered."""
    nodes = growth._nodes()
    programs = {id(program) for node in nodes for program in node.programs.values()}
    return len(nodes), len(programs)


def run_script(code: str, **variables: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "JTORCH_CACHE": "0"} | variables
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


# Recompile storms


@pytest.mark.execution("compile")
def test_a_changing_float_is_an_input():
    x = matrix(4, 3)
    for step in range(30):
        shown = (x * (0.1 * step) + 1.5 / (step + 1)).tolist()
        assert shown[0][0] == pytest.approx(
            x.tolist()[0][0] * 0.1 * step + 1.5 / (step + 1), rel=1e-5
        )
    assert compiled() == 1


def test_numbers_that_are_equal_but_not_the_same_are_told_apart():
    """A cached vector of numbers must not confuse 0.0 with -0.0, nor NaN with a number."""
    x = matrix(1, 1) * 0 + 1
    signs = [float(np.copysign(1, (x * zero).item())) for zero in (0.0, 0.0, 0.0, -0.0, -0.0, 0.0)]
    assert signs == [1, 1, 1, -1, -1, 1]
    assert [np.isnan((x * n).item()) for n in (1.0, float("nan"), float("nan"), 2.0)] == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.execution("compile")
def test_a_changing_integer_is_an_input():
    x = matrix(4, 3)
    for step in range(30):
        (x * step).tolist()
    assert compiled() == 1


def test_a_changing_index_is_an_input():
    x = matrix(40, 3)
    expected = x.tolist()
    compiler.reset_stats()
    for index in range(30):
        assert x[index].tolist() == expected[index]
    assert compiled() <= 1


def test_a_changing_start_of_a_slice_is_an_input():
    x = matrix(40, 3)
    expected = x.tolist()
    compiler.reset_stats()
    for start in range(30):
        assert x[start : start + 5].tolist() == expected[start : start + 5]
    # The first, the inner and the last ones may differ in form, not each start.
    assert compiled() <= 3


def test_a_learning_rate_schedule_compiles_nothing_new():
    X, w = matrix(16, 3), matrix(3, 1, 1).requires_grad_()
    for epoch in range(20):
        loss = ((X @ w) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w.sub_(0.1 * 0.9**epoch * w.grad)
        w.grad = None
        loss.item()
    assert compiled() <= 2


@pytest.mark.execution("compile")
def test_a_smaller_last_batch_is_one_more_program():
    x = matrix(70, 3)
    batches = [torch.tensor(np.array(x.tolist()[k : k + 16], "float32")) for k in range(0, 70, 16)]
    for _ in range(3):
        for batch in batches:
            (batch * 2 + 1).tolist()
    assert compiled() == 2


@pytest.mark.execution("compile")
def test_each_length_of_a_sequence_is_one_program():
    for _ in range(3):
        for length in (3, 5, 7, 5, 3, 9):
            (matrix(length, 2) * 2).tolist()
    assert compiled() == 4


def test_the_first_gradient_and_the_later_ones_are_few_programs():
    w = matrix(3, 1).requires_grad_()
    for _ in range(10):
        (w * w).sum().backward()  # accumulates: the first time there is none yet
        w.grad.tolist()
    assert compiled() <= 2


# What a line that keeps compiling is told


@pytest.mark.execution("compile")
def test_a_line_that_keeps_compiling_is_named_once(caplog):
    with caplog.at_level(logging.WARNING, "jtorch"):
        for length in range(1, config.RECOMPILE_WARNING + 8):
            (matrix(length, 2) * 2).tolist()
    (record,) = caplog.records
    text = record.getMessage()
    assert "test_hazards.py:" in text
    last = config.RECOMPILE_WARNING
    assert f"argument 1 of mul" in text  # noqa: F541
    assert f"shape ({last - 1}, 2)" in text and f"shape ({last}, 2)" in text
    assert compiler.stats().recompile_warnings == 1


def test_a_helper_that_shows_different_things_is_not_warned_about(caplog):
    def show(tensor):
        return tensor.tolist()

    x = matrix(2, 2)
    with caplog.at_level(logging.WARNING, "jtorch"):
        for count in range(1, config.RECOMPILE_WARNING + 4):
            y = x
            for _ in range(count):
                y = y * 0.5 + x
            show(y)
    assert caplog.records == []


@pytest.mark.execution("compile")
def test_the_counters_read_as_a_table_and_stand_still():
    x = matrix(2, 2)
    before = compiler.stats()
    (x * 2).tolist()
    after = compiler.stats()
    assert (before.programs_compiled, after.programs_compiled) == (0, 1)
    assert "programs compiled" in str(after) and "tolist" in str(after)
    assert after.flush_reasons["tolist"] == 1
    assert "programs of the same" not in compiler.explain()


# Growth


def wine(steps: int, read: bool = False) -> None:
    X, y = matrix(50, 11), matrix(50, 1, 1)
    w = matrix(11, 1, 2).requires_grad_()
    b = torch.tensor([0.5], requires_grad=True)
    for _ in range(steps):
        loss = ((X @ w + b - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            w.sub_(0.01 * w.grad)
            b.sub_(0.01 * b.grad)
        w.grad = None
        b.grad = None
        if read:
            loss.item()
    w.sum().item()


def test_an_unread_training_loop_is_three_programs():
    wine(1000)
    assert compiled() <= 3
    wine(1000)
    assert compiled() <= 3


@pytest.mark.parametrize("steps", [996, 997, 998, 999, 1001])
def test_an_unread_loop_of_any_length_is_three_programs(steps):
    wine(steps)
    assert compiled() <= 3


def test_an_unread_loop_gives_what_a_read_one_gives():
    def train(read):
        X, w = matrix(20, 3), matrix(3, 1, 1).requires_grad_()
        for _ in range(100):
            loss = ((X @ w) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                w.sub_(0.05 * w.grad)
            w.grad = None
            if read:
                loss.item()
        return w.tolist()

    np.testing.assert_allclose(train(True), train(False), rtol=1e-4, atol=1e-12)


def test_an_unread_chain_is_three_programs():
    x = matrix(10, 11)
    for _ in range(1000):
        for _ in range(100):
            x = x * 0.999 + 0.001
    x.tolist()
    assert compiled() <= 3


def test_a_nested_unread_loop_is_a_few_programs():
    start = matrix(4, 4)
    total = start
    for _ in range(300):
        y = start
        for _ in range(7):
            y = y * 0.9 + 0.1
        total = total + y
    total.tolist()
    assert compiled() <= 3


def test_a_long_chain_that_never_repeats_is_bounded():
    x = matrix(2, 2)
    generator = np.random.RandomState(0)
    for choice in generator.randint(0, 3, 5000):
        x = (x * 0.5, x + 0.25, x - 0.125)[choice]
        assert len(torch._engine.recording.trace.local.trace.values) < 5000
    assert len(torch._engine.recording.trace.local.trace.values) <= 4 * config.MAX_PENDING
    x.tolist()


def test_a_cut_keeps_views_and_writes_apart():
    x = matrix(4, 4)
    expected = np.array(x.tolist(), "float32")
    row = x[1]
    for _step in range(400):
        row.mul_(0.5)
        x.add_(1.0)
        expected[1] *= np.float32(0.5)
        expected += np.float32(1.0)
    np.testing.assert_allclose(x.tolist(), expected, rtol=1e-6)
    np.testing.assert_allclose(row.tolist(), expected[1], rtol=1e-6)


def test_programs_and_nodes_are_bounded(monkeypatch):
    monkeypatch.setattr(config, "MAX_PROGRAMS", 10)
    monkeypatch.setattr(config, "RECOMPILE_WARNING", 0)
    x = matrix(1, 1)
    for length in range(1, 40):
        y = x
        for _ in range(length):
            y = y + 1
        y.tolist()
    nodes, programs = size_of_trie()
    assert programs <= 11
    assert compiler.stats().programs_dropped >= 25
    used = {id(node) for node in growth._nodes() if node.programs}
    leaves = [node for node in growth._nodes() if not node.children and node.depth]
    assert leaves
    assert all(id(node) in used for node in leaves)
    assert nodes < 200


def test_a_trace_under_way_survives_a_pruning(monkeypatch):
    x = matrix(2, 2)
    y = (x * 2 + 1) * 3
    growth.prune(0, 0)
    z = y - x
    expected = (np.array(x.tolist()) * 2 + 1) * 3 - np.array(x.tolist())
    np.testing.assert_allclose(z.tolist(), expected, rtol=1e-6)


def test_a_gradient_survives_a_pruning():
    x = matrix(2, 2).requires_grad_()
    y = (x * x).sum()
    y.item()
    growth.prune(0, 0)
    y.backward()
    np.testing.assert_allclose(x.grad.tolist(), 2 * np.array(x.tolist()), rtol=1e-6)


@pytest.mark.execution("compile")
def test_many_steps_remember_no_more_than_few():
    wine(100, read=True)
    before = size_of_trie()
    gc.collect()
    objects = len(gc.get_objects())
    wine(2000, read=True)
    gc.collect()
    assert size_of_trie() == before
    assert len(gc.get_objects()) - objects < 200


# Late errors


def test_errors_are_raised_at_the_call():
    x, y = matrix(2, 3), matrix(4, 5)
    with pytest.raises(RuntimeError, match="must match"):
        x + y
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        x @ y
    with pytest.raises(IndexError):
        x.sum(5)
    assert compiled() == 0
    assert (x + 1).shape == (2, 3), "a failed call leaves the trace as it was"
    (x + 1).tolist()


def test_an_error_of_a_running_program_names_the_line_that_recorded_it():
    from jtorch._engine.execution import failures, programs

    x = matrix(2, 3)
    y = x * 2.0  # the line
    node = torch._engine.recording.trace.local.trace.node
    program = programs.build(node, (node.slot,))
    error = failures.explained(RuntimeError("RESOURCE_EXHAUSTED: out of memory\nmore"), program)
    assert "that of mul, recorded at" in str(error) and "test_hazards.py:" in str(error)
    assert y.shape == (2, 3)


@pytest.mark.parametrize(
    "device, kind, words",
    [
        ("cpu", RuntimeError, "can't allocate memory: you tried to allocate 3221225472 bytes."),
        ("cuda", torch.OutOfMemoryError, "CUDA out of memory. Tried to allocate 3.00 GiB."),
    ],
)
def test_no_memory_is_said_in_pytorchs_words(device, kind, words):
    from jtorch._engine.execution import failures, programs

    matrix(2, 3) * 2.0
    node = torch._engine.recording.trace.local.trace.node
    program = programs.build(node, (node.slot,))
    said = RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 3221225472 bytes.")
    error = failures.explained(said, program, torch.device(device))
    assert type(error) is kind
    assert words in str(error) and "that of mul, recorded at" in str(error)


# Printing


def test_printing_compiles_no_slice():
    x = torch.tensor(np.arange(5000, dtype="float32").reshape(50, 100))
    text = str(x)
    str(x[3])
    assert "..." in text
    assert compiled() <= 1


@pytest.mark.execution("compile")
def test_printing_the_same_thing_again_compiles_nothing():
    x = matrix(3, 3)
    for _ in range(3):
        str(x * 2)
    assert compiled() == 1


# Threads


def in_threads(count: int, work) -> None:
    """Run ``work(number)`` in several threads, switched between as often as can be."""
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []


def test_each_thread_has_its_own_trace():
    weights = matrix(2, 2)
    plain = np.array(weights.tolist(), "float32")

    def work(number):
        for step in range(100):
            x = weights * float(number) + float(step)
            np.testing.assert_allclose(x.tolist(), plain * number + step, rtol=1e-5, atol=1e-6)

    in_threads(6, work)
    assert compiled() <= 2, "threads share programs"


def test_a_pending_value_crosses_threads():
    found = []

    def work(number):
        x = matrix(2, 2)
        y = x * 3
        found.append((x, y, y + 1))

    in_threads(1, work)
    x, y, z = found[0]
    plain = np.array(x.tolist(), "float32")
    np.testing.assert_array_equal((z - y).tolist(), (plain * 3 + 1) - plain * 3)


def test_values_of_living_threads_are_read_while_they_record():
    shared = [matrix(2, 2)]
    plain = np.array(shared[0].tolist())

    def work(number):
        mine = shared[0] * 0 + torch.tensor(plain.astype("float32"))
        for _ in range(150):
            mine = mine * 1.0 + 0.0
            shared[0] = mine
            other = shared[0]
            np.testing.assert_allclose((other * 1.0).tolist(), plain, rtol=1e-6)

    in_threads(4, work)


def test_threads_train_models_of_their_own():
    def train(number):
        X, w = matrix(8, 3), matrix(3, 1, number).requires_grad_()
        for _ in range(30):
            loss = ((X @ w) ** 2).mean()
            loss.backward()
            with torch.no_grad():
                w.sub_(0.05 * w.grad)
            w.grad = None
        return w.tolist()

    alone = [train(number) for number in range(4)]
    together = {}
    in_threads(4, lambda number: together.update({number: train(number)}))
    assert together == dict(enumerate(alone))
    assert np.abs(alone).sum() < sum(
        np.abs(matrix(3, 1, number).numpy()).sum() for number in range(4)
    )


# Tiers


@pytest.mark.execution("compile")
def test_a_hot_program_is_optimised_and_gives_the_same_bits(monkeypatch):
    monkeypatch.setattr(program_index, "_directory", None)  # an earlier run left it there optimised
    x = matrix(7, 5)
    shown = [(x * 2.5 + x - x.amax(0)).tolist() for _ in range(10)]
    assert compiler.wait_until_optimised()
    shown += [(x * 2.5 + x - x.amax(0)).tolist() for _ in range(3)]
    assert compiler.stats().programs_optimised == 1
    assert all(each == shown[0] for each in shown)


@pytest.mark.parametrize("form", ["sum of products", "product with a vector"])
def test_what_tiers_would_round_differently_has_one(form):
    x, v = matrix(7, 5), matrix(5, 1)
    for _ in range(10):
        shown = x * 2.5 + x * x if form == "sum of products" else x @ v
        shown.tolist()
    assert compiler.wait_until_optimised()
    assert compiler.stats().programs_optimised == 0


def test_a_program_that_runs_once_is_not_optimised():
    (matrix(7, 5) * 2).tolist()
    assert compiler.wait_until_optimised()
    assert compiler.stats().programs_optimised == 0


# One-off scripts, settings, the cache on disk


@pytest.mark.execution("compile")
def test_one_off_prints_compile_one_program_each():
    x = matrix(3, 3)
    for count in range(1, 8):
        y = x
        for _ in range(count):
            y = y + x
        str(y)
    assert compiled() == 7


REPORT = """
import json, sys, warnings
warnings.simplefilter("error")
import jtorch as torch, jax
from jtorch import compiler
from jtorch._engine.execution import settings
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
for _ in range(6): shown = (x * 2 + 1).tolist()
print(json.dumps(dict(shown=shown, applied=settings.applied, reasons=compiler.stats().flush_reasons,
    folder=jax.config.jax_compilation_cache_dir,
    asynchronous=jax.config.values['jax_cpu_enable_async_dispatch'])))
"""


def report(**variables: str) -> dict:
    finished = run_script(REPORT, **variables)
    assert finished.returncode == 0 and finished.stderr == "", finished.stderr
    found = json.loads(finished.stdout)
    assert found["shown"] == [[3.0, 5.0], [7.0, 9.0]]
    return found


def test_settings_can_be_switched_off():
    found = report(JTORCH_MALLOC="0", JTORCH_XLA_OPTIONS="0", JTORCH_TIERS="0")
    assert found["applied"] == {"malloc": False, "synchronous": False, "disk_cache": False}
    assert found["asynchronous"] is True and found["folder"] is None


def test_every_operator_runs_at_once_with_the_switch():
    assert report(JTORCH_EAGER="1")["reasons"].get("JTORCH_EAGER", 0) >= 12


@pytest.mark.execution("compile")
def test_programs_are_kept_on_disk(tmp_path):
    found = report(JTORCH_CACHE="1", JTORCH_CACHE_DIR=str(tmp_path / "kept"))
    files = sorted(path.name for path in (tmp_path / "kept").glob("*/*-cache"))
    assert found["applied"]["disk_cache"] and files
    report(JTORCH_CACHE="1", JTORCH_CACHE_DIR=str(tmp_path / "kept"))
    # The optimised one is only there where the first process lived long enough.
    assert {path.name for path in (tmp_path / "kept").glob("*/*-cache")} >= set(files)


def test_the_users_own_cache_is_left_alone(tmp_path):
    own = str(tmp_path / "own")
    found = report(JTORCH_CACHE="1", JAX_COMPILATION_CACHE_DIR=own)
    assert found["folder"] == own and not found["applied"]["disk_cache"]


@pytest.mark.execution("compile")
def test_a_cache_that_cannot_be_written_is_not_used(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    found = report(JTORCH_CACHE="1", JTORCH_CACHE_DIR=str(tmp_path / "file"))
    assert not found["applied"]["disk_cache"]


@pytest.mark.execution("compile")
def test_damaged_programs_on_disk_are_compiled_again(tmp_path):
    report(JTORCH_CACHE="1", JTORCH_CACHE_DIR=str(tmp_path))
    kept = list(tmp_path.glob("*/*-cache"))
    assert kept
    for path in kept:
        path.write_bytes(b"damaged")
    report(JTORCH_CACHE="1", JTORCH_CACHE_DIR=str(tmp_path))
    assert any(path.read_bytes() != b"damaged" for path in tmp_path.glob("*/*-cache"))


def test_the_cache_forgets_what_was_used_longest_ago(tmp_path):
    (tmp_path / "kind").mkdir()
    for number in range(10):
        path = tmp_path / "kind" / f"{number}-cache"
        path.write_bytes(bytes(100))
        os.utime(path, (number, number))
    assert disk_cache.prune(tmp_path, 1000) == 1000
    assert disk_cache.prune(tmp_path, 600) == 400
    assert sorted(path.name[0] for path in tmp_path.glob("*/*")) == ["6", "7", "8", "9"]


def test_memory_is_given_back_and_synchronize_runs_what_is_pending():
    y = matrix(3, 3) * 2
    compiler.synchronize()
    assert compiler.stats().flush_reasons == {"synchronize": 1}
    assert compiler.release_memory() in (True, False)
    y.tolist()
    assert compiler.stats().flushes == 1


@pytest.mark.execution("compile")
def test_fork_after_a_hot_program_leaves_a_clean_child():
    code = """
import os, jtorch as torch
from jtorch import compiler
from jtorch._engine.execution.compilation import _optimiser
x = torch.tensor([1.0, 2.0])
for _ in range(8): (x * 3).tolist()
compiler.wait_until_optimised()
assert _optimiser.thread is not None
import warnings; warnings.simplefilter("ignore")
child = os.fork()
if child == 0:
    os._exit(0 if _optimiser.thread is None else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print((x * 3).tolist())
"""
    finished = run_script(code)
    assert finished.stdout == "[3.0, 6.0]\n", finished.stderr


# Randomness


def test_random_numbers_are_not_burnt_into_a_program():
    torch.manual_seed(0)
    drawn = [tuple(torch.rand(3).tolist()) for _ in range(5)]
    assert len(set(drawn)) == 5
    torch.manual_seed(0)
    assert [tuple(torch.rand(3).tolist()) for _ in range(5)] == drawn
    sums = {(torch.rand(4) * 2).sum().item() for _ in range(5)}
    assert len(sums) == 5


def test_warnings_of_the_user_are_untouched():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("mine", stacklevel=1)
        (matrix(2, 2) * 2).tolist()
    assert [str(each.message) for each in caught] == ["mine"]


def test_modes_do_not_multiply_nodes():
    x = matrix(2, 2)
    for _ in range(50):
        with torch.no_grad():
            x = x * 1.0
        x = x + 0.0
        x.tolist()
    first = size_of_trie()
    for _ in range(50):
        with torch.no_grad():
            x = x * 1.0
        x = x + 0.0
        x.tolist()
    assert size_of_trie() == first
    assert trie.root(torch._engine.recording.trace.local.trace.mode) is not None
