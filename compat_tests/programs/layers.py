"""What the usual layers compute from fixed weights, and the gradients they pass on."""

import torch
from torch import nn
from torch.nn import functional


def ramp(*shape):
    """Return a tensor of exactly representable numbers between -1 and 1."""
    count = torch.Size(shape).numel()
    return ((torch.arange(count) % 17 - 8) / 8.0).view(shape)


def filled(module):
    """Give every parameter such numbers."""
    for parameter in module.parameters():
        parameter.data = ramp(*parameter.shape)
    return module


def show(name, module, *inputs):
    """Print shape, mean and largest value of a module's output, and of its input's gradient."""
    inputs = [x.requires_grad_() if x.is_floating_point() else x for x in inputs]
    output = filled(module)(*inputs)
    output = output[0] if isinstance(output, tuple) else output
    (output * ramp(*output.shape)).sum().backward()
    print(f"{name} {tuple(output.shape)} {output.mean():.4f} {output.abs().max():.3f}", end="")
    for x in inputs:
        if x.grad is not None:
            print(f" grad {x.grad.abs().mean():.4f} {x.grad.abs().max():.3f}", end="")
    print(f" {output.grad_fn.name()}")


show("Linear", nn.Linear(4, 3), ramp(2, 4))
show("Bilinear", nn.Bilinear(2, 3, 2), ramp(2, 2), ramp(2, 3))
show("Conv1d", nn.Conv1d(2, 3, 3, stride=2), ramp(1, 2, 9))
show("Conv2d", nn.Conv2d(2, 4, 3, padding=1, groups=2), ramp(2, 2, 6, 6))
show("dilated", nn.Conv2d(1, 2, 2, dilation=2), ramp(1, 1, 5, 5))
show("transposed", nn.ConvTranspose2d(2, 1, 3, stride=2, output_padding=1), ramp(1, 2, 3, 3))
show("MaxPool2d", nn.MaxPool2d(2), ramp(1, 2, 4, 4))
show("AvgPool2d", nn.AvgPool2d(3, stride=1, padding=1), ramp(1, 1, 4, 4))
show("adaptive", nn.AdaptiveAvgPool2d(2), ramp(1, 2, 5, 5))
show("BatchNorm2d", nn.BatchNorm2d(2), ramp(2, 2, 3, 3))
show("LayerNorm", nn.LayerNorm(4), ramp(3, 4))
show("GroupNorm", nn.GroupNorm(2, 4), ramp(1, 4, 3))
show("Embedding", nn.Embedding(5, 3), torch.tensor([[0, 4], [2, 2]]))
show("RNN", nn.RNN(3, 4), ramp(5, 2, 3))
show("LSTM", nn.LSTM(3, 4, batch_first=True, bidirectional=True), ramp(2, 5, 3))
show("GRU", nn.GRU(3, 4, num_layers=2), ramp(5, 2, 3))
show("Upsample", nn.Upsample(scale_factor=2, mode="bilinear"), ramp(1, 1, 3, 3))
show("PReLU", nn.PReLU(), ramp(2, 3))
for activation in (nn.ReLU(), nn.LeakyReLU(0.1), nn.ELU(), nn.GELU(), nn.SiLU(), nn.Sigmoid(),
                   nn.Tanh(), nn.Softplus(), nn.Hardtanh(), nn.Mish(), nn.Softmax(-1)):  # fmt: skip
    show(type(activation).__name__, activation, ramp(2, 8))

attention = filled(nn.MultiheadAttention(4, 2, batch_first=True)).eval()
output, weights = attention(ramp(1, 3, 4), ramp(1, 3, 4), ramp(1, 3, 4))
print(output, weights.sum(-1).round(decimals=4))
encoder = filled(nn.TransformerEncoderLayer(4, 2, dim_feedforward=8, batch_first=True)).eval()
print(encoder(ramp(1, 3, 4)).shape)

scores, classes = ramp(4, 3), torch.tensor([0, 2, 1, 1])
print(functional.cross_entropy(scores, classes), functional.nll_loss(scores, classes))
print(functional.cross_entropy(scores, classes, label_smoothing=0.1, reduction="none"))
print(functional.mse_loss(scores, scores * 2), functional.l1_loss(scores, scores * 2))
print(functional.binary_cross_entropy_with_logits(scores, (scores > 0).float()))
print(
    functional.smooth_l1_loss(scores, scores * 3),
    functional.kl_div(scores, scores.softmax(1), reduction="sum"),
)
print(functional.one_hot(classes, 4), functional.pad(ramp(1, 2), (1, 1), value=9))
print(functional.cosine_similarity(ramp(2, 3), ramp(2, 3) + 1))
print(functional.normalize(ramp(2, 2)), functional.interpolate(ramp(1, 1, 2), scale_factor=2))
