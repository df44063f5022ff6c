"""Exceptions that cross from a worker to the process that waits for it: ``torch._utils``."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

from ._runtime import absent as _absent


class KeyErrorMessage(str):
    """A text that a ``KeyError`` shows as it is, not as a quoted key."""

    __slots__ = ()

    def __repr__(self) -> str:
        return self


class ExceptionWrapper:
    """An exception with its traceback as text, so that it can be pickled and raised elsewhere.

    Args:
        exc_info: what ``sys.exc_info`` returned; that of the exception being handled by default.
        where: what the message says of the place.
    """

    def __init__(self, exc_info: Any = None, where: str = "in background"):
        kind, error, trace = sys.exc_info() if exc_info is None else exc_info
        self.exc_type = kind
        self.exc_msg = "".join(traceback.format_exception(kind, error, trace))
        self.where = where

    def reraise(self) -> NoReturn:
        """Raise an exception of the same type here; where that cannot be made, a RuntimeError."""
        kind: Any = self.exc_type
        message = f"Caught {kind.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if kind is KeyError:
            message = KeyErrorMessage(message)
        elif getattr(kind, "message", None):
            raise kind(message=message)
        try:
            error = kind(message)
        except Exception:
            raise RuntimeError(message) from None
        raise error


def _flatten_dense_tensors(tensors: Sequence[Any]) -> Any:
    """Return the elements of tensors one after another, as one vector.

    Args:
        tensors: of one dtype.
    """
    import jtorch as torch

    return torch.cat([tensor.contiguous().view(-1) for tensor in tensors])


def _unflatten_dense_tensors(flat: Any, tensors: Sequence[Any]) -> tuple[Any, ...]:
    """Return what ``_flatten_dense_tensors`` joined: views of a vector.

    Args:
        flat: the vector.
        tensors: give the shapes.
    """
    parts = flat.split([tensor.numel() for tensor in tensors])
    return tuple([part.view_as(tensor) for part, tensor in zip(parts, tensors)])


def _take_tensors(tensors: Iterable[Any], size_limit: int) -> Iterator[list[Any]]:
    """Yield lists of tensors of one type, each of at most that many bytes or of one tensor."""
    groups: dict[str, tuple[list[Any], int]] = {}
    for tensor in tensors:
        held, bytes_held = groups.get(tensor.type(), ([], 0))
        size = tensor.numel() * tensor.element_size()
        if held and bytes_held + size > size_limit:
            yield held
            held, bytes_held = [], 0
        groups[tensor.type()] = ([*held, tensor], bytes_held + size)
    for held, _ in groups.values():
        if held:
            yield held


def _reorder_tensors_as(tensors: Iterable[Any], ordered: Sequence[Any]) -> tuple[Any, ...]:
    """Return tensors in the order of others, whose types they have."""
    by_type: dict[str, list[Any]] = {}
    for tensor in tensors:
        by_type.setdefault(tensor.type(), []).append(tensor)
    queues = {kind: iter(held) for kind, held in by_type.items()}
    return tuple([next(queues[tensor.type()]) for tensor in ordered])


def _get_available_device_type() -> str | None:
    """Return the sort of accelerator that there is, ``None`` without one."""
    import jtorch as torch

    return "cuda" if torch.cuda.is_available() else None


def _get_all_device_indices() -> list[int]:
    """Return the indices of all accelerators."""
    import jtorch as torch

    return list(range(torch.cuda.device_count()))


def _get_device_index(device: Any, optional: bool = False, allow_cpu: bool = False) -> int:
    """Return the index of a device, -1 for the CPU where that is allowed.

    Args:
        device: an index, a device, its name, or ``None`` for the current one.
        optional: whether ``None`` and devices without an index are allowed.
        allow_cpu: whether the CPU is.
    """
    import jtorch as torch

    if isinstance(device, str):
        device = torch.device(device)
    if isinstance(device, torch.device):
        if not allow_cpu and device.type == "cpu":
            raise ValueError(f"Expected a non cpu device, but got: {device}")
        device = -1 if device.type == "cpu" else device.index
    if isinstance(device, int):
        return device
    if optional:
        return torch.cuda.current_device()
    raise ValueError(
        f"Expected a torch.device with a specified index or an integer, but got:{device}"
    )


def _import_dotted_name(name: str) -> Any:
    """Return what a name with dots means, its first part being a module that is loaded."""
    first, *rest = name.split(".")
    found: Any = __import__(first)
    for step in rest:
        found = getattr(found, step)
    return found


def __getattr__(name: str) -> Any:
    if name.startswith("_rebuild"):
        from .serialization import _rebuild

        if name in _rebuild.FUNCTIONS:
            return _rebuild.FUNCTIONS[name]
    return _name_without_meaning(name)


_name_without_meaning = _absent.attributes(__name__)


def _get_device_module(device_type: str) -> Any:
    """Return the module of a type of device, such as ``torch.cuda``.

    Raises:
        RuntimeError: there is none.
    """
    import jtorch as torch

    module = getattr(torch, device_type, None)
    if module is None:
        raise RuntimeError(
            f"Device '{device_type}' does not have a corresponding module registered as "
            f"'torch.{device_type}'."
        )
    return module
