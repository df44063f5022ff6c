"""Training in 16 bits: what products and convolutions a whole step has, read off its programs."""

from __future__ import annotations

import collections
import re

import jax
import numpy as np
import pytest

from jtorch._core import config
from jtorch._engine.execution import compilation

PRODUCT = re.compile(
    r"stablehlo\.(?:dot_general|convolution)\b.* : "
    r"\(tensor<([^>]*)>, tensor<([^>]*)>\) -> tensor<([^>]*)>"
)
HALVES = {"bfloat16": "bf16", "float16": "f16"}


@pytest.fixture
def products(monkeypatch):
    """Return a counter of the element types of products, lowered for a GPU from here on."""
    found: collections.Counter = collections.Counter()
    lower = compilation._lower

    def noted(program, arguments, device):
        if device.type == "cpu":
            return lower(program, arguments, device)
        traced = jax.jit(program.function).trace(*arguments)
        text = traced.lower(lowering_platforms=("cuda",)).as_text()
        kinds = [tuple(each.split("x")[-1] for each in match) for match in PRODUCT.findall(text)]
        assert len(kinds) == text.count("stablehlo.dot_general") + text.count(
            "stablehlo.convolution"
        )
        found.update(kinds)
        return lower(program, arguments, device)

    monkeypatch.setattr(config, "EXECUTION", "compile")
    monkeypatch.setattr(compilation, "_lower", noted)
    monkeypatch.setattr(compilation, "_digest", lambda *_: None)
    return found


def perceptron(nn):
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def convolutional(nn):
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3, stride=2, groups=2), nn.ConvTranspose2d(8, 4, 2, stride=2)),
        *(
            nn.Flatten(2),
            nn.Conv1d(4, 3, 3),
            nn.Unflatten(2, (1, 2, 17)),
            nn.Conv3d(3, 2, (1, 2, 3)),
        ),
        *(nn.Flatten(), nn.Linear(30, 3)),
    )


def transformer(dropout):
    def make(nn):
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout, batch_first=True)
        return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    return make


MODELS = {
    "MLP": (perceptron, (5, 6), 6),
    "CNN": (convolutional, (2, 3, 8, 8), 18),
    "transformer": (transformer(0.0), (2, 5, 8), 36),
    "transformer with dropout": (transformer(0.1), (2, 5, 8), 36),
}


@pytest.mark.parametrize(
    ("dtype", "amp"), [("bfloat16", True), ("bfloat16", False), ("float16", True)]
)
@pytest.mark.parametrize("name", list(MODELS))
def test_a_step_multiplies_16_bits(torch, device, products, name, amp, dtype):
    make, shape, count = MODELS[name]
    own = getattr(torch, dtype)
    model, x = make(torch.nn), torch.arange(float(np.prod(shape))).reshape(shape).sin()
    if not amp:
        model, x = model.to(own), x.to(own)
    model, x = model.to(device), x.to(device).requires_grad_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.cuda.synchronize()
    products.clear()
    with torch.autocast("cuda", own, enabled=amp):
        loss = model(x).float().square().mean()
    loss.backward()
    optimizer.step()
    assert loss.isfinite().item() and x.grad.isfinite().all().item()
    torch.cuda.synchronize()
    half = HALVES[dtype]
    assert {kind[:2] for kind in products} == {(half, half)}, products
    assert products.total() == count, products


ADDENDS = {
    "addmm": ((4,), (3, 5), (5, 4)),
    "addmv": ((1,), (3, 5), (5,)),
    "baddbmm": ((2, 1, 4), (2, 3, 5), (2, 5, 4)),
    "addbmm": ((3, 1), (2, 3, 5), (2, 5, 4)),
}


def wave(torch, shape, start):
    return (torch.arange(float(np.prod(shape))) * 0.37 + start).sin().reshape(shape)


