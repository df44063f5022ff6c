"""The training steps of ``_training_workloads.py``, written by hand for JAX.

Each is one ``jax.jit`` step with donated state, in the formulations that were fastest on a CPU with
jaxlib 0.10: convolutions channels-last, rules by hand where the derived gradient is slow, weights
as PyTorch lays them out, the optimiser from optax. The process gets the settings that such a
program profits from: a C library that keeps freed memory, synchronous dispatch, compiler options.

The numbers of a step are not PyTorch's: parameters and dropout masks are drawn by JAX.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[int], None]
BATCHES = 4


def _settings() -> dict[str, Any]:
    """Set the process up; return compiler options."""
    import jax

    try:
        mallopt = ctypes.CDLL(None).mallopt
        if mallopt(-3, 1 << 30) and mallopt(-1, (1 << 31) - 1):
            jax.config.update("jax_cpu_enable_async_dispatch", False)
    except (OSError, AttributeError):
        pass
    options: dict[str, Any] = {
        "xla_cpu_experimental_ynn_fusion_type": (
            "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
        )
    }
    flags = Path("/proc/cpuinfo")
    if flags.exists() and "avx512f" in flags.read_text():
        options["xla_cpu_prefer_vector_width"] = 512
    return options


def _loop(loss_of: Callable, parameters: Any, optimizer: Any, batches: list, extra: Any) -> Run:
    """Return ``run(steps)``.

    Args:
        loss_of: ``(parameters, extra, x, target) -> (loss, extra)``; the extra is whatever else a
            step carries on, such as running statistics or a key.
        parameters: arrays.
        optimizer: a transformation of optax.
        batches: pairs of x and target.
        extra: as before the first step.
    """
    import jax
    import optax

    def step(parameters: Any, state: Any, extra: Any, x: Any, target: Any) -> Any:
        (loss, extra), gradient = jax.value_and_grad(loss_of, has_aux=True)(
            parameters, extra, x, target
        )
        updates, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, updates), state, extra, loss

    jitted = jax.jit(step, donate_argnums=(0, 1, 2), compiler_options=_settings())
    carry, done = (parameters, optimizer.init(parameters), extra), 0

    def run(steps: int) -> None:
        nonlocal carry, done
        for _ in range(steps):
            *carry, loss = jitted(*carry, *batches[done % BATCHES])
            done += 1
            float(loss)

    return run


def _keys() -> Any:
    import jax

    return iter(jax.random.split(jax.random.key(0), 256))


def _linear(keys: Any, inputs: int, outputs: int) -> Any:
    import jax
    import jax.numpy as jnp

    weight = jax.random.uniform(next(keys), (outputs, inputs), minval=-1.0) / math.sqrt(inputs)
    return weight, jnp.zeros(outputs)


def _image_batches(keys: Any, shape: tuple[int, ...]) -> list:
    import jax

    return [
        (
            jax.random.normal(next(keys), shape),
            jax.random.randint(next(keys), (shape[0],), 0, 10),
        )
        for _ in range(BATCHES)
    ]


def _text_batches(keys: Any, symbols: int, batch: int, length: int) -> list:
    import jax

    data = [jax.random.randint(next(keys), (batch, length + 1), 0, symbols) for _ in range(BATCHES)]
    return [(each[:, :-1], each[:, 1:]) for each in data]


def _cross_entropy(logits: Any, target: Any) -> Any:
    import jax
    import jax.numpy as jnp

    chosen = jnp.arange(logits.shape[-1]) == target[..., None]
    scores = jax.nn.log_softmax(logits)
    return -jnp.sum(jnp.where(chosen, scores, 0)) / target.size


def mlp() -> Run:
    """A perceptron 784-256-128-10, batches of 64, Adam."""
    import jax
    import optax

    keys = _keys()
    layers = [_linear(keys, 784, 256), _linear(keys, 256, 128), _linear(keys, 128, 10)]
    # (in, out) weights, unlike everywhere below: on this shape they are the faster ones.
    layers = [(weight.T.copy(), bias) for weight, bias in layers]

    def loss_of(layers: Any, extra: Any, x: Any, target: Any) -> Any:
        for weight, bias in layers[:-1]:
            x = jax.nn.relu(x @ weight + bias)
        weight, bias = layers[-1]
        return _cross_entropy(x @ weight + bias, target), extra

    return _loop(loss_of, layers, optax.adam(1e-3), _image_batches(keys, (64, 784)), ())


def _max_pool() -> Callable:
    """Return max-pooling by 2: the forward pass keeps which of the four was the largest."""
    import jax
    import jax.numpy as jnp

    def forward(x: Any) -> Any:
        best, place = x[:, ::2, ::2], None
        for number, part in enumerate((x[:, ::2, 1::2], x[:, 1::2, ::2], x[:, 1::2, 1::2]), 1):
            larger = part > best
            place = jnp.where(larger, jnp.int8(number), jnp.int8(0) if place is None else place)
            best = jnp.where(larger, part, best)
        return best, place

    @jax.custom_vjp
    def pool(x: Any) -> Any:
        return forward(x)[0]

    def backward(place: Any, upstream: Any) -> Any:
        batch, height, width, channels = upstream.shape
        number = jnp.arange(4, dtype=jnp.int8).reshape(2, 1, 2, 1)
        spread = place[:, :, None, :, None] == number
        gradient = jnp.where(spread, upstream[:, :, None, :, None], 0)
        return (gradient.reshape(batch, 2 * height, 2 * width, channels),)

    pool.defvjp(forward, backward)
    return pool


def _one_channel_convolution() -> Callable:
    """Return a 3x3 convolution of images with one channel, of which no gradient is wanted."""
    import jax
    import jax.numpy as jnp

    def taps(x: Any) -> list:
        height, width = x.shape[1] - 2, x.shape[2] - 2
        return [x[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]

    @jax.custom_vjp
    def convolve(x: Any, weight: Any) -> Any:
        return sum(tap * row for tap, row in zip(taps(x), weight, strict=True))

    def backward(x: Any, upstream: Any) -> Any:
        patches = jnp.concatenate(taps(x), -1).reshape(-1, 9)
        return jnp.zeros_like(x), patches.T @ upstream.reshape(-1, upstream.shape[-1])

    convolve.defvjp(lambda x, weight: (convolve(x, weight), x), backward)
    return convolve


def _convolution(x: Any, weight: Any, stride: int = 1, padding: int = 0) -> Any:
    from jax import lax

    return lax.conv_general_dilated(
        x,
        weight,
        (stride, stride),
        [(padding, padding)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def _kernel(keys: Any, size: int, inputs: int, outputs: int) -> Any:
    import jax

    shape = (size, size, inputs, outputs)
    return jax.random.normal(next(keys), shape) / math.sqrt(size * size * inputs)


def cnn() -> Run:
    """Two convolutions and two linear layers on 28x28 pixels, batches of 64, Adam."""
    import jax
    import jax.numpy as jnp
    import optax

    keys = _keys()
    pool, convolve = _max_pool(), _one_channel_convolution()
    parameters = [
        (_kernel(keys, 3, 1, 32).reshape(9, 32), jnp.zeros(32)),
        (_kernel(keys, 3, 32, 64), jnp.zeros(64)),
        _linear(keys, 64 * 12 * 12, 128),
        _linear(keys, 128, 10),
    ]

    def loss_of(parameters: Any, extra: Any, x: Any, target: Any) -> Any:
        (first, b1), (second, b2), (third, b3), (last, b4) = parameters
        x = jax.nn.relu(convolve(x, first) + b1)
        x = pool(jax.nn.relu(_convolution(x, second) + b2))
        x = jax.nn.relu(x.reshape(x.shape[0], -1) @ third.T + b3)
        return _cross_entropy(x @ last.T + b4, target), extra

    batches = _image_batches(keys, (64, 28, 28, 1))
    return _loop(loss_of, parameters, optax.adam(1e-3), batches, ())


def residual() -> Run:
    """A residual network with batch normalisation on 32x32 pixels, batches of 16, SGD."""
    import jax
    import jax.numpy as jnp
    import optax

    keys = _keys()

    def normalisation(channels: int) -> tuple[Any, Any]:
        parameters.append((jnp.ones(channels), jnp.zeros(channels)))
        statistics.append((jnp.zeros(channels), jnp.ones(channels)))

    parameters: list = []
    statistics: list = []
    plan = ((16, 16, 1), (16, 32, 2), (32, 64, 2))
    parameters.append(_kernel(keys, 3, 3, 16))
    normalisation(16)
    for inputs, outputs, stride in plan:
        for size, source in ((3, inputs), (3, outputs), (1, inputs)):
            if size == 3 or stride > 1:
                parameters.append(_kernel(keys, size, source, outputs))
                normalisation(outputs)
    parameters.append(_linear(keys, 64, 10))

    @jax.custom_vjp
    def normalised(x: Any, weight: Any, bias: Any) -> Any:
        return forward(x, weight, bias)[0]

    def forward(x: Any, weight: Any, bias: Any) -> Any:
        mean = jnp.mean(x, (0, 1, 2))
        variance = jnp.mean(jnp.square(x - mean), (0, 1, 2))
        scale = jax.lax.rsqrt(variance + 1e-5)
        result = (x - mean) * (scale * weight) + bias
        return (result, mean, variance), (x, mean, scale, weight)

    def backward(kept: Any, upstream: Any) -> Any:
        x, mean, scale, weight = kept
        upstream = upstream[0]
        normal = (x - mean) * scale
        d_bias = jnp.sum(upstream, (0, 1, 2))
        d_weight = jnp.sum(upstream * normal, (0, 1, 2))
        count = x.size // x.shape[-1]
        inner = upstream - d_bias / count - normal * (d_weight / count)
        return inner * (scale * weight), d_weight, d_bias

    normalised.defvjp(forward, backward)

    def loss_of(parameters: Any, statistics: Any, x: Any, target: Any) -> Any:
        weights, old, new = iter(parameters), iter(statistics), []

        def layer(x: Any, stride: int, padding: int) -> Any:
            x = _convolution(x, next(weights), stride, padding)
            count = x.size // x.shape[-1]
            x, mean, variance = normalised(x, *next(weights))
            running, spread = next(old)
            unbiased = variance * (count / (count - 1))
            new.append((0.9 * running + 0.1 * mean, 0.9 * spread + 0.1 * unbiased))
            return x

        x = jax.nn.relu(layer(x, 1, 1))
        for _, _, stride in plan:
            out = layer(jax.nn.relu(layer(x, stride, 1)), 1, 1)
            x = jax.nn.relu(out + (layer(x, stride, 0) if stride > 1 else x))
        weight, bias = next(weights)
        logits = jnp.mean(x, (1, 2)) @ weight.T + bias
        return _cross_entropy(logits, target), new

    optimizer = optax.chain(optax.add_decayed_weights(5e-4), optax.sgd(0.05, momentum=0.9))
    batches = _image_batches(keys, (16, 32, 32, 3))
    return _loop(loss_of, parameters, optimizer, batches, statistics)


def _layer_norm() -> Callable:
    """Return layer normalisation whose means are products with ones."""
    import jax
    import jax.numpy as jnp

    def forward(x: Any, weight: Any, bias: Any) -> Any:
        share = jnp.full((x.shape[-1], 1), 1 / x.shape[-1], x.dtype)
        centred = x - x @ share
        scale = jax.lax.rsqrt((centred * centred) @ share + 1e-5)
        return centred * scale * weight + bias, (centred, scale, weight)

    @jax.custom_vjp
    def normalise(x: Any, weight: Any, bias: Any) -> Any:
        return forward(x, weight, bias)[0]

    def backward(kept: Any, upstream: Any) -> Any:
        centred, scale, weight = kept
        share = jnp.full((upstream.shape[-1], 1), 1 / upstream.shape[-1], upstream.dtype)
        normal, inner = centred * scale, upstream * weight
        d_x = (inner - inner @ share - normal * ((inner * normal) @ share)) * scale
        lead = tuple(range(upstream.ndim - 1))
        ones = jnp.ones(upstream.shape[:-1], upstream.dtype)
        over = ((lead, lead), ((), ()))
        d_weight = jax.lax.dot_general(ones, upstream * normal, over)
        return d_x, d_weight, jax.lax.dot_general(ones, upstream, over)

    normalise.defvjp(forward, backward)
    return normalise


def _affine() -> Callable:
    """Return ``x @ weight.T + bias`` with its rows folded, bias gradients as products."""
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def affine(x: Any, weight: Any, bias: Any) -> Any:
        rows = x.reshape(-1, x.shape[-1])
        return (rows @ weight.T + bias).reshape(*x.shape[:-1], len(bias))

    def backward(kept: Any, upstream: Any) -> Any:
        x, weight = kept
        rows = upstream.reshape(-1, upstream.shape[-1])
        # Behind an optimization barrier the transpose made the whole step take half as long again.
        d_weight = rows.T @ x.reshape(-1, x.shape[-1])
        return (rows @ weight).reshape(x.shape), d_weight, jnp.ones(len(rows), rows.dtype) @ rows

    affine.defvjp(lambda x, weight, bias: (affine(x, weight, bias), (x, weight)), backward)
    return affine


def _gelu() -> Callable:
    """Return the exact ``gelu`` with its derivative by hand."""
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def gelu(x: Any) -> Any:
        return 0.5 * x * (1 + jax.lax.erf(x * math.sqrt(0.5)))

    def backward(x: Any, upstream: Any) -> Any:
        below = 0.5 * (1 + jax.lax.erf(x * math.sqrt(0.5)))
        density = jnp.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return (upstream * (below + x * density),)

    gelu.defvjp(lambda x: (gelu(x), x), backward)
    return gelu


def _softmax() -> Callable:
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def softmax(x: Any) -> Any:
        raised = jnp.exp(x - jnp.max(x, -1, keepdims=True))
        return raised / jnp.sum(raised, -1, keepdims=True)

    def forward(x: Any) -> Any:
        result = softmax(x)
        return result, result

    def backward(result: Any, upstream: Any) -> Any:
        product = upstream * result
        return (product - result * jnp.sum(product, -1, keepdims=True),)

    softmax.defvjp(forward, backward)
    return softmax


def transformer() -> Run:
    """Four layers of width 128 on 12 x 64 symbols: AdamW, dropout, clipping, a schedule."""
    import jax
    import jax.numpy as jnp
    import optax

    symbols, batch, length = 64, 12, 64
    width, heads, layers, keep = 128, 4, 4, 0.9
    keys = _keys()
    normalise, affine, gelu, softmax = _layer_norm(), _affine(), _gelu(), _softmax()

    def norm() -> Any:
        return jnp.ones(width), jnp.zeros(width)

    parameters = {
        "symbols": jax.random.normal(next(keys), (symbols, width)),
        "positions": jax.random.normal(next(keys), (length, width)),
        "layers": [
            {
                "norm1": norm(),
                "in": _linear(keys, width, 3 * width),
                "out": _linear(keys, width, width),
                "norm2": norm(),
                "up": _linear(keys, width, 4 * width),
                "down": _linear(keys, 4 * width, width),
            }
            for _ in range(layers)
        ],
        "norm": norm(),
        "head": _linear(keys, width, symbols),
    }

    def attend(x: Any, layer: Any, drop: Callable) -> Any:
        split = affine(x, *layer["in"]).reshape(batch, length, 3, heads, width // heads)
        query, key, value = split.transpose(2, 0, 3, 1, 4)
        scores = jnp.einsum("bhte,bhse->bhts", query, key) / math.sqrt(width // heads)
        seen = jnp.arange(length) <= jnp.arange(length)[:, None]
        weights = drop(softmax(jnp.where(seen, scores, -jnp.inf)))
        mixed = jnp.einsum("bhts,bhse->bhte", weights, value).transpose(0, 2, 1, 3)
        return affine(mixed.reshape(batch, length, width), *layer["out"])

    def loss_of(parameters: Any, key: Any, x: Any, target: Any) -> Any:
        key, inner = jax.random.split(key)
        sources = iter(jax.random.split(inner, 4 * layers))

        def drop(x: Any) -> Any:
            # Without the numbers that jax.random.bernoulli makes of the bits, which cost as much.
            stays = jax.random.bits(next(sources), x.shape, jnp.uint32) < jnp.uint32(keep * 2**32)
            return jnp.where(stays, x * (1 / keep), 0)

        hidden = parameters["symbols"][x] + parameters["positions"]
        for layer in parameters["layers"]:
            hidden += drop(attend(normalise(hidden, *layer["norm1"]), layer, drop))
            inner = drop(gelu(affine(normalise(hidden, *layer["norm2"]), *layer["up"])))
            hidden += drop(affine(inner, *layer["down"]))
        logits = affine(normalise(hidden, *parameters["norm"]), *parameters["head"])
        return _cross_entropy(logits, target), key

    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(optax.cosine_decay_schedule(3e-4, 1000), weight_decay=1e-2),
    )
    batches = _text_batches(keys, symbols, batch, length)
    # JAX's default generator: "rbg" took three times as long here.
    return _loop(loss_of, parameters, optimizer, batches, jax.random.key(1))


def _lstm_layer() -> Callable:
    """Return one LSTM layer: all gates by one ``tanh``, its gradient by hand."""
    import jax
    import jax.numpy as jnp

    def columns(values: tuple[float, ...], size: int) -> Any:
        return jnp.repeat(jnp.asarray(values, jnp.float32), size)

    @jax.custom_vjp
    def run(x: Any, w_x: Any, w_h: Any, bias: Any) -> Any:
        return forward(x, w_x, w_h, bias)[0]

    def forward(x: Any, w_x: Any, w_h: Any, bias: Any) -> Any:
        size = w_h.shape[1]
        scale = columns((0.5, 0.5, 1.0, 0.5), size)
        offset = columns((0.5, 0.5, 0.0, 0.5), size)
        projected = (x @ w_x.T + bias) * scale
        recurrent = jax.lax.optimization_barrier((w_h * scale[:, None]).T)

        def step(carry: Any, at: Any) -> Any:
            hidden, memory, rows = carry
            gates = jnp.tanh(rows[at] + hidden @ recurrent) * scale + offset
            i, f, g, o = jnp.split(gates, 4, -1)
            memory = f * memory + i * g
            hidden = o * jnp.tanh(memory)
            # In place of what was read: an array of its own would be filled with zeros first.
            return (hidden, memory, rows.at[at].set(gates)), (hidden, memory)

        zero = jnp.zeros((x.shape[1], size))
        (_, _, gates), (outputs, memories) = jax.lax.scan(
            step, (zero, zero, projected), jnp.arange(len(x))
        )
        return outputs, (x, w_x, w_h, outputs, gates, memories)

    def shifted(states: Any) -> Any:
        return jnp.concatenate((jnp.zeros_like(states[:1]), states[:-1]))

    def backward(kept: Any, upstream: Any) -> Any:
        x, w_x, w_h, outputs, gates, memories = kept
        i, f, g, o = jnp.split(gates, 4, -1)
        squashed = jnp.tanh(memories)
        into_memory = o * (1 - squashed * squashed)
        parts = (g * i * (1 - i), shifted(memories) * f * (1 - f), i * (1 - g * g))
        slopes = jnp.concatenate((*parts, squashed * o * (1 - o)), -1)

        def step(carry: Any, now: Any) -> Any:
            d_hidden, d_memory, slopes = carry
            at, given, through, forget = now
            d_hidden = given + d_hidden
            d_memory = d_memory + d_hidden * through
            d_gates = jnp.concatenate((d_memory, d_memory, d_memory, d_hidden), -1) * slopes[at]
            return (d_gates @ w_h, d_memory * forget, slopes.at[at].set(d_gates)), None

        zero = jnp.zeros_like(outputs[0])
        steps = (jnp.arange(len(x)), upstream, into_memory, f)
        (_, _, d_gates), _ = jax.lax.scan(step, (zero, zero, slopes), steps, reverse=True)
        rows = d_gates.reshape(-1, d_gates.shape[-1])
        columns = jax.lax.optimization_barrier(rows.T)
        return (
            d_gates @ w_x,
            columns @ x.reshape(-1, x.shape[-1]),
            columns @ shifted(outputs).reshape(-1, outputs.shape[-1]),
            rows.sum(0),
        )

    run.defvjp(forward, backward)
    return run


def lstm() -> Run:
    """An LSTM of width 128 on 32 x 35 symbols, SGD."""
    import jax
    import optax

    symbols, batch, length, width = 64, 32, 35, 128
    keys = _keys()
    layer = _lstm_layer()
    parameters = {
        "symbols": jax.random.normal(next(keys), (symbols, width)),
        "input": _linear(keys, width, 4 * width),
        "hidden": _linear(keys, width, 4 * width),
        "head": _linear(keys, width, symbols),
    }

    def loss_of(parameters: Any, extra: Any, x: Any, target: Any) -> Any:
        (w_x, b_x), (w_h, b_h) = parameters["input"], parameters["hidden"]
        outputs = layer(parameters["symbols"][x.T], w_x, w_h, b_x + b_h)
        weight, bias = parameters["head"]
        return _cross_entropy(outputs @ weight.T + bias, target.T), extra

    return _loop(
        loss_of, parameters, optax.sgd(0.1), _text_batches(keys, symbols, batch, length), ()
    )


JAX_WORKLOADS: dict[str, Callable[[], Run]] = {
    function.__name__: function for function in (mlp, cnn, residual, transformer, lstm)
}
