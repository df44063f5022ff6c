"""Saving and loading: recorded files of PyTorch, damaged files, limits, and writing safely."""

from __future__ import annotations

import io
import json
import mmap
import os
import pathlib
import pickle
import warnings
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest

from compat_tests.helpers import fake_tensors as fake
from compat_tests.helpers.fake_tensors import archive_of, tensor_pickle, text
from compat_tests.helpers.paths import GOLDEN
from jtorch import serialization
from jtorch._core import dtypes
from jtorch._core.device import Device
from jtorch._core.size import Size
from jtorch.serialization import _config

FOLDER = GOLDEN / "pt"
MESSAGES = json.loads((FOLDER / "messages.json").read_text())
#: What a damaged file may raise, and nothing else.
ALLOWED = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, NotImplementedError)


@pytest.fixture(autouse=True)
def fake_tensors(monkeypatch):
    fake.install(monkeypatch)
    serialization.clear_safe_globals()
    yield
    serialization.clear_safe_globals()


def load(name, **options):
    return serialization.load(FOLDER / name, **options)


def saved(obj, **options):
    buffer = io.BytesIO()
    serialization.save(obj, buffer, **options)
    return buffer.getvalue()


def loaded(data, **options):
    return serialization.load(io.BytesIO(data), **options)


# Files that PyTorch wrote.


def test_every_dtype():
    tensors = load("dtypes.pt")
    assert {"bool", "int64", "bfloat16", "float32", "complex128", "float8_e5m2"} <= set(tensors)
    for name, tensor in tensors.items():
        assert tensor.dtype is dtypes.BY_NAME[name]
        values = tensor.numpy().astype(np.float64 if "complex" not in name else np.complex128)
        expected = [0, 1, 1, 1] if name == "bool" else [0, 1, 2, 4]
        # An exponent without mantissa has no zero.
        if name == "float8_e8m0fnu":
            expected[0] = 2.0**-127
        assert values.tolist() == expected, name


@pytest.mark.parametrize("name", ["state_dict.pt", "state_dict_legacy.pt"])
@pytest.mark.parametrize("weights_only", [True, False])
def test_state_dict_keeps_order_metadata_and_shared_memory(name, weights_only):
    state = load(name, weights_only=weights_only)
    assert type(state) is OrderedDict
    assert list(state)[:2] == ["0.weight", "0.bias"] and list(state)[-2:] == [
        "2.weight",
        "2.bias",
    ]
    assert state._metadata["1"] == {"version": 2}
    assert state["0.weight"].memory is state["2.weight"].memory
    assert state["0.weight"].memory is not state["0.bias"].memory
    assert state["0.weight"].numpy().shape == (2, 3)
    # The first number drawn after manual_seed(0) by the default initialisation.
    assert state["0.weight"].numpy().ravel()[0] == np.float32(-0.0043225177)


@pytest.mark.parametrize("name", ["views.pt", "views_legacy.pt", "deflated.pt"])
@pytest.mark.parametrize("weights_only", [True, False])
def test_views_lie_in_one_storage(name, weights_only):
    views = load(name, weights_only=weights_only)
    base = np.arange(12, dtype=np.float32)
    matrix = base.reshape(3, 4)
    expected = {
        "base": base,
        "transposed": matrix.T,
        "column": matrix[:, 1],
        "tail": base[7:],
        "expanded": np.broadcast_to(base[2:3], 5),
        "scalar": base[5],
        "empty": base[4:4],
        "overlapping": [[1, 3, 5], [2, 4, 6], [3, 5, 7]],
    }
    assert list(views) == list(expected)
    for key, values in expected.items():
        assert np.array_equal(views[key].numpy(), values), key
    assert len({id(tensor.memory) for tensor in views.values()}) == 1
    assert views["expanded"].stride == (0,)
    assert views["tail"].offset == 7


