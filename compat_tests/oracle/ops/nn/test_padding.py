"""Padding, shuffles and distances against PyTorch, with first and second gradients."""

from __future__ import annotations

import pytest

from ...helpers.vision_programs import with_gradients

EXPRESSIONS = [
    "F.pad(image, (1, -1, 2, 0), value=2.0)",
    "F.pad(image, (-1, -2))",
    *[
        f"F.pad({given}, {sides}, {mode!r})"
        for mode in ("reflect", "replicate", "circular")
        for given, sides in (("x", (2, -1)), ("image", (1, 3, 2, 0)), ("volume", (1,) * 6))
    ],
    "F.pixel_shuffle(image, 2)",
    "F.pixel_unshuffle(image[:, :, :4], 2)",
    "F.channel_shuffle(image, 2)",
    "F.cosine_similarity(x, x.flip(0), dim=-1)",
    "F.pairwise_distance(x, x.flip(0), p=1.5)",
    "F.bilinear(x, x.flip(0), torch.ones(2, 5, 5, dtype=torch.float64) * features)",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_result_and_gradients(both, expression):
    both(with_gradients(expression), relative=1e-6, absolute=1e-7, strides=False)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_strides_of_channels_last(both, mode):
    def program(torch):
        image = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
        return torch.nn.functional.pad(image, (1, 1, 1, 1), mode)

    both(program, exact=True)
