"""Saving and loading the tensors of the library itself."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict

import pytest

import jtorch
from compat_tests.helpers.paths import GOLDEN
from jtorch import serialization
from jtorch.serialization._save import reduce_tensor

FOLDER = GOLDEN / "pt"
OLD = {"_use_new_zipfile_serialization": False}


def again(obj, save_options=None, **options):
    """Return what is loaded of what was saved."""
    buffer = io.BytesIO()
    serialization.save(obj, buffer, **(save_options or {}))
    buffer.seek(0)
    return serialization.load(buffer, **options)


def test_every_dtype_keeps_its_elements():
    tensors = serialization.load(FOLDER / "dtypes.pt")
    for name, tensor in tensors.items():
        assert str(tensor.dtype) == f"torch.{name}" and type(tensor) is jtorch.Tensor
        assert tensor.shape == (4,) and tensor.stride() == (1,) and tensor.is_leaf
    assert tensors["float32"].tolist() == [0.0, 1.0, 2.0, 4.0]
    assert tensors["bool"].tolist() == [False, True, True, True]
    assert tensors["complex64"].tolist() == [0, 1, 2, 4]
    assert again(tensors)["bfloat16"].tolist() == [0.0, 1.0, 2.0, 4.0]


@pytest.mark.parametrize("save_options", [{}, OLD], ids=["zip", "legacy"])
@pytest.mark.parametrize("weights_only", [True, False])
def test_round_trip(save_options, weights_only):
    value = {
        "matrix": jtorch.tensor([[1.0, 2.0], [3.0, 4.0]]),
        "grad": jtorch.tensor([1.5], requires_grad=True),
        "scalar": jtorch.tensor(7),
        "empty": jtorch.tensor([]),
        "nested": [jtorch.tensor([True]), (1, "x", None)],
    }
    loaded = again(value, save_options, weights_only=weights_only)
    assert str(loaded) == str(value)
    assert loaded["grad"].requires_grad and loaded["grad"].is_leaf
    assert loaded["scalar"].shape == () and loaded["empty"].shape == (0,)


def test_a_loaded_tensor_computes():
    loaded = again(jtorch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert (loaded * 2 + 1).tolist() == [[3.0, 5.0], [7.0, 9.0]]
    loaded.add_(1)
    assert loaded.tolist() == [[2.0, 3.0], [4.0, 5.0]]
    assert loaded._version == 1


def test_a_pending_result_is_saved():
    tensor = jtorch.tensor([1.0, 2.0])
    for _ in range(3):
        tensor = tensor * 2
    assert again(tensor).tolist() == [8.0, 16.0]


def test_a_transposed_tensor_keeps_its_memory_order():
    tensor = jtorch.tensor([[1, 2, 3], [4, 5, 6]]).t() + 0
    loaded = again(tensor)
    assert loaded.tolist() == [[1, 4], [2, 5], [3, 6]] and loaded.stride() == tensor.stride()


@pytest.mark.parametrize("name", ["state_dict.pt", "state_dict_legacy.pt"])
def test_tied_weights_stay_tied(name):
    for state in (
        serialization.load(FOLDER / name),
        again(serialization.load(FOLDER / name)),
        again(serialization.load(FOLDER / name), OLD),
    ):
        assert type(state) is OrderedDict and state._metadata["1"] == {"version": 2}
        first, tied = state["0.weight"], state["2.weight"]
        before = first.tolist()
        first.mul_(2.0)
        assert tied.tolist() == first.tolist() != before
        tied.mul_(0.5)
        assert first.tolist() == before
        # Loaded tensors share memory, and yet neither is a view of the other.
        assert first._base is None and tied._base is None


def test_a_saved_part_brings_its_whole_storage():
    base = jtorch.tensor([0.0, 1.0, 2.0, 3.0])
    buffer = io.BytesIO()
    serialization.save([base, base.detach()], buffer)
    assert buffer.getvalue().count(b"data/0") == 2
    assert buffer.getvalue().count(b"data/1") == 0


@pytest.mark.parametrize("times", [0, 1, 2])
def test_parts_of_one_storage(times):
    parts = serialization.load(FOLDER / "parts.pt")
    for _ in range(times):
        parts = again(parts, OLD if times == 2 else {})
    assert [part.tolist() for part in parts] == [
        [1.0, 2.0], [0.0, 1.0, 2.0, 3.0], [[0.0, 1.0], [2.0, 3.0]], [2.0, 3.0],
    ]  # fmt: skip
    parts[1].add_(10)
    assert parts[0].tolist() == [11.0, 12.0]
    parts[3].add_(10)
    assert parts[1].tolist() == [10.0, 11.0, 22.0, 23.0]


def test_attributes_of_a_tensor():
    tensor = jtorch.tensor([1.0])
    tensor.note = {"kept": 1}
    assert again(tensor).note == {"kept": 1}


def test_pickle_outside_save():
    tensor = jtorch.tensor([[1.0, 2.0]], requires_grad=True)
    tensor.note = "kept"
    function, arguments = reduce_tensor(tensor)
    loaded = pickle.loads(pickle.dumps(function))(*pickle.loads(pickle.dumps(arguments)))
    assert loaded.tolist() == [[1.0, 2.0]] and loaded.requires_grad and loaded.note == "kept"


def test_device_and_map_location():
    data = jtorch.tensor([1.0, 2.0])
    assert again(data, map_location="cpu").device.type == "cpu"
    assert again(data, map_location=jtorch.device("cpu")).tolist() == [1.0, 2.0]
    assert again(data, map_location=lambda storage, location: storage).tolist() == [1.0, 2.0]
    assert serialization.load(FOLDER / "cuda.pt", map_location="cpu").tolist() == [1.0, 1.0]


def test_mmap(tmp_path):
    path = tmp_path / "x.pt"
    serialization.save({"a": jtorch.tensor(list(range(1000)))}, path)
    before = path.read_bytes()
    tensor = serialization.load(path, mmap=True)["a"]
    assert (tensor + 1).tolist() == list(range(1, 1001))
    tensor.add_(1)
    assert tensor.tolist() == list(range(1, 1001)) and path.read_bytes() == before


def test_big_endian_file():
    loaded = serialization.load(FOLDER / "big_endian.pt")
    assert loaded["f"].tolist() == [1.0, -2.0] and loaded["i"].tolist() == [3]


def test_wine(wine_folder):
    red = serialization.load(wine_folder / "wine-red.pt")
    assert red.shape == (1599, 12) and red.dtype is jtorch.float32
    assert again(red).tolist() == red.tolist()
