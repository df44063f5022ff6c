"""NumPy kernels for JAX's primitives: one rule for each, by the primitive's name.

A rule takes the equation and returns a function of NumPy arrays, or ``None`` where this equation
has a form that it does not cover; then XLA runs the primitive by itself. Rules may return views of
their operands: nothing that the interpreter computes is written to afterwards. Where NumPy and XLA
differ (division of integers, conversion of what does not fit, positions out of bounds) the rules do
what XLA does, as both tiers have to give the same results but for the last bits.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np
from jax import lax

#: Of an equation: a function of arrays, or ``None`` where NumPy has none.
Rule = Callable[[Any], Callable | None]

RULES: dict[str, Rule] = {}


def SAME(array: Any) -> Any:
    """The operand itself: a translation gives it no call."""
    return array


#: Dtypes of 16 bits, in which NumPy would round after each step of a sum or a product.
_HALVES = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Declare the rule of the primitives with these names."""

    def declare(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return declare


def _always(function: Callable) -> Rule:
    return lambda equation: function


_PLAIN: dict[str, Callable] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "add": np.add,
    "add_any": np.add,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "atanh": np.arctanh,
    "cbrt": np.cbrt,
    "ceil": np.ceil,
    "conj": np.conj,
    "copy": SAME,
    "copy_p": SAME,
    "cos": np.cos,
    "cosh": np.cosh,
    "eq": np.equal,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "floor": np.floor,
    "ge": np.greater_equal,
    "gt": np.greater,
    "imag": np.imag,
    "is_finite": np.isfinite,
    "le": np.less_equal,
    "log": np.log,
    "log1p": np.log1p,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "nextafter": np.nextafter,
    "and": np.bitwise_and,
    "not": np.invert,
    "or": np.bitwise_or,
    "real": np.real,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "square": np.square,
    "stop_gradient": SAME,
    "sub": np.subtract,
    "tan": np.tan,
    "tanh": np.tanh,
    "xor": np.bitwise_xor,
}
for _name, _function in _PLAIN.items():
    RULES[_name] = _always(_function)


def _dtype(equation: Any, operand: int = 0) -> np.dtype:
    return np.dtype(equation.invars[operand].aval.dtype)


def _shape(equation: Any, operand: int = 0) -> tuple[int, ...]:
    return equation.invars[operand].aval.shape


# Element by element


@rule("div")
def _div(equation: Any) -> Callable:
    kind = _dtype(equation).kind
    if kind == "u":
        return _divide_unsigned
    return _divide_integers if kind == "i" else np.divide


def _divide_integers(a: Any, b: Any) -> Any:
    """Round towards zero; what is divided by zero is -1."""
    divisor = np.where(b == 0, b.dtype.type(1), b)
    quotient = np.floor_divide(a, divisor)
    inexact = (quotient * divisor != a) & ((a < 0) != (divisor < 0))
    return np.where(b == 0, b.dtype.type(-1), quotient + inexact.astype(quotient.dtype))


def _divide_unsigned(a: Any, b: Any) -> Any:
    divisor = np.where(b == 0, b.dtype.type(1), b)
    return np.where(b == 0, np.iinfo(b.dtype).max, np.floor_divide(a, divisor)).astype(b.dtype)


@rule("rem")
def _rem(equation: Any) -> Callable:
    if _dtype(equation).kind not in "iu":
        return np.fmod

    def remainder(a: Any, b: Any) -> Any:
        return np.where(b == 0, a, np.fmod(a, np.where(b == 0, b.dtype.type(1), b)))

    return remainder


@rule("pow")
def _pow(equation: Any) -> Callable | None:
    base, exponent = _dtype(equation), _dtype(equation, 1)
    if base.kind not in "fc" and base != _BFLOAT16:
        return None
    if base == exponent:
        return np.power
    return lambda a, b: np.power(a, b.astype(base))


