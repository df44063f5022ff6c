"""Neural networks: ``torch.nn``."""

from __future__ import annotations

import sys
from typing import Any

from .._runtime import absent as _absent
from . import attention as attention
from . import common_types as common_types
from . import functional as functional
from . import grad as grad
from . import init as init
from . import modules as modules
from . import parallel as parallel
from . import parameter as parameter
from . import utils as utils
from .modules import *  # noqa: F403
from .parallel import DataParallel as DataParallel
from .parameter import Buffer as Buffer
from .parameter import Parameter as Parameter
from .parameter import UninitializedBuffer as UninitializedBuffer
from .parameter import UninitializedParameter as UninitializedParameter

_FACTORY_KEYS = ("device", "dtype", "memory_format")


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """Return what of a module's keyword arguments functions such as ``torch.empty`` take.

    Args:
        kwargs: ``device``, ``dtype`` and ``memory_format``, each by itself or in a dict named
            ``factory_kwargs``.
    Raises:
        TypeError: there are others, or one is there twice.
    """
    if kwargs is None:
        return {}
    expected = {*_FACTORY_KEYS, "factory_kwargs"}
    if not kwargs.keys() <= expected:
        raise TypeError(f"unexpected kwargs {kwargs.keys() - expected}")
    result = dict(kwargs.get("factory_kwargs", {}))
    for key in _FACTORY_KEYS:
        if key in kwargs:
            if key in result:
                raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
            result[key] = kwargs[key]
    return result


def _name_as_pytorch() -> None:
    """Give the classes the modules that PyTorch has them in: messages and files name those."""
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith(f"{__name__}.") or module is None:
            continue
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module_name:
                value.__module__ = "torch" + module_name.removeprefix(__name__.partition(".")[0])


_name_as_pytorch()


_name_without_meaning = _absent.attributes(__name__)


def __getattr__(name: str) -> Any:
    return _name_without_meaning(name)
