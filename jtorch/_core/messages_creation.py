"""Messages about making tensors: PyTorch's words, by name."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import OutOfMemoryError

#: What C++ calls the dtypes, in the messages that name one so.
_CPP_NAMES = {
    "bool": "bool",
    "uint8": "uint8_t",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int",
    "int64": "int64_t",
    "uint16": "uint16_t",
    "uint32": "uint32_t",
    "uint64": "uint64_t",
    "float16": "at::Half",
    "bfloat16": "at::BFloat16",
    "float32": "float",
    "float64": "double",
    "complex64": "c10::complex<float>",
    "complex128": "c10::complex<double>",
}


def cpp_name(dtype_name: str) -> str:
    """Return the C++ name of a dtype."""
    return _CPP_NAMES.get(dtype_name, dtype_name)


def value_overflow(name: str) -> RuntimeError:
    """A number does not fit the dtype, named as the place that complains names it."""
    return RuntimeError(f"value cannot be converted to type {name} without overflow")


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


def pinned() -> RuntimeError:
    """``pin_memory=True`` without an accelerator."""
    return RuntimeError(
        "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator "
        "is available on this system."
    )


def negative_size(function: str) -> RuntimeError:
    """A negative size."""
    return RuntimeError(f"{function}: Dimension size must be non-negative.")


def negative_dimension(size: Sequence[int]) -> RuntimeError:
    """A negative size, in the words of what allocates memory."""
    bad = next(n for n in size if n < 0)
    return RuntimeError(f"Trying to create tensor with negative dimension {bad}: {list(size)}")


def out_of_memory(nbytes: int) -> RuntimeError:
    """More memory than there is."""
    return RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: "
        f"you tried to allocate {nbytes} bytes. Error code 12 (Cannot allocate memory)"
    )


def out_of_device_memory(nbytes: int) -> OutOfMemoryError:
    """More memory than a GPU has left."""
    size, unit = float(nbytes), "bytes"
    for larger in ("KiB", "MiB", "GiB"):
        if size > 1024:
            size, unit = size / 1024, larger
    shown = f"{nbytes} bytes" if unit == "bytes" else f"{size:.2f} {unit}"
    return OutOfMemoryError(f"CUDA out of memory. Tried to allocate {shown}.")


def size_overflow(size: Sequence[int], strides: Sequence[int] | None = None) -> RuntimeError:
    """More memory than numbers of 64 bits can say."""
    text = f"Storage size calculation overflowed with sizes={list(size)}"
    return RuntimeError(text if strides is None else f"{text} and strides={list(strides)}")


def out_dtype(dtype: str, out: str) -> RuntimeError:
    """``dtype=`` is not that of ``out=``."""
    return RuntimeError(f"dtype {dtype} does not match dtype of out parameter ({out})")


def fill_gradient(name: str) -> RuntimeError:
    """``out=`` of something that requires grad."""
    return RuntimeError(
        f"aten::{name}(): functions with out=... arguments don't support automatic "
        "differentiation, but one of the arguments requires grad."
    )


def no_cuda() -> AssertionError:
    """CUDA is asked of a build that has none."""
    return AssertionError("Torch not compiled with CUDA enabled")


def no_accelerator() -> RuntimeError:
    """A bare ordinal number names a device of an accelerator that is not there."""
    return RuntimeError("Cannot access accelerator device when none is available.")


def bad_ordinal() -> RuntimeError:
    """A GPU of a number that does not exist."""
    return RuntimeError(
        "CUDA error: invalid device ordinal\nGPU device may be out of range, do you have enough "
        "GPUs?\nCUDA kernel errors might be asynchronously reported at some other API call, so the "
        "stacktrace below might be incorrect.\nFor debugging consider passing "
        "CUDA_LAUNCH_BLOCKING=1\nCompile with `TORCH_USE_CUDA_DSA` to enable device-side "
        "assertions.\n"
    )
