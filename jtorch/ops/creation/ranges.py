"""Tensors of regular content: arange, linspace, logspace, eye, triangles of indices, windows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._core import dtypes, messages
from ..._core.cpp_names import type_name
from ..._core.device import META, tensor_type_device
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._core.schema.schema import Schema
from ..._engine.execution import devices, failures, transfer
from ..._engine.graph.values import is_tensor, make_meta
from ..._engine.recording import record
from ..._engine.recording.trace import local
from ..._random.rounding import fma32, fma64
from .creation import (
    check_options,
    check_out_dtype,
    check_size,
    device_for,
    publish_function,
    write_out,
)

_OPTIONS = (
    "ScalarType dtype=None, Layout layout=None, Device device=None, bool pin_memory=False, "
    "bool requires_grad=False)"
)


def _number(value: Any) -> Any:
    return value.item() if is_tensor(value) else value


def _finish(bound: dict[str, Any], name: str, dtype: DType, make: Callable) -> Any:
    """Return the tensor of a NumPy array, or write it to ``out``.

    Args:
        bound: out, layout, device, pin_memory and requires_grad.
        name: of the function.
        dtype: of the result.
        make: returns the array of a dtype.
    """
    out = bound.get("out")
    device = device_for(bound["device"], out)
    check_options(bound, device)
    if out is not None:
        return write_out(out, make(out.dtype), out.dtype, name)
    requires_grad = bound["requires_grad"]
    if requires_grad and not is_inexact(dtype):
        raise messages.integer_requires_grad()
    try:
        array = make(dtype)
    except MemoryError:
        raise failures.out_of_memory(bound.get("nbytes", 0), device) from None
    meta = make_meta(array.shape, dtype, device)
    if device is META:
        tensor = record.fresh(devices.NO_ELEMENTS, meta)
    else:
        tensor = record.fresh(transfer.put(array, device), meta)
    return tensor.requires_grad_() if requires_grad else tensor


_ARANGE = Schema(
    f"arange(Scalar end, *, Tensor out=None, {_OPTIONS}",
    f"arange(Scalar start, Scalar end, *, {_OPTIONS}",
    f"arange(Scalar start, Scalar end, Scalar step=1, *, Tensor out=None, {_OPTIONS}",
)


def arange(*args: Any, **kwargs: Any) -> Any:
    """Make the numbers from ``start`` (0) up to, but without, ``end`` in steps of ``step`` (1).

    Args:
        start, end, step: numbers; where all are ints the result is int64.
        out, dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    Raises:
        RuntimeError: the step is zero or leads away from ``end``.
    """
    _, bound = _ARANGE.bind(args, kwargs)
    start, end, step = (
        _number(bound.get(name, default))
        for name, default in (("start", 0), ("end", 0), ("step", 1))
    )
    out = bound.get("out")
    dtype = bound["dtype"]
    if out is not None:
        check_out_dtype(dtype, out)
        dtype = out.dtype
    if dtype is None:
        whole = all(isinstance(number, int) for number in (start, end, step))
        dtype = dtypes.int64 if whole else local.trace.mode.default_dtype
    for number in (start, end, step):
        if isinstance(number, complex):
            raise messages.overflow("double")
    if dtype._kind not in (dtypes.SIGNED, dtypes.UNSIGNED):
        _check_range(start, end, step)
    else:
        if not step > 0 and not step < 0:
            raise RuntimeError("step must be nonzero")
        if all(map(math.isfinite, (start, end, step))):
            if not int(step):
                raise ValueError("step must be nonzero")
            _check_range(int(start), int(end), int(step))
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {_shown(start)} -> {_shown(end)}")
    if dtype._kind in (dtypes.BOOL, dtypes.COMPLEX):
        raise messages.not_implemented("arange_cpu", dtype._legacy_name)
    if dtype is dtypes.int64:
        count = -((int(start) - int(end)) // int(step))
    else:
        count = math.ceil((end - start) / step)
    check_size((count,), dtype, None)
    bound["nbytes"] = count * dtype.itemsize
    return _finish(bound, "arange", dtype, lambda of: _arithmetic(start, step, count, of))


def _check_range(start: Any, end: Any, step: Any) -> None:
    if not step > 0 and not step < 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {_shown(start)} -> {_shown(end)}")
    if (step > 0 and end < start) or (step < 0 and end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def _shown(number: Any) -> str:
    return f"{float(number):g}"


def _arithmetic(start: Any, step: Any, count: int, dtype: DType) -> np.ndarray:
    """Return ``start + i * step``, computed as PyTorch's kernels do."""
    if dtype._kind in (dtypes.SIGNED, dtypes.UNSIGNED):
        whole = np.arange(count, dtype=np.int64)
        return (whole * int(step) + int(start)).astype(dtype._numpy)
    index = np.arange(count)
    if dtype.itemsize < 4:
        narrow = fma32(index.astype(np.float32), np.float32(step), np.float32(start))
        return narrow.astype(dtype._numpy)
    # The vector units round the first of their lanes and count on from there; the elements left
    # over are computed one by one.
    lanes = 32 // dtype.itemsize
    start, step = float(start), float(step)
    exact = fma64(index.astype(np.float64), step, start)
    vectors = count // (2 * lanes) * 2 * lanes
    result = exact.astype(dtype._numpy)
    if vectors:
        heads = result[:vectors:lanes].astype(np.float64)
        lane = np.arange(lanes, dtype=np.float64)
        for head, row in zip(heads.tolist(), result[:vectors].reshape(-1, lanes), strict=True):
            row[:] = fma64(lane, step, head)
    return result


