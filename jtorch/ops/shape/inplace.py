"""In-place forms that change how a tensor lies in memory, not what the memory holds."""

from __future__ import annotations

import copy
import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core.cpp_names import type_name
from ..._core.schema.schema import Schema
from ..._core.strides import memory_order
from ..._engine.declare import publish, under_name
from ..._engine.graph.op import Op
from ..._engine.graph.values import LEAF, NO_GRAD, RESULT, is_tensor, make_meta, ready
from ..._engine.memory.chains import with_history
from ..._engine.memory.views import make_view, share_memory_of
from ..._engine.memory.write_checks import check_write
from ..._engine.recording.storage import (
    Alias,
    count_write,
    current_value,
    retire,
    storage_of,
    version_of,
)
from ..._engine.recording.trace import materialise
from . import _messages_views
from .strided import (
    AS_STRIDED_SIGNATURE,
    _as_strided,
    as_strided,
    in_place_view,
    memory_extent,
    strided_view,
)
from .views import squeeze, swapaxes, t, transpose, unsqueeze


def _become(tensor: Any, view: Callable[[], Any]) -> Any:
    """Let a tensor be what a view of it is, and count that as a write.

    Args:
        tensor: the tensor.
        view: returns the view.
    """
    view()  # raises where it does, before anything is counted
    storage = storage_of(tensor)
    counted = storage.counted
    write_nothing(tensor)
    if tensor._alias.steps:
        storage.counted = counted  # it keeps its history
    old, viewed = current_value(tensor), view()
    value = viewed._value
    if old.meta.grad == RESULT and value.meta.grad != RESULT:
        value = with_history(old, value)  # autograd does not see it
    elif value.meta.grad == LEAF:
        value.owner = weakref.ref(tensor)
    mine, its = tensor._alias, viewed._alias
    base = mine.base
    alias = Alias(its.storage, its.steps, base)
    alias.counter = mine.counter
    alias.remark = mine.remark
    alias.leaf = mine.leaf or value.meta.grad == LEAF
    tensor._alias = alias
    tensor._value = value
    return tensor


def write_nothing(tensor: Any) -> None:
    """Count a write to a tensor of which every element stays as it is."""
    part = tensor.detach()
    if not part.dim():
        part = part.unsqueeze(0)
    part[0:0].zero_()


def _variant(entry: Op, node_name: str) -> Callable:
    """Return the method of a view operator whose ``grad_fn`` has another name."""
    twin = in_place_view(entry, node_name)
    twin.kind = copy.copy(twin.kind)
    twin.kind.names = None  # type: ignore[attr-defined]
    return make_view(twin, True)


def _inplace(name: str, view: Callable) -> Callable:
    view = under_name(view, name)

    def call(self, *args, **kwargs):
        check_write(self)
        return _become(self, lambda: view(self, *args, **kwargs))

    call.__name__ = call.__qualname__ = name
    call.__module__ = "torch"
    call.__doc__ = f"Do ``{name.removesuffix('_')}`` in place: the tensor itself changes its shape."
    return call


_t = _variant(t, "TBackward1")