@rule("integer_pow")
def _integer_pow(equation: Any) -> Callable:
    exponent = equation.params["y"]
    one = _dtype(equation).type(1)

    def power(array: Any) -> Any:
        # Repeated squaring, as XLA's expansion of it does.
        result = None
        rest = abs(exponent)
        while rest:
            if rest & 1:
                result = array if result is None else np.multiply(result, array)
            rest >>= 1
            if rest:
                array = np.multiply(array, array)
        if result is None:
            return np.ones_like(array)
        return np.divide(one, result) if exponent < 0 else result

    return np.square if exponent == 2 else power


@rule("sign")
def _sign(equation: Any) -> Callable:
    if _dtype(equation).kind in "iub":
        return np.sign
    return lambda array: np.where(array == 0, array, np.sign(array))


@rule("rsqrt")
def _rsqrt(equation: Any) -> Callable:
    one = _dtype(equation).type(1)
    return lambda array: np.divide(one, np.sqrt(array))


@rule("logistic")
def _logistic(equation: Any) -> Callable:
    one = _dtype(equation).type(1)
    return lambda array: np.divide(one, np.add(one, np.exp(np.negative(array))))


@functools.cache
def _special(name: str) -> Callable:
    return getattr(importlib.import_module("scipy.special"), name)


def _of_scipy(name: str) -> Rule:
    def make(equation: Any) -> Callable | None:
        if _dtype(equation) not in (np.dtype(np.float32), np.dtype(np.float64)):
            return None
        return lambda array: _special(name)(array)

    return make


for _name, _its_name in {"erf": "erf", "erfc": "erfc", "erf_inv": "erfinv"}.items():
    RULES[_name] = _of_scipy(_its_name)


@rule("round")
def _round(equation: Any) -> Callable:
    if equation.params["rounding_method"] == lax.RoundingMethod.TO_NEAREST_EVEN:
        return np.rint
    return _round_away


def _round_away(array: Any) -> Any:
    whole = np.trunc(array)
    far = np.abs(array - whole) >= array.dtype.type(0.5)
    return np.where(far, whole + np.copysign(array.dtype.type(1), array), whole)


@rule("convert_element_type")
def _convert(equation: Any) -> Callable:
    source, target = _dtype(equation), np.dtype(equation.params["new_dtype"])
    if source == target:
        return SAME
    if target.kind == "b":
        return lambda array: array != 0
    floating = source.kind in "fc" or source == _BFLOAT16
    if target.kind in "iu" and floating:
        return functools.partial(_to_integer, target=target)
    if source.kind == "c" and target.kind != "c":
        return lambda array: array.real.astype(target)
    return lambda array: array.astype(target)


def _to_integer(array: Any, target: np.dtype) -> Any:
    """Drop the fraction; what does not fit becomes the nearest that does, NaN becomes 0."""
    if array.dtype.kind == "c":
        array = array.real
    if array.dtype in _HALVES:
        array = array.astype(np.float32)
    limits = np.iinfo(target)
    low, high = array.dtype.type(limits.min), array.dtype.type(limits.max)
    safe = np.where((array > low) & (array < high), array, array.dtype.type(0)).astype(target)
    safe = np.where(array >= high, target.type(limits.max), safe)
    return np.where(array <= low, target.type(limits.min), safe)


@rule("reduce_precision")
def _reduce_precision(equation: Any) -> Callable | None:
    bits = equation.params["exponent_bits"], equation.params["mantissa_bits"]
    source = _dtype(equation)
    for narrow, its_bits in ((np.dtype(np.float16), (5, 10)), (_BFLOAT16, (8, 7))):
        if bits == its_bits:
            return lambda array: array.astype(narrow).astype(source)
    if (bits == (8, 23) and source == np.float32) or bits == (11, 52):
        return SAME
    return None


@rule("bitcast_convert_type")
def _bitcast(equation: Any) -> Callable | None:
    source, target = _dtype(equation), np.dtype(equation.params["new_dtype"])
    if source.itemsize != target.itemsize or "b" in (source.kind, target.kind):
        return None
    return lambda array: np.asarray(array).view(target)


