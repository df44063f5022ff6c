"""The blocks inside which PyTorch does not call ``__torch_function__``; nothing here calls it."""

from __future__ import annotations


class _Disabled:
    """A block that changes nothing: jtorch's functions never call ``__torch_function__``."""

    __module__ = "torch._C"

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass


class DisableTorchFunction(_Disabled):
    """A block without ``__torch_function__``, of modes or of subclasses."""

    __module__ = "torch._C"


class DisableTorchFunctionSubclass(_Disabled):
    """A block without ``__torch_function__`` of subclasses."""

    __module__ = "torch._C"
