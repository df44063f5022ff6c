"""Transforms of functions: ``torch.func``.

``vmap``, ``jvp``, ``jacrev``, ``jacfwd`` and ``hessian`` are JAX's, applied to what the function
records (``_engine/capture.py``); ``grad`` and ``vjp`` differentiate as ``backward()`` does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .._engine.recording.overrides import state as _state
from .._runtime import absent as _absent
from ..nn.modules.batchnorm import _BatchNorm
from ..nn.modules.module import Module
from ..nn.utils.stateless import _functional_call
from ..ops.shape.joining import stack
from ._derivatives import (
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    vjp,
)
from ._rearrange import rearrange
from ._vmap import vmap

__all__ = [
    "grad",
    "grad_and_value",
    "vmap",
    "replace_all_batch_norm_modules_",
    "functionalize",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "vjp",
    "functional_call",
    "rearrange",
    "stack_module_state",
    "debug_unwrap",
]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other parameters and buffers.

    Args:
        module: what to call.
        parameter_and_buffer_dicts: tensors by name, in one dict or several.
        args, kwargs: what it is called with; one argument need not be a tuple.
        tie_weights: whether tensors that are tied in the module are so in the call.
        strict: whether every parameter and buffer has to be given.
    """
    given = parameter_and_buffer_dicts
    if not isinstance(given, dict):
        if not isinstance(given, Sequence):
            raise ValueError(
                "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, "
                f"but got {type(given)}"
            )
        if not all(isinstance(mapping, dict) for mapping in given):
            raise ValueError(
                "Expected all elements of parameter_and_buffer_dicts to be dictionaries"
            )
        names = [name for mapping in given for name in mapping]
        repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if repeated:
            raise ValueError(
                f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
                "ambiguous"
            )
        given = {name: mapping[name] for mapping in given for name in mapping}
    return _functional_call(module, given, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters and buffers of several models, stacked along a new first dimension.

    Args:
        models: of one class and one mode.
    Returns:
        Parameters by name, new leaves, and buffers by name.
    """
    models = list(models)
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(members: list[dict[str, Any]]) -> dict[str, Any]:
        return {name: _stacked([each[name] for each in members], name) for name in members[0]}

    return (
        stacked([dict(model.named_parameters()) for model in models]),
        stacked([dict(model.named_buffers()) for model in models]),
    )


def _stacked(tensors: list[Any], name: str) -> Any:
    wanted = {tensor.requires_grad for tensor in tensors}
    if len(wanted) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    result = stack.call(tensors)
    return result.detach().requires_grad_() if wanted == {True} else result


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let the batch normalisation in a module use the batch alone, and forget its statistics."""
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def functionalize(func: Callable, *, remove: str = "mutations") -> Callable:
    """Return a function whose part of a graph that ``make_fx`` traces writes to no tensor.

    What is recorded otherwise never does; elsewhere the function itself is called.

    Args:
        func: the function.
        remove: ``"mutations"``, or ``"mutations_and_views"`` for a graph whose views are copies.
    Raises:
        RuntimeError: when it is called: ``remove`` is something else.
    """

    @functools.wraps(func)
    def functional(*args: Any, **kwargs: Any) -> Any:
        if remove not in ("mutations", "mutations_and_views"):
            raise RuntimeError(
                f"functionalize(f, remove='mutations'): received invalid argument for "
                f"remove={remove}. Valid options are:\n     remove='mutations': all inplace and "
                "out= operators will be removed from the program, and replaced with their "
                "out-of-place equivalents.\n     remove='mutations_and_views': In addition to the "
                "above, all aliasing operators {view} will be replaced with their non-aliasing "
                "counterparts, {view}_copy.\n"
            )
        for mode in reversed(_state.dispatch_modes):
            trace = getattr(mode, "functional_call", None)
            if trace is not None:
                return trace(func, remove == "mutations_and_views", args, kwargs)
        return func(*args, **kwargs)

    return functional


def debug_unwrap(tensor: Any, *, recurse: bool = True) -> Any:
    """Return the tensor: transforms do not wrap any."""
    return tensor


__getattr__ = _absent.attributes(__name__)
