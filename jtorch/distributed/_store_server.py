"""The process that holds the keys and values of a ``TCPStore``: a socket, a thread per client."""

from __future__ import annotations

import errno
import os
import socket
import threading
import weakref
from multiprocessing.connection import Connection

from . import _store_errors as errors
from ._frames import pack, unpack
from ._key_values import KeyValues

#: What both ends say first, so that another protocol is noticed.
GREETING = b"jtorch store 1"
#: Bytes that a request or an answer may have.
LARGEST_FRAME = 1 << 30
#: The operations of ``KeyValues`` that a client may ask for.
OPERATIONS = frozenset(name for name in vars(KeyValues) if name[0] != "_") - {"close"}
_BACKLOG = 2048


def as_connection(link: socket.socket) -> Connection:
    """Return the frames of a connected socket; they own it from here on."""
    link.setblocking(True)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return Connection(link.detach())


def _listen(port: int) -> socket.socket:
    try:
        if socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
            )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _refused(port, error) from None
    try:
        return socket.create_server(("", port), backlog=_BACKLOG)
    except OSError as error:
        raise _refused(port, error) from None


def _refused(port: int, error: OSError) -> errors.DistNetworkError:
    code = error.errno or 0
    return errors.cannot_listen(
        port, code, errno.errorcode.get(code, ""), os.strerror(code).lower()
    )


class _Acceptor:
    """What the threads of a server share; they end when it is closed."""

    def __init__(self, listener: socket.socket):
        self.held = KeyValues()
        self._listener = listener
        self._links: set[Connection] = set()
        self._lock = threading.RLock()  # the end may come while its thread holds it
        self._closed = False
        _acceptors.add(self)

    def accept_all(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            connection = as_connection(link)
            with self._lock:
                if self._closed:
                    connection.close()
                    return
                self._links.add(connection)
            threading.Thread(
                target=self._serve, args=(connection,), name="store client", daemon=True
            ).start()

    def _serve(self, connection: Connection) -> None:
        try:
            if connection.recv_bytes(len(GREETING)) == GREETING:
                connection.send_bytes(GREETING)
                while True:
                    connection.send_bytes(self._answer(connection.recv_bytes(LARGEST_FRAME)))
        except (EOFError, OSError, ValueError, TypeError):
            pass  # the client has gone, or is none
        with self._lock:
            self._links.discard(connection)
            connection.close()

    def _answer(self, request: bytes) -> bytes:
        name, *arguments = unpack(request)
        if name not in OPERATIONS:
            raise ValueError(f"unknown operation {name!r}")
        try:
            return pack([True, getattr(self.held, name)(*arguments)])
        except ValueError as error:
            return pack([False, str(error)])

    def close(self) -> None:
        with self._lock:  # under which threads close their connections, and descriptors are reused
            self._closed = True
            for connection in self._links:
                _stop(connection.fileno())  # its thread closes it
        _stop(self._listener.fileno())  # an accept that waits returns only then
        self._listener.close()
        self.held.close()

    def leave_to_parent(self) -> None:
        """Close the copies that a forked process has: the parent's clients wait for their end."""
        self._listener.close()
        for connection in self._links:
            if not connection.closed:
                connection.close()
        self._links = set()


def _stop(descriptor: int) -> None:
    if descriptor < 0:
        return
    copy = socket.socket(fileno=os.dup(descriptor))
    try:
        copy.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it was not connected any more
    finally:
        copy.close()


_acceptors: weakref.WeakSet[_Acceptor] = weakref.WeakSet()


def _after_fork() -> None:
    for acceptor in list(_acceptors):
        acceptor.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class StoreServer:
    """A server of keys and values; it ends with the last reference to this object.

    Args:
        port: where it listens, on every address of the machine; 0 takes a free one.
        listening: a socket's descriptor that was bound before, instead of ``port``.
    Raises:
        DistNetworkError: the port cannot be had.
    """

    def __init__(self, port: int, listening: int | None = None):
        if listening is None:
            listener = _listen(port)
        else:
            listener = socket.socket(fileno=listening)
            listener.listen(_BACKLOG)
        self.port: int = listener.getsockname()[1]
        acceptor = _Acceptor(listener)
        self.close = weakref.finalize(self, acceptor.close)
        threading.Thread(target=acceptor.accept_all, name="store server", daemon=True).start()
