"""What all optimisers share: parameter groups, state, hooks."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

import jtorch as torch

from .._engine.recording.trace import flush, local
from .._tensor.tensor import Tensor
from ..autograd.grad_mode import _with_grad, _without_grad
from ..utils.hooks import RemovableHandle
from . import _messages

__all__ = [
    "Optimizer",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
]

ParamsT = Iterable[Any]
StateDict = dict[str, Any]

_global_optimizer_pre_hooks: dict[int, Callable] = OrderedDict()
_global_optimizer_post_hooks: dict[int, Callable] = OrderedDict()


class _RequiredParameter:
    """Marks an option that every parameter group has to name."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before every step of every optimiser.

    Args:
        hook: may return other ``(args, kwargs)`` for the step.
    Returns:
        A handle that removes the hook.
    """
    return _register(_global_optimizer_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after every step of every optimiser.

    Returns:
        A handle that removes the hook.
    """
    return _register(_global_optimizer_post_hooks, hook)


def _register(hooks: Any, hook: Callable, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _use_grad_for_differentiable(step: Callable) -> Callable:
    """Run a step without recording gradients, unless the optimiser is a differentiable one."""

    @functools.wraps(step)
    def with_mode(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        trace = local.trace
        before = trace.mode
        wanted = self.defaults["differentiable"]
        if before.grad is not wanted:
            trace.set_mode(_with_grad(before) if wanted else _without_grad(before))
        try:
            return step(self, *args, **kwargs)
        finally:
            trace = local.trace
            if trace.mode is not before:
                trace.set_mode(before)

    return with_mode


def _to_scalar(number: Any) -> Any:
    """Return a tensor of one element as one without dimensions; anything else as it is."""
    if isinstance(number, Tensor) and number.dim() != 0:
        return number.squeeze()
    return number


def _get_scalar_dtype(is_fused: Any = None) -> Any:
    """Return the dtype of step counters."""
    if is_fused:
        return torch.float32
    return torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32


def _typename(thing: Any) -> str:
    if isinstance(thing, Tensor):
        return str(thing.type())
    module = getattr(thing, "__module__", None)
    prefix = "" if module in (None, "builtins", "__builtin__") else f"{module}."
    for name in ("__qualname__", "__name__"):
        if hasattr(thing, name):
            return prefix + getattr(thing, name)
    return prefix + type(thing).__name__


class Optimizer:
    """Base of all optimisers.

    Args:
        params: the tensors to optimise in an order that stays the same, or pairs of a name and a
            tensor, or dicts with such under ``"params"`` and options of that group beside it.
        defaults: options of groups that do not name them.
    """

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        self._patch_step_function()
        if isinstance(params, Tensor):
            raise _messages.params_is_tensor(_typename(params))
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise _messages.no_parameters()
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)
        self._warned_capturable_if_run_uncaptured = True
        # What made the parameters is a program of its own: with it, the first step would be
        # another program than the second.
        if not local.trace.captures:
            flush(local.trace, "optimizer made")

    def _make_hooks(self) -> None:
        for name in (
            "_optimizer_step_pre_hooks",
            "_optimizer_step_post_hooks",
            "_optimizer_state_dict_pre_hooks",
            "_optimizer_state_dict_post_hooks",
            "_optimizer_load_state_dict_pre_hooks",
            "_optimizer_load_state_dict_post_hooks",
        ):
            self.__dict__.setdefault(name, OrderedDict())

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_hooks()
        self._patch_step_function()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for index, group in enumerate(self.param_groups):
            lines.append(f"{chr(10) if index else ''}Parameter Group {index}")
            lines.extend(f"    {key}: {group[key]}" for key in sorted(group) if key != "params")
        return "\n".join(lines) + "\n)"

    # Steps

    def _optimizer_step_code(self) -> None:
        """Stand where PyTorch's profiler looks at an optimiser after a step."""

    @staticmethod
    def profile_hook_step(func: Callable) -> Callable:
        """Return a step that calls the hooks before and after it."""

        @functools.wraps(func)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self = args[0]
            if _global_optimizer_pre_hooks or self._optimizer_step_pre_hooks:
                for pre_hook in chain(
                    _global_optimizer_pre_hooks.values(), self._optimizer_step_pre_hooks.values()
                ):
                    result = pre_hook(self, args, kwargs)
                    if result is not None:
                        if not (isinstance(result, tuple) and len(result) == 2):
                            raise _messages.pre_hook_result(func, result)
                        args, kwargs = result
            out = func(*args, **kwargs)
            self._optimizer_step_code()
            if _global_optimizer_post_hooks or self._optimizer_step_post_hooks:
                for post_hook in chain(
                    self._optimizer_step_post_hooks.values(), _global_optimizer_post_hooks.values()
                ):
                    post_hook(self, args, kwargs)
            # The end of a turn of most loops: a loop that never looks at a value would otherwise
            # be compiled several turns at a time, which takes minutes for a large model.
            trace = local.trace
            if (
                not trace.captures
                and not self.defaults.get("differentiable")
                and trace.segment is not local.continues
            ):
                flush(trace, "optimizer step")
            return out

        return wrapper

    def _patch_step_function(self) -> None:
        cls: Any = type(self)
        self._zero_grad_profile_name = f"Optimizer.zero_grad#{cls.__name__}.zero_grad"
        if not getattr(cls.step, "hooked", None):
            cls.step = self.profile_hook_step(cls.step)
            cls.step.hooked = True

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model again, calls ``backward()`` and returns the loss.
        """
        raise NotImplementedError

    def _closure_loss(self, closure: Callable[[], Any] | None) -> Any:
        """Return the loss of a closure, evaluated with gradients; ``None`` without one."""
        if closure is None:
            return None
        with torch.enable_grad():
            return closure()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset the gradients of all parameters.

        Args:
            set_to_none: whether they become ``None``; else they are filled with zeros.
        """
        for group in self.param_groups:
            for param in group["params"]:
                extra = param._extra
                if extra is None or extra.grad is None:
                    continue
                if set_to_none:
                    extra.grad = None
                    continue
                grad = param.grad
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    # Hooks

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return other ones."""
        return _register(self._optimizer_step_pre_hooks, hook)  # type: ignore[attr-defined]

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return _register(self._optimizer_step_post_hooks, hook)  # type: ignore[attr-defined]

    def register_state_dict_pre_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` before ``state_dict()``; ``prepend`` puts it first."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)  # type: ignore[attr-defined]

    def register_state_dict_post_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after ``state_dict()``; it may return another."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)  # type: ignore[attr-defined]

    def register_load_state_dict_pre_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before a state is loaded; it may return another."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)  # type: ignore[attr-defined]

    def register_load_state_dict_post_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` after a state was loaded."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)  # type: ignore[attr-defined]

    # State

    def state_dict(self) -> StateDict:
        """Return the state and the options, parameters named by their place.

        Returns:
            ``{"state": {place: state}, "param_groups": [options with the places]}``; tensors in it
            are those of the optimiser.
        """
        for pre_hook in self._optimizer_state_dict_pre_hooks.values():  # type: ignore[attr-defined]
            pre_hook(self)
        places: dict[int, int] = {}
        start = 0
        groups = []
        for group in self.param_groups:
            packed = {key: value for key, value in group.items() if key != "params"}
            for place, param in enumerate(group["params"], start):
                places.setdefault(id(param), place)
            packed["params"] = [places[id(param)] for param in group["params"]]
            start += len(packed["params"])
            groups.append(packed)
        state = {
            (places[id(key)] if isinstance(key, Tensor) else key): value
            for key, value in self.state.items()
        }
        result: StateDict = {"state": state, "param_groups": groups}
        for post_hook in self._optimizer_state_dict_post_hooks.values():  # type: ignore[attr-defined]
            changed = post_hook(self, result)
            if changed is not None:
                result = changed
        return result

    @staticmethod
    def _process_value_according_to_param_policy(
        param: Any, value: Any, param_id: int, param_groups: list[dict], key: Hashable = None
    ) -> Any:
        """Return a loaded state tensor on the device, and mostly in the dtype, of its parameter.

        A step counter keeps its dtype and place, unless it has to live with the parameter.
        """
        assert param_groups is not None
        own: dict = next((g for g in param_groups if param_id in g["params"]), {})
        if key == "step":
            if own.get("capturable", False) or own.get("fused", False):
                return value.to(dtype=torch.float32, device=param.device)
            return value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)

    def _loaded(
        self, param: Any, value: Any, param_id: Any, groups: Any, key: Hashable = None
    ) -> Any:
        if isinstance(value, Tensor):
            return Optimizer._process_value_according_to_param_policy(
                param, value, param_id, groups, key
            )
        if isinstance(value, dict):
            return {k: self._loaded(param, v, param_id, groups, k) for k, v in value.items()}
        if isinstance(value, Iterable):
            make: Any = type(value)
            return make(self._loaded(param, v, param_id, groups) for v in value)
        return value

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over a state that ``state_dict()`` returned.

        Args:
            state_dict: of an optimiser with as many groups, of as many parameters each.
        Raises:
            ValueError: the groups do not match.
        """
        state_dict = state_dict.copy()
        for pre_hook in self._optimizer_load_state_dict_pre_hooks.values():  # type: ignore[attr-defined]
            changed = pre_hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        groups = self.param_groups
        saved_groups = deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved_groups):
            raise _messages.group_count()
        if any(
            len(group["params"]) != len(saved["params"])
            for group, saved in zip(groups, saved_groups, strict=True)
        ):
            raise _messages.group_size()
        params = dict(
            zip(
                chain.from_iterable(saved["params"] for saved in saved_groups),
                chain.from_iterable(group["params"] for group in groups),
                strict=True,
            )
        )
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in params:
                param = params[key]
                state[param] = self._loaded(param, value, key, state_dict["param_groups"])
            else:
                state[key] = value
        for group, saved in zip(groups, saved_groups, strict=True):
            saved["params"] = group["params"]
            if "param_names" in group and "param_names" not in saved:
                saved["param_names"] = group["param_names"]
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for post_hook in self._optimizer_load_state_dict_post_hooks.values():  # type: ignore[attr-defined]
            post_hook(self)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimise more parameters from now on.

        Args:
            param_group: the parameters under ``"params"``, and options of the group.
        Raises:
            TypeError, ValueError: it is no dict, or holds what cannot be optimised.
        """
        if not isinstance(param_group, dict):
            raise _messages.group_type(type(param_group))
        params = param_group["params"]
        if isinstance(params, Tensor):
            given = [params]
        elif isinstance(params, set):
            raise _messages.parameters_in_set()
        else:
            given = list(params)
        names = [entry[0] for entry in given if isinstance(entry, tuple)]
        param_group["params"] = [entry[1] if isinstance(entry, tuple) else entry for entry in given]
        if names:
            if len(names) != len(given):
                raise _messages.some_names_missing()
            param_group["param_names"] = names
        self._check_params(param_group["params"])
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise _messages.option_required(name)
            param_group.setdefault(name, default)
        params = param_group["params"]
        if len(params) != len(set(params)):
            warnings.warn(_messages.DUPLICATES, stacklevel=3)
        seen: set[Any] = set()
        for group in self.param_groups:
            seen.update(group["params"])
            if ("param_names" in param_group) != ("param_names" in group):
                raise _messages.names_differ("param_names" in param_group)
        if not seen.isdisjoint(params):
            raise _messages.parameter_in_two_groups()
        self.param_groups.append(param_group)

    def _check_params(self, params: list[Any]) -> None:
        for param in params:
            if not isinstance(param, Tensor):
                raise _messages.not_a_tensor(_typename(param))
            if not self.defaults.get("differentiable", None) and not (
                param.is_leaf or param.retains_grad
            ):
                raise _messages.not_a_leaf()
