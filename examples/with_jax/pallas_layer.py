"""A layer of torch.nn around a kernel of Pallas with a gradient of its own.

The kernel fuses a gated activation: ``silu(a) * b``, as language models use it. A second kernel is
its gradient, tied to the first by ``jax.custom_vjp``. ``as_operator`` makes an operator of both,
which ``backward()`` and ``torch.optim`` know no different from the built-in ones. Without an
accelerator the kernels run in Pallas's interpreter.

    python examples/with_jax/pallas_layer.py
"""

import argparse

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl

import jtorch as torch
from jtorch import interop, nn

INTERPRET = jax.default_backend() == "cpu"


def gate_kernel(a_ref, b_ref, out_ref):
    """Write ``silu(a) * b`` to a block."""
    a = a_ref[...]
    out_ref[...] = a * jax.nn.sigmoid(a) * b_ref[...]


def gradient_kernel(a_ref, b_ref, grad_ref, da_ref, db_ref):
    """Write the gradients for ``a`` and ``b`` to a block each."""
    a, grad = a_ref[...], grad_ref[...]
    sigmoid = jax.nn.sigmoid(a)
    da_ref[...] = grad * b_ref[...] * sigmoid * (1 + a * (1 - sigmoid))
    db_ref[...] = grad * a * sigmoid


def by_blocks(kernel, results, *arrays):
    """Run a kernel on up to 128 rows of the arrays at a time."""
    rows, columns = arrays[0].shape
    height = min(rows, 128)
    block = pl.BlockSpec((height, columns), lambda at: (at, 0))
    form = jax.ShapeDtypeStruct(arrays[0].shape, arrays[0].dtype)
    call = pl.pallas_call(
        kernel,
        out_shape=[form] * results,
        grid=(pl.cdiv(rows, height),),
        in_specs=[block] * len(arrays),
        out_specs=[block] * results,
        interpret=INTERPRET,
    )
    return call(*arrays)


@jax.custom_vjp
def gate(a, b):
    """Return ``silu(a) * b`` of two matrices."""
    return by_blocks(gate_kernel, 1, a, b)[0]


gate.defvjp(
    lambda a, b: (gate(a, b), (a, b)),
    lambda saved, grad: tuple(by_blocks(gradient_kernel, 2, *saved, grad)),
)


class GatedLayer(nn.Module):
    """Two linear layers whose results the kernel joins, and one behind them."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.gate, self.up = nn.Linear(width, hidden), nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, 1)
        self.join = interop.as_operator(gate)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return one number for each row of ``x``."""
        return self.down(self.join(self.gate(x), self.up(x))).squeeze(1)


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=150)
    options = parser.parse_args()

    torch.manual_seed(0)
    join = interop.as_operator(gate)
    a = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    b = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    print("Gradient agrees with differences:", torch.autograd.gradcheck(join, (a, b)))
    there = nn.functional.silu(a) * b
    print("Same as torch.nn.functional.silu:", torch.allclose(join(a, b), there))

    x = torch.randn(256, 2)
    target = x[:, 0] * x[:, 1]
    layer = GatedLayer(2, 16)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.02)
    for step in range(1, options.steps + 1):
        loss = (layer(x) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in (1, options.steps):
            print(f"Step {step:3d}   mean squared error {loss.item():.1f}")

    apply, params, buffers = interop.functional(layer)
    again = jax.jit(apply)(params, buffers, jnp.asarray(x))[0]
    print("Same inside jax.jit:", torch.allclose(torch.as_tensor(again), layer(x), atol=1e-5))


if __name__ == "__main__":
    main()
