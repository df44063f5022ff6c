"""Tensors that a module finds by itself: ``Parameter``, ``Buffer`` and their lazy forms."""

from __future__ import annotations

from typing import Any

import jtorch as torch

from .._engine.memory.adoption import adopt
from .._engine.recording import record
from .._engine.recording.overrides import add_plain, disabled_implementation
from .._tensor.subclasses import TensorMeta
from .._tensor.tensor import Tensor

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


class _ParameterMeta(TensorMeta):
    """Makes tensors of other classes that were marked as parameters count as such."""

    def __instancecheck__(self, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return (
            self is Parameter
            and isinstance(instance, Tensor)
            and getattr(instance, "_is_param", False)
        )


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that belongs to a module: assigned to an attribute, it is one of its parameters.

    Args:
        data: the tensor whose memory it is; an empty one by default.
        requires_grad: whether gradients flow to it.
    """

    __slots__ = ()
    __torch_function__ = disabled_implementation

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        if data is None:
            data = torch.empty(0)
        kind = type(data)
        if kind is Tensor or kind is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)  # type: ignore[attr-defined]
        marked = data.detach()
        if type(marked) is Tensor and issubclass(kind, Tensor):
            marked = marked.as_subclass(kind)
        marked = marked.requires_grad_(requires_grad)
        if type(marked) is not kind:
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {kind.__name__} "
                "requires that detach() returns an instance of the same type, but return "
                f"type {type(marked).__name__} was found instead. To use the type as a "
                "Parameter, please correct the detach() semantics defined by "
                "its __torch_dispatch__() implementation."
            )
        marked._is_param = True
        return marked

    def __deepcopy__(self, memo: dict) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        copied = type(self)(
            self.data.clone(memory_format=torch.preserve_format), self.requires_grad
        )
        memo[id(self)] = copied
        return copied

    def __repr__(self) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()


record.set_parameter_class(Parameter)
add_plain(Parameter)

#: What PyTorch lets one ask of a tensor without a shape; the empty tensor inside answers.
_ANSWERED = frozenset(
    (
        *("size", "is_complex", "is_floating_point", "half", "float", "double", "char", "short"),
        *("int", "long", "cuda", "cpu", "to", "get_device", "dtype", "device", "requires_grad"),
        *("grad", "is_leaf", "grad_fn", "layout", "ndim", "itemsize", "nbytes", "_version"),
        *("is_cuda", "is_cpu", "is_meta", "is_sparse", "is_mkldnn", "is_quantized", "is_nested"),
        *("is_mps", "is_xpu", "is_xla", "is_ipu", "is_maia", "is_mtia", "is_vulkan"),
        *("output_nr", "_base", "_grad"),
    )
)
_OWN = frozenset(("data", "shape", "materialize", "copy_", "share_memory_"))


class UninitializedTensorMixin:
    """What the lazy forms share: a dtype and a device are known, a shape is not yet.

    Until ``materialize``, the object holds no value; what may be asked of it is answered by an
    empty tensor of that dtype on that device.
    """

    __slots__ = ()
    __torch_function__ = disabled_implementation

    cls_to_become: type

    def _stand_in(self) -> Tensor:
        return object.__getattribute__(self, "__dict__")["_inner"]

    def __getattribute__(self, name: str) -> Any:
        if name in _ANSWERED:
            return getattr(self._stand_in(), name)
        if name in Tensor.__dict__ and name[:1] != "_" and name not in _OWN:
            method = f"<method '{name}' of 'torch._C.TensorBase' objects>"

            def refuse(*args: Any, **kwargs: Any) -> Any:
                raise type(self)._refusal(method)

            return refuse
        return object.__getattribute__(self, name)

    @classmethod
    def _refusal(cls, function: str) -> Exception:
        return ValueError(
            f"Attempted to use an uninitialized parameter in {function}. "
            "This error happens when you are using a `LazyModule` or "
            f"explicitly manipulating `torch.nn.parameter.{cls.__name__}` "
            "objects. When using LazyModules Call `forward` with a dummy batch "
            "to initialize the parameters before calling torch functions"
        )

    @property
    def data(self) -> Tensor:
        """The empty tensor that tells dtype and device."""
        return self._stand_in().detach()

    @data.setter
    def data(self, value: Tensor) -> None:
        keeps = self._stand_in().requires_grad
        self.__dict__["_inner"] = value.detach().requires_grad_(keeps)

    @property
    def shape(self) -> Any:
        """Raise: there is none yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. "
            "This error usually happens in `load_state_dict` when trying to load "
            "an uninitialized parameter into an initialized one. "
            "Call `forward` to initialize the parameters before accessing their attributes."
        )

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary parameter or buffer of a shape.

        Args:
            shape: of the tensor.
            device, dtype: by default those that it has.
        """
        inner = self.__dict__.pop("_inner")
        tensor = torch.empty(shape, device=device or inner.device, dtype=dtype or inner.dtype)
        this: Any = self
        this.__class__ = this.cls_to_become
        this._writes = 0
        this._extra = None
        adopt(this, tensor, inner.requires_grad)

    def copy_(self, other: Any, non_blocking: bool = False) -> Any:
        """Copy a tensor that has no elements either."""
        self._stand_in().copy_(_inner_of(other), non_blocking)
        return self

    def share_memory_(self) -> Any:
        """Raise: there is no memory yet."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. "
            "Call `forward` to initialize the parameters before calling "
            "`module.share_memory()`."
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("requires_grad", "grad"):
            setattr(self._stand_in(), name, value)
        else:
            object.__setattr__(self, name, value)

    def __getitem__(self, index: Any) -> Any:
        raise self._refusal("<slot wrapper '__getitem__' of 'torch._C.TensorBase' objects>")

    def __setitem__(self, index: Any, value: Any) -> None:
        raise self._refusal("<slot wrapper '__setitem__' of 'torch._C.TensorBase' objects>")

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol: Any) -> tuple:
        # By a function: ``pickle`` would look for the class in PyTorch, whose name it bears.
        return _remade, (type(self).__name__, self._stand_in().requires_grad)


