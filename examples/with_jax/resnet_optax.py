"""Train a residual network of torch.nn inside jax.jit, with an optimiser of optax.

The network is written as torchvision writes its own. ``functional`` makes a pure function of it,
JAX differentiates and compiles the step, optax updates the parameters, batch normalisation's
running statistics are handed from step to step, and the trained parameters go back into the module.

    python examples/with_jax/resnet_optax.py
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jtorch as torch
from jtorch import interop, nn

SIDE, KINDS = 16, ("disc", "square", "cross", "stripes")


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output, of half the height and width for a stride of 2."""
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """Three blocks, an average over the picture, dropout and a linear layer."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layers = nn.Sequential(
            Block(width, width), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2)
        )
        self.dropout = nn.Dropout(0.1)
        self.fc = nn.Linear(4 * width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits, (pictures, classes)."""
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layers(x).mean((2, 3))
        return self.fc(self.dropout(x))


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw noisy pictures of four kinds, (count, 1, 16, 16), and say which each is."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, len(KINDS), count)
    middle = generator.uniform(5, 11, (count, 2, 1, 1))
    size = generator.uniform(3, 5, (count, 1, 1))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    down, across = rows - middle[:, 0], columns - middle[:, 1]
    forms = np.stack(
        [
            down**2 + across**2 < size**2,
            np.maximum(abs(down), abs(across)) < 0.9 * size,
            (np.minimum(abs(down), abs(across)) < 1.2) & (abs(down) + abs(across) < 2 * size),
            (rows % 4 < 2) & (np.maximum(abs(down), abs(across)) < size),
        ]
    )
    chosen = forms[labels, np.arange(count)]
    noisy = chosen + generator.normal(scale=0.4, size=chosen.shape)
    return noisy[:, None].astype(np.float32), labels


def main() -> None:
    """Run the example from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=8)
    options = parser.parse_args()

    torch.manual_seed(0)
    model = ResNet(options.width, len(KINDS))
    apply, params, buffers = interop.functional(model)
    print(f"Parameters: {sum(p.size for p in params.values())}")

    schedule = optax.cosine_decay_schedule(0.01, options.steps)
    optimiser = optax.adamw(schedule, weight_decay=1e-4)
    state = optimiser.init(params)

    def loss(params, buffers, images, labels, key):
        logits, buffers = apply(params, buffers, images, rng=key, train=True)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses.mean(), buffers

    @jax.jit
    def step(params, buffers, state, images, labels, key):
        slope = jax.value_and_grad(loss, has_aux=True)
        (value, buffers), gradient = slope(params, buffers, images, labels, key)
        updates, state = optimiser.update(gradient, state, params)
        return optax.apply_updates(params, updates), buffers, state, value

    key = jax.random.key(0)
    for number in range(1, options.steps + 1):
        images, labels = pictures(options.batch_size, number)
        key, own = jax.random.split(key)
        params, buffers, state, value = step(params, buffers, state, images, labels, own)
        if number in (1, options.steps):
            print(f"Step {number:3d}   loss {value:.1f}")

    images, labels = pictures(512, 0)
    logits, _ = jax.jit(apply)(params, buffers, images)
    print(f"Accuracy in JAX: {jnp.mean(logits.argmax(1) == labels):.0%}")

    interop.load(model, params, buffers)
    model.eval()
    with torch.no_grad():
        same = model(torch.from_numpy(images)).argmax(1).numpy()
    print(f"Accuracy of the module: {np.mean(same == labels):.0%}")


if __name__ == "__main__":
    main()
