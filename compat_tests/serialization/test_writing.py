"""What a written file looks like, and that nothing can leave half of one behind."""

from __future__ import annotations

import errno
import io
import os
import pathlib
import pickle
import stat
import subprocess
import sys
import threading
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from compat_tests.helpers import fake_tensors as fake
from jtorch import serialization
from jtorch._core import dtypes
from jtorch.serialization import _atomic, _config, _pickler
from jtorch.serialization._zip_writer import ZipWriter

OLD = {"_use_new_zipfile_serialization": False}


@pytest.fixture(autouse=True)
def fake_tensors(monkeypatch):
    fake.install(monkeypatch)


def saved(obj, **options):
    buffer = io.BytesIO()
    serialization.save(obj, buffer, **options)
    return buffer.getvalue()


def pickle_of(obj):
    with zipfile.ZipFile(io.BytesIO(saved(obj))) as archive:
        return archive.read("archive/data.pkl")


# The archive.


def test_records_and_their_alignment():
    tensors = [fake.from_numpy(np.arange(n, dtype=np.float32)) for n in (3, 0, 100)]
    data = saved(tensors)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = [info.filename.partition("/")[2] for info in archive.infolist()]
        assert names == [
            "data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0", "data/1",
            "data/2", "version", ".data/serialization_id",
        ]  # fmt: skip
        for info in archive.infolist():
            header = data[info.header_offset :]
            start = info.header_offset + 30 + int.from_bytes(header[26:28], "little")
            start += int.from_bytes(header[28:30], "little")
            assert start % 64 == 0, info.filename
            assert data[start : start + info.file_size] == archive.read(info)
            assert info.compress_type == zipfile.ZIP_STORED
        assert archive.read("archive/version") == b"3\n"
        assert archive.read("archive/.format_version") == b"1"
        assert archive.read("archive/byteorder") == sys.byteorder.encode()
        assert len(archive.read("archive/.data/serialization_id")) == 40


def test_storage_alignment_option(monkeypatch):
    monkeypatch.setattr(_config.save, "storage_alignment", 4096)
    data = saved(fake.from_numpy(np.full(4, 77, np.uint8)))
    assert data.index(bytes([77] * 4)) % 4096 == 0
    assert serialization.load(io.BytesIO(data)).numpy().tolist() == [77] * 4


