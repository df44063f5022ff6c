"""``MaskedTensor``, PyTorch's prototype of a tensor with a mask of its own: refused here."""

from __future__ import annotations

from typing import Any, NoReturn

from .._runtime import absent as _absent

__path__: list = []  # PyTorch's is a package

_REFUSAL = (
    "jtorch has no masked tensors; give the functions of torch.masked a tensor and mask= instead"
)


class MaskedTensor:
    """The class of masked tensors; making one is refused.

    Raises:
        NotImplementedError: always.
    """

    def __new__(cls, data: Any, mask: Any, requires_grad: bool = False) -> NoReturn:
        raise NotImplementedError(_REFUSAL)


def is_masked_tensor(obj: Any, /) -> bool:
    """Return whether an object is a masked tensor: none is."""
    return isinstance(obj, MaskedTensor)


def masked_tensor(data: Any, mask: Any, requires_grad: bool = False) -> NoReturn:
    """Refuse to make a masked tensor.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(_REFUSAL)


def as_masked_tensor(data: Any, mask: Any) -> NoReturn:
    """Refuse to make a masked tensor.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(_REFUSAL)


__getattr__ = _absent.attributes(__name__)
