"""Fourier transforms: ``torch.fft``.

Three primitives do the work, as in PyTorch: complex to complex, real to complex and complex to
real. The public functions cut or pad their input, choose the normalisation, and call these.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._core import messages
from ..._core.dtypes import is_inexact
from ..._core.schema.schema import Schema
from ..._engine.declare import FFT_FUNCTIONS, Autocast, op, publish
from ..._engine.graph.op import Spec
from ..._engine.graph.values import make_meta
from ..._engine.memory.from_host import as_dtype, fresh_tensor
from ..._engine.recording import record
from ..._engine.recording.kinds.base import Custom
from ..._engine.recording.signatures import CallSignature, make_binder
from ..._engine.recording.trace import local
from ..creation.creation import check_options, device_for, write_out
from . import _messages_fourier

#: How a transform is scaled: not at all, by the root of the number of points, or by the number.
_UNSCALED, _BY_ROOT, _BY_COUNT = 0, 1, 2


# Strides


def _partitioned(dims: list[int], transformed: set[int]) -> tuple[list[int], int]:
    """Return the dimensions with the transformed ones last, exchanged from both ends."""
    first, last = 0, len(dims)
    while True:
        while first != last and dims[first] not in transformed:
            first += 1
        if first == last:
            return dims, first
        last -= 1
        while first != last and dims[last] in transformed:
            last -= 1
        if first == last:
            return dims, first
        dims[first], dims[last] = dims[last], dims[first]
        first += 1


def _strides(meta: Any, shape: Sequence[int], dims: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of a transform: its dimensions innermost, the others by their strides."""
    order, batch = _partitioned(list(range(meta.ndim)), set(dims))
    outer = sorted(order[:batch], key=lambda dim: -meta.strides[dim])
    strides = [0] * meta.ndim
    step = 1
    for dim in reversed([*outer, *dims]):
        strides[dim] = step
        step *= max(shape[dim], 1)
    return tuple(strides)


def _by_stride(meta: Any, dims: Sequence[int]) -> list[int]:
    return sorted(dims, key=lambda dim: -meta.strides[dim])


# The primitives


def _scaled(array: Any, count: int, norm: int) -> Any:
    if norm == _UNSCALED:
        return array
    factor = 1 / (math.sqrt(count) if norm == _BY_ROOT else count)
    return array * jnp.asarray(factor, np.dtype(array.real.dtype))


def complex_to_complex(array: Any, dims: Sequence[int], norm: int, forward: bool) -> Any:
    """Transform complex numbers along dimensions, counted from the front."""
    for dim in dims:
        if forward:
            array = jnp.fft.fft(array, axis=dim)
        else:
            array = jnp.fft.ifft(array, axis=dim, norm="forward")
    return _scaled(array, math.prod([array.shape[dim] for dim in dims]), norm)


def real_to_complex(array: Any, dims: Sequence[int], norm: int, onesided: bool) -> Any:
    """Transform real numbers; onesided leaves the mirrored half of the last dimension out."""
    count = math.prod([array.shape[dim] for dim in dims])
    if onesided:
        array = jnp.fft.rfft(array, axis=dims[-1])
        return _scaled(complex_to_complex(array, dims[:-1], _UNSCALED, True), count, norm)
    kind = np.complex64 if array.dtype == np.float32 else np.complex128
    return complex_to_complex(array.astype(kind), dims, norm, True)


def complex_to_real(array: Any, dims: Sequence[int], norm: int, size: int) -> Any:
    """Transform a half of mirrored complex numbers back to ``size`` real ones."""
    count = math.prod([array.shape[dim] for dim in dims[:-1]]) * size
    array = complex_to_complex(array, dims[:-1], _UNSCALED, False)
    return _scaled(jnp.fft.irfft(array, size, axis=dims[-1], norm="forward"), count, norm)


