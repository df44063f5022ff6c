"""What is timed. Each function takes the library and returns ``run(steps)``.

The body is the same for PyTorch and jtorch, character by character: ``torch`` is whichever module
is passed. ``wrap`` is ``torch.compile`` for that contender and the identity for the others; it gets
the functions that a user of ``torch.compile`` would hand to it. The ``jax_`` twins are what someone
who writes for JAX would write: one jitted step, with optax.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

Run = Callable[[int], None]
Wrap = Callable[[Callable], Callable]

ROWS, FEATURES = 1000, 11
WINE_RATE = 0.01
LAYERS = (784, 256, 128, 10)
BATCH, BATCHES = 64, 8
RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
CHAIN = 100
SINK = open(os.devnull, "w")  # noqa: SIM115 - open as long as the process lives


def wine_printed(torch: ModuleType, wrap: Wrap) -> Run:
    """Linear regression by hand-written gradient descent; the loss is printed on every step."""
    return _wine(torch, wrap, printed=True)


def wine_unread(torch: ModuleType, wrap: Wrap) -> Run:
    """The same loop; nothing is looked at before the last step is done."""
    return _wine(torch, wrap, printed=False)


def _wine(torch: ModuleType, wrap: Wrap, printed: bool) -> Run:
    torch.manual_seed(0)
    X, y = torch.randn(ROWS, FEATURES), torch.randn(ROWS, 1)
    W, b = torch.randn(FEATURES, 1, requires_grad=True), torch.randn(1, requires_grad=True)

    def loss_of(W: Any, b: Any) -> Any:
        return ((X @ W + b - y) ** 2).mean()

    loss_of = wrap(loss_of)

    def run(steps: int) -> None:
        for _ in range(steps):
            loss = loss_of(W, b)
            loss.backward()
            with torch.no_grad():
                W.sub_(WINE_RATE * W.grad)
                b.sub_(WINE_RATE * b.grad)
            W.grad = None
            b.grad = None
            if printed:
                print(f"Loss: {loss:.5f}", file=SINK)
        W.sum().item()

    return run


def scalar(torch: ModuleType, wrap: Wrap) -> Run:
    """A polynomial of one number: forward, backward, and the gradient read."""

    def polynomial(x: Any) -> Any:
        return 5 * x**3 + 2 * x**2 + 4 * x + 8

    polynomial = wrap(polynomial)
    x = torch.tensor(2.0, requires_grad=True)

    def run(steps: int) -> None:
        for _ in range(steps):
            polynomial(x).backward()
            if x.grad.item() != 72.0:
                raise ArithmeticError(f"the gradient is {x.grad.item()}, not 72")
            x.grad = None

    return run


def chain(torch: ModuleType, wrap: Wrap) -> Run:
    """A hundred times multiply and add on 1000 x 11 numbers; the sum is read at the end."""
    torch.manual_seed(0)
    x = torch.randn(ROWS, FEATURES)

    def hundred(x: Any) -> Any:
        for _ in range(CHAIN):
            x = x * 0.999 + 0.001
        return x.sum()

    hundred = wrap(hundred)

    def run(steps: int) -> None:
        for _ in range(steps):
            hundred(x).item()

    return run


def mlp_in_place(torch: ModuleType, wrap: Wrap) -> Run:
    """A network of three layers with Adam written in place, as PyTorch's own optimiser does it."""

    def update(parameters: list, first: list, second: list, step: int) -> None:
        rate = RATE / (1 - BETA_1**step)
        scale = (1 - BETA_2**step) ** 0.5
        for p, m, v in zip(parameters, first, second):
            m.mul_(BETA_1).add_(p.grad, alpha=1 - BETA_1)
            v.mul_(BETA_2).addcmul_(p.grad, p.grad, value=1 - BETA_2)
            p.addcdiv_(m, (v.sqrt() / scale).add_(EPSILON), value=-rate)

    return _mlp(torch, wrap, update)


def mlp_functional(torch: ModuleType, wrap: Wrap) -> Run:
    """The same network with Adam written as formulas."""

    def update(parameters: list, first: list, second: list, step: int) -> None:
        unbias_1, unbias_2 = 1 - BETA_1**step, 1 - BETA_2**step
        for index, p in enumerate(parameters):
            first[index] = BETA_1 * first[index] + (1 - BETA_1) * p.grad
            second[index] = BETA_2 * second[index] + (1 - BETA_2) * p.grad**2
            m, v = first[index] / unbias_1, second[index] / unbias_2
            p -= RATE * m / (v.sqrt() + EPSILON)

    return _mlp(torch, wrap, update)


def _mlp(torch: ModuleType, wrap: Wrap, update: Callable[..., None]) -> Run:
    torch.manual_seed(0)
    parameters = []
    for inputs, outputs in zip(LAYERS[:-1], LAYERS[1:]):  # noqa: RUF007 - as in an old script
        parameters.append((torch.randn(inputs, outputs) / inputs**0.5).requires_grad_())
        parameters.append(torch.zeros(outputs, requires_grad=True))
    first = [torch.zeros_like(p) for p in parameters]
    second = [torch.zeros_like(p) for p in parameters]
    batches = [
        (torch.randn(BATCH, LAYERS[0]), torch.randint(0, LAYERS[-1], (BATCH,)))
        for _ in range(BATCHES)
    ]
    rows = torch.arange(BATCH)
    done = 0

    def loss_of(parameters: list, x: Any, target: Any) -> Any:
        W1, b1, W2, b2, W3, b3 = parameters
        hidden = torch.relu(torch.relu(x @ W1 + b1) @ W2 + b2)
        logits = hidden @ W3 + b3
        return (logits.logsumexp(1) - logits[rows, target]).mean()

    loss_of, update = wrap(loss_of), wrap(update)

    def run(steps: int) -> None:
        nonlocal done
        for _ in range(steps):
            x, target = batches[done % BATCHES]
            done += 1
            loss = loss_of(parameters, x, target)
            loss.backward()
            with torch.no_grad():
                update(parameters, first, second, done)
            for p in parameters:
                p.grad = None
            loss.item()

    return run