@pytest.mark.parametrize("name", ["containers.pt", "containers_legacy.pt"])
@pytest.mark.parametrize("weights_only", [True, False])
def test_plain_values(name, weights_only):
    values = load(name, weights_only=weights_only)
    assert values["numbers"] == [
        0, 1, 255, 256, 65536, -1, 2**31, 2**63, -(2**70), 1.5, -0.0, 2 + 3j,
    ]  # fmt: skip
    assert str(values["numbers"][-2]) == "-0.0"
    assert values["texts"] == ["", "words", "é", "🔥", b"\x00\xff", bytearray(b"ab")]
    assert type(values["texts"][-1]) is bytearray
    assert values["constants"] == (None, True, False)
    assert values["set"] == {1, 2} and type(values["set"]) is set
    assert values["nested"] == {"a": [{"b": (1, (2, [3]))}]}
    assert values["tuples"] == [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)]
    assert values[3] == "integer key" and values[(1, "k")] == "tuple key"
    size, cpu, dtype, gpu = values["torch"]
    assert size == (2, 3) and type(size) is Size
    assert cpu is Device("cpu") and gpu is Device("cuda", 1) and dtype is dtypes.bfloat16
    assert list(values["ordered"]) == ["z", "a"] and type(values["ordered"]) is OrderedDict
    assert values["long"] == list(range(1500))


def test_parameters_and_attributes():
    values = load("parameters.pt")
    assert type(values["plain"]) is fake.Parameter and values["plain"].requires_grad is True
    assert values["marked"].requires_grad is False and values["marked"].state == {"note": "kept"}
    assert type(values["tensor"]) is fake.Tensor and values["tensor"].state == {"note": {"kept": 1}}
    assert values["grad"].requires_grad is True
    assert values["conj"].metadata == {"conj": True}


def test_optimizer_state():
    checkpoint = load("optimizer.pt")
    assert checkpoint["epoch"] == 1
    group = checkpoint["optimizer"]["param_groups"][0]
    assert group["betas"] == (0.9, 0.999) and group["params"] == [0, 1]
    assert float(checkpoint["optimizer"]["state"][0]["step"].numpy()) == 1.0


@pytest.mark.parametrize("use_mmap", [False, True])
def test_file_of_a_big_endian_machine(use_mmap):
    values = load("big_endian.pt", mmap=use_mmap)
    assert values["f"].numpy().tolist() == [1.0, -2.0]
    assert values["c"].numpy().tolist() == [1 + 2j]
    assert values["i"].numpy().tolist() == [3]


def test_file_of_python_2():
    values = load("python2.pt")
    assert values["a"].numpy().tolist() == [1.5, 2.5] and values["b"] == {5}


def test_encoding_of_python_2_strings():
    pickled = b"\x80\x02U\x02\xc3\xa9."
    with pytest.warns(UserWarning, match="pickle_load_args only works"):
        assert loaded(archive_of(pickled), encoding="latin1") == "Ã©"
    with pytest.warns(UserWarning, match="pickle_load_args only works"):
        assert loaded(archive_of(pickled), encoding="bytes") == b"\xc3\xa9"
    assert loaded(archive_of(pickled)) == "é"


def test_meta_tensor():
    tensor = load("meta.pt")
    assert tensor.memory.device == "meta" and tensor.size == (2, 3) and tensor.stride == (3, 1)


def test_wine_files(wine_folder):
    for colour, rows in (("red", 1599), ("white", 4898)):
        data = serialization.load(wine_folder / f"wine-{colour}.pt")
        tensors = list(data.values()) if isinstance(data, dict) else data
        tensors = tensors if isinstance(tensors, (list, tuple)) else [tensors]
        assert any(rows in tensor.size for tensor in tensors)


# What is said.


@pytest.mark.parametrize("path", sorted((FOLDER / "bad").iterdir()), ids=lambda path: path.stem)
def test_message_for_a_damaged_file(path):
    said, words = MESSAGES[path.stem.replace("_", " ")]
    with pytest.raises(Exception) as caught:
        serialization.load(path)
    assert (type(caught.value).__name__, str(caught.value)) == (said, words)


