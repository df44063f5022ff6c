"""Checkpointed functions, as functions of the library."""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any


def gradients(torch: ModuleType, way: str) -> list[Any]:
    """Return output and gradients of a small network, checkpointed in one of several ways."""
    import importlib

    checkpoint = importlib.import_module(f"{torch.__name__}.utils.checkpoint")
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(
        nn.Linear(4, 8), nn.Dropout(0.3), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3), nn.Tanh()
    )
    x = torch.randn(5, 4, requires_grad=True)
    if way == "plain":
        out = model(x)
    elif way == "sequential":
        out = checkpoint.checkpoint_sequential(model, 3, x, use_reentrant=False)
    else:
        out = checkpoint.checkpoint(model, x, use_reentrant=way == "reentrant")
    out.square().sum().backward()
    return [out, x.grad, *[p.grad for p in model.parameters()]]


def nested(torch: ModuleType, looked_at: bool) -> list[Any]:
    """Return first and second gradients through a function with several results."""
    import importlib

    checkpoint = importlib.import_module(f"{torch.__name__}.utils.checkpoint").checkpoint
    a = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    b = torch.tensor([1.5, 0.25, -0.5], requires_grad=True)

    def function(a, *, scale):
        if looked_at:
            (a * 2).sum().item()
        return a.sin() * b * scale, {"power": a.exp(), "same": b, "number": 3}

    first, others = checkpoint(function, a, scale=2.0, use_reentrant=False)
    loss = (first * others["power"] + others["same"]).sum() * others["number"]
    text = f"{loss.item():.4f}"
    (grad,) = torch.autograd.grad(loss, a, create_graph=True)
    second = torch.autograd.grad(grad.square().sum(), [a, b])
    return [text, grad.detach(), *second]


def refused(torch: ModuleType, case: int) -> Any:
    """Raise what a wrong option raises."""
    import importlib

    checkpoint = importlib.import_module(f"{torch.__name__}.utils.checkpoint").checkpoint
    options = [
        {"use_reentrant": True, "other": 3},
        {"use_reentrant": True, "debug": True},
    ][case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return checkpoint(lambda x: x * 2, torch.ones(2), **options)
