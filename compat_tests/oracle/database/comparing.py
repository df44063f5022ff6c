"""Hold a result of jtorch against PyTorch's: values within the database's tolerances, and form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import jtorch
from compat_tests.helpers.tolerances import DATABASE, EXACT


@dataclass(frozen=True)
class Difference:
    """What differs: ``kind`` is ``value`` or ``form`` (strides, the type around tensors)."""

    kind: str
    words: str


def array(tensor: Any) -> np.ndarray:
    """Return the values of a tensor of either library as an array of NumPy."""
    tensor = tensor.detach()
    name = str(tensor.dtype)
    if name in ("torch.bfloat16",) or name.startswith("torch.float8"):
        tensor = tensor.float()
    elif name == "torch.complex32":
        tensor = tensor.to(getattr(_library(tensor), "complex64"))  # noqa: B009
    return tensor.numpy(force=True)  # lazily conjugated, negated and zero ones too


def _library(tensor: Any) -> Any:
    return torch if isinstance(tensor, torch.Tensor) else jtorch


def differences(
    expected: Any,
    actual: Any,
    tolerances: dict[str, tuple[float, float]],
    *,
    exact: bool = False,
    values: bool = True,
    where: str = "result",
) -> Iterator[Difference]:
    """Yield what differs between two results.

    Args:
        expected, actual: PyTorch's and jtorch's result, containers included.
        tolerances: (relative, absolute) by dtype name, in place of ``DATABASE``.
        exact: floating point values must be equal to the last bit.
        values: False where the values are undefined (``torch.empty``).
        where: how the result is named in the words.
    """
    again = {"exact": exact, "values": values}
    if isinstance(expected, torch.Tensor):
        if not isinstance(actual, jtorch.Tensor):
            yield Difference("value", f"{where}: {type(actual).__name__}, not a tensor")
            return
        yield from _tensors(expected, actual, tolerances, exact, values, where)
    elif isinstance(expected, tuple | list):
        if not isinstance(actual, tuple | list) or len(actual) != len(expected):
            yield Difference("value", f"{where}: {_shown(actual)}, not {_shown(expected)}")
            return
        kinds = [type(each).__name__.rpartition(".")[2] for each in (expected, actual)]
        if kinds[0] != kinds[1]:
            yield Difference("form", f"{where}: a {kinds[1]}, not a {kinds[0]}")
        for position, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from differences(one, other, tolerances, where=f"{where}[{position}]", **again)
    elif isinstance(expected, dict):
        if not isinstance(actual, dict) or list(actual) != list(expected):
            yield Difference("value", f"{where}: {_shown(actual)}, not {_shown(expected)}")
            return
        for key in expected:
            pair = expected[key], actual[key]
            yield from differences(*pair, tolerances, where=f"{where}[{key!r}]", **again)
    elif isinstance(expected, float | complex) and not isinstance(expected, bool):
        if type(actual) is not type(expected):
            yield Difference("value", f"{where}: {type(actual).__name__}")
        elif values:
            bounds = EXACT if exact else DATABASE["float32"]
            yield from _arrays(np.asarray(expected), np.asarray(actual), bounds, where)
    elif isinstance(expected, bool | int | str) or expected is None:
        if type(actual) is not type(expected) or (values and actual != expected):
            yield Difference("value", f"{where}: {_shown(actual)}, not {_shown(expected)}")
    elif str(actual) != str(expected):
        yield Difference("value", f"{where}: {_shown(actual)}, not {_shown(expected)}")


def _tensors(
    expected: Any, actual: Any, tolerances: dict, exact: bool, values: bool, where: str
) -> Iterator[Difference]:
    pairs = {
        "dtype": (str(expected.dtype), str(actual.dtype)),
        "shape": (tuple(expected.shape), tuple(actual.shape)),
        "layout": (str(expected.layout), str(actual.layout)),
    }
    for name, (wanted, got) in pairs.items():
        if wanted != got:
            yield Difference("value", f"{where}.{name}: {got}, not {wanted}")
            return
    if expected.layout != torch.strided:
        return
    if expected.stride() != tuple(actual.stride()):
        words = f"{where}.stride(): {tuple(actual.stride())}, not {expected.stride()}"
        yield Difference("form", f"{words} at shape {tuple(expected.shape)}")
    if expected.storage_offset() != actual.storage_offset():
        words = f"{actual.storage_offset()}, not {expected.storage_offset()}"
        yield Difference("form", f"{where}.storage_offset(): {words}")
    for flag in ("requires_grad", "is_conj", "is_neg"):
        wanted, got = (_flag(tensor, flag) for tensor in (expected, actual))
        if wanted != got:
            yield Difference("form", f"{where}.{flag}: {got}, not {wanted}")
    if values:
        name = str(expected.dtype).partition(".")[2]
        bounds = EXACT if exact else tolerances.get(name) or DATABASE.get(name, EXACT)
        yield from _arrays(array(expected), array(actual), bounds, where)


def _flag(tensor: Any, name: str) -> Any:
    value = getattr(tensor, name, False)  # that the name exists is held by the surface check
    return value() if callable(value) else value


def _arrays(
    expected: np.ndarray, actual: np.ndarray, bounds: tuple[float, float], where: str
) -> Iterator[Difference]:
    relative, absolute = bounds
    if expected.dtype.kind in "fc":
        with np.errstate(all="ignore"):
            equal = _close(expected, actual, relative, absolute)
    else:
        equal = expected == actual
    if np.all(equal):
        return
    first = tuple(int(index[0]) for index in np.nonzero(~np.atleast_1d(equal)))
    wanted, got = np.atleast_1d(expected)[first], np.atleast_1d(actual)[first]
    count = int(np.size(equal) - np.count_nonzero(equal))
    words = f"{where}: {count} of {np.size(equal)} values; at {first} {got}, not {wanted}"
    yield Difference("value", words)


def _close(
    expected: np.ndarray, actual: np.ndarray, relative: float, absolute: float
) -> np.ndarray:
    """Tell element by element; complex numbers by their parts where those are not finite."""
    close = np.isclose(actual, expected, rtol=relative, atol=absolute, equal_nan=True)
    if expected.dtype.kind == "c":
        parts = [
            np.isclose(got, wanted, rtol=relative, atol=absolute, equal_nan=True)
            for got, wanted in ((actual.real, expected.real), (actual.imag, expected.imag))
        ]
        finite = np.isfinite(expected)
        # A NaN in one part makes the other unspecified: PyTorch's own comparison does not look.
        nan = np.isnan(expected) & np.isnan(actual)
        return np.where(finite, close, (parts[0] & parts[1]) | nan)
    return close


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{type(value).__name__} {text[:60]}..."
