"""Damaged and malicious files: an allowed exception, in bounded memory, and never anything else."""

from __future__ import annotations

import contextlib
import io
import pickle
import random
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from compat_tests.helpers import fake_tensors as fake
from compat_tests.helpers.fake_tensors import (
    archive_of,
    number,
    storage_id,
    tensor_pickle,
    text,
)
from compat_tests.helpers.paths import GOLDEN
from jtorch import serialization
from jtorch.serialization import _limits

FOLDER = GOLDEN / "pt"
#: What a damaged file may raise, and nothing else.
ALLOWED = (
    pickle.UnpicklingError, RuntimeError, EOFError, ValueError, NotImplementedError, TypeError,
    AssertionError, IndexError, KeyError, AttributeError, struct.error,
)  # fmt: skip
#: Bytes that reading a file of a few kilobytes may take.
MEMORY = 8 << 20


@pytest.fixture(autouse=True)
def fake_tensors(monkeypatch):
    fake.install(monkeypatch)


@contextlib.contextmanager
def little_memory(limit=MEMORY):
    """Fail if more than ``limit`` bytes are taken at any moment."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit


def attempt(data):
    """Load a file that may be damaged; return whether it could be loaded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            serialization.load(io.BytesIO(data))
    except ALLOWED:
        return False
    return True


def refused(data, match, exception=pickle.UnpicklingError):
    with little_memory(), pytest.raises(exception, match=match):
        serialization.load(io.BytesIO(data))


SMALL = ["parameters.pt", "views_legacy.pt", "containers_legacy.pt", "python2.pt", "big_endian.pt"]


