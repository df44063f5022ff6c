"""What goes wrong between processes: the exceptions, and the words of stores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class DistError(RuntimeError):
    """An error of the distributed part."""


class DistBackendError(DistError):
    """A collective failed."""


class DistNetworkError(DistError):
    """A process cannot be reached."""


class DistStoreError(DistError):
    """A store cannot do what it was asked for, or not in time."""


class QueueEmptyError(DistStoreError):
    """A queue of a store holds nothing."""


#: What PyTorch says where the other end has closed the connection.
CONNECTION_CLOSED = (
    "Failed to recv, got 0 bytes. Connection was likely closed. "
    "Did the remote server shutdown or crash?"
)


def wrong_arguments(call: str, signatures: Sequence[str], invoked: Sequence[Any]) -> TypeError:
    """Return the error for arguments of other types than the signatures have."""
    kind = "constructor" if call == "__init__" else "function"
    listed = "\n".join(f"    {place}. {each}" for place, each in enumerate(signatures, 1))
    given = ", ".join(map(repr, invoked))
    return TypeError(
        f"{call}(): incompatible {kind} arguments. The following argument types are supported:\n"
        f"{listed}\n\nInvoked with: {given}"
    )


def not_overridden(method: str) -> RuntimeError:
    """Return the error for a method that a store of the program's own lacks."""
    return RuntimeError(f'Tried to call pure virtual function "::c10d::Store::{method}"')


def not_supported(what: str) -> NotImplementedError:
    """Return the error for what this kind of store does not have."""
    return NotImplementedError(f"{what} support is not implemented.")


def wait_timed_out() -> str:
    """Return what most stores say of a key that did not appear in time."""
    return "Wait timeout"


def remote_wait_timed_out(keys: Sequence[str], milliseconds: int) -> DistStoreError:
    """Return the error for keys that did not appear in a store of another process."""
    listed = ", ".join(f"/{key}" for key in keys)
    return DistStoreError(f"wait timeout after {milliseconds}ms, keys: {listed}")


def remote_barrier_timed_out(key: str, milliseconds: int) -> DistStoreError:
    """Return the error for a barrier that not every process reached."""
    return DistStoreError(f"barrier timeout after {milliseconds}ms, key: {key}")


def cannot_connect(host: str, port: int, milliseconds: int) -> DistNetworkError:
    """Return the error for a server that did not answer in time."""
    return DistNetworkError(
        f"The client socket has timed out after {milliseconds}ms while trying to connect to "
        f"({host}, {port})."
    )


def cannot_listen(port: int, code: int, name: str, message: str) -> DistNetworkError:
    """Return the error for a port that cannot be had."""
    return DistNetworkError(
        "The server socket has failed to listen on any local network address. "
        f"port: {port}, useIpv6: false, code: -{code}, name: {name}, message: {message}"
    )


def clients_missing(seconds: int, joined: int, expected: int) -> DistStoreError:
    """Return the error for clients that did not come in time."""
    return DistStoreError(
        f"Timed out after {seconds} seconds waiting for clients. "
        f"{joined}/{expected} clients joined."
    )
