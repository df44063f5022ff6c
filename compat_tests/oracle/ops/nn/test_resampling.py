"""Resampling and sampling at positions against PyTorch, with first and second gradients."""

from __future__ import annotations

import numpy as np
import pytest

from ...helpers.vision_programs import with_gradients

EXPRESSIONS = [
    *[
        f"F.interpolate({given}, {how}, mode={mode!r})"
        for mode, given in (
            ("nearest", "x"), ("nearest-exact", "image"), ("linear", "x"), ("bilinear", "image"),
            ("bicubic", "image"), ("trilinear", "volume"), ("nearest", "volume"),
        )
        for how in ("scale_factor=2", "scale_factor=1.7", "scale_factor=0.6", "size=4")
    ],
    *[
        f"F.interpolate({given}, size=7, mode={mode!r}, align_corners=True)"
        for mode, given in (("linear", "x"), ("bilinear", "image"), ("bicubic", "image"))
    ],
    *[
        f"F.interpolate(image, size=(3, 8), mode={mode!r}, antialias=True)"
        for mode in ("bilinear", "bicubic", "lanczos")
    ],
    *[
        f"F.grid_sample(image, grid, {mode!r}, {padding!r}, align_corners={corners})"
        for mode in ("bilinear", "bicubic")
        for padding in ("zeros", "border", "reflection")
        for corners in (True, False)
    ],
    "F.grid_sample(image, F.affine_grid(x[:, :2, :3], (2, 1, 4, 3), align_corners=False), "
    "'nearest', align_corners=False)",
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_result_and_gradients(both, expression):
    both(with_gradients(expression), relative=1e-6, absolute=1e-7, strides=False)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_positions_of_float32(both, mode):
    def program(torch):
        image = torch.randn(1, 3, 13, 29).contiguous(memory_format=torch.channels_last)
        resample = torch.nn.functional.interpolate
        return [resample(image, scale_factor=factor, mode=mode) for factor in (1.37, 0.71, 3.3)]

    both(program, relative=1e-5, absolute=1e-5)


@pytest.mark.parametrize("factor", [1.37, 0.71, 3.3])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("mode", "spatial"), [("linear", 1), ("trilinear", 3)])
def test_halves_are_weighted_by_halves(mode, spatial, dtype, factor):
    import torch

    import jtorch

    torch.manual_seed(0)
    data = torch.randn(1, 3, *(5, 6, 7)[:spatial]).numpy()

    def resampled(library):
        image = library.from_numpy(data).to(getattr(library, dtype))
        result = library.nn.functional.interpolate(image, scale_factor=factor, mode=mode)
        return result.double().numpy()

    expected, found = resampled(torch), resampled(jtorch)
    # PyTorch's kernels for processors with and without fused multiply-add differ where a sum lies
    # between two halves: one element of 1296. Unrounded weights would change most elements.
    differing = expected != found
    unit = torch.finfo(getattr(torch, dtype)).eps
    assert np.mean(differing) <= 0.002
    np.testing.assert_allclose(found, expected, rtol=unit, atol=0)
