"""What the restricted unpickler calls in place of builtins that could be asked for too much."""

from __future__ import annotations

import codecs
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from . import _limits

_PLAIN_KEYS = frozenset((str, int, float, bool, bytes, complex, type(None)))
_ENCODINGS = ("latin1", "latin-1", "iso-8859-1", "ascii", "utf-8", "utf8")


def check_key(key: Any) -> None:
    """Refuse a key that takes exponential time, or unbounded stack, to hash."""
    if type(key) in _PLAIN_KEYS or not isinstance(key, (tuple, frozenset)):
        return
    nodes = 0
    level = [key]
    for _ in range(_limits.MAX_KEY_DEPTH):
        level = [
            item for parent in level for item in parent if isinstance(item, (tuple, frozenset))
        ]
        nodes += sum(map(len, level))
        if nodes > _limits.MAX_KEY_NODES:
            break
        if not level:
            return
    raise UnpicklingError("the key of a dict, or an element of a set, is nested too deeply")


def has_own_hash(key: Any) -> bool:
    """Return whether no other key can have been made to have the hash of this one.

    Small integers are their own hashes, and what text hashes to is a secret of the process.
    """
    kind = type(key)
    return kind is str or kind is bytes or (kind is int and hash(key) == key)


def count_hash(counts: Counter, key: Any) -> None:
    """Count the hash of a key of one dict, or of an element of one set.

    Raises:
        UnpicklingError: it is that of more keys than a dict takes without quadratic time.
    """
    digest = hash(key)
    counts[digest] += 1
    if counts[digest] > _limits.MAX_EQUAL_HASHES:
        raise UnpicklingError(f"more than {_limits.MAX_EQUAL_HASHES} keys of a dict have one hash")


def check_keys(keys: Any) -> None:
    if isinstance(keys, (list, tuple)):
        counts: Counter = Counter()
        for key in keys:
            check_key(key)
            if not has_own_hash(key) and getattr(type(key), "__hash__", None):
                count_hash(counts, key)


def _make_bytearray(*args: Any) -> bytearray:
    # An integer argument would ask for that many bytes.
    if len(args) == 1 and type(args[0]) in (bytes, bytearray, list):
        return bytearray(args[0])
    if len(args) == 2 and type(args[0]) is str:
        return bytearray(_encode(*args))
    if not args:
        return bytearray()
    raise UnpicklingError("bytearray() was given what no pickled bytearray has")


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    if type(text) is not str or encoding not in _ENCODINGS:
        raise UnpicklingError("_codecs.encode() was given what no pickled bytes have")
    return codecs.encode(text, encoding)


def _make_set(*args: Any) -> set:
    for argument in args:
        check_keys(argument)
    return set(*args)


def _make_dict(kind: Callable) -> Callable:
    def make(*args: Any) -> Any:
        for argument in args:
            if isinstance(argument, (list, tuple)):
                check_keys(argument)
                check_keys(
                    [pair[0] for pair in argument if isinstance(pair, (list, tuple)) and pair]
                )
        return kind(*args)

    return make


def _make_complex(*args: Any) -> complex:
    if not all(type(n) in (int, float) for n in args):
        raise UnpicklingError("complex() was given what no pickled number has")
    return complex(*args)


#: What is called instead of a callable whose argument could ask for too much.
GUARDED: dict[Any, Callable] = {
    bytearray: _make_bytearray,
    codecs.encode: _encode,
    set: _make_set,
    complex: _make_complex,
    OrderedDict: _make_dict(OrderedDict),
    Counter: _make_dict(Counter),
}
