"""Tensors of arrays of JAX, and arrays of JAX of tensors; neither copies on the same device.

An array of JAX never changes, and a tensor whose elements are written to gets new ones: so both may
have the same memory. A program overwrites what only a tensor holds (``execution/donation``); an
array that is held elsewhere too is copied before that.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxlib._jax import ArrayImpl

from ..._core.device import CPU, META, Device
from ..._core.dtypes import BY_NUMPY
from ..._core.dtypes import dtype as DType
from ..execution import devices, transfer
from ..graph.values import NO_GRAD, Meta, TensorBase, Value, is_tensor, make_meta
from ..recording import record
from ..recording.storage import current_value
from ..recording.trace import local, materialise

#: Metas by shape, dtype and device of arrays that lie where programs run.
_known_metas: dict[tuple, Meta] = {}
_MOST_METAS = 10_000


def is_jax(value: object) -> bool:
    """Tell whether something is an array of JAX, or a tracer that stands for one."""
    return value.__class__ is ArrayImpl or isinstance(value, jax.Array)


def is_traced(value: object) -> bool:
    """Tell whether something is a tracer of JAX."""
    return value.__class__ is not ArrayImpl and isinstance(value, Tracer)


def dtype_of(array: Any) -> DType:
    """Return the dtype of an array of JAX.

    Raises:
        TypeError: tensors have no such dtype.
    """
    found = BY_NUMPY.get(array.dtype)
    if found is None:
        more = ""
        if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
            more = "; jax.random.key_data gives the numbers of a key"
        raise TypeError(f"a tensor cannot have the dtype {array.dtype} of a JAX array{more}")
    return found


def from_jax(array: Any) -> Any:
    """Return a tensor with the elements of an array of JAX, in the same memory.

    Args:
        array: on one device. What lies on a device of the host that jtorch does not use is copied.
    Raises:
        TypeError: it is a tracer, no array of JAX, or of a dtype that tensors do not have.
        ValueError: it is spread over several devices.
    """
    if array.__class__ is not ArrayImpl:
        if isinstance(array, Tracer):
            raise traced()
        if not isinstance(array, jax.Array):
            raise TypeError(f"expected a JAX array, got {type(array).__name__}")
    form = array.shape, array.dtype, array.device
    meta = _known_metas.get(form)
    if meta is None:
        with jax.ensure_compile_time_eval():
            device, array = _moved(array, form[2])
        meta = make_meta(array.shape, dtype_of(array), device)
        if array.device == form[2]:
            if len(_known_metas) >= _MOST_METAS:
                _known_metas.clear()
            _known_metas[form] = meta
    return record.fresh(array, meta)


def traced() -> TypeError:
    """A tracer of JAX is given where a tensor has to be made."""
    return TypeError(
        "a tensor cannot be made of a tracer of JAX, whose elements are not known: give the "
        "function of tensors to jtorch.interop.as_jax, or the module to jtorch.interop.functional, "
        "and transform what that returns"
    )


def _moved(array: Any, place: Any) -> tuple[Device, Any]:
    """Return the device of an array, and the array where the programs of that device run."""
    if not isinstance(place, jax.Device):
        if len(array.sharding.device_set) > 1:
            raise ValueError(
                f"a tensor lies on one device, the JAX array on {len(array.sharding.device_set)}: "
                "bring it to one first, with jax.device_put(array, device)"
            )
        place = next(iter(array.sharding.device_set))
    accelerators = devices.gpus()
    if place in accelerators:
        device = Device("cuda", accelerators.index(place))
    elif place.platform == "cpu":
        device = CPU
    else:
        raise NotImplementedError(
            f"jtorch has the devices cpu, cuda and meta; the JAX array is on '{place}'"
        )
    runs = devices.jax_device(device)
    return device, array if place == runs else jax.device_put(array, runs)


def to_jax(tensor: Any) -> Any:
    """Return an array of JAX with the elements of a tensor, which is computed where it is pending.

    Args:
        tensor: of any device but ``meta``. No gradient flows through the array. It must not be
            donated (``donate_argnums``) as long as the tensor is used.
    Raises:
        TypeError: it is no tensor, or one without elements.
        RuntimeError: its elements are not known, inside of a transform.
    """
    if not is_tensor(tensor):
        if isinstance(tensor, TensorBase):
            raise TypeError(
                "a sparse tensor is no array of JAX: give its indices() and its values()"
            )
        raise TypeError(f"expected a tensor, got {type(tensor).__name__}")
    value = tensor._value if tensor._alias is None else current_value(tensor)
    array = value.array
    if array.__class__ is ArrayImpl:
        return array
    if value.meta.device is META:
        raise TypeError("a tensor of the device meta has no elements for a JAX array")
    with jax.ensure_compile_time_eval():  # not as a part of what JAX may be tracing
        array = _computed(value)
        if array.__class__ is np.ndarray:
            # Kept: whoever asks again gets the same, and programs take it as well as NumPy's.
            array = transfer.place(array, value.meta.device)
            if value.array.__class__ is np.ndarray:
                value.array = array
    return array


def _computed(value: Value) -> Any:
    if not local.trace.captures:
        return materialise(value, "used by JAX")
    try:
        return materialise(value, "used by JAX")
    except RuntimeError as error:
        raise RuntimeError(
            "a function of JAX is given a tensor whose elements are not known, inside of a "
            "transform of torch.func or a function of jtorch.interop: make an operator of the "
            "function with jtorch.interop.as_operator"
        ) from error


def as_operand(tensor: Any) -> Any:
    """Return the array of a tensor for a function of JAX that was given the tensor itself.

    Raises:
        RuntimeError: gradients flow through the tensor, which would end there unseen.
    """
    if current_value(tensor).meta.grad != NO_GRAD and local.trace.mode.grad:
        raise RuntimeError(
            "a function of JAX is given a tensor that requires grad, which it cannot lead back to: "
            "make an operator of the function with jtorch.interop.as_operator, or give it "
            "tensor.detach()"
        )
    return to_jax(tensor)


def register(cls: type) -> None:
    """Let JAX's functions see tensors of a class as their arrays, within nested containers too.

    What is put together again from such a tree holds arrays (or tracers) in the place of tensors.
    """
    jax.tree_util.register_pytree_node(
        cls,
        lambda tensor: ((as_operand(tensor),), None),
        lambda _, children: children[0],
    )
