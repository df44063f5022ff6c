"""Hooks and the handles that remove them: ``torch.utils.hooks``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .._engine.recording.hooks import RemovableHandle
from .._tensor.tensor import Tensor
from ..serialization._by_name import reduce_by_name

RemovableHandle.__reduce_ex__ = reduce_by_name  # type: ignore[assignment]

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


def unserializable_hook(f: Any) -> Any:
    """Mark a hook that is not to be saved with its tensor, so that no warning is given."""
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn of every hook on a tensor that saving it will drop."""
    extra = tensor._extra
    for hook in (extra.hooks or {}).values() if extra is not None else ():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, "
                "you can decorate the function with @torch.utils.hooks.unserializable_hook to "
                "suppress this warning",
                stacklevel=2,
            )


class BackwardHook:
    """Calls a module's backward hooks once the gradients of its results and inputs are known.

    Inputs and results pass through an identity of the graph each; its node is where the gradients
    are seen. What is no tensor shows as ``None``.

    Args:
        module: given to the hooks.
        user_hooks: called with the gradients of the inputs and of the results.
        user_pre_hooks: called with the gradients of the results, before the module's backward.
    """

    def __init__(self, module: Any, user_hooks: list[Callable], user_pre_hooks: list[Callable]):
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: Any = None
        self.n_inputs = self.n_outputs = -1
        self.input_tensors_index: list[int] | None = None
        self.output_tensors_index: list[int] | None = None

    def setup_input_hook(self, args: tuple) -> tuple:
        """Return the arguments of the module, tensors replaced by ones that are watched."""
        watched, self.input_tensors_index = self._watch(args, self._after)
        self.n_inputs = len(args)
        return watched

    def setup_output_hook(self, args: Any) -> Any:
        """Return the results of the module, tensors replaced by ones that are watched."""
        results = args if isinstance(args, tuple) else (args,)
        watched, self.output_tensors_index = self._watch(results, self._before)
        self.n_outputs = len(results)
        return watched if isinstance(args, tuple) else watched[0]

    def _watch(self, values: tuple, hook: Callable) -> tuple[tuple, list[int] | None]:
        from ..autograd import is_grad_enabled
        from ..nn.modules._functions import BackwardHookFunction

        tensor_indices = [index for index, value in enumerate(values) if isinstance(value, Tensor)]
        tensors = [values[index] for index in tensor_indices]
        if not (is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
            return values, None
        passed = BackwardHookFunction.apply(*tensors)
        nodes = [tensor.grad_fn for tensor in passed if tensor.grad_fn is not None]
        nodes = [node for node in nodes if node.name() == "BackwardHookFunctionBackward"]
        if not nodes:
            raise RuntimeError(
                "Error while setting up backward hooks. Please open an issue with a code sample "
                "to reproduce this."
            )
        nodes[0].register_hook(hook)
        replaced = list(values)
        for index, tensor in zip(tensor_indices, passed, strict=True):
            replaced[index] = tensor
        kind: Any = type(values)
        return (tuple(replaced) if kind is tuple else kind(*replaced)), tensor_indices

    @staticmethod
    def _spread(places: list[int], gradients: Any, count: int) -> tuple:
        """Return the gradients at the places of their tensors, ``None`` elsewhere."""
        all_gradients = [None] * count
        for index, gradient in zip(places, gradients, strict=True):
            all_gradients[index] = gradient
        return tuple(all_gradients)

    def _before(self, _: Any, grad_output: tuple) -> tuple | None:
        """Take the gradients of the results: the module's backward is about to begin."""
        indices = self.output_tensors_index
        assert indices is not None
        self.grad_outputs = self._spread(indices, grad_output, self.n_outputs)
        expected = len(self.grad_outputs)
        for hook in self.user_pre_hooks:
            changed = hook(self.module, self.grad_outputs)
            if changed is None:
                continue
            if len(changed) != expected:
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(changed)}, but expected {expected}"
                )
            self.grad_outputs = changed
        passed_on = self.grad_outputs
        if self.input_tensors_index is None:
            # No gradient will arrive at the inputs: the hooks are called now or never.
            self._call_without_inputs()
        if passed_on is None:
            return None
        return tuple([passed_on[index] for index in indices])

    def _call_without_inputs(self) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module "
            "outputs since no inputs require gradients. See "
            "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=5,
        )
        nothing = (None,) * self.n_inputs
        for hook in self.user_hooks:
            answer = hook(self.module, nothing, self.grad_outputs)
            if answer is None or (isinstance(answer, tuple) and all(g is None for g in answer)):
                continue
            raise RuntimeError(
                "Backward hook for Modules where no input requires gradient should always return "
                "None or None for all gradients."
            )
        self.grad_outputs = None

    def _after(self, grad_input: tuple, _: Any) -> tuple | None:
        """Take the gradients of the inputs: the module's backward is over."""
        if self.grad_outputs is None:
            return None  # the gradient came by another way than through the results
        indices = self.input_tensors_index
        assert indices is not None
        gradients: Any = self._spread(indices, grad_input, self.n_inputs)
        for hook in self.user_hooks:
            changed = hook(self.module, gradients, self.grad_outputs)
            if changed is None:
                continue
            if len(changed) != len(gradients):
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(changed)}, but expected {len(gradients)}"
                )
            gradients = changed
        self.grad_outputs = None
        return tuple([gradients[index] for index in indices])
