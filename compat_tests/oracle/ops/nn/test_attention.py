"""Attention and transformers beside PyTorch's."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.oracle


def attend(torch, **options):
    torch.manual_seed(0)
    q, k, v = [torch.randn(2, 2, n, 4, requires_grad=True) for n in (3, 5, 5)]
    result = torch.nn.functional.scaled_dot_product_attention(q, k, v, **options)
    result.sin().sum().backward()
    return result, q.grad, k.grad, v.grad


@pytest.mark.parametrize(
    "options", [{}, {"is_causal": True}, {"dropout_p": 0.4}, {"scale": -0.2}, {"dropout_p": 1.0}]
)
def test_attention(both, options):
    both(lambda torch: attend(torch, **options))


def transform(torch, training, **options):
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, **options)
    encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=not training)
    encoder.train(training)
    x = torch.randn(2, 4, 8)
    padding = torch.tensor([[False, False, True, True], [False, False, False, False]])
    with torch.set_grad_enabled(training):
        return encoder(x, src_key_padding_mask=padding)


# PyTorch warns, once, that its nested tensors are a prototype; there are none here.
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("training", [True, False])
def test_encoders(both, training):
    both(lambda torch: transform(torch, training))


def test_transformers(both):
    def run(torch):
        torch.manual_seed(0)
        model = torch.nn.Transformer(8, 2, 1, 1, 16)
        mask = model.generate_square_subsequent_mask(3)
        return model(torch.randn(4, 2, 8), torch.randn(3, 2, 8), tgt_mask=mask), str(model)

    both(run)