def _check(meta: Any) -> None:
    if meta.dtype._name in ("complex32", "float16"):
        raise RuntimeError("MKL FFT doesn't support tensors of type: Half")
    if not meta.numel:
        raise _messages_fourier.nothing_to_transform()


def _c2c_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    dims, norm, forward = tuple(bound["dim"]), bound["normalization"], bound["forward"]
    _check(meta)
    strides = _strides(meta, meta.shape, _by_stride(meta, dims))

    def vjp(cotangents, results, operands):
        return [complex_to_complex(cotangents[0], dims, norm, not forward)]

    return Spec(
        [operand],
        (make_meta(meta.shape, meta.dtype, meta.device, strides),),
        {"dims": dims, "norm": norm, "forward": forward},
        vjp=vjp,
    )


@op(
    "_fft_c2c(Tensor input, SymIntArrayRef dim, int64_t normalization, bool forward, *, "
    "Tensor out=None)",
    kind=Custom(_c2c_spec),
    method=False,
    function=False,
    saves=(),
    node_name="FftC2CBackward0",
)
def _fft_c2c(array: Any, *, dims: Any, norm: Any, forward: Any) -> Any:
    """Transform complex numbers along dimensions."""
    return complex_to_complex(array, dims, norm, forward)


def _r2c_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    dims, norm, onesided = tuple(bound["dim"]), bound["normalization"], bound["onesided"]
    _check(meta)
    last = dims[-1]
    shape = list(meta.shape)
    if onesided:
        shape[last] = shape[last] // 2 + 1
    strides = _strides(meta, shape, [*_by_stride(meta, dims[:-1]), last])

    def vjp(cotangents, results, operands):
        (cotangent,) = cotangents
        if onesided:
            missing = [(0, 0)] * cotangent.ndim
            missing[last] = (0, meta.shape[last] - cotangent.shape[last])
            cotangent = jnp.pad(cotangent, missing)
        return [jnp.real(complex_to_complex(cotangent, dims, norm, False))]

    result = make_meta(tuple(shape), meta.dtype.to_complex(), meta.device, strides)
    return Spec([operand], (result,), {"dims": dims, "norm": norm, "onesided": onesided}, vjp=vjp)


@op(
    "_fft_r2c(Tensor input, IntArrayRef dim, int64_t normalization, bool onesided, *, "
    "Tensor out=None)",
    kind=Custom(_r2c_spec),
    method=False,
    function=False,
    saves=(),
    keeps={"input": None},
    node_name="FftR2CBackward0",
)
def _fft_r2c(array: Any, *, dims: Any, norm: Any, onesided: Any) -> Any:
    """Transform real numbers along dimensions."""
    return real_to_complex(array, dims, norm, onesided)


def _c2r_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    dims, norm, size = tuple(bound["dim"]), bound["normalization"], bound["last_dim_size"]
    _check(meta)
    last = dims[-1]
    shape = list(meta.shape)
    shape[last] = size
    before = meta
    if len(dims) > 1:  # the others are transformed first, which decides how it lies
        inner = _strides(meta, meta.shape, _by_stride(meta, dims[:-1]))
        before = make_meta(meta.shape, meta.dtype, meta.device, inner)
    strides = _strides(before, shape, [last])

    def vjp(cotangents, results, operands):
        half = real_to_complex(cotangents[0], dims, norm, True)
        # Every point but the first stands for its mirror image too, unless it is its own.
        count = half.shape[last]
        factor = np.ones(count)
        factor[1 : 1 + size - count] = 2
        placed = [1] * half.ndim
        placed[last] = count
        return [half * jnp.asarray(factor.reshape(placed), np.dtype(half.real.dtype))]

    result = make_meta(tuple(shape), meta.dtype.to_real(), meta.device, strides)
    return Spec([operand], (result,), {"dims": dims, "norm": norm, "size": size}, vjp=vjp)


