"""What jtorch runs on, to be put into a report of a bug: ``python -m jtorch.utils.collect_env``."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from typing import NamedTuple

import jtorch as torch

from .._core import config
from .._engine.execution import devices
from .._runtime import absent as _absent
from .._version import __version__

#: Packages whose versions are told.
PIP_PATTERNS = ("jax", "jaxlib", "jtorch-jax", "ml_dtypes", "numpy", "optax", "scipy")
_NONE = "N/A"


class SystemEnv(NamedTuple):
    """What was found out; texts, but for the answers to questions."""

    torch_version: str
    is_debug_build: str
    cuda_compiled_version: str
    os: str
    libc_version: str
    python_version: str
    python_platform: str
    is_cuda_available: str
    nvidia_gpu_models: str
    is_xpu_available: str
    pip_version: str
    pip_packages: str
    execution: str
    cpu_info: str


def get_os(run_lambda: object = None) -> str:
    """Return the operating system and the machine."""
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = f"{platform.system()} {platform.release()}"
    return f"{name} ({platform.machine()})"


def get_libc_version() -> str:
    """Return the C library and its version."""
    if platform.system() != "Linux":
        return _NONE
    return "-".join(platform.libc_ver())


def get_python_platform() -> str:
    """Return what Python says of the machine."""
    return platform.platform()


def get_cpu_info(run_lambda: object = None) -> str:
    """Return the model of the processor and how many of it there are."""

    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line for line in file if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    except OSError:
        pass
    return f"CPU(s): {os.cpu_count()}\nModel name: {model}"


def get_pip_packages(run_lambda: object = None, patterns: object = None) -> tuple[str, str]:
    """Return how packages are installed, and the versions of those that matter."""
    found = []
    for name in patterns or PIP_PATTERNS:  # type: ignore[attr-defined]
        try:
            found.append(f"{name}=={importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return "pip3", "\n".join(found)


def get_gpu_info(run_lambda: object = None) -> str:
    """Return the accelerators that JAX finds."""
    names = [str(getattr(each, "device_kind", each)) for each in devices.gpus()]
    return "\n".join(f"GPU {n}: {name}" for n, name in enumerate(names)) or _NONE


def get_env_info() -> SystemEnv:
    """Return what is found out about jtorch, JAX, Python and the machine."""
    pip_version, packages = get_pip_packages()
    bits = sys.maxsize.bit_length() + 1
    return SystemEnv(
        torch_version=f"{torch.__version__} (jtorch {__version__})",
        is_debug_build=str(torch.version.debug),
        cuda_compiled_version=torch.version.cuda or "None",
        os=get_os(),
        libc_version=get_libc_version(),
        python_version="{} ({}-bit runtime)".format(sys.version.replace("\n", " "), bits),
        python_platform=get_python_platform(),
        is_cuda_available=str(torch.cuda.is_available()),
        nvidia_gpu_models=get_gpu_info(),
        is_xpu_available="False",
        pip_version=pip_version,
        pip_packages=packages,
        execution=config.EXECUTION,
        cpu_info=get_cpu_info(),
    )


def pretty_str(envinfo: SystemEnv) -> str:
    """Return what was found out as lines for a reader."""
    packages = "\n".join(f"[{envinfo.pip_version}] {p}" for p in envinfo.pip_packages.split("\n"))
    return f"""\
PyTorch version: {envinfo.torch_version}
Is debug build: {envinfo.is_debug_build}
CUDA used to build PyTorch: {envinfo.cuda_compiled_version}
ROCM used to build PyTorch: {_NONE}

OS: {envinfo.os}
Libc version: {envinfo.libc_version}

Python version: {envinfo.python_version}
Python platform: {envinfo.python_platform}
Is CUDA available: {envinfo.is_cuda_available}
GPU models and configuration: {envinfo.nvidia_gpu_models}
Is XPU available: {envinfo.is_xpu_available}
JTORCH_EXECUTION: {envinfo.execution}

CPU:
{envinfo.cpu_info}

Versions of relevant libraries:
{packages}
"""


def get_pretty_env_info() -> str:
    """Return all that is found out as lines for a reader."""
    return pretty_str(get_env_info())


def main() -> None:
    """Print what is found out."""
    print("Collecting environment information...")
    print(get_pretty_env_info())


__getattr__ = _absent.attributes(__name__)

if __name__ == "__main__":
    main()
