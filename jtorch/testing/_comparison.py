"""``assert_close``: are tensors, numbers, or sequences and mappings of them, close?"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import jtorch as torch

#: (relative, absolute) tolerance by dtype; other dtypes are compared exactly.
_TOLERANCES = {
    torch.float16: (0.001, 1e-5),
    torch.bfloat16: (0.016, 1e-5),
    torch.float32: (1.3e-6, 1e-5),
    torch.float64: (1e-7, 1e-7),
    torch.complex64: (1.3e-6, 1e-5),
    torch.complex128: (1e-7, 1e-7),
}
_BOOLEANS = (bool, np.bool_)
_NUMBERS = (int, float, complex, np.number)
_NUMBER_DTYPES = {int: torch.int64, float: torch.float64, complex: torch.complex128}
#: Unsigned dtypes that promote to nothing signed; they are compared as int64.
_WIDE_UNSIGNED = (torch.uint64, torch.uint32, torch.uint16)


class _Options(NamedTuple):
    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool


class _Difference(Exception):
    """What is to be raised: the type of the exception, its words, and for which item."""

    def __init__(self, kind: type[Exception], words: str, path: tuple):
        super().__init__(words)
        self.kind, self.words, self.path = kind, words, path


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Assert that ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Args:
        actual, expected: tensors, what ``as_tensor`` takes, numbers, booleans, ``None``, or
            sequences and mappings of these.
        allow_subclasses: whether types may differ where one is a subclass of the other.
        rtol, atol: both or neither; by default they are chosen by dtype, the looser of two.
        equal_nan: whether two NaN are close.
        check_device, check_dtype, check_layout, check_stride: what has to be equal besides.
        msg: words for the error, or a function that makes them of the usual ones.

    Raises:
        AssertionError: something differs.
        ValueError: only one tolerance is given.
        TypeError: the inputs cannot be compared.
    """
    __tracebackhide__ = True
    options = _Options(
        allow_subclasses, rtol, atol, equal_nan,
        check_device, check_dtype, check_layout, check_stride,
    )  # fmt: skip
    try:
        comparisons = list(_comparisons(actual, expected, options, ()))
    except _Difference as difference:
        raise _error(difference, None) from None
    failed = None
    for compare in comparisons:
        try:
            compare()
        except _Difference as difference:
            failed = difference
            break
    if failed is not None:
        raise _error(failed, msg)


def _error(difference: _Difference, msg: str | Callable[[str], str] | None) -> Exception:
    words = difference.words
    if difference.path:
        items = "".join(str([item]) for item in difference.path)
        words += f"\n\nThe failure occurred for item {items}"
    if msg is not None:
        words = msg(words) if callable(msg) else msg
    return difference.kind(words)


def _comparisons(
    actual: Any, expected: Any, options: _Options, path: tuple
) -> Iterator[Callable[[], None]]:
    """Check structure and types, and yield for each pair the function that compares it."""
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            raise _Difference(
                AssertionError,
                f"The length of the sequences mismatch: {len(actual)} != {len(expected)}",
                path,
            )
        for index in range(len(actual)):
            yield from _comparisons(actual[index], expected[index], options, (*path, index))
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        for key in _common_keys(actual, expected, path):
            yield from _comparisons(actual[key], expected[key], options, (*path, key))
    else:
        yield _comparison(actual, expected, options, path)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _common_keys(actual: Mapping, expected: Mapping, path: tuple) -> list:
    found, wanted = set(actual), set(expected)
    if found != wanted:
        raise _Difference(
            AssertionError,
            "The keys of the mappings do not match:\n"
            f"Missing keys in the actual mapping: {sorted(wanted - found)}\n"
            f"Additional keys in the actual mapping: {sorted(found - wanted)}",
            path,
        )
    try:
        return sorted(found)
    except TypeError:  # keys without an order
        return list(actual)


