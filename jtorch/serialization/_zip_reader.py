"""Reading the zip archive that a ``.pt`` file is, trusting nothing in it.

Only the central directory says what is in the archive; local headers must agree with it. Nothing is
ever extracted to the disk.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import IO, Any, NamedTuple

import numpy as np

from . import _limits
from ._messages import damaged_archive

MAGIC = b"PK\x03\x04"
MIN_VERSION, MAX_VERSION = 1, 10
#: Bytes: where XLA's CPU arrays begin, and where PyTorch lets records begin.
ALIGNMENT = 64

_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 0x0001
_U32 = 0xFFFFFFFF
_U16 = 0xFFFF
_TAIL = 22 + 65535
_NUMBER = re.compile("[+-]?[0-9]+")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")


def aligned_bytes(size: int) -> np.ndarray:
    """Return uninitialised bytes, aligned so that XLA takes them without a copy."""
    room = np.empty(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size]


class Member(NamedTuple):
    """What the directory tells of one record."""

    method: int
    size: int
    stored_size: int
    header_offset: int
    crc: int


def _damaged(reason: str, action: str = "reading zip archive") -> RuntimeError:
    return RuntimeError(damaged_archive(action, reason))


class ZipReader:
    """Finds and reads records.

    Args:
        file: binary file that can seek; the archive reaches from its position to its end.
    Raises:
        RuntimeError: for what is no readable archive.
    """

    def __init__(self, file: IO[bytes]):
        self._file = file
        self.start = file.tell()
        file.seek(0, 2)
        self.size = file.tell() - self.start
        self._members: dict[str, Member] = {}
        self.root = ""
        self._compressed_budget = (
            _limits.COMPRESSED_ALLOWANCE + _limits.COMPRESSED_RATIO * self.size
        )
        self._read_directory()
        self.version = self._read_version()

    def _read_at(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise _damaged("file read failed")
        self._file.seek(self.start + offset)
        data = self._file.read(size)
        if len(data) != size:
            raise _damaged("file read failed")
        return data

    def _find_directory(self) -> tuple[int, int, int]:
        """Return the number of entries, the size and the offset of the directory."""
        if self.size < 22:
            raise _damaged("not a ZIP archive")
        tail_size = min(self.size, _TAIL)
        tail = self._read_at(self.size - tail_size, tail_size)
        found = tail.rfind(b"PK\x05\x06", 0, tail_size - 18)
        if found < 0:
            raise _damaged("failed finding central directory")
        end = self.size - tail_size + found
        disk, first_disk, here, count, size, offset = struct.unpack_from("<HHHHII", tail, found + 4)
        if disk or first_disk or here != count:
            raise _damaged("unsupported multidisk archive")
        if (count == _U16 or size == _U32 or offset == _U32) and end >= 20:
            locator = self._read_at(end - 20, 20)
            if locator[:4] == b"PK\x06\x07":
                position = struct.unpack_from("<Q", locator, 8)[0]
                record = self._read_at(position, 56)
                if record[:4] != b"PK\x06\x06":
                    raise _damaged("invalid header or archive is corrupted")
                count, size, offset = struct.unpack_from("<QQQ", record, 32)
                end = position
        if count > _limits.MAX_MEMBERS or size > _limits.MAX_DIRECTORY_BYTES:
            raise _damaged("too many files")
        if offset + size > end or count * _ENTRY.size > size:
            raise _damaged("invalid header or archive is corrupted")
        return count, size, offset

    def _read_directory(self) -> None:
        count, size, offset = self._find_directory()
        directory = self._read_at(offset, size)
        position = 0
        total = 0
        for _ in range(count):
            name, member, position = self._parse_entry(directory, position)
            if name in self._members:
                raise _damaged(f"the archive holds two records of the name {name!r}")
            self._members[name] = member
            total += member.stored_size
        if total > self.size:
            raise _damaged("the records claim more bytes than the archive has")
        if not self._members:
            raise _damaged("the archive is empty")
        first = next(iter(self._members))
        self.root, slash, _ = first.partition("/")
        if not slash:
            raise RuntimeError(
                "[enforce fail at inline_container.cc:180] . file in archive is not in a "
                f"subdirectory: {first}"
            )
        for name in self._members:
            if not name.startswith(f"{self.root}/"):
                raise RuntimeError(
                    "[enforce fail at inline_container.cc:340] . file in archive is not in a "
                    f"subdirectory {self.root}/: {name}"
                )

    def _parse_entry(self, directory: bytes, position: int) -> tuple[str, Member, int]:
        if position + _ENTRY.size > len(directory):
            raise _damaged("invalid header or archive is corrupted")
        fields = _ENTRY.unpack_from(directory, position)
        signature, flags, method = fields[0], fields[3], fields[4]
        stored_size, size, name_size, extra_size, comment_size = fields[8:13]
        offset = fields[16]
        position += _ENTRY.size
        end = position + name_size + extra_size + comment_size
        if signature != b"PK\x01\x02" or end > len(directory):
            raise _damaged("invalid header or archive is corrupted")
        try:
            name = directory[position : position + name_size].decode("utf-8")
        except UnicodeDecodeError:
            raise _damaged("invalid filename") from None
        extra = directory[position + name_size : position + name_size + extra_size]
        size, stored_size, offset = _wide_fields(extra, size, stored_size, offset)
        if flags & _ENCRYPTED:
            raise _damaged("unsupported encryption")
        if method not in (_STORED, _DEFLATED):
            raise _damaged("unsupported method")
        if method == _STORED and size != stored_size:
            raise _damaged("invalid header or archive is corrupted")
        if offset + 30 + stored_size > self.size:
            raise _damaged("invalid header or archive is corrupted")
        return name, Member(method, size, stored_size, offset, fields[7]), end

    def _read_version(self) -> int:
        name = ".data/version" if self.has_record(".data/version") else "version"
        if not self.has_record(name):
            raise RuntimeError(
                'Expected hasRecord("version") to be true, but got false.  (Could this error '
                "message be improved?  If so, please report an enhancement request to PyTorch.)"
            )
        if self.record_size(name) > 64:
            raise _damaged("invalid header or archive is corrupted")
        text = self.read_record(name).decode("latin-1").strip()
        number = _NUMBER.match(text)
        if number is None:
            raise RuntimeError(
                "[enforce fail at inline_container.cc:215] . Couldn't parse the version "
                f"{text} as Long Long."
            )
        version = int(number[0])
        if abs(version) >= 2**64:
            raise IndexError("stoull")
        if version < MIN_VERSION:
            raise RuntimeError(
                "[enforce fail at inline_container.cc:219] . Attempted to read a PyTorch file "
                f"with version {version}, but the minimum supported version for reading is "
                f"{MIN_VERSION}. Your PyTorch script module file is too old. Please regenerate "
                "it with latest version of PyTorch to mitigate this issue."
            )
        if version > MAX_VERSION:
            raise RuntimeError(
                "[enforce fail at inline_container.cc:230] . Attempted to read a PyTorch file "
                f"with version {version}, but the maximum supported version for reading is "
                f"{MAX_VERSION}. The version of your PyTorch installation may be too old, please "
                "upgrade PyTorch to latest version to mitigate this issue."
            )
        return version

    def _member(self, name: str) -> Member:
        member = self._members.get(f"{self.root}/{name}")
        if member is None:
            raise _damaged("file not found", f"locating file {name}")
        return member

    def has_record(self, name: str) -> bool:
        """Tell whether the archive's folder holds a record of this name."""
        return f"{self.root}/{name}" in self._members

    def record_size(self, name: str) -> int:
        """Return how many bytes a record has."""
        return self._member(name).size

    def is_stored(self, name: str) -> bool:
        """Tell whether a record is kept without compression, so that it can be mapped."""
        return self._member(name).method == _STORED

    def record_offset(self, name: str) -> int:
        """Return where in the file a record's contents begin."""
        return self.start + self._data_offset(name)

    def _data_offset(self, name: str) -> int:
        member = self._member(name)
        header = self._read_at(member.header_offset, 30)
        name_size, extra_size = struct.unpack_from("<HH", header, 26)
        path = self._read_at(member.header_offset + 30, name_size)
        if header[:4] != MAGIC or path != f"{self.root}/{name}".encode():
            raise _damaged("invalid header or archive is corrupted", f"reading file {name}")
        offset = member.header_offset + 30 + name_size + extra_size
        if offset + member.stored_size > self.size:
            raise _damaged("file read failed", f"reading file {name}")
        return offset

    def read_record(self, name: str) -> bytes:
        """Return the contents of a record."""
        member = self._member(name)
        data = self._read_at(self._data_offset(name), member.stored_size)
        if member.method != _STORED:
            data = self._inflate(name, member, data)
        return self._checked(name, member, data)

    def _checked(self, name: str, member: Member, data: Any) -> Any:
        """Return the contents of a record, if they have the checksum that the directory tells.

        A checksum of zero stands for none: ``set_crc32_options(False)`` leaves them out.
        """
        if member.crc and zlib.crc32(data) != member.crc:
            raise _damaged("CRC-32 check failed", f"reading file {name}")
        return data

    def read_storage(self, name: str) -> np.ndarray:
        """Return the contents of a record as a new array of bytes."""
        member = self._member(name)
        if member.method != _STORED:
            return np.frombuffer(bytearray(self.read_record(name)), np.uint8)
        offset = self._data_offset(name)
        contents = aligned_bytes(member.size)
        if not member.size:
            return contents
        self._file.seek(self.start + offset)
        readinto = getattr(self._file, "readinto", None)
        if readinto is None:
            contents[:] = np.frombuffer(self._read_at(offset, member.size), np.uint8)
            return self._checked(name, member, contents)
        view = contents.data
        while len(view):
            count = readinto(view)
            if not count:
                raise _damaged("file read failed", f"reading file {name}")
            view = view[count:]
        return self._checked(name, member, contents)

    def _inflate(self, name: str, member: Member, data: bytes) -> bytes:
        # PyTorch never compresses, but reads an archive that was packed again.
        self._compressed_budget -= member.size
        if self._compressed_budget < 0:
            raise _damaged(
                "the compressed records grow beyond all proportion", f"reading file {name}"
            )
        machine = zlib.decompressobj(-15)
        try:
            contents = machine.decompress(data, member.size + 1)
        except zlib.error:
            raise _damaged("decompression failed", f"reading file {name}") from None
        if len(contents) != member.size:
            raise _damaged("decompression failed", f"reading file {name}")
        return contents


def _wide_fields(extra: bytes, size: int, stored_size: int, offset: int) -> tuple[int, int, int]:
    """Return the three numbers, taken from the zip64 field where the entry says so."""
    if size != _U32 and stored_size != _U32 and offset != _U32:
        return size, stored_size, offset
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, position)
        field = extra[position + 4 : position + 4 + length]
        position += 4 + length
        if kind != 1:
            continue
        numbers = [n for (n,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8])]
        try:
            size = numbers.pop(0) if size == _U32 else size
            stored_size = numbers.pop(0) if stored_size == _U32 else stored_size
            offset = numbers.pop(0) if offset == _U32 else offset
        except IndexError:
            raise _damaged("invalid header or archive is corrupted") from None
    return size, stored_size, offset
