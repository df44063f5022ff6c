"""``Module``: parameters, buffers and modules by name, with hooks, conversions and state."""

from __future__ import annotations

import inspect
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, overload

import numpy as np

import jtorch as torch

from ... import __future__ as conversion
from ..._core.device import Device
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._core.schema.schema import Schema
from ..._engine.execution import devices
from ..._engine.recording.hooks import RemovableHandle, add_hook
from ..._runtime.questions import typename
from ..._tensor.tensor import Tensor
from ...serialization._by_name import reduce_by_name
from ..parameter import Buffer, Parameter
from . import _hooks
from ._calls import call_with_hooks
from ._hooks import WrappedHook as _WrappedHook
from ._hooks import (
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from ._state import EXTRA_STATE as _EXTRA_STATE_KEY_SUFFIX
from ._state import IncompatibleKeys as _IncompatibleKeys
from ._state import load_own_state, load_state

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

T = TypeVar("T", bound="Module")
D = TypeVar("D", bound=dict[str, Any])

_global_buffer_registration_hooks = _hooks.buffer_registration
_global_module_registration_hooks = _hooks.module_registration
_global_parameter_registration_hooks = _hooks.parameter_registration
_global_backward_pre_hooks = _hooks.backward_pre
_global_backward_hooks = _hooks.backward
_global_forward_pre_hooks = _hooks.forward_pre
_global_forward_hooks = _hooks.forward
_global_forward_hooks_always_called = _hooks.forward_always_called
_global_forward_hooks_with_kwargs = _hooks.forward_with_kwargs

#: Dicts that every module has, in the order in which PyTorch makes them.
_HOOK_DICTS = (
    *("_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called"),
    *("_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_state_dict_hooks"),
    *("_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"),
)

_TO = Schema(
    "to(Device? device=None, ScalarType? dtype=None, bool non_blocking=False, bool copy=False, *, "
    "MemoryFormat? memory_format=None)",
    "to(ScalarType dtype, bool non_blocking=False, bool copy=False, *, "
    "MemoryFormat? memory_format=None)",
    "to(Tensor tensor, bool non_blocking=False, bool copy=False, *, "
    "MemoryFormat? memory_format=None)",
    numbers_as_tensors=True,
)


def parse_to(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Device | None, DType | None, bool, Any]:
    """Return what arguments of ``Module.to`` say: device, dtype, non_blocking, memory_format.

    Raises:
        RuntimeError: ``copy`` is among them.
        TypeError: they fit no form of ``Module.to``.
    """
    overload, bound = _TO.bind(args, kwargs)
    if "copy" in kwargs or len(args) > (2 if overload else 3):
        raise RuntimeError(".to() does not accept copy argument")
    other = bound.get("tensor")
    if isinstance(other, (bool, float, complex)):  # a tensor of no dimensions, of widest dtype
        other = torch.from_numpy(np.asarray(other))
    if other is not None:
        device: Device | None = other.device
        dtype: DType | None = other.dtype
    else:
        device, dtype = bound.get("device"), bound.get("dtype")
        device = None if device is None else devices.resolve(device)
    return device, dtype, bound["non_blocking"], bound["memory_format"]


_REPORT = (
    "Reached a code path in Module.{}_extra_state() that should never be called. Please file an "
    "issue at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml to report "
    "this bug."
)


def _addindent(s_: str, numSpaces: int) -> str:
    """Return a text with its lines after the first indented, but for blank ones."""
    first, *rest = s_.split("\n")
    return "\n".join([first, *[" " * numSpaces + line if line.strip() else "" for line in rest]])


def _has_any_global_hook() -> bool:
    return bool(
        _hooks.backward_pre
        or _hooks.backward
        or _hooks.forward_pre
        or _hooks.forward
        or _hooks.forward_always_called
        or _hooks.forward_with_kwargs
    )


def _forward_unimplemented(self: Any, *input: Any) -> None:
    """Raise: the subclass has to say what it computes."""
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function'
    )


