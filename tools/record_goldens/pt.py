"""Record small ``.pt`` files and what PyTorch says of bad ones into the folder ``pt``.

``python -m tools.record_goldens.pt``, where PyTorch is installed.
"""

from __future__ import annotations

import fractions
import io
import json
import os
import pathlib
import pickle
import struct
import tempfile
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import torch

from compat_tests.helpers.paths import GOLDEN

FOLDER = GOLDEN / "pt"
DTYPES = (
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16",
    "bfloat16", "float32", "float64", "complex64", "complex128", "float8_e4m3fn",
    "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu",
)  # fmt: skip


def dtype_tensors() -> dict[str, torch.Tensor]:
    """Return one tensor of each dtype."""
    values = torch.tensor([0.0, 1.0, 2.0, 4.0])
    return {name: values.to(getattr(torch, name)) for name in DTYPES}


def state_dict() -> OrderedDict:
    """Return what a module with tied weights saves."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(3, 2)
    )
    module[2].weight = module[0].weight
    return module.state_dict()


def views() -> dict[str, torch.Tensor]:
    """Return tensors that lie in one storage in many ways."""
    base = torch.arange(12.0)
    matrix = base.view(3, 4)
    return {
        "base": base, "transposed": matrix.t(), "column": matrix[:, 1], "tail": base[7:],
        "expanded": base[2:3].expand(5), "scalar": base[5], "empty": base[4:4],
        "overlapping": base.as_strided((3, 3), (1, 2), 1),
    }  # fmt: skip


def parts() -> list[torch.Tensor]:
    """Return stretches of one storage, the first of them not the whole."""
    base = torch.arange(4.0)
    return [base[1:3], base, base.view(2, 2), base.view(2, 2)[1]]


def containers() -> dict:
    """Return plain Python values of every kind that ``weights_only`` allows."""
    return {
        "numbers": [0, 1, 255, 256, 65536, -1, 2**31, 2**63, -(2**70), 1.5, -0.0, 2 + 3j],
        "texts": ["", "words", "é", "🔥", b"\x00\xff", bytearray(b"ab")],
        "constants": (None, True, False), "set": {1, 2}, "nested": {"a": [{"b": (1, (2, [3]))}]},
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], 3: "integer key",
        (1, "k"): "tuple key", "torch": [torch.Size([2, 3]), torch.device("cpu"), torch.bfloat16,
                                         torch.device("cuda", 1)],
        "ordered": OrderedDict([("z", 1), ("a", 2)]), "long": list(range(1500)),
    }  # fmt: skip


def parameters() -> dict:
    """Return parameters, with and without attributes, and a tensor with an attribute."""
    plain = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    marked = torch.nn.Parameter(torch.tensor([3.0]), requires_grad=False)
    marked.note = "kept"
    tensor = torch.tensor([4.0])
    tensor.note = {"kept": 1}
    return {
        "plain": plain, "marked": marked, "tensor": tensor,
        "grad": torch.ones(2, requires_grad=True),
        "conj": torch.tensor([1 + 2j]).conj(),
    }  # fmt: skip


def optimizer() -> dict:
    """Return the state of an optimizer after a step."""
    torch.manual_seed(0)
    module = torch.nn.Linear(2, 1)
    adam = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 2)).sum().backward()
    adam.step()
    return {"model": module.state_dict(), "optimizer": adam.state_dict(), "epoch": 1}


def saved(obj: object, **options: object) -> bytes:
    """Return the file of an object."""
    buffer = io.BytesIO()
    torch.save(obj, buffer, **options)
    return buffer.getvalue()


def repacked(data: bytes, edit: Callable = lambda name, data: data, add: tuple = (), **options):
    """Return an archive whose records were edited; a record edited to ``None`` is left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", **options) as new:
        for name in old.namelist():
            contents = edit(name, old.read(name))
            if contents is not None:
                # Without a date, so that recording again gives the same bytes.
                new.writestr(zipfile.ZipInfo(name), contents, new.compression)
        for name, contents in add:
            new.writestr(zipfile.ZipInfo(name), contents)
    return buffer.getvalue()