@rule("complex")
def _complex(equation: Any) -> Callable:
    target = np.dtype(equation.outvars[0].aval.dtype)

    def combine(real: Any, imaginary: Any) -> Any:
        result = np.empty(np.shape(real), target)
        result.real = real
        result.imag = imaginary
        return result

    return combine


@rule("population_count")
def _population_count(equation: Any) -> Callable | None:
    dtype = _dtype(equation)
    if dtype.kind != "u":
        return None
    return lambda array: np.bitwise_count(array).astype(dtype)


def _shift(function: Callable, unsigned: bool, lost: Callable) -> Rule:
    """Return the rule of a shift, of which XLA says what it does by more bits than there are."""

    def make(equation: Any) -> Callable:
        dtype = _dtype(equation)
        work = np.dtype(f"{'u' if unsigned else 'i'}{dtype.itemsize}")
        bits = dtype.itemsize * 8

        def shift(array: Any, by: Any) -> Any:
            beyond = (by < 0) | (by >= bits)
            by = np.where(beyond, by.dtype.type(0), by).astype(work)
            array = np.asarray(array)
            shifted = function(array.view(work), by).astype(work)
            return np.where(beyond, lost(array), np.asarray(shifted).view(dtype))

        return shift

    return make


def _filled_with_the_sign(array: Any) -> Any:
    negative = array.view(f"i{array.dtype.itemsize}") < 0
    return np.where(negative, -1, 0).astype(array.dtype)


RULES["shift_left"] = _shift(np.left_shift, True, np.zeros_like)
RULES["shift_right_logical"] = _shift(np.right_shift, True, np.zeros_like)
RULES["shift_right_arithmetic"] = _shift(np.right_shift, False, _filled_with_the_sign)


@rule("select_n")
def _select(equation: Any) -> Callable | None:
    if _dtype(equation).kind == "b":
        return lambda which, no, yes: np.where(which, yes, no)

    def select(which: Any, *cases: Any) -> Any:
        result = cases[0]
        for number, case in enumerate(cases[1:], 1):
            result = np.where(which >= number, case, result)
        return result

    return select


@rule("clamp")
def _clamp(equation: Any) -> Callable:
    return lambda low, array, high: np.minimum(np.maximum(array, low), high)


# Shapes


@rule("broadcast_in_dim")
def _broadcast_in_dim(equation: Any) -> Callable | None:
    shape, dims = equation.params["shape"], equation.params["broadcast_dimensions"]
    own = _shape(equation)
    if len(equation.invars) > 1:
        return None
    if not own:
        return lambda array: np.broadcast_to(array, shape)
    inner = [1] * len(shape)
    for dim, size in zip(dims, own, strict=True):
        inner[dim] = size
    middle = tuple(inner)
    if middle == shape:
        return lambda array: array.reshape(middle)
    if middle == own:
        return lambda array: np.broadcast_to(array, shape)
    return lambda array: np.broadcast_to(array.reshape(middle), shape)


@rule("reshape")
def _reshape(equation: Any) -> Callable:
    shape = equation.params["new_sizes"]
    return lambda array, *_: np.reshape(array, shape)


@rule("squeeze", "expand_dims")
def _squeeze(equation: Any) -> Callable:
    shape = equation.outvars[0].aval.shape
    return lambda array: np.reshape(array, shape)


@rule("transpose")
def _transpose(equation: Any) -> Callable:
    permutation = equation.params["permutation"]
    return lambda array: np.transpose(array, permutation)


@rule("rev")
def _rev(equation: Any) -> Callable:
    dims = tuple(equation.params["dimensions"])
    return lambda array: np.flip(array, dims)


@rule("iota")
def _iota(equation: Any) -> Callable:
    shape, dim = equation.params["shape"], equation.params["dimension"]
    column = [1] * len(shape)
    column[dim] = shape[dim]
    numbers = np.arange(shape[dim]).astype(np.dtype(equation.params["dtype"])).reshape(column)
    result = np.broadcast_to(numbers, shape)
    return lambda *_: result


