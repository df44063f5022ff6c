"""Less memory for more arithmetic: ``torch.utils.checkpoint``.

What a checkpointed function computes is not kept for its gradient, but computed once more when
the gradient is. jtorch records the function as one stretch of the program and lets the gradient run
that stretch again; the Python function itself is called only once. Where it looks at a value on the
way, or has hooks to be called, it is differentiated as if it were not checkpointed.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .._engine.backward import rematerialise
from .._runtime import absent as _absent
from .._tensor.tensor import Tensor

__all__ = [
    "checkpoint",
    "checkpoint_sequential",
    "set_checkpoint_early_stop",
    "set_checkpoint_debug_enabled",
    "noop_context_fn",
]


def noop_context_fn() -> tuple[Any, Any]:
    """Return two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Accept whether recomputing may stop early; what is not needed is never computed."""
    yield


@contextlib.contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Iterator[None]:
    """Accept whether to trace operators: the function is not called a second time."""
    yield


def checkpoint(
    function: Callable,
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Call a function whose intermediate results are computed again for its gradient.

    Args:
        function: what to call.
        *args, **kwargs: its arguments; by name only with ``use_reentrant=False``.
        preserve_rng_state: accepted by name: random numbers are the same the second time, always.
        use_reentrant: which of PyTorch's two ways; here they differ in what they refuse.
        context_fn: returns two contexts; the first one surrounds the call. The second one would
            surround a second call, which there is not.
        determinism_check, debug, early_stop: accepted.
    Returns:
        What the function returns.
    Raises:
        ValueError: options that the reentrant way does not have.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be "
            "passed explicitly. Starting in PyTorch 2.9, calling checkpoint "
            "without use_reentrant will raise an exception. use_reentrant=False is "
            "recommended, but if you need to preserve the current default "
            "behavior, you can pass use_reentrant=True. Refer to docs for more "
            "details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    kwargs.pop("preserve_rng_state", None)
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        if not any(isinstance(arg, Tensor) and arg.requires_grad for arg in args):
            warnings.warn(
                "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
            )
    start = rematerialise.begin()
    with context_fn()[0]:
        result = function(*args, **kwargs)
    tensors: list[Tensor] = []
    _collect(result, tensors)
    replaced = rematerialise.collapse(start, tensors)
    return result if replaced is None else _rebuilt(result, iter(replaced))


def _collect(result: Any, tensors: list[Tensor]) -> None:
    """Put the tensors of a nested result into a list."""
    if isinstance(result, Tensor):
        tensors.append(result)
    elif isinstance(result, (tuple, list)):
        for part in result:
            _collect(part, tensors)
    elif isinstance(result, Mapping):
        _collect(list(result.values()), tensors)


def _rebuilt(result: Any, tensors: Iterator[Any]) -> Any:
    """Return a nested result with other tensors in it."""
    kind: Any = type(result)
    if isinstance(result, Tensor):
        return next(tensors)
    if isinstance(result, (tuple, list)):
        parts = [_rebuilt(each, tensors) for each in result]
        return kind(*parts) if hasattr(result, "_fields") else kind(parts)
    if kind is dict:
        return {name: _rebuilt(each, tensors) for name, each in result.items()}
    if isinstance(result, Mapping):
        for each in result.values():
            _rebuilt(each, tensors)
    return result


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Call functions one after the other, all but the last part of them checkpointed.

    Args:
        functions: a ``Sequential`` or a list of functions.
        segments: into how many parts to divide them.
        input: what the first one gets.
        use_reentrant, preserve_rng_state: as for ``checkpoint``.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant "
            "parameter should be passed explicitly. "
            "In version 2.9 we will raise an exception if use_reentrant "
            "is not passed. use_reentrant=False is "
            "recommended, but if you need to preserve the current default "
            "behavior, you can pass use_reentrant=True. Refer to docs for more "
            "details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    kwargs.pop("preserve_rng_state", None)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    parts = list(functions.children() if hasattr(functions, "children") else functions)

    def run(some: list) -> Callable:
        def forward(value: Any) -> Any:
            for function in some:
                value = function(value)
            return value

        return forward

    size = len(parts) // segments
    whole = size * (segments - 1)
    for begin in range(0, whole, size) if size else ():
        part = run(parts[begin : begin + size])
        input = checkpoint(part, input, use_reentrant=use_reentrant)
    return run(parts[whole:])(input)


__getattr__ = _absent.attributes(__name__)
