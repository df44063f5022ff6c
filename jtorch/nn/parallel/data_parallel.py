"""``DataParallel``: parts of a batch on several GPUs of a machine.

PyTorch copies the module to every device in every call. Here the whole batch runs on the first
device, which gives the same results but for modules that look at their batch (``BatchNorm``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import jtorch as torch

from ..._tensor.tensor import Tensor
from ..modules.module import Module

__all__ = ["DataParallel", "data_parallel"]


def _moved(value: Any, device: Any) -> Any:
    """Return arguments whose tensors are on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple):
        items = [_moved(item, device) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, list):
        return [_moved(item, device) for item in value]
    if isinstance(value, dict):
        return {key: _moved(item, device) for key, item in value.items()}
    return value


def _index(device: Any) -> int:
    if isinstance(device, int):
        return device
    index = torch.device(device).index
    return torch.cuda.current_device() if index is None else index


def _check_place(module: Module, device: Any) -> None:
    for tensor in chain(module.parameters(), module.buffers()):
        if tensor.device != device:
            raise RuntimeError(
                f"module must have its parameters and buffers on device {device} (device_ids[0]) "
                f"but found one of them on device: {tensor.device}"
            )


class DataParallel(Module):
    """Run a module on the GPUs of a machine; on the CPU where there are none.

    Args:
        module: the module.
        device_ids: the GPUs; all by default.
        output_device: where the results are; on the first GPU by default.
        dim: the dimension of the batch.
    Attributes:
        module: the module.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Sequence[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []
        if not torch.cuda.is_available():
            return
        given = range(torch.cuda.device_count()) if device_ids is None else device_ids
        self.dim = dim
        self.device_ids = [_index(device) for device in given]
        first = self.device_ids[0]
        self.output_device = first if output_device is None else _index(output_device)
        self.src_device_obj = torch.device("cuda", first)
        if len(self.device_ids) == 1:
            self.module.to(self.src_device_obj)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Return what the module returns.

        Raises:
            RuntimeError: it is not on the first GPU.
        """
        if not self.device_ids:
            return self.module(*inputs, **kwargs)
        _check_place(self.module, self.src_device_obj)
        args, named = _moved((inputs, kwargs), self.src_device_obj)
        result = self.module(*args, **named)
        if self.output_device == self.device_ids[0]:
            return result
        return _moved(result, torch.device("cuda", self.output_device))


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[Any] | None = None,
    output_device: Any = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Call a module on the GPUs of a machine.

    Args:
        module: the module, on the first GPU.
        inputs: its arguments, a tuple or the only one.
        device_ids: the GPUs; all by default.
        output_device: where the results are; on the first GPU by default.
        dim: the dimension of the batch.
        module_kwargs: further arguments.
    Raises:
        RuntimeError: there is no GPU, or the module is not there.
    """
    if not isinstance(inputs, tuple):
        inputs = () if inputs is None else (inputs,)
    if not torch.cuda.is_available():
        raise RuntimeError("device type could not be determined")
    given = range(torch.cuda.device_count()) if device_ids is None else device_ids
    devices = [_index(device) for device in given]
    source = torch.device("cuda", devices[0])
    _check_place(module, source)
    args, named = _moved((inputs, module_kwargs or {}), source)
    target = devices[0] if output_device is None else _index(output_device)
    return _moved(module(*args, **named), torch.device("cuda", target))
