"""What PyTorch says about data that becomes a tensor, and about indices."""

from __future__ import annotations

import warnings
from collections.abc import Sequence


def long_overflow() -> ValueError:
    """An int does not fit in 64 bits."""
    return ValueError("Overflow when unpacking long long")


def cannot_infer(value: object) -> RuntimeError:
    """Data of a type that no dtype belongs to."""
    cls = type(value)
    qualified = cls.__name__
    if cls.__module__ == "decimal":
        qualified = f"{cls.__module__}.{cls.__name__}"  # its C type says so
    return RuntimeError(f"Could not infer dtype of {qualified}")


def invalid_data(value: object) -> TypeError:
    """Text as data."""
    return TypeError(f"new(): invalid data type '{type(value).__name__}'")


def too_many_dimensions(value: object) -> ValueError:
    """Data nested too deep."""
    return ValueError(f"too many dimensions '{type(value).__name__}'")


def ragged(expected: int, dim: int, got: int) -> ValueError:
    """Sequences of different lengths."""
    return ValueError(f"expected sequence of length {expected} at dim {dim} (got {got})")


def numpy_type(dtype: object) -> TypeError:
    """A NumPy array of a dtype that PyTorch lacks."""
    name = getattr(dtype, "type", type(dtype)).__name__
    return TypeError(
        f"can't convert np.ndarray of type numpy.{name}. The only supported types are: float64, "
        "float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, "
        "uint16, uint8, and bool."
    )


def numpy_negative_stride() -> ValueError:
    """A NumPy array that runs backwards."""
    return ValueError(
        "At least one stride in the given numpy array is negative, and tensors with negative "
        "strides are not currently supported. (You can probably work around this by making a copy "
        "of your array  with array.copy().) "
    )


def numpy_byte_order() -> ValueError:
    """A NumPy array of the other byte order."""
    return ValueError(
        "given numpy array has byte order different from the native byte order. Conversion between "
        "byte orders is currently not supported."
    )


def numpy_stride_unit() -> ValueError:
    """A NumPy array whose strides are no multiples of its elements."""
    return ValueError(
        "given numpy array strides not a multiple of the element byte size. Copy the numpy array "
        "to reallocate the memory."
    )


def copy_construct(function: str) -> str:
    """A tensor given to a function that takes data."""
    return (
        "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() "
        "or sourceTensor.detach().clone().requires_grad_(True), rather than "
        f"{function}(sourceTensor)."
    )


def list_of_arrays() -> str:
    """A list of NumPy arrays given as data."""
    return (
        "Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider "
        "converting the list to a single numpy.ndarray with numpy.array() before converting to a "
        "tensor."
    )


def not_writable() -> str:
    """A NumPy array that must not be written to is shared."""
    return (
        "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. "
        "This means writing to this tensor will result in undefined behavior. You may want to copy "
        "the array to protect its data or make it writable before converting it to a tensor. This "
        "type of warning will be suppressed for the rest of this program."
    )


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


def cannot_assign(value: object, type_name: str) -> TypeError:
    """Something that is neither a number nor a tensor is assigned."""
    return TypeError(f"can't assign a {_type_words(value)} to a torch.{type_name}Tensor")


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


def warn_grad_of_result() -> None:
    """``.grad`` of a result, which ``backward()`` does not fill."""
    warnings.warn(
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
        "attribute won't be populated during autograd.backward(). If you indeed want the .grad "
        "field to be populated for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. "
        "If you access the non-leaf Tensor by mistake, make sure you access the leaf Tensor "
        "instead. See github.com/pytorch/pytorch/pull/30531 for more information.",
        UserWarning,
        stacklevel=3,
    )
