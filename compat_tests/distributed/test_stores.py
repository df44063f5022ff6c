"""Stores: keys and values that threads and processes share."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from compat_tests.helpers.processes import child_environment, free_port, run_processes, succeed

SOON = timedelta(milliseconds=200)
KINDS = ("hash", "file", "tcp", "prefix", "prefix of tcp")


def make_store(torch, kind, folder):
    d = torch.distributed
    if kind == "hash":
        return d.HashStore()
    if kind == "file":
        return d.FileStore(str(folder / "store"), 1)
    if kind == "tcp":
        return d.TCPStore("localhost", 0, None, True)
    inner = d.TCPStore("localhost", 0, None, True) if "tcp" in kind else d.HashStore()
    return d.PrefixStore("part", inner)


@pytest.fixture(params=KINDS)
def store(request, torch, tmp_path):
    return make_store(torch, request.param, tmp_path)


def test_values(store):
    store.set("text", "1")
    store.set("bytes", b"\x00\xff")
    store.set("text", "é")
    assert (store.get("text"), store.get("bytes")) == ("é".encode(), b"\x00\xff")
    assert store.check(["text", "bytes"])
    assert not store.check(["text", "nothing"])
    assert store.check([])
    assert {"text", "bytes"} <= set(store.list_keys())


def test_numbers(store):
    assert [store.add("n", 5), store.add("n", -7), store.add("n", 0)] == [5, -2, -2]
    assert store.get("n") == b"-2"
    store.set("number first", "7abc")
    assert store.add("number first", 1) == 8


def test_a_value_without_a_number_cannot_be_added_to(store):
    store.set("text", "abc")
    with pytest.raises(ValueError, match=r"^stoll$"):
        store.add("text", 1)
    assert store.get("text") == b"abc"


def test_compare_set(store):
    assert store.compare_set("k", "old", "new") == b"old"
    assert not store.check(["k"])
    assert store.compare_set("k", "", "new") == b"new"
    assert store.compare_set("k", "new", "newer") == b"newer"
    assert store.compare_set("k", "new", "newest") == b"newer"
    assert store.get("k") == b"newer"


def test_append_and_several_at_once(store):
    store.append("k", "a")
    store.append("k", b"b")
    store.multi_set(["x", "y"], ["1", b"2"])
    assert store.multi_get(["x", "k", "y"]) == [b"1", b"ab", b"2"]


def test_keys_are_taken_away(store):
    before = store.num_keys()
    store.set("k", "1")
    assert store.num_keys() == before + 1
    assert store.delete_key("k")
    assert not store.check(["k"])
    assert store.num_keys() == before
    store.set("k", "2")
    assert store.get("k") == b"2"


def test_waits_end_when_the_key_comes(store):
    timer = threading.Timer(0.1, lambda: store.clone().multi_set(["late", "later"], ["a", "b"]))
    timer.start()
    store.wait(["late"], timedelta(seconds=20))
    assert (store.get("late"), store.multi_get(["later"])) == (b"a", [b"b"])
    timer.join()


def test_one_thread_waits_while_another_sets(store):
    """In PyTorch both threads use one connection, so the second waits for the first."""
    timer = threading.Timer(0.1, store.set, ("late", "v"))
    timer.start()
    assert store.get("late") == b"v"
    timer.join()


def test_threads_add(store):
    def add():
        for _ in range(20):
            store.add("n", 1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("n") == b"80"


def test_time_out_is_changed(store):
    assert store.timeout == timedelta(seconds=300)
    store.set_timeout(SOON)
    assert store.timeout == SOON


@pytest.mark.parametrize(
    ("kind", "error", "get", "wait"),
    [
        ("hash", "DistStoreError", "Wait timeout", "Wait timeout"),
        ("prefix", "DistStoreError", "Wait timeout", "Wait timeout"),
        (
            "tcp",
            "DistStoreError",
            "wait timeout after 200ms, keys: /missing",
            "wait timeout after 200ms, keys: /a, /missing",
        ),
        (
            "prefix of tcp",
            "DistStoreError",
            "wait timeout after 200ms, keys: /part/missing",
            "wait timeout after 200ms, keys: /part/a, /part/missing",
        ),
        (
            "file",
            "RuntimeError",
            "Timeout waiting for key: missing after 200 ms",
            "Wait timeout",
        ),
    ],
)
def test_words_of_time_outs(torch, tmp_path, kind, error, get, wait):
    store = make_store(torch, kind, tmp_path)
    store.set("a", "1")
    kind_of_error = getattr(torch.distributed, error, RuntimeError)
    with pytest.raises(kind_of_error, match=f"^{wait}$") as raised:
        store.wait(["a", "missing"], SOON)
    assert type(raised.value) is kind_of_error
    store.set_timeout(SOON)
    with pytest.raises(kind_of_error, match=f"^{get}$"):
        store.get("missing")
    with pytest.raises(kind_of_error):
        store.multi_get(["a", "missing"])


def test_errors_derive_as_pytorchs_do(torch):
    d = torch.distributed
    assert d.QueueEmptyError.__mro__[1:4] == (d.DistStoreError, d.DistError, RuntimeError)
    assert d.DistNetworkError.__mro__[1:3] == (d.DistError, RuntimeError)
    assert d.DistBackendError.__mro__[1:3] == (d.DistError, RuntimeError)


@pytest.mark.parametrize("kind", ["hash", "tcp", "prefix"])
def test_queues(torch, tmp_path, kind):
    store = make_store(torch, kind, tmp_path)
    assert store.queue_len("q") == 0
    store.queue_push("q", "1")
    store.queue_push("q", b"2")
    assert (store.queue_len("q"), store.check(["q"])) == (2, True)
    assert (store.queue_pop("q"), store.queue_pop("q")) == (b"1", b"2")
    with pytest.raises(torch.distributed.QueueEmptyError, match=r"^queue is empty$"):
        store.queue_pop("q", False)
    threading.Timer(0.1, lambda: store.clone().queue_push("q", "3")).start()
    assert store.queue_pop("q") == b"3"
    store.set_timeout(SOON)
    with pytest.raises(torch.distributed.DistStoreError, match=r"(?i)wait timeout"):
        store.queue_pop("q")
    assert store.has_extended_api()


def test_files_have_no_queues(torch, tmp_path):
    store = make_store(torch, "file", tmp_path)
    for call in (lambda: store.queue_len("q"), lambda: store.queue_pop("q")):
        with pytest.raises(NotImplementedError, match=r"^queue support is not implemented\.$"):
            call()
    assert not store.has_extended_api()


def test_barriers(store, torch):
    store.barrier("alone", 1)
    passed = []

    def reach():
        store.clone().barrier("both", 2, timedelta(seconds=20))
        passed.append(1)

    thread = threading.Thread(target=reach)
    thread.start()
    time.sleep(0.05)
    assert passed == []
    store.barrier("both", 2, timedelta(seconds=20))
    thread.join()
    with pytest.raises(RuntimeError, match=r"(?i)timeout"):
        store.barrier("never", 2, SOON)


def test_words_of_a_barrier_over_tcp(torch):
    store = torch.distributed.TCPStore("localhost", 0, None, True)
    with pytest.raises(
        torch.distributed.DistStoreError, match=r"^barrier timeout after 200ms, key: b$"
    ):
        store.barrier("b", 2, SOON)


def test_arguments_of_other_types(torch):
    store = torch.distributed.HashStore()
    head = r"\(\): incompatible function arguments\. The following argument types are supported:\n"
    for name, call in {
        "set": lambda: store.set("a", 1),
        "get": lambda: store.get(1),
        "wait": lambda: store.wait("a"),
        "add": lambda: store.add("a", 1.5),
        "set_timeout": lambda: store.set_timeout(5),
        "check": lambda: store.check("a"),
    }.items():
        with pytest.raises(TypeError, match=name + head + r"    1\. \(self: torch\._C\."):
            call()


def test_prefixes(torch):
    d = torch.distributed
    inner = d.HashStore()
    outer = d.PrefixStore("x", d.PrefixStore("y", inner))
    outer.set("k", "v")
    assert inner.list_keys() == ["y/x/k"]
    assert outer.list_keys() == ["k"]
    assert outer.underlying_store.underlying_store is inner
    assert outer._underlying_non_prefix_store is inner
    outer.set_timeout(SOON)
    assert inner.timeout == SOON


def test_a_store_of_the_programs_own(torch):
    d = torch.distributed

    class Own(d.Store):
        def __init__(self):
            super().__init__()
            self.calls = []

        def set(self, key, value):
            self.calls.append((key, value))

        def get(self, key):
            return b"got " + key.encode()

        def add(self, key, amount):
            self.calls.append((key, amount))
            return amount

        def wait(self, *arguments):
            self.calls.append(arguments)

    own = Own()
    part = d.PrefixStore("P", own)
    part.set("a", "1")
    part.wait(["a"], SOON)
    part.wait(["b"])
    assert part.get("a") == b"got P/a"
    assert own.calls == [("P/a", b"1"), (["P/a"], SOON), (["P/b"],)]
    assert own.multi_get(["x", "y"]) == [b"got x", b"got y"]
    own.calls.clear()
    own.barrier("b", 1)
    assert [call[0] for call in own.calls][:2] == ["b/num_members", "b/last_member"]
    assert part.timeout == timedelta(seconds=300)
    with pytest.raises(RuntimeError, match=r'Tried to call pure virtual function ".*::deleteKey"'):
        part.delete_key("a")
    with pytest.raises(NotImplementedError, match="listKeys support is not implemented"):
        own.list_keys()


def test_a_port_that_is_taken(torch):
    d = torch.distributed
    store = d.TCPStore("localhost", 0, None, True)
    words = (
        "The server socket has failed to listen on any local network address. "
        f"port: {store.port}, useIpv6: false, code: -98, name: EADDRINUSE, "
        "message: address already in use"
    )
    if sys.platform != "linux":
        words = "The server socket has failed to listen"
    with pytest.raises(d.DistNetworkError, match=re.escape(words)):
        d.TCPStore("localhost", store.port, None, True)


def test_tenants_share_a_server(torch):
    d = torch.distributed
    first = d.TCPStore("localhost", 0, None, True, multi_tenant=True)
    second = d.TCPStore("localhost", first.port, None, True, multi_tenant=True)
    first.set("a", "1")
    assert second.get("a") == b"1"
    with pytest.raises(d.DistNetworkError):
        d.TCPStore("localhost", first.port, None, True)


def test_a_server_that_is_not_there(torch):
    begin = time.monotonic()
    with pytest.raises(
        torch.distributed.DistNetworkError,
        match=r"^The client socket has timed out after 300ms while trying to connect to "
        r"\(localhost, 1\)\.$",
    ):
        torch.distributed.TCPStore("localhost", 1, None, False, timedelta(milliseconds=300))
    assert time.monotonic() - begin < 10


def test_clients_come_before_their_server(torch):
    port, got = free_port(), []

    def ask():
        store = torch.distributed.TCPStore("localhost", port, 2, False)
        got.append(store.get("a"))

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.1)
    store = torch.distributed.TCPStore("localhost", port, 2, True)
    store.set("a", "1")
    thread.join()
    assert (got, store.host, store.port) == ([b"1"], "localhost", port)


def test_workers_that_do_not_come(torch):
    with pytest.raises(
        torch.distributed.DistStoreError,
        match=r"^Timed out after \d+ seconds waiting for clients\. 1/3 clients joined\.$",
    ):
        torch.distributed.TCPStore("localhost", 0, 3, True, SOON)


def test_a_socket_that_was_bound_before(torch):
    listening = socket.create_server(("", 0))
    port = listening.getsockname()[1]
    store = torch.distributed.TCPStore(
        "localhost", port, None, True, master_listen_fd=listening.detach()
    )
    assert store.port == port
    store.set("a", "1")
    assert torch.distributed.TCPStore("localhost", port).get("a") == b"1"


def test_a_server_ends_with_its_store(torch):
    d = torch.distributed
    master = d.TCPStore("localhost", 0, None, True)
    client = d.TCPStore("localhost", master.port)
    other = master.clone()
    del master
    gc.collect()
    client.set("a", "1")
    assert other.get("a") == b"1"
    del other
    gc.collect()
    with pytest.raises(d.DistNetworkError):
        client.get("a")
    with pytest.raises(d.DistNetworkError):
        client.set("a", "2")


def test_a_stranger_does_not_disturb(torch):
    store = torch.distributed.TCPStore("localhost", 0, None, True)
    with socket.create_connection(("localhost", store.port)) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert stranger.recv(100) == b""
    store.set("a", "1")
    assert store.get("a") == b"1"


def test_a_protocol_of_another_kind_is_noticed(torch):
    """Where something else listens, connecting fails in time."""

    def answer():
        link, _ = listener.accept()
        link.sendall(b"220 ready for mail\r\n")
        time.sleep(1)
        link.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(torch.distributed.DistNetworkError, match="has timed out after 500ms"):
            torch.distributed.TCPStore("127.0.0.1", port, timeout=timedelta(milliseconds=500))
        thread.join()


def test_representation(torch):
    store = torch.distributed.TCPStore("localhost", 0, None, True)
    client = torch.distributed.TCPStore("localhost", store.port)
    socket_of = r"TCPStore\(client=TCPClient\(SocketImpl\(fd=\d+, addr=.+, remote=.+\)\), server="
    assert re.fullmatch(socket_of + rf"TCPServer\(port={store.port}\)\)", repr(store))
    assert re.fullmatch(socket_of + r"<nullptr>\)", repr(client))
    with pytest.raises(TypeError, match="cannot pickle"):
        client.__reduce__()


def test_large_values(torch):
    store = torch.distributed.TCPStore("localhost", 0, None, True)
    content = os.urandom(1 << 20) * 3
    store.set("large", content)
    assert store.get("large") == content


def test_files_are_pytorchs(torch, tmp_path):
    """The bytes that PyTorch 2.13 writes for the same calls."""
    path = tmp_path / "store"
    store = torch.distributed.FileStore(str(path))
    store.set("a", "1")
    store.delete_key("a")
    store.compare_set("k", "", "1")
    assert path.read_bytes() == (
        b"\t\x00\x00\x00refcount/\x01\x00\x00\x001"
        b"\x02\x00\x00\x00/a\x01\x00\x00\x001"
        b"\x03\x00\x00\x00-/a\x00\x00\x00\x00"
        b"\x02\x00\x00\x00/k\x01\x00\x00\x001"
    )
    assert store.path == str(path)


def test_the_last_of_its_stores_removes_a_file(torch, tmp_path):
    path = tmp_path / "store"
    first, second = (torch.distributed.FileStore(str(path), 2) for _ in range(2))
    first.set("a", "1")
    assert second.get("a") == b"1"
    del first
    gc.collect()
    assert path.exists()
    del second
    gc.collect()
    assert not path.exists()
    third = torch.distributed.FileStore(str(path))
    del third
    gc.collect()
    assert path.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_server_that_is_killed_is_an_error_and_no_hang(torch):
    """Also while a forked child of it lives, which has inherited its sockets."""
    d = torch.distributed
    program = (
        "import os, time\n"
        "import jtorch.distributed as dist\n"
        'store = dist.TCPStore("localhost", 0, None, True)\n'
        "print(store.port, flush=True)\n"
        'store.get("fork")\n'
        "child = os.fork()\n"
        "if child == 0:\n"
        "    time.sleep(30)\n"
        "    os._exit(0)\n"
        'store.set("child", str(child))\n'
        "time.sleep(30)\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env=child_environment(),
    )
    assert server.stdout is not None
    port = int(server.stdout.readline())
    client = d.TCPStore("localhost", port)
    waiting: list[BaseException] = []

    def wait():
        try:
            client.get("never")
        except d.DistNetworkError as error:
            waiting.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    client.set("fork", "1")
    child = int(client.get("child"))
    begin = time.monotonic()
    try:
        server.kill()
        server.wait()
        thread.join(15)
        assert [type(each) for each in waiting] == [d.DistNetworkError]
        assert str(waiting[0]) == (
            "Failed to recv, got 0 bytes. Connection was likely closed. "
            "Did the remote server shutdown or crash?"
        ) or "reset" in str(waiting[0])
        for call in (lambda: client.get("a"), lambda: client.set("a", "1")):
            with pytest.raises(d.DistNetworkError):
                call()
        assert time.monotonic() - begin < 15
    finally:
        os.kill(child, signal.SIGKILL)
        server.stdout.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_asks_over_connections_of_its_own(torch):
    store = torch.distributed.TCPStore("localhost", 0, None, True)
    store.set("a", "1")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            store.set("child", store.get("a"))
            status = 0
        finally:
            os._exit(status)
    store.wait(["child"], timedelta(seconds=20))
    assert os.waitpid(child, 0)[1] == 0
    assert store.get("child") == b"1"


MEET = """
    import os
    import torch.distributed as dist
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    port = int(os.environ["MASTER_PORT"])
    store = dist.TCPStore(os.environ["MASTER_ADDR"], port, world, rank == 0)
    store.set(f"from {rank}", f"word of {rank}")
    print([store.get(f"from {each}").decode() for each in range(world)])
    store.add("ended", 1)
    while rank == 0 and store.add("ended", 0) < world:
        pass
"""


def test_processes_meet():
    expected = ["['word of 0', 'word of 1', 'word of 2']"]
    assert succeed(run_processes(MEET, 3)) == [expected] * 3


@pytest.mark.oracle
def test_files_are_shared_with_pytorch(tmp_path):
    program = """
        import sys, torch.distributed as dist
        store = dist.FileStore(sys.argv[1])
        print(store.add("n", 2), store.get("a"), store.num_keys())
        store.set("b", "from the other")
    """
    import jtorch

    store = jtorch.distributed.FileStore(str(tmp_path / "store"))
    store.set("a", "1")
    store.set("gone", "1")
    store.delete_key("gone")
    path = str(tmp_path / "store")
    assert succeed(run_processes(program, 1, library="torch", arguments=[path])) == [["2 b'1' 3"]]
    assert (store.get("b"), store.add("n", 1)) == (b"from the other", 3)


@pytest.mark.oracle
def test_processes_of_pytorch_meet():
    assert succeed(run_processes(MEET, 2)) == succeed(run_processes(MEET, 2, library="torch"))
