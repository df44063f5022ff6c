"""Calling a module that has hooks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..._tensor.tensor import Tensor
from ...utils.hooks import BackwardHook
from . import _hooks


def call_with_hooks(module: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Call ``module.forward`` and every hook around it, in PyTorch's order."""
    call = _Call(module, args, kwargs)
    try:
        return call.run()
    except Exception:
        call.run_always_called()
        raise


class _Call:
    """One call: what its hooks made of arguments and result so far."""

    def __init__(self, module: Any, args: tuple, kwargs: dict[str, Any]):
        self.module = module
        self.args = args
        self.kwargs = kwargs
        self.result: Any = None
        self.called: set[int] = set()

    def run(self) -> Any:
        module = self.module
        full, old = _backward_hooks(module)
        before = [*_hooks.backward_pre.values(), *module._backward_pre_hooks.values()]
        self._call_before()
        watcher = None
        if full or before:
            watcher = BackwardHook(module, full, before)
            self.args = watcher.setup_input_hook(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        for number, hook in (*_hooks.forward.items(), *module._forward_hooks.items()):
            if (
                number in module._forward_hooks_always_called
                or number in _hooks.forward_always_called
            ):
                self.called.add(number)
            self._call_after(number, hook)
        if watcher is not None:
            if not isinstance(self.result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple "
                    f"of Tensors but received {type(self.result)}",
                    stacklevel=4,
                )
            self.result = watcher.setup_output_hook(self.result)
        if old:
            _register_old_hooks(module, old, self.args, self.result)
        return self.result

    def _call_before(self) -> None:
        module = self.module
        for number, hook in (*_hooks.forward_pre.items(), *module._forward_pre_hooks.items()):
            if number in module._forward_pre_hooks_with_kwargs:
                answer = hook(module, self.args, self.kwargs)
                if answer is None:
                    continue
                if not (isinstance(answer, tuple) and len(answer) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {answer}."
                    )
                self.args, self.kwargs = answer
            else:
                answer = hook(module, self.args)
                if answer is not None:
                    self.args = answer if isinstance(answer, tuple) else (answer,)

    def _call_after(self, number: int, hook: Callable) -> None:
        module = self.module
        if number in module._forward_hooks_with_kwargs or number in _hooks.forward_with_kwargs:
            answer = hook(module, self.args, self.kwargs, self.result)
        else:
            answer = hook(module, self.args, self.result)
        if answer is not None:
            self.result = answer

    def run_always_called(self) -> None:
        """Call the hooks that are called even where ``forward`` raised."""
        module = self.module
        for kind, hooks, always in (
            ("global module", _hooks.forward, _hooks.forward_always_called),
            ("module", module._forward_hooks, module._forward_hooks_always_called),
        ):
            for number, hook in hooks.items():
                if number not in always or number in self.called:
                    continue
                try:
                    if kind == "module":
                        self._call_after(number, hook)
                    else:
                        answer = hook(module, self.args, self.result)
                        self.result = self.result if answer is None else answer
                except Exception as error:
                    warnings.warn(
                        f"{kind} forward hook with ``always_call=True`` raised an exception that "
                        f"was silenced as another error was raised in forward: {error!s}",
                        stacklevel=4,
                    )


def _backward_hooks(module: Any) -> tuple[list[Callable], list[Callable]]:
    """Return the full and the old backward hooks that concern a module."""
    full: list[Callable] = []
    old: list[Callable] = []
    for is_full, hooks in (
        (_hooks.is_full_backward[0], _hooks.backward),
        (module._is_full_backward_hook, module._backward_hooks),
    ):
        if is_full is not None:
            (full if is_full else old).extend(hooks.values())
    return full, old


def _register_old_hooks(module: Any, hooks: list[Callable], args: Any, result: Any) -> None:
    """Hang the deprecated backward hooks on the node of the (first) result."""
    first = result
    while not isinstance(first, Tensor):
        if isinstance(first, dict):
            first = next(value for value in first.values() if isinstance(value, Tensor))
        else:
            first = first[0]
    node = first.grad_fn
    if node is None:
        return
    for hook in hooks:
        node.register_hook(_hooks.WrappedHook(hook, module))
    _warn_of_old_hooks(args, result, node)


def _as_tensors(values: Any) -> tuple | None:
    if isinstance(values, Tensor):
        return (values,)
    if isinstance(values, tuple) and all(isinstance(value, Tensor) for value in values):
        return values
    return None


def _warn_of_old_hooks(inputs: Any, result: Any, node: Any) -> None:
    """Warn where a deprecated hook will see less than its name promises."""
    instead = " Please use register_full_backward_hook to get the documented behavior."
    results = _as_tensors(result)
    arguments = _as_tensors(inputs)
    if results is None:
        message = (
            "s on a Module that does not return a single Tensor or a tuple of Tensors is "
            "deprecated and will be removed in future versions. This hook will be missing some of "
            "the grad_output." + instead
        )
    elif arguments is None:
        message = (
            "s on a Module that does not take as input a single Tensor or a tuple of Tensors is "
            "deprecated and will be removed in future versions. This hook will be missing some of "
            "the grad_input." + instead
        )
    else:
        nodes = {tensor.grad_fn for tensor in results if tensor.grad_fn is not None}
        if not nodes or (len(nodes) == 1 and node not in nodes):
            message = (
                " when outputs are nested in python data structure is deprecated and will be "
                "removed in future versions. This hook will be missing some grad_output."
            )
        elif len(nodes) > 1:
            message = (
                " when outputs are generated by different autograd Nodes is deprecated and will "
                "be removed in future versions. This hook will be missing some grad_output."
                + instead
            )
        elif {tensor.grad_fn for tensor in arguments if tensor.grad_fn is not None} != {
            following for following, _ in node.next_functions
        }:
            message = (
                " when the forward contains multiple autograd Nodes is deprecated and will be "
                "removed in future versions. This hook will be missing some grad_input." + instead
            )
        else:
            return
    start = (
        "Using non-full backward hook" if message[0] == "s" else "Using a non-full backward hook"
    )
    warnings.warn(start + message, FutureWarning, stacklevel=6)