@pytest.mark.parametrize("name", ["unknown.pt", "unknown_legacy.pt", "protocol4.pt", "module.pt"])
def test_message_for_what_weights_only_refuses(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(pickle.UnpicklingError) as caught:
            load(name)
    assert ["UnpicklingError", str(caught.value)] == MESSAGES[name]


@pytest.mark.parametrize("location", ["cuda", "cuda:5", "foo", "mps", "xpu", "hpu:1"])
def test_message_for_a_device_that_is_not_here(location):
    with pytest.raises(RuntimeError) as caught:
        load("views.pt", map_location=location)
    assert ["RuntimeError", str(caught.value)] == MESSAGES[f"to {location}"]


OLD = {"_use_new_zipfile_serialization": False}
CALLS = {
    "mmap of legacy": lambda: serialization.load("legacy.pt", mmap=True),
    "mmap of buffer": lambda: loaded(saved(1), mmap=True),
    "no such file": lambda: serialization.load("missing.pt"),
    "a folder": lambda: serialization.load("folder"),
    "a number": lambda: serialization.load(3),
    "None": lambda: serialization.load(None),
    "pickle module": lambda: loaded(saved(1), pickle_module=pickle, weights_only=True),
    "save to a number": lambda: serialization.save(1, 3),
    "save to a folder": lambda: serialization.save(1, "folder"),
    "save to no name": lambda: serialization.save(1, ""),
    "save to no folder": lambda: serialization.save(1, "missing/x.pt"),
    "save legacy to no folder": lambda: serialization.save(1, "missing/x.pt", **OLD),
    "save to text": lambda: serialization.save(1, io.StringIO()),
    "unsafe of legacy": lambda: serialization.get_unsafe_globals_in_checkpoint("legacy.pt"),
    "mmap options": lambda: serialization.set_default_mmap_options(99),
    "endianness": lambda: serialization.set_default_load_endianness("big"),
}


@pytest.mark.parametrize("case", CALLS)
def test_message_for_a_bad_call(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("legacy.pt").write_bytes(saved(1, **OLD))
    pathlib.Path("folder").mkdir()
    with pytest.raises(Exception) as caught:
        CALLS[case]()
    assert [type(caught.value).__name__, str(caught.value)] == MESSAGES[case]
    assert sorted(os.listdir()) == ["folder", "legacy.pt"]


def test_empty_file():
    with pytest.raises(EOFError, match=r"^$"):
        loaded(b"")
    with pytest.raises(EOFError, match="Ran out of input"):
        loaded(b"", weights_only=False)


@pytest.mark.parametrize(
    ("data", "exception", "words"),
    [
        (b"hello world", KeyError, "101"),
        (bytes(100), pickle.UnpicklingError, "Unsupported operand 0"),
        (b"\x80\x02]q\x00.", RuntimeError, "Invalid magic number; corrupt file?"),
        (b"PNG" * 50, pickle.UnpicklingError, "Unsupported operand 80"),
        (b".", IndexError, "pop from empty list"),
        (b"\x80", IndexError, "index out of range"),
        (b"\x80\x02", EOFError, ""),
    ],
)
def test_what_is_no_checkpoint_at_all(data, exception, words):
    with pytest.raises(exception) as caught:
        loaded(data)
    assert type(caught.value) is exception and words in str(caught.value)


def _changed(name, contents):
    """Return an archive, one of whose records has other contents."""
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for path, data in {"data.pkl": b"\x80\x02N.", "version": b"3\n", name: contents}.items():
            archive.writestr(f"archive/{path}", data)
    return changed.getvalue()


@pytest.mark.parametrize(
    ("name", "contents", "exception", "words"),
    [
        ("version", b"9" * 20, IndexError, "stoull"),
        ("version", b"11", RuntimeError, "the maximum supported version for reading is 10"),
        ("version", b"0", RuntimeError, "the minimum supported version for reading is 1"),
        ("version", b"abc", RuntimeError, "Couldn't parse the version abc as Long Long."),
        ("byteorder", b"middle", ValueError, "Unknown endianness type: middle"),
        ("byteorder", b"\xff", UnicodeDecodeError, "invalid start byte"),
        ("../b/x", b"", RuntimeError, None),
    ],
)
def test_records_that_make_no_sense(name, contents, exception, words):
    if words is None:  # a record beside the folder of the others
        data = _changed("x", b"").replace(b"archive/x", b"brchive/x")
        words = "file in archive is not in a subdirectory archive/: brchive/x"
    else:
        data = _changed(name, contents)
    with pytest.raises(exception) as caught:
        loaded(data)
    assert type(caught.value) is exception and words in str(caught.value)


def test_the_version_is_read_as_far_as_it_is_a_number():
    assert loaded(_changed("version", b"3 4")) is None


@pytest.mark.parametrize("text", ["abc", "PK\x03\x04"])
def test_a_file_of_text(text):
    exception = TypeError if text.startswith("PK") else AssertionError
    with pytest.raises(exception, match=r"must be str, not bytes|Expected bytes, got str"):
        serialization.load(io.StringIO(text))


def test_checksums_are_checked():
    data = bytearray(_changed("data/0", b"abcdefgh"))
    data[data.index(b"\x80\x02N.") + 2] = ord("]")
    words = "PytorchStreamReader failed reading file data.pkl: CRC-32 check failed"
    with pytest.raises(RuntimeError, match=words):
        loaded(bytes(data))


def test_torchscript_archive_is_refused():
    data = archive_of(b"\x80\x02N.", [("constants.pkl", b"")])
    with (
        pytest.warns(UserWarning, match="looks like a TorchScript archive"),
        pytest.raises(RuntimeError, match="Cannot use ``weights_only=True`` with TorchScript"),
    ):
        loaded(data)
    with (
        pytest.warns(UserWarning, match="looks like a TorchScript archive"),
        pytest.raises(NotImplementedError, match="TorchScript archives hold programs"),
    ):
        loaded(data, weights_only=False)


def test_tar_file_is_refused(tmp_path):
    import tarfile

    path = tmp_path / "old.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(FOLDER / "views.pt", "storages")
    with pytest.raises(RuntimeError, match=r"legacy \.tar format"):
        serialization.load(path)
    with pytest.raises(NotImplementedError, match=r"\.tar format of PyTorch before"):
        serialization.load(path, weights_only=False)


def test_quantized_storage_is_refused_by_name():
    data = archive_of(tensor_pickle((4,), (1,), kind="QInt8Storage"), [("data/0", bytes(4))])
    with pytest.raises(NotImplementedError, match=r"quantized tensor .torch\.QInt8Storage"):
        loaded(data)


# What weights_only allows.


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x

    __hash__ = None


class Slotted:
    __slots__ = ("x",)


class Stateful(Point):
    def __setstate__(self, state):
        self.x = state["x"] + 1


def test_safe_globals():
    data = saved([Point(3)])
    name = f"{Point.__module__}.Point"
    assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == [name]
    with pytest.raises(pickle.UnpicklingError, match="was not an allowed global by default"):
        loaded(data)
    with serialization.safe_globals([Point]):
        assert serialization.get_safe_globals() == [Point]
        assert loaded(data) == [Point(3)]
        assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == []
    assert serialization.get_safe_globals() == []
    with pytest.raises(pickle.UnpicklingError):
        loaded(data)
    serialization.add_safe_globals([(Point, name)])
    assert loaded(data) == [Point(3)]
    serialization.clear_safe_globals()
    with pytest.raises(pickle.UnpicklingError):
        loaded(data)


def test_safe_globals_with_slots_and_setstate():
    slotted = Slotted()
    slotted.x = 5
    with serialization.safe_globals([Slotted, Stateful]):
        one, two = loaded(saved([slotted, Stateful(1)]))
    assert one.x == 5 and two.x == 2


def test_malformed_safe_globals():
    with serialization.safe_globals([(Point, "a", "b")]), pytest.raises(ValueError, match=r"3$"):
        loaded(saved(1))
    with serialization.safe_globals([(Point, 3)]), pytest.raises(TypeError, match="full path"):
        loaded(saved(1))


def test_blocked_modules_stay_blocked():
    pickled = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00exit\x85R."
    with (
        serialization.safe_globals([(os.system, "os.system")]),
        pytest.raises(pickle.UnpicklingError, match="whose module os is blocked"),
    ):
        loaded(archive_of(pickled))


def test_no_fallback_to_the_unrestricted_unpickler(tmp_path):
    target = tmp_path / "made"
    pickled = b"\x80\x02c__builtin__\nopen\n" + text(str(target)) + text("w") + b"\x86R."
    for data in (archive_of(pickled), saved(0, **OLD)[:-9] + pickled):
        with pytest.raises(ALLOWED):
            loaded(data)
        assert not target.exists()
    loaded(archive_of(pickled), weights_only=False).close()
    assert target.exists()


def test_environment_forces_the_unpickler(monkeypatch):
    data = saved(Point(1))
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(pickle.UnpicklingError):
        loaded(data, weights_only=False)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "yes")
    with pytest.raises(RuntimeError, match="should be set, but both were set"):
        loaded(data)
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    with pytest.warns(UserWarning, match="forcing weights_only=False"):
        assert loaded(data) == Point(1)
    with pytest.raises(pickle.UnpicklingError):
        loaded(data, weights_only=True)


# Where storages go.


@pytest.mark.parametrize("legacy", [False, True])
def test_map_location(monkeypatch, legacy):
    fake.install(monkeypatch, gpus=2)
    data = saved(fake.from_numpy(np.arange(3)), **(OLD if legacy else {}))
    assert loaded(data).memory.device == "cpu"
    assert loaded(data, map_location="cuda").memory.device == "cuda:0"
    assert loaded(data, map_location=b"cuda:1").memory.device == "cuda:1"
    assert loaded(data, map_location=Device("cuda", 1)).memory.device == "cuda:1"
    assert loaded(data, map_location={"cpu": "cuda:1"}).memory.device == "cuda:1"
    assert loaded(data, map_location={"cuda:0": "cuda:1"}).memory.device == "cpu"
    calls = []

    def place(storage, location):
        calls.append((storage.device, location, storage.nbytes()))
        return storage.cuda(1)

    assert loaded(data, map_location=place).memory.device == "cuda:1"
    assert calls == [(Device("cpu"), "cpu", 24)]
    assert loaded(data, map_location=lambda storage, location: None).memory.device == "cpu"
    tensor = loaded(data, map_location=lambda storage, location: storage)
    assert tensor.memory.device == "cpu" and tensor.numpy().tolist() == [0, 1, 2]
    with pytest.raises(TypeError, match="must be UntypedStorage, but got <class 'int'>"):
        loaded(data, map_location=lambda storage, location: 3)
    with pytest.raises(RuntimeError, match=r"CUDA device 7 but torch.cuda.device_count\(\) is 2"):
        loaded(data, map_location="cuda:7")


def test_map_location_of_a_file_from_a_gpu(monkeypatch):
    with pytest.raises(RuntimeError, match=r"a CUDA device but torch\.cuda\.is_available"):
        load("cuda.pt")
    assert load("cuda.pt", map_location="cpu").numpy().tolist() == [1, 1]
    assert load("cuda.pt", map_location={"cuda:1": "cpu"}).memory.device == "cpu"
    fake.install(monkeypatch, gpus=2)
    assert load("cuda.pt").memory.device == "cuda:1"


def test_map_location_meta_reads_no_contents():
    tensor = load("views.pt", map_location="meta")["base"]
    assert tensor.memory.data is None and tensor.size == (12,)


def test_register_package(monkeypatch):
    from jtorch.serialization import _map_location

    monkeypatch.setattr(_map_location, "_registry", list(_map_location._registry))
    serialization.register_package(
        5,
        lambda storage: None,
        lambda storage, location: storage.cpu() if location == "toy" else None,
    )
    assert load("views.pt", map_location="toy")["base"].memory.device == "cpu"
    tensor = fake.from_numpy(np.arange(3))
    serialization.register_package(
        6,
        lambda storage: "toy" if storage.device.type == "cpu" and storage.nbytes() == 24 else None,
        lambda storage, location: None,
    )
    data = saved([tensor, fake.from_numpy(np.arange(2))])
    assert data.count(text("toy")) == 1 and data.count(text("cpu")) == 1
    assert loaded(data)[0].memory.device == "cpu"
    monkeypatch.undo()
    fake.install(monkeypatch)
    with pytest.raises(RuntimeError, match=r"don't know how to restore .* \(tagged with toy\)"):
        loaded(data)


# Ways to read.


def test_mmap_reads_only_what_is_used_and_never_writes(tmp_path):
    path = tmp_path / "big.pt"
    serialization.save({"a": fake.from_numpy(np.arange(2**20, dtype=np.float64))}, path)
    before = path.read_bytes()
    tensor = serialization.load(path, mmap=True)["a"]
    assert isinstance(tensor.memory.data.base, (np.memmap, mmap.mmap))
    assert tensor.memory.data.ctypes.data % 64 == 0
    assert tensor.numpy()[12345] == 12345.0
    tensor.numpy()[0] = 7.0
    assert path.read_bytes() == before


def test_mmap_of_a_compressed_record_is_refused():
    with pytest.raises(RuntimeError, match="mmap cannot be used: the record data/0 is compressed"):
        load("deflated.pt", mmap=True)


def test_mmap_options(tmp_path):
    path = tmp_path / "x.pt"
    serialization.save(fake.from_numpy(np.arange(3)), path)
    assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    with serialization.set_default_mmap_options(mmap.MAP_SHARED):
        assert serialization.get_default_mmap_options() == mmap.MAP_SHARED
        with pytest.raises(NotImplementedError, match="MAP_SHARED is not supported"):
            serialization.load(path, mmap=True)
    assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE


def test_default_endianness(monkeypatch):
    data = saved(fake.from_numpy(np.array([1], np.int32)), _disable_byteorder_record=True)
    assert loaded(data).numpy().tolist() == [1]
    monkeypatch.setattr(_config.load, "endianness", None)
    serialization.set_default_load_endianness(serialization.LoadEndianness.BIG)
    assert serialization.get_default_load_endianness() is serialization.LoadEndianness.BIG
    assert loaded(data).numpy().tolist() == [2**24]


def test_skip_data():
    array = np.arange(5.0)
    with serialization.skip_data():
        data = saved(fake.from_numpy(array))
        with pytest.raises(RuntimeError, match="Cannot use skip_data=True"):
            saved(1, **OLD)
    assert serialization._config.thread_state.skip_data is False
    assert loaded(data).numpy().tolist() == [0.0] * 5
    assert len(data) == len(saved(fake.from_numpy(array)))
    for options in ({}, OLD):
        full = saved(fake.from_numpy(array), **options)
        with serialization.skip_data():
            assert loaded(full).numpy().tolist() == [0.0] * 5


def test_an_archive_inside_a_larger_file():
    buffer = io.BytesIO(b"before" + saved([1, 2]))
    buffer.seek(6)
    assert serialization.load(buffer) == [1, 2]


def test_legacy_files_one_after_another():
    buffer = io.BytesIO()
    for value in (1, "two", [fake.from_numpy(np.arange(3))]):
        serialization.save(value, buffer, **OLD)
    buffer.seek(0)
    assert serialization.load(buffer) == 1
    assert serialization.load(buffer) == "two"
    assert serialization.load(buffer)[0].numpy().tolist() == [0, 1, 2]


def test_a_storage_by_itself():
    tensor = fake.from_numpy(np.arange(3))
    for options in ({}, OLD):
        for weights_only in (True, False):
            result = loaded(saved([tensor.memory, 1], **options), weights_only=weights_only)
            assert bytes(result[0].data) == bytes(tensor.memory.data) and result[1] == 1


def test_counter_and_bool_bytes():
    assert loaded(saved(Counter("aab"))) == Counter("aab")
    data = archive_of(tensor_pickle((4,), (1,), kind="BoolStorage"), [("data/0", b"\0\1\2\xff")])
    assert loaded(data).memory.data.tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("options", [{}, OLD])
def test_round_trip_of_every_recorded_file(options):
    for name in ("dtypes.pt", "views.pt", "state_dict.pt", "parameters.pt", "optimizer.pt"):
        first = load(name)
        second = loaded(saved(first, **options))
        assert fake.plain(second) == fake.plain(first), name
