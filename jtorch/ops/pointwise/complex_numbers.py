"""Complex numbers: their making, angles and conjugates (as copies; the views are in shape)."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from ..._core import dtypes
from ..._core.dtypes import dtype as DType
from ..._engine.declare import Autocast, Out, op, publish
from ..._engine.recording import record
from ..._engine.recording.kinds.pointwise import Pointwise
from .._shared import out_dtypes
from .._shared.gradient_rules import with_partials
from . import _messages


class _Angle(Pointwise):
    def result_dtype(self, compute):
        return compute.to_real()


@op(
    "angle(Tensor input, *, Tensor out=None)",
    kind=_Angle(operands=("input",), promote="float"),
    arity="unary",
    saves=("input",),
)
def angle(input):
    """Return the angle of each number in the complex plane, in radians.

    Args:
        input: tensor; of a real one negative numbers have the angle pi.
    Returns:
        Tensor of a floating point dtype.
    """
    if input.dtype.kind == "c":
        zero = input == 0
        return jnp.where(zero, 0, jnp.angle(jnp.where(zero, 1, input)))
    return _real_angle(input)


_real_angle = with_partials(
    lambda x: jnp.where(jnp.isnan(x), x, jnp.where(x < 0, jnp.pi, 0).astype(x.dtype)), None
)


@op(
    "conj_physical(Tensor input, *, Tensor out=None)",
    kind=Pointwise(operands=("input",), wide=False),
    arity="unary",
    method=False,
    function=False,
    inplace=True,
    saves=(),
    node_name="ConjPhysicalBackward0",
    out=Out(dtype=out_dtypes.found_dtype),
)
def _conjugate(input):
    """Conjugate each complex number."""
    return jnp.conj(input) if input.dtype.kind == "c" else input


def _of_complex(call):
    """Return a function that hands real tensors back as they are, as PyTorch does."""

    def conj_physical(*args, **kwargs):
        if len(args) == 1 and not kwargs:
            dtype = getattr(args[0], "dtype", None)
            if isinstance(dtype, DType) and not dtype.is_complex:
                return args[0]
        return call(*args, **kwargs)

    conj_physical.__doc__ = """Conjugate each complex number.

    Args:
        input: tensor; a real one is returned itself.
    Returns:
        Tensor of the same dtype.
    """
    conj_physical.__module__ = "torch"
    return conj_physical


publish(
    "conj_physical",
    _of_complex(_conjugate.call),
    method=_of_complex(record.make_unary(_conjugate, True)),
    signatures=_conjugate,
)
_conjugate_in_place = _conjugate.inplace_twin.call  # counted as a write of real ones, too
publish(
    "conj_physical_", _conjugate_in_place, method=_conjugate_in_place, refused=("(Tensor input)",)
)


_PARTS = (dtypes.float16, dtypes.float32, dtypes.float64)


class _Parts(Pointwise):
    def plan(self, operator, bound, mode):
        first, second = (bound[name].meta.dtype for name in self.operands)
        if first not in _PARTS or second not in _PARTS:
            raise _messages.complex_parts(first._legacy_name, second._legacy_name)
        if first is not second:
            raise _messages.second_part(first._legacy_name, second._legacy_name)
        if first is dtypes.float16:
            raise NotImplementedError(
                "jtorch has no torch.complex32 (ComplexHalf); convert the float16 operands to "
                "float32"
            )
        return super().plan(operator, bound, mode)

    def result_dtype(self, compute):
        return compute.to_complex()


@op(
    "complex(Tensor real, Tensor imag, *, Tensor out=None)",
    kind=_Parts(operands=("real", "imag")),
    method=False,
    saves=(),
    keeps={"real": "real", "imag": "imag"},
    out=Out(dtype=out_dtypes.argument_out),
)
def complex(real, imag):
    """Make complex numbers of their real and imaginary parts.

    Args:
        real, imag: tensors of float32 or float64, both of one dtype, that broadcast together.
    Returns:
        Tensor of complex64 or complex128.
    """
    return _join(real, imag)


def _join(real, imag):
    return lax.complex(*jnp.broadcast_arrays(real, imag))


@op(
    "polar(Tensor abs, Tensor angle, *, Tensor out=None)",
    kind=_Parts(operands=("abs", "angle")),
    method=False,
    autocast=Autocast(cpu="float32"),
    keeps={"result": None},
    copies=("abs", "angle"),
    out=Out(dtype=out_dtypes.argument_out),
)
def polar(abs, angle):
    """Make complex numbers of their absolute values and angles.

    Args:
        abs, angle: tensors of float32 or float64, both of one dtype, that broadcast together.
    Returns:
        Tensor of complex64 or complex128.
    """
    return _polar(abs, angle)


def _polar_value(abs, angle):
    return _join(abs * jnp.cos(angle), abs * jnp.sin(angle))


def _direction(abs, angle):
    """Return the unit number of the result, 0 for 0: what PyTorch's gradient is made of."""
    return _polar_value(jnp.sign(abs), angle)


_polar = with_partials(
    _polar_value,
    lambda tangent, abs, angle: tangent * _direction(abs, angle),
    lambda tangent, abs, angle: tangent * (1j * _polar_value(abs, angle)),
)
