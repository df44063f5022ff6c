"""Views that read the same memory as another dtype: ``view(dtype)``, real and complex parts."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtypes
from ..._engine.declare import Autocast, op, publish
from ..._engine.graph.values import Meta, is_tensor
from ..._engine.recording.kinds.base import View
from ..._engine.recording.storage import is_flipped
from . import _messages_views
from .flips import _neg_view, conj
from .split import select


def _as_bytes_of(array: Any, target: np.dtype) -> Any:
    """Return the memory of a contiguous last dimension as another dtype."""
    if array.dtype.kind == "c":
        array = jnp.stack([array.real, array.imag], -1)
        array = array.reshape(*array.shape[:-2], array.shape[-2] * 2) if array.ndim > 1 else array
    if array.dtype == bool:
        array = array.astype(np.uint8)
    wanted = target
    if target.kind == "c":
        wanted = np.dtype(f"f{target.itemsize // 2}")
    if target.kind == "b":
        wanted = np.dtype(np.uint8)
    mine, its = array.dtype.itemsize, wanted.itemsize
    if its > mine:
        ratio = its // mine
        array = array.reshape(*array.shape[:-1], array.shape[-1] // ratio, ratio)
    array = jax.lax.bitcast_convert_type(array, wanted)
    if its < mine:
        array = array.reshape(*array.shape[:-2], array.shape[-2] * array.shape[-1])
    if target.kind == "c":
        pairs = array.reshape(*array.shape[:-1], array.shape[-1] // 2, 2)
        array = jax.lax.complex(pairs[..., 0], pairs[..., 1])
    return array != 0 if target.kind == "b" else array


def _dtype_rule(meta: Meta, dtype: Any) -> tuple:
    mine, its = meta.dtype.itemsize, dtype.itemsize
    if mine == its:
        return meta.shape, meta.strides
    if not meta.ndim:
        raise RuntimeError(
            f"self.dim() cannot be 0 to view {meta.dtype._legacy_name} as {dtype._legacy_name} "
            "(different element sizes)"
        )
    if meta.strides[-1] != 1:
        raise RuntimeError(
            f"self.stride(-1) must be 1 to view {meta.dtype._legacy_name} as {dtype._legacy_name} "
            f"(different element sizes), but got {meta.strides[-1]}"
        )
    if its < mine:
        ratio = mine // its
        strides = [step * ratio for step in meta.strides]
        return (*meta.shape[:-1], meta.shape[-1] * ratio), (*strides[:-1], 1)
    ratio = its // mine
    if meta.shape[-1] % ratio:
        raise RuntimeError(
            f"self.size(-1) must be divisible by {ratio} to view {meta.dtype._legacy_name} as "
            f"{dtype._legacy_name} (different element sizes), but got {meta.shape[-1]}"
        )
    for dim, step in enumerate(meta.strides[:-1]):
        if step % ratio:
            raise RuntimeError(
                f"self.stride({dim}) must be divisible by {ratio} to view "
                f"{meta.dtype._legacy_name} as {dtype._legacy_name} (different element sizes), "
                f"but got {step}"
            )
    strides = [step // ratio for step in meta.strides]
    return (*meta.shape[:-1], meta.shape[-1] // ratio), (*strides[:-1], 1)


def _same_shape(array: Any, target: np.dtype) -> Any:
    """Read elements one by one: for dtypes of one size the strides do not matter."""
    flat = array.reshape(-1)
    return _as_bytes_of(flat, target).reshape(array.shape)


def _dtype_put(base: Any, new: Any, dtype: Any) -> Any:
    if base.dtype.itemsize == new.dtype.itemsize:
        return _same_shape(new, base.dtype)
    return _as_bytes_of(new, base.dtype).reshape(base.shape)


@op(
    "view_dtype(Tensor input, ScalarType dtype)",
    kind=View(
        _dtype_rule,
        put=_dtype_put,
        offset=lambda meta, at, dtype: at * meta.dtype.itemsize // dtype.itemsize,
        dtype=lambda meta, dtype: dtype,
    ),
    arity="view",
    method=False,
    function=False,
    node_name="ViewBackward1",
)
def view_dtype(input, dtype):
    """Return the memory of a tensor read as another dtype."""
    target = dtype._numpy
    if input.dtype == target:
        return input
    if input.dtype.itemsize == target.itemsize:
        return _same_shape(input, target)
    return _as_bytes_of(input, target)


def _real_rule(meta: Meta) -> tuple:
    if not meta.dtype.is_complex:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return (*meta.shape, 2), (*[step * 2 for step in meta.strides], 1)


@op(
    "_view_as_real(Tensor input)",
    kind=View(
        _real_rule,
        put=lambda base, new: jax.lax.complex(new[..., 0], new[..., 1]),
        offset=lambda meta, at: at * 2,
        dtype=lambda meta: meta.dtype.to_real(),
    ),
    arity="view",
    method=False,
    function=False,
    node_name="ViewAsRealBackward0",
)
def _view_as_real(input):
    return jnp.stack([jnp.real(input), jnp.imag(input)], -1)


@op("view_as_real(Tensor input)", method=False, arguments="count")
def view_as_real(input):
    """Return a complex tensor as a real one with a last dimension of 2: real and imaginary parts.

    Returns:
        A view.
    Raises:
        RuntimeError: the tensor is real, or conjugated.
    """
    if is_flipped(input, "_conj"):
        raise _messages_views.conjugated_as_real()
    return _view_as_real.call(input)


def _complex_rule(meta: Meta) -> tuple:
    if meta.dtype not in (dtypes.float16, dtypes.float32, dtypes.float64):
        name = meta.dtype._legacy_name
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a "
            f"tensor of scalar type: {name}"
        )
    if not meta.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if meta.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if meta.strides[-1] != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(step % 2 for step in meta.strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    if meta.dtype is dtypes.float16:
        raise NotImplementedError("half precision complex numbers")
    return meta.shape[:-1], tuple([step // 2 for step in meta.strides[:-1]])


@op(
    "view_as_complex(Tensor input)",
    kind=View(
        _complex_rule,
        put=lambda base, new: jnp.stack([jnp.real(new), jnp.imag(new)], -1),
        offset=lambda meta, at: at // 2,
        dtype=lambda meta: meta.dtype.to_complex(),
    ),
    arity="view",
    method=False,
    autocast=Autocast(cpu="float32"),
)
def view_as_complex(input):
    """Return a real tensor with a last dimension of 2 as a complex one.

    Returns:
        A view.
    """
    return jax.lax.complex(input[..., 0], input[..., 1])


def _pairs(input: Any) -> Any:
    """Return a complex tensor's parts as PyTorch views them, of a conjugated one those stored."""
    if is_flipped(input, "_conj"):
        return _view_as_real.call(conj(input))
    return _view_as_real.call(input)


def real(input: Any) -> Any:
    """Return the real parts: a view of a complex tensor, a real tensor itself."""
    if not input._value.meta.dtype.is_complex:
        return input
    return select(_pairs(input), -1, 0)


def imag(input: Any) -> Any:
    """Return the imaginary parts of a complex tensor, a view."""
    if not input._value.meta.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    pairs = _pairs(input)
    if is_flipped(input, "_conj"):
        pairs = _neg_view.call(pairs)
    return select(pairs, -1, 1)


def _set_part(part: Any, doc: str) -> property:
    def assign(self, value):
        target = part(self)
        if is_tensor(value):
            target.copy_(value)
        else:
            target.fill_(value)

    return property(part, assign, doc=doc)


publish(
    "real",
    real,
    method=_set_part(real, "The real parts, a view of a complex tensor."),
    refused=("(Tensor input)",),
)
publish(
    "imag",
    imag,
    method=_set_part(imag, "The imaginary parts, a view of a complex tensor."),
    refused=("(Tensor input)",),
)