def _checked_t(self: Any, *args: Any, **kwargs: Any) -> Any:
    if self.ndim > 2:
        raise RuntimeError(f"t_() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
    return _t(self, *args, **kwargs)


publish("t_", method=_inplace("t_", _checked_t), signatures=("(Tensor input)",))
transpose_ = _inplace("transpose_", _variant(transpose, "TransposeBackward1"))
publish(
    "transpose_",
    method=transpose_,
    signatures=("(Tensor input, int64_t dim0, int64_t dim1)",),
)
publish("swapdims_", method=transpose_, refused=("(Tensor input, int64_t dim0, int64_t dim1)",))
publish(
    "swapaxes_",
    method=_inplace("swapaxes_", _variant(swapaxes, "TransposeBackward1")),
    signatures=("(Tensor input, int64_t axis0, int64_t axis1)",),
)
publish(
    "unsqueeze_",
    method=_inplace("unsqueeze_", _variant(unsqueeze, "UnsqueezeBackward1")),
    signatures=("(Tensor input, int64_t dim)",),
)
as_strided_ = _inplace(
    "as_strided_", functools.partial(strided_view, in_place_view(_as_strided, "AsStridedBackward1"))
)
publish(
    "as_strided_", as_strided_, signatures=(AS_STRIDED_SIGNATURE,), refused=(AS_STRIDED_SIGNATURE,)
)
publish("as_strided_", method=as_strided_, refused=(AS_STRIDED_SIGNATURE,))


#: By which form of ``squeeze`` is called: all dimensions, one, or several.
_SQUEEZES = {n: _variant(squeeze, f"SqueezeBackward{n}") for n in (3, 4, 5)}


def squeeze_(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Drop dimensions of size 1 in place."""
    check_write(self)
    number = 3
    if args or kwargs:
        dim = args[0] if args else next(iter(kwargs.values()))
        number = 5 if isinstance(dim, (tuple, list)) else 4
    return _become(self, lambda: _SQUEEZES[number](self, *args, **kwargs))


def detach_(self: Any) -> Any:
    """Forget the history of a tensor, which becomes a leaf that does not require grad.

    Raises:
        RuntimeError: the tensor is a view.
    """
    if self._alias is not None and self._alias.base is not None:
        raise _messages_views.cannot_detach_view()
    value = current_value(self)
    if value.meta.grad == NO_GRAD:
        return self
    if value.meta.grad == LEAF:
        retire(value)
    detached = self.detach()._value
    alias = self._alias
    self._value = detached
    if not alias.steps:
        alias.storage.value = detached
    return self


publish(
    "squeeze_",
    method=squeeze_,
    refused=("(Tensor input)", "(Tensor input, int64_t dim)", "(Tensor input, IntArrayRef dim)"),
    signatures=(
        "(Tensor input)",
        "(Tensor input, int64_t dim)",
        "(Tensor input, IntArrayRef dim)",
    ),
)
publish("detach_", detach_, method=detach_, refused=("(Tensor input)",))


# Other memory


_RESIZE = "(Tensor input, SymIntArrayRef size, *, MemoryFormat? memory_format=None)"
_RESIZE_SCHEMA = Schema("resize_" + _RESIZE)


def resize_(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Change the shape in place; new elements, where there are more, hold zeros.

    Args:
        *args: the sizes.
    """
    _, bound = _RESIZE_SCHEMA.bind(args, kwargs, True)
    size = tuple(bound["size"])
    value = current_value(self)
    meta = value.meta
    if meta.inference:
        check_write(self)
    if meta.grad != NO_GRAD:
        raise RuntimeError("cannot resize variables that require grad")
    if any(count < 0 for count in size):
        raise RuntimeError("numel: integer multiplication overflow")
    wanted = make_meta(size, meta.dtype, meta.device, inference=meta.inference)
    if wanted.shape == meta.shape:
        return self  # with the strides it has
    shared = storage_of(self)
    offset = self.storage_offset()
    if offset + wanted.numel <= memory_extent(shared.meta):
        return _become(self, lambda: as_strided(self, size, wanted.strides, offset))
    if meta.device.type == "meta":
        raise NotImplementedError("resize_ of a tensor on the meta device")
    order = memory_order(meta.shape, meta.strides)
    array = np.asarray(materialise(value, "resize_"))
    flat = array.transpose(order).reshape(-1) if order is not None else array.reshape(-1)
    grown = np.zeros(wanted.numel, array.dtype)
    grown[: min(flat.size, grown.size)] = flat[: grown.size]
    count_write(self)
    count = version_of(self)
    self._value = ready(grown.reshape(size), wanted)
    self._alias = None
    self._writes = count
    return self


def resize_as_(self: Any, the_template: Any, *, memory_format: Any = None) -> Any:
    """Change the shape in place to that of another tensor."""
    return resize_(self, the_template._value.meta.shape)


def set_(
    self: Any, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = ()
):
    """Let the tensor lie where another tensor, or a storage, does.

    Args:
        source: a tensor or a storage; a new empty storage by default.
        storage_offset, size, stride: how it lies in a storage.
    """
    check_write(self)
    meta = self._value.meta
    if source is None:
        empty = make_meta((0,), meta.dtype, meta.device, inference=meta.inference)
        count = version_of(self) + 1
        self._value = ready(np.zeros((0,), meta.dtype._numpy), empty)
        self._alias = None
        self._writes = count
        return self
    if not is_tensor(source):
        source = source._elements(meta.dtype)
    if source.dtype is not meta.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {type_name(source.dtype)} to a tensor of type "
            f"{type_name(meta.dtype)}"
        )
    if size is not None:
        if not stride:
            stride = make_meta(tuple(size), meta.dtype, meta.device).strides
        source = as_strided(source, size, stride, storage_offset)
    if source is not self:
        # A leaf stays one, as autograd does not see the write.
        share_memory_of(self, source, current_value(self).meta.grad == LEAF)
    count_write(self)
    return self


def fill_diagonal_(self: Any, fill_value: Any, wrap: bool = False) -> Any:
    """Write a number to the main diagonal.

    Args:
        fill_value: the number.
        wrap: whether the diagonal of a tall matrix starts again after its last column.
    """
    meta = self._value.meta
    if meta.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if meta.ndim > 2 and len(set(meta.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    height, width = meta.shape[:2]
    length = min(meta.shape)
    step = sum(meta.strides)
    offset = self.storage_offset()
    as_strided(self, (length,), (step,), offset).fill_(fill_value)
    if wrap and meta.ndim == 2 and height > width + 1:
        count = -(-(height - width - 1) // (width + 1)) * width
        rows = height - width - 1
        count = rows * width // (width + 1) + (rows * width % (width + 1) > 0)
        start = offset + meta.strides[0] * (width + 1)
        as_strided(self, (count,), (step,), start).fill_(fill_value)
    return self


publish("resize_", method=resize_, signatures=(_RESIZE,))
publish(
    "resize_as_",
    resize_as_,
    method=resize_as_,
    refused=("(Tensor input, Tensor the_template, *, MemoryFormat? memory_format=None)",),
)
publish(
    "set_",
    method=set_,
    refused=(
        "(Tensor input)",
        "(Tensor input, Storage source)",
        "(Tensor input, Storage source, SymInt storage_offset, SymIntArrayRef size, "
        "SymIntArrayRef? stride=None)",
        "(Tensor input, Tensor source)",
        "(Tensor input, Tensor source, SymInt storage_offset, SymIntArrayRef size, "
        "SymIntArrayRef? stride=None)",
    ),
)
publish(
    "fill_diagonal_",
    method=fill_diagonal_,
    refused=("(Tensor input, Scalar fill_value, bool wrap=False)",),
)
