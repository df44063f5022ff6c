"""What a region of a CUDA graph records: calls of functions, made once more by each replay.

While a region is captured a mode sees every function, method and attribute, and every step of an
optimiser as one call. A call keeps its arguments: a tensor of the region by the call that made it,
any other tensor itself, which is read and written where it is. To replay is to make the calls
again, in the state of differentiation and autocasting that each was made in; what they record is
the same path of the trie, so one compiled program, whatever happens to be in the memory. In the
end the tensors that the region made, as far as anyone still holds them, get the new elements.

PyTorch's capture runs nothing. Here it records once, and what was there before is put back:
tensors that were written to, states of optimisers and of generators.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jtorch as torch

from .._engine.execution import stats
from .._engine.graph.values import is_tensor
from .._engine.recording.overrides import without_modes
from .._engine.recording.storage import current_value
from .._engine.recording.trace import local
from .._tensor.subclasses import TorchFunctionMode
from ..optim import optimizer as _optimizer
from . import _messages_graphs as _messages


class _Made(NamedTuple):
    """Stands for the tensor that a call made.

    Attributes:
        call: the number of the call.
        place: which of the tensors among its results.
    """

    call: int
    place: int


class _Call(NamedTuple):
    """One call.

    Attributes:
        function: what was called.
        args, kwargs: its arguments, with ``_Made`` for tensors of the region.
        mode: the state it was recorded in.
        results: the tensors that it made, by place.
    """

    function: Callable
    args: Any
    kwargs: Any
    mode: Any
    results: list[tuple[int, weakref.ref]]


#: Methods that wait for elements, which may be there already.
_LOOKS = frozenset(
    ("item", "tolist", "numpy", "equal", "allclose", "is_nonzero", "nonzero", "unique")
    + ("masked_select", "__bool__", "__int__", "__float__", "__index__", "__complex__", "__repr__")
)
#: Why a trace ends though no element is waited for.
_ENDS = frozenset(
    ("a loop that is not looked at", "switch to another device", "autograd.Function")
    + ("hooks of a backward pass", "memory that is filled again", "memory that is given up")
)


def _looks() -> int:
    """Return how often elements were waited for."""
    reasons = stats.counters.flush_reasons
    return sum([count for reason, count in reasons.items() if reason not in _ENDS])


def _tensors(value: Any) -> Iterator[Any]:
    """Yield the tensors among arguments or results, in lists, tuples and dicts too."""
    if is_tensor(value):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


def _mapped(value: Any, replace: Callable[[Any], Any]) -> Any:
    """Return arguments with each tensor, or what stands for one, replaced."""
    if is_tensor(value) or value.__class__ is _Made:
        return replace(value)
    if value.__class__ in (tuple, list):
        return value.__class__([_mapped(each, replace) for each in value])
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value.__class__(*[_mapped(each, replace) for each in value])
    if value.__class__ is dict:
        return {name: _mapped(each, replace) for name, each in value.items()}
    return value


class _Untouched(NamedTuple):
    """What was in a tensor before the region."""

    tensor: Any
    value: Any
    before: Any


class _Step:
    """A step of an optimiser as a call, with the numbers that its groups had."""

    def __init__(self, optimizer: Any):
        self.optimizer = optimizer
        self.groups = [
            {k: v for k, v in group.items() if k != "params" and not is_tensor(v)}
            for group in optimizer.param_groups
        ]

    def __call__(self) -> None:
        groups = self.optimizer.param_groups
        now = [dict(group) for group in groups]
        try:
            for group, own in zip(groups, self.groups, strict=True):
                group.update(own)
            self.optimizer.step()
        finally:
            for group, own in zip(groups, now, strict=True):
                group.update(own)


class Capture(TorchFunctionMode):
    """The region under way, and afterwards what it has recorded.

    Attributes:
        calls: in their order.
        leaves: leaves that require grad, with the gradients that the region gave them.
    """

    #: Modes of PyTorch do not see them, but what their ``forward`` calls, without its gradient.
    sees_functions_of_autograd = True

    def __init__(self) -> None:
        self.calls: list[_Call] = []
        self.leaves: dict[int, tuple[Any, Any]] = {}
        self._made: dict[int, tuple[_Made, Any]] = {}
        self._before: dict[int, _Untouched] = {}
        self._without_grad: dict[int, Any] = {}
        self._states: list[tuple[Any, dict[Any, set[Any]]]] = []
        self._steps = 0
        self._thread = threading.get_ident()

    # Recording

    def begin(self) -> None:
        """Begin to record."""
        torch.cuda.synchronize()
        self._base = local.trace.base
        self._generators = torch.cuda.get_rng_state_all(), torch.get_rng_state()
        self._hooks = [
            _optimizer.register_optimizer_step_pre_hook(self._before_step),
            _optimizer.register_optimizer_step_post_hook(self._after_step),
        ]
        self.__enter__()

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function, and keep the call."""
        kwargs = kwargs or {}
        if self._steps:
            return func(*args, **kwargs)
        mode = local.trace.mode
        kept = _mapped(args, self._reference), _mapped(kwargs, self._reference)
        on_device = any(each.is_cuda for each in _tensors((args, kwargs)))
        if on_device and func.__name__ in _LOOKS:
            raise _messages.not_permitted()
        looks = _looks()
        result = func(*args, **kwargs)
        if on_device and _looks() != looks:
            raise _messages.not_permitted()
        made = list(_tensors(result))
        if on_device and made and not any(each.is_cuda for each in made):
            raise _messages.not_permitted()
        if made or result is None:
            self._keep(func, *kept, mode, result)
        return result

    def _reference(self, tensor: Any) -> Any:
        """Return what stands for a tensor: itself, unless the region made it."""
        made = self._made.get(id(tensor))
        if made is not None:
            return made[0]
        if id(tensor) not in self._before:
            value = current_value(tensor)
            if tensor.is_cuda and (value.array is None or value.place >= self._base):
                raise _messages.unseen()
            self._note(tensor)
        return tensor

    def _note(self, tensor: Any) -> None:
        """Remember what is in a tensor of before."""
        with torch.no_grad():
            before = tensor.detach().clone()
        self._before[id(tensor)] = _Untouched(tensor, current_value(tensor), before)
        if tensor.requires_grad and tensor.is_leaf:
            grad = tensor.grad
            if grad is None:
                self._without_grad[id(tensor)] = tensor
            elif id(grad) not in self._before:
                self._note(grad)

    def _keep(self, function: Callable, args: Any, kwargs: Any, mode: Any, result: Any) -> None:
        number, results = len(self.calls), []
        for place, tensor in enumerate(_tensors(result)):
            if id(tensor) in self._made or id(tensor) in self._before:
                continue
            self._made[id(tensor)] = _Made(number, place), tensor
            results.append((place, weakref.ref(tensor)))
        self.calls.append(_Call(function, args, kwargs, mode, results))

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        if not all(group.get("capturable", True) for group in optimizer.param_groups):
            raise _messages.not_capturable(optimizer)
        if args[1:] or kwargs:
            raise _messages.closure()
        with without_modes():
            for group in optimizer.param_groups:
                for param in group["params"]:
                    if id(param) not in self._before:
                        self._note(param)
            self._states.append(
                (optimizer, {param: set(state) for param, state in optimizer.state.items()})
            )
            for state in optimizer.state.values():
                for tensor in _tensors(list(state.values())):
                    if id(tensor) not in self._before:
                        self._note(tensor)
        self._keep(_Step(optimizer), (), {}, local.trace.mode, None)
        self._steps += 1

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if threading.get_ident() == self._thread:
            self._steps -= 1

    def end(self) -> None:
        """Record no more, and put back what was there before."""
        self.__exit__()
        for hook in self._hooks:
            hook.remove()
        for tensor in self._without_grad.values():
            if tensor.grad is not None:
                self.leaves[id(tensor)] = tensor, tensor.grad
        with torch.no_grad():
            for tensor, value, before in self._before.values():
                if current_value(tensor) is not value:
                    tensor.data.copy_(before)
        for optimizer, known in reversed(self._states):
            for param, state in optimizer.state.items():
                for name in set(state) - known.get(param, set()):
                    del state[name]
        cuda, cpu = self._generators
        torch.cuda.set_rng_state_all(cuda)
        torch.set_rng_state(cpu)
        self._made.clear()
        self._before.clear()
        self._without_grad.clear()

    # Replaying

    def replay(self) -> None:
        """Make the calls once more."""
        made: dict[_Made, Any] = {}
        grads = {key: leaf.grad for key, (leaf, _) in self.leaves.items()}
        before = local.trace.mode

        def now(value: Any) -> Any:
            return made[value] if value.__class__ is _Made else value

        try:
            for leaf, _ in self.leaves.values():
                leaf.grad = None
            for number, call in enumerate(self.calls):
                local.trace.set_mode(call.mode)
                result = call.function(*_mapped(call.args, now), **_mapped(call.kwargs, now))
                tensors = list(_tensors(result))
                for place, _ in call.results:
                    made[_Made(number, place)] = tensors[place]
        finally:
            local.trace.set_mode(before)
        with torch.no_grad():
            for number, call in enumerate(self.calls):
                for place, held in call.results:
                    tensor = held()
                    if tensor is not None:
                        tensor.data.copy_(made[_Made(number, place)].detach())
            for key, (leaf, static) in self.leaves.items():
                if leaf.grad is not None:
                    static.data.copy_(leaf.grad.detach())
                leaf.grad = grads[key]
