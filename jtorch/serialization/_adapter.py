"""All that saving and loading ask of tensors; nothing else in this package knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.device import Device
from .._core.dtypes import dtype as DType

if TYPE_CHECKING:
    from ._storage import LoadedStorage, StorageDescription, TensorDescription


def device(name: str) -> Device:
    """Return the device of this name."""
    return Device(name)


def is_device(value: Any) -> bool:
    """Tell whether a value is a device."""
    return isinstance(value, Device)


def device_count(kind: str) -> int:
    """Return how many devices of a kind such as ``"cuda"`` there are."""
    raise NotImplementedError


def tensor_type() -> type:
    """Return the class of tensors."""
    raise NotImplementedError


def parameter_type() -> type:
    """Return the class of parameters."""
    raise NotImplementedError


def module_type() -> type | None:
    """Return the class of neural network modules."""
    raise NotImplementedError


def tensor_from_storage(
    storage: LoadedStorage,
    dtype: DType,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool,
) -> Any:
    """Return a tensor that lies in a storage; its bounds have been checked."""
    raise NotImplementedError


def refill(storage: LoadedStorage) -> None:
    """Bring the contents of a storage, which changed after tensors were made, into them."""
    raise NotImplementedError


def storage_object(storage: LoadedStorage) -> Any:
    """Return what a user knows as a storage."""
    raise NotImplementedError


def apply_metadata(tensor: Any, metadata: dict) -> Any:
    """Return a tensor with the lazy conjugation or negation that a file tells of."""
    raise NotImplementedError


def make_parameter(data: Any, requires_grad: bool) -> Any:
    """Return a parameter of a tensor."""
    raise NotImplementedError


def parameter_data(parameter: Any) -> Any:
    """Return the tensor inside a parameter."""
    raise NotImplementedError


def make_meta_tensor(
    dtype: DType, size: tuple[int, ...], stride: tuple[int, ...], requires_grad: bool
) -> Any:
    """Return a tensor without contents."""
    raise NotImplementedError


def make_sparse_tensor(layout: Any, data: tuple) -> Any:
    """Return a sparse tensor."""
    raise NotImplementedError


def layout(name: str) -> Any:
    """Return the layout of this name."""
    raise NotImplementedError


def describe(tensor: Any) -> TensorDescription:
    """Return what saving needs to know of a tensor."""
    raise NotImplementedError


def describe_storage(obj: Any) -> tuple[StorageDescription, DType | None] | None:
    """Return what saving needs to know of a storage, ``None`` for anything else."""
    raise NotImplementedError


def python_state(tensor: Any) -> dict[str, Any]:
    """Return the attributes that a user gave a tensor."""
    raise NotImplementedError
