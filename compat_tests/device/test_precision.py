"""TF32 and determinism: what scripts set is what XLA is told, read off the lowered programs."""

from __future__ import annotations

import pytest

from jtorch._engine.execution import compilation


@pytest.fixture
def lowered(monkeypatch):
    """Return the list of programs that are lowered from here on, as (text, options)."""
    found = []
    lower = compilation._lower

    def noted(program, arguments, device):
        made = lower(program, arguments, device)
        found.append((made[0].as_text(), compilation.accelerator_options()))
        return made

    monkeypatch.setattr(compilation, "_lower", noted)
    monkeypatch.setattr(compilation, "_digest", lambda *_: None)
    return found


def product(torch, device, size):
    left = torch.ones(size, size, device=device, requires_grad=True)
    (left @ left.T).sum().backward()
    return left.grad.sum().item()


def precisions(found):
    text = "\n".join(each for each, _ in found)
    found.clear()
    return {word for word in ("HIGHEST", "DEFAULT") if word in text}


def test_products_are_exact_unless_tf32_is_allowed(torch, device, lowered):
    matmul = torch.backends.cuda.matmul
    assert torch.get_float32_matmul_precision() == "highest" and not matmul.allow_tf32
    assert product(torch, device, 5) == 250.0
    assert precisions(lowered) == {"HIGHEST"}
    try:
        matmul.allow_tf32 = True
        assert torch.get_float32_matmul_precision() == "high"
        product(torch, device, 5)
        assert "HIGHEST" not in precisions(lowered)
    finally:
        matmul.allow_tf32 = False
    assert product(torch, device, 6) == 432.0
    assert precisions(lowered) == {"HIGHEST"}


@pytest.mark.parametrize("word", ["high", "medium"])
def test_set_float32_matmul_precision(torch, device, lowered, word):
    try:
        torch.set_float32_matmul_precision(word)
        assert torch.backends.cuda.matmul.allow_tf32
        product(torch, device, 7)
        assert "HIGHEST" not in precisions(lowered)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert not torch.backends.cuda.matmul.allow_tf32


def test_convolutions_use_tf32_unless_it_is_forbidden(torch, device, lowered):
    images, layer = torch.ones(1, 2, 6, 6, device=device), torch.nn.Conv2d(2, 3, 3).to(device)
    layer(images).sum().item()
    assert "HIGHEST" not in precisions(lowered)
    try:
        torch.backends.cudnn.allow_tf32 = False
        layer(images).sum().item()
        assert "HIGHEST" in precisions(lowered)
    finally:
        torch.backends.cudnn.allow_tf32 = True


def test_determinism_is_an_option_of_the_compiler(torch, device, lowered):
    name = "xla_gpu_exclude_nondeterministic_ops"
    product(torch, device, 8)
    assert all(name not in options for _, options in lowered)
    lowered.clear()
    try:
        torch.backends.cudnn.deterministic = True
        product(torch, device, 8)
        assert lowered and all(options[name] for _, options in lowered)
    finally:
        torch.backends.cudnn.deterministic = False