def test_checksum_option():
    assert serialization.get_crc32_options() is True
    serialization.set_crc32_options(False)
    try:
        data = saved(fake.from_numpy(np.arange(3)))
    finally:
        serialization.set_crc32_options(True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.getinfo("archive/data/0").CRC == 0
    assert serialization.load(io.BytesIO(data)).numpy().tolist() == [0, 1, 2]


def test_same_content_gives_the_same_file():
    def content():
        return {"a": fake.from_numpy(np.arange(3)), "b": [1, 2.5]}

    assert saved(content()) == saved(content())
    assert saved({"a": 1}) != saved({"a": 2})


@pytest.mark.parametrize(
    ("name", "root"),
    [("x.pt", "x"), ("a.b.pt", "a.b"), ("noending", "noending"), ("é.pt", "archive")],
)
def test_name_of_the_folder_inside(tmp_path, monkeypatch, name, root):
    monkeypatch.chdir(tmp_path)
    for path in (name, pathlib.Path(name)):
        serialization.save(1, path)
        with zipfile.ZipFile(name) as archive:
            assert archive.namelist()[0] == f"{root}/data.pkl"
        assert serialization.load(path) == 1


# The pickle.


def test_tensor_is_written_under_pytorch_names():
    pickled = pickle_of(fake.from_numpy(np.arange(3, dtype=np.float32)))
    assert pickled.startswith(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00((X\x07")
    assert b"ctorch\nFloatStorage\n" in pickled and b"jtorch" not in pickled


@pytest.mark.parametrize("name", ["uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2"])
def test_newer_dtypes_are_written_untyped(name):
    dtype = dtypes.BY_NAME[name]
    pickled = pickle_of(fake.from_numpy(np.ones(3, dtype._numpy)))
    assert b"_rebuild_tensor_v3" in pickled and b"ctorch.storage\nUntypedStorage\n" in pickled
    assert f"ctorch\n{name}\n".encode() in pickled


def test_shared_storage_is_written_once_and_whole():
    base = np.arange(1000, dtype=np.float32)
    whole, part = fake.from_numpy(base), fake.from_numpy(base[10:12])
    part.memory = whole.memory
    data = saved([part, whole, part])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.getinfo("archive/data/0").file_size == 4000
        assert "archive/data/1" not in archive.namelist()
    first, second, third = serialization.load(io.BytesIO(data))
    assert first is third and first.memory is second.memory
    assert first.numpy().tolist() == [10, 11]


@pytest.mark.parametrize("options", [{}, OLD])
def test_one_storage_under_two_dtypes(options):
    tensor = fake.from_numpy(np.arange(4, dtype=np.float32))
    other = fake.Tensor(tensor.memory, dtypes.int32, 0, (4,), (1,))
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        saved([tensor, other], **options)


def test_long_list_of_numbers_is_written_as_pickle_does():
    numbers = [*range(3000), 1.5, None, True, -(2**80)]
    value = {"a": numbers, "b": [numbers, "x"], "c": numbers}
    assert pickle_of(value) == pickle.dumps(value, 2)
    assert _pickler._LONG_LIST < len(numbers)


@pytest.mark.parametrize(
    "value",
    [
        1, "x", b"ab", {1, 2}, (1, (2, [3])), 2 + 3j, {"a": {"b": []}}, frozenset([1]),
        OrderedDict(a=1), bytearray(b"ab"), range(3), np.float32(2), np.arange(3), int, len,
        pathlib.PurePosixPath("a"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_python_values_are_written_as_pickle_does(value, protocol):
    buffer = io.BytesIO()
    serialization.save(value, buffer, pickle_protocol=protocol)
    with zipfile.ZipFile(buffer) as archive:
        written = archive.read("archive/data.pkl")
    assert repr(pickle.loads(written)) == repr(value)
    # From protocol 4 on Python's two picklers cut the stream differently.
    if protocol < 4:
        assert written == pickle.dumps(value, protocol)


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_every_protocol_round_trips_a_tensor(protocol):
    data = saved([fake.from_numpy(np.arange(3)), dtypes.float32], pickle_protocol=protocol)
    tensor, dtype = serialization.load(io.BytesIO(data), weights_only=False)
    assert tensor.numpy().tolist() == [0, 1, 2] and dtype is dtypes.float32


def outcome(function):
    try:
        function()
    except Exception as error:
        return type(error), str(error)
    return None


@pytest.mark.parametrize(
    "value",
    [lambda: 3, threading.Lock(), sys, (n for n in ()), type("Hidden", (), {})()],
    ids=["function", "lock", "module", "generator", "class"],
)
def test_what_cannot_be_pickled_says_what_pickle_says(value, tmp_path):
    path = tmp_path / "x.pt"
    assert outcome(lambda: serialization.save(value, path)) == outcome(
        lambda: pickle.dumps(value, 2)
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("options", [{}, OLD])
def test_nesting_as_deep_as_pickle_allows(options):
    def nest(depth):
        value = []
        for _ in range(depth):
            value = [value]
        return value

    limit = sys.getrecursionlimit()
    deep = serialization.load(io.BytesIO(saved(nest(400), **options)))
    depth = 0
    while deep:
        (deep,) = deep
        depth += 1
    assert depth == 400
    with pytest.raises(RecursionError):
        saved(nest(100_000), **options)
    assert sys.getrecursionlimit() == limit


def test_pickler_in_c_is_refused():
    import types

    module = types.ModuleType("quick")
    module.Pickler = type("Pickler", (pickle.Pickler,), {})
    with pytest.raises(NotImplementedError, match="the Pickler of quick is not supported"):
        serialization.save(1, io.BytesIO(), pickle_module=module)


# Safe replacement.


class Failing(fake.Memory):
    """A storage whose contents cannot be fetched, as when a device is lost."""


def failing_tensor(monkeypatch):
    tensor = fake.from_numpy(np.arange(3))

    def contents():
        raise OSError(errno.EIO, "device lost")

    described = fake._describe(tensor)
    broken = type(described.storage)("key", 24, contents, "cpu")
    monkeypatch.setattr(
        serialization._pickler._adapter,
        "describe",
        lambda tensor: type(described)(broken, dtypes.int64, 0, (3,), (1,), False),
    )
    return tensor


@pytest.mark.parametrize("options", [{}, OLD])
def test_failure_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, options):
    path = tmp_path / "x.pt"
    serialization.save("old", path)
    before = path.read_bytes()
    tensor = failing_tensor(monkeypatch)
    with pytest.raises(OSError, match="device lost"):
        serialization.save([tensor], path, **options)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["x.pt"]


@pytest.mark.parametrize("options", [{}, OLD])
def test_failure_leaves_nothing_in_a_buffer(monkeypatch, options):
    tensor = failing_tensor(monkeypatch)
    buffer = io.BytesIO(b"before")
    buffer.seek(6)
    with pytest.raises(OSError, match="device lost"):
        serialization.save([tensor], buffer, **options)
    assert buffer.getvalue() == b"before" and buffer.tell() == 6
    with pytest.raises(AttributeError):
        serialization.save([tensor, lambda: 3], buffer, **options)
    assert buffer.getvalue() == b"before"


@pytest.mark.parametrize("when", ["fsync", "replace"])
def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch, when):
    path = tmp_path / "x.pt"
    serialization.save("old", path)

    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_atomic.os, when, fail)
        with pytest.raises(OSError, match="No space left on device"):
            serialization.save("new", path)
    assert os.listdir(tmp_path) == ["x.pt"]
    assert serialization.load(path) == "old"


def test_killed_process_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.pt"
    serialization.save("old", path)
    script = """
import os, sys
from jtorch.serialization._atomic import replace_file
with replace_file(sys.argv[1]) as file:
    file.write(b"half of it")
    file.flush()
    os._exit(1)
"""
    folder = pathlib.Path(serialization.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=folder, check=False)
    assert done.returncode == 1
    assert serialization.load(path) == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="links and permissions of POSIX")
def test_links_and_permissions_stay(tmp_path):
    real, link = tmp_path / "real.pt", tmp_path / "link.pt"
    serialization.save("old", real)
    os.chmod(real, 0o640)
    link.symlink_to("real.pt")
    serialization.save("new", link)
    assert link.is_symlink() and serialization.load(real) == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    mask = os.umask(0o027)
    try:
        serialization.save("other", tmp_path / "fresh.pt")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "fresh.pt").stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")
def test_dangling_link_makes_its_target(tmp_path):
    link = tmp_path / "link.pt"
    link.symlink_to("target.pt")
    serialization.save(1, link)
    assert link.is_symlink() and serialization.load(tmp_path / "target.pt") == 1


def refuse_to_open(monkeypatch, refused, number=errno.EACCES):
    """Let the system open no file whose name and flags are refused."""
    original = os.open

    def open_(name, flags, *arguments, **options):
        if refused(os.fspath(name), flags):
            raise OSError(number, os.strerror(number), name)
        return original(name, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", open_)


def test_file_that_may_not_be_written(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    serialization.save("old", path)
    refuse_to_open(monkeypatch, lambda name, flags: name == str(path))
    with pytest.raises(RuntimeError) as caught:
        serialization.save("new", path)
    assert str(caught.value) == (
        "[enforce fail at inline_container.cc:747] . open file failed with strerror: "
        "Permission denied"
    )
    with pytest.raises(PermissionError, match=f"'{path}'"):
        serialization.save("new", path, **OLD)
    assert serialization.load(path) == "old" and os.listdir(tmp_path) == ["x.pt"]


@pytest.mark.skipif(sys.platform == "win32", reason="links and names of POSIX")
@pytest.mark.parametrize(
    ("name", "number"),
    [("loop", errno.ELOOP), ("x" * 300, errno.ENAMETOOLONG), ("folder", errno.EISDIR)],
)
def test_name_that_no_file_can_have(tmp_path, monkeypatch, name, number):
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")
    os.symlink("loop", "loop")
    with pytest.raises(RuntimeError) as caught:
        serialization.save(1, name)
    assert str(caught.value) == (
        "[enforce fail at inline_container.cc:747] . open file failed with strerror: "
        + os.strerror(number)
    )
    with pytest.raises(OSError) as caught:
        serialization.save(1, name, **OLD)
    assert (caught.value.errno, caught.value.filename) == (number, name)
    with pytest.raises(RuntimeError, match="invalid file name: folder/"):
        serialization.save(1, "folder/")
    assert sorted(os.listdir()) == ["folder", "loop"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_devices_are_written_in_place():
    with pytest.raises(OSError, match="No space left on device"):
        serialization.save(fake.from_numpy(np.zeros(10**6)), "/dev/full")
    serialization.save(1, "/dev/null")
    assert not stat.S_ISREG(os.stat("/dev/null").st_mode)


CREATES = os.O_EXCL | (getattr(os, "O_TMPFILE", 0) & ~getattr(os, "O_DIRECTORY", 0))


def test_folder_in_which_no_file_may_be_made(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    serialization.save("old", path)
    refuse_to_open(monkeypatch, lambda name, flags: flags & CREATES)
    serialization.save("new", path)
    assert serialization.load(path) == "new"


def test_old_file_is_not_given_up_where_no_new_one_can_be_made(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    serialization.save("old", path)
    refuse_to_open(monkeypatch, lambda name, flags: flags & CREATES, errno.ENOSPC)
    with pytest.raises(RuntimeError, match="strerror: No space left on device"):
        serialization.save("new", path)
    assert serialization.load(path) == "old"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
@pytest.mark.parametrize("options", [{}, OLD])
def test_fifo_is_written_and_read_in_place(tmp_path, options):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    tensor = fake.from_numpy(np.arange(5))
    writer = threading.Thread(target=serialization.save, args=(tensor, path), kwargs=options)
    writer.start()
    received = path.read_bytes()
    writer.join()
    assert serialization.load(io.BytesIO(received)).numpy().tolist() == [0, 1, 2, 3, 4]
    assert stat.S_ISFIFO(path.stat().st_mode)
    both_ends = os.open(path, os.O_RDWR)
    try:
        os.write(both_ends, received)
        with pytest.raises(OSError, match="Illegal seek"):  # torch 2.13 reads none either
            serialization.load(path)
    finally:
        os.close(both_ends)


# File-like objects.


class Slow(io.RawIOBase):
    """Takes at most ten bytes at once, as an unbuffered file or a socket may."""

    def __init__(self):
        self.taken = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.taken += bytes(data[:10])
        return min(len(data), 10)


@pytest.mark.parametrize("options", [{}, OLD])
def test_file_that_takes_less_than_it_is_given(options):
    slow = Slow()
    serialization.save([1, fake.from_numpy(np.arange(99))], slow, **options)
    assert bytes(slow.taken) == saved([1, fake.from_numpy(np.arange(99))], **options)


def test_file_that_takes_nothing():
    with pytest.raises(OSError, match="took none of them"):
        ZipWriter(lambda data: 0, "archive").write_record("a", b"x")


def test_file_without_tell_or_return_value():
    class Plain:
        def __init__(self):
            self.pieces = []
            self.flushed = 0

        def write(self, data):
            self.pieces.append(bytes(data))

        def flush(self):
            self.flushed += 1

    plain = Plain()
    serialization.save([1], plain)
    assert serialization.load(io.BytesIO(b"".join(plain.pieces))) == [1] and plain.flushed == 1


def test_objects_that_are_no_files():
    class Attribute:
        write = 3

    class NoFlush:
        def write(self, data):
            return len(data)

    with pytest.raises(TypeError, match="has no callable attribute 'write'"):
        serialization.save(1, Attribute())
    with pytest.raises(AttributeError, match="'NoFlush' object has no attribute 'flush'"):
        serialization.save(1, NoFlush())


KILLED = (
    "import os, signal, sys, jtorch as torch\n"
    "from jtorch.serialization import _atomic, _save\n"
    "if sys.argv[1] == 'named':\n"
    "    _atomic._UNNAMED = 0\n"
    "write = _save._write_archive\n"
    "def killed(*arguments):\n"
    "    write(*arguments)\n"
    "    os.kill(os.getpid(), signal.SIGKILL)\n"
    "_save._write_archive = killed\n"
    "torch.save(torch.zeros(10000), 'model.pt')\n"
)


def save_and_be_killed(folder, name):
    """Run a process that is killed when it has written a file, whose name is another or none."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, name], cwd=folder, env=environment, check=False
    )
    assert done.returncode == -9


@pytest.mark.skipif(not _atomic._UNNAMED, reason="no files without a name")
def test_killed_save_leaves_nothing(tmp_path):
    try:
        os.close(os.open(tmp_path, _atomic._UNNAMED | os.O_WRONLY))
    except OSError:
        pytest.skip("no files without a name on this file system")
    save_and_be_killed(tmp_path, "unnamed")
    assert os.listdir(tmp_path) == []


def test_file_that_can_be_given_no_name_is_copied(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    for content in ("first", "second"):
        serialization.save([content] * 1000, tmp_path / "x.pt")
        assert serialization.load(tmp_path / "x.pt") == [content] * 1000
    assert os.listdir(tmp_path) == ["x.pt"]


def test_what_a_killed_save_left_is_removed(tmp_path):
    save_and_be_killed(tmp_path, "named")
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".model.pt.") and left.endswith(".tmp")
    others = ["notes.tmp", ".model.pt.tmp", ".model.pt.0123456789abcdef.tmp.kept"]
    young = ".other.pt.0123456789abcdef.tmp"
    for name in (*others, young):
        (tmp_path / name).touch()
    for name in (left, *others):
        os.utime(tmp_path / name, (0, 0))
    serialization.save(1, tmp_path / "another.pt")
    assert sorted(os.listdir(tmp_path)) == sorted([*others, young, "another.pt"])


def test_saved_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []

    def note(name):
        original = getattr(os, name)

        def call(*arguments, **options):
            done.append((name, (tmp_path / "x.pt").exists()))
            return original(*arguments, **options)

        monkeypatch.setattr(_atomic.os, name, call)

    note("fsync")
    note("replace")
    serialization.save(1, tmp_path / "x.pt")
    assert done == [("fsync", False), ("replace", False), ("fsync", True)]


def test_what_another_process_is_writing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(_atomic, "_UNNAMED", 0)
    with _atomic.replace_file(str(tmp_path / "slow.pt")):
        (temporary,) = os.listdir(tmp_path)
        os.utime(tmp_path / temporary, (0, 0))
        _atomic._swept.clear()
        serialization.save(1, tmp_path / "another.pt")
        assert temporary in os.listdir(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["another.pt", "slow.pt"]