@pytest.mark.parametrize("name", SMALL)
def test_truncated_at_every_length(name):
    data = (FOLDER / name).read_bytes()
    step = max(1, len(data) // 700)
    with little_memory():
        assert attempt(data)
        whole = [length for length in range(0, len(data), step) if attempt(data[:length])]
    # Of a zip archive only the directory's end may be missing nothing; of a legacy file nothing.
    assert whole == []


@pytest.mark.parametrize("name", SMALL)
def test_flipped_bytes(name):
    data = (FOLDER / name).read_bytes()
    random_numbers = random.Random(0)
    step = max(1, len(data) // 500)
    with little_memory():
        assert attempt(data)
        for position in range(0, len(data), step):
            damaged = bytearray(data)
            damaged[position] ^= random_numbers.choice((1, 2, 16, 128, 255))
            attempt(bytes(damaged))
        for _ in range(300):
            damaged = bytearray(data)
            for _ in range(random_numbers.randrange(1, 6)):
                damaged[random_numbers.randrange(len(data))] = random_numbers.randrange(256)
            attempt(bytes(damaged))


def test_flipped_bytes_inside_the_pickle():
    with zipfile.ZipFile(FOLDER / "parameters.pt") as archive:
        pickled = archive.read("archive/data.pkl")
        records = [(f"data/{n}", archive.read(f"archive/data/{n}")) for n in range(5)]
    random_numbers = random.Random(1)
    outcomes = []
    with little_memory():
        for _ in range(1500):
            damaged = bytearray(pickled)
            damaged[random_numbers.randrange(len(pickled))] = random_numbers.randrange(256)
            outcomes.append(attempt(archive_of(bytes(damaged), records)))
    assert 0 < sum(outcomes) < len(outcomes)


def test_random_opcodes():
    opcodes = b"cRbQaesu(t\x85\x86\x87N\x89\x88)]}\x8fJKMGXU\x8ahjqr\x80.\x81"
    random_numbers = random.Random(2)
    with little_memory():
        assert attempt(archive_of(b"\x80\x02N."))
        for _ in range(3000):
            body = bytes(
                random_numbers.choice(opcodes) for _ in range(random_numbers.randrange(60))
            )
            attempt(archive_of(b"\x80\x02" + body + b"."))


# Pickles that ask for too much.

BYTEARRAY = b"c__builtin__\nbytearray\n"


@pytest.mark.parametrize(
    ("pickled", "match"),
    [
        (BYTEARRAY + number(2**40) + b"\x85R.", "bytearray"),
        (b"c_codecs\nencode\n" + text("a") + text("bz2") + b"\x86R.", "_codecs.encode"),
        (b"ctorch\nTensor\n" + number(2**40) + b"\x85R.", "unrecognized function"),
        (b"ctorch\nFloatTensor\n" + number(2**40) + b"\x85R.", "unrecognized function"),
        (b"c" + b"a" * 10000 + b"\nb\n.", "a name of more than 4096 bytes"),
        (b"(" * (_limits.MAX_NESTING + 1) + b".", "levels of nesting"),
        (b"ccollections\nOrderedDict\n)RK\x01b.", "attributes of an OrderedDict"),
        (b"cos\nsystem\n.", "blocked"),
        (b"c__builtin__\neval\n.", "GLOBAL eval was not an allowed global"),
        (b"I1\n.", "Unsupported operand 73"),
    ],
)
def test_refused_pickle(pickled, match):
    refused(archive_of(b"\x80\x02" + pickled), match)


@pytest.mark.parametrize(
    ("pickled", "exception", "words"),
    [
        (b"", EOFError, ""),
        (b"]N", EOFError, ""),
        (b"X\xff\xff\xff\xffab.", EOFError, ""),
        (b"U\xffab.", EOFError, ""),
        (b"\x8a\xff\x01.", EOFError, ""),
        (
            BYTEARRAY + b"]" + number(2**40) + b"a\x85R.",
            ValueError,
            "byte must be in range(0, 256)",
        ),
        (b"K", IndexError, "index out of range"),
        (b"G\x00", struct.error, "unpack requires a buffer of 8 bytes"),
        (b"h\x05.", KeyError, "5"),
        (b"q\x05.", IndexError, "list index out of range"),
        (b"t.", IndexError, "pop from empty list"),
        (b".", IndexError, "pop from empty list"),
        (b"Na.", IndexError, "list index out of range"),
        (b"NNs.", IndexError, "list index out of range"),
        (b"}]K\x01s.", TypeError, "unhashable type: 'list'"),
        (b"}(K\x01u.", IndexError, "list index out of range"),
        (b")Q.", IndexError, "tuple index out of range"),
        (b"K\x01Q.", AssertionError, "saved_id must be a tuple, got int"),
        (b"ccollections\nOrderedDict\nK\x01\x85R.", TypeError, "'int' object is not iterable"),
        (
            b"ccollections\nOrderedDict\nNR.",
            TypeError,
            "collections.OrderedDict() argument after * must be an iterable, not NoneType",
        ),
        (
            b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
            TypeError,
            "_rebuild_tensor_v2() missing 6 required positional arguments: 'storage', "
            "'storage_offset', 'size', 'stride', 'requires_grad', and 'backward_hooks'",
        ),
        (
            b"X\x02\x00\x00\x00\xff\xfe.",
            UnicodeDecodeError,
            "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
        ),
    ],
)
def test_damaged_pickle_fails_as_in_pytorch(pickled, exception, words):
    with little_memory(), pytest.raises(exception) as caught:
        serialization.load(io.BytesIO(archive_of(b"\x80\x02" + pickled)))
    assert type(caught.value) is exception and str(caught.value) == words


def test_a_call_inside_a_call_is_refused_as_well():
    inner = BYTEARRAY + b"N(" + number(2**40) + b"tN"
    pickled = b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(" + inner + b"tR."
    refused(archive_of(pickled), "bytearray")


@pytest.mark.parametrize("depth", [150, 50_000])
def test_keys_that_take_for_ever_to_hash_or_overflow_the_stack(depth):
    # t = (t, t), again and again: an exponential number of elements, or a very deep tuple.
    double = b"K\x01" + b"q\x00h\x00\x86" * depth
    single = b"K\x01" + b"\x85" * depth
    for key in (double, single):
        refused(archive_of(b"\x80\x02}" + key + b"Ns."), "nested too deeply")
        made = b"\x80\x02c__builtin__\nset\n]" + key + b"a\x85R."
        refused(archive_of(made), "nested too deeply")
        pairs = b"\x80\x02ccollections\nOrderedDict\n]" + key + b"N\x86a\x85R."
        refused(archive_of(pairs), "nested too deeply")
        counted = b"\x80\x02ccollections\nCounter\n]" + key + b"a\x85R."
        refused(archive_of(counted), "nested too deeply")


def test_messages_do_not_print_what_is_too_large_to_print():
    huge = b"K\x01" + b"q\x00h\x00\x86" * 60
    refused(archive_of(b"\x80\x02" + huge + b")R."), "unrecognized function")
    refused(archive_of(b"\x80\x02" + huge + b")\x81."), "Can only create new object")
    refused(archive_of(b"\x80\x02" + huge + b"}b."), "Can only build Tensor")
    refused(archive_of(b"\x80\x02" + huge + b"Q."), "Only persistent_load of storage")


# Tensors that do not fit their storage.


@pytest.mark.parametrize(
    ("geometry", "match"),
    [
        (((10,), (1,)), "requiring a storage size of 40 are out of bounds for storage of size 16"),
        (((2, 2), (1, 1), 2), "out of bounds for storage of size 16"),
        (((-1,), (1,)), "numel: integer multiplication overflow"),
        (((2,), (-1,)), "Storage size calculation overflowed with sizes=.2. and strides=.-1."),
        (((2,), (1,), -1), "Tensor: invalid storage offset -1"),
        (((2,), (1, 1)), "unequal size length .1. and stride length .2."),
        (((2**40, 2**40), (0, 0)), "numel: integer multiplication overflow"),
        (((2**62, 1), (1, 1)), "out of bounds"),
    ],
)
def test_tensor_out_of_bounds(geometry, match):
    data = archive_of(tensor_pickle(*geometry), [("data/0", bytes(16))])
    refused(data, match, RuntimeError)


def test_tensor_of_no_elements_may_lie_anywhere():
    data = archive_of(tensor_pickle((0, 5), (5, 1), 99), [("data/0", bytes(16))])
    assert serialization.load(io.BytesIO(data)).size == (0, 5)


def test_requires_grad_of_integers():
    pickled = tensor_pickle((4,), (1,), kind="IntStorage").replace(b"\x89ccoll", b"\x88ccoll")
    refused(archive_of(pickled, [("data/0", bytes(16))]), "only Tensors of floating", RuntimeError)


@pytest.mark.parametrize("numel", [3, 5, 2**40, 2**70])
def test_storage_of_another_size_than_its_record(numel):
    data = archive_of(tensor_pickle((1,), (1,), numel=numel), [("data/0", bytes(16))])
    refused(data, "does not match expected size", RuntimeError)


@pytest.mark.parametrize("numel", [2**20, 2**40, 2**70])
def test_storage_larger_than_a_legacy_file(numel):
    head = b"".join(pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, {}))
    body = tensor_pickle((1,), (1,), numel=numel).replace(b"tQ", b"NtQ")
    refused(head + body, "the storages are larger than the file")


def test_key_outside_the_archive_is_not_found():
    data = archive_of(tensor_pickle((4,), (1,), key="../../etc/passwd"))
    refused(data, "failed locating file data/../../etc/passwd: file not found", RuntimeError)


def test_a_tensor_needs_a_storage():
    pickled = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00))\x89NtR."
    refused(archive_of(pickled), "a tensor needs a storage, but the file has int", TypeError)
    pickled = b"\x80\x02" + storage_id().replace(b"torch\nFloatStorage", b"torch\nfloat32") + b"."
    refused(archive_of(pickled), "the identifier of a storage has fields of other types")


