"""Layers that normalise against PyTorch, with first and second gradients."""

from __future__ import annotations

import pytest

from ...helpers.vision_programs import with_gradients

EXPRESSIONS = [
    "F.layer_norm(x, (5,), features, features + 1)",
    "F.layer_norm(x, (6, 5))",
    "F.rms_norm(x, (5,), features)",
    "F.batch_norm(x, None, None, channels, channels + 1, True)",
    "F.batch_norm(x, channels.detach(), channels.detach() ** 2 + 1, channels, channels)",
    "F.group_norm(x, 3, channels, channels + 1)",
    "F.instance_norm(x, weight=channels, bias=channels)",
    "F.local_response_norm(image, 3)",
    "F.normalize(x, p=3.0, dim=-1)",
    "torch.native_group_norm(x, channels, channels, 2, 6, 5, 3, 1e-5)[0]",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_result_and_gradients(both, expression):
    both(with_gradients(expression), relative=1e-6, absolute=1e-7, strides=False)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_of_channels_last(both, training):
    def program(torch):
        module = torch.nn.BatchNorm2d(4, momentum=0.3).train(training)
        image = torch.randn(2, 4, 3, 5).contiguous(memory_format=torch.channels_last)
        return module(image), module.state_dict(), module(image * 2), module.running_var

    both(program, relative=1e-5, absolute=1e-6)


def test_sum_of_squares_of_halves_is_rounded(both):
    def program(torch):
        x = torch.linspace(-3, 4, 240).reshape(4, 6, 10).to(torch.bfloat16)
        return torch.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5)

    both(program, exact=True)
