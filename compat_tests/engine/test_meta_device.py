"""The meta device between operators of the CPU: each of them waits for nothing and says what it is.

A trace records for one device; whatever changes it has to run what is pending first.
"""

from __future__ import annotations

import pytest

import jtorch as torch
from jtorch import nn

MODULES = [
    lambda: nn.Embedding(10, 4, padding_idx=1, device="meta"),
    lambda: nn.EmbeddingBag(10, 4, device="meta"),
    lambda: nn.Linear(3, 4, device="meta"),
    lambda: nn.Conv2d(3, 4, 2, device="meta"),
    lambda: nn.LSTM(3, 4, 2, device="meta"),
    lambda: nn.MultiheadAttention(4, 2, device="meta"),
    lambda: nn.TransformerEncoderLayer(4, 2, device="meta"),
    lambda: nn.AdaptiveLogSoftmaxWithLoss(16, 8, [2, 4], device="meta"),
    lambda: nn.BatchNorm1d(3, device="meta"),
]
INITIALISERS = [
    "uniform_", "normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
    "kaiming_normal_", "orthogonal_", "trunc_normal_", "eye_", "ones_", "zeros_",
]  # fmt: skip


def pending():
    """Return a tensor that no program has computed yet."""
    return torch.arange(2.0) * 2 + 1


@pytest.mark.parametrize("make", MODULES)
def test_modules_are_made_while_operators_of_the_cpu_are_pending(make):
    tensor = pending()
    module = make()
    assert {parameter.device.type for parameter in module.parameters()} == {"meta"}
    assert tensor.tolist() == [1, 3]


def test_modules_are_made_under_a_device_and_from_weights():
    tensor = pending()
    with torch.device("meta"):
        module = nn.Embedding(10, 4, padding_idx=1)
        added = torch.zeros(2) + 1
    assert (module.weight.device.type, added.device.type) == ("meta", "meta")
    assert nn.Embedding.from_pretrained(tensor.view(1, 2)).weight.tolist() == [[1, 3]]
    assert nn.Embedding.from_pretrained(torch.zeros(2, 2, device="meta")).weight.is_meta


@pytest.mark.parametrize("name", INITIALISERS)
def test_initialisers_draw_nothing(name):
    tensor = pending()
    state = torch.get_rng_state()
    weight = torch.empty(3, 4, device="meta")
    part = weight[1:]
    tensor = tensor + 1
    for each in (weight, part):
        assert getattr(nn.init, name)(each) is each
    assert tensor.tolist() == [2, 4]
    assert torch.equal(torch.get_rng_state(), state)


def test_views_and_gradients_of_the_cpu_go_on_after_an_operator_of_the_meta_device():
    meta = torch.zeros(2, device="meta")
    leaf = torch.ones(4, requires_grad=True)
    view = (leaf * 2)[1:3]
    meta = meta + 1
    view.sum().backward()
    assert leaf.grad.tolist() == [0, 2, 2, 0]
    tensor = torch.zeros(4)
    part = tensor[1:3]
    meta = meta + 1
    part += 1
    meta = meta + 1
    assert tensor.tolist() == [0, 1, 1, 0]
    meta = meta + 1
    part[0] = 4
    meta = meta + 1
    assert part.tolist() == [4, 1]
    layer, other = nn.Linear(2, 2, device="meta"), pending()
    output = layer(torch.ones(1, 2, device="meta")).sum()
    other = other + 1
    output.backward()
    assert layer.weight.grad.is_meta
    assert other.tolist() == [2, 4]


def test_functions_whose_results_depend_on_elements_refuse():
    meta = torch.zeros(2, device="meta")
    count = "aten::{}: attempted to run this operator with Meta tensors"
    for call, error, words in [
        (lambda: meta.nonzero(), NotImplementedError, "The register_meta function for torch.nonz"),
        (lambda: meta[meta > 0], NotImplementedError, "The register_meta function for torch.nonz"),
        (lambda: meta.equal(meta), NotImplementedError, count.format("equal")),
        (lambda: meta.unique(), NotImplementedError, count.format("_unique2")),
        (lambda: torch.bincount(meta.long()), NotImplementedError, count.format("bincount")),
        (lambda: meta.masked_select(meta > 0), NotImplementedError, count.format("masked_select")),
        (lambda: torch.allclose(meta, meta), RuntimeError, "Tensor.item() cannot be called on m"),
        (lambda: (meta[0] + 1).item(), RuntimeError, "Tensor.item() cannot be called on meta t"),
        (lambda: torch.repeat_interleave(meta.long()), RuntimeError, "cannot repeat_interleave a"),
    ]:
        with pytest.raises(error) as caught:
            call()
        assert str(caught.value).startswith(words)
    assert torch.histc(meta).shape == (100,)
    assert torch.multinomial(torch.zeros(2, 3, device="meta"), 2).shape == (2, 2)
    assert torch.linalg.inv(torch.zeros(2, 2, device="meta")).is_meta
