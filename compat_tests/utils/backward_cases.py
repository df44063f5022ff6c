"""Programs whose backward pass and optimiser's step a mode sees, for either library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SHAPES = {
    **{"x": (3, 4), "y": (3, 4), "image": (2, 3, 8, 8), "filter": (4, 3, 3, 3), "bias": (4,)},
    **{"w": (4,), "b": (4,), "cw": (3,), "cb": (3,)},
}


def operands(torch: Any) -> dict[str, Any]:
    """Return what the statements of the record are about."""
    generator = torch.Generator().manual_seed(0)
    found = {
        name: torch.randn(*shape, generator=generator).requires_grad_()
        for name, shape in SHAPES.items()
    }
    return {
        **found,
        "labels": torch.tensor([0, 1, 2]),
        "F": torch.nn.functional,
        "torch": torch,
    }


def _mlp(torch: Any) -> tuple[Any, Callable]:
    nn = torch.nn
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    batch, labels = torch.ones(2, 4), torch.tensor([0, 1])
    return model, lambda: nn.functional.cross_entropy(model(batch), labels)


def _cnn(torch: Any) -> tuple[Any, Callable]:
    nn = torch.nn
    layers = (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    model = nn.Sequential(*layers, nn.Linear(4 * 9, 3))
    batch, labels = torch.randn(2, 3, 8, 8), torch.tensor([0, 1])
    return model, lambda: nn.functional.cross_entropy(model(batch), labels)


def _transformer(torch: Any) -> tuple[Any, Callable]:
    nn, functional = torch.nn, torch.nn.functional
    layers = {
        **{"table": nn.Embedding(10, 8), "norm": nn.LayerNorm(8), "heads": nn.Linear(8, 24)},
        **{"out": nn.Linear(8, 8), "norm2": nn.LayerNorm(8), "wide": nn.Linear(8, 16)},
        **{"narrow": nn.Linear(16, 8), "logits": nn.Linear(8, 10)},
    }
    model = nn.ModuleDict(layers)
    tokens = torch.arange(6).view(2, 3)

    def loss() -> Any:
        x = layers["table"](tokens)
        batch, time, width = x.shape
        parts = layers["heads"](layers["norm"](x)).split(8, dim=2)
        q, k, v = [part.view(batch, time, 2, 4).transpose(1, 2) for part in parts]
        scores = (q @ k.transpose(-2, -1)) * 0.5
        hidden = torch.ones(time, time).tril() == 0
        weights = functional.softmax(scores.masked_fill(hidden, float("-inf")), -1)
        mixed = (weights @ v).transpose(1, 2).reshape(batch, time, width)
        x = x + layers["out"](mixed)
        x = x + layers["narrow"](functional.gelu(layers["wide"](layers["norm2"](x))))
        labels = torch.zeros(batch * time, dtype=torch.int64)
        return functional.cross_entropy(layers["logits"](x).view(-1, 10), labels)

    return model, loss


#: Programs, each with its model and what makes its optimiser.
PROGRAMS: dict[str, tuple[Callable, Callable]] = {
    "mlp": (_mlp, lambda optim, p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01)),
    "cnn": (_cnn, lambda optim, p: optim.Adam(p)),
    "transformer": (_transformer, lambda optim, p: optim.AdamW(p)),
}


def seeing(base: type) -> Any:
    """Return a mode over a library's class that notes the operators that it sees."""

    class Names(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            if str(func).startswith("aten."):
                self.seen.append(str(func).removeprefix("aten."))
            return func(*args, **(kwargs or {}))

    return Names()


def of_statement(torch: Any, base: type, statement: str) -> str:
    """Return the operators of the backward pass of a statement."""
    values = operands(torch)  # gradients come to those that are held
    loss = eval(statement, values).sum()
    with seeing(base) as mode:
        loss.backward()
    return " ".join(mode.seen)


def of_program(torch: Any, base: type, name: str, inside: bool) -> dict[str, str]:
    """Return the operators of a program's backward pass and of two steps.

    Args:
        inside: whether the mode sees the forward pass too.
    """
    torch.manual_seed(0)
    make, optimiser = PROGRAMS[name]
    model, evaluate = make(torch)
    steps = optimiser(torch.optim, model.parameters())
    found, mode = {}, seeing(base)
    loss = None if inside else evaluate()
    with mode:
        loss = evaluate() if inside else loss
        mode.seen.clear()
        loss.backward()
        found["backward"] = " ".join(mode.seen)
        for number in ("first step", "second step"):
            mode.seen.clear()
            steps.step()
            found[number] = " ".join(mode.seen)
    return found
