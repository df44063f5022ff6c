"""Smaller steps that are timed beside the training steps: writes through views, steps that look at
what they computed, lengths that change, second derivatives, inference.

As in ``_training_workloads.py``, PyTorch and jtorch run the same lines; the programs of
``JAX_STEPS`` do the same by hand in JAX.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

Run = Callable[[int], None]
Wrap = Callable[[Any], Any]

SIZE = 64
LENGTHS = (5, 9, 14, 20, 27)
POINTS = 256
EPISODE = 10


def writes(torch: ModuleType, wrap: Wrap) -> Run:
    """48 in-place writes a step through rows, columns and diagonals of a 64 x 64 matrix."""
    torch.manual_seed(0)
    matrix = torch.randn(SIZE, SIZE)

    def run(steps: int) -> None:
        for _ in range(steps):
            for at in range(16):
                matrix[at].mul_(0.5)
                matrix[:, at].add_(1.0)
                matrix.diagonal(at).sub_(matrix[at, at])
            matrix.sum().item()

    return run


def policy(torch: ModuleType, wrap: Wrap) -> Run:
    """Policy gradient: ten forwards of a 4-64-2 net, an action read of each, then a backward."""
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
    model = wrap(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    observations = [torch.randn(4) for _ in range(EPISODE)]

    def run(steps: int) -> None:
        for _ in range(steps):
            chosen = []
            for observation in observations:
                scores = torch.log_softmax(model(observation), -1)
                action = int(scores.argmax())
                chosen.append(scores[action])
            loss = -torch.stack(chosen).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def gru_cell(torch: ModuleType, wrap: Wrap) -> Run:
    """A GRUCell unrolled over one of five lengths a step, SGD, the loss read."""
    nn = torch.nn
    torch.manual_seed(0)
    cell, head = nn.GRUCell(16, 32), nn.Linear(32, 4)
    unrolled = wrap(cell)
    parameters = [*cell.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.01)
    sequences = [torch.randn(length, 8, 16) for length in LENGTHS]
    target = torch.randint(0, 4, (8,))
    done = 0

    def run(steps: int) -> None:
        nonlocal done
        for _ in range(steps):
            hidden = torch.zeros(8, 32)
            for x in sequences[done % len(LENGTHS)]:
                hidden = unrolled(x, hidden)
            done += 1
            loss = nn.functional.cross_entropy(head(hidden), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()

    return run


def physics(torch: ModuleType, wrap: Wrap) -> Run:
    """Second derivatives: a physics-informed net for u'' + u = 0 on 256 points, Adam."""
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    points = torch.linspace(0, 2 * math.pi, POINTS).reshape(-1, 1).requires_grad_()

    def run(steps: int) -> None:
        for _ in range(steps):
            u = net(points)
            (slope,) = torch.autograd.grad(u.sum(), points, create_graph=True)
            (curve,) = torch.autograd.grad(slope.sum(), points, create_graph=True)
            loss = ((curve + u) ** 2).mean() + (u[0] - 1) ** 2
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
            loss.item()

    return run


def inference(torch: ModuleType, wrap: Wrap) -> Run:
    """Inference: ten small layers without gradients, the result read."""
    nn = torch.nn
    torch.manual_seed(0)
    layers: list = []
    for _ in range(10):
        layers += [nn.Linear(32, 32), nn.ReLU()]
    model = wrap(nn.Sequential(*layers).eval())
    x = torch.randn(8, 32)

    def run(steps: int) -> None:
        with torch.no_grad():
            for _ in range(steps):
                model(x).sum().item()

    return run


STEPS: dict[str, Callable[[ModuleType, Wrap], Run]] = {
    function.__name__: function for function in (writes, policy, gru_cell, physics, inference)
}


# By hand in JAX


def _linear(keys: Any, inputs: int, outputs: int) -> Any:
    import jax
    import jax.numpy as jnp

    weight = jax.random.uniform(next(keys), (inputs, outputs), minval=-1.0) / math.sqrt(inputs)
    return weight, jnp.zeros(outputs)


def _keys() -> Any:
    import jax

    return iter(jax.random.split(jax.random.key(0), 256))


def _jax_writes() -> Run:
    import jax
    import jax.numpy as jnp

    matrix = jax.random.normal(jax.random.key(0), (SIZE, SIZE))

    def step(matrix: Any) -> Any:
        for at in range(16):
            matrix = matrix.at[at].multiply(0.5)
            matrix = matrix.at[:, at].add(1.0)
            rows = jnp.arange(SIZE - at)
            matrix = matrix.at[rows, rows + at].add(-matrix[at, at])
        return matrix, matrix.sum()

    jitted = jax.jit(step, donate_argnums=0)

    def run(steps: int) -> None:
        nonlocal matrix
        for _ in range(steps):
            matrix, total = jitted(matrix)
            float(total)

    return run


def _jax_policy() -> Run:
    import jax
    import jax.numpy as jnp
    import optax

    keys = _keys()
    parameters = [_linear(keys, 4, 64), _linear(keys, 64, 2)]
    optimizer = optax.adam(1e-3)
    state = optimizer.init(parameters)
    observations = [jax.random.normal(next(keys), (4,)) for _ in range(EPISODE)]

    def scores_of(parameters: Any, x: Any) -> Any:
        (first, b1), (last, b2) = parameters
        return jax.nn.log_softmax(jax.nn.relu(x @ first + b1) @ last + b2)

    @jax.jit
    def act(parameters: Any, x: Any) -> Any:
        return scores_of(parameters, x).argmax()

    def step(parameters: Any, state: Any, observations: Any, actions: Any) -> Any:
        def loss_of(parameters: Any) -> Any:
            scores = jax.vmap(scores_of, (None, 0))(parameters, jnp.stack(observations))
            return -scores[jnp.arange(EPISODE), actions].sum()

        updates, state = optimizer.update(jax.grad(loss_of)(parameters), state, parameters)
        return optax.apply_updates(parameters, updates), state

    learn = jax.jit(step, donate_argnums=(0, 1))

    def run(steps: int) -> None:
        nonlocal parameters, state
        for _ in range(steps):
            actions = [int(act(parameters, x)) for x in observations]
            parameters, state = learn(parameters, state, observations, jnp.array(actions))

    return run


def _jax_gru_cell() -> Run:
    import jax
    import jax.numpy as jnp
    import optax

    keys = _keys()
    parameters = [_linear(keys, 16, 96), _linear(keys, 32, 96), _linear(keys, 32, 4)]
    optimizer = optax.sgd(0.01)
    state = optimizer.init(parameters)
    sequences = [jax.random.normal(next(keys), (length, 8, 16)) for length in LENGTHS]
    target = jax.random.randint(next(keys), (8,), 0, 4)
    done = 0

    def step(parameters: Any, state: Any, sequence: Any) -> Any:
        def loss_of(parameters: Any) -> Any:
            (inputs, b1), (recurrent, b2), (head, b3) = parameters

            def cell(hidden: Any, x: Any) -> Any:
                r, z, n = jnp.split(x, 3, -1)
                hr, hz, hn = jnp.split(hidden @ recurrent + b2, 3, -1)
                reset, update = jax.nn.sigmoid(r + hr), jax.nn.sigmoid(z + hz)
                new = jnp.tanh(n + reset * hn)
                return new + update * (hidden - new), None

            hidden, _ = jax.lax.scan(cell, jnp.zeros((8, 32)), sequence @ inputs + b1)
            scores = jax.nn.log_softmax(hidden @ head + b3)
            return -scores[jnp.arange(8), target].mean()

        loss, gradient = jax.value_and_grad(loss_of)(parameters)
        updates, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state, loss

    jitted = jax.jit(step, donate_argnums=(0, 1))

    def run(steps: int) -> None:
        nonlocal parameters, state, done
        for _ in range(steps):
            parameters, state, loss = jitted(parameters, state, sequences[done % len(LENGTHS)])
            done += 1
            float(loss)

    return run


def _jax_physics() -> Run:
    import jax
    import jax.numpy as jnp
    import optax

    keys = _keys()
    parameters = [_linear(keys, 1, 32), _linear(keys, 32, 32), _linear(keys, 32, 1)]
    optimizer = optax.adam(1e-3)
    state = optimizer.init(parameters)
    points = jnp.linspace(0, 2 * math.pi, POINTS)

    def step(parameters: Any, state: Any) -> Any:
        def loss_of(parameters: Any) -> Any:
            def u(x: Any) -> Any:
                hidden = x.reshape(1)
                for weight, bias in parameters[:-1]:
                    hidden = jnp.tanh(hidden @ weight + bias)
                weight, bias = parameters[-1]
                return (hidden @ weight + bias)[0]

            value = jax.vmap(u)(points)
            curve = jax.vmap(jax.grad(jax.grad(u)))(points)
            return ((curve + value) ** 2).mean() + (value[0] - 1) ** 2

        loss, gradient = jax.value_and_grad(loss_of)(parameters)
        updates, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state, loss

    jitted = jax.jit(step, donate_argnums=(0, 1))

    def run(steps: int) -> None:
        nonlocal parameters, state
        for _ in range(steps):
            parameters, state, loss = jitted(parameters, state)
            float(loss)

    return run


def _jax_inference() -> Run:
    import jax

    keys = _keys()
    parameters = [_linear(keys, 32, 32) for _ in range(10)]
    x = jax.random.normal(next(keys), (8, 32))

    @jax.jit
    def forward(parameters: Any, x: Any) -> Any:
        for weight, bias in parameters:
            x = jax.nn.relu(x @ weight + bias)
        return x.sum()

    def run(steps: int) -> None:
        for _ in range(steps):
            float(forward(parameters, x))

    return run


JAX_STEPS: dict[str, Callable[[], Run]] = {
    "writes": _jax_writes,
    "policy": _jax_policy,
    "gru_cell": _jax_gru_cell,
    "physics": _jax_physics,
    "inference": _jax_inference,
}
