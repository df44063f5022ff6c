"""``torch.Tensor``: a handle on a value, or on a place in a storage."""

from __future__ import annotations

import operator
import weakref
from typing import Any

from .._core import messages
from .._core.cpp_names import type_name
from .._core.device import Device
from .._core.dtypes import dtype as DType
from .._core.dtypes import is_inexact
from .._core.schema import messages as schema_messages
from .._core.schema.schema import Schema, set_tensor_type
from .._core.size import Size
from .._engine.backward._messages import requires_grad_in_transform
from .._engine.backward.levels import levels
from .._engine.declare import METHODS, PYTHON_OPERATORS
from .._engine.graph.values import LEAF, NO_GRAD, RESULT, SparseBase, TensorBase, ready
from .._engine.memory.views import check_view
from .._engine.recording import record
from .._engine.recording.dispatch_modes import disabled_operators
from .._engine.recording.overrides import add_plain, without_modes
from .._engine.recording.refusals import method_refused_by
from .._engine.recording.storage import OWN_DTYPE, current_value, extra_of, retire, version_of
from ..ops.shape.views import _as_leaf, detach
from . import _messages, subclasses
from .subclasses import TensorMeta


class Tensor(TensorBase, metaclass=TensorMeta):
    """A multi-dimensional array of elements of one dtype, with gradients.

    Everything about a tensor but its elements is known at once; the elements are computed when
    they are read. ``Tensor(2, 3)`` makes an uninitialised one of that size, and
    ``Tensor([1.0, 2.0])`` one of that content, both of the default dtype.
    """

    __slots__ = ("_value", "_alias", "_writes", "_extra", "__dict__", "__weakref__")
    __module__ = "torch"
    __array_priority__ = 1000
    __torch_function__ = classmethod(subclasses.torch_function)
    __torch_dispatch__ = disabled_operators

    def __new__(cls, *args: Any, **kwargs: Any) -> Tensor:
        from .constructors import legacy_constructor

        return legacy_constructor(cls, *args, **kwargs)

    # What is known at once

    @property
    def shape(self) -> Size:
        """The sizes of the dimensions."""
        return self._value.meta.size

    @property
    def dtype(self) -> DType:
        """The dtype of the elements."""
        return self._value.meta.dtype

    @property
    def device(self) -> Device:
        """Where the elements are."""
        return self._value.meta.device

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._value.meta.ndim

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._value.meta.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._value.meta.nbytes

    @property
    def _version(self) -> int:
        if self._value.meta.inference:
            raise messages.inference_version()
        return version_of(self)

    @property
    def _base(self) -> Tensor | None:
        alias = self._alias
        return None if alias is None else alias.base

    def size(self, dim: int | None = None) -> Size | int:
        """Return the shape, or the size of one dimension."""
        size = self._value.meta.size
        if dim is None:
            return size
        if dim.__class__ is not int:
            dim = _dimension(dim, "size")
        if not -len(size) <= dim < len(size):
            raise messages.no_such_dim(dim, len(size))
        return size[dim]

    def stride(self, dim: int | None = None) -> tuple[int, ...] | int:
        """Return the strides in elements, or that of one dimension."""
        strides = self._value.meta.strides
        if dim is None:
            return strides
        if dim.__class__ is not int:
            dim = _dimension(dim, "stride")
        if not -len(strides) <= dim < len(strides):
            raise messages.no_such_dim(dim, len(strides))
        return strides[dim]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self._value.meta.ndim

    ndimension = dim

    def numel(self) -> int:
        """Return the number of elements."""
        return self._value.meta.numel

    nelement = numel

    @method_refused_by("(Tensor input)")
    def element_size(self) -> int:
        """Return the bytes of one element."""
        return self._value.meta.dtype.itemsize

    # Gradients

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to or through this tensor."""
        return current_value(self).meta.grad != NO_GRAD

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        self.requires_grad_(bool(flag))

    @method_refused_by("(Tensor input, bool requires_grad=True)")
    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Make a leaf require grad, or no longer.

        Raises:
            RuntimeError: the tensor is a result, or its dtype has no gradients.
        """
        if requires_grad is not True and requires_grad is not False:
            raise TypeError  # which the signature explains
        if levels.stack:
            raise requires_grad_in_transform()
        return require_grad(self, requires_grad)

    @property
    def is_leaf(self) -> bool:
        """Whether it is not the result of a recorded operator."""
        value = current_value(self)
        if self._alias is not None and self._alias.remark is not None:
            check_view(self)
        return value.meta.grad != RESULT

    @property
    def grad(self) -> Tensor | None:
        """The gradient that ``backward()`` accumulated here."""
        extra = self._extra
        if extra is not None and (extra.grad is not None or extra.retains_grad):
            return extra.grad
        if self._value.meta.grad == RESULT:
            _messages.warn_grad_of_result()
        return None

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            _check_grad(self, value)
        extra_of(self).grad = value

    @grad.deleter
    def grad(self) -> None:
        extra_of(self).grad = None

    _grad = grad

    @property
    def data(self) -> Tensor:
        """The same elements, without history."""
        from .._engine.memory.views import data_of

        return data_of(self)

    @data.setter
    def data(self, value: Tensor) -> None:
        from .._engine.memory.adoption import set_data

        set_data(self, value)

    def __hash__(self) -> int:
        return id(self)


