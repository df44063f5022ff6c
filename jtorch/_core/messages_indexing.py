"""What PyTorch says of indices: of ``x[...]`` and of the operators that take positions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence


def index_out_of_bounds(index: int, dim: int, size: int) -> IndexError:
    """An index does not exist."""
    return IndexError(f"index {index} is out of bounds for dimension {dim} with size {size}")


def scalar_index() -> IndexError:
    """A tensor without dimensions is indexed."""
    return IndexError(
        "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in "
        "C++ to convert a 0-dim tensor to a number"
    )


def too_many_indices(ndim: int) -> IndexError:
    """More dimensions are indexed than there are."""
    return IndexError(f"too many indices for tensor of dimension {ndim}")


def invalid_index(index: object) -> IndexError:
    """Something is no index at all."""
    return IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
        f"indices (got {_type_words(index)})"
    )


def _type_words(value: object) -> str:
    """Return the name of a class as C knows it: with the module for NumPy's."""
    cls = type(value)
    return cls.__name__ if cls.__module__ != "numpy" else f"numpy.{cls.__name__}"


def index_dtype() -> IndexError:
    """A tensor of another dtype is used as an index."""
    return IndexError("tensors used as indices must be long, int, byte or bool tensors")


def mask_shape(mask: Sequence[int], at: int, shape: Sequence[int], dim: int) -> IndexError:
    """A mask does not fit the tensor that it indexes."""
    return IndexError(
        f"The shape of the mask {list(mask)} at index {at} does not match the shape of the indexed "
        f"tensor {list(shape)} at index {dim}"
    )


def indices_do_not_broadcast(shapes: Sequence[Sequence[int]]) -> IndexError:
    """Tensors of positions do not broadcast together."""
    shown = ", ".join(str(list(shape)) for shape in shapes)
    return IndexError(
        f"shape mismatch: indexing tensors could not be broadcast together with shapes {shown}"
    )


def value_does_not_fit(value: Sequence[int], result: Sequence[int]) -> RuntimeError:
    """A value does not broadcast to what it is assigned to."""
    return RuntimeError(
        f"shape mismatch: value tensor of shape {list(value)} cannot be broadcast to indexing "
        f"result of shape {list(result)}"
    )


def put_dtypes(target: str, source: str) -> RuntimeError:
    """A value has another dtype than the tensor that it is put into."""
    return RuntimeError(
        "Index put requires the source and destination dtypes match, got "
        f"{target} for the destination and {source} for the source."
    )


def cannot_assign(value: object, type_name: str) -> TypeError:
    """Something that is neither a number nor a tensor is assigned."""
    return TypeError(f"can't assign a {_type_words(value)} to a torch.{type_name}Tensor")


def overflow(type_name: str) -> RuntimeError:
    """A number does not fit the dtype."""
    return RuntimeError(f"value cannot be converted to type {type_name} without overflow")


def warn_byte_index() -> None:
    """A mask of uint8."""
    warnings.warn(
        "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.",
        UserWarning,
        stacklevel=4,
    )


def warn_sequence_as_tuple() -> None:
    """A list that holds more than numbers is taken for a tuple."""
    warnings.warn(
        "Using a non-tuple sequence for multidimensional indexing is deprecated and will be "
        "changed in pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In pytorch 2.9 this will be "
        "interpreted as tensor index, x[torch.tensor(seq)], which will result either in an error "
        "or a different result",
        UserWarning,
        stacklevel=4,
    )


def warn_expanded_write(name: str, assignment: str) -> None:
    """Elements of an expanded tensor are written by positions or by a mask."""
    warnings.warn(
        f"Use of {name} on expanded tensors is deprecated. Please clone() the tensor before "
        "performing this operation. This also applies to advanced indexing e.g. "
        f"tensor[{assignment}",
        UserWarning,
        stacklevel=4,
    )


def dtype_words(dtype: object) -> str:
    """Return what the words about a number that does not fit call a dtype."""
    return _CPP_NAMES.get(str(dtype).removeprefix("torch."), str(dtype))


_CPP_NAMES = {
    "bool": "bool",
    "uint8": "uint8_t",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int",
    "int64": "int64_t",
    "float16": "at::Half",
    "bfloat16": "at::BFloat16",
    "float32": "float",
    "float64": "double",
    "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}