_RANGE = Schema(f"range(Scalar start, Scalar end, Scalar step=1, *, Tensor out=None, {_OPTIONS}")


def range_(*args: Any, **kwargs: Any) -> Any:
    """Make the numbers from ``start`` to ``end``, with ``end``; deprecated, as in PyTorch."""
    _, bound = _RANGE.bind(args, kwargs)
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is "
        "inconsistent with Python's range builtin. Instead, use torch.arange, which produces "
        "values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    start, end, step = (_number(bound[name]) for name in ("start", "end", "step"))
    _check_range(start, end, step)
    count = int((end - start) / step + 1)
    if bound["device"] is None and bound["out"] is None:  # it has no part in default devices
        bound["device"] = tensor_type_device()
    dtype = bound["dtype"] or local.trace.mode.default_dtype
    return _finish(bound, "range", dtype, lambda of: _arithmetic(start, step, count, of))


def _spaced(name: str, extra: str) -> Schema:
    return Schema(
        *[
            f"{name}({start} start, {end} end, int64_t steps{extra}, *, Tensor out=None, {_OPTIONS}"
            for start, end in (
                ("Tensor", "Tensor"),
                ("Scalar", "Tensor"),
                ("Tensor", "Scalar"),
                ("Scalar", "Scalar"),
            )
        ]
    )


_LINSPACE = _spaced("linspace", "")
_LOGSPACE = _spaced("logspace", ", double base=10.0")


def _ends(bound: dict[str, Any], name: str) -> tuple[Any, Any, int, DType]:
    steps = bound["steps"]
    given = {each: bound[each] for each in ("start", "end") if is_tensor(bound[each])}
    if any(value.ndim for value in given.values()):
        got = " and ".join(
            f"{each} with {value.ndim} dimension(s)" for each, value in given.items()
        )
        raise RuntimeError(
            f"{name} only supports 0-dimensional start and end tensors, but got {got}."
        )
    start, end = _number(bound["start"]), _number(bound["end"])
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    default = local.trace.mode.default_dtype
    dtype = bound["dtype"]
    if dtype is None:
        is_complex = isinstance(start, complex) or isinstance(end, complex)
        dtype = default.to_complex() if is_complex else default
    if bound.get("out") is not None:
        check_out_dtype(bound["dtype"], bound["out"])
        dtype = bound["out"].dtype
    return start, end, steps, dtype


def linspace(*args: Any, **kwargs: Any) -> Any:
    """Make ``steps`` numbers from ``start`` to ``end``, both included, at equal distances.

    Args:
        start, end: numbers or tensors without dimensions.
        steps: how many.
        out, dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    """
    _, bound = _LINSPACE.bind(args, kwargs)
    start, end, steps, dtype = _ends(bound, "linspace")
    if dtype is dtypes.bool_:
        raise messages.not_implemented("linspace_cpu", "Bool")
    return _finish(bound, "linspace", dtype, lambda of: _linear(start, end, steps, of))