class Module:
    """The base of everything that holds parameters: layers, losses, whole networks.

    A subclass calls ``super().__init__()``, assigns parameters and modules to attributes, and
    defines ``forward``. What was assigned is found again by name: ``parameters()``,
    ``state_dict()``, ``to()``.

    Attributes:
        training: whether the module is in training mode, the default.
    """

    dump_patches: bool = False
    _version: int = 1
    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _non_persistent_buffers_set: set[str]
    _backward_pre_hooks: OrderedDict[int, Callable]
    _backward_hooks: OrderedDict[int, Callable]
    _is_full_backward_hook: bool | None
    _forward_hooks: OrderedDict[int, Callable]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _forward_pre_hooks: OrderedDict[int, Callable]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _state_dict_hooks: OrderedDict[int, Callable]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable]
    _state_dict_pre_hooks: OrderedDict[int, Callable]
    _load_state_dict_post_hooks: OrderedDict[int, Callable]
    _modules: dict[str, Module | None]
    call_super_init: bool = False
    _compiled_call_impl: Callable | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.call_super_init is False:
            name = type(self).__name__
            if kwargs:
                raise TypeError(
                    f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given"
                )
        # Past ``__setattr__``, which looks for parameters in what these are about to be.
        state = self.__dict__
        state["training"] = True
        state["_parameters"] = {}
        state["_buffers"] = {}
        state["_non_persistent_buffers_set"] = set()
        state["_backward_pre_hooks"] = OrderedDict()
        state["_backward_hooks"] = OrderedDict()
        state["_is_full_backward_hook"] = None
        for name in _HOOK_DICTS:
            state[name] = OrderedDict()
        state["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    forward: Callable[..., Any] = _forward_unimplemented

    # Names

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Give the module a tensor that belongs to its state and is no parameter.

        Args:
            name: of the buffer; it becomes an attribute.
            tensor: the buffer, or ``None`` for one that is not there.
            persistent: whether it belongs to ``state_dict``.
        Raises:
            AttributeError: ``Module.__init__`` was not called yet.
            TypeError: the name is no string, or ``tensor`` no tensor.
            KeyError: the name is taken, empty, or has a dot.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not _is_tensor_like(tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        self._buffers[name] = _hooks.registered(_hooks.buffer_registration, self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Give the module a parameter.

        Args:
            name: of the parameter; it becomes an attribute.
            param: the parameter, or ``None`` for one that is not there.
        Raises:
            AttributeError: ``Module.__init__`` was not called yet.
            TypeError: the name is no string, or ``param`` no parameter.
            KeyError: the name is taken, empty, or has a dot.
            ValueError: the parameter is the result of an operator.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, self._parameters)
        if param is None:
            self._parameters[name] = None
            return
        if not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param.grad_fn:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, compute "
                "the value in the forward() method."
            )
        self._parameters[name] = _hooks.registered(_hooks.parameter_registration, self, name, param)

    def _check_name(self, kind: str, name: str, taken: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in taken and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def add_module(self, name: str, module: Module | None) -> None:
        """Put a module into this one.

        Args:
            name: of the inner module; it becomes an attribute.
            module: the inner module, or ``None`` for one that is not there.
        Raises:
            TypeError: ``module`` is no module, or the name no string.
            KeyError: the name is taken, empty, or has a dot.
        """
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {typename(name)}")
        if name not in self._modules and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = _hooks.registered(_hooks.module_registration, self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """Put a module into this one, as ``add_module`` does."""
        self.add_module(name, module)

    def get_submodule(self, target: str) -> Module:
        """Return the module at a path of names with dots, this one for the empty path.

        Raises:
            AttributeError: there is none.
        """
        submodule: Module = self
        for name in target.split(".") if target else ():
            if not hasattr(submodule, name):
                raise AttributeError(f"{submodule._get_name()} has no attribute `{name}`")
            submodule = getattr(submodule, name)
            if not isinstance(submodule, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return submodule

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a path of names with dots.

        Args:
            target: the path.
            module: the module.
            strict: whether there has to be one already.
        Raises:
            ValueError: the path is empty, or ``module`` is no module.
            AttributeError: there is no module on the way, or something else at the end.
        """
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if hasattr(parent, name):
            if not isinstance(getattr(parent, name), Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        elif strict:
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a path of names with dots.

        Raises:
            AttributeError: there is none.
        """
        _, name, parameter = self._at(target)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer at a path of names with dots.

        Raises:
            AttributeError: there is none.
        """
        module, name, buffer = self._at(target)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return buffer

    def _at(self, target: str) -> tuple[Module, str, Any]:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        return module, name, getattr(module, name)

    def __getattr__(self, name: str) -> Any:
        state = self.__dict__
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind in state:
                members = state[kind]
                if name in members:
                    return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__
        parameters = state.get("_parameters")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' "
                    "(torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
        else:
            self._set_other(name, value)

    def _set_other(self, name: str, value: Any) -> None:
        """Set an attribute that neither is nor was a parameter."""
        state = self.__dict__
        modules = state.get("_modules")
        if isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_modules")
            modules[name] = _hooks.registered(_hooks.module_registration, self, name, value)
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' "
                    "(torch.nn.Module or None expected)"
                )
            modules[name] = _hooks.registered(_hooks.module_registration, self, name, value)
        elif isinstance(value, Buffer) or name in state.get("_buffers", ()):
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _set_buffer(self, name: str, value: Any) -> None:
        if value is not None and not _is_tensor_like(value):
            raise TypeError(
                f"cannot assign '{typename(value)}' as buffer '{name}' "
                "(torch.nn.Buffer, torch.Tensor or None expected)"
            )
        if isinstance(value, Buffer):
            persistent = value.persistent  # type: ignore[attr-defined]
        else:
            persistent = name not in self._non_persistent_buffers_set
        register = self.register_buffer
        overridden = getattr(register, "__func__", None) is not Module.register_buffer
        if not overridden or "persistent" in inspect.signature(register).parameters:
            register(name, value, persistent)
        elif persistent:
            register(name, value)
        else:
            raise RuntimeError(
                "Registering a non-persistent buffer on a Module subclass that implements "
                "register_buffer() without the persistent argument is not allowed."
            )

    def _forget(self, name: str, kept: str) -> None:
        """Forget whatever had a name, but for members of the kind that it will be."""
        state = self.__dict__
        state.pop(name, None)
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind != kept:
                state[kind].pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def __delattr__(self, name: str) -> None:
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
            self._non_persistent_buffers_set.discard(name)
        elif name in self._modules:
            del self._modules[name]
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = [*dir(type(self)), *self.__dict__]
        names += [*self._parameters, *self._modules, *self._buffers]
        return sorted([name for name in names if not name[0].isdigit()])

    # Conversions

    def _apply(self: T, fn: Callable[[Any], Any], recurse: bool = True) -> T:
        """Replace every parameter, gradient and buffer by what a function makes of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        overwrites = conversion.get_overwrite_module_params_on_conversion()
        swaps = conversion.get_swap_module_params_on_conversion()
        for key, param in self._parameters.items():
            if param is None:
                continue
            with torch.no_grad():
                applied = fn(param)
            grad = param.grad
            if swaps:
                self._swap(key, param, applied)
                result = param
            elif overwrites or not _fits(param, applied):
                result = self._parameters[key] = Parameter(applied, param.requires_grad)
            else:
                if applied is not param:
                    param.data = applied
                result = param
            if grad is None:
                continue
            with torch.no_grad():
                applied = fn(grad)
            if swaps:
                applied.requires_grad_(grad.requires_grad)
                try:
                    torch.utils.swap_tensors(grad, applied)
                except Exception as error:
                    raise RuntimeError(
                        f"_apply(): Couldn't swap {self._get_name()}.{key}.grad"
                    ) from error
                result.grad = grad
            elif overwrites or not _fits(grad, applied):
                result.grad = applied.requires_grad_(grad.requires_grad)
            elif applied is not grad:
                grad.data = applied
                result.grad = grad
        for key, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[key] = fn(buffer)
        return self

    def _swap(self, key: str, param: Parameter, applied: Any) -> None:
        grad = param.grad
        try:
            param.grad = None
            torch.utils.swap_tensors(param, Parameter(applied, requires_grad=param.requires_grad))
        except Exception as error:
            param.grad = grad
            raise RuntimeError(f"_apply(): Couldn't swap {self._get_name()}.{key}") from error

    def apply(self: T, fn: Callable[[Module], None]) -> T:
        """Call a function with every module within, inner ones first, and with this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def cuda(self: T, device: Any = None) -> T:
        """Move parameters and buffers to a GPU."""
        return self._apply(lambda tensor: tensor.cuda(device))

    def ipu(self: T, device: Any = None) -> T:
        """Move parameters and buffers to an IPU."""
        return self._apply(lambda tensor: tensor.ipu(device))

    def xpu(self: T, device: Any = None) -> T:
        """Move parameters and buffers to an XPU."""
        return self._apply(lambda tensor: tensor.xpu(device))

    def mtia(self: T, device: Any = None) -> T:
        """Move parameters and buffers to an MTIA."""
        return self._apply(lambda tensor: tensor.mtia(device))

    def cpu(self: T) -> T:
        """Move parameters and buffers to the CPU."""
        return self._apply(lambda tensor: tensor.cpu())

    def type(self: T, dst_type: DType | str) -> T:
        """Convert parameters and buffers to a dtype."""
        return self._apply(lambda tensor: tensor.type(dst_type))

    def float(self: T) -> T:
        """Convert floating point parameters and buffers to ``float32``."""
        return self._apply(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor)

    def double(self: T) -> T:
        """Convert floating point parameters and buffers to ``float64``."""
        return self._apply(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def half(self: T) -> T:
        """Convert floating point parameters and buffers to ``float16``."""
        return self._apply(lambda tensor: tensor.half() if tensor.is_floating_point() else tensor)

    def bfloat16(self: T) -> T:
        """Convert floating point parameters and buffers to ``bfloat16``."""
        return self._apply(
            lambda tensor: tensor.bfloat16() if tensor.is_floating_point() else tensor
        )

    def to_empty(self: T, *, device: Any, recurse: bool = True) -> T:
        """Move parameters and buffers to a device without their elements."""
        return self._apply(lambda tensor: torch.empty_like(tensor, device=device), recurse=recurse)

    @overload
    def to(
        self: T, device: Any = ..., dtype: DType | None = ..., non_blocking: bool = ...
    ) -> T: ...

    @overload
    def to(self: T, dtype: DType, non_blocking: bool = ...) -> T: ...

    @overload
    def to(self: T, tensor: Tensor, non_blocking: bool = ...) -> T: ...

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Move parameters and buffers to a device, and convert the floating point ones.

        Args:
            device, dtype: where to and to what; or a tensor, to be like it.
            non_blocking: accepted; a copy between devices never waits here.
            memory_format: for parameters and buffers of four or five dimensions.
        Raises:
            TypeError: the dtype is neither a floating point nor a complex one.
        """
        device, dtype, non_blocking, memory_format = parse_to(args, kwargs)
        if dtype is not None:
            if not is_inexact(dtype):
                raise TypeError(
                    "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                    f"dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(
                    "Complex modules are a new feature under active development whose design may "
                    "change, and some modules might not work as expected when using complex "
                    "tensors as parameters or buffers. Please file an issue at "
                    "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a "
                    "complex module does not work as expected.",
                    stacklevel=2,
                )

        def convert(tensor: Any) -> Any:
            converts = tensor.is_floating_point() or tensor.is_complex()
            options: dict[str, Any] = {}
            if memory_format is not None and tensor.dim() in (4, 5):
                options["memory_format"] = memory_format
            try:
                return tensor.to(device, dtype if converts else None, non_blocking, **options)
            except NotImplementedError as error:
                if str(error) != "Cannot copy out of meta tensor; no data!":
                    raise
                raise NotImplementedError(
                    f"{error} Please use torch.nn.Module.to_empty() instead of "
                    "torch.nn.Module.to() when moving module from meta to a different device."
                ) from None

        return self._apply(convert)

    def share_memory(self: T) -> T:
        """Let other processes see parameters and buffers."""
        return self._apply(lambda tensor: tensor.share_memory_())

    # Hooks

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the backward of this module.

        Args:
            hook: may return other gradients of the results.
            prepend: whether to call it before the hooks that are there.
        """
        return _add(self._backward_pre_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` of this module's last node (deprecated).

        Raises:
            RuntimeError: the module has full backward hooks.
        """
        self._decide_backward(False)
        return add_hook(self._backward_hooks, hook)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` after the backward of this module.

        Args:
            hook: may return other gradients of the inputs.
            prepend: whether to call it before the hooks that are there.
        Raises:
            RuntimeError: the module has old backward hooks.
        """
        self._decide_backward(True)
        return _add(self._backward_hooks, hook, prepend)

    def _decide_backward(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single "
                "Module. Please use only one of them."
            )
        self._is_full_backward_hook = full

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``.

        Args:
            hook: may return other arguments.
            prepend: whether to call it before the hooks that are there.
            with_kwargs: call ``hook(module, args, kwargs)``, which may return a pair.
        """
        handle = RemovableHandle(
            self._forward_pre_hooks, extra_dict=self._forward_pre_hooks_with_kwargs
        )
        self._forward_pre_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        if prepend:
            self._forward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, result)`` after ``forward``.

        Args:
            hook: may return another result.
            prepend: whether to call it before the hooks that are there.
            with_kwargs: call ``hook(module, args, kwargs, result)``.
            always_call: call it also where ``forward`` raises.
        """
        notes = [self._forward_hooks_with_kwargs, self._forward_hooks_always_called]
        handle = RemovableHandle(self._forward_hooks, extra_dict=notes)
        self._forward_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        if prepend:
            self._forward_hooks.move_to_end(handle.id, last=False)
        return handle

    # Calls

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        if (
            self._backward_hooks
            or self._backward_pre_hooks
            or self._forward_hooks
            or self._forward_pre_hooks
            or _global_backward_pre_hooks
            or _global_backward_hooks
            or _global_forward_hooks
            or _global_forward_pre_hooks
        ):
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    def _wrapped_call_impl(self, *args: Any, **kwargs: Any) -> Any:
        state = self.__dict__
        if (
            state["_backward_hooks"]
            or state["_backward_pre_hooks"]
            or state["_forward_hooks"]
            or state["_forward_pre_hooks"]
            or _global_backward_pre_hooks
            or _global_backward_hooks
            or _global_forward_hooks
            or _global_forward_pre_hooks
            or self._compiled_call_impl is not None
        ):
            compiled = self._compiled_call_impl
            return (self._call_impl if compiled is None else compiled)(*args, **kwargs)
        return self.forward(*args, **kwargs)

    __call__: Callable[..., Any] = _wrapped_call_impl

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile the module's call with ``torch.compile``, whose arguments these are."""
        self._compiled_call_impl = torch.compile(self._call_impl, *args, **kwargs)

    # Copies and files

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_compiled_call_impl", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        attributes = self.__dict__
        attributes.update(state)
        # Files of older versions know less.
        for name in (*_HOOK_DICTS[1:], "_backward_pre_hooks"):
            attributes.setdefault(name, OrderedDict())
        attributes.setdefault("_non_persistent_buffers_set", set())
        attributes.setdefault("_is_full_backward_hook", None)

    __reduce_ex__ = reduce_by_name

    def _register_state_dict_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, metadata)`` after ``state_dict``.

        It may return another dict.
        """
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "Cannot register the same function as the state dict post hook that was "
                "previously registered via register_state_dict_post_hook"
            )
        return add_hook(self._state_dict_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, metadata)`` after ``state_dict``."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return add_hook(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict``."""
        return add_hook(self._state_dict_pre_hooks, hook)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put the module's own parameters, buffers and extra state into a dict."""
        for name, param in self._parameters.items():
            if param is not None:
                destination[prefix + name] = param if keep_vars else param.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    @overload
    def state_dict(self, *, destination: D, prefix: str = ..., keep_vars: bool = ...) -> D: ...

    @overload
    def state_dict(self, *, prefix: str = ..., keep_vars: bool = ...) -> dict[str, Any]: ...

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """Return the parameters and persistent buffers by name, those of inner modules too.

        Args:
            destination: a dict to add to, by default a new one.
            prefix: of the names.
            keep_vars: whether to return the tensors themselves, and not detached ones.
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html"
                "#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=2,
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            destination = given["destination"] if destination is None else destination
            prefix = given.get("prefix", prefix) if prefix == "" else prefix
            keep_vars = given.get("keep_vars", keep_vars) if keep_vars is False else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata: dict[str, Any] = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook in self._state_dict_hooks.values():
            result = hook(self, destination, prefix, metadata)
            if result is None:
                continue
            if getattr(hook, "_from_public_api", False):
                raise RuntimeError("state_dict post-hook must return None")
            destination = result
        return destination

    def get_extra_state(self) -> Any:
        """Return what else belongs to ``state_dict``; a subclass with such state defines it."""
        raise RuntimeError(_REPORT.format("get"))

    def set_extra_state(self, state: Any) -> None:
        """Take what ``get_extra_state`` returned; a subclass with such state defines it."""
        raise RuntimeError(_REPORT.format("set"))

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        return add_hook(
            self._load_state_dict_pre_hooks, _WrappedHook(hook, self if with_module else None)
        )

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call a hook before this module is loaded.

        It gets the module and what ``_load_from_state_dict`` gets.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after this module was loaded."""
        return add_hook(self._load_state_dict_post_hooks, hook)

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module alone; subclasses that keep more override it."""
        lists = (missing_keys, unexpected_keys, error_msgs)
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, *lists)
        load_own_state(self, state_dict, prefix, local_metadata, strict, *lists)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy parameters and buffers from a dict into this module and those within.

        Args:
            state_dict: as ``state_dict()`` returns it.
            strict: whether the keys have to be the same.
            assign: whether the tensors themselves take the place of those that are there.
        Returns:
            The ``missing_keys`` and the ``unexpected_keys``.
        Raises:
            TypeError: it is no mapping.
            RuntimeError: shapes differ, or ``strict`` and the keys do.
        """
        return load_state(self, state_dict, strict, assign)

    # Members

    def _named_members(
        self,
        get_members_fn: Callable[[Module], Any],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        """Yield the members of some kind of every module, with their full names."""
        seen = set()
        modules: Any = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for path, module in modules:
            start = f"{path}." if path else ""
            for name, member in get_members_fn(module):
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield start + name, member

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, by default those of inner modules too."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield names and parameters.

        Args:
            prefix: put before every name.
            recurse: whether to go into inner modules.
            remove_duplicate: whether a parameter of two names is yielded once.
        """
        yield from self._named_members(
            lambda module: module._parameters.items(), prefix, recurse, remove_duplicate
        )

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, by default those of inner modules too."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield names and buffers; the arguments are those of ``named_parameters``."""
        yield from self._named_members(
            lambda module: module._buffers.items(), prefix, recurse, remove_duplicate
        )

    def children(self) -> Iterator[Module]:
        """Yield the modules directly within this one."""
        for _, module in self.named_children():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield names and modules directly within this one, each module once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """Yield this module and all within it."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield paths and modules, this one and all within it.

        Args:
            memo: modules that are not to be yielded; those that are yielded are added.
            prefix: put before every path.
            remove_duplicate: whether a module of two paths is yielded once.
        """
        if memo is None:
            memo = set()
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    # Modes

    def train(self: T, mode: bool = True) -> T:
        """Set training mode, or evaluation mode, here and in all modules within.

        Raises:
            ValueError: ``mode`` is no bool.
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: T) -> T:
        """Set evaluation mode."""
        return self.train(False)

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Tell whether gradients flow to the parameters."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of the parameters, or set them to zero."""
        if getattr(self, "_is_replica", False):
            warnings.warn(
                "Calling .zero_grad() from a module created with nn.DataParallel() has no effect. "
                "The parameters are copied (in a differentiable manner) from the original module. "
                "This means they are not leaf nodes in autograd and so don't accumulate gradients. "
                "If you need gradients in your forward method, consider using autograd.grad "
                "instead.",
                stacklevel=2,
            )
        for param in self.parameters():
            grad = param.grad
            if grad is None:
                continue
            if set_to_none:
                param.grad = None
            else:
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    def _replicate_for_data_parallel(self: T) -> T:
        replica = self.__new__(type(self))
        replica.__dict__ = self.__dict__.copy()
        replica._parameters = {}
        replica._buffers = replica._buffers.copy()
        replica._modules = replica._modules.copy()
        replica._is_replica = True
        return replica

    # Printing

    def _get_name(self) -> str:
        return self.__class__.__name__

    def extra_repr(self) -> str:
        """Return what stands between the parentheses of ``repr``."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        name = self._get_name()
        if len(lines) <= 1 and not self._modules:
            return f"{name}({extra})"
        for key, module in self._modules.items():
            lines.append(f"({key}): {_addindent(repr(module), 2)}")
        return "\n  ".join([f"{name}(", *lines]) + "\n)"


def _is_tensor_like(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "__torch_function__")


def _fits(tensor: Tensor, other: Tensor) -> bool:
    """Return whether a tensor can keep its identity with the contents of another."""
    return tensor.device.type == other.device.type or "meta" not in (
        tensor.device.type,
        other.device.type,
    )


def _add(hooks: OrderedDict[int, Callable], hook: Callable, prepend: bool) -> RemovableHandle:
    handle = add_hook(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle
