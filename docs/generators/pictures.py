"""The pictures of the site, drawn from runs of jtorch: each twice, for light and for dark pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

import jtorch as torch
from jtorch._engine.execution import observing, tiers

#: Steps after which a loop is given up that was never compiled.
_MOST_STEPS = 1000
#: Steps that are drawn after the first compiled one.
_AFTERWARDS = 40


class Theme(NamedTuple):
    """The colours of one kind of page.

    Attributes:
        name: ``light`` or ``dark``.
        ink: for text and axes.
        faint: for lines that help to read.
        first: for what is interpreted, or alive.
        second: for what is compiled.
        fill: for what is dead within a program.
    """

    name: str
    ink: str
    faint: str
    first: str
    second: str
    fill: str


# Colours that differ in lightness too, so that they are told apart without colours.
THEMES = (
    Theme("light", "#1f2328", "#d0d7de", "#0b62c4", "#b45309", "#eef1f4"),
    Theme("dark", "#e6edf3", "#444c56", "#6cb6ff", "#f0a35e", "#2b3138"),
)


class Step(NamedTuple):
    """One step of a training loop.

    Attributes:
        interpreted: whether the interpreter ran it.
        paid: what interpreting has cost so far, as a share of what compiling is estimated to cost.
    """

    interpreted: bool
    paid: float


def _train(watch: Callable[[Any], bool]) -> None:
    """Train a small network; after each step show its program, and stop where asked to."""
    seen: list[Any] = []
    torch.manual_seed(0)
    rows, classes = torch.randn(64, 784), torch.randint(10, (64,))
    layers = torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10)
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters())
    observing.observe(lambda program, begin, end: seen.append(program))
    try:
        for _ in range(_MOST_STEPS):
            loss = torch.nn.functional.cross_entropy(model(rows), classes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if watch(seen[-1]):
                break
    finally:
        observing.observe(None)


def steps_by_tier() -> list[Step]:
    """Return which tier ran each step of a loop, until it had been compiled for some steps."""
    found: list[Step] = []
    interpreted = 0

    def watch(program: Any) -> bool:
        nonlocal interpreted
        by_numpy = program.interpreted > interpreted
        interpreted = program.interpreted
        found.append(Step(by_numpy, program.spent / tiers.price_of_compiling(program.calls)))
        compiled = sum(not step.interpreted for step in found)
        return compiled > _AFTERWARDS

    _train(watch)
    return found


class Recorded(NamedTuple):
    """One operator of a training step.

    Attributes:
        name: of the operator.
        kept: how many of its results outlive the step.
    """

    name: str
    kept: int


def operators_of_a_step() -> list[Recorded]:
    """Return the operators that one training step records, in their order."""
    found: list[list[Recorded]] = []

    def watch(program: Any) -> bool:
        alive = set(program.live)
        found.append(
            [
                Recorded(
                    str(getattr(each.op, "name", each.op)),
                    len(alive & set(range(each.slot, each.slot + len(each.metas)))),
                )
                for each in program.instructions
            ]
        )
        return len(found) == 2

    _train(watch)
    return found[-1]


def losses(program: str) -> list[tuple[int, float]]:
    """Return the steps and losses that a program prints, two numbers a line.

    Args:
        program: the text of a page's block.
    """
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as printed, torch.installed():
        exec(compile(program, "train.py", "exec"), {"__name__": "__main__"})
    lines = [line.split() for line in printed.getvalue().splitlines()]
    return [(int(step), float(loss)) for step, loss in lines]


def _axes(theme: Theme, width: float, height: float) -> Axes:
    figure = pyplot.figure(figsize=(width, height), facecolor="none")
    axes = figure.add_subplot(facecolor="none")
    axes.tick_params(colors=theme.ink, labelsize=11)
    for spine in axes.spines.values():
        spine.set_color(theme.faint)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=theme.faint, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.label.set_color(theme.ink)
    axes.yaxis.label.set_color(theme.ink)
    return axes


def draw_tiers(theme: Theme, steps: list[Step]) -> Axes:
    """Draw what interpreting a loop cost, and which tier ran each of its steps."""
    axes = _axes(theme, 5.6, 3.2)
    count = sum(step.interpreted for step in steps)
    axes.plot(
        range(1, count + 1),
        [100 * step.paid for step in steps[:count]],
        color=theme.first,
        linewidth=2.5,
    )
    axes.axhline(100, color=theme.ink, linewidth=1, linestyle="--")
    axes.text(1, 103, "what compiling is estimated to cost", color=theme.ink, fontsize=11)
    axes.axvspan(count + 0.5, len(steps), color=theme.second, alpha=0.25, linewidth=0)
    middle = (count + 0.5 + len(steps)) / 2
    axes.text(middle, 50, "compiled", color=theme.second, fontsize=12, ha="center", weight="bold")
    words = f"interpreted: {count} steps"
    axes.text(count - 2, 14, words, color=theme.first, fontsize=12, ha="right", weight="bold")
    half = next(number for number, step in enumerate(steps, 1) if step.paid >= 0.5)
    axes.plot([half], [100 * steps[half - 1].paid], "o", color=theme.first)
    axes.annotate(
        f"step {half}: another thread\nbegins to compile",
        (half, 100 * steps[half - 1].paid),
        xytext=(6, 72),
        ha="left",
        fontsize=11,
        color=theme.ink,
        arrowprops={"arrowstyle": "-", "color": theme.ink},
    )
    axes.set_xlim(0, len(steps))
    axes.set_ylim(0, 115)
    axes.set_xlabel("step of the loop", fontsize=11)
    axes.set_ylabel("cost of interpreting, %", fontsize=11)
    return axes


def draw_trace(theme: Theme, operators: list[Recorded]) -> Axes:
    """Draw the operators that a step records, and the program that they become."""
    axes = _axes(theme, 5.8, 3.5)
    axes.axis("off")
    left, right, top, bottom = 0.0, 4.6, 8.6, 0.8
    axes.text(left, 9.3, "recorded, call by call", color=theme.ink, fontsize=12)
    axes.text(right, 9.3, "one program", color=theme.ink, fontsize=12)
    axes.add_patch(
        FancyBboxPatch(
            (right, bottom),
            5.0,
            top - bottom,
            boxstyle="round,pad=0.15",
            facecolor=theme.fill,
            edgecolor=theme.second,
        )
    )
    height = (top - bottom) / len(operators)
    words = {"fontsize": 11, "family": "monospace", "va": "center"}
    for number, (name, kept) in enumerate(operators):
        y = top - (number + 0.5) * height
        ink = theme.first if kept else theme.ink
        for x in (left, right + 0.1):
            axes.text(x, y, name, color=ink, weight="bold" if kept else "normal", **words)
        axes.plot([left + 2.0, right - 0.4], [y, y], color=theme.faint, linewidth=1)
        if kept:
            results = "1 result" if kept == 1 else f"{kept} results"
            axes.text(right + 2.3, y, f"keeps {results}", color=ink, fontsize=11, va="center")
    axes.text(right, 0.0, "the other results are not kept", color=theme.ink, fontsize=11)
    axes.set_xlim(0, 9.8)
    axes.set_ylim(-0.2, 9.8)
    return axes


def draw_losses(theme: Theme, points: list[tuple[int, float]]) -> Axes:
    """Draw the losses of an example."""
    axes = _axes(theme, 5.6, 2.6)
    axes.plot(*zip(*points), color=theme.first, linewidth=2.5, marker="o")
    axes.set_yscale("log")
    axes.set_xlabel("step", fontsize=11)
    axes.set_ylabel("mean squared error", fontsize=11)
    return axes


def save(folder: Path, name: str, draw: Callable[[Theme], Axes]) -> None:
    """Write a picture for each theme, ``name-light.svg`` and ``name-dark.svg``."""
    for theme in THEMES:
        axes = draw(theme)
        path = folder / f"{name}-{theme.name}.svg"
        axes.figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None})
        pyplot.close(axes.figure)


def generate(folder: Path, example: str) -> None:
    """Draw every picture.

    Args:
        folder: to write them to.
        example: the program whose losses are drawn.
    """
    matplotlib.rcParams["svg.hashsalt"] = "jtorch"  # equal pictures are equal files
    steps, operators, points = steps_by_tier(), operators_of_a_step(), losses(example)
    save(folder, "tiers", lambda theme: draw_tiers(theme, steps))
    save(folder, "trace", lambda theme: draw_trace(theme, operators))
    save(folder, "losses", lambda theme: draw_losses(theme, points))