@op(
    "_fft_c2r(Tensor input, IntArrayRef dim, int64_t normalization, SymInt last_dim_size, *, "
    "Tensor out=None)",
    kind=Custom(_c2r_spec),
    method=False,
    function=False,
    saves=(),
    node_name="FftC2RBackward0",
)
def _fft_c2r(array: Any, *, dims: Any, norm: Any, size: Any) -> Any:
    """Transform a half of mirrored complex numbers back to real ones."""
    return complex_to_real(array, dims, norm, size)


def _pad_spec(operation, bound, mode) -> Spec:
    operand = bound["input"]
    meta = operand.meta
    shape = tuple(bound["size"])
    missing = [(0, new - old) for new, old in zip(shape, meta.shape, strict=True)]
    cut = tuple([slice(0, old) for old in meta.shape])

    def vjp(cotangents, results, operands):
        return [cotangents[0][cut]]

    result = make_meta(shape, meta.dtype, meta.device)
    return Spec([operand], (result,), {"missing": missing}, vjp=vjp)


@op(
    "_zeros_behind(Tensor input, SymIntArrayRef size)",
    kind=Custom(_pad_spec),
    method=False,
    function=False,
    saves=(),
    node_name="ConstantPadNdBackward0",
)
def _zeros_behind(array: Any, *, missing: Any) -> Any:
    """Put zeros behind the elements of each dimension, up to a size."""
    return jnp.pad(array, missing)


_padded = _zeros_behind.call


def _into_rows(primitive: Any) -> Callable:
    """Return the call of a primitive whose resized ``out`` is contiguous, unlike its result."""

    @functools.wraps(primitive.call)
    def call(*args, out=None, **kwargs):
        if out is None:
            return primitive.call(*args, **kwargs)
        primitive.schema.bind(args, {**kwargs, "out": out})
        result = primitive.call(*args, **kwargs)
        return record.write_result(out, result, primitive.name, args[:1])

    publish(primitive.name, call)
    return call


_c2c, _r2c, _c2r = [_into_rows(each) for each in (_fft_c2c, _fft_r2c, _fft_c2r)]


# Arguments


def _norm(norm: str | None, forward: bool) -> int:
    if norm is None or norm == "backward":
        return _UNSCALED if forward else _BY_COUNT
    if norm == "forward":
        return _BY_COUNT if forward else _UNSCALED
    if norm == "ortho":
        return _BY_ROOT
    raise _messages_fourier.normalisation(norm)


def _promoted(input: Any, to_complex: bool = False) -> Any:
    """Convert integers to the default dtype and, where asked, real numbers to complex ones."""
    dtype = input.dtype
    if dtype.is_complex:
        return input
    if not dtype.is_floating_point:
        dtype = local.trace.mode.default_dtype
    if dtype._name not in ("float32", "float64"):
        raise _messages_fourier.unsupported(dtype._legacy_name)
    return input.to(dtype.to_complex() if to_complex else dtype)


def _wrapped(dim: int, ndim: int) -> int:
    if not ndim:
        raise _messages_fourier.no_dimensions(dim)
    if not -ndim <= dim < ndim:
        raise messages.dim_out_of_range(dim, ndim)
    return dim % ndim


def _resized(input: Any, dims: Sequence[int], sizes: Sequence[int]) -> Any:
    """Cut dimensions to a size, or put zeros behind them."""
    wanted = list(input.shape)
    for dim, size in zip(dims, sizes, strict=True):
        if wanted[dim] > size:
            input = input.narrow(dim, 0, size)
        wanted[dim] = size
    return input if wanted == list(input.shape) else _padded(input, tuple(wanted))


