"""Time modules as functions of JAX beside the same nets written in JAX, and conversions of arrays.

``python benchmarks/interop.py`` prints Markdown tables, in about a minute; ``--json FILE`` keeps
every sample. What is measured and how to read it: ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _contenders import UNSTEADY, pin_to_two_cores, verdict

import jtorch as torch
from jtorch import interop, nn

RATIO_LIMIT = 1.05
CONVERSION_LIMIT = 5.0  # microseconds
MANY = 1000  # conversions of one timed run

Arrays = dict[str, Any]


def linear(params: Arrays, name: str, x: Any) -> Any:
    """Return a linear layer's result, with the names and shapes of torch's parameters."""
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]


def layer_norm(params: Arrays, name: str, x: Any) -> Any:
    """Normalise over the last dimension."""
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    scaled = (x - mean) * jax.lax.rsqrt(variance + 1e-5)
    return scaled * params[f"{name}.weight"] + params[f"{name}.bias"]


def mlp() -> tuple[nn.Module, Callable, Any]:
    """A perceptron 784-256-128-10, a batch of 64."""
    module = nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )

    def by_hand(params: Arrays, x: Any) -> Any:
        x = jax.nn.relu(linear(params, "0", x))
        return linear(params, "4", jax.nn.relu(linear(params, "2", x)))

    return module, by_hand, (64, 784)


def cnn() -> tuple[nn.Module, Callable, Any]:
    """Two convolutions, a pooling and a linear layer, 28 x 28, a batch of 32."""
    module = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(784, 10),
    )  # fmt: skip

    def convolved(params: Arrays, name: str, x: Any, stride: int) -> Any:
        found = jax.lax.conv_general_dilated(
            x, params[f"{name}.weight"], (stride, stride), ((1, 1), (1, 1))
        )
        return found + params[f"{name}.bias"][:, None, None]

    def by_hand(params: Arrays, x: Any) -> Any:
        x = jax.nn.relu(convolved(params, "0", x, 1))
        x = jax.nn.relu(convolved(params, "2", x, 2))
        x = x.reshape(*x.shape[:2], 7, 2, 7, 2).mean((3, 5))
        return linear(params, "6", x.reshape(len(x), -1))

    return module, by_hand, (32, 1, 28, 28)


class Transformer(nn.Module):
    """An encoder layer of width 128, and a linear layer on the mean over the sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(128, 4, 256, dropout=0.0, batch_first=True)
        self.out = nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.out(self.layer(x).mean(1))


def transformer() -> tuple[nn.Module, Callable, Any]:
    """An encoder layer of width 128 with 4 heads, a batch of 8, sequences of 32."""

    def attention(params: Arrays, x: Any) -> Any:
        name = "layer.self_attn"
        both = x @ params[f"{name}.in_proj_weight"].T + params[f"{name}.in_proj_bias"]
        heads = [part.reshape(*part.shape[:2], 4, 32) for part in jnp.split(both, 3, -1)]
        query, keys, values = heads
        scores = jnp.einsum("bqhd,bkhd->bhqk", query, keys) / 32**0.5
        mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), values)
        return linear(params, f"{name}.out_proj", mixed.reshape(x.shape))

    def by_hand(params: Arrays, x: Any) -> Any:
        x = layer_norm(params, "layer.norm1", x + attention(params, x))
        hidden = jax.nn.relu(linear(params, "layer.linear1", x))
        x = layer_norm(params, "layer.norm2", x + linear(params, "layer.linear2", hidden))
        return linear(params, "out", x.mean(1))

    return Transformer(), by_hand, (8, 32, 128)


NETS = {"mlp": (mlp, 100), "cnn": (cnn, 20), "transformer": (transformer, 20)}


class Training:
    """Steps of Adam for a net, with a loss by cross entropy.

    Args:
        logits: ``(params, inputs) -> logits``.
        params: to begin with.
        inputs, labels: the batch.
    """

    def __init__(self, logits: Callable, params: Arrays, inputs: Any, labels: Any):
        optimiser = optax.adam(1e-3)

        def loss(params: Arrays) -> Any:
            losses = optax.softmax_cross_entropy_with_integer_labels(logits(params, inputs), labels)
            return losses.mean()

        @jax.jit
        def step(params: Arrays, state: Any) -> tuple[Arrays, Any, Any]:
            value, gradient = jax.value_and_grad(loss)(params)
            updates, state = optimiser.update(gradient, state)
            return optax.apply_updates(params, updates), state, value

        self._step = step
        self._state = params, optimiser.init(params)
        self.loss = 0.0

    def run(self, steps: int) -> float:
        """Make steps; return the microseconds that each took."""
        params, state = self._state
        started = time.perf_counter()
        for _ in range(steps):
            params, state, value = self._step(params, state)
        self.loss = float(value)
        jax.block_until_ready(params)
        taken = time.perf_counter() - started
        self._state = params, state
        return taken / steps * 1e6


