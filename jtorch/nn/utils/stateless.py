"""Calling a module with other tensors than its own: ``torch.nn.utils.stateless``."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from ..._tensor.tensor import Tensor
from ..modules.module import Module
from ._named_member_accessor import NamedMemberAccessor

__all__ = ["functional_call"]


def _untie_named_tensors_map(module: Module, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that are given, also under the other names that theirs are tied to."""
    accessor = NamedMemberAccessor(module)
    names_of: dict[Any, set[str]] = {}
    for name, tensor in accessor.named_tensors(remove_duplicate=False):
        names_of.setdefault(tensor, set()).add(name)
    tied = {name: names for names in names_of.values() if len(names) > 1 for name in names}
    untied = dict(given)
    for name in given:
        names = tied.get(name)
        if names is None:
            continue
        several = {id(given[each]) for each in names if each in given}
        if len(several) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. "
                "Consider using tie_weights=False"
            )
        for other in names:
            untied[other] = given[name]
    return untied


@contextlib.contextmanager
def _reparametrize_module(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    tie_weights: bool = False,
    strict: bool = False,
    stack_weights: bool = False,
) -> Iterator[None]:
    """Let a module have other tensors while a context lasts.

    Args:
        module: the module.
        parameters_and_buffers: the tensors by full name; what writes in place leave there is found
            in this dict afterwards.
        tie_weights: whether tensors that are tied are replaced together.
        strict: whether all have to be given.
        stack_weights: whether to restore in the reverse order.
    """
    given = parameters_and_buffers
    if tie_weights:
        given = _untie_named_tensors_map(module, given)
    accessor = NamedMemberAccessor(module)
    if strict:
        missing, unexpected = accessor.check_keys(given)
        problems = [
            f"{kind} key(s): {', '.join(map(repr, keys))}."
            for kind, keys in (("Unexpected", unexpected), ("Missing", missing))
            if keys
        ]
        if problems:
            listed = "\n\t".join(problems)
            raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t{listed}")
    before: dict[str, Any] = {}
    try:
        before, _ = accessor.swap_tensors_dict(given, allow_missing=True)
        yield
    finally:
        if stack_weights:
            before = dict(reversed(before.items()))
        after, _ = accessor.swap_tensors_dict(before, allow_missing=True)
        parameters_and_buffers.update(
            {name: after[name] for name in parameters_and_buffers if name in after}
        )


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors (deprecated: ``torch.func.functional_call``)."""
    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be "
        "removed in a future version of PyTorch. Please use `torch.func.functional_call` instead "
        "which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )


def _functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other tensors.

    Args:
        module: the module.
        parameters_and_buffers: tensors by full name.
        args: what to call it with, a tuple or the only argument.
        kwargs: further arguments.
        tie_weights: whether tensors that are tied are replaced together.
        strict: whether all have to be given.
    """
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrize_module(
        module, parameters_and_buffers, tie_weights=tie_weights, strict=strict
    ):
        return module(*args, **(kwargs or {}))