def _linear(start: Any, end: Any, steps: int, dtype: DType) -> np.ndarray:
    """Return equal steps, counted from the nearer end, as PyTorch's kernels do."""
    kind = dtype._kind
    index = np.arange(steps)
    near = index < steps // 2
    if kind in (dtypes.SIGNED, dtypes.UNSIGNED):
        start, end = int(start), int(end)
        if steps == 1:
            return np.array([start], dtype._numpy)
        slope = (float(end) - float(start)) / (steps - 1)
        left = fma64(index.astype(np.float64), slope, float(start))
        right = fma64((steps - index - 1).astype(np.float64), -slope, float(end))
        return np.where(near, left, right).astype(np.int64).astype(dtype._numpy)
    work = dtype._numpy
    first, last = np.asarray(start).astype(work), np.asarray(end).astype(work)
    if steps == 1:
        return first.reshape(1).astype(dtype._numpy)
    step = ((last - first) / work.type(max(steps - 1, 1))).astype(work)
    # One rounding for the product and the sum, as the vector units do.
    if kind == dtypes.COMPLEX or dtype.itemsize < 4:
        left = first + step * index.astype(work)
        right = last - step * (steps - index - 1).astype(work)
    else:
        fused: Any = fma64 if work == np.float64 else fma32
        left = fused(index.astype(work), step, work.type(first))
        right = fused((steps - index - 1).astype(work), -step, work.type(last))
    return np.where(near, left, right).astype(dtype._numpy)


def logspace(*args: Any, **kwargs: Any) -> Any:
    """Make ``steps`` numbers from ``base ** start`` to ``base ** end``, at equal ratios.

    Args:
        start, end, steps: as of ``torch.linspace``, of the exponents.
        base: what is raised to them.
        out, dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    """
    _, bound = _LOGSPACE.bind(args, kwargs)
    start, end, steps, dtype = _ends(bound, "logspace")
    base = bound["base"]

    def make(of: DType) -> np.ndarray:
        if of._kind == dtypes.COMPLEX:
            exponents = _linear(start, end, steps, dtypes.complex128)
        elif of._kind in (dtypes.SIGNED, dtypes.UNSIGNED):
            # The ends are converted first, the powers last.
            exponents = _linear(int(start), int(end), steps, dtypes.float64)
        elif of.itemsize < 4 and steps > 1:  # the ends are converted first here too
            first, last = [float(np.asarray(each).astype(of._numpy)) for each in (start, end)]
            exponents = _linear(first, last, steps, dtypes.float64)
        else:
            exponents = _linear(start, end, steps, dtypes.float64)
        with np.errstate(all="ignore"):
            if exponents.dtype.kind == "c" or base < 0:
                return np.power(base, exponents).astype(of._numpy)
            powers = [_power(base, exponent) for exponent in exponents.tolist()]
            return np.array(powers, np.float64).astype(of._numpy)

    return _finish(bound, "logspace", dtype, make)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return math.inf
    except ValueError:  # 0 to a negative power
        return math.inf


_EYE = Schema(
    f"eye(SymInt n, *, Tensor out=None, {_OPTIONS}",
    f"eye(SymInt n, SymInt m, *, Tensor out=None, {_OPTIONS}",
)


def eye(*args: Any, **kwargs: Any) -> Any:
    """Make a matrix with ones on the diagonal and zeros elsewhere.

    Args:
        n, m: rows and columns; as many columns as rows unless given.
        out, dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    """
    _, bound = _EYE.bind(args, kwargs)
    rows = bound["n"]
    columns = bound.get("m", rows)
    if rows < 0:
        raise RuntimeError(f"n must be greater or equal to 0, got {rows}")
    if columns < 0:
        raise RuntimeError(f"m must be greater or equal to 0, got {columns}")
    out = bound.get("out")
    if out is not None:
        check_out_dtype(bound["dtype"], out)
    dtype = bound["dtype"] or local.trace.mode.default_dtype
    check_size((rows, columns), dtype, None)
    return _finish(bound, "eye", dtype, lambda of: np.eye(rows, columns, dtype=of._numpy))


def _triangle(name: str, lower: bool) -> Callable:
    schema = Schema(
        f"{name}(int64_t row, int64_t col, int64_t offset=0, *, ScalarType dtype=torch.long, "
        "Layout layout=None, Device device=None, bool pin_memory=False, bool requires_grad=False)"
    )

    def make(*args: Any, **kwargs: Any) -> Any:
        _, bound = schema.bind(args, kwargs)
        row, col, offset = bound["row"], bound["col"], bound["offset"]
        for which, size in (("row", row), ("col", col)):
            if size < 0:
                raise RuntimeError(f"{which} must be non-negative, got{size}")
        dtype = bound["dtype"] if isinstance(bound["dtype"], DType) else dtypes.int64
        triangle = np.tril if lower else np.triu
        indices = np.nonzero(triangle(np.ones((row, col), np.bool_), offset))
        return _finish(bound, name, dtype, lambda of: np.stack(indices).astype(of._numpy))

    make.__doc__ = f"""Make the indices of the {"lower" if lower else "upper"} triangle of a matrix.

    Args:
        row, col: the size of the matrix.
        offset: the diagonal where the triangle ends.
        dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    Returns:
        Tensor of two rows: those of the matrix, then the columns.
    """
    return make


