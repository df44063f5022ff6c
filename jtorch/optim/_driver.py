"""The step of an optimiser, written once for all algorithms that keep a state per parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import jtorch as torch

from .._engine.graph.values import SparseBase
from .._engine.recording.dispatch_modes import refuse_unseen
from .._engine.recording.overrides import DISPATCHING
from .._engine.recording.overrides import state as dispatch_state
from .._tensor.tensor import Tensor
from ..autograd.grad_mode import no_grad
from . import _messages, _seen
from .optimizer import Optimizer, _get_scalar_dtype, _use_grad_for_differentiable


class SteppedOptimizer(Optimizer):
    """Optimiser that updates each parameter from its gradient and a state of its own.

    ``step`` evaluates the closure, collects parameters, gradients and states of each group in lists
    of equal length, and gives them to the step function, which records one operator for all. An
    algorithm gives its step function, the names of its states and hyperparameters, and by
    ``_new_state`` their initial values.
    """

    #: ``(params, grads, *states, **hyperparameters)``: one step, in place.
    _step_function: ClassVar[Callable[..., None]]
    #: The states that it takes, in its order.
    _states: ClassVar[tuple[str, ...]] = ()
    #: Which groups have a state that not all have; it takes an empty list for the others.
    _optional_states: ClassVar[dict[str, Callable[[dict[str, Any]], bool]]] = {}
    #: States that are step counters or other single numbers.
    _counters: ClassVar[tuple[str, ...]] = ("step",)
    #: Options of a group that the step function takes under their own names.
    _hyperparameters: ClassVar[tuple[str, ...]] = ()
    #: Options that are two numbers, and under which names it takes them.
    _paired_hyperparameters: ClassVar[dict[str, tuple[str, str]]] = {}
    #: Options that groups saved by earlier releases may lack, and what they mean then.
    _added_options: ClassVar[dict[str, Any]] = {}
    #: Whether there is an option ``differentiable``; if not, no step records gradients.
    _has_differentiable: ClassVar[bool] = True
    #: Whether each element is stepped by itself, so that the parts of a wrapper can be.
    _elementwise: ClassVar[bool] = True
    #: Whether the step function takes what a ``GradScaler`` leaves to it.
    _takes_grad_scale: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "_step_function" in vars(cls):
            cls.step = _make_step(cls)  # type: ignore[method-assign]

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self._added_options.items():
                group.setdefault(name, value)
            _restore_counters(self, group, self._counters)

    def _new_state(self, param: Any, group: dict[str, Any], state: dict[str, Any]) -> None:
        """Fill the state of a parameter that is stepped for the first time."""
        raise NotImplementedError

    def _step_sparse(self, param: Any, grad: Any, group: dict[str, Any]) -> None:
        """Update a parameter whose gradient is sparse.

        Raises:
            RuntimeError: the algorithm needs dense gradients.
        """
        raise _messages.sparse_gradients(type(self))

    def _collect(self, group: dict[str, Any]) -> list[list[Any]]:
        """Return the parameters that have a gradient, the gradients, and each of the states.

        What has a sparse gradient is updated by itself and left out.

        An algorithm extends it to refuse what it cannot step.
        """
        params: list[Any] = []
        grads: list[Any] = []
        states: list[dict[str, Any]] = []
        all_states = self.state
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            if isinstance(grad, SparseBase):
                self._step_sparse(param, grad, group)
                continue
            params.append(param)
            grads.append(grad)
            state = all_states[param]
            if not state:
                self._new_state(param, group, state)
            states.append(state)
        lists = [params, grads]
        optional = self._optional_states
        for name in self._states:
            absent = name in optional and not optional[name](group)
            lists.append([] if absent else [state[name] for state in states])
        return lists

    def _step_group(self, group: dict[str, Any]) -> list[list[Any]]:
        """Update the parameters of a group; return what ``_collect`` returned."""
        hyperparameters = {name: group[name] for name in self._hyperparameters}
        for option, (first, second) in self._paired_hyperparameters.items():
            hyperparameters[first], hyperparameters[second] = group[option]
        if self._takes_grad_scale:
            hyperparameters["grad_scale"] = getattr(self, "grad_scale", None)
            hyperparameters["found_inf"] = getattr(self, "found_inf", None)
        lists = self._collect(group)
        if DISPATCHING and any(type(param) in DISPATCHING for param in lists[0]):
            self._step_parts(lists, hyperparameters)
        else:
            step = self._step_function
            if dispatch_state.dispatch_modes:
                step = self._step_seen(lists, hyperparameters)
            step(*lists, **hyperparameters)
        return lists

    def _step_seen(self, lists: list[list[Any]], hyperparameters: dict[str, Any]) -> Callable:
        """Return a step function of whose operators modes see as much as there is to see."""
        step = self._step_function
        formula = _seen.formula_of(step, hyperparameters)
        is_complex = any(param.is_complex() for param in lists[0])
        return step if formula is None or is_complex else formula

    def _step_parts(self, lists: list[list[Any]], hyperparameters: dict[str, Any]) -> None:
        """Step the tensors that wrappers hold; what a step adds to the lists becomes a wrapper."""
        if not self._elementwise:
            raise NotImplementedError(
                f"{type(self).__name__}: jtorch does not step distributed tensors by matrices"
            )
        params = lists[0]
        parts = [
            [_part_of(param, value) for param, value in zip(params, values, strict=False)]
            for values in lists
        ]
        self._step_function(*parts, **hyperparameters)
        for values, stepped in zip(lists, parts, strict=True):
            for at, part in enumerate(stepped):
                if values[at] is None and part is not None:
                    holds = hasattr(params[at], "__with_part__")
                    values[at] = params[at].__with_part__(part) if holds else part


def _part_of(param: Any, value: Any) -> Any:
    """Return the tensor that a parameter, its gradient or its state holds, cut as the parameter."""
    if value is None:
        return None
    return param.__part__(value) if hasattr(param, "__part__") else value


def _make_step(cls: type[SteppedOptimizer]) -> Callable:
    """Return the method ``step`` of a class; it bears the class's name, which messages show."""

    def step(self, closure: Any = None) -> Any:
        """Update the parameters once.

        Args:
            closure: evaluates the model again, calls ``backward()`` and returns the loss.
        Returns:
            The loss of the closure, ``None`` without one.
        """
        refuse_unseen("a step of an optimiser")
        loss = self._closure_loss(closure)
        for group in self.param_groups:
            self._step_group(group)
        return loss

    step.__qualname__ = f"{cls.__qualname__}.step"
    step.__module__ = cls.__module__
    return _use_grad_for_differentiable(step) if cls._has_differentiable else no_grad()(step)


def counter(param: Any, group: dict[str, Any], number: float = 0.0) -> Any:
    """Return a new step counter: on the host, unless the step itself runs on the device."""
    if group.get("capturable") or group.get("fused"):
        dtype = _get_scalar_dtype(is_fused=group.get("fused"))
        return torch.tensor(number, dtype=dtype, device=param.device)
    return torch.tensor(number, dtype=_get_scalar_dtype(), device="cpu")


def _restore_counters(optimizer: Any, group: dict[str, Any], names: tuple[str, ...]) -> None:
    """Make counters tensors, which old states have as numbers."""
    for param in group["params"]:
        state = optimizer.state.get(param, [])
        if len(state) == 0:
            continue
        for name in names:
            if not isinstance(state[name], Tensor):
                state[name] = counter(param, group, float(state[name]))
