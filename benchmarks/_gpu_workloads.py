"""What is timed on a GPU. Each function takes the library, how to wrap a model, and the size.

PyTorch and jtorch run the same lines, under the device as the default one. A function returns
``run(steps)``; ResNet-18, the transformer and inference look at no value in it. The sizes are
``full``, what a GPU is for, and ``small``, which a stand-in of the CPU comes to the end of.
Perceptron, CNN and LSTM are those of the CPU (``_training_workloads.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import _training_workloads as on_the_cpu

Run = Callable[[int], None]
Wrap = Callable[[Any], Any]

#: By workload and size, what it is made of.
SIZES: dict[str, dict[str, dict[str, int]]] = {
    "resnet18": {"full": {"batch": 64, "pixels": 224}, "small": {"batch": 2, "pixels": 32}},
    "transformer": {
        "full": {
            "layers": 12,
            "width": 768,
            "heads": 12,
            "tokens": 1024,
            "batch": 8,
            "words": 32768,
        },
        "small": {"layers": 2, "width": 32, "heads": 2, "tokens": 16, "batch": 2, "words": 64},
    },
    "generation": {
        "full": {
            "layers": 12,
            "width": 768,
            "heads": 12,
            "tokens": 256,
            "batch": 8,
            "words": 32768,
        },
        "small": {"layers": 2, "width": 32, "heads": 2, "tokens": 12, "batch": 2, "words": 64},
    },
}


def mlp(torch: ModuleType, wrap: Wrap, size: str) -> Run:
    """A perceptron 784-256-128-10, batches of 64, Adam."""
    return on_the_cpu.mlp(torch, wrap)


def cnn(torch: ModuleType, wrap: Wrap, size: str) -> Run:
    """Two convolutions and two linear layers on 28x28 pixels, batches of 64, Adam."""
    return on_the_cpu.cnn(torch, wrap)


def lstm(torch: ModuleType, wrap: Wrap, size: str) -> Run:
    """An LSTM of 128 numbers, 32 sequences of 35 symbols, SGD."""
    return on_the_cpu.lstm(torch, wrap)


def _residual_network(torch: ModuleType) -> Any:
    """Return ResNet-18: He, Zhang, Ren, Sun, Deep residual learning for image recognition, 2016."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int):
            super().__init__()
            self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.first_norm = nn.BatchNorm2d(outputs)
            self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.second_norm = nn.BatchNorm2d(outputs)
            self.across = None
            if stride != 1 or inputs != outputs:
                self.across = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x: Any) -> Any:
            found = torch.relu(self.first_norm(self.first(x)))
            found = self.second_norm(self.second(found))
            return torch.relu(found + (x if self.across is None else self.across(x)))

    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    layers.append(nn.MaxPool2d(3, 2, 1))
    width = 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(width, outputs, stride), Block(outputs, outputs, 1)]
        width = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


def resnet18(torch: ModuleType, wrap: Wrap, size: str) -> Run:
    """A training step of ResNet-18 under autocast to bfloat16, SGD with momentum."""
    batch, pixels = SIZES["resnet18"][size].values()
    torch.manual_seed(0)
    model = _residual_network(torch)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    images = torch.randn(batch, 3, pixels, pixels)
    classes = torch.randint(0, 1000, (batch,))
    forward = wrap(model)

    def run(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(forward(images), classes)
            loss.backward()
            optimizer.step()

    return run


def inference(torch: ModuleType, wrap: Wrap, size: str) -> Run:
    """A batch through ResNet-18 in bfloat16, without gradients."""
    batch, pixels = SIZES["resnet18"][size].values()
    torch.manual_seed(0)
    model = _residual_network(torch).eval().to(torch.bfloat16)
    images = torch.randn(batch, 3, pixels, pixels).to(torch.bfloat16)
    forward = wrap(model)
    kept: list[Any] = [None]

    def run(steps: int) -> None:
        with torch.no_grad():
            for _ in range(steps):
                kept[0] = forward(images).argmax(1)

    return run


def _language_model(torch: ModuleType, sizes: dict[str, int]) -> Any:
    """Return a decoder with pre-normalised layers; a cache makes it go on by one word."""
    nn, functional = torch.nn, torch.nn.functional
    width, heads, words = sizes["width"], sizes["heads"], sizes["words"]

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.attend, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any, cache: Any = None, at: Any = None, mask: Any = None) -> Any:
            batch, length = x.shape[:2]
            parts = self.attend(self.first(x)).view(batch, length, 3, heads, width // heads)
            query, key, value = parts.permute(2, 0, 3, 1, 4)
            if cache is not None:
                cache[0].index_copy_(2, at, key)
                cache[1].index_copy_(2, at, value)
                key, value = cache
            attended = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=mask, is_causal=mask is None
            )
            x = x + self.project(attended.transpose(1, 2).reshape(batch, length, width))
            return x + self.narrow(functional.gelu(self.widen(self.second(x))))

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(words, width)
            self.places = nn.Embedding(sizes["tokens"], width)
            self.blocks = nn.ModuleList(Block() for _ in range(sizes["layers"]))
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words, bias=False)

        def forward(self, text: Any, places: Any, caches: Any = None, mask: Any = None) -> Any:
            x = self.words(text) + self.places(places)
            for number, block in enumerate(self.blocks):
                x = block(x) if caches is None else block(x, caches[number], places, mask)
            return self.head(self.norm(x))

    return Decoder()


def transformer(torch: ModuleType, wrap: Wrap, size: str) -> Run:
    """A training step of a decoder of 12 layers of 768, 1,024 tokens, in bfloat16, AdamW."""
    sizes = SIZES["transformer"][size]
    torch.manual_seed(0)
    model = _language_model(torch, sizes).to(torch.bfloat16)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    text = torch.randint(0, sizes["words"], (sizes["batch"], sizes["tokens"] + 1))
    places = torch.arange(sizes["tokens"])
    forward = wrap(model)

    def run(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            scores = forward(text[:, :-1], places)
            loss = torch.nn.functional.cross_entropy(
                scores.float().flatten(0, 1), text[:, 1:].flatten()
            )
            loss.backward()
            optimizer.step()

    return run


def generation(torch: ModuleType, wrap: Wrap, size: str) -> Run:
    """256 tokens, one after the other, each the most likely, with a cache of keys and values.

    A step is one token, at which is looked, since it may be the last.
    """
    sizes = SIZES["generation"][size]
    torch.manual_seed(0)
    model = _language_model(torch, sizes).to(torch.bfloat16).eval()
    batch, length, heads = sizes["batch"], sizes["tokens"], sizes["heads"]
    shape = (2, batch, heads, length, sizes["width"] // heads)
    caches = [torch.zeros(shape, dtype=torch.bfloat16) for _ in range(sizes["layers"])]
    numbers = torch.arange(length)
    forward = wrap(model)
    state = {"at": 0, "text": torch.zeros(batch, 1, dtype=torch.int64)}

    def run(steps: int) -> None:
        with torch.no_grad():
            for _ in range(steps):
                at = state["at"] = (state["at"] + 1) % length
                place = numbers[at : at + 1]
                scores = forward(state["text"], place, caches, (numbers <= place)[None])
                state["text"] = scores[:, -1:].argmax(-1)
                if bool((state["text"] == -1).all()):  # as every script looks for the last word
                    break

    return run


WORKLOADS = {
    each.__name__: each for each in (mlp, cnn, resnet18, transformer, lstm, inference, generation)
}
