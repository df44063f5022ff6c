"""The operators of torchvision's extension, in place of its compiled ones.

The extension is written for PyTorch's own memory; who asks to load it gets these. Non-maximum
suppression and the pooling of regions are here, the others refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

import jtorch as torch

from . import operators
from .schemas import parse

_SIZES = "SymInt batch_size, SymInt channels, SymInt height, SymInt width"
_BINS = "float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_STEPS = (
    "SymInt stride_h, SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, "
    "SymInt dilation_w, SymInt groups, SymInt offset_groups, bool use_mask"
)
_FIVE = "Tensor, Tensor, Tensor, Tensor, Tensor"
_REFUSED = (
    f"roi_pool(Tensor input, Tensor rois, {_BINS}) -> (Tensor, Tensor)",
    f"_roi_pool_backward(Tensor grad, Tensor rois, Tensor argmax, {_BINS}, {_SIZES}) -> Tensor",
    f"ps_roi_pool(Tensor input, Tensor rois, {_BINS}) -> (Tensor, Tensor)",
    f"_ps_roi_pool_backward(Tensor grad, Tensor rois, Tensor channel_mapping, {_BINS}, {_SIZES})"
    " -> Tensor",
    f"ps_roi_align(Tensor input, Tensor rois, {_BINS}, int sampling_ratio) -> (Tensor, Tensor)",
    f"_ps_roi_align_backward(Tensor grad, Tensor rois, Tensor channel_mapping, {_BINS}, "
    f"int sampling_ratio, {_SIZES}) -> Tensor",
    f"_roi_align_backward(Tensor grad, Tensor rois, {_BINS}, {_SIZES}, int sampling_ratio, "
    "bool aligned) -> Tensor",
    "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, "
    f"{_STEPS}) -> Tensor",
    "_deform_conv2d_backward(Tensor grad, Tensor input, Tensor weight, Tensor offset, "
    f"Tensor mask, Tensor bias, {_STEPS}) -> ({_FIVE})",
    "box_iou_rotated(Tensor boxes1, Tensor boxes2) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qroi_align(Tensor input, Tensor rois, float input_scale, int input_zero_point, "
    f"float rois_scale, int rois_zero_point, {_BINS}, int sampling_ratio, bool aligned) -> Tensor",
)


def _cuda_version() -> int:
    """Return -1: the operators were compiled for no version of CUDA."""
    return -1


def nms(dets: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Non-maximum suppression: keep boxes from the best score on, each that overlaps no kept one.

    Args:
        dets: boxes ``(x1, y1, x2, y2)``, ``(N, 4)``.
        scores: ``(N,)``.
        iou_threshold: intersection over union above which two boxes overlap.
    Returns:
        The indices that are kept, by falling score, int64.
    """
    boxes = dets.detach().cpu().numpy()
    left, top, right, bottom = boxes.T
    areas = (right - left) * (bottom - top)
    order = scores.detach().sort(descending=True, stable=True).indices.cpu().numpy()
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        width = np.minimum(right[best], right[order]) - np.maximum(left[best], left[order])
        height = np.minimum(bottom[best], bottom[order]) - np.maximum(top[best], top[order])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            order = order[~(shared / (areas[best] + areas[order] - shared) > iou_threshold)]
    return torch.tensor(np.array(kept, dtype=np.int64), device=dets.device)


def _mean_of_samples(
    starts: np.ndarray, ends: np.ndarray, pooled: int, size: int, ratio: int, aligned: bool
) -> np.ndarray:
    """Return the weights ``(K, pooled, size)`` that make elements of an axis the means of bins.

    A bin is sampled at ``ratio`` points (at one an element where that is not positive), each
    interpolated linearly between two elements; points beyond the border by more than one are 0.
    """
    lengths = ends - starts
    if not aligned:
        lengths = np.maximum(lengths, 1)
    weights = np.zeros((len(starts), pooled, size), starts.dtype)
    for weight, start, length in zip(weights, starts, lengths):
        step = length / pooled
        count = ratio if ratio > 0 else int(np.ceil(step))
        if count <= 0:
            continue
        offsets = (np.arange(count, dtype=starts.dtype) + 0.5) * step / count
        points = start + np.arange(pooled, dtype=starts.dtype)[:, None] * step + offsets
        inside = (points >= -1) & (points <= size)
        clamped = np.clip(points, 0, size - 1)
        low = clamped.astype(np.int64)
        high = np.minimum(low + 1, size - 1)
        part = (clamped - low) * inside / count
        rows = np.broadcast_to(np.arange(pooled)[:, None], low.shape)
        np.add.at(weight, (rows, low), inside / count - part)
        np.add.at(weight, (rows, high), part)
    return weights


def roi_align(
    input: torch.Tensor,
    rois: torch.Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> torch.Tensor:
    """Average bins of regions, sampled by bilinear interpolation.

    Interpolation and mean are linear in each axis: a region is ``rows @ input @ columns.T``.

    Args:
        input: ``(N, C, H, W)``.
        rois: ``(K, 5)``, the index of the image and a box ``(x1, y1, x2, y2)``.
        spatial_scale: from the units of the boxes to elements.
        pooled_height: bins of a column.
        pooled_width: bins of a row.
        sampling_ratio: points a bin and axis; one an element where it is not positive.
        aligned: whether elements lie at the middle of their cells.
    Returns:
        ``(K, C, pooled_height, pooled_width)``; gradients flow to ``input``.
    """
    regions = rois.detach().cpu().numpy()
    image = regions[:, 0].astype(np.int64)
    left, top, right, bottom = (regions[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)).T
    height, width = input.shape[2:]
    rows = _mean_of_samples(top, bottom, pooled_height, height, sampling_ratio, aligned)
    columns = _mean_of_samples(left, right, pooled_width, width, sampling_ratio, aligned)
    parts, places = [], []
    for number in np.unique(image):
        chosen = np.flatnonzero(image == number)
        by_row, by_column = (
            torch.from_numpy(weights[chosen]).to(input) for weights in (rows, columns)
        )
        picture = input[int(number)]
        parts.append(torch.einsum("kph,chw,kqw->kcpq", by_row, picture, by_column))
        places.append(chosen)
    if not parts:
        return input.new_zeros((0, input.shape[1], pooled_height, pooled_width))
    back = np.argsort(np.concatenate(places))
    return torch.cat(parts)[torch.from_numpy(back).to(input.device)]


def define_one(namespace: str, schema: str, function: Callable | None = None) -> None:
    """Define an operator of an extension.

    Args:
        namespace: of the extension.
        schema: the operator's.
        function: what it does; without one it refuses.
    """
    parsed = parse(schema)

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(f"{namespace}::{parsed.name}: jtorch has not this operator")

    operator = operators.define(namespace, parsed)
    operator.kernels[operators.COMPOSITE] = function or refuse


def define() -> None:
    """Make the operators those of ``torch.ops.torchvision``."""
    define_one("torchvision", "_cuda_version() -> int", _cuda_version)
    define_one("torchvision", "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor", nms)
    define_one(
        "torchvision",
        f"roi_align(Tensor input, Tensor rois, {_BINS}, int sampling_ratio, bool aligned)"
        " -> Tensor",
        roi_align,
    )
    for schema in _REFUSED:
        define_one("torchvision", schema)
