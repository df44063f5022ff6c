"""Summaries as TensorBoard's plugins read them: scalars, histograms, images, text, curves."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.plugins.pr_curve.plugin_data_pb2 import PrCurvePluginData
from tensorboard.plugins.text.plugin_data_pb2 import TextPluginData


def as_array(value: Any) -> np.ndarray:
    """Return numbers or a tensor as an array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def scalar(tag: str, value: Any, *, new_style: bool = False, double: bool = False) -> Summary:
    """Return the summary of one number.

    Raises:
        AssertionError: it is more than one.
    """
    array = as_array(value).squeeze()
    if array.ndim:
        raise AssertionError(
            "Tensor should contain one element (0 dimensions).             "
            f"Was given size: {array.size} and {array.ndim} dimensions."
        )
    if not new_style:
        return Summary(value=[Summary.Value(tag=tag, simple_value=float(array))])
    if double:
        tensor = TensorProto(dtype="DT_DOUBLE", double_val=[float(array)])
    else:
        tensor = TensorProto(dtype="DT_FLOAT", float_val=[float(array)])
    plugin = SummaryMetadata.PluginData(plugin_name="scalars")
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=metadata)])


def default_edges() -> list[float]:
    """Return the edges of histograms: powers of 1.1, mirrored at 0."""
    positive = []
    edge = 1e-12
    while edge < 1e20:
        positive.append(edge)
        edge *= 1.1
    return [*[-each for each in reversed(positive)], 0.0, *positive]


def histogram(tag: str, values: Any, bins: Any, max_bins: int | None) -> Summary:
    """Return the summary of how values are distributed.

    Raises:
        ValueError: there is none.
    """
    array = as_array(values).astype(float).reshape(-1)
    if array.size == 0:
        raise ValueError("The input has no element.")
    counts, limits = np.histogram(array, bins=default_edges() if bins == "tensorflow" else bins)
    if max_bins is not None and len(counts) > max_bins:
        together = len(counts) // max_bins
        rest = -len(counts) % together
        counts = np.pad(counts, (0, rest)).reshape(-1, together).sum(-1)
        last = limits[-1]
        limits = limits[:-1][::together]
        limits = np.append(limits, last)
    # TensorBoard wants an empty bin before the first that is not, and none after the last.
    occupied = np.flatnonzero(counts)
    first, end = int(occupied[0]), int(occupied[-1]) + 1
    kept = list(counts[first:end])
    edges = list(limits[first : end + 1])
    if first > 0:
        kept, edges = [0, *kept], [*edges]
    else:
        kept = [0, *kept]
    proto = HistogramProto(
        min=array.min(),
        max=array.max(),
        num=len(array),
        sum=array.sum(),
        sum_squares=array.dot(array),
        bucket_limit=[float(edge) for edge in edges],
        bucket=[float(count) for count in kept],
    )
    return Summary(value=[Summary.Value(tag=tag, histo=proto)])


def as_pictures(value: Any, dataformats: str) -> np.ndarray:
    """Return an image, or images side by side in a grid, as height, width, channels."""
    array = as_array(value)
    letters = dataformats.upper()
    if array.ndim != len(letters):
        raise AssertionError(
            f"size of input tensor and input format are different.         "
            f"tensor shape: {array.shape}, input_format: {dataformats}"
        )
    if "N" in letters:
        array = np.transpose(array, [letters.index(each) for each in "NHWC"])
        count, height, width, channels = array.shape
        columns = min(count, 8)
        rows = -(-count // columns)
        grid = np.zeros((rows * height, columns * width, channels), array.dtype)
        for at in range(count):
            row, column = divmod(at, columns)
            top, left = row * height, column * width
            grid[top : top + height, left : left + width] = array[at]
        array = grid
    elif "C" in letters:
        array = np.transpose(array, [letters.index(each) for each in "HWC"])
    else:
        array = np.transpose(array, [letters.index(each) for each in "HW"])[:, :, None]
    return np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array


def image(tag: str, value: Any, dataformats: str) -> Summary:
    """Return the summary of an image: floats from 0 to 1, or bytes."""
    from PIL import Image

    array = as_pictures(value, dataformats)
    scale = 1 if array.dtype == np.uint8 else 255
    array = (array.astype(np.float32) * scale).clip(0, 255).astype(np.uint8)
    height, width, channels = array.shape
    with io.BytesIO() as output:
        Image.fromarray(array).save(output, format="PNG")
        encoded = output.getvalue()
    picture = Summary.Image(
        height=height, width=width, colorspace=channels, encoded_image_string=encoded
    )
    return Summary(value=[Summary.Value(tag=tag, image=picture)])


def text(tag: str, content: str) -> Summary:
    """Return the summary of a text in Markdown."""
    plugin = SummaryMetadata.PluginData(
        plugin_name="text", content=TextPluginData(version=0).SerializeToString()
    )
    tensor = TensorProto(
        dtype="DT_STRING",
        string_val=[content.encode("utf-8")],
        tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
    )
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary(
        value=[Summary.Value(tag=tag + "/text_summary", metadata=metadata, tensor=tensor)]
    )


def pr_curve(tag: str, labels: Any, predictions: Any, thresholds: int, weights: Any) -> Summary:
    """Return the summary of precision and recall at equally spaced thresholds."""
    thresholds = min(thresholds, 127)
    labels, predictions = as_array(labels).reshape(-1), as_array(predictions).reshape(-1)
    weights = np.ones(labels.shape) if weights is None else as_array(weights).reshape(-1)
    places = np.floor(predictions * (thresholds - 1)).astype(np.int32)
    edges = (0, thresholds - 1)
    hits = np.histogram(places, thresholds, edges, weights=labels.astype(float) * weights)[0]
    misses = np.histogram(places, thresholds, edges, weights=(1.0 - labels) * weights)[0]
    true_positive, false_positive = hits[::-1].cumsum()[::-1], misses[::-1].cumsum()[::-1]
    true_negative = false_positive[0] - false_positive
    false_negative = true_positive[0] - true_positive
    precision = true_positive / np.maximum(1e-7, true_positive + false_positive)
    recall = true_positive / np.maximum(1e-7, true_positive + false_negative)
    rows = [true_positive, false_positive, true_negative, false_negative, precision, recall]
    content = PrCurvePluginData(version=0, num_thresholds=thresholds).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name="pr_curves", content=content)
    sides = [TensorShapeProto.Dim(size=each) for each in (len(rows), thresholds)]
    tensor = TensorProto(
        dtype="DT_FLOAT",
        float_val=np.stack(rows).reshape(-1).tolist(),
        tensor_shape=TensorShapeProto(dim=sides),
    )
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])
