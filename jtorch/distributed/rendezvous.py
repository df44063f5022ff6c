"""How the processes of a program find each other: a URL says where the store is.

``env://`` reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, ``tcp://host:port`` names the
process of rank 0, ``file:///path`` a file that all processes see. Rank and world size stand in the
query of the URL (``?rank=0&world_size=2``) where they are not arguments.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NoReturn
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from ._stores import FileStore, Store, TCPStore

__all__ = ["register_rendezvous_handler", "rendezvous"]

#: What a handler yields: the store, the rank of this process and the number of processes.
Found = tuple[Store, int, int]

_TIMEOUT = timedelta(minutes=30)
_AGENT_STORE = "TORCHELASTIC_USE_AGENT_STORE"
_handlers: dict[str, Callable[..., Iterator[Found]]] = {}


def register_rendezvous_handler(scheme: str, handler: Callable[..., Iterator[Found]]) -> None:
    """Let a function find the processes of URLs with a scheme of its own.

    Args:
        scheme: the part of the URL before ``://``.
        handler: takes the URL, with rank and world size in its query, and ``timeout=`` where that
            was given; returns an iterator of ``(store, rank, world_size)``.
    Raises:
        RuntimeError: the scheme has a handler.
    """
    if scheme in _handlers:
        raise RuntimeError(f"Rendezvous handler for {scheme}:// already registered")
    _handlers[scheme] = handler


def rendezvous(url: str, rank: int = -1, world_size: int = -1, **kwargs: Any) -> Iterator[Found]:
    """Find the other processes.

    Args:
        url: where the store is; see the module.
        rank: of this process, where the URL or the environment does not say it.
        world_size: the number of processes, likewise.
        kwargs: ``timeout=``, how long the store waits.
    Returns:
        An iterator of ``(store, rank, world_size)``; the schemes of this module yield once.
    Raises:
        RuntimeError: an argument is of another type, or the URL's scheme is not known.
        ValueError: the rank, the world size or the address are missing.
    """
    if not isinstance(url, (str, bytes)):
        raise RuntimeError(f"`url` must be a string. {type(url)}: {url}")
    if not isinstance(rank, int):
        raise RuntimeError(f"`rank` must be an integer. {rank}")
    if not isinstance(world_size, int):
        raise RuntimeError(f"`world_size` must be an integer. {world_size}")
    text = url.decode() if isinstance(url, bytes) else url
    parts = urlsplit(text)
    given = {
        name: value for name, value in (("rank", rank), ("world_size", world_size)) if value != -1
    }
    if given:
        query = _query(parts)
        if "rank" in query or "world_size" in query:
            raise AssertionError(
                f"The url: {text} has node-specific arguments(rank, world_size) already."
            )
        parts = parts._replace(query=urlencode({**query, **given}))
        text = parts.geturl()
    if parts.scheme not in _handlers:
        raise RuntimeError(f"No rendezvous handler for {parts.scheme}://")
    return _handlers[parts.scheme](text, **kwargs)


def _query(parts: SplitResult) -> dict[str, str]:
    return dict(parse_qsl(parts.query, keep_blank_values=True))


def _missing(scheme: str, what: str) -> ValueError:
    return ValueError(f"Error initializing torch.distributed using {scheme}:// rendezvous: {what}")


def _once(scheme: str, found: Found) -> Iterator[Found]:
    yield found
    _refuse_again(scheme)


def _refuse_again(scheme: str) -> NoReturn:
    raise RuntimeError(f"Unable to perform re-rendezvous using {scheme}:// method")


def _rank_and_size(scheme: str, query: dict[str, str]) -> tuple[int, int]:
    if "rank" not in query:
        raise _missing(scheme, "rank parameter missing")
    if "world_size" not in query:
        raise _missing(scheme, "world size parameter missing")
    return int(query["rank"]), int(query["world_size"])


def _tcp_store(host: str, port: int, rank: int, world_size: int, timeout: timedelta) -> TCPStore:
    """Return the store at an address: its server is rank 0's, or the launcher's."""
    if not 0 <= port < 1 << 16:
        raise ValueError(f"port must have value from 0 to 65535 but was {port}.")
    if os.environ.get(_AGENT_STORE) == str(True):
        return TCPStore(host, port, world_size, is_master=False, timeout=timeout)
    return TCPStore(host, port, world_size, rank == 0, timeout, multi_tenant=True)


def _by_environment(url: str, timeout: timedelta = _TIMEOUT, **kwargs: Any) -> Iterator[Found]:
    query = _query(urlsplit(url))

    def setting(name: str) -> str:
        value = os.environ.get(name)
        if value is None:
            raise _missing("env", f"environment variable {name} expected, but not set")
        return value

    rank = int(query["rank"] if "rank" in query else setting("RANK"))
    size = int(query["world_size"] if "world_size" in query else setting("WORLD_SIZE"))
    host, port = setting("MASTER_ADDR"), int(setting("MASTER_PORT"))
    yield from _once("env", (_tcp_store(host, port, rank, size, timeout), rank, size))


def _by_address(url: str, timeout: timedelta = _TIMEOUT, **kwargs: Any) -> Iterator[Found]:
    parts = urlsplit(url)
    if parts.port is None:
        raise _missing("tcp", "port number missing")
    rank, size = _rank_and_size("tcp", _query(parts))
    host = parts.hostname or ""
    yield from _once("tcp", (_tcp_store(host, parts.port, rank, size, timeout), rank, size))


def _by_file(url: str, **kwargs: Any) -> Iterator[Found]:
    parts = urlsplit(url)
    if not parts.path:
        raise _missing("file", "path missing")
    rank, size = _rank_and_size("file", _query(parts))
    yield from _once("file", (FileStore(parts.path, size), rank, size))


for _scheme, _handler in (("env", _by_environment), ("tcp", _by_address), ("file", _by_file)):
    register_rendezvous_handler(_scheme, _handler)