_OF_DIMENSION = {name: Schema(f"{name}(Tensor input, int64_t dim)") for name in ("size", "stride")}


def _dimension(dim: Any, name: str) -> int:
    """Return the number of a dimension that is no plain int, such as one of NumPy."""
    _, bound = _OF_DIMENSION[name].bind((dim,), {}, True)
    return operator.index(bound["dim"])


def require_grad(tensor: Any, requires_grad: bool = True) -> Any:
    """Make a leaf require grad, or no longer; see ``Tensor.requires_grad_``."""
    value = current_value(tensor)
    meta = value.meta
    if meta.grad == RESULT:
        if requires_grad:
            return tensor
        raise messages.not_a_leaf_flag()
    if bool(requires_grad) == (meta.grad == LEAF):
        if requires_grad and value.owner() is None:
            # A view made without grad mode has the flag of its base, and is a leaf from now on.
            value.owner = weakref.ref(tensor)
            _separate_leaf(tensor, value)
        return tensor
    if requires_grad and meta.inference and not record.local.trace.mode.inference:
        raise messages.inference_requires_grad()
    if requires_grad and not is_inexact(meta.dtype):
        raise messages.integer_requires_grad_flag()
    if not requires_grad:
        retire(value)
    if value.array is None:
        with without_modes():
            value = record.record(_AS_LEAF if requires_grad else _AS_CONSTANT, (tensor,), {})
    else:
        value = ready(value.array, meta.with_grad(LEAF if requires_grad else NO_GRAD))
    if requires_grad:
        value.owner = weakref.ref(tensor)
    tensor._value = value
    _separate_leaf(tensor, value)
    return tensor


def _separate_leaf(tensor: Any, value: Any) -> None:
    """Note that a tensor is a leaf: what a view shares then is the memory, not the history."""
    alias = tensor._alias
    if alias is None:
        return
    if alias.steps:
        from .._engine.memory.views import make_leaf_view

        make_leaf_view(tensor, value)
    else:
        alias.storage.value = value


def _check_grad(tensor: Tensor, grad: Any) -> None:
    if not isinstance(grad, Tensor):
        raise TypeError(
            "assigned grad expected to be a Tensor or None but got grad of type "
            + schema_messages.type_name(grad)
        )
    if grad is tensor:
        raise RuntimeError("can't assign Variable as its own grad")
    mine = tensor._value.meta
    its: Any = grad if isinstance(grad, SparseBase) else grad._value.meta
    extra = tensor._extra
    wanted = mine.dtype if extra is None or extra.grad_dtype is OWN_DTYPE else extra.grad_dtype
    if its.dtype is not wanted and wanted is not None:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{type_name(its.dtype)}' to a tensor with "
            f"grad_dtype '{wanted._legacy_name}'. The gradient must match the tensor's "
            "grad_dtype (defaults to the tensor's dtype). You can set the tensor's grad_dtype "
            "attribute with a specific dtype, or None to allow any dtype. Set grad_dtype with "
            "caution. Diverging the dtypes of a tensor and its gradient may break downstream "
            "systems that assume they match."
        )
    if its.device is not mine.device:
        raise RuntimeError(
            f"attempting to assign a gradient with device type '{its.device.type}' to a tensor "
            f"with device type '{mine.device.type}'. Please ensure that the gradient and the "
            "tensor are on the same device"
        )
    if its.shape != mine.shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{list(its.shape)}' to a tensor of size "
            f"'{list(mine.shape)}'. Please ensure that the gradient and the tensor are the same "
            "size"
        )


# What the recorders read: the slot; subclasses that override calls have a property there.
Tensor._operand = Tensor.__dict__["_value"]  # type: ignore[attr-defined]
subclasses.set_tensor_class(Tensor)
add_plain(Tensor, Size, DType, Device)

_AS_LEAF = _as_leaf
_AS_CONSTANT = detach

record.set_tensor_class(Tensor)
set_tensor_type(Tensor)


def attach_methods() -> None:
    """Give ``Tensor`` what every operator declares: methods and Python's operators."""
    for name, method in METHODS.items():
        if name not in Tensor.__dict__:
            setattr(Tensor, name, method)
    for name, method in PYTHON_OPERATORS.items():
        setattr(Tensor, name, method)
    subclasses.complete(Tensor)