@pytest.mark.parametrize("name", ["numpy", "__class__", "device"])
def test_a_file_cannot_replace_what_a_tensor_is_made_of(name):
    state = b"}" + text(name) + b"Ns"
    pickled = (
        b"\x80\x02ctorch._utils\n_rebuild_parameter_with_state\n("
        + tensor_pickle((4,), (1,))[2:-1]
        + b"\x89N"
        + state
        + b"tR."
    )
    data = archive_of(pickled, [("data/0", bytes(16))])
    refused(data, "Invalid serialized state: an attribute named", RuntimeError)


# Archives that lie.


def good_archive():
    return archive_of(tensor_pickle((4,), (1,)), [("data/0", bytes(16))])


def test_two_records_of_one_name():
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(buffer, "w") as archive:
            for contents in (b"\x80\x02N.", b"\x80\x02K\x01."):
                archive.writestr("archive/data.pkl", contents)
            archive.writestr("archive/version", "3\n")
    refused(buffer.getvalue(), "two records of the name 'archive/data.pkl'", RuntimeError)


def test_local_header_of_another_name():
    data = bytearray(good_archive())
    position = data.index(b"archive/data.pkl")
    data[position : position + 16] = b"archive/data.pkx"
    refused(bytes(data), "invalid header or archive is corrupted", RuntimeError)


