"""Writing the zip archive that a ``.pt`` file is, byte for byte as PyTorch 2.13 lays it out.

Every member is stored without compression; its contents begin at a multiple of the alignment, so
that a reader may map them; sizes and checksums follow the contents, so nothing is rewritten and
any file-like object will do. Format: PKWARE's APPNOTE 6.3.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

_FLAG_UTF8 = 0x0800
_FLAG_SIZES_FOLLOW = 0x0008
_U32 = 0xFFFFFFFF
_U16 = 0xFFFF
#: Written at once: large enough to be fast, small enough not to double a storage's memory.
_CHUNK = 1 << 24


class _Member(NamedTuple):
    name: bytes
    flags: int
    crc: int
    size: int
    offset: int


class ZipWriter:
    """Writes records one after another; ``finish`` adds the directory.

    Args:
        write: takes bytes or a memoryview and returns how many it took, or ``None`` for all.
        root: the folder inside the archive that holds every record.
        alignment: in bytes.
        compute_crc32: whether records get a checksum.
    """

    def __init__(
        self,
        write: Callable[[object], int | None],
        root: str,
        alignment: int = 64,
        compute_crc32: bool = True,
    ):
        self._sink = write
        self._root = root
        self._alignment = alignment
        self._compute_crc32 = compute_crc32
        self._position = 0
        self._members: list[_Member] = []

    def _write(self, data: object) -> None:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        self._position += len(view)
        while len(view):
            taken = self._sink(view[:_CHUNK])
            if taken is None:
                taken = min(len(view), _CHUNK)
            elif taken <= 0:
                raise OSError(f"could not write {len(view)} bytes: the file took none of them")
            # An unbuffered file may take less than it was given.
            view = view[taken:]

    def write_record(self, name: str, data: object) -> None:
        """Add a record.

        Args:
            name: path inside the archive's folder.
            data: any contiguous buffer.
        """
        view = memoryview(data)  # type: ignore[arg-type]
        view = view.cast("B") if view.nbytes else memoryview(b"")
        self._begin(name, len(view))
        if len(view):
            self._write(view)
        self._end(zlib.crc32(view) if self._compute_crc32 else 0)

    def write_hole(self, name: str, size: int) -> None:
        """Add a record of zeros, whose contents are to be filled in later."""
        self._begin(name, size)
        zeros = bytes(min(size, _CHUNK))
        crc = 0
        for start in range(0, size, _CHUNK):
            piece = memoryview(zeros)[: size - start]
            self._write(piece)
            crc = zlib.crc32(piece, crc) if self._compute_crc32 else 0
        self._end(crc)

    def _begin(self, name: str, size: int) -> None:
        path = f"{self._root}/{name}".encode()
        offset = self._position
        # PyTorch marks an empty record as one whose header already tells everything.
        flags = _FLAG_UTF8 | (_FLAG_SIZES_FOLLOW if size else 0)
        wide = b""
        if size >= _U32 or offset >= _U32:
            wide = struct.pack("<HHQQ", 1, 16, 0, 0)
        start = offset + 30 + len(path) + len(wide) + 4
        padding = -start % self._alignment
        extra = wide + b"FB" + struct.pack("<H", padding) + b"Z" * padding
        self._write(
            struct.pack(
                "<4sHHHHHIIIHH", b"PK\x03\x04", 0, flags, 0, 0, 0, 0, 0, 0, len(path), len(extra)
            )
            + path
            + extra
        )
        self._pending = _Member(path, flags, 0, size, offset)

    def _end(self, crc: int) -> None:
        member = self._pending._replace(crc=crc)
        self._members.append(member)
        if member.size:
            wide = member.size >= _U32 or member.offset >= _U32
            layout = "<4sIQQ" if wide else "<4sIII"
            self._write(struct.pack(layout, b"PK\x07\x08", crc, member.size, member.size))

    def serialization_id(self) -> str:
        """Return forty digits that tell the names and the contents written so far."""
        names = hashlib.sha256(b"\0".join(member.name for member in self._members)).digest()
        contents = hashlib.sha256(b"".join(struct.pack("<I", m.crc) for m in self._members))
        first = int.from_bytes(names[:8], "little")
        second = int.from_bytes(contents.digest()[:8], "little")
        return f"{first:020d}{second:020d}"

    def finish(self) -> None:
        """Write the directory, without which nothing of the archive can be found."""
        start = self._position
        for member in self._members:
            self._write(_directory_entry(member))
        size, count, end = self._position - start, len(self._members), self._position
        self._write(
            struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 0x031E, 45, 0, 0, count, count, size,
                        start)
        )  # fmt: skip
        self._write(struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1))
        self._write(
            struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, min(count, _U16), min(count, _U16),
                        min(size, _U32), min(start, _U32), 0)
        )  # fmt: skip


def _directory_entry(member: _Member) -> bytes:
    wide = b""
    if member.size >= _U32:
        wide += struct.pack("<QQ", member.size, member.size)
    if member.offset >= _U32:
        wide += struct.pack("<Q", member.offset)
    if wide:
        wide = struct.pack("<HH", 1, len(wide)) + wide
    size = min(member.size, _U32)
    return (
        struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\x01\x02", 0, 0, member.flags, 0, 0, 0, member.crc, size, size,
            len(member.name), len(wide), 0, 0, 0, 0, min(member.offset, _U32),
        )
        + member.name
        + wide
    )  # fmt: skip