def _canonical(
    input: Any, s: Sequence[int] | None, dim: Sequence[int] | None
) -> tuple[list[int], list[int]]:
    """Return the sizes and dimensions of a transform in several dimensions."""
    shape = tuple(input.shape)
    ndim = len(shape)
    dims = None
    if dim is not None:
        dims = [_wrapped(each, ndim) for each in dim]
        if len(set(dims)) < len(dims):
            raise _messages_fourier.repeated_dims()
    if s is not None:
        if dims is not None and len(dims) != len(s):
            raise _messages_fourier.lengths_differ()
        if len(s) > ndim:
            raise _messages_fourier.too_long(len(s), ndim)
        if dims is None:
            dims = list(range(ndim - len(s), ndim))
        sizes = [shape[d] if size == -1 else size for size, d in zip(s, dims, strict=True)]
    else:
        dims = list(range(ndim)) if dims is None else dims
        sizes = [shape[d] for d in dims]
    for size in sizes:
        if size <= 0:
            raise _messages_fourier.data_points(size)
    return sizes, dims


def _needs_complex(name: str, out: Any) -> None:
    if out is not None and not out.dtype.is_complex:
        raise _messages_fourier.complex_output(name, out.dtype._legacy_name)


def _needs_floating(name: str, out: Any) -> None:
    if out is not None and not out.dtype.is_floating_point:
        raise _messages_fourier.floating_output(name, out.dtype._legacy_name)


def _conj_out(result: Any, out: Any) -> Any:
    """Return the conjugate of a result, written to ``out`` where that is given."""
    if out is None:
        return result.conj()
    if out.dtype is not result.dtype:
        raise messages.output_dtype(out.dtype._legacy_name, result.dtype._legacy_name)
    # torch 2.13: a tensor that is resized here takes the result's strides too.
    # PyTorch does not refuse this where gradients are recorded; what it records has no gradient.
    return record.write_result(out, result.detach().conj(), "conj_physical", layout=True)


# One dimension


def _length(input: Any, n: int | None, dim: int) -> tuple[int, Any]:
    """Return the dimension and the input cut or padded to ``n``."""
    axis = _wrapped(dim, input.dim())
    count = input.shape[axis] if n is None else n
    if count < 1:
        raise _messages_fourier.data_points(count)
    return axis, input if n is None else _resized(input, [axis], [n])


def _from_complex(name, input, n, dim, norm, forward, out) -> Any:
    axis, input = _length(input, n, dim)
    scale = _norm(norm, forward)
    _needs_complex(name, out)
    return _c2c(input, (axis,), scale, forward, out=out)


def _from_real(name, input, n, dim, norm, forward, onesided, out) -> Any:
    if input.dtype.is_complex:
        raise _messages_fourier.real_input(name, input.dtype._legacy_name)
    _needs_complex(name, out)
    axis, input = _length(_promoted(input), n, dim)
    scale = _norm(norm, forward)
    if forward:
        return _r2c(input, (axis,), scale, onesided, out=out)
    return _conj_out(_r2c(input, (axis,), scale, onesided), out)


