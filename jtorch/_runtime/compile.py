"""``torch.compile``: accepted, and nothing is left to do.

Every operator is recorded and each step already runs as one compiled program, so what comes back
computes what the model or function computes. A module comes back wrapped as PyTorch wraps it, with
``_orig_mod`` in the keys of its ``state_dict``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..nn.modules.module import Module

_BACKENDS = ("inductor", "eager", "aot_eager", "cudagraphs", "openxla", "onnxrt", "tvm")
_MODES = (
    "default",
    "lite",
    "reduce-overhead",
    "max-autotune-no-cudagraphs",
    "max-autotune",
)


class InvalidBackend(RuntimeError):
    """The name of a backend that there is not."""


class OptimizedModule(Module):
    """A module behind ``torch.compile``: attributes are those of the module itself.

    Args:
        mod: the module.
    """

    _own = frozenset(("_orig_mod", "forward", "_modules", "__dict__"))

    def __init__(self, mod: Module):
        object.__setattr__(self, "_ready", False)
        super().__init__()
        self._orig_mod = mod
        object.__setattr__(self, "_ready", True)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module."""
        return self._orig_mod(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._orig_mod(*args, **kwargs)

    def __len__(self) -> int:
        if hasattr(type(self._orig_mod), "__len__"):
            return len(self._orig_mod)  # type: ignore[arg-type]
        raise TypeError(f"{type(self._orig_mod).__name__} does not support len()")

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return self._modules["_orig_mod"]
        return getattr(self._orig_mod, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._own or not self.__dict__.get("_ready"):
            super().__setattr__(name, value)
        else:
            setattr(self._orig_mod, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._own:
            super().__delattr__(name)
        else:
            delattr(self._orig_mod, name)

    @property
    def training(self) -> bool:  # type: ignore[override]
        """Whether the module is in training mode."""
        return self._orig_mod.training

    @training.setter
    def training(self, value: bool) -> None:
        if self.__dict__.get("_ready"):
            self._orig_mod.training = value

    def __reduce__(self) -> tuple:
        return type(self), (self._orig_mod,)


def compile(
    model: Callable | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable | None = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
    isolate_recompiles: bool = False,
    shapes_spec: Any = None,
) -> Any:
    """Return a model or function that computes the same; used without one, a decorator.

    Args:
        model: a module or a function.
        backend: one of PyTorch's names, or a function. None is asked to compile anything.
        mode: one of PyTorch's names; not together with ``options``.
        fullgraph, dynamic, options, name, disable, recompile_limit, isolate_recompiles,
            shapes_spec: accepted.
    Raises:
        RuntimeError: there is no such backend or mode, or both mode and options were given.
        AssertionError: ``model`` cannot be called.
    """
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    if backend is not None and isinstance(backend, str) and backend not in _BACKENDS:
        raise InvalidBackend(
            f"Invalid backend: {backend!r}, "
            "see `torch._dynamo.list_backends()` for available backends."
        )
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    if model is None:
        return lambda function: compile(function)
    if isinstance(model, Module):
        return OptimizedModule(model)
    if not callable(model):
        raise AssertionError(f"A callable function is expected, but {type(model)} is provided.")

    @functools.wraps(model)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        return model(*args, **kwargs)

    compiled._torchdynamo_orig_callable = model  # type: ignore[attr-defined]
    return compiled
