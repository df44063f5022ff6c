"""Functions whose names PyTorch gives up."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any


def deprecated(message: str) -> Callable[[Callable], Callable]:
    """Return a decorator: each call of the function warns of its end first."""

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            warnings.warn(message, FutureWarning, stacklevel=2)
            return function(*args, **kwargs)

        warning.__deprecated__ = message  # type: ignore[attr-defined]
        return warning

    return decorate


#: What PyTorch says of functions that it means to give up one day.
LATER = (
    "`torch.distributed.{}` will be deprecated. If you must use it, please revisit our "
    "documentation later at "
    "https://pytorch.org/docs/main/distributed.html#collective-functions"
)
