"""What a forked process needs: an XLA of its own, and a thread that compiles for it.

XLA's client has threads, and a forked process has none of them: whatever it compiled or ran would
wait for ever. PyTorch's scripts fork all the same, for the workers of a ``DataLoader`` above all.
So the child gets a fresh client when it is born: what was compiled is forgotten, and tensors made
before the fork are read from the memory that both processes share (each page is copied when one of
them writes to it). The old client is kept, since to take it down would wait for its threads.

A fresh client runs programs, but cannot compile them: LLVM's threads are the process's, not the
client's. So a thread of the first process compiles what a child asks for, over a socket; programs
on disk are loaded by the child itself. Of several devices only the CPU is there in a child, as CUDA
cannot be used after a fork either.
"""

from __future__ import annotations

import os
import threading
import time
from multiprocessing import AuthenticationError, connection
from typing import Any

import jax
import jax.extend.backend
import numpy as np
from jax._src import compiler, xla_bridge
from jax._src.interpreters import mlir
from jax._src.lib import xla_client

from ..execution import compilation, growth, program_index, programs, transfer
from . import trace

#: Seconds that XLA's threads get to put away what they have finished.
_SETTLING = 0.005
#: The devices, and with them the clients, of this process and of those that it descends from.
_devices: list[Any] = []
_inherited: list[Any] = []
_inherited_pools: list[Any] = []


def install() -> None:
    """Prepare this process for being forked; where there is no fork, do nothing."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before, after_in_child=_in_child)


def is_forked() -> bool:
    """Return whether this process was forked from one that had used jtorch."""
    return bool(_inherited)


def _before() -> None:
    """Let nothing be under way that the child would find half done."""
    trace.current("fork")
    compilation.wait_until_optimised(timeout=10.0)
    if not _has_started():
        return
    # An array that is just being finished would never be for the child, which takes over the lock
    # that the finishing thread holds, but not the thread.
    jax.block_until_ready(jax.live_arrays())
    time.sleep(_SETTLING)
    if not _devices:
        _devices.extend([*jax.devices(), *jax.devices("cpu")])
    if not is_forked():
        _service.start()


def _has_started() -> bool:
    """Return whether JAX has a client; where that cannot be known, assume that it has."""
    started = getattr(xla_bridge, "backends_are_initialized", None)
    return started is None or started()


def _in_child() -> None:
    if not _devices:
        return
    _inherited.extend(_devices)
    _devices.clear()
    _inherited.append(transfer.forget_devices())
    jax.config.update("jax_platforms", "cpu")
    # What was sent as bytes cannot be made bytes once more (jaxlib 0.10: functions are missing).
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1e9)
    program_index.stop_writing()
    jax.extend.backend.clear_backends()
    _renew_thread_pool()
    _service.leave_to_the_first_process()
    jax.clear_caches()
    growth.forget_everything()
    trace.local.trace.begin()
    programs.run = _run_with_own_arrays
    compilation.optimise_later = _compile_fully_at_once
    compiler.backend_compile_and_load = _compiled_by_the_first_process


def _renew_thread_pool() -> None:
    """Let MLIR check modules on threads of this process; those of the pool there was are gone."""
    if hasattr(mlir, "global_thread_pool"):
        _inherited_pools.append(mlir.global_thread_pool)
        mlir.global_thread_pool = type(mlir.global_thread_pool)()
    # JAX 0.11 and later keep a context for each thread, and the context keeps the pool.
    contexts = getattr(mlir, "_thread_local_context", None)
    if contexts is not None:
        _inherited_pools.append(contexts.value)
        contexts.set_local(None)


_run = programs.run


def _run_with_own_arrays(
    program: Any,
    floats: list[float],
    ints: list[int],
    inputs: list[Any],
    device: Any,
    owned: bool = True,
) -> Any:
    """Run a program on arrays of this process's client."""
    for value in inputs:
        array = value.array
        if isinstance(array, jax.Array) and array.sharding.device_set.intersection(_inherited):
            value.array = np.asarray(array)
    return _run(program, floats, ints, inputs, device, owned)


