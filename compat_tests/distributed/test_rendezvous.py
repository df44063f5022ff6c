"""Rendezvous: the URLs by which processes find their store."""

from __future__ import annotations

import importlib
import re
from datetime import timedelta

import pytest

from compat_tests.helpers.processes import free_port, run_processes, succeed

ENVIRONMENT = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "0"}


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def meet(torch):
    def first(url, *arguments, **keywords):
        return next(iter(torch.distributed.rendezvous(url, *arguments, **keywords)))

    return first


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_the_environment_lacks(environment, meet, name):
    environment.delenv(name)
    words = (
        "Error initializing torch.distributed using env:// rendezvous: "
        f"environment variable {name} expected, but not set"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        meet("env://")


def test_environment(environment, meet, torch):
    store, rank, size = meet("env://")
    assert (type(store), rank, size) == (torch.distributed.TCPStore, 0, 1)
    store.set("a", "1")
    assert torch.distributed.TCPStore("localhost", store.port).get("a") == b"1"


def test_arguments_come_before_the_environment(environment, meet):
    environment.setenv("RANK", "7")
    environment.setenv("WORLD_SIZE", "9")
    assert meet("env://", 0, 1)[1:] == (0, 1)
    assert meet("env://?rank=0&world_size=1")[1:] == (0, 1)
    environment.setenv("WORLD_SIZE", "1")
    assert meet("env://", 0)[1:] == (0, 1)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("tcp://localhost?rank=0&world_size=1", "tcp:// rendezvous: port number missing"),
        ("tcp://localhost:0", "tcp:// rendezvous: rank parameter missing"),
        ("tcp://localhost:0?rank=0", "tcp:// rendezvous: world size parameter missing"),
        ("file://?rank=0&world_size=1", "file:// rendezvous: path missing"),
        ("file:///a/file", "file:// rendezvous: rank parameter missing"),
        ("file:///a/file?rank=0", "file:// rendezvous: world size parameter missing"),
    ],
)
def test_what_an_url_lacks(meet, url, words):
    with pytest.raises(
        ValueError, match=f"^Error initializing torch.distributed using {re.escape(words)}$"
    ):
        meet(url)


def test_address(environment, meet):
    store, rank, size = meet("tcp://localhost:0?rank=0&world_size=1")
    assert (rank, size, store.host) == (0, 1, "localhost")
    assert meet("tcp://localhost:0", 0, 1, timeout=timedelta(seconds=5))[0].timeout == timedelta(
        seconds=5
    )


def test_file(meet, tmp_path):
    store, rank, size = meet(f"file://{tmp_path}/meet?rank=0&world_size=1")
    assert (rank, size, store.path) == (0, 1, f"{tmp_path}/meet")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("foo://a", 0, 1), "No rendezvous handler for foo://"),
        (("foo",), "No rendezvous handler for ://"),
        ((5,), "`url` must be a string. <class 'int'>: 5"),
        (("env://", "0", 1), "`rank` must be an integer. 0"),
        (("env://", 0, "1"), "`world_size` must be an integer. 1"),
    ],
)
def test_words_of_refusals(meet, arguments, words):
    with pytest.raises(RuntimeError, match=f"^{re.escape(words)}$"):
        meet(*arguments)


def test_rank_is_said_once(meet):
    url = "tcp://localhost:0?rank=0&world_size=1"
    words = f"The url: {url} has node-specific arguments(rank, world_size) already."
    with pytest.raises(AssertionError, match=f"^{re.escape(words)}$"):
        meet(url, 0, 1)


def test_nobody_meets_twice(environment, torch):
    found = torch.distributed.rendezvous("env://")
    next(found)
    with pytest.raises(
        RuntimeError, match=r"^Unable to perform re-rendezvous using env:// method$"
    ):
        next(found)


def test_handlers_of_the_program(torch, monkeypatch):
    module = importlib.import_module(f"{torch.__name__}.distributed.rendezvous")
    monkeypatch.setattr(module, "_handlers", dict(module._handlers))
    register = torch.distributed.register_rendezvous_handler
    with pytest.raises(RuntimeError, match=r"^Rendezvous handler for env:// already registered$"):
        register("env", lambda url: iter(()))
    register("own", lambda url, **keywords: iter([(url, keywords)]))
    ask = torch.distributed.rendezvous
    assert next(ask("own://a?x=1")) == ("own://a?x=1", {})
    limit = timedelta(seconds=3)
    assert next(ask("own://a?x=1", 0, 2, timeout=limit)) == (
        "own://a?x=1&rank=0&world_size=2",
        {"timeout": limit},
    )


def test_the_agent_holds_the_store(environment, meet, torch):
    """With the launcher's store no worker starts a server, rank 0 neither."""
    environment.setenv("TORCHELASTIC_USE_AGENT_STORE", "True")
    environment.setenv("MASTER_PORT", str(free_port()))
    with pytest.raises(torch.distributed.DistNetworkError, match="has timed out after 300ms"):
        meet("env://", timeout=timedelta(milliseconds=300))
    agent = torch.distributed.TCPStore("localhost", 0, None, True)
    environment.setenv("MASTER_PORT", str(agent.port))
    agent.set("a", "1")
    assert meet("env://")[0].get("a") == b"1"


MEET = """
    import os, sys
    import torch.distributed as dist
    url = sys.argv[1].replace("PORT", os.environ["MASTER_PORT"])
    named = () if url == "env://" else (int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    store, rank, size = next(iter(dist.rendezvous(url, *named)))
    store.set(f"from {rank}", f"word of {rank}")
    print(rank, size, [store.get(f"from {each}").decode() for each in range(size)])
    store.add("ended", 1)
    while rank == 0 and store.add("ended", 0) < size:
        pass
"""


@pytest.mark.parametrize("url", ["env://", "tcp://127.0.0.1:PORT", "file://{}/meet"])
def test_processes_meet(url, tmp_path):
    results = succeed(run_processes(MEET, 2, arguments=[url.format(tmp_path)]))
    words = "['word of 0', 'word of 1']"
    assert results == [[f"0 2 {words}"], [f"1 2 {words}"]]