@pytest.mark.parametrize("factors", [{}, {"beta": 0.5, "alpha": 3.0}, {"beta": 0}])
@pytest.mark.parametrize("name", list(ADDENDS))
def test_gradients_of_products_with_an_addend(torch, device, products, name, factors):
    def run(where, dtype):
        operands = [
            wave(torch, shape, start).to(torch.bfloat16).to(where, dtype).requires_grad_()
            for start, shape in enumerate(ADDENDS[name])
        ]
        result = getattr(torch, name)(*operands, **factors)
        upstream = wave(torch, tuple(result.shape), 5).to(torch.bfloat16).to(where, dtype)
        gradients = torch.autograd.grad(result, operands, upstream, create_graph=True)
        second = torch.autograd.grad(sum(each.sum() for each in gradients[1:]), operands[1:])
        return [each.detach().cpu().double() for each in (result, *gradients, *second)]

    exact = run("cpu", torch.float64)
    products.clear()
    found = run(device, torch.bfloat16)
    kinds = {kind[:2] for kind in products}
    assert kinds == {("bf16", "bf16")}
    for own, wanted in zip(found, exact, strict=True):
        # A unit in the last place of bfloat16, twice where alpha multiplies a rounded product.
        torch.testing.assert_close(own, wanted, rtol=2**-7, atol=2**-6)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("transposed", [False, True])
def test_gradients_of_convolutions(torch, device, products, rank, transposed):
    name = f"conv{'_transpose' if transposed else ''}{rank}d"

    def run(where, dtype):
        shapes = ((2, 4, *(6,) * rank), (4, 2, *(3,) * rank), (4,))
        operands = [
            wave(torch, shape, start).to(torch.bfloat16).to(where, dtype).requires_grad_()
            for start, shape in enumerate(shapes)
        ]
        result = getattr(torch.nn.functional, name)(*operands, stride=2, padding=1, groups=2)
        upstream = wave(torch, tuple(result.shape), 5).to(torch.bfloat16).to(where, dtype)
        gradients = torch.autograd.grad(result, operands, upstream, create_graph=True)
        second = torch.autograd.grad(sum(each.sum() for each in gradients[:2]), operands[:2])
        return [each.detach().cpu().double() for each in (result, *gradients, *second)]

    exact = run("cpu", torch.float64)
    products.clear()
    found = run(device, torch.bfloat16)
    assert {kind[:2] for kind in products} == {("bf16", "bf16")}
    for own, wanted in zip(found, exact, strict=True):
        scale = wanted.abs().max().item()
        torch.testing.assert_close(own, wanted, rtol=2**-7, atol=scale * 2**-7)


@pytest.mark.parametrize("masked", ["", "bool", "float", "causal"])
@pytest.mark.parametrize("shapes", [((2, 3, 4, 5), (2, 3, 6, 5)), ((3, 4, 5), (1, 6, 5))])
def test_attention(torch, device, products, masked, shapes):
    def run(where, dtype):
        given = [
            wave(torch, shape, start).to(torch.bfloat16).to(where, dtype).requires_grad_()
            for start, shape in enumerate((*shapes, shapes[1]))
        ]
        mask = None
        if masked in ("bool", "float"):
            mask = torch.arange(6) < torch.tensor([2, 6, 4, 5])[:, None]
            if masked == "float":
                mask = (wave(torch, (4, 6), 3).to(torch.bfloat16)).to(dtype)
            mask = mask.to(where)
        result = torch.nn.functional.scaled_dot_product_attention(
            *given, mask, is_causal=masked == "causal", scale=-0.7
        )
        upstream = wave(torch, tuple(result.shape), 5).to(torch.bfloat16).to(where, dtype)
        gradients = torch.autograd.grad(result, given, upstream, create_graph=True)
        second = torch.autograd.grad(sum(each.sum() for each in gradients), given)
        return [each.detach().cpu().double() for each in (result, *gradients, *second)]

    exact = run("cpu", torch.float64)
    products.clear()
    found = run(device, torch.bfloat16)
    assert {kind[:2] for kind in products} == {("bf16", "bf16")}
    for own, wanted in zip(found, exact, strict=True):
        scale = wanted.abs().max().item()
        torch.testing.assert_close(own, wanted, rtol=2**-6, atol=scale * 2**-6)
