"""Values as bytes for the wire: text, bytes, numbers and lists of them, and nothing that runs."""

from __future__ import annotations

import struct
from typing import Any

_LENGTH = struct.Struct("!I")


def _tagged(tag: bytes, content: bytes) -> bytes:
    return tag + _LENGTH.pack(len(content)) + content


def pack(value: Any) -> bytes:
    """Return a value as bytes: ``None``, a bool, an int, a string, bytes, or a list of those."""
    if value is None:
        return _tagged(b"n", b"")
    if isinstance(value, bool):
        return _tagged(b"t" if value else b"f", b"")
    if isinstance(value, int):
        return _tagged(b"i", b"%d" % value)
    if isinstance(value, str):
        return _tagged(b"s", value.encode())
    if isinstance(value, bytes):
        return _tagged(b"b", value)
    return _tagged(b"l", b"".join(map(pack, value)))


def unpack(data: bytes) -> Any:
    """Return the value that ``pack`` made bytes of.

    Raises:
        ValueError: the bytes are none of its.
    """
    value, end = _unpack_at(data, 0)
    if end != len(data):
        raise ValueError("bytes are left over")
    return value


def _unpack_at(data: bytes, place: int) -> tuple[Any, int]:
    tag = data[place : place + 1]
    begin = place + 1 + _LENGTH.size
    if begin > len(data):
        raise ValueError("the bytes end too early")
    end = begin + _LENGTH.unpack_from(data, place + 1)[0]
    if end > len(data):
        raise ValueError("the bytes end too early")
    match tag:
        case b"n":
            return None, end
        case b"t" | b"f":
            return tag == b"t", end
        case b"i":
            return int(data[begin:end]), end
        case b"s":
            return data[begin:end].decode(), end
        case b"b":
            return data[begin:end], end
        case b"l":
            items = []
            while begin < end:
                item, begin = _unpack_at(data, begin)
                items.append(item)
            return items, end
    raise ValueError(f"unknown kind of value {tag!r}")
