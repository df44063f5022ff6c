"""Run one program under PyTorch and under jtorch, and hold everything visible equal.

What is held: values, dtype, shape, strides, device, ``requires_grad``, the name of ``grad_fn``, the
structure around tensors, text character by character, and the type and words of an exception.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from compat_tests.helpers import tolerances

# NumPy has no such dtype (or no arithmetic in it); float32 holds each of its values exactly.
WIDENED = ("torch.bfloat16", "torch.float8")


@dataclass(frozen=True)
class Tolerance:
    """How far a floating point result may lie from PyTorch's.

    Attributes:
        relative, absolute: the bounds; None for those of the result's dtype.
        strides: whether the strides of a tensor must be equal too.
    """

    relative: float | None = None
    absolute: float | None = None
    strides: bool = True

    def bounds(self, dtype_name: str) -> tuple[float, float]:
        """Return (relative, absolute) for a dtype such as ``"torch.float32"``."""
        bounds = tolerances.SHORT.get(dtype_name.removeprefix("torch."), tolerances.EXACT)
        relative, absolute = bounds
        return (
            relative if self.relative is None else self.relative,
            absolute if self.absolute is None else self.absolute,
        )


@dataclass(frozen=True)
class Outcome:
    """What a program did: the value that it returned, or the exception that it raised."""

    value: Any = None
    error: Exception | None = None


def outcome(program: Callable[..., Any], library: ModuleType, *arguments: Any) -> Outcome:
    """Call ``program(library, *arguments)`` and keep what it returns or raises."""
    try:
        return Outcome(value=program(library, *arguments))
    except Exception as error:
        # What its frames hold would live on, PyTorch's guards among it.
        traceback.clear_frames(error.__traceback__)
        return Outcome(error=error)


class Comparison:
    """Calls a program with each library and asserts that the outcomes are equal.

    Args:
        reference, candidate: the modules, PyTorch and jtorch.
    """

    def __init__(self, reference: ModuleType, candidate: ModuleType):
        self.reference = reference
        self.candidate = candidate

    def __call__(
        self,
        program: Callable[..., Any],
        *arguments: Any,
        relative: float | None = None,
        absolute: float | None = None,
        exact: bool = False,
        strides: bool = True,
        seed: int | None = 0,
    ) -> None:
        """Run ``program(torch, *arguments)`` under both libraries and compare the outcomes.

        Args:
            program: a function whose first argument is the library.
            relative, absolute: tolerances in place of those of the result's dtype.
            exact: floating point values must be equal to the last bit.
            strides: whether tensors must have equal strides.
            seed: given to both libraries' ``manual_seed`` first; None leaves the generators alone.

        Raises:
            AssertionError: they differ; the message says where.
            Exception: whatever jtorch raised where PyTorch returned a value.
        """
        bounds = tolerances.EXACT if exact else (relative, absolute)
        tolerance = Tolerance(*bounds, strides)
        outcomes = []
        for library in (self.reference, self.candidate):
            if seed is not None:
                library.manual_seed(seed)
            outcomes.append(outcome(program, library, *arguments))
        expected, actual = outcomes
        if expected.error is not None:
            if isinstance(expected.error, NameError):
                raise expected.error  # a mistake of the program's, which both would make alike
            compare_errors(expected.error, actual)
            return
        if actual.error is not None:
            raise actual.error
        self.compare(expected.value, actual.value, tolerance, "result")

    def compare(self, expected: Any, actual: Any, tolerance: Tolerance, where: str) -> None:
        """Assert that two values are equal, tensors, text and containers alike."""
        if isinstance(expected, self.reference.Tensor):
            assert isinstance(actual, self.candidate.Tensor), f"{where}: {actual!r} is no tensor"
            compare_tensors(expected, actual, tolerance, where)
        elif isinstance(expected, float | complex):
            assert type(actual) is type(expected), f"{where}: {type(actual).__name__}"
            relative, absolute = tolerance.bounds("torch.float32")
            compare_arrays(np.asarray(expected), np.asarray(actual), relative, absolute, where)
        elif isinstance(expected, Mapping):
            assert list(actual) == list(expected), f"{where}: keys {list(actual)}"
            for key in expected:
                self.compare(expected[key], actual[key], tolerance, f"{where}[{key!r}]")
        elif isinstance(expected, list | tuple):
            names = type(expected).__name__, type(actual).__name__
            assert names[0] == names[1], f"{where}: a {names[1]}, not a {names[0]}"
            assert len(actual) == len(expected), f"{where}: length {len(actual)}"
            for position, pair in enumerate(zip(expected, actual, strict=True)):
                self.compare(*pair, tolerance, f"{where}[{position}]")
        elif expected is None or isinstance(expected, bool | int | str | bytes):
            assert type(actual) is type(expected), f"{where}: {type(actual).__name__}"
            assert actual == expected, f"{where}: {actual!r}, not {expected!r}"
        else:  # a dtype, a device, an array of NumPy, ...: what they print is what they are
            assert repr(actual) == repr(expected), f"{where}: {actual!r}, not {expected!r}"


def compare_errors(expected: Exception, actual: Outcome) -> None:
    """Assert that jtorch raised an exception of the same type name with the same words."""
    said = f"{type(expected).__name__}: {expected}"
    assert actual.error is not None, f"returned {actual.value!r}; PyTorch raises {said}"
    answered = f"{type(actual.error).__name__}: {actual.error}"
    if answered != said:
        raise AssertionError(f"raised  {answered}\nPyTorch {said}") from actual.error


def compare_tensors(expected: Any, actual: Any, tolerance: Tolerance, where: str) -> None:
    """Assert that two tensors agree in what they are and in what they hold."""
    for property_of in (
        "dtype",
        "shape",
        "device",
        "layout",
        "requires_grad",
        "is_leaf",
        "grad_fn",
    ):
        pair = [_describe(tensor, property_of) for tensor in (actual, expected)]
        assert pair[0] == pair[1], f"{where}.{property_of}: {pair[0]}, not {pair[1]}"
    if tolerance.strides and str(expected.layout) == "torch.strided":
        strides = tuple(actual.stride()), tuple(expected.stride())
        assert strides[0] == strides[1], f"{where}.stride(): {strides[0]}, not {strides[1]}"
    relative, absolute = tolerance.bounds(str(expected.dtype))
    compare_arrays(as_array(expected), as_array(actual), relative, absolute, where)


def _describe(tensor: Any, property_of: str) -> str:
    value = getattr(tensor, property_of)
    if property_of == "grad_fn" and value is not None:
        return value.name()
    if property_of == "shape":
        return str(tuple(value))
    return str(value)


def as_array(tensor: Any) -> np.ndarray:
    """Return the values of a tensor of either library as an array of NumPy."""
    tensor = tensor.detach().cpu()
    if str(tensor.layout) != "torch.strided":
        tensor = tensor.to_dense()
    if str(tensor.dtype).startswith(WIDENED):
        tensor = tensor.float()
    return tensor.resolve_conj().resolve_neg().numpy()


def compare_arrays(
    expected: np.ndarray, actual: np.ndarray, relative: float, absolute: float, where: str
) -> None:
    """Assert that arrays are equal within bounds; NaN equals NaN, and zero bounds mean equal."""
    assert actual.dtype == expected.dtype, f"{where}: {actual.dtype}, not {expected.dtype}"
    np.testing.assert_allclose(
        actual, expected, rtol=relative, atol=absolute, equal_nan=True, err_msg=where
    )
