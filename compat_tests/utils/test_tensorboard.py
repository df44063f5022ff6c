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
        with pytest.raises(NotImplementedError, match=r"SummaryWriter.add_graph is not supported"):
            writer.add_graph(None)
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
