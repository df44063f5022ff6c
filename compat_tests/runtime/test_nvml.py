"""What NVIDIA's management library says of a GPU, by a library that stands for it here."""

from __future__ import annotations

import sys
import types

import pytest

import jtorch as torch

QUESTIONS = {
    "device_memory_used": 2**20, "memory_usage": 7, "utilization": 42, "temperature": 50,
    "power_draw": 70000, "clock_rate": 1980,
}  # fmt: skip


class NotLoadedError(Exception):
    """The driver is not there."""


def library(loads: bool = True) -> types.ModuleType:
    """Return a stand-in for the package, which remembers the handles that it was asked for."""
    found = types.ModuleType("pynvml")

    def start() -> None:
        if not loads:
            raise NotLoadedError

    found.NVMLError_DriverNotLoaded = NotLoadedError
    found.NVMLError_LibraryNotFound = NotLoadedError
    found.nvmlInit = start
    found.nvmlDeviceGetHandleByIndex = lambda index: ("index", index)
    found.nvmlDeviceGetHandleByUUID = lambda name: ("name", name)
    found.nvmlDeviceGetMemoryInfo = lambda handle: types.SimpleNamespace(used=2**20)
    found.nvmlDeviceGetUtilizationRates = lambda handle: types.SimpleNamespace(gpu=42, memory=7)
    found.nvmlDeviceGetTemperature = lambda handle, sensor: 50 + sensor
    found.nvmlDeviceGetPowerUsage = lambda handle: 70000
    found.nvmlDeviceGetClockInfo = lambda handle, clock: {1: 1980}[clock]
    found.nvmlDeviceGetComputeRunningProcesses = lambda handle: (
        [types.SimpleNamespace(pid=17, usedGpuMemory=3 * 2**19)] if handle[1] == 0 else []
    )
    return found


@pytest.mark.parametrize("question", QUESTIONS)
def test_without_the_package(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(ModuleNotFoundError, match=r"^nvidia-ml-py does not seem to be installed"):
        getattr(torch.cuda, question)()
    assert torch.cuda.list_gpu_processes() == "pynvml module not found, please install nvidia-ml-py"


@pytest.mark.parametrize("question", QUESTIONS)
def test_without_a_driver(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library(loads=False))
    with pytest.raises(RuntimeError, match=r"^cuda driver can't be loaded, is cuda enabled"):
        getattr(torch.cuda, question)()
    assert torch.cuda.list_gpu_processes() == "cuda driver can't be loaded, is cuda enabled?"


def test_with_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    from jtorch.cuda import _nvml

    monkeypatch.setitem(sys.modules, "pynvml", library())
    monkeypatch.setattr(torch.cuda._index, "index_of", lambda device: device or 0)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert {name: getattr(torch.cuda, name)() for name in QUESTIONS} == QUESTIONS
    assert torch.cuda.list_gpu_processes() == (
        "GPU:0\nprocess         17 uses        1.500 MB GPU memory"
    )
    assert torch.cuda.list_gpu_processes(1) == "GPU:1\nno processes are running"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-5a")
    assert [_nvml._handle(library(), index) for index in (0, 1, 2)] == [
        ("index", 3), ("name", "GPU-5a"), ("index", 2),
    ]  # fmt: skip
