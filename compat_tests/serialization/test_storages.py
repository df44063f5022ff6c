"""Storages saved by themselves, not for a tensor; PyTorch loads them all as typed storages."""

from __future__ import annotations

import io
from collections import namedtuple
from types import SimpleNamespace

import pytest

import jtorch
from jtorch import serialization
from jtorch.serialization._storage import LoadedStorage

OLD = {"_use_new_zipfile_serialization": False}
FORMATS = pytest.mark.parametrize("save_options", [{}, OLD], ids=["zip", "legacy"])
BOTH_UNPICKLERS = pytest.mark.parametrize("weights_only", [True, False])
Pair = namedtuple("Pair", "first second")

pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")


def again(obj, save_options=None, **options):
    """Return what is loaded of what was saved."""
    buffer = io.BytesIO()
    serialization.save(obj, buffer, **(save_options or {}))
    buffer.seek(0)
    return serialization.load(buffer, **options)


@FORMATS
@BOTH_UNPICKLERS
def test_an_untyped_storage_loads_as_elements_of_uint8(save_options, weights_only):
    storage = jtorch.tensor([1.0, 2.0]).untyped_storage()
    loaded = again({"s": storage}, save_options, weights_only=weights_only)["s"]
    assert type(loaded) is jtorch.TypedStorage and loaded.dtype is jtorch.uint8
    assert loaded.tolist() == [0, 0, 128, 63, 0, 0, 0, 64]
    assert type(loaded.untyped()) is jtorch.UntypedStorage


@FORMATS
@BOTH_UNPICKLERS
@pytest.mark.parametrize("elements", [[1.5, 2.0], [True, False], [1 + 2j], [3, -4]])
def test_a_typed_storage_keeps_its_dtype(save_options, weights_only, elements):
    storage = jtorch.tensor(elements).storage()
    loaded = again(storage, save_options, weights_only=weights_only)
    assert type(loaded) is jtorch.TypedStorage and loaded.dtype is storage.dtype
    assert loaded.tolist() == elements


@FORMATS
@pytest.mark.parametrize("first", [0, 1])
def test_a_tensor_and_its_storage_share_memory(save_options, first):
    tensor = jtorch.tensor([1, 2, 3], dtype=jtorch.uint8)
    both = [tensor, tensor.untyped_storage()]
    loaded = again([both[first], both[1 - first]], save_options)
    tensor, storage = loaded[first], loaded[1 - first]
    storage[0] = 9
    assert tensor.tolist() == [9, 2, 3]
    tensor[2] = 7
    assert storage.tolist() == [9, 2, 7]


def test_a_view_and_the_typed_storage_share_memory():
    part = jtorch.arange(6.0)[2:4]
    part, storage = again([part, part.storage()])
    part.fill_(0)
    assert storage.tolist() == [0, 1, 0, 0, 4, 5]


@FORMATS
def test_bytes_of_a_dtype_without_a_storage_class(save_options):
    tensor = jtorch.tensor([1, 2]).to(jtorch.uint16)
    halves = tensor.view(jtorch.uint8)[2:]
    loaded = again([tensor, halves, tensor.untyped_storage()], save_options)
    loaded[1][0] = 5
    assert loaded[0].tolist() == [1, 5] and loaded[1].tolist() == [5, 0]
    assert loaded[2].tolist() == [1, 0, 5, 0] and not loaded[1]._is_view()


def test_strided_bytes_of_another_dtype_are_refused():
    tensor = jtorch.tensor([1, 2]).to(jtorch.uint16)
    with pytest.raises(NotImplementedError, match=r"as torch\.uint16 and as torch\.uint8, with st"):
        again([tensor, tensor.view(jtorch.uint8)[::2]])


@FORMATS
def test_two_dtypes_are_refused(save_options):
    tensor = jtorch.arange(4.0)
    for pair in ([tensor, tensor.untyped_storage()], [tensor.storage(), tensor.untyped_storage()]):
        with pytest.raises(RuntimeError, match="view the same data as different types"):
            again(pair, save_options)


def test_a_dtype_without_a_storage_class_is_refused():
    storage = jtorch.zeros(2, dtype=jtorch.float8_e5m2).storage()
    with pytest.raises(KeyError, match=r"dtype torch\.float8_e5m2 is not recog"):
        again(storage)
    with pytest.raises(KeyError, match=r"dtype torch\.float8_e5m2 is not recog"):
        storage.pickle_storage_type()


def test_one_storage_is_one_object_wherever_it_stands():
    storage = jtorch.UntypedStorage([1, 2])
    inner = (storage, [storage])
    value = SimpleNamespace(plain=storage, pair=Pair(storage, inner), inner=inner)
    value.itself, value.keys, value.members = value, {storage: 1, "x": 2}, {storage}
    loaded = again(value, weights_only=False)
    storage = loaded.plain
    assert type(storage) is jtorch.TypedStorage and loaded.itself is loaded
    assert type(loaded.pair) is Pair and loaded.pair.first is storage
    assert loaded.pair.second is loaded.inner and loaded.inner[0] is loaded.inner[1][0] is storage
    assert [*loaded.keys] == [storage, "x"] and loaded.members == {storage}


def test_nothing_is_looked_through_where_tensors_own_every_storage(monkeypatch):
    def refuse(result):
        raise AssertionError("looked for storages")

    monkeypatch.setattr(serialization._load, "_expose_storages", refuse)
    tensor = jtorch.arange(4.0)
    assert again([tensor, tensor[1:]])[1].tolist() == [1, 2, 3]
    with pytest.raises(AssertionError, match="looked for storages"):
        again([tensor, tensor.storage()])


def test_where_a_storage_goes():
    storage = jtorch.UntypedStorage([1, 2, 3])
    loaded = again(storage, map_location="meta")
    assert loaded.device.type == "meta" and len(loaded) == 3
    assert repr(loaded).startswith("...\n[torch.storage.TypedStorage(dtype=torch.uint8, device=me")
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
        again(loaded)

    def replaced(given, location):
        assert type(given) is LoadedStorage and location == "cpu"
        return jtorch.UntypedStorage([7, 8])

    assert again(storage, map_location=replaced).tolist() == [7, 8]
    tensor = jtorch.tensor([1, 2], dtype=jtorch.uint8)
    assert again(tensor, map_location=replaced).tolist() == [7, 8]
    with pytest.raises(TypeError, match=r"UntypedStorage, but got <class 'torch\.storage\.Ty"):
        again(storage, map_location=lambda given, location: tensor.storage())


def test_empty_and_mapped(tmp_path):
    assert again(jtorch.UntypedStorage()).tolist() == []
    serialization.save(jtorch.UntypedStorage([1, 2]), tmp_path / "s.pt")
    loaded = serialization.load(tmp_path / "s.pt", mmap=True)
    loaded[0] = 5
    assert loaded.tolist() == [5, 2]
    assert serialization.load(tmp_path / "s.pt").tolist() == [1, 2]


def test_a_tensor_with_gaps_brings_all_its_memory():
    tensor = jtorch.empty_strided((2,), (3,)).fill_(1)
    storage = tensor.untyped_storage()
    loaded, bytes_of_it = again([tensor, tensor.storage()])
    assert loaded.tolist() == [1, 1] and loaded.stride() == (3,)
    assert bytes_of_it.nbytes() == storage.nbytes() == 16
