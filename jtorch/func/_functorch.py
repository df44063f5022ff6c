"""``functorch``, the package that PyTorch brings beside ``torch``: older names of ``torch.func``.

``import functorch`` gives this module while the hook is installed. Each function warns, as
PyTorch's does, and calls the one of ``torch.func``.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from .. import _version
from .._runtime.absent import attributes
from .._runtime.unsupported import refusals
from . import (
    functionalize,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    vjp,
    vmap,
)

__version__ = _version.TORCH_VERSION
_REFUSED = ("combine_state_for_ensemble", "make_functional", "make_functional_with_buffers")
_REASON = "use torch.func.functional_call and torch.func.stack_module_state"


def _older(function: Callable, now: str) -> Callable:
    name = function.__name__

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(
            "We've integrated functorch into PyTorch. As the final step of the integration, "
            f"`functorch.{name}` is deprecated as of PyTorch 2.0 and will be deleted in a future "
            f"version of PyTorch >= 2.3. Please use `{now}` instead; see the PyTorch 2.0 release "
            "notes and/or the `torch.func` migration guide for more details "
            "https://pytorch.org/docs/main/func.migrating.html",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    return call


for _function in (functionalize, grad, grad_and_value, hessian, jacfwd, jacrev, jvp, vjp):
    globals()[_function.__name__] = _older(_function, f"torch.func.{_function.__name__}")
vmap = _older(vmap, "torch.vmap")
globals().update(refusals("functorch", _REFUSED, _REASON))

#: ``FunctionalModule`` and the like, which are refused when they are made.
_made_functional = attributes(f"{_version.__name__.partition('.')[0]}._functorch.make_functional")


def __getattr__(name: str) -> Any:
    if name.startswith("FunctionalModule"):
        return _made_functional(name)
    raise AttributeError(f"module 'functorch' has no attribute '{name}'")
