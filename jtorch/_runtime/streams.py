"""``torch.Stream`` and ``torch.Event``: queues of work, of which the CPU has one that is empty."""

from __future__ import annotations

from typing import Any

from .._core.device import Device
from .._engine.declare import publish
from .._engine.execution import devices

#: The types of devices, by PyTorch's number.
_DEVICES = (
    "cpu", "cuda", "opengl", "opencl", "mkldnn", "ideep", "hip", "fpga", "maia", "xla", "vulkan",
    "metal", "xpu", "mps", "meta", "hpu", "ve", "lazy", "ipu", "mtia",
)  # fmt: skip
_NO_EVENTS = "{} backend doesn't support events."


def _place(device: Any, name: str) -> Device:
    if device is None:
        device = "cuda" if devices.gpus() else "cpu"
    if isinstance(device, int) and not devices.gpus():
        raise RuntimeError("Cannot access accelerator device when none is available.")
    place = Device("cuda", device) if isinstance(device, int) else Device(device)
    if place.type in ("cpu", "meta"):
        return place
    if place.type == "cuda" and devices.gpus():
        raise NotImplementedError(f"torch.{name}: JAX orders the work of a GPU itself")
    raise RuntimeError(f"PyTorch is not linked with support for {place.type} devices")


class Stream:
    """A queue of work; on the CPU all of it is done already.

    Args:
        device: whose queue; a GPU's is refused, since JAX orders that work itself.
        priority: of the queue, which changes nothing.
        stream_id, device_index, device_type: name a queue that there is.
    """

    __module__ = "torch"

    def __init__(
        self,
        device: Any = None,
        *,
        priority: int = 0,
        stream_id: int | None = None,
        device_index: int | None = None,
        device_type: int | None = None,
    ):
        if device_type is not None:
            device = _DEVICES[device_type]
        place = _place(device, "Stream")
        self.device = place
        self.device_index = -1 if place.index is None else place.index
        self.stream_id = 0
        if stream_id is not None:
            self.stream_id, self.device_index = stream_id, device_index or 0

    @property
    def device_type(self) -> int:
        """The number of the device's type."""
        return _DEVICES.index(self.device.type)

    @property
    def native_handle(self) -> Any:
        """Raise: there is no queue of the system's."""
        raise RuntimeError("Backend doesn't support getting stream native handle.")

    def query(self) -> bool:
        """Return whether all work is done: it is."""
        return True

    def synchronize(self) -> None:
        """Wait for all work, of which there is none."""

    def record_event(self, event: Any = None) -> Any:
        """Raise: the CPU's queue has no events."""
        raise RuntimeError(_NO_EVENTS.format(self.device.type))

    def wait_event(self, event: Any) -> None:
        """Wait for an event, all of which have happened."""

    def wait_stream(self, stream: Any) -> None:
        """Raise: the CPU's queue has no events."""
        raise RuntimeError(_NO_EVENTS.format(self.device.type))

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple:
        return self.device.type, self.device_index, self.stream_id

    def __repr__(self) -> str:
        return (
            f"torch.Stream device_type={self.device.type}, device_index={self.device_index}, "
            f"stream_id={self.stream_id}"
        )


class Event:
    """A point in a queue of work; on the CPU it has always been reached.

    Args:
        device: whose queue; a GPU's is refused, since JAX orders that work itself.
        enable_timing: whether ``elapsed_time`` may be asked.
        blocking, interprocess: change nothing.
    """

    __module__ = "torch"

    def __init__(
        self,
        device: Any = None,
        *,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
    ):
        self.device = _place(device, "Event")
        self.event_id = 0
        self._timed = enable_timing

    @classmethod
    def from_ipc_handle(cls, device: Any, handle: Any) -> Event:
        """Raise, as PyTorch does for the CPU."""
        raise NotImplementedError(_NO_IPC)

    def ipc_handle(self) -> Any:
        """Raise, as PyTorch does for the CPU."""
        raise NotImplementedError(_NO_IPC)

    def query(self) -> bool:
        """Return whether the point was reached: it was."""
        return True

    def record(self, stream: Any = None) -> None:
        """Raise: the CPU's queue has no events."""
        raise RuntimeError(_NO_EVENTS.format(self.device.type))

    def wait(self, stream: Any = None) -> None:
        """Let a queue wait for the point, which was reached."""

    def synchronize(self) -> None:
        """Wait for the point, which was reached."""

    def elapsed_time(self, other: Event) -> float:
        """Raise: no time was measured.

        Raises:
            ValueError: the events are not timed, or were never recorded.
        """
        if not (self._timed and other._timed):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        raise ValueError("Both events must be recorded before calculating elapsed time.")

    def __repr__(self) -> str:
        return (
            f"torch.Event device_type={self.device.type}, "
            f"device_index={-1 if self.device.index is None else self.device.index}, "
            f"event_flag={int(self._timed)}, event_id={self.event_id}"
        )


_NO_IPC = "torch.Event ipc is not supported yet, please open an issue if you need this!"


def record_stream(self: Any, s: Any) -> None:
    """Note that a queue of a GPU's work uses the tensor: JAX knows what its work uses.

    Args:
        s: the queue.
    Raises:
        RuntimeError: ``s`` is no queue.
        NotImplementedError: the tensor is on the CPU.
    """
    if not (isinstance(s, Stream) or type(s).__name__ == "Stream"):
        raise RuntimeError("unknown parameter type")
    if self.device.type == "cpu":
        raise NotImplementedError(
            "Could not run 'aten::record_stream' with arguments from the 'CPU' backend."
        )


publish("record_stream", method=record_stream)
