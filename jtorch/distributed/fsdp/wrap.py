"""Which modules are wrapped: policies, and the wrapping of a tree of modules."""

from __future__ import annotations

import contextlib
import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jtorch as torch

from ...nn.modules.module import Module

__all__ = [
    "CustomPolicy",
    "ModuleWrapPolicy",
    "always_wrap_policy",
    "enable_wrap",
    "lambda_auto_wrap_policy",
    "size_based_auto_wrap_policy",
    "transformer_auto_wrap_policy",
    "wrap",
]


def always_wrap_policy(*args: Any, **kwargs: Any) -> bool:
    """Return ``True``: every module is wrapped."""
    return True


class _Policy(ABC):
    """Says for a whole tree of modules which ones are wrapped, and with what arguments."""

    @abstractmethod
    def _run_policy(
        self, root_module: Module, ignored_modules: set[Module], root_kwargs: dict[str, Any]
    ) -> dict[Module, dict[str, Any]]:
        """Return the arguments for each module that is wrapped."""


class ModuleWrapPolicy(_Policy):
    """Wraps every module of certain classes, with the arguments of the root.

    Args:
        module_classes: the classes.
    """

    def __init__(self, module_classes: Iterable[type[Module]]):
        self._module_classes = set(module_classes)

    def _run_policy(
        self, root_module: Module, ignored_modules: set[Module], root_kwargs: dict[str, Any]
    ) -> dict[Module, dict[str, Any]]:
        return {
            module: copy.copy(root_kwargs)
            for module in root_module.modules()
            if module not in ignored_modules and isinstance(module, tuple(self._module_classes))
        }

    def __call__(self, module: Module, recurse: bool, *args: Any, **kwargs: Any) -> bool:
        return recurse or isinstance(module, tuple(self._module_classes))

    def __repr__(self) -> str:
        return f"{super().__repr__()}({set(self._module_classes)})"


class CustomPolicy(_Policy):
    """Wraps the modules for which a function returns ``True``, or a dict of arguments.

    Args:
        lambda_fn: takes a module.
    """

    def __init__(self, lambda_fn: Callable[[Module], bool | dict[str, Any]]):
        self._lambda_fn = lambda_fn

    def _run_policy(
        self, root_module: Module, ignored_modules: set[Module], root_kwargs: dict[str, Any]
    ) -> dict[Module, dict[str, Any]]:
        chosen: dict[Module, dict[str, Any]] = {}
        for module in root_module.modules():
            if module in ignored_modules:
                continue
            answer = self._lambda_fn(module)
            if not isinstance(answer, (dict, bool)):
                raise ValueError(
                    "The lambda_fn passed to CustomPolicy should return "
                    f"False/True or a kwarg dict, but it returned {answer}"
                )
            if answer:
                changes = answer if isinstance(answer, dict) else {}
                chosen[module] = {**root_kwargs, **changes}
        return chosen


def lambda_auto_wrap_policy(
    module: Module, recurse: bool, nonwrapped_numel: int, lambda_fn: Callable
) -> bool:
    """Wrap the modules for which a function returns ``True``.

    Args:
        module: asked about.
        recurse: whether the question is to look at the modules within; the answer is yes.
        nonwrapped_numel: has no effect.
        lambda_fn: takes a module.
    """
    return recurse or lambda_fn(module)


def transformer_auto_wrap_policy(
    module: Module,
    recurse: bool,
    nonwrapped_numel: int,
    transformer_layer_cls: set[type[Module]],
) -> bool:
    """Wrap the modules of certain classes; arguments as of ``lambda_auto_wrap_policy``."""
    return recurse or isinstance(module, tuple(transformer_layer_cls))


def _or_policy(
    module: Module, recurse: bool, nonwrapped_numel: int, policies: Iterable[Callable]
) -> bool:
    """Wrap what any of several policies wraps."""
    return any(
        policy(module=module, recurse=recurse, nonwrapped_numel=nonwrapped_numel)
        for policy in policies
    )


def size_based_auto_wrap_policy(
    module: Module,
    recurse: bool,
    nonwrapped_numel: int,
    min_num_params: int = 10**8,
    force_leaf_modules: set[type[Module]] | None = None,
    exclude_wrap_modules: set[type[Module]] | None = None,
) -> bool:
    """Wrap modules that have many parameters not wrapped within them.

    Args:
        module: asked about.
        recurse: whether the question is to look at the modules within.
        nonwrapped_numel: elements of parameters of it that are not wrapped.
        min_num_params: that are many.
        force_leaf_modules: classes within which is not looked.
        exclude_wrap_modules: classes that are not wrapped.
    """
    policy: Any = size_based_auto_wrap_policy
    leaves = policy.FORCE_LEAF_MODULES if force_leaf_modules is None else force_leaf_modules
    never = policy.EXCLUDE_WRAP_MODULES if exclude_wrap_modules is None else exclude_wrap_modules
    refused = tuple(leaves if recurse else never)
    return nonwrapped_numel >= min_num_params and not isinstance(module, refused)