def big_endian() -> bytes:
    """Return the file that a big-endian machine would write."""
    values = {"f": torch.tensor([1.0, -2.0]), "c": torch.tensor([1 + 2j]), "i": torch.tensor([3])}
    units = {"data/0": ">f4", "data/1": ">f4", "data/2": ">i8"}

    def edit(name: str, contents: bytes) -> bytes:
        record = name.partition("/")[2]
        if record == "byteorder":
            return b"big"
        if record in units:
            return (
                np.frombuffer(contents, units[record].replace(">", "<"))
                .astype(units[record])
                .tobytes()
            )
        return contents

    return repacked(saved(values), edit)


def python2() -> bytes:
    """Return a legacy file with the opcodes and names of Python 2."""
    head = b"".join(
        pickle.dumps(value, 2)
        for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001})
    )
    tensor = (
        b"ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\nU\x0412ab"
        b"U\x03cpuK\x02NtQK\x00K\x02\x85K\x01\x85tR"
    )
    body = b"\x80\x02}(U\x01a" + tensor + b"U\x01bc__builtin__\nset\n]K\x05a\x85Ru."
    keys = b"\x80\x02]U\x0412aba."
    return head + body + keys + struct.pack("<q2f", 2, 1.5, 2.5)


def on_cuda() -> bytes:
    """Return the file of a tensor that was saved on a GPU."""

    def edit(name: str, contents: bytes) -> bytes:
        return contents.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:1")

    return repacked(saved(torch.ones(2)), edit)


def files() -> dict[str, bytes]:
    """Return every file by name."""
    old = {"_use_new_zipfile_serialization": False}
    return {
        "dtypes.pt": saved(dtype_tensors()),
        "state_dict.pt": saved(state_dict()),
        "state_dict_legacy.pt": saved(state_dict(), **old),
        "views.pt": saved(views()),
        "views_legacy.pt": saved(views(), **old),
        "parts.pt": saved(parts()),
        "containers.pt": saved(containers()),
        "containers_legacy.pt": saved(containers(), **old),
        "parameters.pt": saved(parameters()),
        "optimizer.pt": saved(optimizer()),
        "big_endian.pt": big_endian(),
        "deflated.pt": repacked(saved(views()), compression=zipfile.ZIP_DEFLATED),
        "python2.pt": python2(),
        "unknown.pt": saved(fractions.Fraction(1, 2)),
        "unknown_legacy.pt": saved({"a": fractions.Fraction(1, 2)}, **old),
        "protocol4.pt": saved({"a": torch.ones(2)}, pickle_protocol=4),
        "module.pt": saved(torch.nn.Linear(2, 1)),
        "meta.pt": saved(torch.empty(2, 3, device="meta")),
        "cuda.pt": on_cuda(),
    }


