"""``SummaryWriter``: what TensorBoard's own reader finds in the files."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest

INSTALLED = importlib.util.find_spec("tensorboard") is not None
needs_tensorboard = pytest.mark.skipif(not INSTALLED, reason="the package tensorboard is missing")


def _values(directory):
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    (path,) = pathlib.Path(directory).glob("events*")
    events = LegacyEventFileLoader(str(path)).Load()
    return [(event.step, value) for event in events for value in event.summary.value]


@pytest.mark.skipif(INSTALLED, reason="the package tensorboard is installed")
def test_without_the_package_the_import_says_so():
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'tensorboard'$"):
        importlib.import_module("jtorch.utils.tensorboard")


@needs_tensorboard
def test_numbers_texts_and_a_step(torch, tmp_path):
    from jtorch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", torch.tensor([1.5], requires_grad=True), 3)
        writer.add_text("note", "hello", 4)
        writer.add_scalars("both", {"a": 1, "b": 2.5}, 5)
        with pytest.raises(AssertionError, match="one element"):
            writer.add_scalar("loss", torch.ones(2))
        with pytest.raises(NotImplementedError, match=r"SummaryWriter.add_video is not supported"):
            writer.add_video(None)
    (step, loss), (at, note) = _values(tmp_path)
    assert (step, loss.tag, loss.simple_value) == (3, "loss", 1.5)
    assert (at, note.tag, note.tensor.string_val[0]) == (4, "note/text_summary", b"hello")
    assert [value.simple_value for _, value in _values(tmp_path / "both_b")] == [2.5]


@needs_tensorboard
def test_a_histogram_counts_every_element(torch, tmp_path):
    from jtorch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("h", torch.tensor([1.0, 2.0, 2.0, 4.0]), 1, bins=3)
        with pytest.raises(ValueError, match=r"^The input has no element.$"):
            writer.add_histogram("h", torch.ones(0))
    ((_, value),) = _values(tmp_path)
    found = value.histo
    assert (found.min, found.max, found.num, found.sum) == (1.0, 4.0, 4.0, 9.0)
    assert found.sum_squares == 25.0
    assert list(found.bucket) == [0.0, 1.0, 2.0, 1.0]
    assert list(found.bucket_limit) == [1.0, 2.0, 3.0, 4.0]


@needs_tensorboard
def test_images_are_laid_out_in_a_grid(torch, tmp_path):
    pytest.importorskip("PIL")
    from jtorch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        writer.add_image("one", torch.zeros(3, 5, 7))
        writer.add_images("many", torch.zeros(10, 1, 2, 3))
    (_, one), (_, many) = _values(tmp_path)
    assert (one.image.height, one.image.width, one.image.colorspace) == (5, 7, 3)
    assert (many.image.height, many.image.width, many.image.colorspace) == (4, 24, 3)


@needs_tensorboard
def test_precision_and_recall(torch, tmp_path):
    from jtorch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        labels, predictions = torch.tensor([0, 1, 1]), torch.tensor([0.1, 0.9, 0.4])
        writer.add_pr_curve("curve", labels, predictions, num_thresholds=3)
    ((_, value),) = _values(tmp_path)
    numbers = list(value.tensor.float_val)
    # Thresholds 0, 0.5 and 1; predictions fall on 0, 0.5 and 0 of them.
    assert numbers[:3] == [2.0, 1.0, 0.0]
    assert numbers[3:6] == [1.0, 0.0, 0.0]
    assert numbers[12:15] == pytest.approx([2 / 3, 1.0, 0.0])
    assert numbers[15:] == [1.0, 0.5, 0.0]


@needs_tensorboard
def test_hyperparameters_and_what_they_came_to(torch, tmp_path):
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    from jtorch.utils.tensorboard import SummaryWriter

    given = {"rate": 0.1, "size": torch.tensor(3), "kind": "adam", "nesterov": True, "none": None}
    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams(given, {"loss": 0.5}, {"kind": ["adam", "sgd"]}, run_name="one")
        with pytest.raises(TypeError, match="should be a list of same type as hparam_dict"):
            writer.add_hparams({"rate": 0.1}, {}, {"rate": ["fast"]})
        with pytest.raises(TypeError, match=r"^hparam_dict and metric_dict should be dictionary"):
            writer.add_hparams([], {})
        with pytest.raises(ValueError, match="value should be one of int, float, str, bool, or"):
            writer.add_hparams({"layers": [1, 2]}, {})
    found = {value.tag: value for _, value in _values(tmp_path / "one")}
    assert found["loss"].simple_value == 0.5
    data = [
        HParamsPluginData.FromString(value.metadata.plugin_data.content)
        for tag, value in found.items()
        if tag.startswith("_hparams_/")
    ]
    experiment, start, end = data
    assert [each.name for each in experiment.experiment.hparam_infos] == [*given][:4]
    kinds = experiment.experiment.hparam_infos[2].domain_discrete.values
    assert [value.string_value for value in kinds] == ["adam", "sgd"]
    values = start.session_start_info.hparams
    assert values["rate"].number_value == 0.1 and values["size"].number_value == 3
    assert values["kind"].string_value == "adam" and values["nesterov"].number_value == 1
    assert end.session_end_info.status == 1


@needs_tensorboard
def test_points_for_the_projector(torch, tmp_path):
    pytest.importorskip("PIL")
    from jtorch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        points, pictures = torch.arange(6.0).view(3, 2), torch.ones(3, 3, 4, 5)
        writer.add_embedding(points, ["a", "b", "c"], pictures, global_step=7, tag="x/y")
        writer.add_embedding(points, [["a", 1]] * 3, metadata_header=["name", "count"])
        with pytest.raises(AssertionError, match="#labels should equal with #data points"):
            writer.add_embedding(points, ["a"], tag="wrong")
    folder = tmp_path / "00007" / "x%2fy"
    assert (folder / "tensors.tsv").read_text() == "0.0\t1.0\n2.0\t3.0\n4.0\t5.0\n"
    assert (folder / "metadata.tsv").read_text() == "a\nb\nc\n"
    assert (tmp_path / "00000/default/metadata.tsv").read_text() == "name\tcount\n" + "a\t1\n" * 3
    settings = (tmp_path / "projector_config.pbtxt").read_text()
    assert settings.startswith('embeddings {\n  tensor_name: "x/y:00007"\n')
    assert settings.count("embeddings {") == 2 and "single_image_dim: 5" in settings
    from PIL import Image

    with Image.open(folder / "sprite.png") as sprite:
        assert sprite.size == (10, 10)


@needs_tensorboard
def test_the_graph_of_a_module(torch, tmp_path):
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from jtorch.utils.tensorboard import SummaryWriter

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())

        def forward(self, x):
            return torch.add(self.body(x), x)

    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(Net(), torch.ones(1, 2))
    (path,) = tmp_path.glob("events*")
    found = [
        event.graph_def for event in LegacyEventFileLoader(str(path)).Load() if event.graph_def
    ]
    nodes = GraphDef.FromString(found[0]).node
    assert [(node.name, node.op, list(node.input)) for node in nodes] == [
        ("input/x", "IO Node", []),
        ("Net/body/0", "Linear", ["input/x"]),
        ("Net/body/1", "ReLU", ["Net/body/0"]),
        ("Net/add", "torch.add", ["Net/body/1", "input/x"]),
        ("output/output", "IO Node", ["Net/add"]),
    ]


@needs_tensorboard
def test_sound_meshes_and_charts(torch, tmp_path):
    import io
    import wave

    from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

    from jtorch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        writer.add_audio("sound", torch.tensor([[0.0, 1.0, -0.5]]), sample_rate=100)
        writer.add_mesh("mesh", torch.arange(6.0).view(1, 2, 3), faces=torch.zeros(1, 1, 3))
        writer.add_custom_scalars({"all": {"both": ["Multiline", ["a", "b"]]}})
        writer.add_custom_scalars_marginchart(["a", "low", "high"])
    (_, sound), (_, vertices), (_, faces), (_, lines), (_, margin) = _values(tmp_path)
    with wave.open(io.BytesIO(sound.audio.encoded_audio_string)) as read:
        samples = read.readframes(3)
        assert (read.getframerate(), read.getnchannels()) == (100, 1)
    assert [int.from_bytes(samples[i : i + 2], "little", signed=True) for i in (0, 2, 4)] == [
        0, 32767, -16383,
    ]  # fmt: skip
    assert (vertices.tag, faces.tag) == ("mesh_VERTEX", "mesh_FACE")
    assert list(vertices.tensor.float_val) == [0, 1, 2, 3, 4, 5]
    chart = Layout.FromString(lines.tensor.string_val[0]).category[0].chart[0]
    assert (chart.title, list(chart.multiline.tag)) == ("both", ["a", "b"])
    series = Layout.FromString(margin.tensor.string_val[0]).category[0].chart[0].margin.series[0]
    assert (series.value, series.lower, series.upper) == ("a", "low", "high")


@needs_tensorboard
def test_a_figure_is_an_image(torch, tmp_path):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    from jtorch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("figure", pyplot.figure(figsize=(1, 2), dpi=50))
    ((_, value),) = _values(tmp_path)
    assert (value.image.width, value.image.height) == (50, 100)
    assert not pyplot.get_fignums()