def test_records_that_overlap_claim_more_than_the_archive_has():
    data = bytearray(good_archive())
    entry = data.index(b"PK\x01\x02")
    while entry >= 0:
        size = len(data) - struct.unpack_from("<I", data, entry + 42)[0] - 60
        struct.pack_into("<II", data, entry + 20, size, size)
        entry = data.find(b"PK\x01\x02", entry + 1)
    refused(bytes(data), "the records claim more bytes than the archive has", RuntimeError)


def test_encrypted_and_unknown_compression():
    for offset, value, match in ((8, 1, "unsupported encryption"), (10, 12, "unsupported method")):
        data = bytearray(good_archive())
        struct.pack_into("<H", data, data.index(b"PK\x01\x02") + offset, value)
        refused(bytes(data), match, RuntimeError)


def test_compressed_records_may_not_grow_without_end():
    zeros = bytes(_limits.COMPRESSED_ALLOWANCE * 3)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/data.pkl", tensor_pickle((1,), (1,), numel=len(zeros) // 4))
        archive.writestr("archive/data/0", zeros)
    refused(buffer.getvalue(), "grow beyond all proportion", RuntimeError)


def test_compressed_record_larger_than_it_claims():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/data.pkl", tensor_pickle((4,), (1,)))
        archive.writestr("archive/data/0", bytes(10**6))
    data = bytearray(buffer.getvalue())
    entry = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 16)
    refused(bytes(data), "decompression failed", RuntimeError)


def test_no_folder_in_the_archive():
    data = good_archive().replace(b"archive/", b"archive_")
    refused(data, "file in archive is not in a subdirectory: archive_data.pkl", RuntimeError)


def test_directory_beyond_the_end():
    for field, value in ((12, 2**31), (16, 2**31), (10, 60000)):
        data = bytearray(good_archive())
        end = data.rindex(b"PK\x05\x06")
        struct.pack_into("<H" if field == 10 else "<I", data, end + field, value)
        with little_memory(), pytest.raises(RuntimeError, match="reading zip archive"):
            serialization.load(io.BytesIO(bytes(data)))


def test_large_archive_with_zip64_offsets(tmp_path):
    # Written sparse: a record of 4 GiB and one behind it.
    from jtorch.serialization._zip_reader import ZipReader
    from jtorch.serialization._zip_writer import ZipWriter

    path = tmp_path / "large.pt"
    hole = 2**32 + 64
    with open(path, "wb") as file:
        written = 0

        def write(view):
            nonlocal written
            # Only what is not zero takes room on the disk.
            if any(view[:64]) or len(view) < 4096:
                file.seek(written)
                file.write(view)
            written += len(view)
            return len(view)

        archive = ZipWriter(write, "large", compute_crc32=False)
        archive.write_hole("data/0", hole)
        archive.write_record("data/1", b"behind")
        archive.write_record("version", b"3\n")
        archive.finish()
    with open(path, "rb") as file:
        reader = ZipReader(file)
        assert reader.record_size("data/0") == hole
        assert reader.record_offset("data/0") % 64 == 0
        assert reader.record_offset("data/1") > hole and reader.record_offset("data/1") % 64 == 0
        assert reader.read_record("data/1") == b"behind"
    with zipfile.ZipFile(path) as other_reader:
        assert [info.file_size for info in other_reader.infolist()] == [hole, 6, 2]


def test_reading_a_large_storage_takes_its_memory_once():
    data = io.BytesIO()
    serialization.save(fake.from_numpy(np.zeros(4 << 20, np.uint8)), data)
    data.seek(0)
    with little_memory(6 << 20):
        assert serialization.load(data).size == (4 << 20,)
