"""The interpreter's NumPy kernels against XLA: the same results but for the last bits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax import lax

from jtorch._engine.interpreter.rules import RULES
from jtorch._engine.interpreter.translate import translate, without_rule

RANDOM = np.random.RandomState(0)
# Denormals are left out: XLA flushes them to zero, NumPy and PyTorch do not.
EDGES = np.array(
    [0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, np.inf, -np.inf, np.nan, 1e30, -1e30, 3e9],
    np.float32,
)
SMALL = EDGES[:9]
INDICES = np.array([[0, 2], [1, -1], [9, -9]])


def normal(*shape: int) -> np.ndarray:
    """Return float32 numbers."""
    return RANDOM.randn(*shape).astype(np.float32)


#: Parameters that change no result in NumPy, or that the result itself tells.
HARMLESS = frozenset(
    {
        *("indices_are_sorted", "unique_indices", "is_stable", "update_consts", "update_jaxpr"),
        *("weak_type", "preferred_element_type", "sharding"),
    }
)


class _Read(dict):
    """Parameters that know which of them were asked for."""

    def __init__(self, params):
        super().__init__(params)
        self.read = set()

    def __getitem__(self, name):
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.read.add(name)
        return super().get(name, default)


def unread(jaxpr):
    """Return the parameters of its equations that their rules do not ask for."""
    found = set()
    for equation in jaxpr.eqns:
        rule = RULES.get(equation.primitive.name)
        if rule is not None and equation.primitive.name != "squeeze":  # which asks the result
            params = _Read(equation.params)
            if rule(equation.replace(params=params)) is not None:
                found |= {name for name in set(params) - params.read if params[name] is not None}
    return found


def check(function, *arguments, rtol=1e-5, atol=1e-6):
    """Compare a function by XLA and by the interpreter, dtypes and shapes included."""
    expected = jax.tree.leaves(jax.jit(function)(*arguments))
    closed = jax.make_jaxpr(function)(*arguments)
    assert unread(closed.jaxpr) <= HARMLESS
    with np.errstate(all="ignore"):
        results = translate(closed.jaxpr, closed.consts).function(*arguments)
    assert len(results) == len(expected)
    for result, wanted in zip(results, map(np.asarray, expected), strict=True):
        result = np.asarray(result)
        assert (result.shape, result.dtype) == (wanted.shape, wanted.dtype)
        if wanted.dtype == ml_dtypes.bfloat16:
            result, wanted = result.astype(np.float32), wanted.astype(np.float32)
        if wanted.dtype.kind in "fc":
            np.testing.assert_allclose(result, wanted, rtol=rtol, atol=atol)
        else:
            np.testing.assert_array_equal(result, wanted)


UNARY = (
    *("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "ceil", "cos", "cosh"),
    *("erf", "erfc", "erf_inv", "exp", "exp2", "expm1", "floor", "is_finite", "log", "log1p"),
    *("logistic", "neg", "rsqrt", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh"),
)
PERIODIC = ("sin", "cos", "tan")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_element(name, dtype):
    numbers = SMALL if name in PERIODIC or dtype.endswith("16") else EDGES
    tolerance = {"float16": 2e-3, "bfloat16": 2e-2}.get(dtype, 1e-5)
    check(getattr(lax, name), numbers.astype(np.dtype(dtype)), rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("name", ["abs", "cos", "exp", "log", "neg", "sign", "sin", "sqrt", "tanh"])
def test_functions_of_complex_numbers(name):
    check(getattr(lax, name), (normal(5) + 1j * normal(5)).astype(np.complex64))


PAIRS = ["add", "sub", "mul", "div", "rem", "max", "min", "pow", "atan2", "nextafter"]


@pytest.mark.parametrize("name", PAIRS)
def test_functions_of_pairs(name):
    check(getattr(lax, name), np.repeat(EDGES, len(EDGES)), np.tile(EDGES, len(EDGES)))


INTEGERS = ["int8", "uint8", "int32", "int64", "uint32"]
OF_INTEGERS = (
    *("add", "sub", "mul", "div", "rem", "max", "min", "eq", "lt"),
    *("bitwise_and", "bitwise_or", "bitwise_xor"),
    *("shift_left", "shift_right_logical", "shift_right_arithmetic"),
)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", OF_INTEGERS)
def test_functions_of_integers(name, dtype):
    left = np.array([0, 1, 2, 3, 7, 127, 255, 128, 5]).astype(dtype)
    right = np.array([0, 2, 253, 0, 2, 1, 9, 255, 5]).astype(dtype)
    check(getattr(lax, name), left, right)


@pytest.mark.parametrize("target", [*INTEGERS, "bool", "float16", "float64", "bfloat16"])
@pytest.mark.parametrize("source", ["float32", "float16", "float64", "int32", "bool"])
def test_conversions(source, target):
    numbers = np.array([0, 1, 7, 100]) if source in ("int32", "bool") else EDGES
    with np.errstate(over="ignore"):
        numbers = numbers.astype(source)
    check(lambda array: lax.convert_element_type(array, np.dtype(target)), numbers)


@pytest.mark.parametrize("exponent", [-3, -2, -1, 0, 1, 2, 3, 5, 10])
def test_powers_of_integers(exponent):
    check(lambda array: lax.integer_pow(array, exponent), normal(7))


ELEMENTWISE = {
    "round away": (lambda a: lax.round(a, lax.RoundingMethod.AWAY_FROM_ZERO), EDGES),
    "round to even": (lambda a: lax.round(a, lax.RoundingMethod.TO_NEAREST_EVEN), EDGES),
    "clamp": (lambda a: lax.clamp(np.float32(-0.5), a, np.float32(0.5)), EDGES),
    "bits": (lambda a: lax.bitcast_convert_type(a, np.int32), EDGES),
    "precision": (lambda a: lax.reduce_precision(a, 8, 7), normal(20)),
    "complex": (lax.complex, normal(3), normal(3)),
    "gradient of imag": (
        jax.grad(lambda a: (jnp.imag(a) * jnp.real(a)).sum(), holomorphic=False),
        (normal(3) + 1j * normal(3)).astype(np.complex64),
    ),
    "choice": (lax.select_n, np.array([0, 2, 1], np.int32), normal(3), normal(3), normal(3)),
    "population": (lax.population_count, np.array([0, 1, 255], np.uint8)),
}
SHAPES = {
    "pad": (
        lambda a: lax.pad(a, np.float32(9), ((1, 2, 1), (-1, -2, 0), (-2, 3, 2))),
        normal(3, 6, 4),
    ),
    "pad negatively": (
        lambda a: lax.pad(a, np.float32(9), ((-2, -1, 2), (0, 0, 0), (1, -3, 1))),
        normal(3, 6, 4),
    ),
    "pad away": (lambda a: lax.pad(a, np.float32(9), ((-4, 0, 0), (0, 0, 0))), normal(4, 6)),
    "slice at": (lambda a, i: lax.dynamic_slice(a, (i, i), (2, 3)), normal(4, 5), np.int32(9)),
    "update at": (
        lambda a, new, i: lax.dynamic_update_slice(a, new, (i, i)),
        *(normal(4, 5), normal(2, 3), np.int32(9)),
    ),
    "reverse": (lambda a: lax.rev(a, (0, 2)), normal(2, 3, 4)),
    "reshape in another order": (
        lambda a: lax.reshape(a, (6, 4), dimensions=(1, 0, 2)),
        normal(2, 3, 4),
    ),
    "gradient of a product of many": (
        jax.grad(lambda a: (jnp.prod(a, 1) * jnp.arange(4.0)).sum()),
        normal(2, 5, 4),
    ),
    "transpose": (lambda a: lax.transpose(a, (2, 0, 1)), normal(2, 3, 4)),
    "iota": (lambda: lax.broadcasted_iota(np.int32, (3, 4), 1),),
    "slice": (lambda a: a[1:3, ::2, ::-1], normal(4, 5, 6)),
    "join": (lambda a, b: jnp.concatenate([a, b], 1), normal(2, 3), normal(2, 4)),
    "stack": (lambda a, b: jnp.stack([a, b, a], 1), normal(2, 3), normal(2, 3)),
    "stack at the end": (lambda a, b: jnp.stack([a, b], -1), normal(2, 3), normal(2, 3)),
    "unstack": (lambda a: jnp.unstack(a, axis=1), normal(2, 3)),
    "unstack one": (lambda a: jnp.unstack(a), normal(1, 3)),
    "unstack numbers": (lambda a: jnp.unstack(a), normal(3)),
    "split": (lambda a: jnp.split(a, 3, 1), normal(2, 6)),
}
REDUCTIONS = {
    **{
        f"{name} of {kind}": (lambda a, name=name: getattr(jnp, name)(a, (0, 2)), numbers)
        for name in ("sum", "prod", "max", "min")
        for kind, numbers in {
            "float32": normal(3, 4, 5),
            "float16": normal(3, 4, 5).astype(np.float16),
            "int32": np.arange(60, dtype=np.int32).reshape(3, 4, 5) % 3 + 1,
        }.items()
    },
    "max of nothing": (lambda a: lax.reduce_max(a, (0,)), normal(0, 3)),
    "sum of nothing": (lambda a: a.sum(0), normal(0, 3)),
    "any": (lambda a: (a > 0).any(1), normal(3, 4)),
    "all": (lambda a: (a > -9).all(), normal(3, 4)),
    "argmax": (lambda a: jnp.argmax(a, 1), np.stack([EDGES, EDGES])),
    "argmin": (lambda a: jnp.argmin(a, 0), normal(4, 5)),
    "sort": (lambda a: lax.sort(a), EDGES),
    "sort with": (
        lambda a, b: lax.sort((a, b), dimension=1, num_keys=1),
        *(np.round(normal(3, 9)), normal(3, 9)),
    ),
    "sort by two": (
        lambda a, b, c: lax.sort((a, b, c), num_keys=2),
        *(np.round(normal(9)), np.round(normal(9)), normal(9)),
    ),
    **{
        f"{name} {'back' if reverse else 'on'}": (
            lambda a, name=name, reverse=reverse: getattr(lax, name)(a, 1, reverse),
            normal(3, 6),
        )
        for name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")
        for reverse in (False, True)
    },
}
GATHERING = {
    "rows": (lambda a, i: a[i], normal(4, 5, 6), INDICES),
    "columns": (lambda a, i: a[:, i], normal(4, 5, 6), INDICES),
    "two indices": (lambda a, i: a[i, :, i], normal(4, 5, 6), INDICES),
    "take": (lambda a, i: jnp.take(a, i, axis=1), normal(4, 5, 6), INDICES),
    "clipped": (lambda a, i: jnp.take(a, i, axis=2, mode="clip"), normal(4, 5, 6), INDICES),
    "along": (
        lambda a, i: jnp.take_along_axis(a, i, 1),
        *(normal(3, 5), np.array([[0, 4, 2], [1, 1, 9], [0, 0, -1]])),
    ),
    "among slices": (lambda a, i: a[1:3, i, ::2], normal(4, 5, 6), INDICES),
    "integers": (lambda a, i: a[i], np.arange(12, dtype=np.int32).reshape(3, 4), INDICES),
    "a batch": (
        lambda a, i: jax.vmap(lambda row, k: lax.dynamic_slice(row, (k,), (2,)))(a, i),
        *(normal(3, 5), np.array([0, 4, 2])),
    ),
}
SCATTERING = {
    f"{way} {name}": (
        lambda a, i, u, where=where, way=way: getattr(a.at[where(i)], way)(u),
        *(normal(4, 5, 6), INDICES, normal(*shape)),
    )
    for way in ("set", "add", "multiply", "min", "max")
    for name, where, shape in (
        ("rows", lambda i: i, (3, 2, 5, 6)),
        ("columns", lambda i: (slice(None), i), (4, 3, 2, 6)),
        ("two indices", lambda i: (i, slice(None), i), (3, 2, 5)),
        ("among slices", lambda i: (slice(1, 3), i[0, 0], slice(None, None, 2)), (2, 3)),
        ("a slice", lambda i: slice(1, 3), (2, 5, 6)),
    )
}
CONTROL = {
    "while": (
        lambda a: lax.while_loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, s[1] * a), (0, a)),
        normal(3),
    ),
    "while of a batch": (
        jax.vmap(
            lambda a, n: lax.while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * 2), (0, a))
        ),
        *(normal(4, 3), np.array([2, 0, 5, 3])),
    ),
    "scan": (
        lambda a: lax.scan(lambda c, x: (c + x, c * x), jnp.zeros(3, jnp.float32), a),
        normal(5, 3),
    ),
    "scan back": (
        lambda a: lax.scan(lambda c, x: (c + x, c * x), jnp.zeros(3, jnp.float32), a, reverse=True),
        normal(5, 3),
    ),
    "cond": (lambda a: lax.cond(a.sum() > 0, lambda x: x + 1, lambda x: x - 1, a), normal(3)),
    "softmax": (jax.nn.softmax, normal(3, 4)),
    "a gradient": (jax.grad(lambda a: jnp.tanh(a @ a.T).sum()), normal(3, 3)),
}
ALL = {**ELEMENTWISE, **SHAPES, **REDUCTIONS, **GATHERING, **SCATTERING, **CONTROL}


@pytest.mark.parametrize("name", ALL)
def test_results_are_those_of_xla(name):
    function, *arguments = ALL[name]
    check(function, *arguments)


PRODUCTS = (
    *("ij,jk->ik", "bij,bjk->bik", "ij,kj->ki", "i,i->", "i,j->ij", "ij,j->i", "bhqd,bhkd->bhqk"),
    *("abc,cbd->ad",),
)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bfloat16", "complex64"])
@pytest.mark.parametrize("equation", PRODUCTS)
def test_products(equation, dtype):
    sizes = dict(zip("abcdhijkq", range(2, 11), strict=True))
    sides = equation.partition("->")[0].split(",")
    arrays = [
        (3 * normal(*[sizes[letter] for letter in side])).astype(np.dtype(dtype)) for side in sides
    ]
    tolerance = 2e-2 if dtype == "bfloat16" else 1e-5
    check(lambda a, b: jnp.einsum(equation, a, b), *arrays, rtol=tolerance, atol=tolerance * 10)


BY_XLA = {
    "lgamma": (lax.lgamma, SMALL),
    "top_k": (lambda a: lax.top_k(a, 3), normal(3, 9)),
    "conv_general_dilated": (
        lambda a, b: lax.conv(a, b, (1, 1), "SAME"),
        *(normal(2, 3, 8, 8).astype(np.float16), normal(4, 3, 3, 3).astype(np.float16)),
    ),
}

#: Shapes of the input and the kernel, and the other arguments.
CONVOLUTIONS = {
    "of one dimension": ((2, 4, 9), (6, 4, 3), {"padding": ((1, 2),)}),
    "of none": ((2, 3), (4, 3), {"padding": ()}),
    "of three": ((2, 3, 5, 6, 4), (2, 3, 2, 2, 2), {"padding": ((1, 0), (0, 0), (1, 1))}),
    "in steps": ((2, 4, 9, 8), (6, 4, 3, 2), {"window_strides": (2, 3), "padding": "VALID"}),
    "with gaps in the kernel": (
        *((2, 4, 9, 8), (6, 4, 3, 2)),
        {"rhs_dilation": (2, 3), "padding": ((2, 1), (0, 3))},
    ),
    "with gaps in the input": (
        *((2, 4, 5, 4), (6, 4, 3, 2)),
        {"lhs_dilation": (2, 3), "padding": ((2, 1), (0, 3))},
    ),
    "cut away": ((2, 3, 9, 9), (2, 3, 2, 2), {"padding": ((-1, -2), (-3, 0))}),
    "cut away between gaps": (
        *((2, 3, 9, 9), (2, 3, 2, 2)),
        {"lhs_dilation": (3, 2), "padding": ((-1, -2), (-3, 0))},
    ),
    "of groups": ((2, 4, 9), (6, 2, 3), {"feature_group_count": 2, "padding": "SAME"}),
    "of each feature": ((2, 4, 6, 5), (8, 1, 3, 3), {"feature_group_count": 4, "padding": "SAME"}),
    "of groups of the batch": (
        *((4, 3, 9, 8), (6, 3, 3, 3)),
        {"batch_group_count": 2, "padding": "SAME"},
    ),
    "features last": (
        *((2, 9, 8, 4), (3, 3, 4, 5)),
        {"padding": "SAME", "dimension_numbers": ("NHWC", "HWIO", "NHWC")},
    ),
    "of a kernel larger than the result": ((3, 2, 9, 9), (4, 2, 8, 8), {"padding": "VALID"}),
    "of nothing": ((0, 3, 4, 4), (2, 3, 2, 2), {"padding": "SAME"}),
    "without a result": ((1, 3, 2, 2), (2, 3, 5, 5), {"padding": "VALID"}),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_and_their_gradients(name):
    inputs, kernel, arguments = CONVOLUTIONS[name]
    arguments = {"window_strides": (1,) * (len(inputs) - 2)} | arguments

    def convolve(a, b):
        return lax.conv_general_dilated(a, b, **arguments)

    def weighted(a, b):
        made = convolve(a, b)
        return (made * jnp.cos(jnp.arange(made.size, dtype=made.dtype)).reshape(made.shape)).sum()

    arrays = normal(*inputs), normal(*kernel)
    check(convolve, *arrays, rtol=1e-4, atol=1e-4)
    check(jax.grad(weighted, (0, 1)), *arrays, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", BY_XLA)
def test_primitives_without_a_rule_are_run_by_xla(name):
    before = without_rule.get(name, 0)
    function, *arguments = BY_XLA[name]
    check(function, *arguments, rtol=1e-4, atol=1e-4)
    assert without_rule[name] > before


def test_denormals_are_kept():
    closed = jax.make_jaxpr(lambda a: a * 1)(np.float32(1e-40))
    (result,) = translate(closed.jaxpr, closed.consts).function(np.float32(1e-40))
    assert result == np.float32(1e-40) != 0
