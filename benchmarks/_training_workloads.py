"""The training steps that are timed. Each function takes the library and returns ``run(steps)``.

PyTorch and jtorch run the same lines: ``torch`` is whichever module is passed. ``wrap`` is
``torch.compile`` for that contender, which gets the model, and the identity for the others. The
programs of ``JAX_WORKLOADS`` are written by hand for the same models, see ``_training_jax.py``.
Smaller steps are in ``_step_workloads.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from _step_workloads import JAX_STEPS, STEPS
from _training_jax import JAX_WORKLOADS as JAX_MODELS

Run = Callable[[int], None]
Wrap = Callable[[Any], Any]

BATCHES = 4
TEXT = (64, 12, 64)  # symbols, batch, length
WIDTH, HEADS, LAYERS = 128, 4, 4


def mlp(torch: ModuleType, wrap: Wrap) -> Run:
    """A perceptron 784-256-128-10, batches of 64, Adam."""
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches = _classes(torch, (64, 784), 10)
    return _classifier(torch, wrap(model), optimizer, batches)


def cnn(torch: ModuleType, wrap: Wrap) -> Run:
    """Two convolutions and two linear layers on 28x28 pixels, batches of 64, Adam."""
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 12 * 12, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches = _classes(torch, (64, 1, 28, 28), 10)
    return _classifier(torch, wrap(model), optimizer, batches)


def residual(torch: ModuleType, wrap: Wrap) -> Run:
    """A residual network with batch normalisation on 32x32 pixels, batches of 16, SGD."""
    nn = torch.nn
    functional = nn.functional

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)
            self.shortcut = nn.Identity()
            if stride != 1 or inputs != outputs:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )

        def forward(self, x: Any) -> Any:
            out = functional.relu(self.bn1(self.conv1(x)))
            return functional.relu(self.bn2(self.conv2(out)) + self.shortcut(x))

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        Block(16, 16, 1),
        Block(16, 32, 2),
        Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    batches = _classes(torch, (16, 3, 32, 32), 10)
    return _classifier(torch, wrap(model), optimizer, batches)


def transformer(torch: ModuleType, wrap: Wrap) -> Run:
    """Four layers of width 128 on 12 x 64 symbols: AdamW, dropout, clipping, a schedule."""
    nn = torch.nn
    symbols, batch, length = TEXT

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.symbols = nn.Embedding(symbols, WIDTH)
            self.positions = nn.Embedding(length, WIDTH)
            layer = nn.TransformerEncoderLayer(
                WIDTH, HEADS, 4 * WIDTH, 0.1, "gelu", batch_first=True, norm_first=True
            )
            self.layers = nn.TransformerEncoder(
                layer, LAYERS, nn.LayerNorm(WIDTH), enable_nested_tensor=False
            )
            self.head = nn.Linear(WIDTH, symbols)
            self.register_buffer("places", torch.arange(length))
            mask = nn.Transformer.generate_square_subsequent_mask(length)
            self.register_buffer("mask", mask)

        def forward(self, x: Any) -> Any:
            hidden = self.symbols(x) + self.positions(self.places)
            return self.head(self.layers(hidden, mask=self.mask, is_causal=True))

    torch.manual_seed(0)
    model = Model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=1000)
    data = [torch.randint(0, symbols, (batch, length + 1)) for _ in range(BATCHES)]
    batches = [(each[:, :-1].clone(), each[:, 1:].clone()) for each in data]
    return _language(torch, wrap(model), optimizer, batches, symbols, clip=1.0, schedule=schedule)


def lstm(torch: ModuleType, wrap: Wrap) -> Run:
    """An LSTM of width 128 on 32 x 35 symbols, SGD."""
    nn = torch.nn
    symbols, batch, length, width = 64, 32, 35, 128

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(symbols, width)
            self.lstm = nn.LSTM(width, width, batch_first=True)
            self.head = nn.Linear(width, symbols)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(self.embedding(x))[0])

    torch.manual_seed(0)
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    data = [torch.randint(0, symbols, (batch, length + 1)) for _ in range(BATCHES)]
    batches = [(each[:, :-1].clone(), each[:, 1:].clone()) for each in data]
    return _language(torch, wrap(model), optimizer, batches, symbols)


def _classes(torch: ModuleType, shape: tuple[int, ...], classes: int) -> list:
    return [(torch.randn(*shape), torch.randint(0, classes, (shape[0],))) for _ in range(BATCHES)]


def _classifier(torch: ModuleType, model: Any, optimizer: Any, batches: list) -> Run:
    done = 0

    def run(steps: int) -> None:
        nonlocal done
        for _ in range(steps):
            x, target = batches[done % BATCHES]
            done += 1
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x), target)
            loss.backward()
            optimizer.step()
            loss.item()

    return run


def _language(
    torch: ModuleType,
    model: Any,
    optimizer: Any,
    batches: list,
    symbols: int,
    clip: float | None = None,
    schedule: Any = None,
) -> Run:
    done = 0

    def run(steps: int) -> None:
        nonlocal done
        for _ in range(steps):
            x, target = batches[done % BATCHES]
            done += 1
            optimizer.zero_grad()
            logits = model(x)
            loss = torch.nn.functional.cross_entropy(logits.view(-1, symbols), target.view(-1))
            loss.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            if schedule is not None:
                schedule.step()
            loss.item()

    return run


TORCH_WORKLOADS: dict[str, Callable[[ModuleType, Wrap], Run]] = {
    function.__name__: function for function in (mlp, cnn, residual, transformer, lstm)
} | STEPS
JAX_WORKLOADS: dict[str, Callable[[], Run]] = JAX_MODELS | JAX_STEPS