def _compile_fully_at_once(program: Any) -> None:
    """Optimise a hot program now: the socket belongs to the thread that asks."""
    compilation._optimise(program)


# Compiling for others


class _Service:
    """A thread that compiles for forked processes, while the process's own work goes on.

    Attributes:
        alive: in a child, becomes readable when the first process is gone: the end of a pipe
            whose other end is open in that process alone.
    """

    def __init__(self) -> None:
        self.listener: Any = None
        self.key = os.urandom(16)
        self.clients: set[Any] = set()
        self.alive: Any = None
        self._kept_open: Any = None

    def start(self) -> None:
        """Listen, unless that is done already."""
        if self.listener is None:
            self.alive, self._kept_open = connection.Pipe(duplex=False)
            self.listener = connection.Listener(family="AF_UNIX", authkey=self.key)
            thread = threading.Thread(target=self._listen, name="jtorch-for-forks", daemon=True)
            thread.start()

    def _listen(self) -> None:
        while True:
            try:
                client = self.listener.accept()
            except (OSError, EOFError, AuthenticationError):
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def leave_to_the_first_process(self) -> None:
        """Close, in a child, what only the first process serves.

        Were it open here as well, a child whose first process is gone would wait for an answer for
        ever.
        """
        if self._kept_open is None:
            return  # a child of a child
        self._kept_open.close()
        self._kept_open = None
        for client in self.clients:
            client.close()
        self.clients.clear()
        socket = getattr(getattr(self.listener, "_listener", None), "_socket", None)
        if socket is not None:  # ``close`` of the listener would remove its file
            socket.close()

    def _serve(self, client: Any) -> None:
        self.clients.add(client)
        try:
            self._answer(client)
        finally:
            self.clients.discard(client)

    def _answer(self, client: Any) -> None:
        with client:
            while True:
                try:
                    request = client.recv_bytes(), client.recv_bytes()
                except (EOFError, OSError):
                    return
                try:
                    answer = b"+" + _compiled(*request)
                except Exception as error:  # said by the one who asked
                    answer = b"-" + str(error).encode()
                client.send_bytes(answer)


_service = _Service()
_asking = threading.local()


def _compiled(module: bytes, options: bytes) -> bytes:
    """Compile a module for the CPU; return the executable as bytes."""
    with mlir.make_ir_context():
        parsed = mlir.ir.Module.parse(module)
        device = jax.devices("cpu")[0]
        executable = device.client.compile_and_load(
            parsed,
            executable_devices=xla_client.DeviceList((device,)),
            compile_options=xla_client.CompileOptions.ParseFromString(options),
        )
        return executable.serialize()


def _compiled_by_the_first_process(
    backend: Any, module: Any, executable_devices: Any, options: Any, host_callbacks: Any = ()
) -> Any:
    """Stand in for JAX's function of compiling, in a forked process.

    Raises:
        RuntimeError: the first process is gone, or could not compile it.
    """
    if host_callbacks:
        raise RuntimeError("A forked process cannot compile a program that calls back to Python.")
    try:
        answer = _asked(mlir.module_to_bytecode(module), options.SerializeAsString())
    except (OSError, EOFError, AuthenticationError):
        _asking.client = None
        raise RuntimeError(
            "A forked process cannot compile: the process that it was forked from, which compiles "
            "for it, is gone."
        ) from None
    if answer[:1] != b"+":
        raise jax.errors.JaxRuntimeError(answer[1:].decode())
    return backend.deserialize_executable(answer[1:], executable_devices, options)


def _asked(module: bytes, options: bytes) -> bytes:
    """Return what the first process answers.

    Raises:
        OSError, EOFError: it is gone.
    """
    client = getattr(_asking, "client", None)
    if client is None or _asking.process != os.getpid():
        if _service.alive.poll():
            raise EOFError
        client = connection.Client(_service.listener.address, "AF_UNIX", _service.key)
        _asking.client, _asking.process = client, os.getpid()
    client.send_bytes(module)
    client.send_bytes(options)
    if client not in connection.wait([client, _service.alive]):
        raise EOFError
    return client.recv_bytes()
