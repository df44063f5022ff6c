"""Find the constants of a differential equation with a solver of JAX inside a loss of torch.

Foxes eat hares (A. Lotka, 1925; V. Volterra, 1926). The equations are solved by a Runge-Kutta
method of the fourth order in ``jax.lax.scan``, as a library such as diffrax would. ``as_operator``
makes it a function of tensors, so that ``torch.optim`` fits the four rates to noisy counts. The
second derivatives of the same loss then say how sure each rate is.

    python examples/with_jax/equation_in_a_loss.py
"""

import argparse
import functools

import jax
import jax.numpy as jnp

import jtorch as torch
from jtorch import interop

TRUE = (1.0, 0.4, 0.8, 0.2)
NAMES = ("births of hares", "hares caught", "deaths of foxes", "births of foxes")


def change(state, rates):
    """Return how fast the numbers of hares and foxes change."""
    hares, foxes = state
    births, caught, deaths, fed = rates
    return jnp.stack([hares * (births - caught * foxes), foxes * (fed * hares - deaths)])


@functools.partial(jax.jit, static_argnums=(2, 3))
def solve(start, rates, points, inner):
    """Return the numbers at equal distances of time, (points, 2).

    Args:
        start: the numbers at first, (2,).
        rates: the four constants.
        points: how many moments.
        inner: steps of the method between two of them.
    """
    width = 0.5 / inner

    def step(state, _):
        first = change(state, rates)
        second = change(state + width / 2 * first, rates)
        third = change(state + width / 2 * second, rates)
        fourth = change(state + width * third, rates)
        return state + width / 6 * (first + 2 * second + 2 * third + fourth), None

    def moment(state, _):
        state, _ = jax.lax.scan(step, state, None, inner)
        return state, state

    return jax.lax.scan(moment, start, None, points)[1]


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--points", type=int, default=40)
    options = parser.parse_args()

    torch.manual_seed(0)
    numbers_of = interop.as_operator(solve)
    start = torch.tensor([3.0, 1.0], dtype=torch.float64)
    true = torch.tensor(TRUE, dtype=torch.float64)
    noise = 0.02 * torch.randn(options.points, 2, dtype=torch.float64)
    seen = numbers_of(start, true, options.points, 10) * (1 + noise)

    def loss(logs: torch.Tensor) -> torch.Tensor:
        found = numbers_of(start, logs.exp(), options.points, 10)
        return (found.log() - seen.log()).square().mean()

    logs = torch.tensor([0.7, 0.5, 0.6, 0.3], dtype=torch.float64).log().requires_grad_()
    optimizer = torch.optim.Adam([logs], lr=0.03)
    for step in range(1, options.steps + 1):
        value = loss(logs)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if step in (1, options.steps):
            print(f"Step {step:3d}   loss {value.item():.1g}")

    curvature = torch.func.hessian(loss)(logs.detach())
    count = 2 * options.points
    spread = (2 * loss(logs.detach()) * curvature.inverse().diagonal() / count).sqrt()
    print("\nrate               true   found")
    for name, rate, log, width in zip(NAMES, TRUE, logs.tolist(), spread.tolist(), strict=True):
        found = torch.tensor(log).exp().item()
        print(f"{name:<18}{rate:5.1f}{found:8.2f} +- {found * width:.2f}")


if __name__ == "__main__":
    main()
