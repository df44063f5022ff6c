"""What NVIDIA's management library (NVML) measures of a GPU, where its Python package is there."""

from __future__ import annotations

import os
from typing import Any

from . import _index

#: NVML's numbers of the sensor on the chip and of the clock of the multiprocessors.
_CHIP_SENSOR, _MULTIPROCESSOR_CLOCK = 0, 1
_NO_DRIVER = "cuda driver can't be loaded, is cuda enabled?"


def _library() -> Any:
    """Return the package, initialised.

    Raises:
        ModuleNotFoundError: it is not installed.
        RuntimeError: there is no driver of NVIDIA's.
    """
    try:
        import pynvml
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "nvidia-ml-py does not seem to be installed or it can't be imported."
        ) from error
    try:
        pynvml.nvmlInit()
    except (pynvml.NVMLError_DriverNotLoaded, pynvml.NVMLError_LibraryNotFound) as error:
        raise RuntimeError(_NO_DRIVER) from error
    return pynvml


def _handle(library: Any, device: Any) -> Any:
    """Return NVML's handle of a GPU.

    NVML counts all GPUs of the machine, a program those that ``CUDA_VISIBLE_DEVICES`` leaves it.
    """
    index = _index.index_of(device)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = [name.strip() for name in visible.split(",") if name.strip()]
    if index < len(names):
        if not names[index].isdecimal():
            return library.nvmlDeviceGetHandleByUUID(names[index])
        index = int(names[index])
    return library.nvmlDeviceGetHandleByIndex(index)


def device_memory_used(device: Any = None) -> int:
    """Return the bytes in use on a GPU, by all processes.

    Raises:
        ModuleNotFoundError: the package nvidia-ml-py is not installed.
        RuntimeError: there is no driver of NVIDIA's.
    """
    library = _library()
    return library.nvmlDeviceGetMemoryInfo(_handle(library, device)).used


def memory_usage(device: Any = None) -> int:
    """Return the percentage of time in which a GPU's memory was read or written.

    Raises:
        ModuleNotFoundError: the package nvidia-ml-py is not installed.
        RuntimeError: there is no driver of NVIDIA's.
    """
    library = _library()
    return library.nvmlDeviceGetUtilizationRates(_handle(library, device)).memory


def utilization(device: Any = None) -> int:
    """Return the percentage of time in which a GPU was running something.

    Raises:
        ModuleNotFoundError: the package nvidia-ml-py is not installed.
        RuntimeError: there is no driver of NVIDIA's.
    """
    library = _library()
    return library.nvmlDeviceGetUtilizationRates(_handle(library, device)).gpu


def temperature(device: Any = None) -> int:
    """Return the temperature of a GPU's chip in degrees Celsius.

    Raises:
        ModuleNotFoundError: the package nvidia-ml-py is not installed.
        RuntimeError: there is no driver of NVIDIA's.
    """
    library = _library()
    return library.nvmlDeviceGetTemperature(_handle(library, device), _CHIP_SENSOR)


def power_draw(device: Any = None) -> int:
    """Return the power that a GPU draws, in milliwatts.

    Raises:
        ModuleNotFoundError: the package nvidia-ml-py is not installed.
        RuntimeError: there is no driver of NVIDIA's.
    """
    library = _library()
    return library.nvmlDeviceGetPowerUsage(_handle(library, device))


def clock_rate(device: Any = None) -> int:
    """Return the clock rate of a GPU's multiprocessors in megahertz.

    Raises:
        ModuleNotFoundError: the package nvidia-ml-py is not installed.
        RuntimeError: there is no driver of NVIDIA's.
    """
    library = _library()
    return library.nvmlDeviceGetClockInfo(_handle(library, device), _MULTIPROCESSOR_CLOCK)


def list_gpu_processes(device: Any = None) -> str:
    """Return a line for each process on a GPU, with the megabytes that it uses.

    Where NVML cannot be asked, that is what the text says.
    """
    try:
        library = _library()
    except ModuleNotFoundError:
        return "pynvml module not found, please install nvidia-ml-py"
    except RuntimeError as error:
        return str(error)
    found = library.nvmlDeviceGetComputeRunningProcesses(_handle(library, device))
    lines = [f"GPU:{_index.index_of(device)}"]
    for process in found:
        used = (process.usedGpuMemory or 0) / 2**20
        lines.append(f"process {process.pid:>10d} uses {used:>12.3f} MB GPU memory")
    return "\n".join(lines if found else [*lines, "no processes are running"])
