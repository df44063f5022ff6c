"""Timers, measurements and their tables, as PyTorch 2.13 prints them."""

from __future__ import annotations

import re

import pytest

import jtorch as torch
from jtorch.utils.benchmark import (
    Compare,
    Measurement,
    TaskSpec,
    Timer,
    select_unit,
    set_torch_threads,
    trim_sigfig,
    unit_to_english,
)


def measured(times: list[float], **task) -> Measurement:
    """Return a measurement of ``x.sum()``."""
    return Measurement(1, times, TaskSpec(**{"stmt": "x.sum()", "setup": "", **task}))


def shown(measurement: Measurement) -> str:
    """Return how a measurement is printed, without its address."""
    return repr(measurement).partition("\n")[2]


def test_a_measurement_says_what_was_measured() -> None:
    few = measured([1.23e-3, 1.25e-3, 1.24e-3, 1.3e-3, 1.2e-3])
    assert shown(few) == (
        "x.sum()\n  Median: 1.24 ms\n  IQR:    0.02 ms (1.23 to 1.25)\n"
        "  5 measurements, 1 runs per measurement, 1 thread"
    )
    one = measured([1e-6], label="LL", sub_label="q", env="ee", stmt="a\nb", setup="s1\ns2")
    assert shown(one) == (
        "LL: q\nsetup:\n  s1\n  s2\n\n  1.00 us\n  1 measurement, 1 runs , 1 thread"
    )
    spread = measured([1.0, 2.0, 3.0, 4.0], setup="one", description="de", num_threads=4)
    assert shown(spread) == (
        "x.sum()\nde\nsetup: one\n  Median: 2.50 s\n  IQR:    1.50 s (1.75 to 3.25)\n"
        "  4 measurements, 1 runs per measurement, 4 threads\n"
        "  WARNING: Interquartile range is 60.0% of the median measurement.\n"
        "           This suggests significant environmental influence."
    )


def test_a_measurement_has_figures() -> None:
    few = Measurement(100, [1.23e-3, 1.25e-3, 1.24e-3, 1.3e-3, 1.2e-3], TaskSpec("x", ""))
    assert few.median == 1.24e-05 and few.mean == pytest.approx(1.244e-05, rel=1e-12)
    assert few.iqr == pytest.approx(2e-07, rel=1e-9) and few.significant_figures == 2
    assert not few.has_warnings and few.meets_confidence() and few.as_row_name == "x"
    assert few.num_threads == 1 and few.stmt == "x"
    with pytest.raises(AttributeError, match="'Measurement' object has no attribute 'bla'"):
        _ = few.bla
    merged = Measurement.merge([measured([1e-6]), measured([2e-6]), measured([3e-6], stmt="z")])
    assert [each.times for each in merged] == [[1e-6, 2e-6], [3e-6]]


def test_units() -> None:
    assert [select_unit(t) for t in (3.0, 1e-5, 5e-7, 2e-9)] == [
        ("s", 1), ("us", 1e-6), ("ns", 1e-9), ("ns", 1e-9),
    ]  # fmt: skip
    assert unit_to_english("us") == "microsecond" and trim_sigfig(12345.6, 2) == 12000.0


def results() -> list[Measurement]:
    """Return measurements of two threads counts, three rows and four columns."""
    made = []
    rows, columns = ("first", "second row longer", "3"), ("cold", "a very long name", "x")
    for row in rows:
        for column in columns:
            for threads in (1, 4):
                time = 37.5e-6 * (len(made) + 1)
                made.append(measured([time] * 3, label="Title", sub_label=row,
                                     description=column, num_threads=threads))  # fmt: skip
    made.pop(4)
    noisy = [1e-6, 2e-6, 3e-6, 9e-6]
    return [*made, measured(noisy, label="Title", sub_label="first", description="noisy")]


