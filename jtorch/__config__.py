"""What jtorch was built on and how it computes in parallel: ``torch.__config__``."""

from __future__ import annotations

import platform

from ._engine.execution import devices
from ._runtime.defaults import get_num_threads
from ._version import TORCH_VERSION, __version__


def show() -> str:
    """Return in some lines what jtorch runs on."""
    from importlib.metadata import version

    places = ", ".join(gpu.device_kind for gpu in devices.gpus()) or "none"
    return "\n".join(
        (
            "jtorch built with:",
            f"  - jtorch {__version__}, which answers for PyTorch {TORCH_VERSION.split('+')[0]}",
            f"  - JAX {version('jax')}, XLA of jaxlib {version('jaxlib')}, "
            f"NumPy {version('numpy')}",
            f"  - Python {platform.python_version()} on {platform.platform()}",
            f"  - GPUs: {places}",
            "",
        )
    )


def parallel_info() -> str:
    """Return in some lines how many threads compute."""
    return f"jtorch/Parallel:\n\tthreads of a program : {get_num_threads()}\n"
