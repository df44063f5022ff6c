"""Settings of JAX and of the process that jtorch stands on.

``apply`` runs once, at import. It starts no backend, makes no file, and leaves alone whatever the
user has set by the variable or the JAX setting of the same meaning. Each part has a switch in
``_core/config``:

- *64-bit types are real* (always: without them ``int64`` and ``float64`` do not exist).
- *Allocator* (``JTORCH_MALLOC``, glibc only). XLA takes one temporary buffer for each run of a
  program; above 32 MB glibc maps it afresh and the kernel clears it page by page, every step. With
  the thresholds raised it is kept: a small CNN's step fell from 100 to 43 ms, an addition of ten
  million numbers from 16 to 1.4 ms. The price is that freed memory stays with the process until
  ``jtorch.compiler.release_memory()``. Threads have arenas of their own, which hold no block above
  64 MB. In one of several processes (``WORLD_SIZE``), whose collectives run on a thread, there is
  therefore one arena for all: an all_reduce of 100 MB took 65 ms of processor time instead of 120.
- *Synchronous dispatch* on the CPU, only together with the above (by itself it costs): a step whose
  loss is read took 13 us instead of 24.
- *Memory of GPUs*: what ``PYTORCH_ALLOC_CONF`` or ``PYTORCH_CUDA_ALLOC_CONF`` says and JAX has,
  too, becomes JAX's variable, unless that is set. ``CUDA_VISIBLE_DEVICES`` JAX reads itself.
- *Programs on disk* (``JTORCH_CACHE``, see ``disk_cache``).
- *No warning about forks*: a forked process gets a client of its own (``forking``), which is what
  JAX warns that it lacks.
"""

from __future__ import annotations

import ctypes
import os
import sys
import warnings

import jax

from ..._core import config
from . import disk_cache

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MALLOC_VARIABLES = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")

#: What ``apply`` did, for ``jtorch.compiler.explain`` and for tests.
applied: dict[str, bool] = {}


def apply() -> None:
    """Set JAX and the process up; doing so twice changes nothing."""
    if applied:
        return
    jax.config.update("jax_enable_x64", True)
    if config.FAKE_CUDA:
        jax.config.update("jax_num_cpu_devices", 2)
    for variable in ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"):
        for name, value in allocator_variables(os.environ.get(variable, "")).items():
            os.environ.setdefault(name, value)
    applied["malloc"] = config.MALLOC and _keep_freed_memory()
    applied["synchronous"] = applied["malloc"] and "JAX_CPU_ENABLE_ASYNC_DISPATCH" not in os.environ
    if applied["synchronous"]:
        jax.config.update("jax_cpu_enable_async_dispatch", False)
    warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
    applied["disk_cache"] = config.CACHE and disk_cache.enable()


def allocator_variables(wanted: str) -> dict[str, str]:
    """Return JAX's variables for what PyTorch's variable says of the memory of GPUs.

    Args:
        wanted: such as ``"backend:cudaMallocAsync,expandable_segments:True"``.
    """
    found = {}
    for part in wanted.split(","):
        name, _, value = (word.strip() for word in part.partition(":"))
        if name == "backend" and value == "cudaMallocAsync":
            found["XLA_PYTHON_CLIENT_ALLOCATOR"] = "cuda_async"
        elif name == "expandable_segments" and value.lower() == "true":
            found["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # it grows instead
        elif name == "per_process_memory_fraction":
            found["XLA_PYTHON_CLIENT_MEM_FRACTION"] = value
    return found


def _keep_freed_memory() -> bool:
    """Raise the thresholds of glibc's allocator; return whether that worked."""
    if not sys.platform.startswith("linux") or any(v in os.environ for v in _MALLOC_VARIABLES):
        return False
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018  (other C libraries have a mallopt that does nothing)
        mallopt = libc.mallopt
    except (OSError, AttributeError):
        return False
    if os.environ.get("WORLD_SIZE", "1") != "1" and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, 1)
    return bool(mallopt(_M_MMAP_THRESHOLD, 1 << 30) and mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1))


def release_memory() -> bool:
    """Give memory that was freed back to the operating system.

    Returns:
        Whether any was given back; always ``False`` where the C library is not glibc.
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (OSError, AttributeError):
        return False
