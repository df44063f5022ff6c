"""Summaries of TensorBoard's plugins: hyperparameters, charts, meshes, sound, graphs."""

from __future__ import annotations

import io
import json
import math
import os
import sys
import wave
from typing import Any

import numpy as np
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.versions_pb2 import VersionDef
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams_names
from tensorboard.plugins.mesh import metadata as mesh_names
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData
from tensorboard.plugins.projector.projector_config_pb2 import EmbeddingInfo, ProjectorConfig

from .summary import as_array


def _dictionary(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"parameter: {name} should be a dictionary, nothing logged.")
    return value


def _of_hparams(tag: str, **content: Any) -> Summary:
    data = plugin_data_pb2.HParamsPluginData(version=hparams_names.PLUGIN_DATA_VERSION, **content)
    plugin = SummaryMetadata.PluginData(
        plugin_name=hparams_names.PLUGIN_NAME, content=data.SerializeToString()
    )
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary(
        value=[Summary.Value(tag=tag, metadata=metadata, tensor=hparams_names.NULL_TENSOR)]
    )


def hparams(
    hparam_dict: dict[str, Any], metric_dict: dict[str, Any], domains: dict[str, list] | None
) -> tuple[Summary, Summary, Summary]:
    """Return an experiment with its hyperparameters, and the start and end of a run of it.

    Args:
        hparam_dict: numbers, texts and truth values by name.
        metric_dict: what the run came to, by name.
        domains: the values that a hyperparameter may have, where they are few.
    Raises:
        TypeError: one of them is no dictionary, or a domain does not fit its hyperparameter.
        ValueError: a hyperparameter is neither number, text, truth value nor a tensor.
    """
    values = _dictionary(hparam_dict, "hparam_dict")
    metrics = _dictionary(metric_dict, "metric_dict")
    domains = _dictionary(domains or {}, "hparam_domain_discrete")
    for name, domain in domains.items():
        same = name in values and isinstance(domain, list)
        if not same or not all(isinstance(each, type(values[name])) for each in domain):
            raise TypeError(
                f"parameter: hparam_domain_discrete[{name}] should be a list of same type as "
                f"hparam_dict[{name}]."
            )
    start = plugin_data_pb2.SessionStartInfo()
    infos = []
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, (int, float)):
            field, kind = "number_value", "DATA_TYPE_FLOAT64"
        elif isinstance(value, str):
            field, kind = "string_value", "DATA_TYPE_STRING"
        elif hasattr(value, "item"):
            field, kind, value = "number_value", "DATA_TYPE_FLOAT64", as_array(value).item()
        else:
            raise ValueError("value should be one of int, float, str, bool, or torch.Tensor")
        setattr(start.hparams[name], field, value)
        info = api_pb2.HParamInfo(name=name, type=api_pb2.DataType.Value(kind))
        for each in domains.get(name, ()):
            setattr(info.domain_discrete.values.add(), field, each)
        infos.append(info)
    names = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=name)) for name in metrics]
    experiment = api_pb2.Experiment(hparam_infos=infos, metric_infos=names)
    success = api_pb2.Status.Value("STATUS_SUCCESS")
    return (
        _of_hparams(hparams_names.EXPERIMENT_TAG, experiment=experiment),
        _of_hparams(hparams_names.SESSION_START_INFO_TAG, session_start_info=start),
        _of_hparams(
            hparams_names.SESSION_END_INFO_TAG,
            session_end_info=plugin_data_pb2.SessionEndInfo(status=success),
        ),
    )


def _chart(title: str, kind: str, tags: list[str]) -> Any:
    if kind != "Margin":
        content = layout_pb2.MultilineChartContent(tag=tags)
        return layout_pb2.Chart(title=title, multiline=content)
    assert len(tags) == 3
    series = layout_pb2.MarginChartContent.Series(value=tags[0], lower=tags[1], upper=tags[2])
    return layout_pb2.Chart(title=title, margin=layout_pb2.MarginChartContent(series=[series]))