def time_net(name: str, rounds: int) -> dict[str, list[float]]:
    """Return samples in microseconds a step of a net by ``functional`` and of the one by hand."""
    make, steps = NETS[name]
    torch.manual_seed(0)
    module, by_hand, shape = make()
    apply, params, buffers = interop.functional(module)
    generator = np.random.default_rng(0)
    inputs = jnp.asarray(generator.normal(size=shape), jnp.float32)
    labels = jnp.asarray(generator.integers(0, 10, shape[0]))
    contenders = {
        "functional": Training(
            lambda params, x: apply(params, buffers, x)[0], params, inputs, labels
        ),
        "by hand": Training(by_hand, params, inputs, labels),
    }
    samples: dict[str, list[float]] = {each: [] for each in contenders}
    for turn in range(rounds + 2):
        order = list(contenders) if turn % 2 else list(contenders)[::-1]
        for each in order:
            taken = contenders[each].run(steps)
            if turn >= 2:
                samples[each].append(taken)
        losses = [each.loss for each in contenders.values()]
        if not np.allclose(*losses, rtol=1e-2, atol=1e-3):
            raise AssertionError(f"{name}: the two nets differ: losses {losses}")
    return samples


def conversions() -> dict[str, Callable[[], Any]]:
    """Return what is converted, by what the table calls it: one call of each is timed."""
    array = jnp.ones((256, 256), jnp.float32) + 1
    tensor = torch.as_tensor(array)
    computed = tensor * 2
    interop.to_jax(computed)
    view = tensor[1:]
    interop.to_jax(view)
    half = array.astype(jnp.bfloat16)
    return {
        "array to tensor, `from_jax`": lambda: interop.from_jax(array),
        "array to tensor, `torch.as_tensor`": lambda: torch.as_tensor(array),
        "array to tensor, bfloat16": lambda: interop.from_jax(half),
        "tensor to array, `to_jax`": lambda: interop.to_jax(computed),
        "tensor to array, `__jax_array__`": lambda: computed.__jax_array__(),
        "view to array, `to_jax`": lambda: interop.to_jax(view),
    }


def time_conversions(rounds: int) -> dict[str, list[float]]:
    """Return samples in microseconds of each conversion."""
    tried = conversions()
    samples: dict[str, list[float]] = {name: [] for name in tried}
    for turn in range(rounds + 2):
        for name, convert in tried.items():
            started = time.perf_counter()
            for _ in range(MANY):
                convert()
            taken = time.perf_counter() - started
            if turn >= 2:
                samples[name].append(taken / MANY * 1e6)
    return samples


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=sorted(NETS), default=list(NETS))
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--json", type=Path, help="where every sample goes")
    options = parser.parse_args()
    pin_to_two_cores()

    nets = {name: time_net(name, options.rounds) for name in options.only}
    print("| a step of Adam, microseconds | by hand | functional | ratio | fastest | limit | |")
    print("|---|---|---|---|---|---|---|")
    unsteady = []
    for name, samples in nets.items():
        middle = {each: statistics.median(taken) for each, taken in samples.items()}
        fastest = {each: min(taken) for each, taken in samples.items()}
        ratio = middle["functional"] / middle["by hand"]
        best = fastest["functional"] / fastest["by hand"]
        print(
            f"| {name} | {middle['by hand']:.0f} | {middle['functional']:.0f} | {ratio:.2f} | "
            f"{best:.2f} | {RATIO_LIMIT:.2f} | {verdict(ratio, RATIO_LIMIT)} |"
        )
        unsteady += [f"{name}, {e}" for e in middle if middle[e] > UNSTEADY * fastest[e]]
    if unsteady:
        print("\nUnsteady, so that the fastest runs say more:", "; ".join(unsteady))

    converted = time_conversions(options.rounds)
    print("\n| conversion, 256 x 256 | microseconds | limit | |\n|---|---|---|---|")
    for name, taken in converted.items():
        median = statistics.median(taken)
        kept = verdict(median, CONVERSION_LIMIT)
        print(f"| {name} | {median:.1f} | {CONVERSION_LIMIT:.0f} | {kept} |")
    if options.json:
        options.json.write_text(json.dumps({"nets": nets, "conversions": converted}, indent=1))


if __name__ == "__main__":
    main()
