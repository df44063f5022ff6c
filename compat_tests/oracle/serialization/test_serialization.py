"""Files both ways with the installed PyTorch: what one writes the other reads, bit for bit."""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import warnings
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from compat_tests.helpers import fake_tensors as fake
from compat_tests.helpers.paths import GOLDEN
from jtorch import serialization
from jtorch._core import dtypes

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

OLD = {"_use_new_zipfile_serialization": False}
NAMES = [dtype._name for dtype in dtypes.ALL]
#: What PyTorch's own legacy format cannot hold: PyTorch fails to load what it saved.
UNTYPED = [n for n in NAMES if n.startswith("float8") or n in ("uint16", "uint32", "uint64")]


@pytest.fixture(scope="module")
def recorder():
    from tools.record_goldens import pt

    return pt


@pytest.fixture
def fakes(monkeypatch):
    fake.install(monkeypatch)


def written(save, obj, **options):
    buffer = io.BytesIO()
    save(obj, buffer, **options)
    return buffer.getvalue()


def ours(obj, **options):
    return written(serialization.save, obj, **options)


def theirs(obj, **options):
    return written(torch.save, obj, **options)


def opcodes(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        pickled = archive.read("archive/data.pkl")
    return [(op.name, argument) for op, argument, _ in pickletools.genops(pickled)]


def described(value):
    """Return a nested value of PyTorch in the form of ``fake.plain``."""
    if isinstance(value, torch.Tensor):
        storage = value.untyped_storage()
        raw = torch.empty(0, dtype=torch.uint8).set_(storage).numpy().copy()
        name = str(value.dtype).removeprefix("torch.")
        tensor = fake.Tensor(
            fake.Memory(raw), dtypes.BY_NAME[name], value.storage_offset(), tuple(value.shape),
            value.stride(),
        )  # fmt: skip
        return (name, tuple(value.shape), value.stride(), value.storage_offset(),
                value.requires_grad, tensor.numpy().tobytes())  # fmt: skip
    if isinstance(value, fake.Tensor):
        return (value.dtype._name, value.size, value.stride, value.offset, value.requires_grad,
                value.numpy().tobytes())  # fmt: skip
    if isinstance(value, dict):
        return [(key, described(item)) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [described(item) for item in value]
    return str(value)


def test_recorded_messages_are_what_pytorch_says(recorder):
    recorded = json.loads((GOLDEN / "pt" / "messages.json").read_text())
    del recorded["torch"]
    assert recorder.messages() == recorded


def test_recorded_files_are_what_pytorch_writes(recorder):
    compared = set()
    for name, data in recorder.files().items():
        path = GOLDEN / "pt" / name
        if not name.endswith("_legacy.pt") and zipfile.is_zipfile(path):
            compared.add(name.removesuffix(".pt"))
            with zipfile.ZipFile(path) as old, zipfile.ZipFile(io.BytesIO(data)) as new:
                assert {n: old.read(n) for n in old.namelist()} == {
                    n: new.read(n) for n in new.namelist()
                }, name
    assert compared >= {"dtypes", "state_dict", "views", "containers", "parameters", "optimizer"}


FILES = ["dtypes", "state_dict", "state_dict_legacy", "views", "views_legacy", "containers",
         "containers_legacy", "parameters", "optimizer", "big_endian", "python2"]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_recorded_file_reads_as_pytorch_reads_it(fakes, name):
    path = GOLDEN / "pt" / f"{name}.pt"
    assert described(serialization.load(path)) == described(torch.load(path))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "legacy"])
def test_pytorch_reads_what_was_read_and_written_again(fakes, name, options):
    if options and name == "dtypes":
        pytest.skip("PyTorch cannot load the newer dtypes from its own legacy format")
    path = GOLDEN / "pt" / f"{name}.pt"
    data = ours(serialization.load(path), **options)
    assert described(torch.load(io.BytesIO(data))) == described(torch.load(path))


@pytest.mark.parametrize("name", ["dtypes", "state_dict", "views", "optimizer", "parameters"])
def test_written_again_a_file_is_the_same_but_for_its_identifier(fakes, name):
    path = GOLDEN / "pt" / f"{name}.pt"
    data = path.read_bytes()
    again = ours(serialization.load(path))
    assert opcodes(again) == opcodes(data)
    assert len(again) == len(data)
    different = [i for i in range(len(data)) if data[i] != again[i]]
    marker = data.index(b"serialization_id")
    # The forty digits, their checksum behind them and the one in the directory.
    assert len(different) <= 40 + 4 + 4 and min(different) > marker


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, OLD], ids=["zip", "legacy"])
def test_every_dtype_both_ways(fakes, name, options):
    if options and name in UNTYPED:
        pytest.skip("PyTorch cannot load it from its own legacy format")
    raw = np.random.default_rng(0).integers(0, 2 if name == "bool" else 256, 48, np.uint8)
    there = torch.from_numpy(raw.copy()).view(getattr(torch, name))
    here = fake.Tensor(
        fake.Memory(raw), dtypes.BY_NAME[name], 0, tuple(there.shape), there.stride()
    )
    assert described(serialization.load(io.BytesIO(theirs(there, **options)))) == described(there)
    assert described(torch.load(io.BytesIO(ours(here, **options)))) == described(there)


def test_pytorch_maps_what_is_written(fakes, tmp_path):
    path = tmp_path / "x.pt"
    serialization.save({"a": fake.from_numpy(np.arange(1000.0))}, path)
    loaded = torch.load(path, mmap=True)["a"]
    assert loaded.tolist() == list(range(1000)) and loaded.data_ptr() % 64 == 0