def _comparison(actual: Any, expected: Any, options: _Options, path: tuple) -> Callable[[], None]:
    if actual is None or expected is None:
        return lambda: _compare_identity("None", actual, expected, path)
    if isinstance(actual, _BOOLEANS) and isinstance(expected, _BOOLEANS):
        return lambda: _compare_identity("Booleans", bool(actual), bool(expected), path)
    if _is_number(actual) and _is_number(expected):
        left, right = _plain(actual), _plain(expected)
        dtypes = [_NUMBER_DTYPES[type(left)], _NUMBER_DTYPES[type(right)]]
        tolerances = _tolerances(dtypes, options, path)
        return lambda: _compare_numbers(left, right, tolerances, options, path)
    tensors = _as_tensors(actual, expected, options)
    if tensors is None:
        raise _Difference(
            TypeError,
            "No comparison pair was able to handle inputs of type "
            f"{type(actual)} and {type(expected)}.",
            path,
        )
    tolerances = _tolerances([each.dtype for each in tensors], options, path)
    return lambda: _compare_tensors(*tensors, tolerances, options, path)


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBERS)


def _plain(value: Any) -> int | float | complex:
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, bool) else value


def _as_tensors(actual: Any, expected: Any, options: _Options) -> tuple[Any, Any] | None:
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if not related or (not options.allow_subclasses and type(actual) is not type(expected)):
        return None
    try:
        return torch.as_tensor(actual), torch.as_tensor(expected)
    except Exception:  # whatever as_tensor says about things that are no tensors
        return None


def _tolerances(dtypes: list, options: _Options, path: tuple) -> tuple[float, float]:
    rtol, atol = options.rtol, options.atol
    if rtol is not None and atol is not None:
        return rtol, atol
    if rtol is None and atol is None:
        known = [_TOLERANCES.get(dtype, (0.0, 0.0)) for dtype in dtypes]
        return max(each[0] for each in known), max(each[1] for each in known)
    raise _Difference(
        ValueError,
        "Both 'rtol' and 'atol' must be either specified or omitted, but got no "
        f"{'rtol' if rtol is None else 'atol'}.",
        path,
    )


def _compare_identity(what: str, actual: Any, expected: Any, path: tuple) -> None:
    if actual is not expected:
        words = f"{what} mismatch: {actual} is not {expected}"
        raise _Difference(AssertionError, words, path)


def _compare_numbers(
    actual: Any, expected: Any, tolerances: tuple[float, float], options: _Options, path: tuple
) -> None:
    if options.check_dtype and type(actual) is not type(expected):
        words = f"The (d)types do not match: {type(actual)} != {type(expected)}."
        raise _Difference(AssertionError, words, path)
    if actual == expected:
        return
    if options.equal_nan and cmath.isnan(actual) and cmath.isnan(expected):
        return
    difference = abs(actual - expected)
    rtol, atol = tolerances
    if cmath.isfinite(difference) and difference <= atol + rtol * abs(expected):
        return
    raise _Difference(AssertionError, _of_scalars(actual, expected, tolerances), path)


def _of_scalars(actual: Any, expected: Any, tolerances: tuple[float, float]) -> str:
    absolute = abs(actual - expected)
    relative = float("inf") if expected == 0 else absolute / abs(expected)
    extra = f"Expected {expected} but got {actual}."
    return _mismatch("Scalars", extra, (absolute, None), (relative, None), tolerances)


def _mismatch(what: str, extra: str, absolute: tuple, relative: tuple, tolerances: tuple) -> str:
    exact = tolerances == (0, 0)
    lines = [f"{what} are not {'equal' if exact else 'close'}!", "", extra]
    for kind, (difference, index), allowed in (
        ("absolute", absolute, tolerances[1]),
        ("relative", relative, tolerances[0]),
    ):
        if index is None:
            line = f"{kind.title()} difference: {difference}"
        else:
            line = f"Greatest {kind} difference: {difference} at index {index}"
        lines.append(line if exact else f"{line} (up to {allowed} allowed)")
    return "\n".join(lines)


def _strides(tensor: Any) -> Any:
    return tensor.stride() if tensor.layout is torch.strided else ()