def custom_scalars(layout: dict[str, dict[str, list]]) -> Summary:
    """Return how scalars are put together into charts.

    Args:
        layout: by category and chart, ``["Multiline", tags]`` or ``["Margin", three tags]``.
    """
    categories = [
        layout_pb2.Category(
            title=name, chart=[_chart(title, *each) for title, each in found.items()]
        )
        for name, found in layout.items()
    ]
    whole = layout_pb2.Layout(category=categories).SerializeToString()
    tensor = TensorProto(dtype="DT_STRING", string_val=[whole], tensor_shape=TensorShapeProto())
    plugin = SummaryMetadata.PluginData(plugin_name="custom_scalars")
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary(
        value=[Summary.Value(tag="custom_scalars__config__", tensor=tensor, metadata=metadata)]
    )


def mesh(tag: str, vertices: Any, colors: Any, faces: Any, config: Any) -> Summary:
    """Return points in space, with their colours and the triangles between them.

    Args:
        vertices: of shape (batch, points, 3).
        colors: of the same shape, or ``None``.
        faces: of shape (batch, triangles, 3), or ``None``.
        config: settings of Three.js, or ``None``.
    """
    parts = [
        (vertices, MeshPluginData.VERTEX, "VERTEX"),
        (faces, MeshPluginData.FACE, "FACE"),
        (colors, MeshPluginData.COLOR, "COLOR"),
    ]
    given = [part for part in parts if part[0] is not None]
    components = mesh_names.get_components_bitmask([kind for _, kind, _ in given])
    values = []
    for part, kind, word in given:
        array = as_array(part)
        settings = "{}" if config is None else json.dumps(config, sort_keys=True)
        metadata = mesh_names.create_summary_metadata(
            tag, None, kind, components, array.shape, None, json_config=settings
        )
        sizes = [TensorShapeProto.Dim(size=size) for size in array.shape]
        tensor = TensorProto(
            dtype="DT_FLOAT",
            float_val=array.reshape(-1).tolist(),
            tensor_shape=TensorShapeProto(dim=sizes),
        )
        values.append(Summary.Value(tag=f"{tag}_{word}", tensor=tensor, metadata=metadata))
    return Summary(value=values)


def audio(tag: str, sound: Any, sample_rate: int) -> Summary:
    """Return sound of one channel.

    Args:
        sound: samples in [-1, 1].
        sample_rate: samples in a second.
    """
    samples = as_array(sound).squeeze()
    if abs(samples).max() > 1:
        print("warning: audio amplitude out of range, auto clipped.")
        samples = samples.clip(-1, 1)
    assert samples.ndim == 1, "input tensor should be 1 dimensional."
    numbers = (samples * np.iinfo(np.int16).max).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(sample_rate)
        written.writeframes(numbers.tobytes())
    made = Summary.Audio(
        sample_rate=sample_rate,
        num_channels=1,
        length_frames=numbers.size,
        encoded_audio_string=file.getvalue(),
        content_type="audio/wav",
    )
    return Summary(value=[Summary.Value(tag=tag, audio=made)])


def picture_of(figure: Any, close: bool) -> np.ndarray:
    """Return what a figure of Matplotlib, or several, looks like, as (channel, height, width)."""

    def drawn(one: Any) -> np.ndarray:
        file = io.BytesIO()
        one.savefig(file, format="rgba", dpi="figure")
        width, height = (int(size * one.dpi) for size in one.get_size_inches())
        pixels = np.frombuffer(file.getvalue(), np.uint8).reshape(height, width, 4)
        shown = sys.modules.get("matplotlib.pyplot")
        if close and shown is not None:
            shown.close(one)
        return pixels[:, :, :3].transpose(2, 0, 1)

    return np.stack(list(map(drawn, figure))) if isinstance(figure, list) else drawn(figure)