def _inner_of(tensor: Any) -> Any:
    return tensor._stand_in() if is_lazy(tensor) else tensor


def _make_lazy(cls: type, requires_grad: bool, device: Any, dtype: Any) -> Any:
    parameter: Any = object.__new__(cls)
    inner = torch.empty(0, device=device, dtype=dtype)
    parameter.__dict__["_inner"] = inner.requires_grad_(requires_grad)
    return parameter


def _remade(name: str, requires_grad: bool) -> Any:
    """Return what ``pickle`` wrote: a parameter or buffer without a shape."""
    return globals()[name](requires_grad)


def is_lazy(param: Any) -> bool:
    """Return whether a parameter or buffer is uninitialised."""
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter whose shape is found out when the module is first called.

    Args:
        requires_grad: whether gradients flow to it.
        device, dtype: of the parameter to be.
    """

    __slots__ = ()
    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        return _make_lazy(cls, requires_grad, device, dtype)

    def __deepcopy__(self, memo: dict) -> Any:
        if id(self) not in memo:
            inner = self._stand_in()
            memo[id(self)] = type(self)(inner.requires_grad, inner.device, inner.dtype)
        return memo[id(self)]


class _BufferMeta(TensorMeta):
    """Makes tensors that were marked as buffers count as such."""

    def __instancecheck__(self, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return (
            self is Buffer
            and isinstance(instance, Tensor)
            and getattr(instance, "_is_buffer", False)
        )


class Buffer(Tensor, metaclass=_BufferMeta):
    """Mark a tensor as state of a module that no gradient updates.

    Args:
        data: the tensor whose memory it is; an empty one by default.
        persistent: whether it belongs to ``state_dict``.
    Returns:
        A tensor of the class that ``data`` has, marked.
    """

    __slots__ = ()

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = torch.empty(0)
        marked = data.detach().requires_grad_(data.requires_grad)
        marked.persistent = persistent
        marked._is_buffer = True
        return marked


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc]
    """A buffer whose shape is found out when the module is first called.

    Args:
        requires_grad: whether gradients flow to it.
        device, dtype: of the buffer to be.
        persistent: whether it belongs to ``state_dict``.
    """

    __slots__ = ()
    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> Any:
        buffer = _make_lazy(cls, requires_grad, device, dtype)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer
