"""How the launchers of several machines agree: who takes part, as which, and how it went.

They meet in a store that one of them serves. Each attempt at running the workers is a round; what
is said of it stands under its number.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .._stores import DistNetworkError, DistStoreError, PrefixStore, Store, TCPStore

logger = logging.getLogger(__name__)

#: The port of an endpoint that names none, by backend.
DEFAULT_PORTS = {"c10d": 29400, "static": 29500}
#: Seconds: between signs of life, without which a launcher is taken for dead, for the others of an
#: elastic job to come once there are enough, and for them to read that the job has ended.
_SIGN, _SILENCE, _LAST_CALL, _FAREWELL = 5.0, 30.0, 30.0, 10.0
_PAUSE = 0.05
#: What a launcher may say of a round.
_FAILED, _RESTART = "failed", "restart"


class NodeFailure(RuntimeError):
    """Another launcher reports a failure, or does not answer."""


@dataclass
class Round:
    """One attempt, as this launcher sees it."""

    number: int
    node: int
    nodes: int
    first_rank: int
    world_size: int
    master_addr: str
    master_port: int


class SingleNode:
    """The rounds of a launcher that is alone.

    Args:
        local_world_size: the number of its workers.
        host: the address that workers are told.
        port: of their store in the first round; 0 takes a free one, as later rounds do.
        timeout: of the store.
    """

    def __init__(self, local_world_size: int, host: str, port: int, timeout: timedelta):
        self._size, self._host, self._port, self._timeout = local_world_size, host, port, timeout
        self._store: Store | None = None

    def join(self, number: int) -> Round:
        """Begin a round."""
        port = self._port if number == 0 else 0
        self._store = store = TCPStore(self._host, port, None, True, self._timeout)
        return Round(number, 0, 1, 0, self._size, self._host, store.port)

    def look(self) -> bool:
        """Return whether another launcher wants a new round."""
        return False

    def say(self, what: str, why: str) -> None:
        """Tell the others of a failure."""

    def finish(self) -> bool:
        """Wait for the others; return whether all have ended well."""
        return True

    def leave(self) -> None:
        """End."""
        self._store = None


class SeveralNodes:
    """The rounds of a launcher that has others, on other machines.

    Args:
        run_id: the job, which keeps several at one endpoint apart.
        local_world_size: the number of workers here.
        nodes: the fewest and the most launchers.
        endpoint: host and port where the launchers meet.
        node_rank: which launcher this is; in the order of coming where it is not given.
        configuration: further settings (``--rdzv-conf``).
        local_addr: the address that others reach this machine by.
    """

    def __init__(
        self,
        run_id: str,
        local_world_size: int,
        nodes: tuple[int, int],
        endpoint: tuple[str, int],
        node_rank: int | None,
        configuration: dict[str, Any],
        local_addr: str | None,
    ):
        self._size, self._least, self._most = local_world_size, *nodes
        self._node_rank = node_rank
        limit = configuration.get("join_timeout", configuration.get("timeout", 600))
        self._timeout = timedelta(seconds=float(limit))
        self._last_call = float(configuration.get("last_call_timeout", _LAST_CALL))
        self._silence = float(configuration.get("keep_alive_timeout", _SILENCE))
        self._host, self._port = endpoint
        named = configuration.get("is_host")
        self._store = self._meet(None if named is None else str(named).lower() in ("1", "true"))
        self._said = PrefixStore(f"torchelastic/{run_id}", self._store)
        self._address = local_addr or _own_address(self._host, self._store.port)
        self._round = Round(0, 0, 0, 0, 0, "", 0)
        self._workers_store: Store | None = None
        self._signs: dict[int, tuple[bytes, float]] = {}
        self._last_sign = 0.0

    def _meet(self, is_host: bool | None) -> TCPStore:
        if self._node_rank is not None:
            is_host = self._node_rank == 0
        if is_host is None:
            # Several launchers of one machine: whoever has the port serves it.
            if _is_this_machine(self._host):
                with contextlib.suppress(DistNetworkError):
                    return TCPStore(self._host, self._port, None, True, self._timeout)
            is_host = False
        return TCPStore(self._host, self._port, None, is_host, self._timeout)

    def join(self, number: int) -> Round:
        """Begin a round with the others.

        Raises:
            DistStoreError: they did not come in time.
            NodeFailure: enough were there without this one.
        """
        come = self._said.add(f"{number}/come", 1)
        node = come - 1 if self._node_rank is None else self._node_rank
        if node >= self._most:
            raise NodeFailure(f"the job has {self._most} nodes without this one")
        self._said.set(f"{number}/size/{node}", str(self._size))
        if node == 0:
            self._wait_for_nodes(number)
            address, port = self._open_workers_store(number)
            self._said.set(f"{number}/master", f"{address}:{port}")
            self._said.set(f"{number}/nodes", str(self._nodes_of(number)))
        self._said.wait([f"{number}/nodes"], self._timeout)
        nodes = int(self._said.get(f"{number}/nodes"))
        if node >= nodes:
            raise NodeFailure(f"the job has begun with {nodes} nodes, without this one")
        sizes = [int(self._said.get(f"{number}/size/{each}")) for each in range(nodes)]
        address, _, text = self._said.get(f"{number}/master").decode().rpartition(":")
        self._signs, self._last_sign = {}, 0.0
        self._round = Round(number, node, nodes, sum(sizes[:node]), sum(sizes), address, int(text))
        return self._round

    def _nodes_of(self, number: int) -> int:
        return min(self._said.add(f"{number}/come", 0), self._most)

    def _wait_for_nodes(self, number: int) -> None:
        begin = time.monotonic()
        enough = None
        while (come := self._nodes_of(number)) < self._most:
            now = time.monotonic()
            if come >= self._least:
                enough = enough or now
                if now - enough > self._last_call:
                    return
            elif now - begin > self._timeout.total_seconds():
                raise DistStoreError(
                    f"Timed out waiting for nodes: {come} of {self._least} have come"
                )
            time.sleep(_PAUSE)

    def _open_workers_store(self, number: int) -> tuple[str, int]:
        if number == 0 and self._node_rank is not None:
            return self._host, self._store.port
        self._workers_store = store = TCPStore("localhost", 0, None, True, self._timeout)
        return self._address, store.port

    def look(self) -> bool:
        """Return whether another launcher wants a new round.

        Raises:
            NodeFailure: another has given up, or gives no sign of life.
        """
        number = self._round.number
        try:
            if self._said.check([f"{number}/{_FAILED}"]):
                why = self._said.get(f"{number}/{_FAILED}").decode()
                raise NodeFailure(f"another node has failed: {why}")
            self._give_sign()
            return self._said.check([f"{number}/{_RESTART}"])
        except DistNetworkError as error:
            raise NodeFailure(f"the launcher of the first node does not answer: {error}") from None

    def _give_sign(self) -> None:
        now = time.monotonic()
        if now - self._last_sign < _SIGN:
            return
        self._last_sign = now
        mine = self._round
        self._said.add(f"{mine.number}/sign/{mine.node}", 1)
        if mine.node != 0:
            return
        for node in range(1, mine.nodes):
            key = f"{mine.number}/sign/{node}"
            sign = self._said.get(key) if self._said.check([key]) else b""
            before, when = self._signs.get(node, (None, now))
            if sign != before:
                self._signs[node] = (sign, now)
            elif now - when > self._silence:
                why = f"node {node} has given no sign of life for {self._silence:g} s"
                self.say(_FAILED, why)
                raise NodeFailure(why)

    def say(self, what: str, why: str) -> None:
        """Tell the others of a failure: ``"failed"`` or ``"restart"``, and why."""
        with contextlib.suppress(DistNetworkError):
            self._said.set(f"{self._round.number}/{what}", why)

    def finish(self) -> bool:
        """Wait for the others; return whether all have ended well.

        Returns:
            ``False`` where another launcher wants a new round.
        """
        mine = self._round
        self._said.add(f"{mine.number}/done", 1)
        while self._said.add(f"{mine.number}/done", 0) < mine.nodes:
            if self.look():
                return False
            time.sleep(_PAUSE)
        return True

    def leave(self) -> None:
        """End; whoever serves the store waits a moment for those who still read it."""
        key, end = f"{self._round.number}/left", time.monotonic() + _FAREWELL
        with contextlib.suppress(DistNetworkError):
            left = self._said.add(key, 1)
            while self._store._server is not None and left < self._round.nodes:
                if time.monotonic() > end:
                    break
                time.sleep(_PAUSE)
                left = self._said.add(key, 0)


def parse_endpoint(endpoint: str, default_port: int) -> tuple[str, int]:
    """Return host and port of an endpoint.

    Raises:
        ValueError: the port is none.
    """
    endpoint = endpoint.strip()
    if not endpoint:
        return "localhost", default_port
    host, colon, port = endpoint.rpartition(":")
    if not colon or endpoint.endswith("]"):
        return endpoint.strip("[]"), default_port
    if not port.isdecimal() or int(port) >= 1 << 16:
        raise ValueError(
            f"The port number of the rendezvous endpoint '{endpoint}' must be an integer between "
            "0 and 65536."
        )
    return host.strip("[]"), int(port)


def _is_this_machine(host: str) -> bool:
    """Return whether a name is this machine's: its address can be bound."""
    with contextlib.suppress(OSError):
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, 0, type=socket.SOCK_STREAM
        ):
            with contextlib.suppress(OSError), socket.socket(family, kind, protocol) as probe:
                probe.bind(address)
                return True
    return False


def _own_address(host: str, port: int) -> str:
    """Return the address of this machine that whoever reaches the endpoint reaches, too."""
    if _is_this_machine(host):
        return host
    with contextlib.suppress(OSError), socket.create_connection((host, port), 5) as link:
        return link.getsockname()[0]
    return socket.getfqdn()