PLAIN = """\
[-------------------------------- Title ---------------------------------]
                         |   cold  |  a very long name  |    x    |  noisy
1 threads: ---------------------------------------------------------------
      first              |   37.5  |       112.5        |         |   2.5 
      second row longer  |  262.5  |       337.5        |  412.5  |       
      3                  |  487.5  |       562.5        |  637.5  |       
4 threads: ---------------------------------------------------------------
      first              |   75.0  |       150.0        |  225.0  |       
      second row longer  |  300.0  |       375.0        |  450.0  |       
      3                  |  525.0  |       600.0        |  675.0  |       

Times are in microseconds (us).
"""  # noqa: W291
TRIMMED = """\
[------------------------------- Title --------------------------------]
                         |   cold  |  a very long name  |   x   |  noisy
1 threads: -------------------------------------------------------------
      first              |   37.5  |        112         |       |    2  
      second row longer  |  262.5  |        338         |  412  |       
      3                  |  487.5  |        562         |  638  |       
4 threads: -------------------------------------------------------------
      first              |   75.0  |        150         |  225  |       
      second row longer  |  300.0  |        375         |  450  |       
      3                  |  525.0  |        600         |  675  |       

Times are in microseconds (us).
"""  # noqa: W291


def test_a_table() -> None:
    table = Compare(results())
    assert str(table) == PLAIN
    table.trim_significant_figures()
    assert str(table) == TRIMMED


def test_colors_and_warnings() -> None:
    times = [100, 104, 110, 115, 199, 200, 499, 500]
    table = Compare([measured([t * 1e-6] * 3, sub_label=str(t), description="d") for t in times])
    table.colorize()
    cells = [line.partition("|  ")[2] for line in str(table).splitlines()[3:11]]
    starts = [cell.partition(str(t))[0] for cell, t in zip(cells, times)]
    best, good = "\x1b[92m\x1b[1m", "\x1b[34m\x1b[1m"
    bad, worst = "\x1b[2m\x1b[91m", "\x1b[31m\x1b[1m"
    assert starts == [best, good, good, "", "", bad, bad, worst]
    spread = Compare([measured([1e-6, 2e-6, 3e-6, 9e-6]), measured([3e-6, 3.1e-6], stmt="y")])
    spread.highlight_warnings()
    lines = str(spread).splitlines()
    assert lines[3:5] == ["      x.sum()  |  2.5 (! 110%)", "      y        |  3.1         "]
    assert lines[-1] == (
        "(! XX%) Measurement has high variance, where XX is the IQR / median * 100."
    )
    with pytest.raises(ValueError, match="Expected an instance of `Measurement`, got <class 'int'"):
        Compare([1])


def test_a_timer_runs_what_is_recorded() -> None:
    runs = []
    x = torch.ones(4, requires_grad=True)

    def seen(gradient):
        runs.append(1)

    x.register_hook(seen)
    timer = Timer("(x * 2).sum().backward()", globals={"x": x})
    found = timer.timeit(10)
    assert found.number_per_run == 10 and found.median > 0
    assert len(runs) == 12  # two that do not count


def test_each_run_is_done_before_the_next() -> None:
    before = torch.compiler.stats().flushes
    Timer("x + 1", globals={"x": torch.ones(3)}).timeit(20)
    assert torch.compiler.stats().flushes - before >= 20


def test_a_timer_repeats_until_it_is_enough() -> None:
    timer = Timer("x + 1", setup="x = 2", label="L")
    blocks = timer.blocked_autorange(min_run_time=0.01)
    assert sum(blocks.raw_times) >= 0.01 and blocks.title == "L"
    seen = []
    adaptive = timer.adaptive_autorange(
        min_run_time=0.001, max_run_time=0.05, callback=lambda n, t: seen.append(n)
    )
    assert len(seen) == len(adaptive.raw_times) and set(seen) == {adaptive.number_per_run}


def test_a_timer_sees_setup_and_statements_of_several_lines() -> None:
    timer = Timer("y = x + 1\nassert y == 3", setup="  x = 2\n")
    assert timer.timeit(2).stmt == "y = x + 1\nassert y == 3"
    with pytest.raises(NameError, match="name 'nothing' is not defined"):
        Timer("nothing").timeit(1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stmt": 3}, "Currently only a `str` stmt is supported."),
        ({"language": "rust"}, "Invalid language `rust`."),
        (
            {"global_setup": "3"},
            "global_setup is C++ only, got `3`. Most likely this code can simply be moved to "
            "`setup`.",
        ),
    ],
)
def test_a_timer_refuses(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Timer(**options)


def test_threads_are_set_and_given_back() -> None:
    before = torch.get_num_threads()
    with set_torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
