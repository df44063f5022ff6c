"""What an operator yields: ``Meta`` (all that is known at once) and ``Value`` (the array to be)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeGuard

from ..._core.device import Device
from ..._core.dtypes import dtype as DType
from ..._core.size import Size
from ..._core.strides import contiguous_strides, is_contiguous

#: How a value takes part in differentiation: not at all, as a leaf, or as a recorded result.
NO_GRAD, LEAF, RESULT = 0, 1, 2


class TensorBase:
    """Base of ``torch.Tensor``, by which the layers below that class know a tensor."""

    __slots__ = ()
    __module__ = "torch._C"


class SparseBase(TensorBase):
    """Base of sparse tensors: they hold no value of their own, but tensors of indices and values.

    What reads their value gets ``NotPlain``, by which a call leaves the usual path.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def is_tensor(value: object) -> TypeGuard[Any]:
    """Tell whether a value is a tensor of this library (an array of JAX is not).

    A parameter without a shape yet has no value, and is none.
    """
    return isinstance(value, TensorBase) and hasattr(value, "_value")


class Meta:
    """Everything about a tensor that does not depend on its elements.

    Metas are interned: two of equal content are one object, so that a trie key may hold a Meta and
    compare it by identity.

    Attributes:
        shape: tuple of ints.
        size: the same as a ``torch.Size``.
        dtype, device: as PyTorch names them.
        strides: in elements.
        grad: ``NO_GRAD``, ``LEAF`` or ``RESULT``.
        inference: whether it was made in ``inference_mode``.
    """

    __slots__ = (
        "shape",
        "dtype",
        "device",
        "strides",
        "grad",
        "inference",
        "size",
        "ndim",
        "numel",
        "nbytes",
        "_by_grad",
        "_contiguous",
    )

    def __init__(
        self, shape: Any, dtype: Any, device: Any, strides: Any, grad: Any, inference: bool
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.device = device
        self.strides = strides
        self.grad = grad
        self.inference = inference
        self.size = Size(shape)
        self.ndim = len(shape)
        self.numel = math.prod(shape)
        self.nbytes = self.numel * dtype.itemsize
        self._by_grad: list[Meta | None] = [None, None, None]
        self._contiguous: bool | None = None

    def __repr__(self) -> str:
        grad = ("", " leaf", " result")[self.grad]
        return f"<{self.dtype} {list(self.shape)} on {self.device}{grad}>"

    def with_grad(self, grad: int) -> Meta:
        """Return the same meta with another part in differentiation."""
        other = self._by_grad[grad]
        if other is None:
            other = make_meta(
                self.shape, self.dtype, self.device, self.strides, grad, self.inference
            )
            self._by_grad[grad] = other
        return other

    def with_inference(self, inference: bool) -> Meta:
        """Return the same meta of a tensor that was made in ``inference_mode``, or outside."""
        if inference is self.inference:
            return self
        return make_meta(self.shape, self.dtype, self.device, self.strides, self.grad, inference)

    @property
    def contiguous(self) -> bool:
        if self._contiguous is None:
            self._contiguous = is_contiguous(self.shape, self.strides)
        return self._contiguous


_METAS: dict[tuple, Meta] = {}


def make_meta(
    shape: tuple[int, ...],
    dtype: DType,
    device: Device,
    strides: tuple[int, ...] | None = None,
    grad: int = NO_GRAD,
    inference: bool = False,
) -> Meta:
    """Return the one Meta of this content; contiguous strides unless given."""
    if strides is None:
        strides = contiguous_strides(shape)
    key = (shape, dtype, device, strides, grad, inference)
    meta = _METAS.get(key)
    if meta is None:
        if len(_METAS) > 200_000:
            # Live tries and values hold the metas that they use. A forgotten one that is made
            # again costs a program, never a wrong result.
            _METAS.clear()
        meta = _METAS[key] = Meta(shape, dtype, device, strides, grad, inference)
    return meta


class Value:
    """An immutable array, pending in a trace or ready.

    Attributes:
        place: ``trace.base + reference`` of the trace that last used it. One attribute, so that a
            thread reads the trace and the slot together.
        meta: its Meta.
        segment: the segment that recorded it (pending, or differentiable), else ``None``.
        slot: its slot in that segment.
        array: ``jax.Array`` or ``numpy.ndarray`` when ready, ``None`` while pending.
        owner: for a leaf, a weak reference to its tensor (unset otherwise).
        memory: what became of the memory that it was read from (a ``memory.Memory``); unset until
            that matters.
    """

    __slots__ = ("place", "meta", "segment", "slot", "array", "owner", "memory")

    array: Any
    owner: Any
    memory: Any

    def __init__(self, place: int, meta: Meta, segment: Any, slot: int):
        self.place = place
        self.meta = meta
        self.segment = segment
        self.slot = slot
        self.array = None


def ready(array: Any, meta: Meta) -> Value:
    """Wrap an array that exists."""
    value = Value(0, meta, None, 0)
    value.array = array
    return value