def _table(rows: Any, header: list[str] | None) -> str:
    if not header:
        return "".join(f"{row}\n" for row in rows)
    assert len(header) == len(rows[0]), "len of header must be equal to the number of columns"
    return "".join("\t".join(map(str, row)) + "\n" for row in [header, *rows])


def write_embedding(
    root: str, place: str, name: str, matrix: Any, metadata: Any, header: Any, images: Any
) -> None:
    """Write points of a space for the projector, beside the event files.

    Args:
        root: the directory of the run.
        place: where in it.
        name: what the projector calls the points.
        matrix: a point a row.
        metadata: a label for each point, or a row of labels; ``None``.
        header: the names of the columns of labels; ``None``.
        images: a picture for each point, of shape (points, 3, height, width); ``None``.
    """
    folder = os.path.join(root, place)
    os.makedirs(folder, exist_ok=True)
    info = EmbeddingInfo(tensor_name=name, tensor_path=f"{place}/tensors.tsv")
    if metadata is not None:
        assert len(matrix) == len(metadata), "#labels should equal with #data points"
        with open(os.path.join(folder, "metadata.tsv"), "w", encoding="utf-8") as file:
            file.write(_table(metadata, header))
        info.metadata_path = f"{place}/metadata.tsv"
    if images is not None:
        pictures = as_array(images)
        assert len(matrix) == len(pictures), "#images should equal with #data points"
        _write_sprite(os.path.join(folder, "sprite.png"), pictures)
        info.sprite.image_path = f"{place}/sprite.png"
        info.sprite.single_image_dim.extend([pictures.shape[3], pictures.shape[2]])
    assert matrix.ndim == 2, "mat should be 2D, where mat.size(0) is the number of data points"
    with open(os.path.join(folder, "tensors.tsv"), "w", encoding="utf-8") as file:
        file.writelines("\t".join(str(each.item()) for each in row) + "\n" for row in matrix)
    from google.protobuf import text_format

    settings = text_format.MessageToString(ProjectorConfig(embeddings=[info]))
    with open(os.path.join(root, "projector_config.pbtxt"), "a", encoding="utf-8") as file:
        file.write(settings)


def _write_sprite(path: str, pictures: np.ndarray) -> None:
    """Write pictures as one that is square: rows of as many as there are rows."""
    from PIL import Image

    count, _, height, width = pictures.shape
    side = math.ceil(count**0.5)
    sheet = np.zeros((3, max(side * height, side * width), side * width))
    for place, picture in enumerate(pictures):
        row, column = divmod(place, side)
        area = np.s_[:, row * height : (row + 1) * height, column * width : (column + 1) * width]
        sheet[area] = picture
    sheet = sheet[:, : side * width]
    pixels = (sheet.transpose(1, 2, 0) * 255).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, format="PNG")


def graph(model: Any) -> GraphDef:
    """Return the graph of a module as ``torch.fx`` traces it.

    Args:
        model: the module; what it does must not depend on the values of tensors.
    """
    from ...fx import symbolic_trace
    from ...fx.node import _get_qualified_name

    traced = symbolic_trace(model)
    modules = dict(traced.named_modules())
    top = type(model).__name__
    names: dict[Any, str] = {}
    nodes = []
    for node in traced.graph.nodes:
        if node.op in ("placeholder", "output"):
            kind = "input" if node.op == "placeholder" else "output"
            names[node], operator = f"{kind}/{node.name}", "IO Node"
        elif node.op == "call_module":
            names[node] = "/".join([top, *node.target.split(".")])
            operator = type(modules[node.target]).__name__
        else:
            names[node] = f"{top}/{node.name}"
            operator = (
                node.target if isinstance(node.target, str) else _get_qualified_name(node.target)
            )
        taken = [names[each] for each in node.all_input_nodes]
        text = AttrValue(s=node.format_node().encode() if node.format_node() else b"")
        nodes.append(NodeDef(name=names[node], op=operator, input=taken, attr={"attr": text}))
    return GraphDef(node=nodes, versions=VersionDef(producer=22))
