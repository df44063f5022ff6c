"""The few names of PyTorch's extension module that libraries reach for: ``torch._C``."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import jtorch as torch

from ._core.device import Device as device
from ._core.dtypes import dtype
from ._engine import declare
from ._engine.backward import nodes as _nodes
from ._engine.graph.values import TensorBase
from ._engine.recording import dispatch_modes as _modes
from ._engine.recording import overrides as _dispatch
from ._engine.recording.trace import local
from ._runtime import absent as _absent
from ._runtime.dispatch_keys import DispatchKey, DispatchKeySet
from ._runtime.function_overrides import DisableTorchFunction, DisableTorchFunctionSubclass
from .nn.modules.module import parse_to as _parse_to

__all__ = [
    "DisableTorchFunction",
    "DisableTorchFunctionSubclass",
    "DispatchKey",
    "DispatchKeySet",
    "Generator",
    "Size",
    "TensorBase",
    "device",
    "dtype",
]

#: Modules below it stand in the table of absent names; there are no files of them.
__path__: list[str] = []
_absent_names = _absent.attributes(__name__)

Generator, Size = torch.Generator, torch.Size
_TensorBase = TensorBase
_TensorMeta = type(torch.Tensor)

_disabled_torch_function_impl = _dispatch.disabled_implementation
_has_torch_function = torch.overrides.has_torch_function
_has_torch_function_unary = torch.overrides.has_torch_function_unary
_has_torch_function_variadic = torch.overrides.has_torch_function_variadic
#: Where code that ``torch.fx`` wrote finds functions that PyTorch has written in C.
_FUNCTIONS = {
    "_VariableFunctions": declare.FUNCTIONS,
    "_nn": {
        **declare.FUNCTIONS,
        **declare.NN_FUNCTIONS,
        "log_sigmoid": torch.nn.functional.logsigmoid,
        "_parse_to": lambda *args, **kwargs: _parse_to(args, kwargs),
    },
    "_linalg": declare.LINALG_FUNCTIONS,
    "_fft": declare.FFT_FUNCTIONS,
    "_special": declare.SPECIAL_FUNCTIONS,
}


class _NodeClasses:
    """The classes of ``grad_fn``, by name: ``torch._C._functions``."""

    def __getattr__(self, name: str) -> type:
        if name == "AccumulateGrad":
            return _nodes.AccumulateGrad
        if not re.search(r"Backward\d*$", name):
            raise AttributeError(f"module 'torch._C._functions' has no attribute '{name}'")
        return _nodes.node_class(name)


_functions = _NodeClasses()
_FunctionBase = torch.autograd.Function
_GLIBCXX_USE_CXX11_ABI = True
_has_mkldnn = True


def _set_grad_enabled(mode: bool) -> None:
    """Turn the recording of gradients on or off."""
    torch.set_grad_enabled(mode)


def _get_privateuse1_backend_name() -> str:
    """Return the name of devices of one's own: they were never renamed."""
    return "privateuseone"


def _get_cublas_allow_tf32() -> bool:
    """Tell whether products of float32 may be less exact."""
    return torch.backends.cuda.matmul.allow_tf32


def _get_graph_executor_optimize(*optimize: bool) -> bool:
    """Return true: there are no graphs of TorchScript to optimise."""
    return True


def _jit_set_profiling_executor(mode: bool) -> bool:
    """Change nothing, and return true: there are no graphs of TorchScript."""
    return True


_jit_set_profiling_mode = _jit_set_profiling_executor


def _log_api_usage_once(*names: str) -> None:
    """Accept which part of a library is used; nothing is kept of it."""


def _are_functorch_transforms_active() -> bool:
    """Tell whether a transform of ``torch.func`` is running."""
    from .func import _derivatives

    return _derivatives._depth > 0 or bool(local.trace.captures)


def _get_default_device() -> str:
    """Return the type of the device that tensors without one are made on."""
    return "cpu"


def _get_tracing_state() -> None:
    """Return ``None``: nothing is being traced for TorchScript."""


_disabled_torch_dispatch_impl = _modes.disabled_operators
_DisableTorchDispatch = _modes.without_operators


def _len_torch_dispatch_stack() -> int:
    """Return how many modes see operators."""
    return len(_dispatch.state.dispatch_modes)


def _get_dispatch_mode(key: Any = None) -> Any:
    """Return the innermost mode that sees operators, or ``None``."""
    return _dispatch.state.dispatch_modes[-1] if _dispatch.state.dispatch_modes else None


def _is_torch_function_enabled() -> bool:
    """Tell whether ``__torch_function__`` of the arguments' classes is called."""
    return _dispatch.state.subclasses


def _is_torch_function_all_disabled() -> bool:
    """Tell whether ``__torch_function__`` is called neither of classes nor of modes."""
    return not (_dispatch.state.subclasses or _dispatch.state.functions)


def _len_torch_function_stack() -> int:
    """Return how many modes are active."""
    return sum(mode is not _modes.BOTTOM for mode in _dispatch.state.modes)


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return SimpleNamespace(**_FUNCTIONS[name])
    if name == "_sparse":
        return torch.sparse
    if not name.startswith("_") and hasattr(torch, name):  # TorchScript's classes, refused
        return getattr(torch, name)
    return _absent_names(name)