def test_pytorch_reads_what_is_written_without_contents(fakes):
    with serialization.skip_data():
        data = ours(fake.from_numpy(np.arange(3.0)))
    assert torch.load(io.BytesIO(data)).tolist() == [0.0] * 3


def test_pytorch_reads_several_legacy_files_in_one(fakes):
    buffer = io.BytesIO()
    for count in (2, 3):
        serialization.save(fake.from_numpy(np.arange(count)), buffer, **OLD)
    buffer.seek(0)
    assert torch.load(buffer).tolist() == [0, 1] and torch.load(buffer).tolist() == [0, 1, 2]


def test_metadata_of_a_state_dict_both_ways(fakes):
    state = OrderedDict(a=fake.from_numpy(np.arange(3)))
    state._metadata = OrderedDict([("", {"version": 2})])
    assert torch.load(io.BytesIO(ours(state)))._metadata == state._metadata
    module = torch.nn.BatchNorm1d(2)
    loaded = serialization.load(io.BytesIO(theirs(module.state_dict())))
    assert loaded._metadata == module.state_dict()._metadata


@pytest.mark.parametrize("seed", range(20))
def test_random_nests_both_ways(fakes, seed):
    random = np.random.default_rng(seed)

    def nest(depth):
        kind = random.integers(0, 9 if depth else 5)
        if kind == 0:
            return int(random.integers(-(2**62), 2**62)) >> int(random.integers(0, 62))
        if kind == 1:
            return float(random.normal())
        if kind == 2:
            return "".join(map(chr, random.integers(32, 0x2FFF, random.integers(0, 9))))
        if kind == 3:
            return [None, True, False][random.integers(0, 3)]
        if kind == 4:
            shape = tuple(random.integers(0, 4, random.integers(0, 4)).tolist())
            return random.normal(size=shape).astype(np.float32)
        items = [nest(depth - 1) for _ in range(random.integers(0, 5))]
        if kind == 5:
            return items
        if kind == 6:
            return tuple(items)
        return (dict if kind == 7 else OrderedDict)((f"k{i}", v) for i, v in enumerate(items))

    def with_tensors(value, make):
        if isinstance(value, np.ndarray):
            return make(value)
        if isinstance(value, dict):
            return type(value)((key, with_tensors(item, make)) for key, item in value.items())
        if isinstance(value, (list, tuple)):
            return type(value)(with_tensors(item, make) for item in value)
        return value

    def here_tensor(array):
        tensor = fake.from_numpy(array)
        tensor.stride = torch.from_numpy(array).stride()
        return tensor

    value = nest(4)
    here, there = with_tensors(value, here_tensor), with_tensors(value, torch.from_numpy)
    for options in ({}, OLD):
        assert described(torch.load(io.BytesIO(ours(here, **options)))) == described(there)
        back = serialization.load(io.BytesIO(theirs(there, **options)))
        assert described(back) == described(there)
    assert opcodes(ours(here)) == opcodes(theirs(there))


def test_damaged_files_fail_where_pytorch_fails(fakes):
    """Whatever PyTorch refuses is refused; of what it loads, only a lie about sizes is refused."""
    data = (GOLDEN / "pt" / "parameters.pt").read_bytes()
    random = np.random.default_rng(3)
    accepted = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(300):
            damaged = bytearray(data)
            damaged[random.integers(0, len(data))] ^= 1 << int(random.integers(0, 8))
            results = []
            for load in (torch.load, serialization.load):
                try:
                    results.append(described(load(io.BytesIO(bytes(damaged)))))
                except (Exception, pickle.UnpicklingError):
                    results.append(None)
            if results[0] is None:
                # A broken local header, or a checksum: PyTorch reads some of these, we read none.
                assert results[1] is None or results[1] == described(torch.load(io.BytesIO(data)))
            elif results[1] is not None:
                accepted += 1
                assert results[1] == results[0]
    assert accepted > 100


# Whole tensors of this library.


@pytest.fixture(scope="module")
def jtorch():
    import jtorch

    return jtorch


def test_tensors_of_the_library_both_ways(jtorch):
    there = {
        "plain": torch.arange(6.0).reshape(2, 3),
        "transposed": torch.arange(6).reshape(2, 3).t(),
        "scalar": torch.tensor(2.5, dtype=torch.float64),
        "empty": torch.zeros(0, 3),
        "grad": torch.ones(2, requires_grad=True),
        "last": torch.arange(24.0)
        .reshape(1, 2, 3, 4)
        .contiguous(memory_format=torch.channels_last),
    }
    for options in ({}, OLD):
        here = serialization.load(io.BytesIO(theirs(there, **options)))
        assert str(here) == str(there)
        for key, tensor in there.items():
            assert here[key].stride() == tensor.stride(), key
            assert here[key].requires_grad == tensor.requires_grad
            assert type(here[key]) is jtorch.Tensor
        back = torch.load(io.BytesIO(ours(here, **options)))
        assert described(back) == described(there)


def test_results_that_are_still_pending_are_saved(jtorch):
    pending = jtorch.tensor([1.0, 2.0]) + 1
    assert torch.load(io.BytesIO(ours(pending))).tolist() == [2.0, 3.0]


def test_a_pickle_that_pytorch_made_outside_save(jtorch):
    tensor = torch.arange(6.0).reshape(2, 3)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([tensor, tensor.t()]))
        archive.writestr("archive/version", "3\n")
    buffer.seek(0)
    plain, transposed = serialization.load(buffer, weights_only=False)
    assert plain.tolist() == tensor.tolist() and transposed.tolist() == tensor.t().tolist()
