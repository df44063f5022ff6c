"""PyTorch's words about Fourier transforms."""

from __future__ import annotations

from ..._core.messages import not_implemented


def data_points(count: int) -> RuntimeError:
    """A transform of no length."""
    return RuntimeError(f"Invalid number of data points ({count}) specified")


def normalisation(mode: str) -> RuntimeError:
    """An unknown ``norm``."""
    return RuntimeError(f'Invalid normalization mode: "{mode}"')


def unsupported(dtype: str) -> RuntimeError:
    """A floating point dtype that is not transformed on a CPU."""
    return RuntimeError(f"Unsupported dtype {dtype}")


def real_input(name: str, dtype: str) -> RuntimeError:
    """A complex input of a transform in one dimension that takes real numbers."""
    return RuntimeError(f"{name} expects a real input tensor, but got {dtype}")


def real_valued_input(name: str, dtype: str) -> RuntimeError:
    """A complex input of a transform in several dimensions that takes real numbers."""
    return RuntimeError(f"{name} expects a real-valued input tensor, but got {dtype}")


def only_floating(dtype: str) -> RuntimeError:
    """A complex input of ``ihfftn``."""
    return RuntimeError(f"Only supports floating-point dtypes, but found: {dtype}")


def complex_output(name: str, dtype: str) -> RuntimeError:
    """An ``out`` that is not complex."""
    return RuntimeError(f"{name} expects a complex output tensor, but got {dtype}")


def floating_output(name: str, dtype: str) -> RuntimeError:
    """An ``out`` that is not real."""
    return RuntimeError(f"{name} expects a floating point output tensor, but got {dtype}")


def repeated_dims() -> RuntimeError:
    """A dimension that is named twice."""
    return RuntimeError("FFT dims must be unique")


def lengths_differ() -> RuntimeError:
    """``s`` and ``dim`` of different lengths."""
    return RuntimeError("When given, dim and shape arguments must have the same length")


def too_long(values: int, ndim: int) -> RuntimeError:
    """An ``s`` with more values than there are dimensions."""
    return RuntimeError(
        f"Got shape with {values} values but input tensor only has {ndim} dimensions."
    )


def no_axis(name: str) -> RuntimeError:
    """No dimension to transform."""
    return RuntimeError(f"{name} must transform at least one axis")


def no_dimensions(dim: int) -> IndexError:
    """A dimension of a tensor that has none."""
    return IndexError(f"Dimension specified as {dim} but tensor has no dimensions")


def nothing_to_transform() -> RuntimeError:
    """A transform of a tensor without elements."""
    return RuntimeError(
        "MKL FFT error: Intel oneMKL DFTI ERROR: Inconsistent configuration parameters"
    )


def frequency_dtype(name: str) -> RuntimeError:
    """Frequencies in integers."""
    return RuntimeError(f"{name} requires a floating point or complex dtype")


def complex_frequency(dtype: str) -> NotImplementedError:
    """Frequencies in complex numbers."""
    return not_implemented("arange_cpu", dtype)