_WINDOW_NUMBERS = {"hamming_window": ("alpha", "beta"), "kaiser_window": ("beta",)}


def _window(name: str, shape: Callable) -> Callable:
    """Make a window function; ``shape(n, length, alpha, beta)`` computes in the result's dtype."""
    numbers = _WINDOW_NUMBERS.get(name, ())
    texts = [f"{name}(int64_t window_length, *, {_OPTIONS}"]
    head = f"{name}(int64_t window_length, bool periodic"
    for count in range(len(numbers) + 1):
        given = "".join(f", double {each}" for each in numbers[:count])
        texts.append(f"{head}{given}, *, {_OPTIONS}")
    schema = Schema(*texts)

    def make(*args: Any, **kwargs: Any) -> Any:
        _, bound = schema.bind(args, kwargs)
        length, periodic = bound["window_length"], bound.get("periodic", True)
        dtype = bound["dtype"] or local.trace.mode.default_dtype
        if not is_inexact(dtype):
            raise RuntimeError(
                f"{name} expects floating point dtypes, got: "
                f"TensorOptions(dtype={type_name(dtype)}, device=cpu, layout=Strided (default), "
                "requires_grad=false (default), pinned_memory=false, "
                "memory_format=(nullopt))"
            )
        if length < 0:
            raise RuntimeError(
                f"{name} requires non-negative window_length, got window_length={length}"
            )
        points = length + 1 if periodic and length > 1 else length
        given = {each: bound[each] for each in numbers if each in bound}

        def compute(of: DType) -> np.ndarray:
            if length < 2:
                return np.ones(length, of._numpy)
            work = np.float32 if of.itemsize <= 4 else np.float64
            n = np.arange(points, dtype=work)
            return shape(n, points, **given)[:length].astype(of._numpy)

        return _finish(bound, name, dtype, compute)

    make.__doc__ = f"""Make a {name.removesuffix("_window").title()} window.

    Args:
        window_length: number of points.
        periodic: whether it is one period of a longer sequence (as spectra need it), or symmetric.
        dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    """
    return make


def _cos(angle: np.ndarray) -> np.ndarray:
    return np.cos(angle.astype(np.float64)).astype(angle.dtype)


def _cosines(n: np.ndarray, points: int, alpha: float, beta: float) -> np.ndarray:
    work = n.dtype.type
    return work(alpha) - work(beta) * _cos(n * work(2 * math.pi / (points - 1)))


def _hamming(n: np.ndarray, points: int, alpha: float = 0.54, beta: float = 0.46) -> np.ndarray:
    return _cosines(n, points, alpha, beta)


def _bartlett(n: np.ndarray, points: int) -> np.ndarray:
    work = n.dtype.type
    rising = n * work(2.0 / (points - 1))
    return np.where(n < (points - 1) // 2 + 1, rising, work(2) - rising)


def _blackman(n: np.ndarray, points: int) -> np.ndarray:
    work = n.dtype.type
    angle = n * work(math.pi / (points - 1))
    return _cos(angle * work(4)) * work(0.08) - _cos(angle * work(2)) * work(0.5) + work(0.42)


def _kaiser(n: np.ndarray, points: int, beta: float = 12.0) -> np.ndarray:
    position = 2.0 * n.astype(np.float64) / (points - 1) - 1.0
    return np.i0(beta * np.sqrt(np.maximum(0.0, 1.0 - position**2))) / np.i0(beta)


publish_function("arange", arange)
publish_function("range", range_)
publish_function("linspace", linspace)
publish_function("logspace", logspace)
publish_function("eye", eye)
publish_function("tril_indices", _triangle("tril_indices", True))
publish_function("triu_indices", _triangle("triu_indices", False))
publish_function(
    "hann_window", _window("hann_window", lambda n, points: _cosines(n, points, 0.5, 0.5))
)
publish_function("hamming_window", _window("hamming_window", _hamming))
publish_function("bartlett_window", _window("bartlett_window", _bartlett))
publish_function("blackman_window", _window("blackman_window", _blackman))
publish_function("kaiser_window", _window("kaiser_window", _kaiser))