def bad_files() -> dict[str, bytes]:
    """Return files of which PyTorch has something good to say."""
    good = saved({"a": torch.arange(4.0)})

    def only(record: str, contents: bytes | None) -> bytes:
        return repacked(
            good, lambda name, old: contents if name.partition("/")[2] == record else old
        )

    return {
        "half": good[: len(good) // 2],
        "without its last byte": good[:-1],
        "only a signature": b"PK\x03\x04",
        "no version": only("version", None),
        "version 99": only("version", b"99\n"),
        "version 0": only("version", b"0\n"),
        "version abc": only("version", b"abc"),
        "no pickle": only("data.pkl", None),
        "no storage": only("data/0", None),
        "short storage": only("data/0", bytes(15)),
        "long storage": only("data/0", bytes(17)),
        "byte order": only("byteorder", b"middle"),
        "blocked module": only("data.pkl", b"\x80\x02cposix\ngetcwd\n."),
        "new object": only("data.pkl", b"\x80\x02ccollections\nOrderedDict\nK\x01)\x81."),
        "append to dict": only("data.pkl", b"\x80\x02}K\x01a."),
        "extend dict": only("data.pkl", b"\x80\x02}(K\x01e."),
        "set item of list": only("data.pkl", b"\x80\x02]K\x01K\x01s."),
        "set items of list": only("data.pkl", b"\x80\x02](K\x01K\x01u."),
        "build list": only("data.pkl", b"\x80\x02]}b."),
        "persistent text": only("data.pkl", b"\x80\x02X\x01\x00\x00\x00aQ."),
        "persistent module": only("data.pkl", b"\x80\x02X\x06\x00\x00\x00module\x85Q."),
    }  # fmt: skip


def outcome(function: Callable[[], object]) -> list[str] | None:
    """Return the name and the text of the exception that a function raises, ``None`` for none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function()
    except Exception as error:
        return [type(error).__name__, str(error)]
    return None


def messages() -> dict[str, list[str]]:
    """Return what PyTorch says, by case."""
    said = {}
    for name, data in bad_files().items():
        said[name] = outcome(lambda data=data: torch.load(io.BytesIO(data)))
    for name in ("unknown.pt", "unknown_legacy.pt", "protocol4.pt", "module.pt"):
        said[name] = outcome(lambda name=name: torch.load(io.BytesIO(files()[name])))
    good = saved(torch.arange(4.0))
    for location in ("cuda", "cuda:5", "foo", "mps", "xpu", "hpu:1"):
        said[f"to {location}"] = outcome(
            lambda location=location: torch.load(io.BytesIO(good), map_location=location)
        )
    legacy = saved(torch.ones(2), _use_new_zipfile_serialization=False)
    folder = os.getcwd()
    with tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)
        try:
            pathlib.Path("legacy.pt").write_bytes(legacy)
            pathlib.Path("folder").mkdir()
            said.update(
                {
                    "mmap of legacy": outcome(lambda: torch.load("legacy.pt", mmap=True)),
                    "mmap of buffer": outcome(lambda: torch.load(io.BytesIO(good), mmap=True)),
                    "no such file": outcome(lambda: torch.load("missing.pt")),
                    "a folder": outcome(lambda: torch.load("folder")),
                    "a number": outcome(lambda: torch.load(3)),
                    "None": outcome(lambda: torch.load(None)),
                    "pickle module": outcome(
                        lambda: torch.load(
                            io.BytesIO(good), pickle_module=pickle, weights_only=True
                        )
                    ),
                    "save to a number": outcome(lambda: torch.save(1, 3)),
                    "save to a folder": outcome(lambda: torch.save(1, "folder")),
                    "save to no name": outcome(lambda: torch.save(1, "")),
                    "save to no folder": outcome(lambda: torch.save(1, "missing/x.pt")),
                    "save legacy to no folder": outcome(
                        lambda: torch.save(1, "missing/x.pt", _use_new_zipfile_serialization=False)
                    ),
                    "save to text": outcome(lambda: torch.save(1, io.StringIO())),
                    "unsafe of legacy": outcome(
                        lambda: torch.serialization.get_unsafe_globals_in_checkpoint("legacy.pt")
                    ),
                    "mmap options": outcome(
                        lambda: torch.serialization.set_default_mmap_options(99)
                    ),
                    "endianness": outcome(
                        lambda: torch.serialization.set_default_load_endianness("big")
                    ),
                }
            )
        finally:
            os.chdir(folder)
    return said


def main() -> None:
    """Write the files of golden/pt."""
    FOLDER.mkdir(exist_ok=True)
    for name, data in {**files(), **{f"bad/{k}.pt": v for k, v in bad_files().items()}}.items():
        path = FOLDER / name.replace(" ", "_")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    recorded = {"torch": torch.__version__.partition("+")[0], **messages()}
    text = json.dumps(recorded, indent=1)
    (FOLDER / "messages.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