def _jax_wine(printed: bool) -> Run:
    import jax
    import jax.numpy as jnp
    import optax

    keys = jax.random.split(jax.random.key(0), 4)
    X, y = jax.random.normal(keys[0], (ROWS, FEATURES)), jax.random.normal(keys[1], (ROWS, 1))
    parameters = (jax.random.normal(keys[2], (FEATURES, 1)), jax.random.normal(keys[3], (1,)))
    descent = optax.sgd(WINE_RATE)
    state = descent.init(parameters)

    def loss_of(parameters: Any) -> Any:
        W, b = parameters
        return jnp.mean((X @ W + b - y) ** 2)

    @jax.jit
    def step(parameters: Any, state: Any) -> Any:
        loss, gradient = jax.value_and_grad(loss_of)(parameters)
        change, state = descent.update(gradient, state)
        return optax.apply_updates(parameters, change), state, loss

    def run(steps: int) -> None:
        nonlocal parameters, state
        for _ in range(steps):
            parameters, state, loss = step(parameters, state)
            if printed:
                print(f"Loss: {loss:.5f}", file=SINK)
        parameters[0].sum().item()

    return run


def jax_wine_printed() -> Run:
    """Linear regression as one jitted step; the loss is printed on every step."""
    return _jax_wine(printed=True)


def jax_wine_unread() -> Run:
    """The same; nothing is looked at before the last step is done."""
    return _jax_wine(printed=False)


def jax_scalar() -> Run:
    """The gradient of the polynomial as one jitted function."""
    import jax

    gradient = jax.jit(jax.grad(lambda x: 5 * x**3 + 2 * x**2 + 4 * x + 8))
    x = jax.numpy.float32(2.0)

    def run(steps: int) -> None:
        for _ in range(steps):
            if gradient(x).item() != 72.0:
                raise ArithmeticError("the gradient is not 72")

    return run


def jax_chain() -> Run:
    """The chain as one jitted function."""
    import jax

    @jax.jit
    def hundred(x: Any) -> Any:
        for _ in range(CHAIN):
            x = x * 0.999 + 0.001
        return x.sum()

    x = jax.random.normal(jax.random.key(0), (ROWS, FEATURES))

    def run(steps: int) -> None:
        for _ in range(steps):
            hundred(x).item()

    return run


def jax_mlp() -> Run:
    """The network with optax's Adam as one jitted step that gives its old state away."""
    import functools

    import jax
    import jax.numpy as jnp
    import optax

    keys = iter(jax.random.split(jax.random.key(0), 32))
    parameters = [
        (jax.random.normal(next(keys), (i, o)) / i**0.5, jnp.zeros(o))
        for i, o in zip(LAYERS[:-1], LAYERS[1:])  # noqa: RUF007
    ]
    batches = [
        (
            jax.random.normal(next(keys), (BATCH, LAYERS[0])),
            jax.random.randint(next(keys), (BATCH,), 0, LAYERS[-1]),
        )
        for _ in range(BATCHES)
    ]
    adam = optax.adam(RATE, BETA_1, BETA_2, EPSILON)
    state = adam.init(parameters)
    done = 0

    def loss_of(parameters: Any, x: Any, target: Any) -> Any:
        *hidden, (W, b) = parameters
        for hidden_W, hidden_b in hidden:
            x = jax.nn.relu(x @ hidden_W + hidden_b)
        return optax.softmax_cross_entropy_with_integer_labels(x @ W + b, target).mean()

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def step(parameters: Any, state: Any, x: Any, target: Any) -> Any:
        loss, gradient = jax.value_and_grad(loss_of)(parameters, x, target)
        change, state = adam.update(gradient, state)
        return optax.apply_updates(parameters, change), state, loss

    def run(steps: int) -> None:
        nonlocal parameters, state, done
        for _ in range(steps):
            x, target = batches[done % BATCHES]
            done += 1
            parameters, state, loss = step(parameters, state, x, target)
            loss.item()

    return run


TORCH_WORKLOADS: dict[str, Callable[[ModuleType, Wrap], Run]] = {
    "wine_printed": wine_printed,
    "wine_unread": wine_unread,
    "scalar": scalar,
    "chain": chain,
    "mlp_in_place": mlp_in_place,
    "mlp_functional": mlp_functional,
}
JAX_WORKLOADS: dict[str, Callable[[], Run]] = {
    "wine_printed": jax_wine_printed,
    "wine_unread": jax_wine_unread,
    "scalar": jax_scalar,
    "chain": jax_chain,
    "mlp_in_place": jax_mlp,
    "mlp_functional": jax_mlp,
}
