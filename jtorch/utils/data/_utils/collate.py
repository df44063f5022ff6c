"""Making a batch of a list of samples."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ...._core import dtypes
from ...._tensor.constructors import as_tensor, tensor
from ...._tensor.tensor import Tensor
from ....ops.shape.joining import stack

#: Matches the types of NumPy's arrays that hold text or objects; read by other libraries.
np_str_obj_array_pattern = re.compile(r"[SaUO]")
_NUMPY_TEXT = ("str_", "string_")


def rebuilt(data: Any, convert: Callable[[Any, int | str], Any], items: Any = None) -> Any:
    """Return a container like ``data`` with converted content, of its own type where that works.

    Args:
        data: a mapping, a tuple or another sequence. A tuple without names becomes a list.
        convert: called with each element and its key or place.
        items: what to convert instead of the elements of a sequence, in order.
    Raises:
        LookupError: ``data`` is no container.
    """
    kind: Any = type(data)
    if isinstance(data, Mapping):
        content = {key: convert(data[key], key) for key in data}
        try:
            if isinstance(data, MutableMapping):
                clone: Any = copy.copy(data)  # it may have more to it than its items
                clone.update(content)
                return clone
            return kind(content)
        except TypeError:
            return content
    if not isinstance(data, Sequence) or isinstance(data, (str, bytes)):
        raise LookupError
    parts = [convert(each, place) for place, each in enumerate(data if items is None else items)]
    if isinstance(data, tuple):
        return kind(*parts) if hasattr(data, "_fields") else parts
    try:
        if isinstance(data, MutableSequence):
            clone = copy.copy(data)
            for place, part in enumerate(parts):
                clone[place] = part
            return clone
        return kind(parts)
    except TypeError:
        return parts


def default_convert(data: Any) -> Any:
    """Turn NumPy arrays and numbers into tensors, in containers too; leave all else alone.

    What a ``DataLoader`` does with a sample where it makes no batches.
    """
    kind = type(data)
    if isinstance(data, Tensor):
        return data
    if kind.__module__ == "numpy" and kind.__name__ not in _NUMPY_TEXT:
        if kind.__name__ == "ndarray" and np_str_obj_array_pattern.search(data.dtype.str):
            return data
        return as_tensor(data)
    try:
        return rebuilt(data, lambda item, _: default_convert(item))
    except LookupError:
        return data


def _refused(what: Any) -> TypeError:
    return TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, "
        f"dicts or lists; found {what}"
    )


def collate(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Make a batch of samples: lists of tensors become tensors, containers keep their form.

    Args:
        batch: a list of samples that are alike.
        collate_fn_map: for a type (or a tuple of them) the function that makes a batch of elements
            of the type, called with the list and ``collate_fn_map=``.
    Raises:
        TypeError: there is no function for an element.
        RuntimeError: sequences differ in length.
    """
    first = batch[0]
    if collate_fn_map is not None:
        collate_of_type = collate_fn_map.get(type(first))
        if collate_of_type is not None:
            return collate_of_type(batch, collate_fn_map=collate_fn_map)
        for kind, function in collate_fn_map.items():
            if isinstance(first, kind):
                return function(batch, collate_fn_map=collate_fn_map)

    def together(samples: Any, _: Any = None) -> Any:
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return rebuilt(first, lambda _, key: together([sample[key] for sample in batch]))
    if not isinstance(first, Sequence):
        raise _refused(type(first))
    if not (isinstance(first, tuple) and hasattr(first, "_fields")):
        samples = iter(batch)
        length = len(next(samples))
        if not all(len(sample) == length for sample in samples):
            raise RuntimeError("each element in list of batch should be of equal size")
    return rebuilt(first, together, items=zip(*batch))


def collate_tensor_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Stack tensors along a new first dimension."""
    return stack.call(batch, 0)


def collate_numpy_array_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Stack NumPy arrays along a new first dimension, as a tensor."""
    first = batch[0]
    if np_str_obj_array_pattern.search(first.dtype.str):
        raise _refused(first.dtype)
    tensors = [as_tensor(array) for array in batch]
    return collate(tensors, collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Make a tensor of NumPy numbers."""
    return as_tensor(batch)


def collate_float_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Make a float64 tensor of floats."""
    return tensor(batch, dtype=dtypes.float64)


def collate_int_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Make a tensor of ints."""
    return tensor(batch)


def collate_str_fn(batch: Any, *, collate_fn_map: Any = None) -> Any:
    """Leave texts as they are."""
    return batch


default_collate_fn_map: dict[Any, Callable] = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Any) -> Any:
    """Make a batch of samples, as a ``DataLoader`` does by default.

    Args:
        batch: a list of samples: tensors, arrays, numbers, texts, or mappings, named tuples and
            sequences of such.
    Returns:
        Tensors with a new first dimension, in the samples' form; texts stay lists.
    Raises:
        TypeError: a sample is of a type that has no batches.
        RuntimeError: the samples differ in shape or length.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
