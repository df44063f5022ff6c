"""Compiled programs on disk, found without tracing them.

JAX finds a program in its cache by what it is lowered to, and to trace and lower a training step
takes longer than to load it (a transformer's: 1.2 and 0.4 seconds). So beside each program of JAX's
cache stands a small file, named by the ``fingerprint`` of the instructions that it was made from:
it has the key of the program in JAX's cache, and what JAX keeps of a program beside the executable.

A file's checksum is also that of its name, for JAX's files too: one that was put in the place of
another is as good as damaged, and its program is compiled again.

Nothing depends on this: where the file or the program is missing or damaged, or JAX's internals are
not those known here, the program is traced and looked up as ever.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import jax

from .devices import jax_device

try:
    from jax._src import compilation_cache
    from jax._src.lib import xla_client

    _find_key = compilation_cache.get_cache_key
    _file_cache = compilation_cache.get_file_cache
    _CLIENT, _DEVICE = xla_client.Client, xla_client.Device
    _EXECUTABLE = xla_client.LoadedExecutable
except (ImportError, AttributeError):  # another JAX
    compilation_cache = None  # type: ignore[assignment]

#: The ending by which ``disk_cache.prune`` finds files.
_ENDING = "-index-cache"
_CHECKSUM_BYTES = 20
_noted = threading.local()
_directory: Path | None = None
_reads_only = False


def enable(directory: Path) -> None:
    """Keep the index in the directory of JAX's cache."""
    global _directory
    if compilation_cache is not None:
        _directory = directory
        compilation_cache.get_cache_key = _noting_keys  # type: ignore[assignment]
        compilation_cache.get_file_cache = _named_cache


def disable() -> None:
    """Neither read nor write the index from now on."""
    global _directory
    _directory = None


def stop_writing() -> None:
    """Only read from now on, as a forked process does: JAX keeps none of its programs."""
    global _reads_only
    _reads_only = True


def is_enabled() -> bool:
    return _directory is not None


def _noting_keys(module: Any, devices: Any, options: Any, *args: Any, **kwargs: Any) -> str:
    key = _find_key(module, devices, options, *args, **kwargs)
    _noted.last = key, options.SerializeAsString()
    return key


class _NamedCache:
    """JAX's cache, with a checksum before each program of its key and its content."""

    def __init__(self, base: Any, path: str):
        self._base = base
        self._folder = Path(path)
        self._path = getattr(base, "_path", self._folder)

    def get(self, key: str) -> bytes | None:
        found = self._base.get(key)
        if found is None:
            return None
        content = found[_CHECKSUM_BYTES:]
        if found[:_CHECKSUM_BYTES] != _checksum(key, content):
            # Out of the way of the program that will be compiled instead.
            (self._folder / f"{key}-cache").unlink(missing_ok=True)
            return None
        return content

    def put(self, key: str, value: bytes) -> None:
        self._base.put(key, _checksum(key, value) + value)


def _named_cache(path: str) -> Any:
    found = _file_cache(path)
    if found is None or _directory is None or Path(path) != _directory:
        return found
    return _NamedCache(found[0], path), found[1]


def begin() -> None:
    """Forget which program JAX's cache was asked for last."""
    _noted.last = None


def store(digest: str, tier: str, lowered: Any, compiled: Any) -> None:
    """Note where a program is that JAX was just made to compile, on this thread.

    A program that calls functions outside of XLA (LAPACK's, Python's) is left out: lowering it
    makes those functions ready to be called, and without that it would crash.

    Args:
        digest: of what it was made from.
        tier: "full" or "cheap".
        lowered, compiled: the program as a ``jax.stages.Lowered`` and a ``jax.stages.Compiled``.
    """
    noted = getattr(_noted, "last", None)
    if _directory is None or _reads_only or noted is None:
        return
    try:
        if "custom_call" in lowered.as_text():
            return
        unloaded = compiled._executable._unloaded_executable
        if compiled._params.const_args or unloaded.host_callbacks or unloaded.mut is not None:
            return
        arguments, in_tree = jax.tree.flatten(compiled.args_info)
        kept = (unloaded, arguments, in_tree, compiled.out_tree, compiled._no_kwargs, *noted)
        content = io.BytesIO()
        _Pickler(content).dump(kept)
        _write(_directory / f"{digest}-{tier}{_ENDING}", content.getvalue())
    except Exception:  # full disks, programs that JAX cannot write down: it runs all the same
        return


def find(digest: str, tier: str, device: Any) -> Any | None:
    """Return a compiled program, or ``None`` where there is none on disk.

    Args:
        digest, tier: see ``store``.
        device: the Device that it runs on.
    """
    if _directory is None:
        return None
    path = _directory / f"{digest}-{tier}{_ENDING}"
    try:
        content = path.read_bytes()
    except OSError:
        return None
    checksum, content = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    if checksum != _checksum(path.name, content):
        return None
    try:
        return _load(content, jax_device(device))
    except Exception:  # JAX's cache has let it go, or it is another JAX's
        return None


def _load(content: bytes, device: Any) -> Any | None:
    backend = device.client
    unpickler = _Unpickler(io.BytesIO(content), backend)
    unloaded, arguments, in_tree, out_tree, no_kwargs, key, options = unpickler.load()
    devices = xla_client.DeviceList((device,))
    executable, _ = compilation_cache.get_executable_and_time(
        key, xla_client.CompileOptions.ParseFromString(options), backend, devices
    )
    if executable is None:
        return None
    unloaded.xla_executable = executable
    return jax.stages.Compiled(
        unloaded.load(), [], in_tree.unflatten(arguments), out_tree, no_kwargs=no_kwargs
    )


class _Pickler(pickle.Pickler):
    """Leaves out what belongs to the process, and the executable, which is in JAX's cache."""

    def persistent_id(self, found: Any) -> Any:
        if isinstance(found, _EXECUTABLE):
            return ("executable",)
        if isinstance(found, _DEVICE):
            return "device", found.id
        if isinstance(found, _CLIENT):
            return ("client",)
        return None


class _Unpickler(pickle.Unpickler):
    """Puts in what this process has instead."""

    def __init__(self, file: Any, backend: Any):
        super().__init__(file)
        self.backend = backend

    def persistent_load(self, name: Any) -> Any:
        if name[0] == "device":
            return _devices(self.backend)[name[1]]
        return self.backend if name[0] == "client" else None


@functools.lru_cache(maxsize=4)
def _devices(backend: Any) -> dict[int, Any]:
    return {device.id: device for device in backend.devices()}


def _checksum(name: str, content: bytes) -> bytes:
    digest = hashlib.blake2b(name.encode(), digest_size=_CHECKSUM_BYTES)
    digest.update(content)
    return digest.digest()


def _write(path: Path, content: bytes) -> None:
    """Write a file that others see whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        part.write_bytes(_checksum(path.name, content) + content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
