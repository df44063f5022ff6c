"""Solve the equation of a damped oscillator with a network, and find the friction from noisy data.

A network x(t) is trained to obey x'' + 2 d x' + w² x = 0 with its own first and second derivatives,
which autograd gives (M. Raissi, P. Perdikaris and G. Karniadakis, *Physics-informed neural
networks*, 2019). It starts at rest from x = 1. Half of the loss is a handful of noisy measurements;
the damping d is not known and is learnt along with the network.

    python examples/physics_oscillator.py            # PyTorch
    python -m jtorch examples/physics_oscillator.py  # jtorch
"""

import argparse
import math
from pathlib import Path

import matplotlib
import torch
from torch import nn
from tqdm import tqdm

matplotlib.use("Agg")
from matplotlib import pyplot

DAMPING, FREQUENCY, END = 0.4, 4.0, 3.0


class Trajectory(nn.Module):
    """A path x(t) that starts at 1 and at rest, and the damping of its equation.

    Args:
        hidden: width of the two hidden layers.
    """

    def __init__(self, hidden: int = 32):
        super().__init__()
        self.network = nn.Sequential(
            nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(),
            nn.Linear(hidden, 1),
        )  # fmt: skip
        self.damping = nn.Parameter(torch.tensor(0.0))

    def forward(self, t: torch.Tensor) -> torch.Tensor:
        """Return the place at each time; the factor t² keeps the start as it must be."""
        # Tanh bends once in some units: time goes in as angle, counted from the middle.
        return 1 + t**2 * self.network(FREQUENCY * (t - END / 2))

    def residual(self, t: torch.Tensor) -> torch.Tensor:
        """Return by how much the equation is missed at each time."""
        x = self(t)
        (velocity,) = torch.autograd.grad(x.sum(), t, create_graph=True)
        (acceleration,) = torch.autograd.grad(velocity.sum(), t, create_graph=True)
        return acceleration + 2 * self.damping * velocity + FREQUENCY**2 * x


def exact(t: torch.Tensor) -> torch.Tensor:
    """Return the solution that mathematics gives."""
    speed = math.sqrt(FREQUENCY**2 - DAMPING**2)
    turn = torch.cos(speed * t) + DAMPING / speed * torch.sin(speed * t)
    return torch.exp(-DAMPING * t) * turn


def draw(
    model: Trajectory, t_seen: torch.Tensor, x_seen: torch.Tensor, history: torch.Tensor, path: Path
) -> None:
    """Draw the path with the measurements, the residual, and the damping over the training."""
    t = torch.linspace(0, END, 300)[:, None].requires_grad_()
    residual = model.residual(t).detach()
    predicted, t = model(t).detach(), t.detach()
    figure = pyplot.figure(figsize=(11, 5.6), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(1.5, 1))

    axes = figure.add_subplot(grid[:, 0])
    axes.plot(t.numpy(), exact(t).numpy(), color="#c9d2da", linewidth=6, label="exact solution")
    axes.plot(t.numpy(), predicted.numpy(), color="#1f5f8b", linewidth=1.8, label="network")
    axes.plot(t_seen.numpy(), x_seen.numpy(), "o", color="#7b1e3a", label="noisy measurements")
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xlabel("time t in seconds")
    axes.set_ylabel("displacement x")
    axes.set_title("A damped oscillator, from a dozen measurements and its equation")
    axes.legend()

    axes = figure.add_subplot(grid[0, 1])
    axes.plot(history.numpy(), color="#7b1e3a", linewidth=2, label="learnt")
    axes.axhline(DAMPING, color="black", linestyle=":", label=f"true: {DAMPING}")
    axes.set_xlabel("step of training")
    axes.set_ylabel("damping d")
    axes.set_title("The damping that was not known")
    axes.legend(loc="lower right")

    axes = figure.add_subplot(grid[1, 1])
    axes.plot(t.numpy(), residual.numpy(), color="#1f5f8b")
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_xlabel("time t in seconds")
    axes.set_ylabel("x'' + 2 d x' + w² x")
    axes.set_title("By how much the equation is missed")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=700, help="steps of Adam")
    parser.add_argument("--polish", type=int, default=20, help="steps of L-BFGS after them")
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--noise", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, default=Path("physics_oscillator.png"), help="the picture"
    )
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    # Second derivatives of a curve want more digits than float32 has.
    torch.set_default_dtype(torch.float64)

    t_seen = torch.rand(12, 1) * END
    x_seen = exact(t_seen) + options.noise * torch.randn(12, 1)
    t = torch.linspace(0, END, 64)[:, None].requires_grad_()
    model = Trajectory()
    history = []

    def loss_of() -> torch.Tensor:
        equation = (model.residual(t) ** 2).mean() / FREQUENCY**4
        return equation + ((model(t_seen) - x_seen) ** 2).mean()

    optimizer = torch.optim.Adam(model.parameters(), lr=options.rate)
    bar = tqdm(range(1, options.epochs + 1), desc="Adam", unit="step", disable=None)
    for step in bar:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        history.append(model.damping.item())
        if step == 1 or step % 100 == 0:
            bar.write(f"Adam step {step:3d}   loss {loss.item():.4f}   damping {history[-1]:.3f}")

    polish = torch.optim.LBFGS(
        model.parameters(), max_iter=options.polish, history_size=6, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        polish.zero_grad()
        loss = loss_of()
        loss.backward()
        history.append(model.damping.item())
        return loss

    polish.step(closure)
    print(f"After L-BFGS    loss {loss_of().item():.4f}   damping {model.damping.item():.3f}")

    times = torch.linspace(0, END, 301)[:, None]
    with torch.no_grad():
        error = model(times) - exact(times)
    print("\nResult")
    rows = [
        ("damping, true", f"{DAMPING:.3f}"),
        ("damping, learnt", f"{model.damping.item():.3f}"),
        ("noise of a measurement", f"{options.noise:.3f}"),
        ("deviation of the path, mean", f"{error.abs().mean().item():.3f}"),
        ("deviation of the path, largest", f"{error.abs().max().item():.3f}"),
    ]
    for name, value in rows:
        print(f"  {name:<32}{value:>8}")

    draw(model, t_seen, x_seen, torch.tensor(history), options.output)
    print(f"Picture: {options.output}")


if __name__ == "__main__":
    main()
