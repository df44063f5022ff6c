"""Walk downhill on a function of two variables by its gradient, and draw the walk.

With ``--keep-gradient`` the gradient is never reset, so that every step adds to the last one: the
walk gathers speed, runs past the lowest point and circles round it. That is the mistake which
``x.grad = None`` avoids.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch


def bowl(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return a round bowl whose lowest point is (0, 4)."""
    return x**2 + (y - 4) ** 2


def valley(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return Rosenbrock's curved valley, lowest at (1, 1) (The Computer Journal 3, 1960)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def four_wells(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return Himmelblau's function, which has four equally low points (1972)."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


@dataclass(frozen=True)
class Surface:
    """A function with what suits it.

    Args:
        function: takes two tensors of one shape and returns one of that shape.
        rate: a learning rate at which the descent settles.
        view: left, right, bottom and top of the picture.
        minima: the lowest points, for the picture.
    """

    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    rate: float
    view: tuple[float, float, float, float]
    minima: tuple[tuple[float, float], ...]


SURFACES = {
    "bowl": Surface(bowl, 0.1, (-4.0, 4.0, -1.0, 7.0), ((0.0, 4.0),)),
    "valley": Surface(valley, 0.001, (-2.0, 2.0, -1.0, 3.0), ((1.0, 1.0),)),
    "four-wells": Surface(
        four_wells,
        0.01,
        (-5.0, 5.0, -5.0, 5.0),
        ((3.0, 2.0), (-2.805, 3.131), (-3.779, -3.283), (3.584, -1.848)),
    ),
}


def descend(
    surface: Surface, start: torch.Tensor, rate: float, steps: int, keep_gradient: bool, every: int
) -> list[tuple[float, float]]:
    """Move the point downhill in place, printing the function's value on the way.

    Args:
        surface: what is minimised.
        start: tensor of two numbers that requires grad; it ends at the last point.
        rate: how far one step goes along the gradient.
        steps: how many steps.
        keep_gradient: leave the gradient of earlier steps in place (a mistake, on purpose).
        every: number of steps from one printed value to the next.
    Returns:
        Every point of the walk, the first and the last included.
    """
    path = [tuple(start.tolist())]
    for step in range(1, steps + 1):
        value = surface.function(start[0], start[1])
        value.backward()
        with torch.no_grad():
            start -= rate * start.grad
        if not keep_gradient:
            start.grad = None
        path.append(tuple(start.tolist()))
        if step % every == 0 or step == 1:
            print(f"Step {step:3d}   f(x) = {value:.3f}")
    return path


def draw(surface: Surface, path: list[tuple[float, float]], title: str, picture: Path) -> None:
    """Draw the level lines of the surface and the walk over them into an image file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    across, up = zip(*path)
    left, right, bottom, top = surface.view
    left, right = min(left, *across), max(right, *across)
    bottom, top = min(bottom, *up), max(top, *up)
    side, upright = 0.05 * (right - left), 0.05 * (top - bottom)
    x = torch.linspace(left - side, right + side, 300)
    y = torch.linspace(bottom - upright, top + upright, 300)
    heights = surface.function(x[None, :], y[:, None])
    # Level lines at equal steps of the logarithm show the flat floor as well as the steep walls.
    levels = torch.logspace(-1.5, heights.max().log10().item(), 22).tolist()

    figure, axes = pyplot.subplots(figsize=(7, 6), layout="constrained")
    scale = matplotlib.colors.LogNorm(levels[0], levels[-1])
    grid = (x.tolist(), y.tolist(), heights.tolist())
    axes.contourf(*grid, levels=levels, norm=scale, cmap="YlGnBu_r", extend="both")
    axes.contour(*grid, levels=levels, colors="white", linewidths=0.4, alpha=0.7)
    dot_size = 3.5 if len(path) <= 200 else 1
    line = {"color": "#d1345b", "marker": "o", "markersize": dot_size, "linewidth": 1.2}
    axes.plot(across, up, label="path", **line)
    star = {"marker": "*", "s": 260, "color": "gold", "edgecolor": "black", "zorder": 3}
    axes.scatter(*zip(*surface.minima), label="lowest point", **star)
    axes.scatter(*path[0], s=60, color="white", edgecolor="black", zorder=4, label="start")
    axes.scatter(*path[-1], s=30, color="black", edgecolor="white", zorder=4, label="end")
    axes.legend(loc="lower right", framealpha=0.9)
    axes.set_aspect("equal")
    axes.set_xlabel("x[0]")
    axes.set_ylabel("x[1]")
    axes.set_title(title, loc="left")
    figure.savefig(picture, dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--function", choices=list(SURFACES), default="bowl")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rate", type=float, help="default: one that suits the function")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=float, nargs=2, help="default: drawn from the seed")
    parser.add_argument("--keep-gradient", action="store_true", help="never reset the gradient")
    parser.add_argument("--every", type=int, default=5, help="steps between two printed values")
    parser.add_argument("--picture", type=Path, help="draw the walk into this file (matplotlib)")
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    surface = SURFACES[options.function]
    rate = options.rate or surface.rate
    if options.start is None:
        x = torch.randn(2, requires_grad=True)
    else:
        x = torch.tensor(options.start, requires_grad=True)
    print(f"Start: {x}")
    path = descend(surface, x, rate, options.steps, options.keep_gradient, options.every)
    print(f"End:   {x}")

    if options.picture is not None:
        kept = ", gradient never reset" if options.keep_gradient else ""
        title = f"Gradient descent on {options.function}: {options.steps} steps of {rate:g}{kept}"
        draw(surface, path, title, options.picture)
        print(f"Picture of the walk: {options.picture}")


if __name__ == "__main__":
    main()
