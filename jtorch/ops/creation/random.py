"""Random tensors. Every draw happens at once, on the host for tensors of the CPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ... import _random
from ..._core import dtypes, messages
from ..._core.device import CPU, META, tensor_type_device
from ..._core.dtypes import dtype as DType
from ..._core.dtypes import is_inexact
from ..._core.schema.schema import Schema
from ..._core.strides import memory_order
from ..._engine.backward._messages import random_write_to_unbatched
from ..._engine.declare import Out, op, publish
from ..._engine.execution import devices, failures, transfer
from ..._engine.graph.op import Op, Spec
from ..._engine.graph.values import NO_GRAD, RESULT, Meta, is_tensor, make_meta, ready
from ..._engine.recording import record
from ..._engine.recording.kinds.base import Custom, broadcast_shapes
from ..._engine.recording.storage import current_value, overwrite
from ..._engine.recording.storage import slow as _storage
from ..._engine.recording.trace import local
from ..._runtime.generator import generator_of
from .._shared import out_dtypes
from .._shared.gradient_rules import not_differentiable
from ..shape.copying import format_strides
from . import _messages, cuda_draws
from .creation import (
    check_options,
    check_out_dtype,
    check_size,
    device_for,
    device_of,
    filled_tensor,
    publish_function,
)
from .sampling_gradients import gamma_gradient

_OPTIONS = (
    "ScalarType dtype=None, Layout layout=None, Device device=None, bool pin_memory=False, "
    "bool requires_grad=False)"
)

#: ``draw(engine, shape, dtype)`` returns an array that is filled in row-major order.
Draw = Callable[[Any, tuple[int, ...], Any], np.ndarray]


def _drawn(meta: Meta, generator: Any, draw: Draw, once: bool = False) -> Any:
    """Return an array of draws for a tensor, in the order of its memory.

    Args:
        meta: of the tensor.
        generator: where to draw from; ``None`` for the device's own.
        draw: how to draw.
        once: whether one program will use it. A NumPy array is handed to a program in a tenth of
            the time that it takes to make an array of JAX of it.
    """
    if meta.device is META:
        return devices.NO_ELEMENTS
    keyed = _keyed()
    if keyed is not None:
        shape = (*local.trace.drawing_sizes(), *meta.shape)
        return local.trace.drawn(keyed.draw(draw, shape, meta), meta)
    source = generator_of(generator, meta.device)
    order = _drawing_order(meta)
    shape = meta.shape if order is None else tuple([meta.shape[dim] for dim in order])
    slices = local.trace.drawing_sizes() if local.trace.captures else ()
    if slices:
        if order is not None:
            raise _messages.order_of_slices()
        draw, shape = _sliced(draw, slices), (*slices, *shape)
    with source._lock:
        try:
            if meta.device is CPU:
                array = draw(source._engine, shape, meta.dtype._numpy)
            else:
                array = cuda_draws.draw(source._engine, draw, shape, meta)
        except MemoryError:
            raise failures.out_of_memory(meta.nbytes, meta.device) from None
    if slices:
        return local.trace.drawn(transfer.put(array, meta.device), meta)
    if order is not None:
        array = array.transpose(sorted(range(meta.ndim), key=order.__getitem__))
        if meta.device is CPU:
            array = np.ascontiguousarray(array)
    return transfer.put(array, CPU) if meta.device is CPU and not once else array


def _keyed() -> Any:
    """Return the trace that draws from a key of JAX, if one does (``jtorch.interop``)."""
    trace: Any = local.trace
    if not trace.captures:
        return None
    trace.refuse_randomness()
    return trace.keyed()


class Named:
    """A draw with what it is called where JAX draws it from a key.

    Attributes:
        distribution: the name, and the parameters.
        kernel: the same for PyTorch's CUDA kernel, where that is another one (``cuda_draws``).
    """

    def __init__(self, distribution: tuple, draw: Draw, kernel: tuple | None = None):
        self.distribution = distribution
        self.kernel = kernel or distribution
        self._draw = draw

    def __call__(self, engine: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return self._draw(engine, shape, dtype)


def _sliced(draw: Draw, slices: tuple[int, ...]) -> Draw:
    """Return how to draw for each slice of ``vmap``: all at once, but for permutations."""
    if not getattr(draw, "permutes", False):
        return draw

    def one_by_one(engine: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        own = shape[len(slices) :]
        rows = [draw(engine, own, dtype) for _ in range(math.prod(slices))]
        return np.array(rows, dtype).reshape(shape)

    return one_by_one


def _drawing_order(meta: Meta) -> tuple[int, ...] | None:
    """Return the dimensions from the outermost in memory; ``None`` where that is their order."""
    if meta.contiguous or meta.ndim < 2:
        return None
    order = memory_order(meta.shape, meta.strides)
    if order is None:
        order = tuple(sorted(range(meta.ndim), key=lambda dim: (-meta.strides[dim], dim)))
    return None if order == tuple(range(meta.ndim)) else order


class _Uniform:
    """Draws from [low, high)."""

    def __init__(self, low: float, high: float):
        self.low, self.high = low, high
        self.distribution = ("uniform", low, high)

    def __call__(self, engine: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return _random.uniform(engine, shape, dtype, self.low, self.high)


class _Normal:
    """Draws normal numbers; ``contiguous`` as ``_random.normal`` wants it."""

    def __init__(self, mean: float, std: float, contiguous: bool = True):
        self.mean, self.std, self.contiguous = mean, std, contiguous
        self.distribution = ("normal", mean, std)

    def __call__(self, engine: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return _random.normal(engine, shape, dtype, self.mean, self.std, self.contiguous)


def _rand(engine: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    if np.dtype(dtype).kind == "c":
        parts = _random.rand(engine, (*shape, 2), f"f{np.dtype(dtype).itemsize // 2}")
        return parts.view(dtype)[..., 0]
    return _random.rand(engine, shape, dtype)


_rand.distribution = ("uniform", 0.0, 1.0)  # type: ignore[attr-defined]
_STANDARD = _Normal(0.0, 1.0)


def _fresh(meta: Meta, generator: Any, draw: Draw, requires_grad: bool) -> Any:
    """Return a new tensor of draws."""
    if requires_grad:
        if not is_inexact(meta.dtype):
            raise messages.integer_requires_grad()
        return record.fresh(_drawn(meta, generator, draw), meta).requires_grad_()
    return record.fresh(_drawn(meta, generator, draw), meta)


def _made(bound: dict[str, Any], size: tuple[int, ...], draw: Draw, dtype: DType | None) -> Any:
    """Make what ``torch.rand`` and related functions make of their bound arguments.

    Args:
        bound: generator, out, dtype, layout, device, pin_memory and requires_grad.
        size: of the result.
        draw: how to draw.
        dtype: that of the result unless it is given; ``None`` for the default dtype.
    """
    out = bound.get("out")
    device = device_for(bound["device"], out)
    check_options(bound, device)
    if out is not None:
        check_out_dtype(bound["dtype"], out)
        if local.trace.mode.grad and out.requires_grad:
            raise _messages.fill_gradient("rand")
        check_size(size, out.dtype, None, device)
        meta = make_meta(size, out.dtype, device)
        if tuple(out.shape) != size:
            out.resize_(size)
        record.assign_out(out, ready(_drawn(meta, bound.get("generator"), draw), meta))
        return out
    dtype = bound["dtype"] or dtype or local.trace.mode.default_dtype
    check_size(size, dtype, None, device)
    meta = make_meta(size, dtype, device)
    return _fresh(meta, bound.get("generator"), draw, bound["requires_grad"])


def _sized(name: str, draw: Draw, doc: str) -> Callable:
    """Make ``torch.rand`` and ``torch.randn``."""
    schema = Schema(
        f"{name}(SymIntArrayRef size, *, Generator? generator, Tensor out=None, {_OPTIONS}",
        f"{name}(SymIntArrayRef size, *, Tensor out=None, {_OPTIONS}",
    )

    def make(*args: Any, **kwargs: Any) -> Any:
        _, bound = schema.bind(args, kwargs)
        return _made(bound, bound["size"], draw, None)

    make.__doc__ = doc
    return make


rand = _sized(
    "rand",
    _rand,
    """Draw uniformly from [0, 1).

    Args:
        size: of the result.
        generator: what to draw from, the default one unless given.
        out, dtype, layout, device, pin_memory, requires_grad: as of ``torch.zeros``.
    """,
)
randn = _sized(
    "randn",
    _STANDARD,
    """Draw normal numbers of mean 0 and variance 1; arguments as of ``torch.rand``.""",
)

_RANDINT = Schema(
    *[
        f"randint({bounds}, SymIntArrayRef size, *, {generator}Tensor out=None, {_OPTIONS}"
        for bounds in ("SymInt high", "SymInt low, SymInt high")
        for generator in ("Generator? generator, ", "")
    ]
)


def randint(*args: Any, **kwargs: Any) -> Any:
    """Draw integers from [low, high).

    Args:
        low: 0 unless given.
        high: one above the highest.
        size: of the result, a sequence.
        generator, out, dtype, layout, device, pin_memory, requires_grad: as of ``torch.rand``; the
            dtype is int64 unless given.
    """
    _, bound = _RANDINT.bind(args, kwargs)
    low, high = bound.get("low", 0), bound["high"]
    if bound["requires_grad"] and bound["dtype"] is None:
        raise messages.integer_requires_grad()
    return _made(bound, bound["size"], _integers(low, high), dtypes.int64)


def _integers(low: int, high: int) -> Draw:
    return Named(
        ("integers", low, high),
        lambda engine, shape, dtype: _random.randint(engine, low, high, shape, dtype),
    )


_RANDPERM = Schema(
    f"randperm(SymInt n, *, Generator? generator, Tensor out=None, {_OPTIONS}",
    f"randperm(SymInt n, *, Tensor out=None, {_OPTIONS}",
)


def randperm(*args: Any, **kwargs: Any) -> Any:
    """Draw a permutation of 0 to n - 1; arguments as of ``torch.rand``, the dtype int64."""
    _, bound = _RANDPERM.bind(args, kwargs)
    count = bound["n"]
    if count < 0:
        raise messages.negative_dimension((count,))
    return _made(bound, (count,), _permutation, dtypes.int64)


def _permutation(engine: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    return _random.randperm(engine, shape[0], dtype)


_permutation.permutes = True  # type: ignore[attr-defined]
_permutation.distribution = ("permutation",)  # type: ignore[attr-defined]


def _like(name: str, bounds: tuple[str, ...], make_draw: Callable) -> Callable:
    """Make ``torch.rand_like`` and related functions."""
    schema = Schema(
        *[
            f"{name}(Tensor input, {ends}*, {generator}MemoryFormat? memory_format=None, {_OPTIONS}"
            for ends in bounds
            for generator in ("Generator? generator, ", "")
        ]
    )

    def make(*args: Any, **kwargs: Any) -> Any:
        _, bound = schema.bind(args, kwargs)
        like = bound["input"]._value.meta
        device = device_of(bound["device"], like.device)
        check_options(bound, device)
        strides = format_strides(like, bound["memory_format"])
        meta = make_meta(like.shape, bound["dtype"] or like.dtype, device, strides)
        draw = make_draw(bound, meta)
        return _fresh(meta, bound.get("generator"), draw, bound["requires_grad"])

    make.__doc__ = f"""Draw as ``torch.{name.removesuffix("_like")}`` does, like another tensor.

    Args:
        input: the tensor whose size, dtype, device and order in memory the result has.
        memory_format: how it lies in memory instead.
        generator, dtype, layout, device, pin_memory, requires_grad: as of ``torch.rand``.
    """
    return make


def _bound(value: Any) -> int:
    return int(value.item()) if is_tensor(value) else value


rand_like = _like("rand_like", ("",), lambda bound, meta: _rand)
randn_like = _like("randn_like", ("",), lambda bound, meta: _Normal(0.0, 1.0, meta.contiguous))
randint_like = _like(
    "randint_like",
    ("SymInt low, SymInt high, ", "Tensor high, ", "SymInt high, "),
    lambda bound, meta: _integers(bound.get("low", 0), _bound(bound["high"])),
)


# Results that depend on tensors


def _of_draw_spec(operation, bound, mode) -> Spec:
    operand, drawn = bound["input"], bound["other"]
    return Spec([operand, drawn], (drawn.meta.with_grad(NO_GRAD),), saves=())


def _declare_draw(name: str, node_name: str, inplace: bool) -> Op:
    """Declare the operator that puts draws into a graph: their gradient is zero.

    Args:
        name: of the operator, without its prefix.
        node_name: class name of its ``grad_fn``.
        inplace: whether the draws replace the elements of a tensor, and make no new one.
    """

    @op(
        f"_drawn_{name}(Tensor input, Tensor other)",
        kind=Custom(_of_draw_spec),
        inplace=inplace,
        method=False,
        function=False,
        saves=(),
        node_name=node_name,
    )
    def drawn_operator(array: Any, drawn: Any) -> Any:
        """Stand for random numbers whose distribution ``input`` decided, or that replace it."""
        return drawn

    return drawn_operator


# What replaces the elements of a tensor
_DRAWN_UNIFORM = _declare_draw("uniform_", "UniformBackward0", inplace=True)
_DRAWN_NORMAL = _declare_draw("normal_", "NormalBackward0", inplace=True)
_DRAWN_RANDOM = _declare_draw("random_", "RandomBackward2", inplace=True)
_DRAWN_RANDOM_TO = _declare_draw("random_to", "RandomBackward1", inplace=True)
_DRAWN_RANDOM_FROM = _declare_draw("random_from", "RandomBackward0", inplace=True)
_DRAWN_COIN = _declare_draw("bernoulli_", "BernoulliBackward2", inplace=True)
_DRAWN_COINS = _declare_draw("bernoulli_tensor", "BernoulliBackward1", inplace=True)
_DRAWN_EXPONENTIAL = _declare_draw("exponential_", "ExponentialBackward0", inplace=True)
_DRAWN_GEOMETRIC = _declare_draw("geometric_", "GeometricBackward0", inplace=True)
_DRAWN_CAUCHY = _declare_draw("cauchy_", "CauchyBackward0", inplace=True)
_DRAWN_LOG_NORMAL = _declare_draw("log_normal_", "LogNormalBackward0", inplace=True)
# What makes a new tensor
_DRAWN_BERNOULLI = _declare_draw("bernoulli", "BernoulliBackward0", inplace=False)
_DRAWN_POISSON = _declare_draw("poisson", "PoissonBackward0", inplace=False)
_DRAWN_BINOMIAL = _declare_draw("binomial", "BinomialBackward0", inplace=False)
_DRAWN_NORMAL_MEAN = _declare_draw("normal_mean", "NormalBackward1", inplace=False)
_DRAWN_NORMAL_STD = _declare_draw("normal_std", "NormalBackward2", inplace=False)


def _of_pair_spec(operation, bound, mode) -> Spec:
    mean, std, drawn = bound["input"], bound["std"], bound["other"]
    return Spec([mean, std, drawn], (drawn.meta.with_grad(NO_GRAD),), saves=())


@op(
    "_drawn_normal_both(Tensor input, Tensor std, Tensor other)",
    kind=Custom(_of_pair_spec),
    method=False,
    function=False,
    saves=(),
    node_name="NormalBackward3",
)
def _drawn_normal_both(mean: Any, std: Any, drawn: Any) -> Any:
    """Stand for normal numbers of a mean and a deviation that are both tensors."""
    return drawn


def _elements(tensor: Any) -> np.ndarray:
    """Return the elements of a tensor, behind those of all slices that are drawn for."""
    return local.trace.all_slices(current_value(tensor))


def _in_graph(operator: Op, tensor: Any, result: Any) -> Any:
    """Return draws as a result of the tensor that decided their distribution."""
    if local.trace.mode.grad and tensor.requires_grad:
        return operator.call(tensor, result)
    return result


def _result(like: Any, array: np.ndarray, dtype: DType | None = None) -> Any:
    meta = like._value.meta
    slices = len(local.trace.drawing_sizes())
    result = make_meta(array.shape[slices:], dtype or meta.dtype, meta.device)
    return record.fresh(local.trace.drawn(transfer.put(array, meta.device), result), result)


def _engine_for(generator: Any, tensor: Any) -> Any:
    """Return the engine that draws on the host for a tensor."""
    source = generator_of(generator, tensor.device)
    if source._device is CPU:
        return source._engine
    return cuda_draws.host_engine(source._engine, tensor.numel())


def _written(out: Any, result: Any, name: str) -> Any:
    return result if out is None else record.write_result(out, result, name)


_BERNOULLI = Schema(
    "bernoulli(Tensor input, *, Generator? generator=None, Tensor out=None)",
    "bernoulli(Tensor input, double p, *, Generator? generator=None)",
)


def _bernoulli(bound: dict[str, Any], input: Any) -> Any:
    generator, probability = bound["generator"], bound.get("p")
    if probability is not None:
        meta = make_meta(input.shape, input.dtype, input.device)
        return _fresh(meta, generator, _coin(probability), False)
    if input.device is META:
        return filled_tensor(make_meta(input.shape, input.dtype, META), 0)
    if not (input.dtype.is_floating_point):
        raise messages.not_implemented("bernoulli_tensor_cpu_p_", input.dtype._legacy_name)
    if _keyed() is not None:
        drawn = (rand_like(input) < input.detach()).to(input.dtype)
        return _written(bound.get("out"), _in_graph(_DRAWN_BERNOULLI, input, drawn), "bernoulli")
    weights = _elements(input)
    meta = make_meta(input.shape, input.dtype, input.device)
    drawn = _fresh(meta, generator, _Coins(weights), False)
    return _written(bound.get("out"), _in_graph(_DRAWN_BERNOULLI, input, drawn), "bernoulli")


class _Coins:
    """Draws 1 with a probability of each element's own, and 0 else."""

    def __init__(self, probability: np.ndarray):
        self.probability = probability
        self.kernel = ("coins", probability)

    def __call__(self, engine: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return _random.bernoulli_tensor(engine, self.probability, dtype)


def _coin(probability: float) -> Draw:
    return Named(
        ("bernoulli", probability),
        lambda engine, shape, dtype: _random.bernoulli(engine, probability, shape, dtype),
    )


_MULTINOMIAL = Schema(
    "multinomial(Tensor input, int64_t num_samples, bool replacement=False, *, "
    "Generator? generator=None, Tensor out=None)"
)


def _multinomial(bound: dict[str, Any], input: Any) -> Any:
    if input.device is META:
        shape = (*input.shape[:-1], bound["num_samples"])
        return filled_tensor(make_meta(shape, dtypes.int64, META), 0)
    weights = _elements(input)
    sliced = len(local.trace.drawing_sizes()) > 0
    rows = weights.reshape(-1, weights.shape[-1]) if sliced else weights
    array = _random.multinomial(
        _engine_for(bound["generator"], input), rows, bound["num_samples"], bound["replacement"]
    )
    if sliced:
        array = array.reshape(*weights.shape[:-1], array.shape[-1])
    result = _result(input, array, dtypes.int64)
    return _written(bound.get("out"), result, "multinomial")


_POISSON = Schema("poisson(Tensor input, Generator? generator=None)")


def _poisson(bound: dict[str, Any], input: Any) -> Any:
    array = _random.poisson(_engine_for(bound["generator"], input), _elements(input))
    return _in_graph(_DRAWN_POISSON, input, _result(input, array))


_BINOMIAL = Schema("binomial(Tensor count, Tensor prob, Generator? generator=None)")


def binomial(*args: Any, **kwargs: Any) -> Any:
    """Draw how many of ``count`` trials succeed, each with the probability ``prob``."""
    _, bound = _BINOMIAL.bind(args, kwargs)
    count, prob = bound["count"], bound["prob"]
    trials, chances = np.broadcast_arrays(_elements(count), _elements(prob))
    array = _random.binomial(_engine_for(bound["generator"], count), trials, chances)
    return _in_graph(_DRAWN_BINOMIAL, prob, _result(count, array))


def _sample_spec(operation, bound, mode) -> Spec:
    operand, drawn = bound["input"], bound["other"]
    return Spec([operand, drawn], (drawn.meta.with_grad(NO_GRAD),))


@jax.custom_vjp
def _gamma_sample(alpha: Any, sample: Any) -> Any:
    """Return the sample, with the gradient of its implicit reparametrisation."""
    return sample


def _gamma_forward(alpha: Any, sample: Any) -> tuple[Any, tuple[Any, Any]]:
    return sample, (alpha, sample)


def _gamma_backward(saved: tuple[Any, Any], cotangent: Any) -> tuple[Any, Any]:
    alpha, sample = saved
    return cotangent * gamma_gradient(alpha, sample), jnp.zeros_like(sample)


_gamma_sample.defvjp(_gamma_forward, _gamma_backward)


@op(
    "_gamma_of(Tensor input, Tensor other)",
    kind=Custom(_sample_spec),
    method=False,
    function=False,
    node_name="StandardGammaBackward0",
)
def _gamma_of(alpha: Any, sample: Any) -> Any:
    """Stand for gamma numbers drawn for a concentration, with their gradient for it."""
    return _gamma_sample(alpha, sample)


_STANDARD_GAMMA = Schema("_standard_gamma(Tensor input, Generator? generator=None)")


def _standard_gamma(*args: Any, **kwargs: Any) -> Any:
    """Draw gamma numbers of scale 1, with gradients for the concentration."""
    _, bound = _STANDARD_GAMMA.bind(args, kwargs)
    input = bound["input"]
    engine = _engine_for(bound["generator"], input)
    result = _result(input, _random.standard_gamma(engine, _elements(input)))
    if local.trace.mode.grad and input.requires_grad:
        return _gamma_of.call(input, result)
    return result


@op(
    "_dirichlet_of(Tensor input, Tensor other)",
    kind=Custom(_sample_spec),
    method=False,
    function=False,
    saves=(),
    node_name="NotImplemented",
    vjp=not_differentiable("_sample_dirichlet"),
)
def _dirichlet_of(concentration: Any, sample: Any) -> Any:
    """Stand for vectors drawn for concentrations, with the gradient that PyTorch refuses."""
    return sample


_SAMPLE_DIRICHLET = Schema("_sample_dirichlet(Tensor input, Generator? generator=None)")


def _sample_dirichlet(*args: Any, **kwargs: Any) -> Any:
    """Draw from Dirichlet distributions, one for each row of concentrations."""
    _, bound = _SAMPLE_DIRICHLET.bind(args, kwargs)
    input = bound["input"]
    engine = _engine_for(bound["generator"], input)
    result = _result(input, _random.dirichlet(engine, _elements(input)))
    if local.trace.mode.grad and input.requires_grad:
        return _dirichlet_of.call(input, result)
    return result


def _aligned(tensor: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return the elements of a tensor so that they broadcast to draws of a shape."""
    array = _elements(tensor)
    slices = len(local.trace.drawing_sizes())
    missing = (1,) * (len(shape) - array.ndim)
    return array.reshape((*array.shape[:slices], *missing, *array.shape[slices:]))


def _moved(draw: Draw, mean: Any, std: Any) -> Draw:
    """Return a draw of standard numbers that are scaled and shifted.

    On the host, where a product is rounded before something is added to it, as PyTorch's is: a
    program of XLA would round the sum only.
    """

    def moved(engine: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        scaled = (draw(engine, shape, dtype) * _aligned(std, shape)).astype(dtype, copy=False)
        shift = _aligned(mean, shape) if is_tensor(mean) else mean
        return (scaled + shift).astype(dtype, copy=False)

    return moved


_NORMAL = Schema(
    "normal(Tensor mean, Tensor std, *, Generator? generator=None, Tensor out=None)",
    "normal(Tensor mean, double std=1, *, Generator? generator=None, Tensor out=None)",
    "normal(double mean, Tensor std, *, Generator? generator=None, Tensor out=None)",
    f"normal(double mean, double std, SymIntArrayRef size, *, Generator? generator=None, "
    f"Tensor out=None, {_OPTIONS}",
)


def normal(*args: Any, **kwargs: Any) -> Any:
    """Draw normal numbers.

    Args:
        mean, std: numbers, or tensors of one for each element.
        size: of the result, where both are numbers.
        generator, out, dtype, layout, device, pin_memory, requires_grad: as of ``torch.rand``.
    Raises:
        RuntimeError: ``std`` is negative.
    """
    index, bound = _NORMAL.bind(args, kwargs)
    mean, std = bound["mean"], bound["std"]
    if index == 3:
        if bound["device"] is None and bound["out"] is None:  # it has no part in default devices
            bound["device"] = tensor_type_device()
        return _made(bound, bound["size"], _Normal(mean, std), None)
    tensors = [number for number in (mean, std) if is_tensor(number)]
    for tensor in tensors:
        local.trace.check_same(current_value(tensor))
    if is_tensor(std):
        if std.dtype.is_complex:
            raise RuntimeError("normal expects standard deviation to be non-complex")
        if std.numel() and _keyed() is None and (_elements(std) < 0).any():
            raise RuntimeError("normal expects all elements of std >= 0.0")
    out = bound["out"]
    shapes = [tuple(tensor.shape) for tensor in tensors]
    if index == 1 and out is not None:
        shapes.append(tuple(out.shape))  # the numbers are drawn into it, and the mean is added
    like = tensors[0]._value.meta
    dtype = like.dtype if out is None else out.dtype
    meta = make_meta(broadcast_shapes(shapes), dtype, like.device)
    factor = 1.0 if is_tensor(std) else std
    with_grad = local.trace.mode.grad and any(tensor.requires_grad for tensor in tensors)
    draw: Draw = _Normal(0.0, factor)
    if is_tensor(std) and like.device is CPU and _keyed() is None:
        result = _fresh(meta, bound["generator"], _moved(draw, mean, std), False)
    else:
        result = _fresh(meta, bound["generator"], draw, False)
        previous = [number.detach() if is_tensor(number) else number for number in (mean, std)]
        if is_tensor(std):
            result = result * previous[1]
        result = result + previous[0]
    if with_grad and index == 0:
        result = _drawn_normal_both.call(mean, std, result)
    elif with_grad:
        operator = _DRAWN_NORMAL_MEAN if index == 1 else _DRAWN_NORMAL_STD
        result = operator.call(tensors[0], result)
    return _written(out, result, "normal")


# In place


def _redraw(tensor: Any, operator: Op, generator: Any, draw: Draw) -> Any:
    """Replace the elements of a tensor by draws."""
    _storage.check_write(tensor, ())
    value = current_value(tensor)
    meta = value.meta
    if (
        0 in meta.strides
        and meta.numel
        and any(
            size > 1 and stride == 0 for size, stride in zip(meta.shape, meta.strides, strict=True)
        )
    ):
        raise messages.overlapping_write()
    trace = local.trace
    if trace.captures and trace.drawing_sizes() and not trace.is_mapped(value):
        raise random_write_to_unbatched()
    plain = meta.with_grad(NO_GRAD)
    array = _drawn(plain, generator, draw)
    if meta.grad == RESULT:
        drawn = record.fresh(array, plain)
        return operator.inplace_twin.call(tensor, drawn)
    overwrite(tensor, ready(array, meta))
    return tensor


def _in_place(signatures: tuple[str, ...], make_draw: Callable, doc: str) -> Callable:
    """Make ``Tensor.uniform_`` or a related method; ``make_draw`` gives operator and draw."""
    name = signatures[0].partition("(")[0]
    schema = Schema(
        *[text.replace("(", "(Tensor input, ", 1).replace(", )", ")") for text in signatures],
        method=signatures,
    )

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        index, bound = schema.bind(args, kwargs, True)
        operator, draw = make_draw(self, index, bound)
        return _redraw(self, operator, bound["generator"], draw)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = doc
    publish(name, method=method)
    return method


def _draw_random(self: Any, index: int, bound: dict[str, Any]) -> tuple[Op, Draw]:
    low, high = bound.get("from"), bound.get("to")
    operator = (_DRAWN_RANDOM, _DRAWN_RANDOM_FROM, _DRAWN_RANDOM_TO)[index]

    def draw(engine: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        return _random.random_(engine, shape, dtype, low, high)

    if high is None:
        draw.kernel = ("integers",)  # type: ignore[attr-defined]
        return operator, draw
    return operator, Named(("integers", low or 0, high), draw)


def _draw_bernoulli(self: Any, index: int, bound: dict[str, Any]) -> tuple[Op, Draw]:
    probability = bound["p"]
    if index == 1:
        return _DRAWN_COIN, _coin(probability)
    shape = (*local.trace.drawing_sizes(), *self.shape)
    weights = np.broadcast_to(_aligned(probability, shape), shape)
    order = _drawing_order(current_value(self).meta)
    if order is not None:
        weights = weights.transpose(order)
    return _DRAWN_COINS, _Coins(weights)


_in_place(
    ("uniform_(double from=0, double to=1, *, Generator? generator=None)",),
    lambda self, index, bound: (_DRAWN_UNIFORM, _Uniform(bound["from"], bound["to"])),
    "Draw every element uniformly from [from, to).",
)
_in_place(
    ("normal_(double mean=0, double std=1, *, Generator? generator=None)",),
    lambda self, index, bound: (
        _DRAWN_NORMAL,
        _Normal(bound["mean"], bound["std"], current_value(self).meta.contiguous),
    ),
    "Draw every element from a normal distribution.",
)
_in_place(
    (
        "random_(*, Generator? generator=None)",
        "random_(int64_t from, int64_t? to, *, Generator? generator=None)",
        "random_(int64_t to, *, Generator? generator=None)",
    ),
    _draw_random,
    "Draw every element from the integers of [from, to); by default all that the dtype counts to.",
)
_in_place(
    (
        "bernoulli_(Tensor p, *, Generator? generator=None)",
        "bernoulli_(double p=0.5, *, Generator? generator=None)",
    ),
    _draw_bernoulli,
    "Draw every element from 0 and 1, 1 with the probability ``p``.",
)
_in_place(
    ("exponential_(double lambd=1, *, Generator? generator=None)",),
    lambda self, index, bound: (
        _DRAWN_EXPONENTIAL,
        Named(
            ("exponential", bound["lambd"]),
            lambda engine, shape, dtype: _random.exponential(engine, shape, dtype, bound["lambd"]),
        ),
    ),
    "Draw every element from an exponential distribution of rate ``lambd``.",
)
_in_place(
    ("geometric_(double p, *, Generator? generator=None)",),
    lambda self, index, bound: (
        _DRAWN_GEOMETRIC,
        Named(
            ("geometric", bound["p"]),
            lambda engine, shape, dtype: _random.geometric(engine, shape, dtype, bound["p"]),
        ),
    ),
    "Draw for every element the number of trials until one of probability ``p`` succeeds.",
)
_in_place(
    ("cauchy_(double median=0, double sigma=1, *, Generator? generator=None)",),
    lambda self, index, bound: (
        _DRAWN_CAUCHY,
        Named(
            ("cauchy", bound["median"], bound["sigma"]),
            lambda engine, shape, dtype: _random.cauchy(
                engine, shape, dtype, bound["median"], bound["sigma"]
            ),
        ),
    ),
    "Draw every element from a Cauchy distribution.",
)
_in_place(
    ("log_normal_(double mean=1, double std=2, *, Generator? generator=None)",),
    lambda self, index, bound: (
        _DRAWN_LOG_NORMAL,
        Named(
            ("log_normal", bound["mean"], bound["std"]),
            lambda engine, shape, dtype: _random.log_normal(
                engine, shape, dtype, bound["mean"], bound["std"]
            ),
        ),
    ),
    "Draw every element as e to the power of a normal number.",
)


def _publish_both(
    name: str,
    schema: Schema,
    run: Callable,
    doc: str,
    method: bool = True,
    out: Out | None = None,
) -> None:
    """Publish the function and the method of an operator that depends on a tensor."""

    def function(*args: Any, **kwargs: Any) -> Any:
        _, bound = schema.bind(args, kwargs)
        return run(bound, bound["input"])

    def bound_method(self: Any, *args: Any, **kwargs: Any) -> Any:
        _, bound = schema.bind(args, kwargs, True)
        return run(bound, self)

    for form in (function, bound_method):
        form.__name__ = form.__qualname__ = name
        form.__module__ = "torch"
        form.__doc__ = doc
    publish(name, function, method=bound_method if method else None, out=out)


_publish_both(
    "bernoulli",
    _BERNOULLI,
    _bernoulli,
    "Draw 0 or 1 for each probability.",
    out=Out(any_dtype=True),
)
_publish_both(
    "multinomial",
    _MULTINOMIAL,
    _multinomial,
    "Draw indices, with the weights of each row; by default none of them twice.",
    out=Out(dtype=out_dtypes.multinomial),
)
_publish_both(
    "poisson", _POISSON, _poisson, "Draw Poisson numbers of the given rates.", method=False
)

publish_function("rand", rand)
publish_function("randn", randn)
publish_function("randint", randint)
publish_function("randperm", randperm)
publish_function("rand_like", rand_like)
publish_function("randn_like", randn_like)
publish_function("randint_like", randint_like)
publish_function("normal", normal, out=Out(uncastable=out_dtypes.normal))
publish_function("binomial", binomial)
publish_function("_standard_gamma", _standard_gamma)
publish_function("_sample_dirichlet", _sample_dirichlet)