size_based_auto_wrap_policy.EXCLUDE_WRAP_MODULES = {  # type: ignore[attr-defined]
    torch.nn.ModuleList,
    torch.nn.ModuleDict,
}
size_based_auto_wrap_policy.FORCE_LEAF_MODULES = {  # type: ignore[attr-defined]
    torch.nn.MultiheadAttention
}


class _ConfigAutoWrap:
    """What ``enable_wrap`` set, for ``wrap``."""

    in_autowrap_context = False
    wrapper_cls: Callable | None = None
    kwargs: dict[str, Any] = {}


@contextlib.contextmanager
def enable_wrap(*, wrapper_cls: Any, **wrapper_kwargs: Any) -> Iterator[None]:
    """A block in which ``wrap`` wraps.

    Args:
        wrapper_cls: the wrapper.
        wrapper_kwargs: its arguments.
    Raises:
        NotImplementedError: within another such block.
    """
    if _ConfigAutoWrap.in_autowrap_context:
        raise NotImplementedError(
            "You are already within an autowrap context and we currently do not supported nested "
            "autowrap."
        )
    _ConfigAutoWrap.in_autowrap_context = True
    _ConfigAutoWrap.wrapper_cls, _ConfigAutoWrap.kwargs = wrapper_cls, wrapper_kwargs
    try:
        yield
    finally:
        _ConfigAutoWrap.in_autowrap_context = False
        _ConfigAutoWrap.wrapper_cls, _ConfigAutoWrap.kwargs = None, {}


def wrap(module: Module, **wrap_overrides: Any) -> Module:
    """Return a module wrapped, within ``enable_wrap``; elsewhere as it is.

    Args:
        module: to wrap.
        wrap_overrides: arguments of the wrapper, before those of ``enable_wrap``.
    """
    if not _ConfigAutoWrap.in_autowrap_context or _ConfigAutoWrap.wrapper_cls is None:
        return module
    return _wrap(
        module, _ConfigAutoWrap.wrapper_cls, **{**_ConfigAutoWrap.kwargs, **wrap_overrides}
    )


def _wrap(module: Module, wrapper_cls: Callable, **kwargs: Any) -> Module:
    """Return a module wrapped, with arguments that it may have of its own."""
    return wrapper_cls(module, **{**kwargs, **getattr(module, "_wrap_overrides", {})})


def _recursive_wrap(
    module: Module,
    auto_wrap_policy: Callable,
    wrapper_cls: Callable,
    ignored_modules: set[Module],
    ignored_params: set[Any],
    only_wrap_children: bool = False,
    **kwargs: Any,
) -> tuple[Module, int]:
    """Wrap the modules within a module, from the innermost, then the module.

    Args:
        module: to wrap.
        auto_wrap_policy: asked whether to look within, and whether to wrap.
        wrapper_cls: the wrapper; ``kwargs`` are its arguments.
        ignored_modules, ignored_params: left alone.
        only_wrap_children: whether the module itself is not wrapped.
    Returns:
        The module or its wrapper, and how many elements of parameters are wrapped.
    """
    if isinstance(wrapper_cls, type):
        for child in module.modules():
            if child not in ignored_modules and isinstance(child, wrapper_cls):
                raise AssertionError(f"Child module {child} is already wrapped by {wrapper_cls}")
    total = sum(p.numel() for p in module.parameters() if p not in ignored_params)
    if not auto_wrap_policy(module=module, recurse=True, nonwrapped_numel=total):
        return module, 0
    within = 0
    for name, child in module.named_children():
        if child in ignored_modules:
            continue
        wrapped, count = _recursive_wrap(
            child, auto_wrap_policy, wrapper_cls, ignored_modules, ignored_params, **kwargs
        )
        setattr(module, name, wrapped)
        within += count
    if not only_wrap_children and auto_wrap_policy(
        module=module, recurse=False, nonwrapped_numel=total - within
    ):
        return _wrap(module, wrapper_cls, **kwargs), total
    return module, within


def wrap_chosen(
    root: Module, chosen: dict[Module, dict[str, Any]], wrapper: Callable[..., Module]
) -> None:
    """Wrap chosen modules within a module, from the innermost.

    Args:
        root: not wrapped itself.
        chosen: modules, with arguments of the wrapper.
        wrapper: takes a module.
    """
    seen = {root}

    def visit(module: Module) -> None:
        for name, child in module.named_children():
            if child in seen:
                continue
            seen.add(child)
            visit(child)
            if child in chosen:
                setattr(module, name, wrapper(child, **chosen[child]))

    visit(root)
