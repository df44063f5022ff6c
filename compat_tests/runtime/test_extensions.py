"""The operators of extensions that jtorch has itself: torchvision's and torchaudio's.

The extensions are not installed: files of their names stand in for them, which are never read.
"""

from __future__ import annotations

import numpy as np
import pytest

import jtorch as torch


@pytest.fixture(scope="module", autouse=True)
def _extensions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    for place in ("torchvision/_C.so", "torchaudio/lib/_torchaudio.so"):
        (folder / place).parent.mkdir(parents=True)
        (folder / place).touch()
        torch.ops.load_library(folder / place)


def test_others_are_refused(tmp_path):
    (tmp_path / "_C.so").touch()
    with pytest.raises(OSError, match="Could not load this library"):
        torch.ops.load_library(tmp_path / "_C.so")
    with pytest.raises(OSError, match="Could not load this library"):
        torch.ops.load_library("/nowhere/torchvision/_C.so")


def test_nms_keeps_the_best_of_boxes_that_overlap():
    boxes = torch.tensor([[0.0, 0, 4, 4], [1, 0, 5, 4], [6, 6, 8, 8], [0, 0, 4, 3]])
    scores = torch.tensor([0.5, 0.9, 0.1, 0.5])
    # Intersections over unions: 12/20 of the first two, 12/16 of the first and last, 9/19 else.
    for threshold, kept in ((0.4, [1, 2]), (0.5, [1, 3, 2]), (0.7, [1, 0, 2]), (0.8, [1, 0, 3, 2])):
        assert torch.ops.torchvision.nms(boxes, scores, threshold).tolist() == kept
    assert torch.ops.torchvision.nms(boxes[:0], scores[:0], 0.5).tolist() == []


def _region_by_hand(image, box, scale, bins, ratio, aligned):
    """Average samples one by one."""
    left, top, right, bottom = (side * scale - (0.5 if aligned else 0) for side in box)
    sizes = [bottom - top, right - left]
    if not aligned:
        sizes = [max(size, 1) for size in sizes]
    steps = [size / count for size, count in zip(sizes, bins)]
    counts = [ratio if ratio > 0 else int(np.ceil(step)) for step in steps]
    height, width = image.shape[1:]

    def sample(y, x):
        if not (-1 <= y <= height and -1 <= x <= width):
            return np.zeros(image.shape[0])
        y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
        i, j = int(y), int(x)
        k, m = min(i + 1, height - 1), min(j + 1, width - 1)
        upper = image[:, i, j] * (1 - (x - j)) + image[:, i, m] * (x - j)
        lower = image[:, k, j] * (1 - (x - j)) + image[:, k, m] * (x - j)
        return upper * (1 - (y - i)) + lower * (y - i)

    result = np.zeros((image.shape[0], *bins))
    for row in range(bins[0]):
        for column in range(bins[1]):
            samples = [
                sample(
                    top + (row + (i + 0.5) / counts[0]) * steps[0],
                    left + (column + (j + 0.5) / counts[1]) * steps[1],
                )
                for i in range(counts[0])
                for j in range(counts[1])
            ]
            result[:, row, column] = np.mean(samples, axis=0)
    return result


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("ratio", [2, -1])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_roi_align_averages_samples(aligned, ratio, scale):
    torch.manual_seed(0)
    image = torch.randn(2, 3, 9, 11, dtype=torch.float64)
    boxes = [[1, 1.5, 2.0, 8.0, 7.0], [0, -3.0, 1.0, 5.5, 20.0], [1, 2.0, 2.0, 2.3, 2.2]]
    regions = torch.tensor(boxes, dtype=torch.float64)
    found = torch.ops.torchvision.roi_align(image, regions, scale, 2, 3, ratio, aligned)
    for result, (number, *box) in zip(found, boxes):
        expected = _region_by_hand(image[number].numpy(), box, scale, (2, 3), ratio, aligned)
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_roi_align_has_a_gradient_and_takes_no_regions():
    image = torch.ones(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    regions = torch.tensor([[0.0, 0, 0, 3, 3]], dtype=torch.float64)
    torch.ops.torchvision.roi_align(image, regions, 1.0, 1, 1, 3, False).sum().backward()
    # Sampled at 0.5, 1.5 and 2.5: elements 1 and 2 are in two samples of an axis by halves.
    axis = np.array([1, 2, 2, 1]) / 6
    np.testing.assert_allclose(image.grad[0, 0].numpy(), np.outer(axis, axis), rtol=1e-12)
    empty = torch.ops.torchvision.roi_align(image, regions[:0], 1.0, 2, 2, 1, True)
    assert empty.shape == (0, 1, 2, 2)


def test_a_recursive_filter_runs_into_its_output():
    signal = torch.tensor([[[1.0, 0, 0, 0]]])
    output = torch.zeros(1, 1, 6)
    weights = torch.tensor([[-0.25, 0.5, 1.0]])  # of y[t - 2], y[t - 1], y[t]
    torch.ops.torchaudio._lfilter_core_loop(signal, weights, output)
    assert output.flatten().tolist() == [0, 0, 1, -0.5, 0.5, -0.375]


def test_overdrive_mixes_a_signal_with_its_filtered_distortion():
    signal, distorted = torch.tensor([[2.0, 4.0]]), torch.tensor([[1.0, 3.0]])
    output = torch.zeros(1, 2)
    zeros = torch.zeros(1)
    torch.ops.torchaudio._overdrive_core_loop(signal, distorted, zeros, zeros.clone(), output)
    torch.testing.assert_close(output, torch.tensor([[1.75, 2 + 0.75 * (2 + 0.995)]]))


@pytest.mark.parametrize(
    ("space", "name"), [("torchvision", "roi_pool"), ("torchaudio", "forced_align")]
)
def test_operators_that_are_not_there_say_so(space, name):
    operator = getattr(getattr(torch.ops, space), name)
    count = len(operator.default.schema.arguments)
    numbers = [
        torch.zeros(1) if a.type == "Tensor" else 1 for a in operator.default.schema.arguments
    ]
    assert len(numbers) == count
    with pytest.raises(NotImplementedError, match=f"{space}::{name}: jtorch has not this operator"):
        operator(*numbers)