def _to_real(name, input, n, dim, norm, forward, out) -> Any:
    _needs_floating(name, out)
    input = _promoted(input, True)
    axis = _wrapped(dim, input.dim())
    count = 2 * (input.shape[axis] - 1) if n is None else n
    if count < 1:
        raise _messages_fourier.data_points(count)
    if n is not None:
        input = _resized(input, [axis], [n // 2 + 1])
    scale = _norm(norm, forward)
    if forward:
        input = input.conj()
    return _c2r(input, (axis,), scale, count, out=out)


_ONE = "SymInt? n=None, int64_t dim=-1, std::string_view? norm=None, *, Tensor out=None)"
_ARGUMENTS = """
    Args:
        input: tensor{kind}; integers are converted to the default dtype.
        n: number of points; the input is cut, or zeros are put behind it.
        dim: the dimension that is transformed.
        norm: ``"forward"``, ``"backward"`` or ``"ortho"``, which direction is scaled.
    Returns:
        Tensor of {result} dtype.
    """


def _declare_one(name: str, call: Any, summary: str, kind: str, result: str) -> None:
    def function(input, n=None, dim=-1, norm=None, out=None):
        return call(input, n, dim, norm, out)

    function.__doc__ = f"{summary}\n{_ARGUMENTS.format(kind=kind, result=result)}"
    _declare(f"fft_{name}(Tensor input, {_ONE}", function)


_IN_FLOAT32 = Autocast(cpu="float32")


def _declare(signature: str, function: Any, autocast: Autocast | None = _IN_FLOAT32) -> None:
    """Declare a function that takes care of ``out=`` itself."""
    schema = Schema(signature)
    bind = make_binder(schema)
    name = signature.partition("(")[0]

    def call(*args, **kwargs):
        return function(**bind(args, kwargs))

    call.__doc__ = function.__doc__
    call.__name__ = call.__qualname__ = name
    call.__module__ = "torch._C._fft"
    call.__signature__ = CallSignature(schema)  # type: ignore[attr-defined]
    publish(name, call, registry=FFT_FUNCTIONS, autocast=autocast)


def _fft(input, n, dim, norm, out):
    if input.dtype.is_complex:
        return _from_complex("fft", input, n, dim, norm, True, out)
    return _from_real("fft", input, n, dim, norm, True, False, out)


def _ifft(input, n, dim, norm, out):
    if input.dtype.is_complex:
        return _from_complex("ifft", input, n, dim, norm, False, out)
    return _from_real("ifft", input, n, dim, norm, False, False, out)


_declare_one(
    "fft",
    _fft,
    "Discrete Fourier transform ``y_k = sum_j x_j exp(-2 pi i j k / n)``.",
    "",
    "a complex",
)
_declare_one(
    "ifft",
    _ifft,
    "Inverse discrete Fourier transform ``x_j = sum_k y_k exp(2 pi i j k / n) / n``.",
    "",
    "a complex",
)
_declare_one(
    "rfft",
    lambda input, n, dim, norm, out: _from_real("rfft", input, n, dim, norm, True, True, out),
    "Discrete Fourier transform of real numbers, without its mirrored half.",
    " of real numbers",
    "a complex",
)
_declare_one(
    "ihfft",
    lambda input, n, dim, norm, out: _from_real("ihfft", input, n, dim, norm, False, True, out),
    "Inverse of ``hfft``: from real numbers to the first half of a mirrored signal.",
    " of real numbers",
    "a complex",
)
_declare_one(
    "irfft",
    lambda input, n, dim, norm, out: _to_real("irfft", input, n, dim, norm, False, out),
    "Inverse of ``rfft``: from a half of mirrored numbers to real ones.",
    "",
    "a real",
)
_declare_one(
    "hfft",
    lambda input, n, dim, norm, out: _to_real("hfft", input, n, dim, norm, True, out),
    "Discrete Fourier transform of a Hermitian signal of which a half is given.",
    "",
    "a real",
)


# Several dimensions


def _complex_nd(input, s, dim, norm, forward, out) -> Any:
    name = "fftn"
    sizes, dims = _canonical(input, s, dim)
    input = _promoted(input, True)
    input = _resized(input, dims, sizes)
    scale = _norm(norm, forward)
    _needs_complex(name, out)
    if not dims:
        return input.clone() if out is None else record.write_result(out, input, name)
    return _c2c(input, tuple(dims), scale, forward, out=out)


def _rfftn(input, s, dim, norm, out) -> Any:
    if input.dtype.is_complex:
        raise _messages_fourier.real_valued_input("rfftn", input.dtype._legacy_name)
    sizes, dims = _canonical(input, s, dim)
    if not sizes:
        raise _messages_fourier.no_axis("rfftn")
    input = _resized(_promoted(input), dims, sizes)
    scale = _norm(norm, True)
    _needs_complex("rfftn", out)
    return _r2c(input, tuple(dims), scale, True, out=out)


def _half(name, input, s, dim) -> tuple[list[int], list[int], int]:
    """Return sizes and dimensions of the half that goes in, and the last size that comes out."""
    sizes, dims = _canonical(input, s, dim)
    if not sizes:
        raise _messages_fourier.no_axis(name)
    last = 2 * (input.shape[dims[-1]] - 1) if s is None or s[-1] == -1 else sizes[-1]
    if last < 1:
        raise _messages_fourier.data_points(last)
    return [*sizes[:-1], last // 2 + 1], dims, last


def _irfftn(input, s, dim, norm, out) -> Any:
    sizes, dims, last = _half("irfftn", input, s, dim)
    input = _resized(_promoted(input, True), dims, sizes)
    scale = _norm(norm, False)
    _needs_floating("irfftn", out)
    return _c2r(input, tuple(dims), scale, last, out=out)


def _hfftn(input, s, dim, norm, out) -> Any:
    sizes, dims, last = _half("hfftn", input, s, dim)
    input = _resized(_promoted(input, True), dims, sizes)
    scale = _norm(norm, True)
    if len(dims) > 1:
        input = _c2c(input, tuple(dims[:-1]), scale, True)
    _needs_floating("hfftn", out)
    return _c2r(input.conj(), (dims[-1],), scale, last, out=out)


def _ihfftn(input, s, dim, norm, out) -> Any:
    sizes, dims = _canonical(input, s, dim)
    if not sizes:
        raise _messages_fourier.no_axis("ihfftn")
    if input.dtype.is_complex:
        raise _messages_fourier.only_floating(input.dtype._legacy_name)
    input = _resized(_promoted(input), dims, sizes)
    scale = _norm(norm, False)
    result = _r2c(input, (dims[-1],), scale, True)
    if len(dims) == 1:
        if out is None:
            return result.conj()
        # torch 2.13 writes to its own intermediate result here, and leaves ``out`` as it was.
        if out.dtype is not result.dtype:
            raise messages.output_dtype(result.dtype._legacy_name, out.dtype._legacy_name)
        return out
    _needs_complex("ihfftn", out)
    return _c2c(result.conj_physical(), tuple(dims[:-1]), scale, False, out=out)


_SEVERAL = {
    "fft": (
        lambda input, s, dim, norm, out: _complex_nd(input, s, dim, norm, True, out),
        "Discrete Fourier transform in {dims}.",
    ),
    "ifft": (
        lambda input, s, dim, norm, out: _complex_nd(input, s, dim, norm, False, out),
        "Inverse discrete Fourier transform in {dims}.",
    ),
    "rfft": (
        _rfftn,
        "Discrete Fourier transform of real numbers in {dims}, without its mirrored half.",
    ),
    "irfft": (_irfftn, "Inverse of the transform of real numbers in {dims}."),
    "hfft": (
        _hfftn,
        "Discrete Fourier transform, in {dims}, of a Hermitian signal given by a half.",
    ),
    "ihfft": (
        _ihfftn,
        "Inverse of the transform, in {dims}, of a Hermitian signal given by a half.",
    ),
}
_SEVERAL_DOC = """
    Args:
        input: tensor; integers are converted to the default dtype.
        s: number of points in each dimension, -1 for those that there are.
        dim: the dimensions that are transformed.
        norm: ``"forward"``, ``"backward"`` or ``"ortho"``, which direction is scaled.
    Returns:
        Tensor of the transform.
    """


def _declare_several(name: str, call: Any, summary: str) -> None:
    def two(input, s=None, dim=(-2, -1), norm=None, out=None):
        return call(input, s, dim, norm, out)

    def any_number(input, s=None, dim=None, norm=None, out=None):
        return call(input, s, dim, norm, out)

    two.__doc__ = summary.format(dims="two dimensions") + "\n" + _SEVERAL_DOC
    any_number.__doc__ = summary.format(dims="several dimensions") + "\n" + _SEVERAL_DOC
    head = "(Tensor input, SymIntArrayRef[1]? s=None, IntArrayRef[1]"
    tail = "std::string_view? norm=None, *, Tensor out=None)"
    # torch 2.13 does not list the transforms of a half in several dimensions.
    autocast = None if name in ("hfft", "ihfft") else _IN_FLOAT32
    _declare(f"fft_{name}2{head} dim={{-2,-1}}, {tail}", two, autocast)
    _declare(f"fft_{name}n{head}? dim=None, {tail}", any_number, autocast)


for _name, (_call, _summary) in _SEVERAL.items():
    _declare_several(_name, _call, _summary)


# Frequencies and shifts


def _frequencies(name: str) -> Any:
    schema = Schema(
        f"fft_{name}(int64_t n, double d=1.0, *, Tensor out=None, ScalarType dtype=None, "
        "Layout layout=None, Device device=None, bool pin_memory=False, bool requires_grad=False)"
    )

    def call(*args, **kwargs):
        _, bound = schema.bind(args, kwargs)
        n, d, dtype, out = (bound[each] for each in ("n", "d", "dtype", "out"))
        if n < 0 and name == "fftfreq":
            raise messages.negative_dimension((n,))
        if out is not None:
            if dtype is not None and dtype is not out.dtype:
                raise messages.out_dtype(dtype._legacy_name, out.dtype._legacy_name)
            dtype = out.dtype
        dtype = dtype or local.trace.mode.default_dtype
        if not is_inexact(dtype):
            raise _messages_fourier.frequency_dtype(name)
        if dtype.is_complex:
            raise _messages_fourier.complex_frequency(dtype._legacy_name)
        device = device_for(bound["device"], out)
        check_options(bound, device)
        steps = np.arange(int(n / 2) + 1) if name == "rfftfreq" else np.arange(n)
        if name == "fftfreq":
            steps[(n + 1) // 2 :] -= n
        wide = np.float64 if dtype._name == "float64" else np.float32
        with np.errstate(all="ignore"):
            factor = np.float64(1) / (np.float64(n) * d)
            values = as_dtype(steps.astype(wide), dtype).astype(wide) * factor.astype(wide)
        if out is not None:
            return write_out(out, values, dtype, name)
        return fresh_tensor(as_dtype(values, dtype), dtype, device, bound["requires_grad"])

    call.__doc__ = f"""Sample frequencies ``k / (n d)`` of the points of a transform{
        " of real numbers" if name == "rfftfreq" else ""
    }.

    Args:
        n: number of points.
        d: distance between two samples.
        out, dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    """
    call.__name__ = call.__qualname__ = f"fft_{name}"
    call.__module__ = "torch._C._fft"
    call.__signature__ = CallSignature(schema)  # type: ignore[attr-defined]
    return call


publish("fft_fftfreq", _frequencies("fftfreq"), registry=FFT_FUNCTIONS)
publish("fft_rfftfreq", _frequencies("rfftfreq"), registry=FFT_FUNCTIONS)


def _shift(name: str, amount: Any, summary: str) -> None:
    def function(input, dim=None):
        ndim = input.dim()
        dims = range(ndim) if dim is None else dim
        shape = input.shape
        for each in dims:
            if not -max(ndim, 1) <= each < max(ndim, 1):
                raise messages.dim_out_of_range(each, ndim)
        return input.roll([amount(shape[each]) if ndim else 0 for each in dims], list(dims))

    function.__doc__ = f"""{summary}

    Args:
        input: tensor.
        dim: the dimensions that are shifted; all of them unless given.
    Returns:
        Tensor of the same shape and dtype.
    """
    op(f"fft_{name}(Tensor input, IntArrayRef[1]? dim=None)", method=False, registry=FFT_FUNCTIONS)(
        function
    )


_shift("fftshift", lambda size: size // 2, "Move the frequency 0 to the middle.")
_shift("ifftshift", lambda size: (size + 1) // 2, "Invert ``fftshift``.")