#: The parts of a tensor by layout, with what they are called.
_PARTS = {
    torch.sparse_coo: ("Sparse COO", ("_indices", "_values")),
    torch.sparse_csr: ("Sparse CSR", ("crow_indices", "col_indices", "values")),
    torch.sparse_csc: ("Sparse CSC", ("ccol_indices", "row_indices", "values")),
    torch.sparse_bsr: ("Sparse BSR", ("crow_indices", "col_indices", "values")),
    torch.sparse_bsc: ("Sparse BSC", ("ccol_indices", "row_indices", "values")),
}


def _compare_sparse(
    actual: Any, expected: Any, tolerances: tuple[float, float], options: _Options, path: tuple
) -> None:
    """Compare two sparse tensors by their indices, exactly, and by their values."""
    if actual.layout is not expected.layout:
        actual, expected = (
            each if each.layout is torch.strided else each.to_dense() for each in (actual, expected)
        )
        _compare_tensors(actual, expected, tolerances, options, path)
        return
    kind, parts = _PARTS[actual.layout]
    if actual._nnz() != expected._nnz():
        words = (
            f"The number of specified values in {kind.lower().replace('sparse', 'sparse', 1)} "
            f"tensors does not match: {actual._nnz()} != {expected._nnz()}"
        )
        raise _Difference(AssertionError, words.replace("coo", "COO"), path)
    loose = options._replace(check_stride=False)
    for name in parts:
        is_values = name.endswith("values")
        what = f"{kind} {name.lstrip('_')}"
        try:
            _compare_tensors(
                getattr(actual, name)(),
                getattr(expected, name)(),
                tolerances if is_values else (0.0, 0.0),
                loose,
                path,
            )
        except _Difference as difference:
            words = difference.words.replace("Tensor-likes", what, 1)
            raise _Difference(difference.kind, words, path) from None


def _compare_tensors(
    actual: Any, expected: Any, tolerances: tuple[float, float], options: _Options, path: tuple
) -> None:
    for name, compared, left, right in (
        ("shape", True, actual.shape, expected.shape),
        ("layout", options.check_layout, actual.layout, expected.layout),
        ("stride()", options.check_stride, _strides(actual), _strides(expected)),
        ("device", options.check_device, actual.device, expected.device),
        ("dtype", options.check_dtype, actual.dtype, expected.dtype),
    ):
        if compared and left != right:
            words = f"The values for attribute '{name}' do not match: {left} != {right}."
            raise _Difference(AssertionError, words, path)
    if "meta" in (actual.device.type, expected.device.type):
        return
    if actual.device != expected.device:
        actual, expected = actual.cpu(), expected.cpu()
    if actual.dtype != expected.dtype:
        dtypes = [
            torch.int64 if each.dtype in _WIDE_UNSIGNED else each.dtype
            for each in (actual, expected)
        ]
        common = torch.promote_types(*dtypes)
        actual, expected = actual.to(common), expected.to(common)
    if actual.layout is not torch.strided or expected.layout is not torch.strided:
        _compare_sparse(actual, expected, tolerances, options, path)
        return
    rtol, atol = tolerances
    matches = torch.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    if torch.all(matches):
        return
    if not actual.shape:
        words = _of_scalars(actual.item(), expected.item(), tolerances)
    else:
        words = _of_tensors(actual.detach(), expected.detach(), matches, tolerances)
    raise _Difference(AssertionError, words, path)


def _of_tensors(actual: Any, expected: Any, matches: Any, tolerances: tuple[float, float]) -> str:
    total = matches.numel()
    wrong = total - int(torch.sum(matches))
    extra = f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})"
    shape, matches = matches.shape, matches.flatten()
    actual, expected = actual.flatten(), expected.flatten()
    if not actual.is_floating_point() and not actual.is_complex():
        actual, expected = actual.to(torch.int64), expected.to(torch.int64)
    absolute = torch.abs(actual - expected)
    absolute[matches] = 0
    relative = absolute / torch.abs(expected)
    relative[matches] = 0

    def greatest(differences: Any) -> tuple[float, tuple[int, ...]]:
        value, place = torch.max(differences, 0)
        return value.item(), tuple(int(each) for each in np.unravel_index(int(place), shape))

    return _mismatch("Tensor-likes", extra, greatest(absolute), greatest(relative), tolerances)
