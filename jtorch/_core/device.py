"""``torch.device``: where a tensor lives."""

from __future__ import annotations

import re
from typing import Any

KINDS = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga",
    "maia", "xla", "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip
_SPELLING = re.compile(r"([A-Za-z_]+)(?::(0|[1-9]\d*))?\Z")


class Device:
    """A device, such as ``torch.device("cuda:0")``, ``torch.device("cuda", 0)``.

    Instances are interned, so devices that are equal are one object.

    Attributes:
        type: ``"cpu"``, ``"cuda"``, ``"meta"``...
        index: ordinal number, or ``None`` for the current one.

    Raises:
        RuntimeError: for a string that names no device.
    """

    __slots__ = ("type", "index", "_stack", "__weakref__")
    type: str
    index: int | None
    _stack: list[Any]

    def __new__(cls, *args: object, **kwargs: object) -> Device:
        if len(args) == 1 and not kwargs and isinstance(args[0], str):
            type, index = _parse(args[0], None)
        elif len(args) == 1 and not kwargs and isinstance(args[0], Device):
            return args[0]
        else:
            type, index = _bind(args, kwargs)
            if isinstance(type, Device):
                return type
        key = (type, index)
        device = _DEVICES.get(key)
        if device is None:
            device = object.__new__(cls)
            object.__setattr__(device, "type", type)
            object.__setattr__(device, "index", index)
            object.__setattr__(device, "_stack", [])
            device = _DEVICES.setdefault(key, device)
        return device

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"attribute '{name}' of 'torch.device' objects is not writable")

    def __getattr__(self, name: str) -> object:
        raise AttributeError(f"'torch.device' object has no attribute '{name}'")

    def __repr__(self) -> str:
        if self.index is None:
            return f"device(type='{self.type}')"
        return f"device(type='{self.type}', index={self.index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __reduce__(self) -> tuple:
        return (_named, (self.type,) if self.index is None else (self.type, self.index))

    def __copy__(self) -> Device:
        return self

    def __deepcopy__(self, memo: dict) -> Device:
        return self

    def __enter__(self) -> Device:
        self._stack.append(push_default_device(self))
        return self

    def __exit__(self, *exception: object) -> None:
        push_default_device(self._stack.pop())


def _named(type: str, index: int | None = None) -> Device:
    """Return a device; what pickled ones refer to, whatever the package is imported as."""
    return Device(type, index)


Device.__name__ = Device.__qualname__ = "device"
Device.__module__ = "torch"

_DEVICES: dict[tuple[str, int | None], Device] = {}
_ACCELERATOR = ["cuda"]


def default_accelerator() -> str:
    """Return the device type that a bare ordinal number means."""
    return _ACCELERATOR[0]


def _bind(args: tuple, kwargs: dict) -> tuple:
    """Return type and index (or a device) of the arguments of ``torch.device``."""
    given = dict(zip(("type", "index"), args, strict=False)) | kwargs
    if set(given) == {"device"}:
        given = {"type": given["device"]}
    kind, index = given.get("type"), given.get("index")
    if len(args) > 2 or set(given) - {"type", "index"} or "type" not in given or kind is None:
        shown = ", ".join(
            [_type_name(arg) for arg in args] + [f"{k}={_type_name(v)}" for k, v in kwargs.items()]
        )
        bad = (
            "      didn't match because some of the arguments have invalid types: "
            f"(!{_type_name(kind)}!)\n"
            if "type" in given
            else ""
        )
        raise TypeError(
            f"device() received an invalid combination of arguments - got ({shown}), but expected "
            f"one of:\n * (torch.device device)\n{bad} * (str type, int index = -1)\n"
        )
    if "index" not in given:
        if isinstance(kind, Device):
            return kind, None
        if isinstance(kind, int) and not isinstance(kind, bool):
            if kind < 0:
                raise RuntimeError("Device index must not be negative")
            if not _accelerators():
                raise RuntimeError("Cannot access accelerator device when none is available.")
            return default_accelerator(), kind
    if not isinstance(kind, str):
        raise TypeError(
            f"device(): argument 'type' (position 1) must be str, not {_type_name(kind)}"
        )
    if index is not None and (isinstance(index, bool) or not isinstance(index, int)):
        raise TypeError(
            f"device(): argument 'index' (position 2) must be int, not {_type_name(index)}"
        )
    return _parse(kind, index)


#: Tells how many accelerators there are; the engine, which knows JAX, puts its own here.
_count_accelerators: list = [lambda: 0]


def _accelerators() -> int:
    return _count_accelerators[0]()


def set_accelerator_count(count: object) -> None:
    """Tell which function counts the accelerators."""
    _count_accelerators[0] = count


def _type_name(value: object) -> str:
    cls = type(value)
    return f"torch.{cls.__name__}" if cls.__module__ == "torch" else cls.__name__


def _parse(text: str, index: int | None) -> tuple[str, int | None]:
    if text == "":
        raise RuntimeError("Device string must not be empty")
    match = _SPELLING.match(text)
    if match is None:
        raise RuntimeError(f"Invalid device string: '{text}'")
    kind, ordinal = match.groups()
    if kind not in KINDS:
        raise RuntimeError(
            "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, "
            "maia, xla, lazy, vulkan, mps, meta, hpu, mtia, privateuseone device type at start "
            f"of device string: {kind}"
        )
    if ordinal is not None:
        if index is not None:
            raise RuntimeError(
                "type (string) must not include an index because index was passed explicitly: "
                f"{text}"
            )
        return kind, int(ordinal)
    if index is not None and index < 0:
        raise RuntimeError("Device index must not be negative")
    return kind, index


CPU = Device("cpu")
META = Device("meta")

_default_device: list[Device | None] = [None]
_tensor_type_device = [CPU]
_current_index = [0]


def current_index() -> int:
    """Return the index that ``cuda`` without one means."""
    return _current_index[0]


def set_current_index(index: int) -> None:
    """Set the index that ``cuda`` without one means."""
    _current_index[0] = index


def default_device() -> Device:
    """Return the device on which tensors are made when none is named."""
    return _default_device[0] or _tensor_type_device[0]


def named_default_device() -> Device | None:
    """Return the default device if a context or ``set_default_device`` names one."""
    return _default_device[0]


def tensor_type_device() -> Device:
    """Return the device of the default tensor type, which old constructors keep to."""
    return _tensor_type_device[0]


def set_tensor_type_device(device: Device) -> None:
    """Set the device of the default tensor type."""
    _tensor_type_device[0] = device


def push_default_device(device: Device | None) -> Device | None:
    """Set the default device and return the one before."""
    before = _default_device[0]
    _default_device[0] = device
    return before


#: What is said where a tensor should go to a device of a type of which there are none.
_NOT_COMPILED = {
    "mtia": "Torch not compiled with MTIA enabled. Ensure you have `import "
    "mtia.host_runtime.torch_mtia.dynamic_library` in your python src file and include "
    "`//mtia/host_runtime/torch_mtia:torch_mtia` as your target dependency!",
    "xpu": "Torch not compiled with XPU enabled",
}


def no_backend(kind: str) -> Exception:
    """Return the refusal of a type of devices of which there are none."""
    if kind in _NOT_COMPILED:
        return AssertionError(_NOT_COMPILED[kind])
    if kind in ("hpu", "privateuseone"):  # PyTorch looks for the module of the type first
        return ModuleNotFoundError(f"No module named 'torch.{kind}'")
    return RuntimeError(f"PyTorch is not linked with support for {kind} devices")
