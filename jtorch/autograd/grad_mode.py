"""Whether operators are recorded for differentiation: ``no_grad`` and related contexts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from .._core.modes import Mode, intern_mode
from .._engine.recording.refusals import without_arguments
from .._engine.recording.trace import local
from .._runtime import absent as _absent

_WITHOUT_GRAD: dict[Mode, Mode] = {}
_WITH_GRAD: dict[Mode, Mode] = {}


def _without_grad(mode: Mode) -> Mode:
    mode_without_grad = _WITHOUT_GRAD.get(mode)
    if mode_without_grad is None:
        mode_without_grad = _WITHOUT_GRAD[mode] = intern_mode(mode._replace(grad=False))
    return mode_without_grad


def _with_grad(mode: Mode) -> Mode:
    mode_with_grad = _WITH_GRAD.get(mode)
    if mode_with_grad is None:
        mode_with_grad = _WITH_GRAD[mode] = intern_mode(mode._replace(grad=True))
    return mode_with_grad


Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class _ModeContext:
    """A context manager that is a decorator too, of functions, generators and coroutines."""

    def clone(self) -> _ModeContext:
        return type(self)()

    def __call__(self, function: Decorated) -> Decorated:
        if inspect.isclass(function):
            raise TypeError(f"{type(self).__name__} cannot decorate a class")
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)  # type: ignore[return-value]

        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return decorated  # type: ignore[return-value]

    def _wrap_generator(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            sent: Any = None
            raised: BaseException | None = None
            while True:
                with self.clone():
                    try:
                        if raised is not None:
                            item = generator.throw(raised)
                        else:
                            item = generator.send(sent)
                    except StopIteration as stop:
                        return stop.value
                sent = raised = None
                try:
                    sent = yield item
                except GeneratorExit:
                    generator.close()
                    raise
                except BaseException as error:
                    raised = error

        return decorated

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exception: Any) -> None:
        raise NotImplementedError


class _GradModeContext(_ModeContext):
    """A context manager without parameters, which may be given the function to decorate."""

    _before: Mode

    if TYPE_CHECKING:

        @overload
        def __new__(cls, orig_func: None = None) -> Self: ...
        @overload
        def __new__(cls, orig_func: Decorated) -> Decorated: ...  # type: ignore[misc]

    def __new__(cls, orig_func: Callable | None = None) -> Any:
        self = object.__new__(cls)
        return self if orig_func is None else self(orig_func)

    def __exit__(self, *exception: Any) -> None:
        set_grad_mode(self._before.grad)


class no_grad(_GradModeContext):
    """Record nothing for differentiation: results do not require grad.

    Usable as ``with torch.no_grad():`` and as ``@torch.no_grad()``. Only the calling thread is
    concerned.
    """

    __module__ = "torch.autograd.grad_mode"

    if not TYPE_CHECKING:  # checkers would take it for what ``no_grad(function)`` calls

        def __init__(self) -> None:
            pass

    def __enter__(self) -> None:
        trace = local.trace
        self._before = trace.mode
        trace.set_mode(_without_grad(trace.mode))


class enable_grad(_GradModeContext):
    """Record for differentiation again, inside ``no_grad``."""

    __module__ = "torch.autograd.grad_mode"

    def __enter__(self) -> None:
        trace = local.trace
        self._before = trace.mode
        trace.set_mode(_with_grad(trace.mode))


class set_grad_enabled(_ModeContext):
    """Switch recording for differentiation on or off, at once and until the ``with`` block ends.

    Args:
        mode: whether it is on.
    """

    __module__ = "torch.autograd.grad_mode"

    def __init__(self, mode: bool):
        self._before = local.trace.mode
        self.mode = mode
        set_grad_mode(mode)

    def clone(self) -> set_grad_enabled:
        return type(self)(self.mode)

    def __call__(self, function: Decorated) -> Decorated:
        set_grad_mode(self._before.grad)
        return super().__call__(function)

    def __enter__(self) -> None:
        set_grad_mode(self.mode)

    def __exit__(self, *exception: Any) -> None:
        set_grad_mode(self._before.grad)


class inference_mode(_ModeContext):
    """Record nothing for differentiation, whatever the grad mode, and mark what is made inside.

    Outside, a marked tensor can be neither written in place nor saved for a gradient. A view of a
    tensor is marked where that tensor is.

    Args:
        mode: whether it is on.
    """

    __module__ = "torch.autograd.grad_mode"

    mode: bool

    if TYPE_CHECKING:

        @overload
        def __new__(cls, mode: bool = True) -> Self: ...
        @overload
        def __new__(cls, mode: Decorated) -> Decorated: ...  # type: ignore[misc]

    def __new__(cls, mode: Any = True) -> Any:
        self = object.__new__(cls)
        if isinstance(mode, bool):
            self.mode = mode
            return self
        self.mode = True
        return self(mode)

    def clone(self) -> inference_mode:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        trace = local.trace
        self._before = trace.mode
        trace.set_mode(intern_mode(trace.mode._replace(grad=not self.mode, inference=self.mode)))

    def __exit__(self, *exception: Any) -> None:
        trace = local.trace
        before = self._before
        trace.set_mode(
            intern_mode(trace.mode._replace(grad=before.grad, inference=before.inference))
        )


class enforce_grad_layout_policy(_ModeContext):
    """Say whether an accumulated gradient must have the strides of its tensor, from here on.

    A gradient is a value here and gets its strides when it is looked at, so enforcing costs no copy
    that could be left out: gradients have the strides of their tensors either way.

    Args:
        enable: whether it must.
    """

    __module__ = "torch.autograd.grad_mode"

    def __init__(self, enable: bool = True):
        self.mode = enable

    def clone(self) -> enforce_grad_layout_policy:
        return type(self)(self.mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        pass


def set_grad_mode(enabled: bool) -> None:
    """Switch recording for differentiation on or off in the calling thread."""
    trace = local.trace
    mode = trace.mode
    if mode.grad is not bool(enabled):
        trace.set_mode(_with_grad(mode) if enabled else _without_grad(mode))


@without_arguments
def is_grad_enabled() -> bool:
    """Return whether operators are recorded for differentiation in this thread."""
    return local.trace.mode.grad


@without_arguments
def is_inference_mode_enabled() -> bool:
    """Return whether this thread is inside ``inference_mode``."""
    return local.trace.mode.inference


__getattr__ = _absent.attributes(__name__)
