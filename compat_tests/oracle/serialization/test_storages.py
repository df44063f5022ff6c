"""Storages that stand by themselves in a file: both ways with the installed PyTorch."""

from __future__ import annotations

import io
import zipfile

import pytest

import jtorch

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:TypedStorage is deprecated"),
]

#: What is saved, made with either library.
CASES = {
    "untyped": lambda lib: {"s": lib.tensor([1.0, 2.0]).untyped_storage()},
    "bare": lambda lib: lib.UntypedStorage([1, 2, 3]),
    "empty": lambda lib: lib.UntypedStorage(),
    "typed": lambda lib: lib.tensor([1.0, 2.0]).storage(),
    "bool": lambda lib: [lib.tensor([True, False]).storage()],
    "complex": lambda lib: [lib.tensor([1 + 2j]).storage()],
    "tensor and bytes": lambda lib: _with_bytes(lib.tensor([1, 2], dtype=lib.uint8)),
    "bytes and tensor": lambda lib: _with_bytes(lib.tensor([1, 2], dtype=lib.uint8))[::-1],
    "uint16 and bytes": lambda lib: _with_bytes(lib.tensor([1, 2]).to(lib.uint16)),
    "uint16 as uint8": lambda lib: _as_bytes(lib.tensor([1, 2]).to(lib.uint16)),
    "tensor and elements": lambda lib: _with_elements(lib.tensor([[1.0, 2.0]])),
    "part and elements": lambda lib: _with_elements(lib.tensor([1.0, 2.0, 3.0])[1:]),
    "twice": lambda lib: [lib.tensor([1.0]).untyped_storage()] * 2,
}
#: What PyTorch refuses to save.
REFUSED = {
    "floats and bytes": lambda lib: _with_bytes(lib.tensor([1.0])),
    "float8": lambda lib: lib.zeros(2, dtype=lib.float8_e5m2).storage(),
    "meta": lambda lib: lib.empty(2, device="meta").untyped_storage(),
}


def _with_bytes(tensor):
    return [tensor, tensor.untyped_storage()]


def _as_bytes(tensor):
    lib = torch if isinstance(tensor, torch.Tensor) else jtorch
    return [tensor, tensor.view(lib.uint8)]


def _with_elements(tensor):
    return [tensor, tensor.storage()]


def written(lib, obj, **options):
    buffer = io.BytesIO()
    lib.save(obj, buffer, **options)
    return buffer.getvalue()


def described(value):
    """Return a loaded value by what both libraries say of it."""
    if isinstance(value, dict):
        return {key: described(item) for key, item in value.items()}
    if isinstance(value, list):
        return [described(item) for item in value]
    return type(value).__name__, str(value.dtype), str(value.device), value.tolist()


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_each_reads_what_the_other_writes(case, weights_only):
    theirs = written(torch, CASES[case](torch))
    ours = written(jtorch, CASES[case](jtorch))
    pickles = [
        zipfile.ZipFile(io.BytesIO(data)).read("archive/data.pkl") for data in (ours, theirs)
    ]
    assert pickles[0] == pickles[1]
    expected = described(torch.load(io.BytesIO(theirs), weights_only=weights_only))
    assert described(jtorch.load(io.BytesIO(theirs), weights_only=weights_only)) == expected
    assert described(torch.load(io.BytesIO(ours), weights_only=weights_only)) == expected
    assert described(jtorch.load(io.BytesIO(ours), weights_only=weights_only)) == expected


@pytest.mark.parametrize("case", ["typed", "bool", "complex", "tensor and elements"])
def test_legacy_files(case):
    options = {"_use_new_zipfile_serialization": False}
    expected = described(CASES[case](torch))
    for reader, writer in ((jtorch, torch), (torch, jtorch)):
        data = written(writer, CASES[case](writer), **options)
        assert described(reader.load(io.BytesIO(data))) == expected


@pytest.mark.parametrize("case", ["tensor and bytes", "uint16 and bytes", "uint16 as uint8"])
@pytest.mark.parametrize("lib", [torch, jtorch], ids=["torch", "jtorch"])
def test_memory_is_shared(lib, case):
    tensor, storage = lib.load(io.BytesIO(written(torch, CASES[case](torch))))
    storage[0] = 9
    assert tensor.tolist() == [9, 2]


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    with pytest.raises(Exception) as theirs:
        written(torch, REFUSED[case](torch))
    with pytest.raises(theirs.type) as ours:
        written(jtorch, REFUSED[case](jtorch))
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("place", ["meta", "function"])
def test_map_location(place):
    def loaded(lib):
        location = place
        if place == "function":
            location = lambda storage, tag: lib.UntypedStorage([7, 8, 9])  # noqa: E731
        return lib.load(
            io.BytesIO(written(torch, torch.UntypedStorage([1, 2, 3]))), map_location=location
        )

    assert repr(loaded(jtorch)) == repr(loaded(torch))
