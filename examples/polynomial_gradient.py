"""Let autograd find the slope of 5x³ + 2x² + 4x + 8, and draw the tangent there."""

import argparse
from pathlib import Path

import torch


def polynomial(x: torch.Tensor) -> torch.Tensor:
    """Return 5x³ + 2x² + 4x + 8 for every element."""
    return 5 * x**3 + 2 * x**2 + 4 * x + 8


def draw(at: float, height: float, slope: float, picture: Path) -> None:
    """Draw the polynomial and its tangent at one point into an image file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    x = torch.linspace(at - 2, at + 2, 200)
    tangent = height + slope * (x - at)

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    label = "5x³ + 2x² + 4x + 8"
    axes.plot(x.tolist(), polynomial(x).tolist(), color="#1f5f8b", linewidth=2, label=label)
    label = f"tangent, slope {slope:g}"
    axes.plot(x.tolist(), tangent.tolist(), color="#d1345b", linestyle="--", label=label)
    axes.scatter([at], [height], color="#d1345b", zorder=3)
    axes.annotate(
        f"({at:g}, {height:g})", (at, height), textcoords="offset points", xytext=(10, -14)
    )
    axes.grid(color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("x")
    axes.set_ylabel("y")
    axes.set_title("A polynomial and its tangent", loc="left")
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(picture, dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at", type=float, default=2.0, help="the x where the slope is taken")
    parser.add_argument("--picture", type=Path, help="draw both into this file (matplotlib)")
    options = parser.parse_args()

    x = torch.tensor(options.at, requires_grad=True)
    print(x)
    y = polynomial(x)
    print(y)
    print(f"Function output: {y}")
    y.backward()
    print(f"Gradient of x: {x.grad}")

    if options.picture is not None:
        draw(options.at, y.item(), x.grad.item(), options.picture)
        print(f"Picture of the tangent: {options.picture}")


if __name__ == "__main__":
    main()
