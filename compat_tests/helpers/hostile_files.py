"""Files made to harm the process that loads them, and a program that loads each and measures it.

``python -m compat_tests.helpers.hostile_files default`` (or ``mmap``) loads every file in turn and
prints a line of JSON for each: its name, what came of it, and how long that took. A load may take
500 megabytes of addresses more than there were before it, which the operating system sees to.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

from .fake_tensors import archive_of, number, storage_id, tensor_pickle, text

MEGABYTES = 500
_ORDERED = b"ccollections\nOrderedDict\n"
_REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
_HEAD = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {}))
#: Deeper than functions may call one another.
_DEEP = 50_000


_CODES = (
    *(b".", b"t.", b"e.", b"u.", b"R.", b"b.", b"\x81.", b"Q.", b"s.", b"a.", b"\x87.", b"h\x05."),
    *(
        b"q\x05.",
        b"I1\n.",
        b"\x8c\x01a.",
        b"\x93.",
        b"\x97.",
        b"\x96" + b"\xff" * 8 + b".",
        b"",
        b"N",
    ),
    b"cos\nsystem\n" + text("true") + b"\x85R.",
    b"c__builtin__\neval\n" + text("1") + b"\x85R.",
    *(b"cposix\nsystem\n.", b"csubprocess\nPopen\n.", b"cnumpy\nndarray\n."),
)


def _tensor(storage: bytes, size: bytes, stride: bytes, offset: bytes = b"K\x00") -> bytes:
    return _REBUILD + b"(" + storage + offset + size + stride + b"\x89" + _ORDERED + b")RtR"


def _many(item: bytes, times: int, before: bytes = b"") -> bytes:
    """Return a pickle of a list that holds the same thing many times over."""
    return b"\x80\x02" + before + b"](" + item * times + b"e."


def _memoized(value: bytes) -> bytes:
    """Return opcodes that make a value, remember it as number 0 and take it from the stack."""
    return b"}" + value + b"q\x00Ns0"


def _collisions(count: int) -> list[bytes]:
    return [number((2**61 - 1) * (turn + 1)) for turn in range(count)]


def pickles() -> Iterator[tuple[str, bytes, list[tuple[str, bytes]]]]:
    """Yield names, pickles of tensors and containers, and the records that they need."""
    small = [("data/0", bytes(16))]
    large = [("data/0", bytes(1 << 20))]
    of_large = storage_id(numel=1 << 18)
    for name, geometry in {
        "a billion elements of one": ((10**9,), (0,)),
        "2 ** 62 elements of one": ((2**62,), (0,)),
        "2 ** 80 elements of one": ((2**40, 2**40), (0, 0)),
        "a million rows of one": ((10**6, 1000), (0, 1)),
        "windows": ((2, 2), (1, 1)),
        "out of bounds": ((10,), (1,)),
        "far out of bounds": ((2**62,), (2**62,)),
        "negative size": ((-1,), (1,)),
        "negative stride": ((2,), (-1,)),
        "sizes and strides": ((2, 2), (1,)),
        "a thousand dimensions": ((1,) * 1000, (1,) * 1000),
        "65 dimensions": ((1,) * 65, (1,) * 65),
        "no elements, far away": ((0, 2**40), (2**40, 1), 2**40),
        "beyond the end": ((1,), (1,), 4),
    }.items():
        yield name, tensor_pickle(*geometry), small
    for numel in (0, 3, 5, 2**31, 2**40, 2**62, 2**70):
        yield f"storage of {numel}", tensor_pickle((1,), (1,), numel=numel), small
    for kind in (
        "UntypedStorage",
        "QInt8Storage",
        "BoolStorage",
        "ComplexDoubleStorage",
        "Storage",
    ):
        yield f"a {kind}", tensor_pickle((1,), (1,), kind=kind), small
    for location in ("cuda:0", "cuda:99999", "meta", "xla", "", "cpu" * 1000):
        yield f"at {location[:10]}", tensor_pickle((1,), (1,), location=location), small
    yield "records outside", tensor_pickle((1,), (1,), key="../../etc/passwd"), small
    views = _tensor(b"h\x00", b"M\x00\x02M\x00\x02\x86", b"K\x01M\x00\x02\x86")
    yield "a thousand transposed megabytes", _many(views, 1000, of_large + b"q\x00"), large
    views = _tensor(b"h\x00", number((1 << 18) - 1) + b"\x85", b"K\x01\x85", b"K\x01")
    yield "a thousand parts of a megabyte", _many(views, 1000, of_large + b"q\x00"), large
    wide = _tensor(storage_id(), *2 * (b"(" + b"K\x01" * 200_000 + b"t",))
    yield "many dimensions", b"\x80\x02" + wide + b".", small
    for name, opening in {"lists": b"](", "tuples": b"(", "dicts": b"}(K\x01"}.items():
        for depth in (1000, _DEEP):
            closing = {"lists": b"e", "tuples": b"t", "dicts": b"u"}[name]
            pickled = b"\x80\x02" + opening * depth + storage_id() + closing * depth + b"."
            yield f"a storage in {depth} {name}", pickled, small
    for depth in (1000, _DEEP):
        single = b"\x80\x02" + storage_id() + b"\x85" * depth
        yield f"a storage in {depth} single tuples", single + b".", small
        yield (
            f"a call of {depth} tuples",
            b"\x80\x02" + _ORDERED + storage_id() + b"\x85" * depth + (b"R."),
            small,
        )
        key = b"\x80\x02}" + b"K\x01" + b"\x85" * depth + b"Ns."
        yield f"a key of {depth} tuples", key, []
    doubled = b"K\x01" + b"q\x00h\x00\x86" * 60
    yield "tuples, doubled 60 times", b"\x80\x02" + doubled + b".", []
    yield "a key, doubled 60 times", b"\x80\x02}" + doubled + b"Ns.", []
    yield (
        "a storage, doubled 60 times",
        b"\x80\x02" + storage_id() + b"q\x00h\x00\x86" * 60 + b".",
        small,
    )
    keys = _collisions(20_000)
    yield "keys that collide", b"\x80\x02}(" + b"".join(key + b"N" for key in keys) + b"u.", []
    yield "single keys that collide", b"\x80\x02}" + b"".join(k + b"Ns" for k in keys) + b".", []
    inner = [key + b"\x85" for key in keys]
    yield "tuples that collide", b"\x80\x02}(" + b"".join(key + b"N" for key in inner) + b"u.", []
    collided = b"](" + b"".join(keys) + b"e"
    made = {"set": b"c__builtin__\nset\n", "Counter": b"ccollections\nCounter\n"}
    for name, function in made.items():
        yield f"a {name} that collides", b"\x80\x02" + function + collided + b"\x85R.", []
    pairs = b"](" + b"".join(key + b"N\x86" for key in keys) + b"e"
    yield "pairs that collide", b"\x80\x02" + _ORDERED + pairs + b"\x85R.", []
    sized = {
        "text encoded": (
            text("a" * 500_000), b"c_codecs\nencode\nh\x00" + text("latin1") + b"\x86R"
        ),
        "bytes copied": (
            b"c_codecs\nencode\n" + text("a" * 500_000) + text("latin1") + b"\x86R",
            b"c__builtin__\nbytearray\nh\x00\x85R",
        ),
        "sets copied": (b"](" + b"K\x01" * 200_000 + b"e", b"c__builtin__\nset\nh\x00\x85R"),
        "sizes copied": (b"(" + b"K\x01" * 200_000 + b"t", b"ctorch\nSize\nh\x00\x85R"),
        "dicts copied": (b"}(" + b"".join(text(str(n)) + b"N" for n in range(50_000)) + b"u",
                         _ORDERED + b"h\x00\x85R"),
    }  # fmt: skip
    for name, (value, call) in sized.items():
        yield name, b"\x80\x02" + value + b"q\x00](" + call * 1000 + b"e\x86.", []
    attributes = b"}(" + b"".join(text(f"a{n}") + b"N" for n in range(50_000)) + b"u"
    built = _ORDERED + b")Rh\x00b"
    yield "attributes copied", b"\x80\x02" + attributes + b"q\x00](" + built * 1000 + b"e\x86.", []
    yield (
        "a bytearray of numbers",
        b"\x80\x02c__builtin__\nbytearray\n" + number(2**40) + b"\x85R.",
        [],
    )
    yield "a name of a megabyte", b"\x80\x02c" + b"a" * (1 << 20) + b"\nb\n.", []
    yield "a name without an end", b"\x80\x02c" + b"a" * (1 << 20), []
    yield "marks", b"\x80\x02" + b"(" * (1 << 20) + b".", []
    yield "empty sets", _many(b"\x8f", 200_000), []
    yield "a text of 4 gigabytes", b"\x80\x02X\xff\xff\xff\xffab.", []
    yield "text that is none", b"\x80\x02X\x02\x00\x00\x00\xff\xfe.", []
    yield "a long number", b"\x80\x02\x8a\xff\x01.", []
    for code in _CODES:
        yield f"opcodes {code[:24]!r}", b"\x80\x02" + code, []
    state = b"}" + text("numpy") + b"Ns"
    pickled = (
        b"\x80\x02ctorch._utils\n_rebuild_parameter_with_state\n("
        + tensor_pickle((4,), (1,))[2:-1] + b"\x89N" + state + b"tR."
    )  # fmt: skip
    yield "attributes of the class", pickled, small
    meta = b"\x80\x02ctorch._utils\n_rebuild_meta_tensor_no_storage\n(ctorch\nfloat32\n"
    yield "a meta tensor of 2 ** 62", meta + number(2**62) + b"\x85K\x01\x85\x89tR.", []
    yield (
        "a grad that requires a billion",
        tensor_pickle((10**9,), (0,)).replace(b"\x89ccoll", b"\x88ccoll"),
        small,
    )


def _legacy(pickled: bytes, records: list[tuple[str, bytes]]) -> bytes:
    """Return a pickle and its storages as a file of the format before zip archives."""
    keys = pickle.dumps([name.partition("/")[2] for name, _ in records], 2)
    contents = b"".join(struct.pack("<q", len(data) // 4) + data for _, data in records)
    return _HEAD + pickled.replace(b"tQ", b"NtQ") + keys + contents


def _damaged(name: str, data: bytes, places: int) -> Iterator[tuple[str, bytes]]:
    """Yield a file cut off, and with one byte changed, at so many places."""
    numbers = random.Random(0)
    for place in range(places):
        yield f"{name}, cut at {place}/{places}", data[: len(data) * place // places]
    for position in numbers.sample(range(len(data)), places):
        change = numbers.choice((1, 16, 128, 255))
        changed = bytearray(data)
        changed[position] ^= change
        yield f"{name}, byte {position} changed by {change}", bytes(changed)


def _archives(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield archives that lie about their records."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", tensor_pickle((1,), (1,), numel=1 << 28))
        archive.writestr("archive/version", "3\n")
        with archive.open("archive/data/0", "w", force_zip64=True) as member:
            for _ in range(1 << 10):
                member.write(bytes(1 << 20))
    yield "a gigabyte deflated", bomb.getvalue()
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("archive/data.pkl", "w") as member:
            for _ in range(600):
                member.write(b"(" * (1 << 20))
        archive.writestr("archive/version", "3\n")
    yield "a pickle of 600 megabytes deflated", bomb.getvalue()
    for name in ("version", "data.pkl", "data/0"):
        kept = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(kept, "w") as new:
            for path in old.namelist():
                if path.partition("/")[2] != name:
                    new.writestr(path, old.read(path))
        yield f"no {name}", kept.getvalue()
    for version in (b"", b"abc", b"0", b"-1", b"11", b"9" * 30, b"9" * 5000):
        kept = io.BytesIO()
        with zipfile.ZipFile(kept, "w") as new:
            new.writestr("archive/data.pkl", b"\x80\x02N.")
            new.writestr("archive/version", version)
        yield f"version {version[:40]!r}", kept.getvalue()
    end = whole.rfind(b"PK\x05\x06")
    for offset, layout, value in ((8, "<H", 0xFFFE), (10, "<H", 0xFFFE), (12, "<I", 2**32 - 2),
                                  (16, "<I", 2**32 - 2), (4, "<H", 7), (20, "<H", 9)):  # fmt: skip
        changed = bytearray(whole)
        struct.pack_into(layout, changed, end + offset, value)
        yield f"a directory of {value} at {offset}", bytes(changed)
    entry = whole.find(b"PK\x01\x02")
    for offset, layout, value in ((8, "<H", 1), (10, "<H", 8), (10, "<H", 99), (16, "<I", 5),
                                  (20, "<I", 2**31), (24, "<I", 2**31), (28, "<H", 0xFFFF),
                                  (42, "<I", 2**31)):  # fmt: skip
        changed = bytearray(whole)
        struct.pack_into(layout, changed, entry + offset, value)
        yield f"an entry of {value} at {offset}", bytes(changed)
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("archive/data.pkl", b"\x80\x02N.")
        archive.writestr("archive/version", "3\n")
    yield "two records of one name", twice.getvalue()
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02N.")
        archive.writestr("archive/version", "3\n")
        for position in range(5000):
            archive.writestr(f"archive/data/{position}", b"")
    yield "5000 records that nobody asks for", many.getvalue()


def files() -> Iterator[tuple[str, bytes]]:
    """Yield the names and the bytes of every file."""
    for name, pickled, records in pickles():
        yield name, archive_of(pickled, records)
        yield f"legacy: {name}", _legacy(pickled, records)
    records = [("data/0", struct.pack("<4f", 1, 2, 3, 4))]
    whole = archive_of(tensor_pickle((2, 2), (2, 1)), records)
    yield from _damaged("an archive", whole, 40)
    yield from _damaged("a legacy file", _legacy(tensor_pickle((2, 2), (2, 1)), records), 40)
    yield from _archives(whole)
    others: tuple[bytes, ...] = (
        b"",
        b"\n",
        b"PK",
        b"PK\x03\x04",
        b"PK\x05\x06" + bytes(18),
        b"\x80",
        b"\x80\x02",
        _HEAD,
    )
    others += (b"hello world", bytes(100), b"<html>404</html>", b"\x93NUMPY", b"\x1f\x8b\x08\x00")
    others += (pickle.dumps({"a": 1}, 2), pickle.dumps({"a": 1}, 4), b"\x80\x02K\x05.")
    for data in others:
        yield f"the bytes {data[:20]!r}", data
    keys = b"\x80\x02](" + text("0") * 100_000 + b"e."
    yield "legacy: a storage filled over and over", _HEAD + b"\x80\x02N." + keys


def main(mode: str) -> None:
    """Load every file and print what came of it."""
    import jtorch as torch

    warnings.simplefilter("ignore")
    options = {"mmap": True} if mode == "mmap" else {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "hostile.pt")
        torch.save(torch.zeros(2), path)
        torch.load(path)  # what is imported on the way is not the next file's
        for name, data in files():
            with open(path, "wb") as file:
                file.write(data)
            print(json.dumps({"name": name, **attempt(torch, path, options)}), flush=True)


def attempt(torch, path: str, options: dict) -> dict:
    """Return what loading a file came to: the exception, or what its value is."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + (MEGABYTES << 20), limit[1]))
    start = time.process_time()  # other programs share the processor
    try:
        value = torch.load(path, **options)
        result = {"value": described(torch, value)}
        del value
    except BaseException as error:
        kinds = [kind.__name__ for kind in type(error).__mro__]
        result = {"error": kinds, "words": str(error)[:1000]}
    seconds = time.process_time() - start
    resource.setrlimit(resource.RLIMIT_AS, limit)
    return {"seconds": seconds, **result}


def described(torch, value: object) -> str:
    """Return a short text of a value, without looking at more of it than is cheap."""
    if isinstance(value, torch.Tensor):
        shown = value.tolist() if value.numel() < 10 and value.device.type == "cpu" else "..."
        return f"{tuple(value.shape)} {value.stride()} {shown}"
    return type(value).__name__


if __name__ == "__main__":
    main(sys.argv[1])