@rule("dim_as_value")
def _dim_as_value(equation: Any) -> Callable:
    size = np.asarray(equation.params["dim"], equation.outvars[0].aval.dtype)
    return lambda: size


@rule("concatenate")
def _concatenate(equation: Any) -> Callable:
    dim = equation.params["dimension"]
    return lambda *arrays: np.concatenate(arrays, axis=dim)


@rule("split")
def _split(equation: Any) -> Callable:
    ends = np.cumsum(equation.params["sizes"])[:-1].tolist()
    dim = equation.params["axis"]
    return lambda array: np.split(array, ends, axis=dim)


@rule("slice")
def _slice(equation: Any) -> Callable:
    starts, limits = equation.params["start_indices"], equation.params["limit_indices"]
    strides = equation.params["strides"] or (1,) * len(starts)
    index = tuple(map(slice, starts, limits, strides))
    return lambda array: array[index]


@rule("pad")
def _pad(equation: Any) -> Callable:
    shape = equation.outvars[0].aval.shape
    into, out_of = [], []
    for size, (low, _high, interior), whole in zip(
        _shape(equation), equation.params["padding_config"], shape, strict=True
    ):
        step = interior + 1
        # Of the elements, which stand at ``low + step * i``, those inside the result.
        first = max(0, -(low // step)) if low < 0 else 0
        last = min(size, max(first, -(-(whole - low) // step)))
        begin = low + step * first
        into.append(slice(begin, begin + max(0, (last - first - 1) * step + 1), step))
        out_of.append(slice(first, last))
    target, source = tuple(into), tuple(out_of)
    empty = any(s.stop <= s.start for s in out_of)

    def pad(array: Any, value: Any) -> Any:
        result = np.full(shape, value, array.dtype)
        if not empty:
            result[target] = array[source]
        return result

    return pad


def _start(index: Any, size: int, length: int) -> int:
    return min(max(int(index), 0), size - length)


@rule("dynamic_slice")
def _dynamic_slice(equation: Any) -> Callable:
    lengths, shape = equation.params["slice_sizes"], _shape(equation)

    def take(array: Any, *indices: Any) -> Any:
        starts = map(_start, indices, shape, lengths)
        return array[tuple([slice(s, s + n) for s, n in zip(starts, lengths, strict=False)])]

    return take


@rule("dynamic_update_slice")
def _dynamic_update_slice(equation: Any) -> Callable:
    lengths, shape = _shape(equation, 1), _shape(equation)

    def update(array: Any, new: Any, *indices: Any) -> Any:
        result = np.array(array)
        starts = map(_start, indices, shape, lengths)
        result[tuple([slice(s, s + n) for s, n in zip(starts, lengths, strict=False)])] = new
        return result

    return update


# Reductions


def _reduction(function: Any) -> Rule:
    def make(equation: Any) -> Callable:
        axes = tuple(equation.params["axes"])
        dtype = _dtype(equation)
        if not axes:
            return SAME
        if dtype in _HALVES:
            return lambda array: function.reduce(array.astype(np.float32), axes).astype(dtype)
        if function in (np.add, np.multiply):
            return lambda array: function.reduce(array, axes, dtype)
        return lambda array: function.reduce(array, axes)

    return make


for _name, _function in {
    "reduce_sum": np.add,
    "reduce_prod": np.multiply,
    "reduce_and": np.bitwise_and,
    "reduce_or": np.bitwise_or,
    "reduce_xor": np.bitwise_xor,
}.items():
    RULES[_name] = _reduction(_function)


def _extremum(function: Any, lowest: bool) -> Rule:
    def make(equation: Any) -> Callable:
        axes = tuple(equation.params["axes"])
        dtype = _dtype(equation)
        if math.prod([_shape(equation)[axis] for axis in axes]):
            return lambda array: function.reduce(array, axes)
        shape = equation.outvars[0].aval.shape
        value: Any
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            value = limits.min if lowest else limits.max
        else:
            value = (not lowest) if dtype.kind == "b" else (-np.inf if lowest else np.inf)
        return lambda array: np.full(shape, value, dtype)

    return make


RULES["reduce_max"] = _extremum(np.maximum, True)
RULES["reduce_min"] = _extremum(np.minimum, False)


def _position(function: Callable) -> Rule:
    def make(equation: Any) -> Callable:
        (axis,) = equation.params["axes"]
        dtype = np.dtype(equation.params["index_dtype"])
        return lambda array: function(array, axis=axis).astype(dtype)

    return make


RULES["argmax"] = _position(np.argmax)
RULES["argmin"] = _position(np.argmin)


def _cumulative(function: Any) -> Rule:
    def make(equation: Any) -> Callable | None:
        axis, dtype = equation.params["axis"], _dtype(equation)
        if dtype in _HALVES:
            return None
        if equation.params["reverse"]:
            return lambda array: np.flip(
                function.accumulate(np.flip(array, axis), axis, dtype=dtype), axis
            )
        return lambda array: function.accumulate(array, axis, dtype=dtype)

    return make


for _name, _function in {
    "cumsum": np.add,
    "cumprod": np.multiply,
    "cummax": np.maximum,
    "cummin": np.minimum,
}.items():
    RULES[_name] = _cumulative(_function)


@rule("sort")
def _sort(equation: Any) -> Callable | None:
    axis, keys = equation.params["dimension"], equation.params["num_keys"]
    if keys != 1 or _dtype(equation).kind == "c":
        return None
    if len(equation.invars) == 1:
        return lambda array: [np.sort(array, axis=axis, kind="stable")]

    def sort(*arrays: Any) -> list[Any]:
        order = np.argsort(arrays[0], axis=axis, kind="stable")
        return [np.take_along_axis(array, order, axis) for array in arrays]

    return sort


# Products


@rule("dot_general")
def _dot_general(equation: Any) -> Callable:
    ((left, right), (left_batch, right_batch)) = equation.params["dimension_numbers"]
    a_shape, b_shape = _shape(equation), _shape(equation, 1)
    result_dtype = np.dtype(equation.outvars[0].aval.dtype)
    work = np.dtype(np.float32) if result_dtype in _HALVES else result_dtype
    a_rest = [d for d in range(len(a_shape)) if d not in (*left, *left_batch)]
    b_rest = [d for d in range(len(b_shape)) if d not in (*right, *right_batch)]
    batch = [a_shape[d] for d in left_batch]
    rows, columns = [a_shape[d] for d in a_rest], [b_shape[d] for d in b_rest]
    inner = math.prod([a_shape[d] for d in left])
    a_order, b_order = (*left_batch, *a_rest, *left), (*right_batch, *right, *b_rest)
    a_matrix = (*batch, math.prod(rows), inner)
    b_matrix = (*batch, inner, math.prod(columns))
    shape = (*batch, *rows, *columns)
    a_moves, b_moves = _moves(a_order, a_shape, a_matrix), _moves(b_order, b_shape, b_matrix)
    matrix = (*batch, math.prod(rows), math.prod(columns))

    def dot(a: Any, b: Any) -> Any:
        if a.dtype != work:
            a = a.astype(work)
        if b.dtype != work:
            b = b.astype(work)
        for move in a_moves:
            a = move(a)
        for move in b_moves:
            b = move(b)
        result = np.matmul(a, b)
        if matrix != shape:
            result = result.reshape(shape)
        return result if work is result_dtype else result.astype(result_dtype)

    return dot


def _moves(
    order: Sequence[int], shape: Sequence[int], matrix: tuple[int, ...]
) -> list[Callable[[Any], Any]]:
    """Return what makes an operand a batch of matrices: perhaps a transposition and a shape."""
    moves: list[Callable[[Any], Any]] = []
    if tuple(order) != tuple(range(len(shape))):
        moves.append(lambda array: array.transpose(order))
    if tuple([shape[dim] for dim in order]) != matrix:
        moves.append(lambda array: array.reshape(matrix))
    return moves


# Gathering and scattering


#: Modes in which windows that do not fit are moved inside, or said not to exist.
_TRUSTED = (lax.GatherScatterMode.CLIP, lax.GatherScatterMode.PROMISE_IN_BOUNDS)


class _Windows:
    """Where the windows of a ``gather`` or ``scatter`` lie, as index arrays of NumPy.

    Args:
        shape: of the operand.
        sizes: of a window, for each dimension of the operand.
        mapped: which dimension of the operand each component of an index vector is for.
        batch: pairs of a batching dimension of the operand and of the indices.
        indices_shape: of the indices, the last dimension being the vector.
        clip: whether windows are moved inside; otherwise those that do not fit are left out.
    """

    def __init__(
        self,
        shape: Sequence[int],
        sizes: Sequence[int],
        mapped: Sequence[int],
        batch: Sequence[tuple[int, int]],
        indices_shape: Sequence[int],
        clip: bool,
    ):
        self.shape, self.sizes, self.mapped = shape, sizes, mapped
        self.clip = clip
        self.outer = tuple(indices_shape[:-1])
        self.inner = tuple(sizes)
        self.most = [shape[dim] - sizes[dim] for dim in mapped]
        self.fixed: dict[int, Any] = {}
        for dim, its_dim in batch:
            column = [1] * len(self.outer)
            column[its_dim] = -1
            self.fixed[dim] = np.arange(self.outer[its_dim]).reshape(column)

    def locate(self, indices: Any) -> tuple[tuple[Any, ...], Any]:
        """Return an index for each dimension of the operand, and which windows fit (or ``None``).

        The indices broadcast to the shape of the windows one after the other: that of the index
        vectors, then that of a window.
        """
        fits = None
        starts: dict[int, Any] = dict(self.fixed)
        for component, (dim, most) in enumerate(zip(self.mapped, self.most, strict=True)):
            start = indices[..., component]
            if start.dtype.kind == "u":
                start = start.astype(np.int64)
            if not self.clip:
                inside = (start >= 0) & (start <= most)
                if not inside.all():
                    fits = inside if fits is None else fits & inside
            starts[dim] = np.clip(start, 0, most)
        index = []
        ndim, outer = len(self.shape), len(self.outer)
        for dim in range(ndim):
            offsets = np.arange(self.sizes[dim]).reshape(
                (1,) * (outer + dim) + (-1,) + (1,) * (ndim - 1 - dim)
            )
            start = starts.get(dim)
            if start is None:
                index.append(offsets)
            else:
                index.append(start.reshape(start.shape + (1,) * ndim) + offsets)
        return tuple(index), fits


@rule("gather")
def _gather(equation: Any) -> Callable:
    numbers, params = equation.params["dimension_numbers"], equation.params
    shape, indices_shape = _shape(equation), _shape(equation, 1)
    sizes = params["slice_sizes"]
    mode = lax.GatherScatterMode.from_any(params["mode"])
    dtype = _dtype(equation)
    clip = mode in _TRUSTED
    fill = params["fill_value"]
    if fill is None:
        if dtype.kind in "iu":
            fill = np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max
        else:
            fill = True if dtype.kind == "b" else np.nan
    mapped = numbers.start_index_map
    batching = tuple(
        zip(numbers.operand_batching_dims, numbers.start_indices_batching_dims, strict=True)
    )
    dropped = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    kept = [dim for dim in range(len(shape)) if dim not in dropped]
    outer = len(indices_shape) - 1
    # From (the index vectors' dimensions, the window's) to the result's order.
    order = [0] * (outer + len(kept))
    offsets = list(numbers.offset_dims)
    rest = [dim for dim in range(outer + len(kept)) if dim not in offsets]
    for position, dim in enumerate((*rest, *offsets)):
        order[dim] = position
    stays = order == list(range(len(order)))
    windows = _Windows(shape, sizes, mapped, batching, indices_shape, clip)
    window = tuple([sizes[dim] for dim in kept])
    whole_rows = (
        not batching
        and all(dim in mapped for dim in dropped)
        and len(dropped) == len(mapped)
        and all(sizes[dim] == shape[dim] for dim in kept)
    )
    to_front = (*mapped, *kept)
    rows_stay = to_front == tuple(range(len(shape)))

    def gather(array: Any, indices: Any) -> Any:
        fits = None
        if whole_rows:  # an embedding, ``take`` and most of the rest
            index = []
            for component, most in enumerate(windows.most):
                start = indices[..., component]
                if not clip:
                    inside = (start >= 0) & (start <= most)
                    if not inside.all():
                        fits = inside if fits is None else fits & inside
                index.append(np.clip(start, 0, most))
            rows = array if rows_stay else array.transpose(to_front)
            result = rows[tuple(index)]
        else:
            located, fits = windows.locate(indices)
            result = array[located].reshape(windows.outer + window)
        if fits is not None:
            fits = np.broadcast_to(fits, windows.outer)
            fits = fits.reshape(fits.shape + (1,) * len(window))
            result = np.where(fits, result, np.asarray(fill, dtype))
        return result if stays else np.transpose(result, order)

    return gather


def _scatter(combine: Any) -> Rule:
    def make(equation: Any) -> Callable | None:
        numbers = equation.params["dimension_numbers"]
        shape, indices_shape = _shape(equation), _shape(equation, 1)
        updates_shape = _shape(equation, 2)
        mode = lax.GatherScatterMode.from_any(equation.params["mode"])
        dtype = _dtype(equation)
        if combine is not None and dtype in _HALVES:
            return None
        dropped = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
        kept = [dim for dim in range(len(shape)) if dim not in dropped]
        sizes = [1] * len(shape)
        for dim, position in zip(kept, numbers.update_window_dims, strict=True):
            sizes[dim] = updates_shape[position]
        windows = _Windows(
            shape,
            sizes,
            numbers.scatter_dims_to_operand_dims,
            tuple(
                zip(
                    numbers.operand_batching_dims,
                    numbers.scatter_indices_batching_dims,
                    strict=True,
                )
            ),
            indices_shape,
            mode in _TRUSTED,
        )
        inner = set(numbers.update_window_dims)
        outer_first = (
            *[dim for dim in range(len(updates_shape)) if dim not in inner],
            *numbers.update_window_dims,
        )
        whole = (*windows.outer, *sizes)

        def scatter(array: Any, indices: Any, updates: Any) -> Any:
            result = np.array(array)
            index, fits = windows.locate(indices)
            updates = np.transpose(updates, outer_first).reshape(whole)
            if fits is not None:
                fits = np.broadcast_to(fits, windows.outer)
                index = tuple([_where_fits(each, fits, windows.outer) for each in index])
                updates = updates[fits]
            if combine is None:
                result[index] = updates
            else:
                combine.at(result, index, updates)
            return result

        return scatter

    return make


def _where_fits(index: Any, fits: Any, outer: tuple[int, ...]) -> Any:
    """Return the part of an index array that belongs to the windows that fit."""
    return np.broadcast_to(index, outer + index.shape[len(outer) :])[fits]


for _name, _function in {
    "scatter": None,
    "scatter-add": np.add,
    "scatter-mul": np.multiply,
    "scatter_mul": np.multiply,
    "scatter_min": np.minimum,
    "scatter-min": np.minimum,
    "scatter_max": np.maximum,
    "scatter-max": np.maximum,
}.items():
    RULES[_name] = _scatter(_function)


@rule("optimization_barrier")
def _optimization_barrier(equation: Any) -> Callable:
    return lambda *arrays: arrays


@rule("device_put")
def _device_put(equation: Any) -> Callable:
    return lambda *arrays: arrays
